// SPDX-License-Identifier: GPL-2.0
/*
 * Which way the data of files takes. Where the kernel can (FUSE_PASSTHROUGH, since 6.9) and
 * this libfuse can ask for it (since 3.17), the kernel reads and writes the file below
 * itself; else data comes through the daemon. The daemon opens the file in both cases:
 * closing its descriptor tells the watch that the file was written.
 *
 * The kernel wants all descriptors of a file to go the same way. The daemon learns late that
 * one was closed, so it counts at least those that the kernel has.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>

#include "metrics.h"
#include "over.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t opened, passed;
static const char *why_not = "the kernel has not been asked";

#ifdef FUSE_CAP_PASSTHROUGH

/* From linux/fuse.h, which may be older than this libfuse. */
#ifndef FUSE_DEV_IOC_BACKING_OPEN
struct fuse_backing_map {
	int32_t fd;
	uint32_t flags;
	uint64_t padding;
};

#define FUSE_DEV_IOC_BACKING_OPEN	_IOW(229, 1, struct fuse_backing_map)
#define FUSE_DEV_IOC_BACKING_CLOSE	_IOW(229, 2, uint32_t)
#endif

static struct fuse_session *se;

void data_init(struct fuse_conn_info *conn)
{
	if (opt->no_passthrough)
		why_not = "it is switched off";
	else if (!fuse_set_feature_flag(conn, FUSE_CAP_PASSTHROUGH))
		why_not = "the kernel has no passthrough";
	else
		why_not = NULL;
}

void data_start(struct fuse_session *session)
{
	se = session;
}

/* The kernel's number for the file below, or 0. */
static int map(const struct over_node *n, int fd)
{
	struct fuse_backing_map m = { .fd = fd };
	struct stat st;
	int id;

	/* A file that was created may have been replaced before it was looked up. */
	if (fstat(fd, &st) || st.st_dev != n->dev || st.st_ino != n->ino)
		return 0;
	id = ioctl(fuse_session_fd(se), FUSE_DEV_IOC_BACKING_OPEN, &m);
	if (id > 0)
		return id;
	/* Others concern this file alone, ELOOP for one if its file system is stacked. */
	if (errno == EPERM)
		why_not = "it needs CAP_SYS_ADMIN";
	return 0;
}

static void unmap(int id)
{
	uint32_t number = (uint32_t)id;

	ioctl(fuse_session_fd(se), FUSE_DEV_IOC_BACKING_CLOSE, &number);
}

/* The kernel opens the file below with the flags of the caller. */
static bool direct_fails(int fd, int flags)
{
	if (!(flags & O_DIRECT))
		return false;
	if (fcntl(fd, F_SETFL, O_DIRECT))
		return true;
	fcntl(fd, F_SETFL, 0);
	return false;
}

int data_open(struct over_node *n, int fd, struct fuse_file_info *fi)
{
	bool refused = direct_fails(fd, fi->flags);
	int err = 0;

	pthread_mutex_lock(&lock);
	if (!why_not && !n->backing && !n->plain && !refused)
		n->backing = map(n, fd);
	if (n->backing && refused) {
		err = EINVAL;
	} else if (n->backing) {
		n->passed++;
		fi->backing_id = n->backing;
	} else {
		n->plain++;
	}
	opened += !err;
	passed += !err && n->backing;
	pthread_mutex_unlock(&lock);
	return err;
}

void data_close(struct over_node *n)
{
	pthread_mutex_lock(&lock);
	if (!n->backing) {
		n->plain--;
	} else if (!--n->passed) {
		unmap(n->backing);
		n->backing = 0;
	}
	pthread_mutex_unlock(&lock);
}

#else /* !FUSE_CAP_PASSTHROUGH */

void data_init(struct fuse_conn_info *conn)
{
	(void)conn;
	why_not = opt->no_passthrough ? "it is switched off" :
		  "libfuse was older than 3.17 when this program was built";
}

void data_start(struct fuse_session *session)
{
	(void)session;
}

int data_open(struct over_node *n, int fd, struct fuse_file_info *fi)
{
	(void)n;
	(void)fd;
	(void)fi;
	__atomic_add_fetch(&opened, 1, __ATOMIC_RELAXED);
	return 0;
}

void data_close(struct over_node *n)
{
	(void)n;
}

#endif

json_t *data_json(void)
{
	json_t *o;

	pthread_mutex_lock(&lock);
	o = json_pack("{s:b s:I s:I s:s?}", "passthrough", !why_not,
		      "opened", (json_int_t)__atomic_load_n(&opened, __ATOMIC_RELAXED),
		      "passed_through", (json_int_t)passed, "why_not", why_not);
	pthread_mutex_unlock(&lock);
	return o;
}

void data_metrics(struct expo *e)
{
	uint64_t n;

	pthread_mutex_lock(&lock);
	n = passed;
	pthread_mutex_unlock(&lock);
	metrics_family(e, "vexfs_mount_opened", EXPO_COUNTER, "files that were opened");
	metrics_number(e, NULL, __atomic_load_n(&opened, __ATOMIC_RELAXED));
	metrics_family(e, "vexfs_mount_passed_through", EXPO_COUNTER,
		       "of these, files whose data the kernel passes through itself");
	metrics_number(e, NULL, n);
}
