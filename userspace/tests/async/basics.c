// SPDX-License-Identifier: GPL-2.0
/*
 * Each op that can be submitted, and its completion.
 */
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "tests/async/async.h"

static void nops(int fd)
{
	struct vexfs_nop n = nop_of(7, 0), many[100];
	struct vexfs_submission e[100];
	struct vexfs_completion c[100];
	uint64_t seen[2] = { 0, 0 };

	is(RAW(fd, VEXFS_IOC_NOP, &n), 0, "nop by ioctl");
	is((long)n.echo, 7, "nop by ioctl: the value comes back");
	n = nop_of(8, 0);
	is(SUBMIT(fd, VEXFS_IOC_NOP, &n, 42), 1, "nop is submitted");
	is(reap(fd, c, 1), 1, "nop has a completion");
	ok(c->user_data == 42 && !c->res && !c->retries && n.echo == 8,
	   "the completion has the op's user_data, the structure its result");
	for (uint32_t i = 0; i < 100; i++) {
		many[i] = nop_of(1000 + i, 0);
		e[i] = entry(VEXFS_IOC_NOP, &many[i], i);
	}
	is(submit(fd, e, 100), 100, "100 ops are submitted by one call");
	is(reap(fd, c, 100), 100, "100 ops: as many completions");
	for (uint32_t i = 0; i < 100; i++)
		if (!c[i].res && c[i].user_data < 100 &&
		    many[c[i].user_data].echo == 1000 + c[i].user_data)
			seen[c[i].user_data / 64] |= 1ULL << c[i].user_data % 64;
	ok(seen[0] == ~0ULL && seen[1] == (1ULL << 36) - 1, "100 ops: one completion for each");
	is(left(fd), 0, "100 ops: none is left");
}

static void vectors(int fd)
{
	uint64_t id = 9000, found[4][3], walked[16];
	struct vexfs_delete d = { .count = 1, .ids = (uintptr_t)&id };
	struct vexfs_completion c[4];
	float v[DIM], back[DIM] = { 0 }, dist[4][3], one;
	struct vexfs_search s[4], plain = raw_search(v, 1, 3, found[3], dist[3], NULL);
	struct vexfs_put p = raw_put(&id, v, NULL, 1);
	struct vexfs_get g = { .count = 1, .ids = (uintptr_t)&id, .vectors = (uintptr_t)back };
	struct vexfs_distance m = {
		.count = 1, .query = (uintptr_t)v, .ids = (uintptr_t)&id, .distances = (uintptr_t)&one,
	};
	struct vexfs_walk w = { .count = 16, .ids = (uintptr_t)walked };
	int wrong = 0;

	fill(v, id);
	is(SUBMIT(fd, VEXFS_IOC_PUT, &p, 1), 1, "put is submitted");
	is(reap_one(fd, c), 0, "put succeeds");
	ok(p.done == 1 && p.seq && p.kernel_ns, "put: the structure has count, sequence number and time");
	is(SUBMIT(fd, VEXFS_IOC_GET, &g, 2), 1, "get is submitted");
	is(reap_one(fd, c), 0, "get succeeds");
	ok(g.done == 1 && !memcmp(v, back, sizeof(v)), "get: the vector is the one that was put");
	one = 1;
	is(SUBMIT(fd, VEXFS_IOC_DISTANCE, &m, 3), 1, "distance is submitted");
	is(reap_one(fd, c), 0, "distance succeeds");
	ok(m.done == 1 && one == 0, "distance of a vector to itself is 0");
	is(SUBMIT(fd, VEXFS_IOC_WALK, &w, 3), 1, "walk is submitted");
	is(reap_one(fd, c), 0, "walk succeeds");
	ok(w.count == 16 && w.cursor, "walk: the first ids and a cursor");
	for (uint32_t i = 0; i < 3; i++) {
		s[i] = raw_search(v, 1, 3, found[i], dist[i], NULL);
		is(SUBMIT(fd, VEXFS_IOC_SEARCH, &s[i], i), 1, "search is submitted");
	}
	is(reap(fd, c, 3), 3, "three searches are completed");
	RAW(fd, VEXFS_IOC_SEARCH, &plain);
	for (uint32_t i = 0; i < 3; i++)
		wrong += c[i].res || s[i].found != 3 || s[i].plan != plain.plan ||
			 memcmp(found[i], found[3], sizeof(found[3])) ||
			 memcmp(dist[i], dist[3], sizeof(dist[3]));
	ok(!wrong && found[3][0] == id, "searches give the same results as the ioctl");
	is(SUBMIT(fd, VEXFS_IOC_DELETE, &d, 4), 1, "delete is submitted");
	is(reap_one(fd, c), 0, "delete succeeds");
	is(RAW(fd, VEXFS_IOC_GET, &g), -ENOENT, "the deleted vector is unknown");
	is(SUBMIT(fd, VEXFS_IOC_GET, &g, 5), 1, "get of a deleted vector is submitted");
	is(reap_one(fd, c), -ENOENT, "get of a deleted vector fails as the ioctl does");
}

