/* SPDX-License-Identifier: MIT */
/* A client of the store: one request at a time; of events only that they came is kept. */

#include "storeclient.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <xen/io/xs_wire.h>

#include "../lib/util.h"

#define DEFAULT_PATH "/run/xenstored/socket"
#define PARTS_MAX 5
#define REOPEN_TRIES 50 /* of 100 ms */

bool store_open(struct store_client *s, const char *path, struct failure *f)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (!path)
		path = getenv("XENSTORED_PATH");
	if (!path)
		path = DEFAULT_PATH;
	*s = (struct store_client){ .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	if (s->fd >= 0 && !connect(s->fd, (struct sockaddr *)&address, sizeof(address)))
		return true;
	fail(f, FAIL_REACH, "the store does not answer at %s: %s; start pavise-stored", path,
	     strerror(errno));
	store_close(s);
	return false;
}

void store_close(struct store_client *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

bool store_reopen(struct store_client *s)
{
	const struct timespec moment = { .tv_nsec = 100000000 };

	for (int i = 0; i < REOPEN_TRIES; i++) {
		struct failure f = { 0 };

		store_close(s);
		if (store_open(s, NULL, &f))
			return true;
		nanosleep(&moment, NULL);
	}
	return false;
}

static int transfer(int fd, bool out, void *bytes, size_t len)
{
	for (size_t done = 0; done < len;) {
		char *at = (char *)bytes + done;
		ssize_t n =
			out ? send(fd, at, len - done, MSG_NOSIGNAL) : recv(fd, at, len - done, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return !n || errno == ECONNRESET || errno == EBADF ? -EPIPE : -errno;
		done += (size_t)n;
	}
	return 0;
}

/* One message from the store. body: zero-terminated, the caller frees. */
static int receive(struct store_client *s, struct xsd_sockmsg *h, char **body)
{
	int rc = transfer(s->fd, false, h, sizeof(*h));

	*body = NULL;
	if (rc)
		return rc;
	if (h->len > 1u << 20)
		return -EPROTO;
	*body = xzalloc(h->len + 1);
	return transfer(s->fd, false, *body, h->len);
}

static int error_number(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} errors[] = {
		{ "EINVAL", EINVAL }, { "EACCES", EACCES },   { "EEXIST", EEXIST },
		{ "EISDIR", EISDIR }, { "ENOENT", ENOENT },   { "ENOMEM", ENOMEM },
		{ "ENOSPC", ENOSPC }, { "EIO", EIO },         { "ENOTEMPTY", ENOTEMPTY },
		{ "ENOSYS", ENOSYS }, { "EROFS", EROFS },     { "EBUSY", EBUSY },
		{ "EAGAIN", EAGAIN }, { "EISCONN", EISCONN }, { "E2BIG", E2BIG },
		{ "EPERM", EPERM },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(errors); i++) {
		if (!strcmp(errors[i].name, name))
			return errors[i].number;
	}
	return EPROTO;
}

/* The answer's body to *answer unless that is NULL. 0 or -errno. */
static int request(struct store_client *s, uint32_t type, const struct iovec *parts, unsigned int n,
		   char **answer)
{
	struct xsd_sockmsg h = { .type = type, .tx_id = s->transaction };
	char *message, *body = NULL;
	size_t at = sizeof(h);
	int rc;

	for (unsigned int i = 0; i < n; i++)
		h.len += (uint32_t)parts[i].iov_len;
	message = xmalloc(sizeof(h) + h.len);
	memcpy(message, &h, sizeof(h));
	for (unsigned int i = 0; i < n; at += parts[i++].iov_len)
		memcpy(message + at, parts[i].iov_base, parts[i].iov_len);
	rc = transfer(s->fd, true, message, at);
	free(message);
	while (!rc) {
		rc = receive(s, &h, &body);
		if (rc || h.type != XS_WATCH_EVENT)
			break;
		s->event = true;
		free(body);
	}
	s->broken |= rc == -EPIPE;
	if (!rc && h.type == XS_ERROR)
		rc = -error_number(body);
	if (!rc && answer)
		*answer = body;
	else
		free(body);
	return rc;
}

/* With strings that keep their final zero. */
static int request_strings(struct store_client *s, uint32_t type, const char *const *strings,
			   unsigned int n, char **answer)
{
	struct iovec parts[PARTS_MAX];

	for (unsigned int i = 0; i < n; i++)
		parts[i] = (struct iovec){ (void *)strings[i], strlen(strings[i]) + 1 };
	return request(s, type, parts, n, answer);
}

char *store_read(struct store_client *s, const char *path)
{
	char *answer = NULL;

	errno = -request_strings(s, XS_READ, &path, 1, &answer);
	return answer;
}

char *store_directory(struct store_client *s, const char *path)
{
	const struct iovec part = { (void *)path, strlen(path) + 1 };
	char *answer = NULL;

	errno = -request(s, XS_DIRECTORY, &part, 1, &answer);
	/* receive() has put one more zero behind them. */
	return answer;
}

char *store_find(struct store_client *s, const char *name)
{
	const char *strings[] = { "find", name };
	char *answer = NULL;

	request_strings(s, XS_CONTROL, strings, 2, &answer);
	return answer;
}

int store_write(struct store_client *s, const char *path, const char *value)
{
	const struct iovec parts[] = { { (void *)path, strlen(path) + 1 },
				       { (void *)value, strlen(value) } };

	return request(s, XS_WRITE, parts, 2, NULL);
}

int store_remove(struct store_client *s, const char *path)
{
	return request_strings(s, XS_RM, &path, 1, NULL);
}

int store_set_perms(struct store_client *s, const char *path, const char *perms)
{
	char list[64];
	struct iovec parts[] = { { (void *)path, strlen(path) + 1 }, { list, strlen(perms) + 1 } };

	if (strlen(perms) >= sizeof(list))
		return -E2BIG;
	strcpy(list, perms);
	for (char *space = list; (space = strchr(space, ' '));)
		*space++ = '\0';
	return request(s, XS_SET_PERMS, parts, 2, NULL);
}

int store_introduce(struct store_client *s, uint16_t domid, uint64_t mfn, uint32_t port)
{
	char text[3][24];
	const char *strings[] = { text[0], text[1], text[2] };

	snprintf(text[0], sizeof(text[0]), "%u", domid);
	snprintf(text[1], sizeof(text[1]), "%lu", mfn);
	snprintf(text[2], sizeof(text[2]), "%u", port);
	return request_strings(s, XS_INTRODUCE, strings, 3, NULL);
}

int store_release(struct store_client *s, uint16_t domid)
{
	char text[8];
	const char *string = text;

	snprintf(text, sizeof(text), "%u", domid);
	return request_strings(s, XS_RELEASE, &string, 1, NULL);
}

int store_begin(struct store_client *s)
{
	const char *nothing = "";
	char *answer = NULL;
	int rc = request_strings(s, XS_TRANSACTION_START, &nothing, 1, &answer);

	if (!rc)
		s->transaction = (uint32_t)strtoul(answer, NULL, 10);
	free(answer);
	return rc;
}

int store_end(struct store_client *s, bool commit)
{
	const char *how = commit ? "T" : "F";
	int rc = request_strings(s, XS_TRANSACTION_END, &how, 1, NULL);

	s->transaction = 0;
	return rc;
}

int store_transact(struct store_client *s, int (*change)(struct store_client *s, void *ctx),
		   void *ctx)
{
	int rc;

	do {
		rc = store_begin(s);
		if (!rc)
			rc = change(s, ctx);
		if (s->transaction) {
			int ended = store_end(s, !rc);

			rc = rc ? rc : ended;
		}
	} while (rc == -EAGAIN);
	return rc;
}

int store_watch(struct store_client *s, const char *path)
{
	const char *strings[] = { path, "w" };

	return request_strings(s, XS_WATCH, strings, 2, NULL);
}

int store_wait(struct store_client *s, int timeout)
{
	struct pollfd p = { .fd = s->fd, .events = POLLIN };
	struct xsd_sockmsg h;
	char *body;
	int rc;

	if (s->event) {
		s->event = false;
		return 0;
	}
	rc = poll(&p, 1, timeout);
	if (rc <= 0)
		return rc ? -errno : -ETIMEDOUT;
	rc = receive(s, &h, &body);
	free(body);
	return rc;
}

void writer_move(struct store_writer *w, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(w->base, sizeof(w->base), format, args);
	va_end(args);
}

static void writer_path(const struct store_writer *w, const char *name, char path[160])
{
	snprintf(path, 160, "%s%s%.60s", w->base, *name ? "/" : "", name);
}

void writer_put(struct store_writer *w, const char *name, const char *format, ...)
{
	char path[160], *value;
	va_list args;

	va_start(args, format);
	if (!w->rc && vasprintf(&value, format, args) >= 0) {
		writer_path(w, name, path);
		w->rc = store_write(w->s, path, value);
		free(value);
	}
	va_end(args);
}

void writer_make(struct store_writer *w, const char *name, const char *perms)
{
	char path[160];

	writer_put(w, name, "%s", "");
	writer_path(w, name, path);
	if (!w->rc)
		w->rc = store_set_perms(w->s, path, perms);
}
