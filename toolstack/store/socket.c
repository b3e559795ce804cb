/* SPDX-License-Identifier: MIT */
/* Clients of domain 0, over the UNIX socket. */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../lib/util.h"
#include "socket.h"

#define IN_BYTES 16384
#define BATCH 16 /* messages in one system call */

struct socket_conn {
	struct conn c;
	int fd;
	size_t begin, end; /* of what was received and not served */
	bool drained;      /* there was no more when last asked; an event says when there is */
	char buffer[IN_BYTES];
};

static struct socket_conn *socket_of(struct conn *c)
{
	return (struct socket_conn *)c;
}

/* 1: the next request is there as a whole. */
static int next_request(struct socket_conn *sc)
{
	struct conn *c = &sc->c;
	size_t there = sc->end - sc->begin;

	if (there < sizeof(c->head))
		return 0;
	memcpy(&c->head, sc->buffer + sc->begin, sizeof(c->head));
	if (c->head.len > XENSTORE_PAYLOAD_MAX) {
		conn_cut(c, "a client sent a request longer than 4096 bytes");
		return -1;
	}
	if (there < sizeof(c->head) + c->head.len)
		return 0;
	memcpy(c->in, sc->buffer + sc->begin + sizeof(c->head), c->head.len);
	sc->begin += sizeof(c->head) + c->head.len;
	return 1;
}

static int socket_receive(struct conn *c)
{
	struct socket_conn *sc = socket_of(c);
	int got = next_request(sc);
	ssize_t n;

	if (got || sc->drained)
		return got;
	memmove(sc->buffer, sc->buffer + sc->begin, sc->end - sc->begin);
	sc->end -= sc->begin;
	sc->begin = 0;
	n = recv(sc->fd, sc->buffer + sc->end, IN_BYTES - sc->end, MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		return -1;
	sc->drained = n < (ssize_t)(IN_BYTES - sc->end) && !(n < 0 && errno == EINTR);
	if (n > 0)
		sc->end += (size_t)n;
	return next_request(sc);
}

static void socket_consumed(struct conn *c)
{
	(void)c;
}

static int socket_send(struct conn *c)
{
	struct message *m;

	while (!TAILQ_EMPTY(&c->out)) {
		struct iovec iov[BATCH];
		struct msghdr msg = { .msg_iov = iov };
		size_t all = 0;
		ssize_t n;

		TAILQ_FOREACH(m, &c->out, link)
		{
			if (msg.msg_iovlen == BATCH)
				break;
			iov[msg.msg_iovlen].iov_base = m->bytes + m->sent;
			iov[msg.msg_iovlen++].iov_len = m->len - m->sent;
			all += m->len - m->sent;
		}
		n = sendmsg(socket_of(c)->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
		conn_sent(c, (size_t)n);
		if ((size_t)n < all)
			return 0; /* an event says when there is room */
	}
	return 0;
}

static void socket_close(struct conn *c)
{
	close(socket_of(c)->fd);
}

static const struct conn_ops socket_ops = {
	.receive = socket_receive,
	.consumed = socket_consumed,
	.send = socket_send,
	.close = socket_close,
};

void socket_readable(struct conn *c)
{
	socket_of(c)->drained = false;
	conn_ready(c);
}

struct conn *socket_conn(struct store *s, int fd)
{
	struct socket_conn *sc =
		(struct socket_conn *)conn_new(s, &socket_ops, s->dom0, sizeof(*sc));

	sc->fd = fd;
	socket_readable(&sc->c);
	return &sc->c;
}
