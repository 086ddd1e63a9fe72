// SPDX-License-Identifier: GPL-2.0
/*
 * What happens to ops whose program, descriptor, memory or collection goes.
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/async/async.h"

#define OPS	20u

static struct vexfs_nop n[OPS];

/* Ops that would take 200 seconds with one worker. */
static int busy(int fd)
{
	int queued = 0;

	for (uint32_t i = 0; i < OPS; i++) {
		n[i] = nop_of(i + 1, LONG);
		queued += SUBMIT(fd, VEXFS_IOC_NOP, &n[i], i) == 1;
	}
	return queued;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int module_users(void)
{
	FILE *f = fopen("/sys/module/vexfs/refcnt", "r");
	int users = -1;

	if (!f || fscanf(f, "%d", &users) != 1)
		users = -1;
	if (f)
		fclose(f);
	return users;
}

static void closing(void)
{
	int users = module_users(), fd = attach(), wrong = 0;
	double begun;

	is(busy(fd), OPS, "close: ops are in flight");
	begun = seconds();
	is(close(fd), 0, "close succeeds");
	ok(seconds() - begun < 5, "close does not wait for the ops to run");
	for (uint32_t i = 0; i < OPS; i++)
		wrong += n[i].echo != 0;
	is(wrong, 0, "close: no op writes its result afterwards");
	is(module_users(), users, "close: the module's use count is as before");
}

/* A child with ops in flight on @fd; it says that it has them, and waits. */
static pid_t child_of(int fd, bool exec)
{
	int tube[2];
	char c = 0;
	pid_t pid;

	if (pipe2(tube, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid) {
		c = busy(fd) == OPS;
		wait_running(fd);
		if (exec) {
			if (write(tube[1], &c, 1) == 1)
				execl("/bin/sleep", "sleep", "1000", (char *)NULL);
			_exit(1);
		}
		if (write(tube[1], &c, 1) == 1)
			pause();
		_exit(1);
	}
	close(tube[1]);
	ok(read(tube[0], &c, 1) == 1 && c, "a process has ops in flight");
	/* of one that calls execve(2) the pipe is closed when that has been done */
	if (exec)
		ok(read(tube[0], &c, 1) == 0, "the process calls execve(2)");
	close(tube[0]);
	return pid;
}

static void killed(pid_t pid)
{
	double begun = seconds();
	int status;

	kill(pid, SIGKILL);
	ok(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status), "the process is killed");
	ok(seconds() - begun < 5, "the killed process ends within 5 s");
}

static void dying(void)
{
	struct vexfs_nop own = nop_of(1, LONG);
	struct vexfs_completion c[OPS];
	int users = module_users(), fd, wrong = 0;

	/* with one worker, so that most are queued */
	set_param("bridge_workers", 1);
	fd = attach();
	SUBMIT(fd, VEXFS_IOC_NOP, &own, OPS);
	wait_running(fd);
	killed(child_of(fd, false));
	is(reap(fd, c, OPS), OPS, "process killed: another one reaps its ops");
	for (uint32_t i = 0; i < OPS; i++)
		wrong += c[i].res != -ECANCELED || c[i].user_data >= OPS || c[i].run_ns;
	is(wrong, 0, "process killed: queued ops end with ECANCELED, and have not run");
	is(left(fd), 1, "process killed: the op of another one goes on");
	is(cancel(fd, OPS, 0), 1, "the op of the other process is cancelled");
	is(reap_one(fd, c), -ECANCELED, "the op of the other process ends");
	killed(child_of(fd, false));
	is(reap(fd, c, OPS), OPS, "process killed: all its ops end, also the one that runs");
	for (uint32_t i = 0; i < OPS; i++)
		wrong += c[i].res != -ECANCELED || c[i].run_ns >= LONG;
	is(wrong, 0, "process killed: they end with ECANCELED");
	close(fd);
	is(module_users(), users, "the module's use count is as before");
	fd = attach();
	{
		pid_t pid = child_of(fd, true);

		is(cancel(fd, 0, 0), 1, "process calls execve(2): its running op is cancelled");
		is(reap(fd, c, OPS), OPS, "process calls execve(2): all ops end");
		for (uint32_t i = 0; i < OPS; i++)
			wrong += c[i].res != -ECANCELED;
		is(wrong, 0, "process calls execve(2): queued ops end without running");
		killed(pid);
	}
	close(fd);
	set_param("bridge_workers", 8);
}

/*
 * Ops that run hold the memory of their program. Its mappings must not hold the descriptor, whose
 * close is what ends the ops.
 */
static void mapping(void)
{
	int users = module_users(), tube[2];
	volatile char *rows;
	pid_t pid;
	char c = 0;

	set_param("bridge_workers", 1);
	if (pipe(tube))
		return;
	pid = fork();
	if (!pid) {
		int fd = attach();

		rows = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
		c = rows != MAP_FAILED && busy(fd) == OPS;
		wait_running(fd);
		close(fd);
		(void)rows[0];
		if (write(tube[1], &c, 1) == 1)
			pause();
		_exit(1);
	}
	close(tube[1]);
	ok(read(tube[0], &c, 1) == 1 && c, "a process with ops in flight closes the device, and reads mapped rows");
	close(tube[0]);
	killed(pid);
	/* the op that ran would take LONG */
	for (int i = 0; i < 500 && module_users() != users; i++)
		usleep(10000);
	is(module_users(), users, "mapped rows do not keep the descriptor of a killed process");
	set_param("bridge_workers", 8);
}

/* Memory whose faults nobody serves: an op that touches it waits until it is ended. */
static void unserved(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	int uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC), fd;
	void *area = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t id = 1;
	struct vexfs_get g = { .count = 1, .ids = (uintptr_t)&id, .vectors = (uintptr_t)area };
	struct vexfs_completion c;
	double begun;

	reg.range.start = (uintptr_t)area;
	reg.range.len = 4096;
	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api) || ioctl(uffd, UFFDIO_REGISTER, &reg)) {
		skip("memory whose faults nobody serves", "this kernel has no userfaultfd");
		goto out;
	}
	fd = attach();
	SUBMIT(fd, VEXFS_IOC_GET, &g, 1);
	wait_running(fd);
	usleep(50000);
	is(left(fd), 1, "an op waits for memory whose faults nobody serves");
	is(cancel(fd, 1, 0), 1, "it is cancelled");
	is(reap_one(fd, &c), -ECANCELED, "it ends");
	SUBMIT(fd, VEXFS_IOC_GET, &g, 2);
	wait_running(fd);
	begun = seconds();
	close(fd);
	ok(seconds() - begun < 5, "such an op does not keep close(2) waiting");
