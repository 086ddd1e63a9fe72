// SPDX-License-Identifier: GPL-2.0
/*
 * What an operator may do to queues of others: drain them, begin anew, empty them.
 */
#include <dirent.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/async/async.h"
#include "tests/genl.h"

static struct msg m;
static struct answer a;

/* An action on the bridge: 0 or -errno; how many ops it had to do with is in @done. */
static int manage(uint32_t action, uint32_t ms, bool keep, uint32_t *done)
{
	const struct nlattr *n;

	begin(&m, family, NLM_F_ACK, VEXFS_CMD_MANAGE);
	put_u32(&m, VEXFS_A_MANAGE_ACTION, action);
	if (ms)
		put_u32(&m, VEXFS_A_MANAGE_VALUE, ms);
	if (keep)
		put(&m, VEXFS_A_MANAGE_KEEP_HOT, "", 0);
	ask(&m, &a);
	n = a.err ? NULL : got(&a, VEXFS_A_MANAGE_DONE);
	*done = 0;
	if (n)
		memcpy(done, body(n), sizeof(*done));
	return a.err;
}

/* The workers that this program has caused, as a sum of their numbers; how many in *@n. */
static long workers(uint32_t *n)
{
	char path[64], name[32], want[32];
	struct dirent *e;
	DIR *d = opendir("/proc");
	long sum = 0;

	*n = 0;
	snprintf(want, sizeof(want), "vexfs/%d\n", (int)getpid());
	while (d && (e = readdir(d))) {
		FILE *f;

		if (snprintf(path, sizeof(path), "/proc/%.20s/comm", e->d_name) < 0)
			continue;
		f = fopen(path, "r");
		if (f && fgets(name, sizeof(name), f) && !strcmp(name, want)) {
			sum += atol(e->d_name);
			++*n;
		}
		if (f)
			fclose(f);
	}
	if (d)
		closedir(d);
	return sum;
}

/* What a child waits for: the end of a restart that waits for the running op. */
static pid_t restart_later(uint32_t ms)
{
	pid_t pid = fork();
	uint32_t done;

	if (pid)
		return pid;
	_exit(manage(VEXFS_MANAGE_ACTION_BRIDGE_RESTART, ms, false, &done) ? 100 : (int)done);
}

/* Waits until a restart keeps ops from starting: one of another descriptor is left waiting. */
static bool restart_begun(int fd)
{
	struct vexfs_nop n = nop_of(3, 0);
	struct vexfs_completion c;
	struct vexfs_reap r = { .completions = (uintptr_t)&c, .max = 1, .min = 1, .timeout_ns = 300000000 };
	int err, tries = 500;

	do {
		usleep(10000);
		if (SUBMIT(fd, VEXFS_IOC_NOP, &n, 1) != 1)
			return false;
		err = RAW(fd, VEXFS_IOC_REAP, &r);
	} while (!err && r.got && --tries);
	/* its memory is that of this function */
	cancel(fd, 1, 0);
	reap(fd, &c, 1);
	return err == -ETIME;
}

static void restarting(void)
{
	struct vexfs_nop hold = nop_of(1, LONG), longer = nop_of(2, LONG), n[5];
	struct vexfs_completion c[6];
	uint32_t some, after, done;
	long before;
	int fd, other, status = 0, wrong = 0;
	pid_t pid;

	set_param("bridge_workers", 1);
	fd = attach();
	SUBMIT(fd, VEXFS_IOC_NOP, &hold, 100);
	wait_running(fd);
	for (uint32_t i = 0; i < 5; i++) {
		n[i] = nop_of(10 + i, 0);
		SUBMIT(fd, VEXFS_IOC_NOP, &n[i], i);
	}
	before = workers(&some);
	is(some, 1, "restart: the queue has one worker");
	other = attach();
	pid = restart_later(60000);
	ok(restart_begun(other), "restart: no op starts while one runs");
	close(other);
	cancel(fd, 100, 0);
	is(reap(fd, c, 6), 6, "restart with ops queued: all of them end");
	ok(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 1,
	   "restart waits for the op that runs, and counts it");
	for (uint32_t i = 0; i < 6; i++)
		wrong += c[i].user_data < 5 ? c[i].res || n[c[i].user_data].echo != 10 + c[i].user_data :
					      c[i].res != -ECANCELED;
	is(wrong, 0, "restart with ops queued: they run, after it");
	ok(workers(&after) != before && after == 1, "restart: another worker has taken the place of the first");
	SUBMIT(fd, VEXFS_IOC_NOP, &longer, 7);
	wait_running(fd);
	before = workers(&some);
	is(manage(VEXFS_MANAGE_ACTION_BRIDGE_RESTART, 50, false, &done), -ETIME, "restart: ETIME while a long op runs");
	ok(workers(&after) == before && after == some, "restart that timed out leaves the workers");
	cancel(fd, 7, 0);
	is(reap_one(fd, c), -ECANCELED, "the long op is cancelled");
	close(fd);
	set_param("bridge_workers", 8);
}

