/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of ioctl_test share: each has the checks of one subject, ioctl_test.c
 * calls them in turn.
 */
#ifndef VEXFS_IOCTL_TEST_H
#define VEXFS_IOCTL_TEST_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/ioctl/raw.h"
#include "tests/tap.h"

#define WILD	((void *)(uintptr_t)0xdead0000dead0000ULL)
#define DIM	8u

extern int ctl;		/* a descriptor that is attached to nothing */

/* A test: did the call return what it must? */
void is(int got, int want, const char *what);
/* The vector that belongs to an id. */
void fill(float *v, uint64_t id, uint32_t dim);
/* Stores @n vectors with ids from @first on. */
int put_some(int fd, uint64_t first, uint32_t n, uint32_t dim, const void *attrs);
uint64_t count_of(int fd);
bool sound(int fd);

/* test_requests.c */
void sizes(void);
void names(void);
/* Creates a collection with @len bytes at @name as its name, and drops it. */
int create_named(const char *name, size_t len);
void creating(void);
void attaching(void);

/* test_reserved.c */
void reserved(void);

/* test_vectors.c: @fd is attached to a collection of DIM x f32, L2 */
void putting(int fd);
void seeing(int fd);
void getting(int fd);
void deleting(int fd);
void deadlines(int fd);
void measuring(int fd);
void walking(int fd);

/* test_search.c */
void searching(int fd);
void filtering(void);
void classifying(void);
void leaving(void);

/* test_settings.c */
void set_param(const char *key, const char *value);
void filling(void);
void setting(int fd);
void listing(void);

/* test_users.c */
void users(void);
void limits(void);

/* test_files.c */
void descriptors(void);
void signals(void);
void signal_storm(bool restart);
void mapping(void);
void memory_returns(void);

/* test_map.c */
void forgetting(void);

/* test_signals.c */
void interrupting(void);

#endif
