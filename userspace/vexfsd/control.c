// SPDX-License-Identifier: GPL-2.0
/*
 * The control socket. A request is one line; the answer is lines, the last of which is
 * "ok" or "error CODE SENTENCE". Before it there may be "progress DONE ALL", "row ..."
 * and "note ..." or "bad ..." of the checker. vexctl store and vexctl module speak this
 * protocol.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "vexfsd.h"

#define CLIENTS_MAX	8u
#define LINE_MAX_BYTES	4096u

struct client {
	struct daemon *d;
	int fd;
	uint64_t said_ms;
	bool lost;
};

__attribute__((format(printf, 2, 3)))
static void tell(struct client *c, const char *fmt, ...)
{
	char line[1200];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(line, sizeof(line) - 1, fmt, args);
	va_end(args);
	if (n < 0)
		return;
	if ((size_t)n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	if (!c->lost && send(c->fd, line, (size_t)n, MSG_NOSIGNAL) != n)
		c->lost = true;
}

static int progress(void *arg, uint64_t done, uint64_t total)
{
	struct client *c = arg;
	struct timespec t;
	uint64_t ms;

	clock_gettime(CLOCK_MONOTONIC, &t);
	ms = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
	if (ms - c->said_ms >= 200) {
		c->said_ms = ms;
		tell(c, "progress %" PRIu64 " %" PRIu64, done, total);
	}
	/* The thread that sent the request no longer waits for it. */
	return c->lost || c->d->stopping ? -EINTR : 0;
}

static const char *const states[] = {
	"waiting", "restoring", "storing", "failed", "kept", "conflict",
};

static int info_one(struct client *c, struct coll *k, struct store_error *err)
{
	struct store_info info;

	(void)err;
	if (!k->c) {
		tell(c, "row %016" PRIx64 " 0 0 0 0 0 %s %d ?", k->key, states[k->state], k->error);
		return 0;
	}
	store_coll_info(k->c, &info);
	tell(c, "row %016" PRIx64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %u %s %d %s",
	     k->key, info.seq, info.live, info.rows, info.bytes, info.segments, states[k->state],
	     k->error, store_coll_meta(k->c)->name);
	return 0;
}

static int compact_one(struct client *c, struct coll *k, struct store_error *err)
{
	return store_coll_compact(k->c, progress, c, err);
}

static void report(void *arg, bool bad, const char *text)
{
	tell(arg, "%s %s", bad ? "bad" : "note", text);
}

static int check_one(struct client *c, struct coll *k, struct store_error *err)
{
	struct store_check check = { .report = report, .progress = progress, .arg = c };
	int ret = store_coll_check(k->c, &check, err);

	tell(c, "checked %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %s", check.frames,
	     check.rows, check.bytes, check.bad, store_coll_meta(k->c)->name);
	return ret;
}

/* Only its number is known of a collection that cannot be opened. */
static bool is_closed(const struct coll *k)
{
	return !k->c && k->key && k->error;
}

/* Calls @one for each open collection, or for the one with that name; info for closed ones, too. */
static int each(struct client *c, const char *name,
		int (*one)(struct client *c, struct coll *k, struct store_error *err),
		struct store_error *err)
{
	unsigned int met = 0;
	uint64_t at = 0;
	struct coll *k;
	int ret = 0;

	while (!ret && (k = coll_hold(c->d, &at))) {
		pthread_mutex_lock(&k->lock);
		if (k->c ? !*name || !strcmp(store_coll_meta(k->c)->name, name) :
			   one == info_one && !*name && is_closed(k)) {
			ret = one(c, k, err);
			met++;
		}
		pthread_mutex_unlock(&k->lock);
		coll_release(k);
	}
	if (!ret && *name && !met)
		return store_fail(err, ENOENT, "no collection of that name is stored");
	return ret;
}

struct backup {
	struct store *to;
};

static struct backup backing;

static int backup_one(struct client *c, struct coll *k, struct store_error *err)
{
	return store_coll_copy(k->c, backing.to, progress, c, err);
}

/* What cannot be opened is not in the backup, and whoever asked for one must know. */
static int backup_lacks(struct client *c, struct store_error *err)
{
	uint64_t at = 0, key = 0;
	unsigned int n = 0;
	struct coll *k;

	while ((k = coll_hold(c->d, &at))) {
		pthread_mutex_lock(&k->lock);
		if (!k->c && k->key) {
			key = k->key;
			n++;
		}
		pthread_mutex_unlock(&k->lock);
		coll_release(k);
	}
	return n ? store_fail(err, EUCLEAN, "%u collections cannot be opened and are not in the "
			      "backup, among them %016" PRIx64 ": store info", n, key) : 0;
}

