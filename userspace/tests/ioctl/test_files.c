// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptors and what happens to their processes, signals, mappings, and memory that
 * comes back.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "tests/ioctl/test.h"

void descriptors(void)
{
	int fd = raw_create("fds", DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0), copy = dup(fd);
	pid_t pid;

	close(fd);
	is(put_some(copy, 0, 3, DIM, NULL), 0, "a duplicate outlives the original");
	pid = fork();
	if (!pid)
		_exit(put_some(copy, 3, 3, DIM, NULL) ? 1 : 0);
	waitpid(pid, NULL, 0);
	ok(count_of(copy) == 6, "what a child puts is there for its parent");
	is(syscall(SYS_delete_module, "vexfs", O_NONBLOCK) < 0 ? -errno : 0, -EAGAIN,
	   "the module cannot be unloaded while a descriptor is open");
	pid = fork();
	if (!pid) {
		for (uint64_t i = 1000;; i += 5000)
			put_some(copy, i % 100000, 5000, DIM, NULL);
	}
	usleep(150000);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ok(sound(copy), "the collection is consistent after its writer was killed");
	raw_drop(ctl, "fds");
	close(copy);
}

static void on_alarm(int sig)
{
	(void)sig;
}

static void alarm_in(int ms, bool restart)
{
	struct sigaction act = { .sa_handler = on_alarm, .sa_flags = restart ? SA_RESTART : 0 };
	struct itimerval t = { .it_value = { .tv_usec = ms * 1000 } };

	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &t, NULL);
}

void signals(void)
{
	const uint32_t n = 20000, dim = 256, nq = 4096, k = 100;
	int fd = raw_create("slow", dim, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0);
	float *q = calloc((size_t)nq * dim, sizeof(*q));
	uint64_t *ids = calloc((size_t)nq * k, sizeof(*ids));
	uint32_t *counts = calloc(nq, sizeof(*counts));
	struct vexfs_search s = raw_search(q, nq, k, ids, NULL, counts);

	put_some(fd, 0, n, dim, NULL);
	alarm_in(10, false);
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), -EINTR, "a signal ends a long search");
	s = raw_search(q, nq, k, ids, NULL, counts);
	s.deadline_ns = 5000000;
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), -ETIME, "a deadline ends a long search");
	s = raw_search(q, 64, k, ids, NULL, counts);
	alarm_in(1, true);
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), 0, "with SA_RESTART the search is restarted");
	raw_drop(ctl, "slow");
	close(fd);
	free(counts);
	free(ids);
	free(q);
}

/* ---- signals that never stop ---- */

#define STORM		65536u		/* vectors of a request */
#define STORM_SHORT	12u		/* requests that must have been cut short */

/* Interruptions that were answered by less than was asked for; by EINTR after progress. */
static unsigned int cut, lost;

static void timer(unsigned int us)
{
	struct itimerval t = { .it_value = { .tv_usec = us }, .it_interval = { .tv_usec = us } };

	setitimer(ITIMER_REAL, &t, NULL);
}

/* What a request that may be cut short says; true when there is more to ask for. */
static bool goes_on(int err, uint32_t *at, uint32_t tried, uint32_t count)
{
	if (err == -EINTR) {
		lost += tried;
		return true;
	}
	if (err || tried > count - *at) {
		ok(false, "a request in a storm of signals: %d, %u tried", err, tried);
		*at = count;
		return false;
	}
	*at += tried;
	cut += *at < count && tried;
	return *at < count;
}

struct stormed {
	uint64_t *ids;
	float *v;
	int32_t *errors;
	uint64_t seq;
	uint32_t done;
};

