// SPDX-License-Identifier: GPL-2.0
/*
 * Each file that the kernel has in its cache has a descriptor here, and descriptors are
 * limited. When half of them are taken, a thread asks the kernel to forget files that nobody
 * uses. It takes the locks of directories in the kernel, which a lookup holds until it is
 * answered: so a lookup waits for that thread after its answer, and not before.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "over.h"

#define BATCH	256u
#define PACE	2		/* files to be forgotten for each that is looked up */
#define PACE_NS	100000000	/* a lookup waits no longer */

static struct fuse_session *se;
static pthread_t thread;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER, progress = PTHREAD_COND_INITIALIZER;
static uint64_t forgotten;
static bool wanted, started, stopping;
static size_t most;

/*
 * Unknown names and numbers that meanwhile belong to other files do no harm: the kernel
 * looks a name up again, that is all.
 */
static bool forget_path(char *path)
{
	char *name = strrchr(path, '/');
	const char *dir = name ? path : ".";
	struct stat st;
	fuse_ino_t ino;

	/* To forget a directory would detach what is mounted below it. */
	if (fstatat(over_root.fd, path, &st, AT_SYMLINK_NOFOLLOW) || S_ISDIR(st.st_mode))
		return false;
	if (name)
		*name++ = 0;
	else
		name = path;
	if (fstatat(over_root.fd, dir, &st, AT_SYMLINK_NOFOLLOW))
		return false;
	ino = over_number(&st);
	return ino && !fuse_lowlevel_notify_inval_entry(se, ino, name, strlen(name));
}

/* Goes once around the table at most: files in use stay. */
static void trim(void)
{
	char *paths[BATCH];
	size_t before = over_count(), seen = 0, n, i;

	while (seen < before && over_count() > most / 2 &&
	       !__atomic_load_n(&stopping, __ATOMIC_RELAXED)) {
		n = over_some(paths, BATCH);
		for (i = 0; i < n; i++) {
			bool done = forget_path(paths[i]);

			free(paths[i]);
			pthread_mutex_lock(&lock);
			forgotten += done;
			pthread_cond_broadcast(&progress);
			pthread_mutex_unlock(&lock);
		}
		if (!n)
			break;
		seen += n;
	}
}

static void *trim_main(void *arg)
{
	pthread_mutex_lock(&lock);
	while (!stopping) {
		if (!wanted) {
			pthread_cond_wait(&cond, &lock);
			continue;
		}
		wanted = false;
		pthread_mutex_unlock(&lock);
		trim();
		pthread_mutex_lock(&lock);
	}
	pthread_mutex_unlock(&lock);
	return arg;
}

bool trim_late(void)
{
	size_t nodes = over_count();

	return nodes > most && nodes - most > most / 4;
}

void trim_pace(void)
{
	struct timespec until;
	uint64_t before;
	int err = 0;

	if (!trim_late())
		return;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += PACE_NS;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_mutex_lock(&lock);
	before = forgotten;
	while (forgotten - before < PACE && !err && !stopping)
		err = pthread_cond_clockwait(&progress, &lock, CLOCK_MONOTONIC, &until);
	pthread_mutex_unlock(&lock);
}

void trim_want(size_t nodes)
{
	if (nodes < most)
		return;
	pthread_mutex_lock(&lock);
	wanted = true;
	pthread_cond_signal(&cond);
	pthread_mutex_unlock(&lock);
}

int trim_start(struct fuse_session *session)
{
	struct rlimit limit;
	int err;

	se = session;
	if (getrlimit(RLIMIT_NOFILE, &limit))
		return -1;
	/* The other half is for open files, and for what comes while the thread is at work. */
	most = limit.rlim_cur == RLIM_INFINITY ? SIZE_MAX : (size_t)limit.rlim_cur / 2;
	err = pthread_create(&thread, NULL, trim_main, NULL);
	if (err)
		mount_say("cannot start a thread: %s", strerror(err));
	started = !err;
	return err ? -1 : 0;
}

void trim_stop(void)
{
	if (!started)
		return;
	pthread_mutex_lock(&lock);
	__atomic_store_n(&stopping, true, __ATOMIC_RELAXED);
	pthread_cond_signal(&cond);
	pthread_mutex_unlock(&lock);
	pthread_join(thread, NULL);
}
