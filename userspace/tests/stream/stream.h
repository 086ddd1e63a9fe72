/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of stream_test share. The test is the storage daemon; those who write
 * to durable collections are children of it.
 */
#ifndef VEXFS_STREAM_TEST_H
#define VEXFS_STREAM_TEST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/ioctl/raw.h"
#include "tests/tap.h"

#define DIM	8u

/* A test: did the call return what it must? */
void is(long got, long want, const char *what);

/* The vector of an id, in its @version. */
void fill(float *v, uint64_t id, uint32_t version);
/* Stores @n vectors with ids from @first on; @seq may be NULL. */
int put_some(int fd, uint64_t first, uint32_t n, uint32_t version, uint64_t *seq);
int delete_one(int fd, uint64_t id);
int get_one(int fd, uint64_t id, float *v);
int set_durability(int fd, uint32_t how);
struct vexfs_stat stat_of(int fd);

/* A descriptor attached to a new collection of DIM x f32, or -errno. */
int create_durable(const char *name, uint32_t durability);
int attach(const char *name);
void drop(const char *name);

/* Turns an attached descriptor into a stream; @from and flags as in the structure. */
int stream(int fd, uint32_t flags, uint64_t from, struct vexfs_stream_req *out);
/* Reads up to @n changes without waiting: how many, or -errno. */
int changes(int fd, struct vexfs_change *ch, uint32_t n);
/* Waits for a change. */
bool readable(int fd, int ms);
int rows(int fd, const struct vexfs_change *ch, uint32_t n, float *v, int32_t *errors);
int ack(int fd, uint64_t seq, uint32_t error);

/* The storage daemon. */
int storage_open(struct vexfs_storage *st);
/* Attaches as storage to the collection, as soon as it is there; -errno. */
int storage_attach(const char *name, struct vexfs_stream_req *out);

/* A child that does something with a collection, and its outcome. */
typedef int (*work)(const char *name, uint64_t arg);
pid_t start(work fn, const char *name, uint64_t arg);
bool waits(pid_t pid);		/* it has not ended, some time later */
int outcome(pid_t pid);		/* 0 or -errno; or -1000 - signal */
/* Works of children. */
int put_one_work(const char *name, uint64_t id);
int put_late_work(const char *name, uint64_t n);
int put_many_work(const char *name, uint64_t n);
int delete_work(const char *name, uint64_t id);
int create_work(const char *name, uint64_t durability);
int drop_work(const char *name, uint64_t arg);
int set_work(const char *name, uint64_t durability);

/* watch.c */
void watching(void);
void losing(void);
void watching_hostile(void);
void storm(void);
/* netlink.c */
void over_netlink(void);
/* durable.c */
/* A durable collection; the test is its storage, and has acknowledged what there is: its stream. */
int stored(const char *name, uint32_t durability);
/* Reads and acknowledges what is there; the last number. */
uint64_t store_all(int s);
/* Drops the collection, and closes its stream. */
void forget(int s, const char *name);
void without_storage(void);
void waiting(void);
void keeping(void);
void filling(void);
void failing(void);
void returning(void);
void async(void);
void changing(void);
void dropping(void);
/* queued.c */
void queued(void);
/* restore.c */
void restoring(void);
/* graph.c */
void graphs(void);

#endif
