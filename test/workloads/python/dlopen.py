# SPDX-License-Identifier: Apache-2.0
"""
A libssl that is loaded long after the program started. In: `--libssl PATH`. The program has no TLS at all until the starter
answers its first line; then it loads that file, and calls it through ctypes: `SSL_write`, or with `--ex` `SSL_write_ex`.
With `--gate` it waits once more between loading and the handshake and says at which addresses the functions are, so that a
test can look for a breakpoint there.
"""

import ctypes
import os
import socket
import urllib.parse

from support import digest, endpoint, http_request, read_options, report, signal_and_wait


def extra(parser):
    parser.add_argument("--libssl", required=True)
    parser.add_argument("--ex", action="store_true")
    parser.add_argument("--gate", action="store_true")


VERIFY_PEER = 1
CTRL_SET_TLSEXT_HOSTNAME = 55


def load(path):
    library = ctypes.CDLL(path)
    for name in ["TLS_client_method", "SSL_CTX_new", "SSL_new"]:
        getattr(library, name).restype = ctypes.c_void_p
    return library


def handshake(library, host, port):
    context = ctypes.c_void_p(library.SSL_CTX_new(ctypes.c_void_p(library.TLS_client_method())))
    if library.SSL_CTX_load_verify_locations(context, os.environ["SSL_CERT_FILE"].encode(), None) != 1:
        raise SystemExit("cannot load SSL_CERT_FILE")
    library.SSL_CTX_set_verify(context, VERIFY_PEER, None)
    ssl = ctypes.c_void_p(library.SSL_new(context))
    connection = socket.create_connection((host, port))
    library.SSL_set_fd(ssl, connection.fileno())
    library.SSL_ctrl(ssl, CTRL_SET_TLSEXT_HOSTNAME, 0, host.encode())
    if library.SSL_connect(ssl) != 1:
        raise SystemExit("the handshake failed")
    return context, ssl, connection


def write(library, ssl, data, uses_ex):
    if not uses_ex:
        return library.SSL_write(ssl, data, len(data)) == len(data)
    written = ctypes.c_size_t()
    library.SSL_write_ex(ssl, data, ctypes.c_size_t(len(data)), ctypes.byref(written))
    return written.value == len(data)


def read(library, ssl, uses_ex):
    buffer = ctypes.create_string_buffer(65536)
    if not uses_ex:
        count = library.SSL_read(ssl, buffer, len(buffer))
        return buffer.raw[: max(0, count)]
    count = ctypes.c_size_t()
    library.SSL_read_ex(ssl, buffer, ctypes.c_size_t(len(buffer)), ctypes.byref(count))
    return buffer.raw[: count.value]


options = read_options(extra)
url = urllib.parse.urlsplit(endpoint(options))
signal_and_wait()
library = load(options.libssl)
if options.gate:
    names = ["SSL_write", "SSL_read", "SSL_write_ex", "SSL_read_ex"]
    signal_and_wait(functions={name: ctypes.cast(getattr(library, name), ctypes.c_void_p).value for name in names})

calls = []
for number in range(options.calls):
    context, ssl, connection = handshake(library, url.hostname, url.port)
    if not write(library, ssl, http_request(options, number, url.netloc), options.ex):
        raise SystemExit("SSL_write did not take the request")
    answer = b"".join(iter(lambda: read(library, ssl, options.ex), b""))
    calls.append({"status": int(answer.split(b" ", 2)[1]), "received": digest(answer)})
    library.SSL_free(ssl)
    library.SSL_CTX_free(context)
    connection.close()
report("python-dlopen", calls)
