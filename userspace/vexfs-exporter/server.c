// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "collector.h"
#include "live.h"
#include "metrics.h"
#include "server.h"

/* Maximum of connections; further ones wait in the kernel's queue. */
#define CLIENTS		512
/* A client that has not sent a complete request after this time is disconnected. */
#define SILENCE_S	10
#define PATIENCE_NS	20000000000u
/* Memory for one client: its headers must fit. */
#define CLIENT_BYTES	(8u << 10)

/* A response fits, so that it goes out in one piece. */
#define SEND_BYTES	(256 << 10)

/* The pages load nothing, from nowhere. */
#define POLICY		"default-src 'none'; style-src 'unsafe-inline'; " \
			"script-src 'unsafe-inline'; connect-src 'self'; frame-ancestors 'none'; " \
			"base-uri 'none'; form-action 'none'"

/**
 * struct client - a connection
 * @prev: in the server's list
 * @next: next client of the list
 * @fd: its socket
 * @since_ns: when it connected, or its last request was answered
 */
struct client {
	struct client *prev;
	struct client *next;
	int fd;
	uint64_t since_ns;
};

/**
 * struct visit - one request
 * @s: the server
 * @next: in the list of those who wait
 * @conn: its connection
 * @begun: its headers have been seen
 * @asked: a reading was asked for
 * @number: of that reading
 * @until_ns: when it stops waiting
 */
struct visit {
	struct server *s;
	struct visit *next;
	struct MHD_Connection *conn;
	bool begun;
	bool asked;
	uint64_t number;
	uint64_t until_ns;
};

/**
 * struct kept - a response that all clients get for the same snapshot
 * @reading: number of the snapshot
 * @response: the response, or NULL
 */
struct kept {
	uint64_t reading;
	struct MHD_Response *response;
};

struct server {
	struct server_opts opts;
	struct MHD_Daemon *daemon;
	struct kept kept[2][2];		/* by format and compat; used by the library's thread only */
	struct collector *collector;
	struct live *live;
	pthread_mutex_t lock;		/* guards what follows */
	struct visit *waiting;
	struct client *clients;
	bool stopping;
};

/* ---- answers ---- */

static struct MHD_Response *response(const char *type, void *text, size_t len,
				     enum MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(len, text, mode);

	if (!r)
		return NULL;
	MHD_add_response_header(r, "Content-Type", type);
	MHD_add_response_header(r, "Cache-Control", "no-store");
	MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(r, "Content-Security-Policy", POLICY);
	return r;
}

/* Consumes the reference to the response. */
static enum MHD_Result queue(struct MHD_Connection *conn, unsigned int status,
			     struct MHD_Response *r)
{
	enum MHD_Result ret;

	if (!r)
		return MHD_NO;
	ret = MHD_queue_response(conn, status, r);
	MHD_destroy_response(r);
	return ret;
}

static enum MHD_Result say(struct MHD_Connection *conn, unsigned int status, const char *text)
{
	return queue(conn, status, response("text/plain; charset=utf-8", (void *)text,
					    strlen(text), MHD_RESPMEM_PERSISTENT));
}

static struct MHD_Response *write_metrics(const struct snapshot *a, const struct metrics *how)
{
	struct expo e;

	if (metrics_write(&e, a, how)) {
		expo_free(&e);
		return NULL;
	}
	return response(expo_content_type(how->format), e.text, e.len, MHD_RESPMEM_MUST_FREE);
}

static enum MHD_Result send_metrics(struct visit *v, struct MHD_Connection *conn)
{
	struct server *s = v->s;
	const char *accept = MHD_lookup_connection_value(conn, MHD_HEADER_KIND, "Accept");
	const char *compat = MHD_lookup_connection_value(conn, MHD_GET_ARGUMENT_KIND, "compat");
	struct metrics how = {
		.format = expo_negotiate(accept),
		.compat = s->opts.compat && (!compat || strcmp(compat, "no")),
		.stale = collector_done(s->collector) < v->number,
	};
	struct snapshot *a = collector_get(s->collector);
	struct kept *k = &s->kept[how.format][how.compat];

	if (how.stale || !a || k->reading != a->began_ns || !k->response) {
		if (k->response)
			MHD_destroy_response(k->response);
		k->response = write_metrics(a, &how);
		/* A response from an old snapshot has its current age in a header. */
		k->reading = a && !how.stale ? a->began_ns : 0;
	}
	collector_put(s->collector, a);
	if (!k->response)
		return say(conn, MHD_HTTP_INTERNAL_SERVER_ERROR, "no memory for the answer\n");
	return MHD_queue_response(conn, MHD_HTTP_OK, k->response);
}

