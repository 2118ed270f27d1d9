// SPDX-License-Identifier: Apache-2.0
/*
 * A TLS client that counts its own library calls. In: libssl path, port, requests, body bytes, requests per second (0: as fast as
 * it goes). Out: one JSON line. libssl is opened at run time, so no headers of it are needed.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void *library;
static void *must(const char *name) {
  void *symbol = dlsym(library, name);
  if (!symbol) {
    fprintf(stderr, "%s\n", dlerror());
    exit(1);
  }
  return symbol;
}

int main(int argc, char **argv) {
  if (argc != 6) return 2;
  library = dlopen(argv[1], RTLD_NOW);
  if (!library) {
    fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  const long requests = atol(argv[3]);
  const int body = atoi(argv[4]);
  const double rate = atof(argv[5]);
  void *(*method)(void) = must("TLS_client_method");
  void *(*context_new)(void *) = must("SSL_CTX_new");
  void *(*ssl_new)(void *) = must("SSL_new");
  int (*set_fd)(void *, int) = must("SSL_set_fd");
  int (*connect_tls)(void *) = must("SSL_connect");
  int (*ssl_write)(void *, const void *, int) = must("SSL_write");
  int (*ssl_read)(void *, void *, int) = must("SSL_read");
  void (*ssl_free)(void *) = must("SSL_free");

  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (connect(fd, (struct sockaddr *)&address, sizeof(address))) return perror("connect"), 1;
  void *ssl = ssl_new(context_new(method()));
  set_fd(ssl, fd);
  if (connect_tls(ssl) != 1) return fprintf(stderr, "handshake failed\n"), 1;

  char *message = malloc(512 + body);
  int length = sprintf(message,
                       "POST /v1/messages HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
                       "content-length: %d\r\n\r\n{\"model\":\"fake\",\"messages\":[{\"role\":\"user\",\"content\":\"",
                       body);
  const char *end = "\"}]}";
  const int filler = body - (length - (int)(strstr(message, "\r\n\r\n") + 4 - message)) - (int)strlen(end);
  memset(message + length, 'x', filler);
  length += filler;
  memcpy(message + length, end, strlen(end));
  length += strlen(end);

  static char answer[65536];
  long reads = 0, writes = 0;
  const double start = now();
  for (long i = 0; i < requests; i++) {
    if (rate > 0) {
      const double wait = start + i / rate - now();
      if (wait > 0) usleep(wait * 1e6);
    }
    writes++;
    if (ssl_write(ssl, message, length) != length) return fprintf(stderr, "short write\n"), 1;
    int have = 0, want = -1;
    while (want < 0 || have < want) {
      const int n = ssl_read(ssl, answer + have, sizeof(answer) - 1 - have);
      reads++;
      if (n <= 0) return fprintf(stderr, "connection lost\n"), 1;
      have += n;
      answer[have] = 0;
      const char *head = strstr(answer, "\r\n\r\n"), *field = strstr(answer, "Content-Length: ");
      if (head && field) want = head + 4 - answer + atoi(field + 16);
    }
  }
  const double seconds = now() - start;
  ssl_free(ssl);
  printf("{\"requests\":%ld,\"seconds\":%f,\"reads\":%ld,\"writes\":%ld,\"bytes\":%ld}\n", requests, seconds, reads, writes,
         requests * (long)length);
  return 0;
}
