/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A disk in memory that remembers every change in the order in which it came, for cutting
 * the power at any point of it, and that can make calls fail.
 */
#ifndef VEXFS_TESTS_MEMDISK_H
#define VEXFS_TESTS_MEMDISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io.h"

struct memdisk;

struct memdisk *memdisk_new(uint64_t seed);
void memdisk_free(struct memdisk *d);
struct store_io *memdisk_io(struct memdisk *d);

/* Changes, flushes included, so far. */
size_t memdisk_events(const struct memdisk *d);
/* Event @i is one after which a cut is worth while: a flush of any kind. */
bool memdisk_is_flush(const struct memdisk *d, size_t i);

enum cut {
	CUT_PRESENT,		/* what was not flushed got there all the same */
	CUT_ABSENT,		/* none of it did */
	CUT_TORN,		/* some of it, in any order, sector by sector */
};

/*
 * The disk as it is found after the power went behind the first @upto changes. What was
 * written and not flushed is there as @how says; the same goes for names that were made,
 * moved and removed.
 */
struct memdisk *memdisk_cut(const struct memdisk *d, size_t upto, enum cut how, uint64_t seed);

/**
 * struct memfault - which call fails, and how
 * @at: the @at-th changing call from now, from 1 on; 0 for none
 * @calls: as many in a row, at least one
 * @code: errno
 * @half: a write does half of its work and says so; the call after it fails
 */
struct memfault {
	uint64_t at;
	uint64_t calls;
	int code;
	bool half;
};

void memdisk_fault(struct memdisk *d, const struct memfault *fault);
/* Whether the call that was to fail has come. */
bool memdisk_faulted(const struct memdisk *d);
/* No more than @bytes in all files together, ENOSPC beyond; 0 for no limit. */
void memdisk_limit(struct memdisk *d, uint64_t bytes);

/* A file as a whole, for damaging it. */
uint8_t *memdisk_file(struct memdisk *d, size_t i, const char **name, size_t *len);
int memdisk_put(struct memdisk *d, const char *name, const void *data, size_t len);

uint64_t mem_random(uint64_t *state);

#endif
