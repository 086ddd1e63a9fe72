/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The parts of a profile: the results of each tool of scripts/profiling, in a directory of its
 * own, read and checked. Parts that are missing, incomplete, or made of other sources than the
 * newest one are marked.
 */
#ifndef VEXFS_PROFILE_PARTS_H
#define VEXFS_PROFILE_PARTS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jsonin.h"
#include "vexstat.h"

#define KINDS_MAX	64
#define SAMPLES_MAX	1000

/**
 * struct part - a directory of a profile
 * @name: of the directory
 * @complete: its script came to its end and lacked nothing
 * @used: its results go into the report
 * @why: what is wrong with it
 * @sources: hash of what the module was made of
 */
struct part {
	char name[48];
	bool complete, used;
	char why[400];
	char sources[24];
	char machine[64];
	int64_t began, ended;
};

/* Deepest op of a kind, and in which part. */
struct depth {
	char kind[24];
	unsigned int bytes;
	const char *part;
};

/**
 * struct entry - a function that begins ops
 * @possible: bytes of the deepest path of calls
 * @seen: deepest of its kinds
 * @path: of calls, " > " between
 */
struct entry {
	char *name, *file, *path;
	unsigned int possible, seen, budget;
};

/**
 * struct component - measured with and without
 * @off: its values without, one a slice
 * @deepest_off: deepest op without
 */
struct component {
	char name[32];
	char unit[32];
	double off[SAMPLES_MAX], on[SAMPLES_MAX];
	size_t noff, non;
	unsigned int deepest_off, deepest_on;
	struct vs_change change;
};

struct parts {
	char dir[PATH_MAX];
	struct part *part;
	size_t nparts;
	struct entry *entry;
	size_t nentries;
	struct depth depth[KINDS_MAX];
	size_t ndepths;
	struct component *component;
	size_t ncomponents;
	jsonin *time;		/* perf/profile.json */
	jsonin *valgrind;	/* valgrind/summary.json */
	char sources[24];
	unsigned int tracer;	/* bytes: the stack tracer's maximum */
};

/* 0, or -1 with a sentence in @why: no parts at all. */
int parts_read(struct parts *p, const char *dir, char *why, size_t size);
void parts_free(struct parts *p);
const struct part *parts_find(const struct parts *p, const char *name);
/* Is there a part of that name whose results count? */
bool parts_have(const struct parts *p, const char *name);
/* "DIR/PART/FILE", in @to. */
const char *parts_path(const struct parts *p, const char *part, const char *file, char *to,
		       size_t size);

#endif
