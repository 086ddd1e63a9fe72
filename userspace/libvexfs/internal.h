/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of libvexfs share. A handle does not change after it was opened, but for
 * @event_fd, and for the descriptor of one that re-attaches, which has a lock: so many
 * threads may use it.
 */
#ifndef VEXFS_LIB_INTERNAL_H
#define VEXFS_LIB_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#define VEXFS_LIBRARY
#include "vexfs.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

struct reattach;

struct vexfs {
	int fd;				/* with @again under its lock; -1: let go */
	struct reattach *again;		/* VEXFS_OPEN_REATTACH, or NULL */
	pthread_mutex_t lock;		/* held while the next one is made */
	int event_fd;			/* told of completions; -1 before it is asked for */
	unsigned int access;		/* VEXFS_ATTACH_* */
	uint32_t dim;
	uint32_t type;
	uint32_t metric;
	uint32_t attr_size;
	uint32_t raw_bytes;		/* of a vector in the collection's type */
	char name[VEXFS_NAME_SIZE];
	char layout[VEXFS_LAYOUT_MAX + 1];
};

/* Fills in @err and returns -@code. Text from outside is escaped. */
__attribute__((format(printf, 3, 4)))
int vexfs_fail(struct vexfs_error *err, int code, const char *fmt, ...);
__attribute__((format(printf, 4, 5)))
int vexfs_fail_at(struct vexfs_error *err, int code, unsigned int position, const char *fmt, ...);
void vexfs_error_clear(struct vexfs_error *err);

/*
 * Sends one request; 0 or an errno, which the caller explains. It is not restarted after
 * a signal: a program that handles signals wants to know.
 */
int vexfs_call(int fd, unsigned long op, void *req);
/* The same on a handle, whose descriptor may have to be opened again. */
int vexfs_handle_call(const struct vexfs *h, unsigned long op, void *req);
int vexfs_handle_call_on(const struct vexfs *h, unsigned long op, void *req);

/* reattach.c; NULL when there is no memory. */
struct reattach *vexfs_reattach_new(const char *device);
void vexfs_reattach_free(struct reattach *again);
/* The descriptor of @h becomes a new one of a collection of its name and shape: 0 or an errno. */
int vexfs_attach_again(struct vexfs *h, const char *device);
/* Lets the kernel load vexfs if it is installed; true if it is loaded then. */
bool vexfs_autoload(void);
/* Sends one part of a longer request; restarted after signals. */
int vexfs_request_on(int fd, unsigned long op, void *req);

/* A sentence for an errno that means the same in every operation. */
int vexfs_explain(const struct vexfs *h, struct vexfs_error *err, int code, const char *what,
		  uint64_t deadline_ns);

/** struct settings - settings of create and index, to be checked for consistency */
struct settings {
	unsigned int dim;
	unsigned int type;
	unsigned int metric;
	unsigned int index;
	unsigned int code;
	unsigned int m;
	unsigned int ef_construction;
};

/* True with a sentence that names conflicting settings and valid ones. */
bool vexfs_clash(const struct settings *s, char *why, size_t size);

/* True if the collection of this handle was dropped. */
bool vexfs_is_dropped(const struct vexfs *h);

/* Looks for a component that the collection cannot store. */
bool vexfs_find_bad_component(const struct vexfs *h, uint32_t format, const void *vectors,
			      uint64_t count, uint64_t *vector, uint32_t *component,
			      const char **what);

/* Remaining time of a deadline for several requests. */
struct vexfs_deadline {
	uint64_t deadline_ns;
	uint64_t start_ns;
};

void vexfs_deadline_start(struct vexfs_deadline *clock, uint64_t deadline_ns);
/* 0 or ETIME; @left: remaining time, 0 without a deadline. */
int vexfs_deadline_left(const struct vexfs_deadline *clock, __u64 *left);

/* Adds to the ABI's __u64 pointers; 0 stays 0. */
static inline uint64_t advance(uint64_t pointer, uint64_t n, size_t bytes)
{
	return pointer ? pointer + n * bytes : 0;
}

float vexfs_f16_to_f32(uint16_t half);

#endif