static void storm_put(int fd, struct stormed *s, uint32_t flags)
{
	uint32_t at = 0;
	struct vexfs_put p;

	s->done = 0;
	do {
		p = raw_put(s->ids + at, s->v + (size_t)at * DIM, NULL, STORM - at);
		p.flags = flags;
		p.errors = (uintptr_t)(s->errors + at);
		p.tried = 0;
		int err = RAW(fd, VEXFS_IOC_PUT, &p);

		s->done += p.done;
		s->seq = p.seq ? p.seq : s->seq;
		if (!goes_on(err, &at, p.tried, STORM))
			break;
	} while (1);
}

static void storm_delete(int fd, struct stormed *s)
{
	uint32_t at = 0;
	struct vexfs_delete d;

	s->done = 0;
	do {
		d = (struct vexfs_delete) {
			.flags = VEXFS_DELETE_CONTINUE, .count = STORM - at,
			.ids = (uintptr_t)(s->ids + at), .errors = (uintptr_t)(s->errors + at),
		};
		int err = RAW(fd, VEXFS_IOC_DELETE, &d);

		s->done += d.done;
		s->seq = d.seq ? d.seq : s->seq;
		if (!goes_on(err, &at, d.tried, STORM))
			break;
	} while (1);
}

/* Every vector of odd ids is there, or every one: right to the last bit. */
static unsigned int storm_wrong(int fd, const struct stormed *s, bool even_too)
{
	float *got = calloc((size_t)STORM * DIM, sizeof(*got));
	int32_t *errors = calloc(STORM, sizeof(*errors));
	unsigned int wrong = 0;
	uint32_t at = 0;

	do {
		struct vexfs_get g = {
			.count = STORM - at, .ids = (uintptr_t)(s->ids + at),
			.vectors = (uintptr_t)(got + (size_t)at * DIM),
			.errors = (uintptr_t)(errors + at),
		};
		int err = RAW(fd, VEXFS_IOC_GET, &g);

		if (!goes_on(err, &at, g.tried, STORM))
			break;
	} while (1);
	for (uint32_t i = 0; i < STORM; i++) {
		bool there = even_too || (s->ids[i] & 1);

		wrong += errors[i] != (there ? 0 : -ENOENT);
		if (there)
			wrong += !!memcmp(got + (size_t)i * DIM, s->v + (size_t)i * DIM,
					  DIM * sizeof(float));
	}
	free(errors);
	free(got);
	return wrong;
}

/*
 * A timer that fires all the time: each request gets somewhere and says how far, and with
 * that a program loses nothing and does nothing twice.
 */
void signal_storm(bool restart)
{
	struct sigaction act = { .sa_handler = on_alarm, .sa_flags = restart ? SA_RESTART : 0 };
	int fd = raw_create("storm", DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0);
	struct stormed s = {
		.ids = calloc(STORM, sizeof(uint64_t)),
		.v = calloc((size_t)STORM * DIM, sizeof(float)),
		.errors = calloc(STORM, sizeof(int32_t)),
	};
	unsigned int wrong = 0, rounds = 0;
	uint64_t changes = 0;

	for (uint32_t i = 0; i < STORM; i++) {
		/* runs that count up, and some that do not */
		s.ids[i] = i % 4096 < 3000 ? i : 1000000 + (uint64_t)i * 7;
		fill(s.v + (size_t)i * DIM, s.ids[i], DIM);
	}
	sigaction(SIGALRM, &act, NULL);
	cut = lost = 0;
	timer(200);
	/* until it has happened often enough, be the machine as fast as it likes */
	do {
		storm_put(fd, &s, VEXFS_PUT_INSERT | VEXFS_PUT_CONTINUE);
		wrong += s.done != (rounds ? STORM / 2 : STORM);
		for (uint32_t i = 0; i < STORM; i++)
			wrong += s.errors[i] != (rounds && (s.ids[i] & 1) ? -EEXIST : 0);
		changes += s.done;
		wrong += s.seq != changes;
		wrong += storm_wrong(fd, &s, true);
		/* every second goes; asked for all, the others by ids that are not there */
		for (uint32_t i = 0; i < STORM; i++)
			s.ids[i] += s.ids[i] & 1 ? 1ULL << 40 : 0;
		storm_delete(fd, &s);
		wrong += s.done != STORM / 2;
		for (uint32_t i = 0; i < STORM; i++) {
			wrong += s.errors[i] != (s.ids[i] & 1 ? -ENOENT : 0);
			s.ids[i] &= ~(1ULL << 40);
		}
		changes += s.done;
		wrong += s.seq != changes;
		wrong += storm_wrong(fd, &s, false);
		rounds++;
	} while (cut < STORM_SHORT && rounds < 500 && !wrong);
	timer(0);
	printf("# %u rounds, %u requests cut short\n", rounds, cut);
	ok(!wrong, "%s SA_RESTART: every vector is stored and deleted once (%u wrong)",
	   restart ? "with" : "without", wrong);
	ok(!lost, "no request that changed something returns EINTR");
	ok(cut >= STORM_SHORT, "signals cut requests short");
	ok(sound(fd), "the collection is consistent");
	raw_drop(ctl, "storm");
	close(fd);
	free(s.errors);
	free(s.v);
	free(s.ids);
}

