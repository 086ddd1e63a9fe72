/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Statistics as tables: subjects, their instances, and the counters of each. All that show
 * statistics (debugfs, netlink, an exporter) walk these tables, so that a name means the
 * same everywhere. Nothing is counted here.
 */
#ifndef _VEXFS_STAT_COUNTER_H
#define _VEXFS_STAT_COUNTER_H

#include <linux/list.h>
#include <linux/types.h>

enum vexfs_counter_kind {
	VEXFS_COUNTER,		/* only grows, until its subject is reset */
	VEXFS_GAUGE,		/* goes up and down */
};

/**
 * struct vexfs_counter - one counter or gauge
 * @name: unique in its subject
 * @unit: what it counts
 * @doc: what it means, one clause
 * @kind: counter or gauge
 */
struct vexfs_counter {
	const char *name;
	const char *unit;
	const char *doc;
	enum vexfs_counter_kind kind;
};

/**
 * struct vexfs_subject - something that has statistics
 * @node: in the list of subjects
 * @name: unique
 * @doc: meaning of the subject
 * @counters: its counters and gauges
 * @counters_n: length of @counters
 * @instances: how many instances there are now (kinds of op, tiers, ...)
 * @instance: name of instance @i; valid while the module is loaded
 * @read: writes the @counters_n values of instance @i; may sleep
 * @reset: values since the last reset start at 0; NULL when there is nothing to reset
 */
struct vexfs_subject {
	struct list_head node;
	const char *name;
	const char *doc;
	const struct vexfs_counter *counters;
	unsigned int counters_n;
	unsigned int (*instances)(void);
	const char *(*instance)(unsigned int i);
	int (*read)(unsigned int i, bool since_reset, u64 *values);
	int (*reset)(void);
};

#define VEXFS_SUBJECT_COUNTERS_MAX	64u

/* Layers above add their own. May sleep; -EEXIST for a name that is taken. */
int vexfs_subject_add(struct vexfs_subject *s);
void vexfs_subject_del(struct vexfs_subject *s);

/*
 * Calls @fn for each subject in the order in which they were added, until it
 * returns other than 0, which is returned. @fn may sleep, and may not add or
 * delete subjects.
 */
int vexfs_subject_walk(int (*fn)(struct vexfs_subject *s, void *arg), void *arg);

/* By name; -ENOENT, -EOPNOTSUPP when there is nothing to reset. "all" resets all. */
int vexfs_subject_reset(const char *name);

/* The subject of that name, or NULL. It exists as long as the layer that added it. */
struct vexfs_subject *vexfs_subject_find(const char *name);

/* The number of u64 values in a structure of nothing else. */
#define VEXFS_COUNTERS_IN(type)	(sizeof(type) / sizeof(u64))

int vexfs_stat_init(void);
void vexfs_stat_exit(void);

#endif
