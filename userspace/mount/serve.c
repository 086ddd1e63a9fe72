// SPDX-License-Identifier: GPL-2.0
/*
 * The request loop. Each thread reads a request, answers it and records its duration.
 * Another thread sends the records to the module a few times a second, so that no request
 * waits for that and no open descriptor pins the module.
 */
#include <errno.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../libvexstat/clock.h"
#include "../libvexstat/hist.h"
#include "metrics.h"
#include "serve.h"
#include "vexfs.h"

#define OPCODES		64
#define NOTES		VEXFS_SERVED_MAX
#define SEND_MS		200

/* One kind of request, in one thread. */
struct tally {
	uint64_t count, errors, max_ns;
	struct vs_hist ns;
};

/**
 * struct server - a thread that serves requests
 * @lock: guards the records and the totals, which the sender and readers take as well
 * @n: records that have not been sent
 * @lost: records for which there was no space
 */
struct server {
	struct fuse_session *se;
	pthread_t thread;
	pthread_mutex_t lock;
	unsigned int n;
	uint64_t lost;
	struct vexfs_served_op notes[NOTES];
	struct tally tally[OPCODES];
};

static struct server *servers[SERVE_THREADS_MAX];
static unsigned int nservers;
static const char *module;
static pthread_mutex_t end_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t end_cond;
static bool ended;
static pthread_t main_thread;

static __thread int failed;

static const char *const opcode_names[OPCODES] = {
	[FUSE_LOOKUP] = "lookup", [FUSE_FORGET] = "forget", [FUSE_GETATTR] = "getattr",
	[FUSE_SETATTR] = "setattr", [FUSE_READLINK] = "readlink", [FUSE_SYMLINK] = "symlink",
	[FUSE_MKNOD] = "mknod", [FUSE_MKDIR] = "mkdir", [FUSE_UNLINK] = "unlink",
	[FUSE_RMDIR] = "rmdir", [FUSE_RENAME] = "rename", [FUSE_LINK] = "link",
	[FUSE_OPEN] = "open", [FUSE_READ] = "read", [FUSE_WRITE] = "write",
	[FUSE_STATFS] = "statfs", [FUSE_RELEASE] = "release", [FUSE_FSYNC] = "fsync",
	[FUSE_SETXATTR] = "setxattr", [FUSE_GETXATTR] = "getxattr",
	[FUSE_LISTXATTR] = "listxattr", [FUSE_REMOVEXATTR] = "removexattr",
	[FUSE_FLUSH] = "flush", [FUSE_INIT] = "init", [FUSE_OPENDIR] = "opendir",
	[FUSE_READDIR] = "readdir", [FUSE_RELEASEDIR] = "releasedir",
	[FUSE_FSYNCDIR] = "fsyncdir", [FUSE_ACCESS] = "access", [FUSE_CREATE] = "create",
	[FUSE_INTERRUPT] = "interrupt", [FUSE_DESTROY] = "destroy", [FUSE_IOCTL] = "ioctl",
	[FUSE_BATCH_FORGET] = "batch-forget", [FUSE_FALLOCATE] = "fallocate",
	[FUSE_READDIRPLUS] = "readdirplus", [FUSE_RENAME2] = "rename", [FUSE_LSEEK] = "lseek",
	[FUSE_COPY_FILE_RANGE] = "copy-file-range", [FUSE_SYNCFS] = "syncfs",
};

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void serve_failed(int err)
{
	failed = err;
}

int reply_err(fuse_req_t req, int err)
{
	failed = err;
	return fuse_reply_err(req, err);
}

/* Messages that the kernel does not wait for are not requests of a program. */
static bool counts(unsigned int opcode)
{
	return opcode != FUSE_FORGET && opcode != FUSE_BATCH_FORGET && opcode != FUSE_INTERRUPT &&
	       opcode != FUSE_INIT && opcode != FUSE_DESTROY;
}

