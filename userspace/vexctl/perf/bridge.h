/* SPDX-License-Identifier: GPL-2.0 */
/* Tests of the bridge with ops that do nothing, for "vexctl performance bridge". */
#ifndef VEXCTL_PERF_BRIDGE_H
#define VEXCTL_PERF_BRIDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct bridge_case - one thing that ops are tried for
 * @name: a word
 * @what: what holds when it went well
 * @comprehensive: only where everything is tried
 * @run: 0, or -1 with a sentence in @why
 */
struct bridge_case {
	const char *name;
	const char *what;
	bool comprehensive;
	int (*run)(int fd, char *why, size_t size);
};

#define BRIDGE_CASES	10
extern const struct bridge_case bridge_cases[BRIDGE_CASES];

/* The device; -1 with errno. */
int bridge_open(const char *device);

/*
 * Time of one op that does nothing, from submission to completion, in nanoseconds; -1 with a
 * message in @why.
 */
int64_t bridge_round_trip(int fd, char *why, size_t size);

#endif