static pthread_mutex_t backup_lock = PTHREAD_MUTEX_INITIALIZER;

static int backup(struct client *c, const char *dir, struct store_error *err)
{
	struct store_io *io;
	char why[300];
	size_t n;
	int ret;

	if (*dir != '/')
		return store_fail(err, EINVAL, "an absolute path is needed");
	ret = store_io_posix(dir, 1, 1, &io, why, sizeof(why));
	if (ret)
		return store_fail(err, ret, "%s", why);
	pthread_mutex_lock(&backup_lock);
	ret = store_open(io, NULL, &backing.to, err);
	if (!ret) {
		if (store_keys(backing.to, &n), n)
			ret = store_fail(err, ENOTEMPTY, "there is a backup already");
		else
			ret = each(c, "", backup_one, err);
		if (!ret)
			ret = backup_lacks(c, err);
		store_close(backing.to);
	}
	pthread_mutex_unlock(&backup_lock);
	store_io_posix_free(io);
	return ret;
}

/* Copies one collection of a backup into the store, and from there into the kernel. */
static int restore_one(struct client *c, struct store *from, uint64_t key,
		       struct store_error *err)
{
	struct store_coll *src;
	struct coll *k;
	char name[STORE_NAME_SIZE];
	int ret = store_coll_open(from, key, &src, err);

	if (ret)
		return ret;
	memcpy(name, store_coll_meta(src)->name, sizeof(name));
	ret = coll_name_taken(c->d, name) ?
		store_fail(err, EEXIST, "'%s' exists: drop it first", name) :
		store_coll_copy(src, c->d->s, progress, c, err);
	store_coll_abandon(src);
	if (ret)
		return ret;
	k = coll_new(c->d, key, 0);
	if (!k)
		return store_fail(err, ENOMEM, "no memory");
	k->restore = true;
	/* Otherwise the next daemon would take it for one that was never acknowledged. */
	ret = run_write(c->d);
	if (ret)
		return store_fail(err, ret, "RUN cannot be written: %s", strerror(-ret));
	ret = coll_start(k);
	tell(c, "restored %s", name);
	return ret ? store_fail(err, ret, "no thread: %s", strerror(-ret)) : 0;
}

static int restore(struct client *c, const char *dir, struct store_error *err)
{
	struct store_opts opts = { .read_only = true };
	struct store_io *io;
	struct store *from;
	char why[300];
	size_t n = 0;
	int ret;

	if (*dir != '/')
		return store_fail(err, EINVAL, "an absolute path is needed");
	ret = store_io_posix(dir, 0, 1, &io, why, sizeof(why));
	if (ret)
		return store_fail(err, ret, "%s", why);
	ret = store_open(io, &opts, &from, err);
	if (!ret) {
		const uint64_t *keys = store_keys(from, &n);

		for (size_t i = 0; !ret && i < n; i++)
			ret = restore_one(c, from, keys[i], err);
		store_close(from);
	}
	store_io_posix_free(io);
	return ret;
}

/* "claim WHICH [NAME]" */
static int claim_one(struct client *c, char *arg, struct store_error *err)
{
	char *as = strchr(arg, ' ');
	int ret;

	if (as)
		*as++ = 0;
	if (c->d->storage < 0)
		return store_fail(err, ENODEV, "the module is not loaded");
	ret = claim(c->d, arg, as, err);
	if (!ret)
		tell(c, "claimed %s", as ? as : arg);
	return ret;
}

/* The main thread detaches; this one waits for it. */
static int want(struct client *c, enum wanted what, struct store_error *err)
{
	struct daemon *d = c->d;
	uint64_t one = 1;
	int ms = 0;

	d->wanted = what;
	if (write(d->wake, &one, sizeof(one)) < 0)
		return store_fail(err, errno, "the daemon cannot be woken: %s", strerror(errno));
	while ((what == WANT_RELEASE) != (d->storage < 0) && ms < 120000) {
		struct timespec t = { 0, 10000000 };

		nanosleep(&t, NULL);
		ms += 10;
	}
	return (what == WANT_RELEASE) == (d->storage < 0) ? 0 :
		store_fail(err, ETIME, "the daemon did not handle the request within two minutes");
}