static void note(struct server *s, unsigned int opcode, uint64_t ns)
{
	struct tally *t;

	if (opcode >= OPCODES)
		opcode = 0;
	t = &s->tally[opcode];
	pthread_mutex_lock(&s->lock);
	t->count++;
	t->errors += failed != 0;
	if (ns > t->max_ns)
		t->max_ns = ns;
	vs_hist_add(&t->ns, ns);
	if (counts(opcode)) {
		if (s->n < NOTES)
			s->notes[s->n++] = (struct vexfs_served_op){ .ns = ns, .error = -failed };
		else
			s->lost++;
	}
	pthread_mutex_unlock(&s->lock);
}

/* The answer was sent to the kernel. */
static void send_notes(struct server *s, struct vexfs_served_op *copy)
{
	unsigned int n;

	pthread_mutex_lock(&s->lock);
	n = s->n;
	memcpy(copy, s->notes, n * sizeof(*copy));
	s->n = 0;
	pthread_mutex_unlock(&s->lock);
	if (n)
		vexfs_do_served(module, fuse_session_fd(s->se), copy, n, NULL);
}

static void send_all(struct vexfs_served_op *copy)
{
	unsigned int i;

	for (i = 0; i < nservers; i++)
		send_notes(servers[i], copy);
}

static void *sender_main(void *arg)
{
	struct vexfs_served_op *copy = arg;
	struct timespec until;

	pthread_mutex_lock(&end_lock);
	while (!ended) {
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += SEND_MS * 1000000;
		if (until.tv_nsec >= 1000000000) {
			until.tv_nsec -= 1000000000;
			until.tv_sec++;
		}
		pthread_cond_timedwait(&end_cond, &end_lock, &until);
		pthread_mutex_unlock(&end_lock);
		send_all(copy);
		pthread_mutex_lock(&end_lock);
	}
	pthread_mutex_unlock(&end_lock);
	return NULL;
}

static unsigned int opcode_of(const struct fuse_buf *buf)
{
	/* Only large writes arrive through a pipe. */
	if (buf->flags & FUSE_BUF_IS_FD)
		return FUSE_WRITE;
	if (buf->size < sizeof(struct fuse_in_header))
		return 0;
	return ((const struct fuse_in_header *)buf->mem)->opcode;
}

static void *server_main(void *arg)
{
	struct server *s = arg;
	struct fuse_buf buf = { 0 };
	unsigned int opcode;
	uint64_t begin;
	int n;

	while (!fuse_session_exited(s->se)) {
		n = fuse_session_receive_buf(s->se, &buf);
		if (n == -EINTR || n == -EAGAIN)
			continue;
		if (n <= 0)
			break;
		opcode = opcode_of(&buf);
		failed = 0;
		begin = vs_ticks();
		fuse_session_process_buf(s->se, &buf);
		note(s, opcode, vs_to_ns(vs_ticks() - begin));
	}
	free(buf.mem);
	/* The first thread that sees the end of the mount wakes the others. */
	fuse_session_exit(s->se);
	pthread_kill(main_thread, SIGTERM);
	return NULL;
}

static struct server *server_new(struct fuse_session *se)
{
	struct server *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->se = se;
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

void serve_block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void wait_for_end(void)
{
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	while (sigwait(&set, &sig))
		;
}

static int start(struct fuse_session *se, unsigned int threads)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < threads && !err; i++) {
		servers[i] = server_new(se);
		err = servers[i] ? pthread_create(&servers[i]->thread, NULL, server_main,
						  servers[i]) : ENOMEM;
		if (!err)
			nservers++;
	}
	return nservers ? 0 : -err;
}

