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

	is(RAW(fd, VEXFS_IOC_NOP, &n), 0, "a nop that is waited for");
	is((long)n.echo, 7, "says what it was told");
	n = nop_of(8, 0);
	is(SUBMIT(fd, VEXFS_IOC_NOP, &n, 42), 1, "one that is submitted");
	is(reap(fd, c, 1), 1, "has a completion");
	ok(c->user_data == 42 && !c->res && !c->retries && n.echo == 8,
	   "with its number, and its answer in the structure");
	for (uint32_t i = 0; i < 100; i++) {
		many[i] = nop_of(1000 + i, 0);
		e[i] = entry(VEXFS_IOC_NOP, &many[i], i);
	}
	is(submit(fd, e, 100), 100, "a hundred at once");
	is(reap(fd, c, 100), 100, "all have a completion");
	for (uint32_t i = 0; i < 100; i++)
		if (!c[i].res && c[i].user_data < 100 &&
		    many[c[i].user_data].echo == 1000 + c[i].user_data)
			seen[c[i].user_data / 64] |= 1ULL << c[i].user_data % 64;
	ok(seen[0] == ~0ULL && seen[1] == (1ULL << 36) - 1, "one each");
	is(left(fd), 0, "and nothing is left");
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
	is(SUBMIT(fd, VEXFS_IOC_PUT, &p, 1), 1, "a put is submitted");
	is(reap_one(fd, c), 0, "and stored");
	ok(p.done == 1 && p.seq && p.kernel_ns, "its structure says so");
	is(SUBMIT(fd, VEXFS_IOC_GET, &g, 2), 1, "a get");
	is(reap_one(fd, c), 0, "is answered");
	ok(g.done == 1 && !memcmp(v, back, sizeof(v)), "with the vector");
	one = 1;
	is(SUBMIT(fd, VEXFS_IOC_DISTANCE, &m, 3), 1, "a distance");
	is(reap_one(fd, c), 0, "is answered");
	ok(m.done == 1 && one == 0, "it is 0");
	is(SUBMIT(fd, VEXFS_IOC_WALK, &w, 3), 1, "a walk");
	is(reap_one(fd, c), 0, "is answered");
	ok(w.count == 16 && w.cursor, "with the first vectors");
	for (uint32_t i = 0; i < 3; i++) {
		s[i] = raw_search(v, 1, 3, found[i], dist[i], NULL);
		is(SUBMIT(fd, VEXFS_IOC_SEARCH, &s[i], i), 1, "a search");
	}
	is(reap(fd, c, 3), 3, "three searches are answered");
	RAW(fd, VEXFS_IOC_SEARCH, &plain);
	for (uint32_t i = 0; i < 3; i++)
		wrong += c[i].res || s[i].found != 3 || s[i].plan != plain.plan ||
			 memcmp(found[i], found[3], sizeof(found[3])) ||
			 memcmp(dist[i], dist[3], sizeof(dist[3]));
	ok(!wrong && found[3][0] == id, "as when they are waited for");
	is(SUBMIT(fd, VEXFS_IOC_DELETE, &d, 4), 1, "a delete");
	is(reap_one(fd, c), 0, "is done");
	is(RAW(fd, VEXFS_IOC_GET, &g), -ENOENT, "the vector has gone");
	is(SUBMIT(fd, VEXFS_IOC_GET, &g, 5), 1, "a get of it");
	is(reap_one(fd, c), -ENOENT, "has the error of the ioctl");
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

	is(RAW(fd, VEXFS_IOC_EVENTFD, &on), 0, "an eventfd is told");
	for (uint32_t i = 0; i < 3; i++)
		SUBMIT(fd, VEXFS_IOC_NOP, &n[i], i);
	is(reap(fd, c, 3), 3, "of three nops");
	is(poll(&p, 1, 10000), 1, "it can be polled");
	is((long)told(efd), 3, "it counts three");
	on.fd = other;
	is(RAW(fd, VEXFS_IOC_EVENTFD, &on), 0, "another takes its place");
	SUBMIT(fd, VEXFS_IOC_NOP, &n[0], 0);
	reap(fd, c, 1);
	ok(told(efd) == 0 && told(other) == 1, "and only that is told");
	is(RAW(fd, VEXFS_IOC_EVENTFD, &off), 0, "nobody is told any more");
	SUBMIT(fd, VEXFS_IOC_NOP, &n[0], 0);
	reap(fd, c, 1);
	ok(told(efd) == 0 && told(other) == 0, "indeed");
	on.fd = 900;
	is(RAW(fd, VEXFS_IOC_EVENTFD, &on), -EBADF, "a descriptor that is none");
	on.fd = fd;
	is(RAW(fd, VEXFS_IOC_EVENTFD, &on), -EINVAL, "one of something else");
	on.fd = efd;
	is(RAW(fd, VEXFS_IOC_EVENTFD, &on), 0, "one that the program closes");
	close(efd);
	SUBMIT(fd, VEXFS_IOC_NOP, &n[0], 0);
	is(reap_one(fd, c), 0, "does not harm");
	close(other);
}

static void retries(int fd)
{
	struct vexfs_nop n = nop_of(5, 0);
	struct vexfs_completion c;

	n.fail = 2;
	SUBMIT(fd, VEXFS_IOC_NOP, &n, 1);
	is(reap_one(fd, &c), 0, "an op that fails twice for memory goes well");
	ok(c.retries == 2 && n.echo == 5, "at the third attempt");
	n.fail = 100;
	SUBMIT(fd, VEXFS_IOC_NOP, &n, 1);
	is(reap_one(fd, &c), -ENOMEM, "one that always does fails");
	is(c.retries, 3, "after three more attempts");
	set_param("bridge_retries", 0);
	n.fail = 1;
	SUBMIT(fd, VEXFS_IOC_NOP, &n, 1);
	is(reap_one(fd, &c), -ENOMEM, "without retries it fails at once");
	is(c.retries, 0, "and says so");
	set_param("bridge_retries", 3);
	is(RAW(fd, VEXFS_IOC_NOP, &n), -ENOMEM, "what is waited for is not tried again");
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