static enum MHD_Result send_live(struct visit *v, struct MHD_Connection *conn, bool page)
{
	struct server *s = v->s;
	struct snapshot *a = collector_get(s->collector);
	size_t len = 0;
	char *text;

	live_seen(s->live);
	text = page ? live_page(s->live, a, &len) : live_json(s->live, a, &len);
	collector_put(s->collector, a);
	if (!text)
		return say(conn, MHD_HTTP_INTERNAL_SERVER_ERROR, "no memory for the answer\n");
	return queue(conn, MHD_HTTP_OK, response(page ? "text/html; charset=utf-8" :
						 "application/json", text, len,
						 MHD_RESPMEM_MUST_FREE));
}

/* ---- suspended clients ---- */

/* Suspends the connection until there is a snapshot; false when there is one already. */
static bool wait_for_reading(struct visit *v, struct MHD_Connection *conn)
{
	struct server *s = v->s;
	bool wait;

	pthread_mutex_lock(&s->lock);
	v->number = collector_ask(s->collector);
	v->until_ns = clock_ns() + s->opts.deadline_ms * 1000000ull;
	v->asked = true;
	wait = !s->stopping && collector_done(s->collector) < v->number;
	if (wait) {
		v->conn = conn;
		v->next = s->waiting;
		s->waiting = v;
		MHD_suspend_connection(conn);
	}
	pthread_mutex_unlock(&s->lock);
	return wait;
}

static void wake_waiting(struct server *s)
{
	uint64_t done = collector_done(s->collector), now = clock_ns();
	struct visit **at, *v;

	pthread_mutex_lock(&s->lock);
	for (at = &s->waiting; (v = *at);) {
		if (v->number > done && now < v->until_ns) {
			at = &v->next;
			continue;
		}
		*at = v->next;
		MHD_resume_connection(v->conn);
	}
	pthread_mutex_unlock(&s->lock);
}

static void on_reading(void *arg)
{
	struct server *s = arg;
	struct snapshot *a;

	/* The first snapshot may end before @s->collector is set. */
	if (!__atomic_load_n(&s->collector, __ATOMIC_ACQUIRE))
		return;
	a = collector_get(s->collector);
	live_note(s->live, a);
	collector_put(s->collector, a);
	wake_waiting(s);
}

/* ---- requests ---- */

static enum MHD_Result ready(struct visit *v, struct MHD_Connection *conn)
{
	if (collector_done(v->s->collector))
		return say(conn, MHD_HTTP_OK, "ready\n");
	return say(conn, MHD_HTTP_SERVICE_UNAVAILABLE, "the module has not been read yet\n");
}

static enum MHD_Result route(struct visit *v, struct MHD_Connection *conn, const char *url)
{
	bool page = !strcmp(url, "/"), json = !strcmp(url, "/live.json");
	bool metrics = !strcmp(url, "/metrics");

	if (!strcmp(url, "/healthz"))
		return say(conn, MHD_HTTP_OK, "ok\n");
	if (!strcmp(url, "/-/ready"))
		return ready(v, conn);
	if (!page && !json && !metrics)
		return say(conn, MHD_HTTP_NOT_FOUND,
			   "not here; there are /, /metrics, /healthz and /-/ready\n");
	if (!v->asked && wait_for_reading(v, conn))
		return MHD_YES;
	return metrics ? send_metrics(v, conn) : send_live(v, conn, page);
}

static enum MHD_Result refuse_method(struct MHD_Connection *conn)
{
	static char text[] = "only GET and HEAD\n";
	struct MHD_Response *r = response("text/plain; charset=utf-8", text, strlen(text),
					  MHD_RESPMEM_PERSISTENT);

	if (r)
		MHD_add_response_header(r, "Allow", "GET, HEAD");
	return queue(conn, MHD_HTTP_METHOD_NOT_ALLOWED, r);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *conn, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *size, void **state)
{
	struct visit *v = *state;

	(void)version;
	(void)data;
	if (!v) {
		v = calloc(1, sizeof(*v));
		if (!v)
			return MHD_NO;
		v->s = arg;
		*state = v;
		return MHD_YES;
	}
	/* We never expect a body: the connection ends instead of reading it. */
	if (*size)
		return MHD_NO;
	if (strcmp(method, "GET") && strcmp(method, "HEAD"))
		return refuse_method(conn);
	return route(v, conn, url);
}

static void on_completed(void *arg, struct MHD_Connection *conn, void **state,
			 enum MHD_RequestTerminationCode how)
{
	const union MHD_ConnectionInfo *info;
	struct server *s = arg;
	struct client *c;

