// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Uprobes on OpenSSL's plaintext functions, and on those of the same name in BoringSSL and LibreSSL. In: calls of SSL_read,
 * SSL_write and their kin. Out: nothing of its own; calls.bpf.h and connections.bpf.c make the records.
 */
#include "calls.bpf.h"

/* int SSL_write(SSL *ssl, const void *buf, int num) */
SEC("uprobe")
int ssl_write_enter(struct pt_regs *ctx)
{
	return enter(ctx, ARGUMENTS_PLAIN, DIRECTION_TRANSMIT);
}

SEC("uretprobe")
int ssl_write_exit(struct pt_regs *ctx)
{
	return leave(ctx, CALL_PLAIN);
}

/* int SSL_read(SSL *ssl, void *buf, int num) */
SEC("uprobe")
int ssl_read_enter(struct pt_regs *ctx)
{
	return enter(ctx, ARGUMENTS_PLAIN, DIRECTION_RECEIVE);
}

SEC("uretprobe")
int ssl_read_exit(struct pt_regs *ctx)
{
	return leave(ctx, CALL_PLAIN);
}

/* int SSL_write_ex(SSL *s, const void *buf, size_t num, size_t *written) */
SEC("uprobe")
int ssl_write_ex_enter(struct pt_regs *ctx)
{
	return enter(ctx, ARGUMENTS_COUNT_4, DIRECTION_TRANSMIT);
}

SEC("uretprobe")
int ssl_write_ex_exit(struct pt_regs *ctx)
{
	return leave(ctx, CALL_EX);
}

/* int SSL_write_ex2(SSL *s, const void *buf, size_t num, uint64_t flags, size_t *written), OpenSSL 3.3 */
SEC("uprobe")
int ssl_write_ex2_enter(struct pt_regs *ctx)
{
	return enter(ctx, ARGUMENTS_COUNT_5, DIRECTION_TRANSMIT);
}

SEC("uretprobe")
int ssl_write_ex2_exit(struct pt_regs *ctx)
{
	return leave(ctx, CALL_EX);
}

/* int SSL_read_ex(SSL *ssl, void *buf, size_t num, size_t *readbytes) */
SEC("uprobe")
int ssl_read_ex_enter(struct pt_regs *ctx)
{
	return enter(ctx, ARGUMENTS_COUNT_4, DIRECTION_RECEIVE);
}

SEC("uretprobe")
int ssl_read_ex_exit(struct pt_regs *ctx)
{
	return leave(ctx, CALL_EX);
}

/* ossl_ssize_t SSL_sendfile(SSL *s, int fd, off_t offset, size_t size, int flags) */
SEC("uprobe")
int ssl_sendfile_enter(struct pt_regs *ctx)
{
	return enter(ctx, ARGUMENTS_NO_BUFFER, DIRECTION_TRANSMIT);
}

SEC("uretprobe")
int ssl_sendfile_exit(struct pt_regs *ctx)
{
	return leave(ctx, CALL_SENDFILE);
}

/* int SSL_write_early_data(SSL *s, const void *buf, size_t num, size_t *written) */
SEC("uprobe")
int ssl_write_early_data_enter(struct pt_regs *ctx)
{
	return enter(ctx, ARGUMENTS_COUNT_4, DIRECTION_TRANSMIT);
}

SEC("uretprobe")
int ssl_write_early_data_exit(struct pt_regs *ctx)
{
	return leave(ctx, CALL_EARLY_DATA);
}

/* int SSL_read_early_data(SSL *s, void *buf, size_t num, size_t *readbytes): 1 = SSL_READ_EARLY_DATA_SUCCESS */
SEC("uprobe")
int ssl_read_early_data_enter(struct pt_regs *ctx)
{
	return enter(ctx, ARGUMENTS_COUNT_4, DIRECTION_RECEIVE);
}

SEC("uretprobe")
int ssl_read_early_data_exit(struct pt_regs *ctx)
{
	return leave(ctx, CALL_EARLY_DATA);
}

/* void SSL_free(SSL *ssl) */
SEC("uprobe")
int ssl_free_enter(struct pt_regs *ctx)
{
	return is_self() ? 0 : connection_end(PT_REGS_PARM1(ctx));
}

/* int SSL_clear(SSL *ssl): the same SSL* starts over */
SEC("uprobe")
int ssl_clear_enter(struct pt_regs *ctx)
{
	return is_self() ? 0 : connection_end(PT_REGS_PARM1(ctx));
}

/*
 * int SSL_get_error(const SSL *ssl, int ret): what a failed call meant. SSL_read_ex says 0 for "later" and for "never again",
 * and SSL_read -1 for "later" and for a connection that was cut; this tells them apart.
 */
SEC("uprobe")
int ssl_get_error_enter(struct pt_regs *ctx)
{
	/* After a success there is nothing to learn. */
	return (int)PT_REGS_PARM2(ctx) > 0 ? 0 : enter(ctx, ARGUMENTS_NO_BUFFER, DIRECTION_RECEIVE);
}

/* include/openssl/ssl.h */
#define SSL_ERROR_SSL 1
#define SSL_ERROR_SYSCALL 5
#define SSL_ERROR_ZERO_RETURN 6

SEC("uretprobe")
int ssl_get_error_exit(struct pt_regs *ctx)
{
	int error = (int)PT_REGS_RC(ctx);
	struct connection_state *state;
	struct call *call;

	if (error == 0)
		return 0;
	call = call_take(ctx);
	if (!call || (error != SSL_ERROR_SSL && error != SSL_ERROR_SYSCALL && error != SSL_ERROR_ZERO_RETURN))
		return 0;
	state = connection_find(call->ssl);
	if (state)
		peer_closed(state);
	return 0;
}

/* int SSL_shutdown(SSL *ssl) */
SEC("uprobe")
int ssl_shutdown_enter(struct pt_regs *ctx)
{
	struct connection_state *state;

	if (is_self())
		return 0;
	state = connection_find(PT_REGS_PARM1(ctx));
	if (state && !(state->flags & CLOSE_PEER_CLOSED))
		state->flags |= CLOSE_LOCAL_CLOSED;
	return 0;
}