out:
	munmap(area, 4096);
	if (uffd >= 0)
		close(uffd);
}

static void alone(void)
{
	int users = module_users(), fd, status;
	pid_t pid = fork();

	if (!pid) {
		fd = attach();
		_exit(busy(fd) == OPS ? 0 : 1);
	}
	ok(waitpid(pid, &status, 0) == pid && status == 0, "a process exits with ops in flight");
	is(module_users(), users, "the module's use count is as before");
}

static void unloading(void)
{
	int fd = attach();
	struct vexfs_completion c[OPS];

	busy(fd);
	is(syscall(SYS_delete_module, "vexfs", O_NONBLOCK) < 0 ? -errno : 0, -EAGAIN,
	   "the module cannot be unloaded while ops are in flight");
	cancel(fd, 0, VEXFS_CANCEL_ALL);
	is(reap(fd, c, OPS), OPS, "the ops in flight end");
	close(fd);
}

static void dropping(void)
{
	int fd = raw_create("async-2", DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0), other = raw_open();
	struct vexfs_nop hold = nop_of(1, LONG);
	float v[DIM] = { 1 };
	uint64_t ids[1];
	struct vexfs_search s = raw_search(v, 1, 1, ids, NULL, NULL);
	struct vexfs_completion c;

	close(fd);
	fd = raw_open();
	raw_attach(fd, "async-2", VEXFS_ATTACH_READ);
	set_param("bridge_workers", 1);
	SUBMIT(fd, VEXFS_IOC_NOP, &hold, 1);
	wait_running(fd);
	SUBMIT(fd, VEXFS_IOC_SEARCH, &s, 2);
	is(raw_drop(other, "async-2"), 0, "a collection is dropped while an op is queued");
	cancel(fd, 1, 0);
	is(reap_one(fd, &c), -ECANCELED, "the op that runs is cancelled");
	is(reap_one(fd, &c), -ENOENT, "the queued op fails as the ioctl does");
	set_param("bridge_workers", 8);
	close(fd);
	close(other);
}

#define SEARCHERS	4u

/* Searches until the collection is gone: 0 when each was answered until then. */
static int search_on(void)
{
	float v[DIM] = { 1 };
	uint64_t ids[1];
	struct vexfs_search s = raw_search(v, 1, 1, ids, NULL, NULL);
	int fd = raw_open(), err = raw_attach(fd, "async-3", VEXFS_ATTACH_READ);

	while (!err)
		err = RAW(fd, VEXFS_IOC_SEARCH, &s);
	return err == -ENOENT ? 0 : 1;
}

/* Each search takes all processors, so that the others wait at the gate, and share runs. */
static void dropping_at_gate(void)
{
	int fd = raw_create("async-3", DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0), status, wrong = 0;
	float v[VECTORS * DIM];
	uint64_t ids[VECTORS];
	struct vexfs_put p = raw_put(ids, v, NULL, VECTORS);
	long before = bridge_count("medium", "waited");
	pid_t pids[SEARCHERS];

	for (uint32_t i = 0; i < VECTORS; i++) {
		ids[i] = i;
		fill(v + (size_t)i * DIM, i);
	}
	RAW(fd, VEXFS_IOC_PUT, &p);
	set_param("search_parallel_bytes", 1);
	for (uint32_t i = 0; i < SEARCHERS; i++) {
		pids[i] = fork();
		if (!pids[i])
			_exit(search_on());
	}
	for (int i = 0; i < 600 && bridge_count("medium", "waited") < before + 20; i++)
		usleep(50000);
	ok(bridge_count("medium", "waited") >= before + 20, "searches wait at a gate");
	is(raw_drop(fd, "async-3"), 0, "their collection is dropped");
	for (uint32_t i = 0; i < SEARCHERS; i++)
		wrong += waitpid(pids[i], &status, 0) != pids[i] || status;
	is(wrong, 0, "they are answered, or end with ENOENT");
	set_param("search_parallel_bytes", 16777216);
	close(fd);
}

void ends(void)
{
	closing();
	dying();
	mapping();
	unserved();
	alone();
	unloading();
	dropping();
	dropping_at_gate();
}
