/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vexfsd, the storage daemon: what its files share. One thread per durable collection
 * writes its changes to the store. One more thread compacts and saves graphs. The main
 * thread waits for collections that are created and dropped, and for the control socket.
 */
#ifndef VEXFSD_H
#define VEXFSD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <linux/vexfs.h>

#include "store.h"

#define VEXFSD_STORE	"/var/lib/vexfs"
#define VEXFSD_RUN	"/run/vexfs"
#define VEXFSD_SOCKET	VEXFSD_RUN "/vexfsd.sock"

/* Changes read in one call, and the bytes of their rows. */
#define BATCH_CHANGES	16384u
#define BATCH_BYTES	(4u << 20)
#define BATCHES		6u	/* sets of buffers, which all collections share */
#define RETRY_MS	500u

struct options {
	const char *store;
	const char *socket;
	const char *device;
	const char *metrics;	/* file, or NULL */
	uint64_t segment_max;
	uint64_t user_mb;
	bool user_limited;	/* @user_mb was given */
};

/* Contents of a set of buffers. */
struct batch {
	struct vexfs_change *changes;
	uint64_t *ids;
	uint8_t *ops;
	uint8_t *vectors;
	uint8_t *attrs;
	int32_t *errors;
	bool taken;
};

enum coll_state {
	COLL_WAITING,		/* not started */
	COLL_RESTORING,
	COLL_STORING,		/* changes are stored as they arrive */
	COLL_FAILED,		/* the store refuses changes; @error and @why say why; retried */
	COLL_KEPT,		/* its user namespace no longer exists; it is in the store only */
	COLL_CONFLICT,		/* not restored: @error, @why */
};

/**
 * struct coll - a durable collection
 * @c: the collection in the store; NULL before it is open
 * @number: each has a greater one than those before it
 * @key: its number there
 * @serial: its number in the kernel; 0 before it is known
 * @fd: its change stream; -1 when not attached
 * @stop: eventfd; readable when the thread is to end
 * @state: under d->lock, as are @error and @why
 * @restore: the kernel does not have it yet
 * @unfinished: the kernel has its vectors, but perhaps not the links of its graph
 * @snapshot: its first rows were walked, and count as soon as its changes are stored
 * @graph_seq: sequence number of the graph that was saved last; 0: none was
 * @owner: the user it belongs to, and @user_ns the namespace; for the limit of users
 * @bytes: that it takes in the store
 * @lock: of @c: other threads hold it while they use @c, the collection's thread while it
 * changes @c
 */
struct coll {
	struct coll *next;
	struct daemon *d;
	pthread_t thread;
	bool running;
	atomic_bool ended;
	struct store_coll *c;
	uint64_t number;
	uint64_t key;
	uint64_t serial;
	int fd;
	int stop;
	enum coll_state state;
	int error;
	char why[300];
	unsigned int holders;	/* threads that use it, under d->lock */
	bool restore;
	bool unfinished;
	bool snapshot;
	atomic_ullong graph_seq;
	atomic_uint owner;
	atomic_uint user_ns;
	atomic_ullong bytes;
	pthread_mutex_t lock;
};

#define FLUSH_EDGES	16u	/* from 0.1 ms, each twice the one before */

/* What the daemon has done since it started; metrics.c shows it. */
struct counters {
	atomic_ullong changes;
	atomic_ullong failures;
	atomic_ullong flushes;
	atomic_ullong flush_ns;
	atomic_ullong flush[FLUSH_EDGES];
};

struct daemon {
	struct options opts;
	struct store_io *io;
	struct store *s;
	atomic_int storage;	/* VEXFS_IOC_STORAGE, or -1 */
	uint64_t instance;
	uint64_t user_ns;
	uint64_t user_max;	/* bytes that a user may take in the store; 0: any */
	struct counters counters;
	struct coll *colls;
	uint64_t numbers;
	pthread_mutex_t lock;
	pthread_mutex_t run_lock;
	/* held while a collection becomes visible and ours; taken before @lock */
	pthread_mutex_t adopt_lock;
	struct batch batches[BATCHES];
	pthread_cond_t batch_free;
	atomic_bool stopping;	/* all threads are to end */
	pthread_t upkeep;
	bool upkeep_runs;
	atomic_bool upkeep_ends;
	atomic_bool releasing;	/* graphs are being saved for the last time */
	pthread_cond_t upkeep_wake;
	unsigned int clients;	/* the control socket */
	int control;
	int wake;		/* eventfd: the main thread has work */
	atomic_int wanted;	/* enum wanted */
};

enum wanted { WANT_STORE, WANT_RELEASE };

/* log.c: one line to the journal; without systemd to stderr */
__attribute__((format(printf, 2, 3)))
void say(int level, const char *fmt, ...);

