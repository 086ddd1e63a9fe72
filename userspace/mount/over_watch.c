// SPDX-License-Identifier: GPL-2.0
/*
 * Follows every change below the directory, through the mount or around it, with one
 * inotify watch per directory. The tree is walked again when the kernel has dropped
 * events or allows no more watches.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "over.h"

#define EVENTS	(IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_ONLYDIR | \
		 IN_DONT_FOLLOW | IN_EXCL_UNLINK | IN_DELETE_SELF)
#define AGAIN_NS	60000000000ull
#define DEPTH_MAX	200	/* directories in each other: one descriptor each */
#define GATHER_MS	20	/* a change waits longer in the queue anyway */

/* The directory of each watch, indexed by watch descriptor. */
struct watched {
	struct watched *next;
	int wd;
	char path[];
};

#define BUCKETS	16384u

static struct watched *watches[BUCKETS];
static const struct watch_calls *calls;
static int root_fd, in_fd = -1, wake_fd = -1;
static bool lost;	/* the kernel has dropped events */
static bool blind;	/* a directory has no watch */
static bool partial;	/* a file may have been passed over; also set by another thread */
static bool stopping;
static pthread_t thread;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct watch_counts counts;	/* with lock */

bool watch_skips(const char *name)
{
	return *name == '.' && !opt->all;
}

static struct watched **place(int wd)
{
	struct watched **p;

	for (p = &watches[(unsigned int)wd % BUCKETS]; *p && (*p)->wd != wd; p = &(*p)->next)
		;
	return p;
}

static void unwatch(int wd)
{
	struct watched **p = place(wd), *w = *p;

	if (!w)
		return;
	*p = w->next;
	free(w);
}

static void watch(int dir, const char *path)
{
	static bool said;
	struct watched **p, *w;
	char link[64];
	int wd;

	snprintf(link, sizeof(link), "/proc/self/fd/%d/.", dir);
	wd = inotify_add_watch(in_fd, link, EVENTS);
	if (wd < 0) {
		if (!said)
			mount_say("no more watches (%s): the tree is walked every minute instead; "
				  "see fs.inotify.max_user_watches", strerror(errno));
		said = blind = true;
		return;
	}
	/* A renamed directory keeps its watch under a new path. */
	unwatch(wd);
	w = malloc(sizeof(*w) + strlen(path) + 1);
	if (!w) {
		blind = true;
		return;
	}
	w->wd = wd;
	strcpy(w->path, path);
	p = place(wd);
	w->next = *p;
	*p = w;
}

static bool join(char *to, size_t size, const char *dir, const char *name)
{
	return (size_t)snprintf(to, size, "%s%s%s", dir, *dir ? "/" : "", name) < size;
}

/* Without memory or descriptors, what cannot be opened now may be there all the same. */
static void passed_over(int err)
{
	if (err != ENOENT && err != ENOTDIR && err != ELOOP && err != EACCES && err != EPERM)
		__atomic_store_n(&partial, true, __ATOMIC_RELAXED);
}

static void count(uint64_t *what)
{
	pthread_mutex_lock(&lock);
	++*what;
	pthread_mutex_unlock(&lock);
}

/* Links are not followed, so the tree has no loops. Takes ownership of @fd. */
static void walk(int fd, const char *path, unsigned int depth)
{
	char below[PATH_MAX];
	struct dirent *e;
	struct stat st;
	DIR *d = fdopendir(fd);

	if (!d) {
		passed_over(errno);
		close(fd);
		return;
	}
	watch(fd, path);
	for (;;) {
		errno = 0;
		e = stopping ? NULL : readdir(d);
		if (!e)
			break;
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") || watch_skips(e->d_name) ||
		    !join(below, sizeof(below), path, e->d_name))
			continue;
		if (e->d_type == DT_UNKNOWN)
			e->d_type = fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) ? DT_UNKNOWN :
				    S_ISDIR(st.st_mode) ? DT_DIR : S_ISREG(st.st_mode) ? DT_REG : DT_LNK;
		if (e->d_type == DT_REG) {
			count(&counts.found);
			calls->found(below);
		} else if (e->d_type == DT_DIR && depth < DEPTH_MAX) {
			int sub = openat(fd, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

			if (sub >= 0)
				walk(sub, below, depth + 1);
			else
				passed_over(errno);
		}
	}
	if (errno)
		passed_over(errno);
	closedir(d);
}

static void walk_path(const char *path)
{
	int fd = openat(root_fd, *path ? path : ".",
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0)
		walk(fd, path, 0);
	else
		passed_over(errno);
}