static int obey(struct client *c, char *line, struct store_error *err)
{
	char *arg = strchr(line, ' ');

	if (arg)
		*arg++ = 0;
	else
		arg = line + strlen(line);
	if (!strcmp(line, "release"))
		return want(c, WANT_RELEASE, err);
	if (!strcmp(line, "take"))
		return want(c, WANT_STORE, err);
	if (!strcmp(line, "info"))
		return each(c, arg, info_one, err);
	if (!strcmp(line, "check"))
		return each(c, arg, check_one, err);
	if (!strcmp(line, "compact"))
		return each(c, arg, compact_one, err);
	if (!strcmp(line, "backup"))
		return backup(c, arg, err);
	if (!strcmp(line, "claim"))
		return claim_one(c, arg, err);
	if (!strcmp(line, "restore"))
		return c->d->storage < 0 ? store_fail(err, ENODEV, "the module is not loaded") :
			restore(c, arg, err);
	return store_fail(err, EINVAL, "there is no such request");
}

static void *serve(void *arg)
{
	struct client *c = arg;
	struct store_error err = { 0 };
	char line[LINE_MAX_BYTES];
	size_t used = 0;
	char *end = NULL;

	while (!end && used < sizeof(line) - 1) {
		ssize_t n = recv(c->fd, line + used, sizeof(line) - 1 - used, 0);

		if (n <= 0)
			break;
		used += (size_t)n;
		line[used] = 0;
		end = strchr(line, '\n');
	}
	if (end) {
		*end = 0;
		if (obey(c, line, &err))
			tell(c, "error %d %s", err.code, err.text);
		else
			tell(c, "ok");
	}
	close(c->fd);
	pthread_mutex_lock(&c->d->lock);
	c->d->clients--;
	pthread_cond_broadcast(&c->d->batch_free);
	pthread_mutex_unlock(&c->d->lock);
	free(c);
	return NULL;
}

/* A silent client must not keep its connection for ever. */
static bool is_allowed(int fd)
{
	struct timeval limit = { .tv_sec = 30 };
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) ||
	    (peer.uid && peer.uid != geteuid()))
		return false;
	return !setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) &&
	       !setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

void control_accept(struct daemon *d)
{
	int fd = accept4(d->control, NULL, NULL, SOCK_CLOEXEC);
	struct client *c;
	pthread_attr_t attr;
	pthread_t thread;
	bool room;

	if (fd < 0)
		return;
	pthread_mutex_lock(&d->lock);
	room = d->clients < CLIENTS_MAX;
	d->clients += room;
	pthread_mutex_unlock(&d->lock);
	c = room && is_allowed(fd) ? calloc(1, sizeof(*c)) : NULL;
	if (c) {
		c->d = d;
		c->fd = fd;
		pthread_attr_init(&attr);
		pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
		if (!pthread_create(&thread, &attr, serve, c))
			room = false;	/* the thread closes the connection */
		else
			free(c), c = NULL;
		pthread_attr_destroy(&attr);
	}
	if (!c)
		close(fd);
	if (room) {
		pthread_mutex_lock(&d->lock);
		d->clients--;
		pthread_mutex_unlock(&d->lock);
	}
}

int control_open(struct daemon *d)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char dir[sizeof(at.sun_path)];
	mode_t old;
	int ret = 0;

	if (strlen(d->opts.socket) >= sizeof(at.sun_path))
		return -ENAMETOOLONG;
	strcpy(at.sun_path, d->opts.socket);
	strcpy(dir, d->opts.socket);
	if (strrchr(dir, '/') && strrchr(dir, '/') != dir) {
		*strrchr(dir, '/') = 0;
		if (mkdir(dir, 0755) && errno != EEXIST)
			return -errno;
	}
	d->control = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (d->control < 0)
		return -errno;
	/* We hold the lock of the store, so no other daemon listens there. */
	unlink(d->opts.socket);
	old = umask(0177);
	if (bind(d->control, (struct sockaddr *)&at, sizeof(at)) || listen(d->control, 8))
		ret = -errno;
	umask(old);
	return ret;
}

void control_close(struct daemon *d)
{
	if (d->control >= 0) {
		close(d->control);
		unlink(d->opts.socket);
	}
	d->control = -1;
	pthread_mutex_lock(&d->lock);
	while (d->clients)
		pthread_cond_wait(&d->batch_free, &d->lock);
	pthread_mutex_unlock(&d->lock);
}