/* notify.c */
void notify(const char *state);
/* Milliseconds between two keep-alive messages; 0 when the service manager wants none. */
unsigned int watchdog_ms(void);
/* For long work of the main thread. */
void notify_alive(void);

/* protect.c: keeps a daemon that the kernel's writers wait for from waiting for the kernel */
void protect(void);
int store_place_ok(const char *path, char *why, size_t room);

/* kernel.c: /dev/vexfs; 0 or more, or -errno */
int kernel_open(const char *device);
int kernel_call(int fd, unsigned long request, void *arg);
#define KERNEL(fd, request, arg) \
	((arg)->size = sizeof(*(arg)), kernel_call(fd, request, arg))
/* -ENOENT: there is no such collection. */
int kernel_attach(const char *device, uint64_t serial, unsigned int flags);
int kernel_meta(int fd, struct store_meta *meta, struct vexfs_stat *st);
/* Calls @fn for each collection of LIST with @flags. */
int kernel_list(int fd, uint32_t flags, int (*fn)(void *arg, const struct vexfs_stat *st),
		void *arg);

/*
 * run.c: pairs the collections of this module instance with those of the store; a serial
 * number of 0: the kernel does not have it. *@last is the instance, or 0 after an error.
 */
int run_read(struct daemon *d, uint64_t *last,
	     int (*fn)(void *arg, uint64_t key, uint64_t serial), void *arg);
int run_write(struct daemon *d);

/* batch.c */
int batches_make(struct daemon *d);
void batches_free(struct daemon *d);
/* Returns NULL when the daemon ends. */
struct batch *batch_take(struct daemon *d);
void batch_give(struct daemon *d, struct batch *b);

/* coll.c: the list of collections, and their threads */
struct coll *coll_new(struct daemon *d, uint64_t key, uint64_t serial);
int coll_start(struct coll *k);
void coll_state(struct coll *k, enum coll_state state, int error, const char *why);
bool coll_stopping(struct coll *k);
/* Waits; returns false when the thread is to end. */
bool coll_sleep(struct coll *k, unsigned int ms);
/* Joins threads that have ended, and frees entries of dropped collections. */
void colls_reap(struct daemon *d);
void colls_stop(struct daemon *d);
/*
 * Returns the entry behind number *@at, which begins at 0, and moves *@at to it. It stays
 * until it is released; NULL past the end. None is missed or comes twice, whatever comes and
 * goes meanwhile.
 */
struct coll *coll_hold(struct daemon *d, uint64_t *at);
void coll_release(struct coll *k);
/* It belongs to a user namespace that no longer exists: then that is its state from now on. */
bool coll_is_kept(struct coll *k);
/* A collection of that name is stored, other than kept ones. */
bool coll_name_taken(struct daemon *d, const char *name);

/* stream.c: from the kernel to the store */
void stream_run(struct coll *k);

/* snapshot.c: a collection that was there before it became durable */
int snapshot_take(struct coll *k, uint64_t from, struct store_error *err);

/* quota.c: limits of users */
int quota_begin(struct daemon *d);
/* The collection has grown or shrunk, or has another owner; under k->lock, or in its thread. */
void quota_note(struct coll *k);
/* -EDQUOT when the owner's collections take all they may. */
int quota_check(struct coll *k, const struct store_meta *meta, struct store_error *err);

/* claim.c: gives a kept collection to root; @which is a name or a key, @as a name or NULL */
int claim(struct daemon *d, const char *which, const char *as, struct store_error *err);

/* metrics.c */
#define METRICS_MS	5000
void metrics_flushed(struct daemon *d, uint64_t ns);
/* Writes the file, at most once in METRICS_MS. */
void metrics_write(struct daemon *d);

/* restore.c: from the store to the kernel */
int restore_coll(struct coll *k, struct store_error *err);

/* graph.c: save under k->lock; begin and finish before and after it is published */
int graph_save(struct coll *k, struct store_error *err);
bool graph_is_due(struct coll *k);
int graph_begin(struct coll *k, int fd);
int graph_finish(struct coll *k, int fd);
/* For a process that ended between the two, the second. */
void graph_continue(struct coll *k);

/* upkeep.c: compaction and saving of graphs, in the background */
int upkeep_start(struct daemon *d);
void upkeep_stop(struct daemon *d);
/* Saves all graphs before the daemon detaches from the kernel. */
void upkeep_last(struct daemon *d);

/* attach.c: attaching as the machine's storage daemon, and detaching */
int daemon_attach(struct daemon *d);
void daemon_release(struct daemon *d);
int daemon_discover(struct daemon *d);

/* control.c: the socket */
int control_open(struct daemon *d);
void control_accept(struct daemon *d);
void control_close(struct daemon *d);

#endif