/* All of it: files that nobody was told of, and watches for directories that have none. */
static void walk_tree(void)
{
	lost = blind = false;
	__atomic_store_n(&partial, false, __ATOMIC_RELAXED);
	pthread_mutex_lock(&lock);
	counts.walking = true;
	counts.found = 0;
	pthread_mutex_unlock(&lock);
	calls->begun();
	walk_path("");
	pthread_mutex_lock(&lock);
	counts.walking = false;
	counts.walks++;
	pthread_mutex_unlock(&lock);
	/* Else a file that was not found may exist. */
	if (!stopping && !__atomic_load_n(&partial, __ATOMIC_RELAXED))
		calls->scanned();
}

/*
 * The name that something was moved away from is told after the one that it was moved to: a
 * file whose new name is known keeps its vector when the old name is found to be gone.
 */
static struct {
	bool waits, is_dir;
	uint32_t cookie;
	char path[PATH_MAX];
} moved;

static void tell_moved(uint64_t now)
{
	if (!moved.waits)
		return;
	moved.waits = false;
	if (moved.is_dir)
		calls->gone(moved.path);
	else
		calls->changed(moved.path, now);
}

static void handle(const struct inotify_event *e, uint64_t now)
{
	const struct watched *w;
	char path[PATH_MAX];

	if (e->mask & IN_Q_OVERFLOW) {
		count(&counts.overflows);
		lost = true;
		return;
	}
	w = *place(e->wd);
	if (e->mask & IN_IGNORED) {
		unwatch(e->wd);
		return;
	}
	if (!w || !e->len || watch_skips(e->name) || !join(path, sizeof(path), w->path, e->name))
		return;
	if (e->mask & IN_MOVED_FROM) {
		moved.waits = true;
		moved.is_dir = e->mask & IN_ISDIR;
		moved.cookie = e->cookie;
		strcpy(moved.path, path);
	} else if (e->mask & IN_ISDIR) {
		/* Files that existed before the watch was set. */
		if (e->mask & (IN_CREATE | IN_MOVED_TO))
			walk_path(path);
	} else if (e->mask & (IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE)) {
		calls->changed(path, now);
	}
}

static void on_event(const struct inotify_event *e, uint64_t now)
{
	bool mate = (e->mask & IN_MOVED_TO) && e->cookie == moved.cookie;

	if (!mate)
		tell_moved(now);
	handle(e, now);
	if (mate)
		tell_moved(now);
}

/* Whether there were events. */
static bool read_events(void)
{
	char buf[65536] __attribute__((aligned(8)));
	ssize_t n = read(in_fd, buf, sizeof(buf)), at;
	uint64_t now = n > 0 ? now_ns() : 0;

	for (at = 0; n > 0 && at < n;) {
		const struct inotify_event *e = (const struct inotify_event *)(buf + at);

		on_event(e, now);
		at += (ssize_t)(sizeof(*e) + e->len);
	}
	return n > 0;
}

/* Milliseconds until the tree is walked again, which was walked at @walked; -1: not yet planned. */
static int until_again(uint64_t walked)
{
	uint64_t now = now_ns(), due = walked + AGAIN_NS;

	if (!blind && !__atomic_load_n(&partial, __ATOMIC_RELAXED))
		return -1;
	return now < due ? (int)((due - now) / 1000000) + 1 : 0;
}

static void *watch_main(void *arg)
{
	struct pollfd p[2] = {
		{ .fd = in_fd, .events = POLLIN }, { .fd = wake_fd, .events = POLLIN },
	};
	uint64_t walked, wakes;

	walk_tree();
	walked = now_ns();
	while (!stopping) {
		poll(p, 2, until_again(walked));
		if (stopping)
			break;
		if (p[1].revents && read(wake_fd, &wakes, sizeof(wakes)) < 0)
			continue;
		if (p[0].revents) {
			/* While nobody waits for events, a change wakes nobody. */
			poll(p + 1, 1, GATHER_MS);
			while (!stopping && !lost && read_events())
				;
			tell_moved(now_ns());
		}
		if (lost || !until_again(walked)) {
			walk_tree();
			walked = now_ns();
		}
	}
	return arg;
}

static void wake(void)
{
	const uint64_t one = 1;

	/* If it fails, so many wakes are waiting that one more changes nothing. */
	if (write(wake_fd, &one, sizeof(one)) < 0)
		errno = 0;
}

void watch_again(void)
{
	if (!__atomic_exchange_n(&partial, true, __ATOMIC_RELAXED))
		wake();
}

int watch_start(int root, const struct watch_calls *c)
{
	root_fd = root;
	calls = c;
	in_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (in_fd >= 0 && wake_fd >= 0 && !pthread_create(&thread, NULL, watch_main, NULL))
		return 0;
	mount_say("cannot watch for changes: %s", strerror(errno));
	return -1;
}

void watch_stop(void)
{
	if (!thread)
		return;
	stopping = true;
	wake();
	pthread_join(thread, NULL);
}

void watch_counts(struct watch_counts *c)
{
	pthread_mutex_lock(&lock);
	*c = counts;
	pthread_mutex_unlock(&lock);
}