/* 0 when the one worker of this process is as nice as @nice says. */
static int worker_is_nice(int nice)
{
	uint32_t n;
	long pid = workers(&n);

	return n == 1 && getpriority(PRIO_PROCESS, (id_t)pid) == nice ? 0 : 1;
}

/* A worker is as nice as its program; so is the one that replaces it. */
static void niceness(void)
{
	int status = 1;
	pid_t pid;

	set_param("bridge_workers", 1);
	pid = fork();
	if (!pid) {
		struct vexfs_nop n = nop_of(1, 0);
		struct vexfs_completion c;
		int fd, wrong;
		uint32_t done;

		setpriority(PRIO_PROCESS, 0, 7);
		fd = attach();
		SUBMIT(fd, VEXFS_IOC_NOP, &n, 1);
		wrong = reap_one(fd, &c) || worker_is_nice(7);
		setpriority(PRIO_PROCESS, 0, 0);
		wrong |= manage(VEXFS_MANAGE_ACTION_BRIDGE_RESTART, 0, false, &done) ? 2 : 0;
		wrong |= worker_is_nice(7) ? 2 : 0;
		_exit(wrong);
	}
	waitpid(pid, &status, 0);
	ok(WIFEXITED(status) && !(WEXITSTATUS(status) & 1), "a worker is as nice as its program");
	ok(WIFEXITED(status) && !(WEXITSTATUS(status) & 2), "so is the one that replaces it");
	set_param("bridge_workers", 8);
}

/* Reset that keeps what is queued: it runs later, as if nothing had been. */
static void keeping(void)
{
	struct vexfs_nop hold = nop_of(0, LONG), n[4];
	struct vexfs_completion c[5];
	uint32_t done;
	int fd, wrong = 0;

	set_param("bridge_workers", 1);
	fd = attach();
	SUBMIT(fd, VEXFS_IOC_NOP, &hold, 9);
	wait_running(fd);
	for (uint32_t i = 0; i < 4; i++) {
		n[i] = nop_of(20 + i, 0);
		SUBMIT(fd, VEXFS_IOC_NOP, &n[i], i);
	}
	is(manage(VEXFS_MANAGE_ACTION_BRIDGE_RESET, 0, true, &done), 0, "reset that keeps ops, while some are queued");
	is(done, 0, "reset that keeps ops: none is cancelled");
	cancel(fd, 9, 0);
	is(reap(fd, c, 5), 5, "reset that keeps ops: all of them end");
	for (uint32_t i = 0; i < 5; i++)
		wrong += c[i].user_data < 4 && (c[i].res || n[c[i].user_data].echo != 20 + c[i].user_data);
	is(wrong, 0, "reset that keeps ops: they run");
	close(fd);
}

/* Readers add up per-CPU counters, but not again before the threshold has passed. */
static void lazy_statistics(void)
{
	struct vexfs_nop n = nop_of(1, 0);
	struct vexfs_completion c;
	int fd = attach();
	long before;

	set_param("bridge_sync_threshold_us", 0);
	before = bridge_count("async_medium", "completed");
	SUBMIT(fd, VEXFS_IOC_NOP, &n, 1);
	reap_one(fd, &c);
	is(bridge_count("async_medium", "completed"), before + 1, "bridge_sync_threshold_us=0: an op is counted at once");
	set_param("bridge_sync_threshold_us", 10000000);
	SUBMIT(fd, VEXFS_IOC_NOP, &n, 1);
	reap_one(fd, &c);
	is(bridge_count("async_medium", "completed"), before + 1, "bridge_sync_threshold_us=10 s: the last sum is given");
	set_param("bridge_sync_threshold_us", 0);
	is(bridge_count("async_medium", "completed"), before + 2, "bridge_sync_threshold_us=0: no op was lost");
	set_param("bridge_sync_threshold_us", 2000);
	close(fd);
}