int serve(struct fuse_session *se, unsigned int threads, const char *device)
{
	struct vexfs_served_op *copy = malloc(NOTES * sizeof(*copy));
	pthread_condattr_t attr;
	pthread_t sender;
	unsigned int i;
	int err;

	if (!copy)
		return -ENOMEM;
	module = device;
	vs_clock_init();
	main_thread = pthread_self();
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&end_cond, &attr);
	err = start(se, threads > SERVE_THREADS_MAX ? SERVE_THREADS_MAX : threads);
	if (!err)
		err = -pthread_create(&sender, NULL, sender_main, copy);
	if (!err)
		wait_for_end();
	fuse_session_exit(se);
	/*
	 * Sent while the file system is mounted: the module accepts records from a
	 * mounted one only.
	 */
	pthread_mutex_lock(&end_lock);
	ended = true;
	pthread_cond_broadcast(&end_cond);
	pthread_mutex_unlock(&end_lock);
	if (!err)
		pthread_join(sender, NULL);
	fuse_session_unmount(se);
	for (i = 0; i < nservers; i++)
		pthread_join(servers[i]->thread, NULL);
	free(copy);
	return err;
}

/* Adds up the threads. */
static void sum_of(unsigned int opcode, struct tally *sum)
{
	unsigned int i;

	memset(sum, 0, sizeof(*sum));
	for (i = 0; i < nservers; i++) {
		struct tally *t = &servers[i]->tally[opcode];

		pthread_mutex_lock(&servers[i]->lock);
		sum->count += t->count;
		sum->errors += t->errors;
		if (t->max_ns > sum->max_ns)
			sum->max_ns = t->max_ns;
		if (t->count)
			vs_hist_merge(&sum->ns, &t->ns);
		pthread_mutex_unlock(&servers[i]->lock);
	}
}

static const char *name_of(unsigned int opcode)
{
	return opcode_names[opcode] ? opcode_names[opcode] : "other";
}

static void opcode_json(json_t *all, unsigned int opcode)
{
	struct tally *sum = malloc(sizeof(*sum));

	if (!sum)
		return;
	sum_of(opcode, sum);
	if (sum->count)
		json_object_set_new(all, name_of(opcode),
			json_pack("{s:I s:I s:I s:I s:I}", "count", (json_int_t)sum->count,
				  "errors", (json_int_t)sum->errors,
				  "p50_ns", (json_int_t)vs_hist_quantile(&sum->ns, 0.5),
				  "p99_ns", (json_int_t)vs_hist_quantile(&sum->ns, 0.99),
				  "max_ns", (json_int_t)sum->max_ns));
	free(sum);
}

/* An opcode that no program has sent yet, and one with the name of another, have no samples. */
static const char *sampled(unsigned int opcode)
{
	return opcode_names[opcode] && opcode != FUSE_RENAME ? opcode_names[opcode] : NULL;
}

void serve_metrics(struct expo *e)
{
	struct tally *sums = calloc(OPCODES, sizeof(*sums));
	unsigned int i;

	if (!sums)
		return;
	for (i = 0; i < OPCODES; i++)
		sum_of(i, &sums[i]);
	metrics_family(e, "vexfs_mount_request_errors", EXPO_COUNTER, "requests that were refused or failed");
	for (i = 0; i < OPCODES; i++)
		if (sums[i].count && sampled(i))
			metrics_number(e, sampled(i), sums[i].errors);
	metrics_family(e, "vexfs_mount_request_duration_seconds", EXPO_HISTOGRAM,
		       "how long the daemon took to answer requests of the kernel");
	for (i = 0; i < OPCODES; i++)
		if (sums[i].count && sampled(i))
			metrics_times(e, sampled(i), &sums[i].ns);
	free(sums);
}

json_t *serve_json(void)
{
	json_t *all = json_object();
	uint64_t lost = 0;
	unsigned int i;

	for (i = 0; all && i < OPCODES; i++)
		opcode_json(all, i);
	for (i = 0; i < nservers; i++)
		lost += servers[i]->lost;
	return json_pack("{s:o s:I s:I}", "requests", all, "threads", (json_int_t)nservers,
			 "unreported", (json_int_t)lost);
}