static sig_atomic_t bus;

static void on_bus(int sig)
{
	(void)sig;
	bus++;
	_exit(42);
}

void mapping(void)
{
	int fd = raw_create("mapped", 16, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0), status;
	float want[16];
	struct vexfs_stat st = { };
	float *rows;
	pid_t pid;
	bool same = true;

	put_some(fd, 0, 3000, 16, NULL);
	ok(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED &&
	   errno == EACCES, "rows cannot be mapped for writing");
	rows = mmap(NULL, 1 << 20, PROT_READ, MAP_SHARED, fd, 0);
	ok(rows != MAP_FAILED, "rows can be mapped");
	RAW(fd, VEXFS_IOC_STAT, &st);
	for (uint32_t i = 0; i < 3000; i++) {
		fill(want, i, 16);
		same &= !memcmp((char *)rows + (size_t)i * st.stride, want, sizeof(want));
	}
	ok(same, "mapped rows are the rows");
	ok(mprotect(rows, 4096, PROT_READ | PROT_WRITE) < 0, "mapped rows cannot be made writable");
	pid = fork();
	if (!pid) {
		volatile char *beyond = (char *)rows + (1 << 20) - 1;

		signal(SIGBUS, on_bus);
		_exit(*beyond ? 1 : 2);
	}
	waitpid(pid, &status, 0);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 42, "beyond the rows there is SIGBUS");
	raw_drop(ctl, "mapped");
	close(fd);
	fill(want, 2999, 16);
	ok(!memcmp((char *)rows + 2999ul * st.stride, want, sizeof(want)),
	   "a mapping outlives the drop");
	munmap(rows, 1 << 20);
}

void memory_returns(void)
{
	int fd = raw_create("churn", 64, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0), tries;
	const uint32_t n = 60000;
	uint64_t *ids = calloc(n, sizeof(*ids));
	struct vexfs_delete d = { .count = n, .ids = (uintptr_t)ids };
	struct vexfs_stat full = { }, empty = { };

	put_some(fd, 0, n, 64, NULL);
	RAW(fd, VEXFS_IOC_STAT, &full);
	for (uint32_t i = 0; i < n; i++)
		ids[i] = i;
	is(RAW(fd, VEXFS_IOC_DELETE, &d), 0, "delete everything");
	for (tries = 0; tries < 500; tries++) {
		RAW(fd, VEXFS_IOC_STAT, &empty);
		if (empty.bytes < full.bytes / 20)
			break;
		usleep(10000);
	}
	printf("# %llu bytes with %u vectors, %llu without\n", (unsigned long long)full.bytes, n,
	       (unsigned long long)empty.bytes);
	ok(empty.bytes < full.bytes / 20 && !empty.count, "memory is freed");
	ok(sound(fd), "the collection is consistent after the deletion");
	raw_drop(ctl, "churn");
	close(fd);
	free(ids);
}