/* Age of the last sign of life, while ops wait. */
static void heartbeat(void)
{
	struct vexfs_nop hold = nop_of(0, LONG), n = nop_of(1, 0);
	struct vexfs_completion c;
	int fd;

	set_param("bridge_workers", 1);
	set_param("bridge_sync_threshold_us", 0);
	fd = attach();
	SUBMIT(fd, VEXFS_IOC_NOP, &hold, 1);
	wait_running(fd);
	usleep(300000);
	is(bridge_count("async_medium", "stalled_ms"), 0, "heartbeat: no stall while no op waits");
	SUBMIT(fd, VEXFS_IOC_NOP, &n, 2);
	usleep(700000);
	ok(bridge_count("async_medium", "stalled_ms") >= 500, "heartbeat: a stall is seen while an op waits for its worker");
	set_param("bridge_heartbeat", 0);
	is(bridge_count("async_medium", "stalled_ms"), 0, "bridge_heartbeat=0: no stall is reported");
	set_param("bridge_heartbeat", 1);
	cancel(fd, 1, 0);
	is(reap_one(fd, &c), -ECANCELED, "heartbeat: the op that held the worker is cancelled");
	is(reap_one(fd, &c), 0, "heartbeat: the op that waited runs");
	is(bridge_count("async_medium", "stalled_ms"), 0, "heartbeat: the stall is over");
	set_param("bridge_sync_threshold_us", 2000);
	set_param("bridge_workers", 8);
	close(fd);
}

void steering(void)
{
	struct vexfs_nop hold = nop_of(0, LONG), n[3] = { nop_of(1, 0), nop_of(2, 0), nop_of(3, 0) };
	struct vexfs_completion c[3];
	uint32_t done;
	int fd;

	if (!ok(resolve(), "the netlink family is found"))
		return;
	set_param("bridge_workers", 1);
	fd = attach();
	SUBMIT(fd, VEXFS_IOC_NOP, &n[0], 0);
	is(reap_one(fd, c), 0, "a queued op runs");
	is(manage(VEXFS_MANAGE_ACTION_BRIDGE_DRAIN, 1000, false, &done), 0, "drain of idle queues");
	is(done, 0, "drain of idle queues: no op was running");
	SUBMIT(fd, VEXFS_IOC_NOP, &hold, 9);
	wait_running(fd);
	is(manage(VEXFS_MANAGE_ACTION_BRIDGE_DRAIN, 50, false, &done), -ETIME,
	   "drain: ETIME while a long op runs");
	for (uint32_t i = 0; i < 3; i++)
		SUBMIT(fd, VEXFS_IOC_NOP, &n[i], i);
	is(manage(VEXFS_MANAGE_ACTION_BRIDGE_RESET, 0, true, &done), 0, "reset that keeps ops");
	is(left(fd), 4, "reset that keeps ops: all are still queued");
	is(manage(VEXFS_MANAGE_ACTION_BRIDGE_RESET, 0, false, &done), 0, "reset that drops ops");
	is(done, 3, "reset that drops ops: three are cancelled");
	is(reap(fd, c, 3), 3, "reset that drops ops: each has a completion");
	ok(c[0].res == -ECANCELED && c[1].res == -ECANCELED && c[2].res == -ECANCELED && !c[0].run_ns,
	   "reset that drops ops: they end with ECANCELED");
	cancel(fd, 9, 0);
	is(reap_one(fd, c), -ECANCELED, "reset leaves the running op alone");
	SUBMIT(fd, VEXFS_IOC_NOP, &n[0], 0);
	is(reap_one(fd, c), 0, "the queue runs ops after a reset");
	close(fd);
	set_param("bridge_workers", 8);
	restarting();
	niceness();
	keeping();
	lazy_statistics();
	heartbeat();
}