static uint64_t told(int efd)
{
	uint64_t n = 0;

	return read(efd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

static void events(int fd)
{
	int efd = eventfd(0, EFD_NONBLOCK), other = eventfd(0, EFD_NONBLOCK);
	struct pollfd p = { .fd = efd, .events = POLLIN };
	struct vexfs_eventfd on = { .fd = efd }, off = { .fd = -1 };
	struct vexfs_nop n[3] = { nop_of(1, 0), nop_of(2, 0), nop_of(3, 0) };
	struct vexfs_completion c[3];

	is(RAW(fd, VEXFS_IOC_EVENTFD, &on), 0, "an eventfd is registered");
	for (uint32_t i = 0; i < 3; i++)
		SUBMIT(fd, VEXFS_IOC_NOP, &n[i], i);
	is(reap(fd, c, 3), 3, "eventfd: three ops are completed");
	is(poll(&p, 1, 10000), 1, "eventfd: poll(2) reports it readable");
	is((long)told(efd), 3, "eventfd: it counts three completions");
	on.fd = other;
	is(RAW(fd, VEXFS_IOC_EVENTFD, &on), 0, "another eventfd replaces it");
	SUBMIT(fd, VEXFS_IOC_NOP, &n[0], 0);
	reap(fd, c, 1);
	ok(told(efd) == 0 && told(other) == 1, "only the new eventfd is signalled");
	is(RAW(fd, VEXFS_IOC_EVENTFD, &off), 0, "the eventfd is removed");
	SUBMIT(fd, VEXFS_IOC_NOP, &n[0], 0);
	reap(fd, c, 1);
	ok(told(efd) == 0 && told(other) == 0, "no eventfd is signalled any more");
	on.fd = 900;
	is(RAW(fd, VEXFS_IOC_EVENTFD, &on), -EBADF, "eventfd: a closed descriptor is refused");
	on.fd = fd;
	is(RAW(fd, VEXFS_IOC_EVENTFD, &on), -EINVAL, "eventfd: a descriptor of another type is refused");
	on.fd = efd;
	is(RAW(fd, VEXFS_IOC_EVENTFD, &on), 0, "an eventfd is registered and then closed");
	close(efd);
	SUBMIT(fd, VEXFS_IOC_NOP, &n[0], 0);
	is(reap_one(fd, c), 0, "ops complete after the program closed its eventfd");
	close(other);
}

static void retries(int fd)
{
	struct vexfs_nop n = nop_of(5, 0);
	struct vexfs_completion c;

	n.fail = 2;
	SUBMIT(fd, VEXFS_IOC_NOP, &n, 1);
	is(reap_one(fd, &c), 0, "an op that fails twice with ENOMEM succeeds");
	ok(c.retries == 2 && n.echo == 5, "at the third attempt: two retries are counted");
	n.fail = 100;
	SUBMIT(fd, VEXFS_IOC_NOP, &n, 1);
	is(reap_one(fd, &c), -ENOMEM, "an op that always fails with ENOMEM fails");
	is(c.retries, 3, "after three retries");
	set_param("bridge_retries", 0);
	n.fail = 1;
	SUBMIT(fd, VEXFS_IOC_NOP, &n, 1);
	is(reap_one(fd, &c), -ENOMEM, "with bridge_retries=0 it fails at the first attempt");
	is(c.retries, 0, "with bridge_retries=0 no retry is counted");
	set_param("bridge_retries", 16);
	n.fail = 100;
	n.deadline_ns = 1900000000;
	SUBMIT(fd, VEXFS_IOC_NOP, &n, 1);
	is(reap_one(fd, &c), -ETIME, "with bridge_retries=16 it ends at its deadline");
	ok(c.run_ns < 2450000000, "it does not rest beyond its deadline: %.3f s", (double)c.run_ns / 1e9);
	set_param("bridge_retries", 3);
	n.deadline_ns = 0;
	is(RAW(fd, VEXFS_IOC_NOP, &n), -ENOMEM, "an ioctl is not retried");
}

void basics(void)
{
	int fd = attach();

	nops(fd);
	vectors(fd);
	events(fd);
	retries(fd);
	close(fd);
}
