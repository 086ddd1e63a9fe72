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
#define RESCAN_MS	60000
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
static int root_fd, in_fd = -1, end_fd = -1;
static bool blind, lost, stopping;
static pthread_t thread;

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
	struct watched **p, *w;
	char link[64];
	int wd;

	snprintf(link, sizeof(link), "/proc/self/fd/%d/.", dir);
	wd = inotify_add_watch(in_fd, link, EVENTS);
	if (wd < 0) {
		if (!blind)
			mount_say("no more watches (%s): the tree is walked every minute instead; "
				  "see fs.inotify.max_user_watches", strerror(errno));
		blind = true;
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

/* Links are not followed, so the tree has no loops. Takes ownership of @fd. */
static void walk(int fd, const char *path, unsigned int depth)
{
	char below[PATH_MAX];
	struct dirent *e;
	struct stat st;
	DIR *d = fdopendir(fd);

	if (!d) {
		close(fd);
		return;
	}
	watch(fd, path);
	while (!stopping && (e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") || watch_skips(e->d_name) ||
		    !join(below, sizeof(below), path, e->d_name))
			continue;
		if (e->d_type == DT_UNKNOWN)
			e->d_type = fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) ? DT_UNKNOWN :
				    S_ISDIR(st.st_mode) ? DT_DIR : S_ISREG(st.st_mode) ? DT_REG : DT_LNK;
		if (e->d_type == DT_REG) {
			calls->found(below);
		} else if (e->d_type == DT_DIR && depth < 200) {
			int sub = openat(fd, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

			if (sub >= 0)
				walk(sub, below, depth + 1);
		}
	}
	closedir(d);
}

static void walk_path(const char *path)
{
	int fd = openat(root_fd, *path ? path : ".",
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0)
		walk(fd, path, 0);
}

static void on_event(const struct inotify_event *e, uint64_t now)
{
	const struct watched *w;
	char path[PATH_MAX];

	if (e->mask & IN_Q_OVERFLOW) {
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
	if (e->mask & IN_ISDIR) {
		/* Files that existed before the watch was set. */
		if (e->mask & (IN_CREATE | IN_MOVED_TO))
			walk_path(path);
		else if (e->mask & IN_MOVED_FROM)
			calls->gone(path);
		return;
	}
	if (e->mask & (IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_MOVED_FROM))
		calls->changed(path, now);
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

static void *watch_main(void *arg)
{
	struct pollfd p[2] = {
		{ .fd = in_fd, .events = POLLIN }, { .fd = end_fd, .events = POLLIN },
	};
	int n;

	(void)arg;
	walk_path("");
	calls->scanned();
	while (!stopping) {
		n = poll(p, 2, blind ? RESCAN_MS : -1);
		if (stopping)
			break;
		if (p[0].revents) {
			/* While nobody waits for events, a change wakes nobody. */
			poll(p + 1, 1, GATHER_MS);
			while (!stopping && !lost && read_events())
				;
		}
		if (lost || (!n && blind)) {
			lost = false;
			walk_path("");
			calls->scanned();
		}
	}
	return NULL;
}

int watch_start(int root, const struct watch_calls *c)
{
	root_fd = root;
	calls = c;
	in_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	end_fd = eventfd(0, EFD_CLOEXEC);
	if (in_fd >= 0 && end_fd >= 0 && !pthread_create(&thread, NULL, watch_main, NULL))
		return 0;
	mount_say("cannot watch for changes: %s", strerror(errno));
	return -1;
}

void watch_stop(void)
{
	const uint64_t one = 1;

	stopping = true;
	if (end_fd >= 0 && write(end_fd, &one, sizeof(one)) == sizeof(one))
		pthread_join(thread, NULL);
}