	(void)how;
	free(*state);
	*state = NULL;
	info = MHD_get_connection_info(conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	c = info ? info->socket_context : NULL;
	if (!c)
		return;
	pthread_mutex_lock(&s->lock);
	c->since_ns = clock_ns();
	pthread_mutex_unlock(&s->lock);
}

static void forget_client(struct server *s, struct client *c)
{
	pthread_mutex_lock(&s->lock);
	if (c->prev)
		c->prev->next = c->next;
	else
		s->clients = c->next;
	if (c->next)
		c->next->prev = c->prev;
	pthread_mutex_unlock(&s->lock);
	free(c);
}

static void on_connection(void *arg, struct MHD_Connection *conn, void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	const union MHD_ConnectionInfo *info;
	struct server *s = arg;
	struct client *c;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (*context)
			forget_client(s, *context);
		*context = NULL;
		return;
	}
	info = MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
	c = info ? calloc(1, sizeof(*c)) : NULL;
	if (!c)
		return;
	c->fd = info->connect_fd;
	c->since_ns = clock_ns();
	pthread_mutex_lock(&s->lock);
	c->next = s->clients;
	if (c->next)
		c->next->prev = c;
	s->clients = c;
	pthread_mutex_unlock(&s->lock);
	*context = c;
}

/*
 * The library disconnects silent clients, but not one that sends a byte now and then. A
 * request that waits for a snapshot is answered before this limit.
 */
static void cut_slow(struct server *s)
{
	uint64_t now;

	pthread_mutex_lock(&s->lock);
	/* Set now: a client that connects in between must not look old. */
	now = clock_ns();
	for (struct client *c = s->clients; c; c = c->next)
		if (now - c->since_ns > PATIENCE_NS)
			shutdown(c->fd, SHUT_RDWR);
	pthread_mutex_unlock(&s->lock);
}

static void no_log(void *arg, const char *fmt, va_list ap)
{
	(void)arg;
	(void)fmt;
	(void)ap;
}

/* ---- start and stop ---- */

static struct MHD_Daemon *start_daemon(struct server *s)
{
	unsigned int flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
			     MHD_USE_ITC | MHD_USE_ERROR_LOG;

	/* Errors of clients do not belong into the journal. */
	return MHD_start_daemon(flags, 0, NULL, NULL, on_request, s,
				MHD_OPTION_EXTERNAL_LOGGER, no_log, NULL,
				MHD_OPTION_LISTEN_SOCKET, s->opts.fd,
				MHD_OPTION_CONNECTION_LIMIT, CLIENTS,
				MHD_OPTION_CONNECTION_TIMEOUT, SILENCE_S,
				MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CLIENT_BYTES,
				MHD_OPTION_STRICT_FOR_CLIENT, 1,
				MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
				MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
				MHD_OPTION_END);
}

struct server *server_start(const struct server_opts *opts, char *why, size_t size)
{
	struct server *s = calloc(1, sizeof(*s));
	const int send_bytes = SEND_BYTES;
	struct collector *c;

	if (!s) {
		snprintf(why, size, "no memory");
		return NULL;
	}
	s->opts = *opts;
	/* Connections inherit it. It is a hint: the system may allow less. */
	setsockopt(opts->fd, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof(send_bytes));
	pthread_mutex_init(&s->lock, NULL);
	s->live = live_new();
	c = s->live ? collector_start(opts->names, opts->most, on_reading, s) : NULL;
	if (!c) {
		snprintf(why, size, "cannot begin: %s", strerror(errno));
		live_free(s->live);
		free(s);
		return NULL;
	}
	__atomic_store_n(&s->collector, c, __ATOMIC_RELEASE);
	collector_ask(c);
	s->daemon = start_daemon(s);
	if (!s->daemon) {
		snprintf(why, size, "the HTTP server does not start: %s", strerror(errno));
		server_stop(s);
		return NULL;
	}
	return s;
}

void server_tick(struct server *s)
{
	if (live_wants(s->live))
		collector_ask(s->collector);
	wake_waiting(s);
	cut_slow(s);
}

void server_stop(struct server *s)
{
	/*
	 * Suspended clients get the newest snapshot first: the library cannot stop while
	 * a connection is suspended.
	 */
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	for (struct visit *v = s->waiting; v; v = v->next)
		MHD_resume_connection(v->conn);
	s->waiting = NULL;
	pthread_mutex_unlock(&s->lock);
	if (s->daemon)
		MHD_stop_daemon(s->daemon);
	for (unsigned int i = 0; i < 4; i++)
		if (s->kept[i / 2][i % 2].response)
			MHD_destroy_response(s->kept[i / 2][i % 2].response);
	/* A snapshot that hangs in the kernel still uses this memory. */
	if (!collector_stop(s->collector))
		return;
	live_free(s->live);
	free(s);
}
