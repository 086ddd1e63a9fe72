/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of async_test share: ops that are submitted and reaped, by the raw ioctls. */
#ifndef VEXFS_ASYNC_TEST_H
#define VEXFS_ASYNC_TEST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/ioctl/raw.h"
#include "tests/tap.h"

#define WILD	0xdead0000dead0000ULL
#define DIM	8u
#define VECTORS	500u
#define LONG	VEXFS_NOP_HOLD_MAX	/* for ops that are to be ended */

/* A test: did the call return what it must? */
void is(long got, long want, const char *what);
/* A tunable, for what is opened from now on. */
void set_param(const char *name, unsigned int value);

/* The value of a counter of the bridge: of "low" or "async_low", for example. -1: there is none. */
long bridge_count(const char *place, const char *figure);

/* The vector of an id. */
void fill(float *v, uint64_t id);
/* The collection of all tests, with VECTORS vectors. */
int attach(void);

struct vexfs_nop nop_of(uint64_t value, uint64_t hold_ns);

struct vexfs_submission entry(uint32_t cmd, void *arg, uint64_t user_data);
/* Submits; how many were queued, or -errno when none was. */
int submit(int fd, struct vexfs_submission *e, uint32_t n);
/* One op, with its size set. */
#define SUBMIT(fd, cmd, req, data)						\
	({									\
		struct vexfs_submission e_ = entry(cmd, req, data);		\
		(req)->size = sizeof(*(req));					\
		submit(fd, &e_, 1);						\
	})
/* Waits for @n completions, without end; how many there were, or -errno. */
int reap(int fd, struct vexfs_completion *c, uint32_t n);
/* One completion: its result. */
int reap_one(int fd, struct vexfs_completion *c);
int cancel(int fd, uint64_t user_data, uint32_t flags);
uint32_t left(int fd);
/* Waits until an op runs. */
void wait_running(int fd);

/* Draws a number below @n. */
uint32_t dice(uint32_t *seed, uint32_t n);

#define MIXED_K	3u

/* A nop, get or search with its memory. @id: its argument. */
struct mixed_op {
	union {
		struct vexfs_nop nop;
		struct vexfs_get get;
		struct vexfs_search search;
	} r;
	float v[DIM];
	uint64_t id;
	uint64_t ids[MIXED_K];
	float distances[MIXED_K];
	uint32_t cmd;
};

/* Draws an op and its priority. A quarter of the nops take @hold_ns. */
void mixed_op(struct mixed_op *op, uint32_t *seed, uint64_t hold_ns);
/* True when the op has the right answer. */
bool mixed_right(const struct mixed_op *op);

/* files of tests */
void basics(void);
void order(void);
void wrong(void);
void ends(void);
void storms(void);
void rings(void);
void steering(void);
void priorities_of_calls(void);

#endif
