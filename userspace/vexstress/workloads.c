// SPDX-License-Identifier: GPL-2.0
/*
 * The table of workloads: their ops and shares. ops.c implements the ops; targets are
 * defined elsewhere.
 */
#include "vexstress.h"

#include <string.h>

static const struct vx_kind vector_kinds[] = {
	{ "search", "vector", 50, VX_EXACT },
	{ "upsert", "vector", 25, VX_UPSERT },
	{ "get", "vector", 15, VX_GET },
	{ "delete", "vector", 10, VX_DELETE },
	{ NULL, NULL, 0, 0 }
};

static const struct vx_kind semantic_kinds[] = {
	{ "search", "semantic", 80, VX_GRAPH },
	{ "filtered", "semantic", 10, VX_FILTERED },
	{ "insert", "semantic", 10, VX_INSERT },
	{ NULL, NULL, 0, 0 }
};

static const struct vx_kind point_kinds[] = {
	{ "get", "vector", 50, VX_GET },
	{ "distance", "vector", 30, VX_DISTANCE },
	{ "upsert", "vector", 20, VX_UPSERT },
	{ NULL, NULL, 0, 0 }
};

static const struct vx_kind pools_kinds[] = {
	{ "storm", "vector", 100, VX_STORM },
	{ NULL, NULL, 0, 0 }
};

static const struct vx_kind simd_kinds[] = {
	{ "search", "vector", 100, VX_EXACT },
	{ NULL, NULL, 0, 0 }
};

/* Alone in the kernel at a time, or together: that is what they are for. */
static const struct vx_kind crowd_kinds[] = {
	{ "search", "vector", 100, VX_EXACT },
	{ NULL, NULL, 0, 0 }
};

static const struct vx_kind crowd_graph_kinds[] = {
	{ "search", "semantic", 100, VX_GRAPH },
	{ NULL, NULL, 0, 0 }
};

/* The first worker does the first kind, the others the second. */
static const struct vx_kind flood_kinds[] = {
	{ "high", "vector", 50, VX_EXACT, VEXFS_PRIORITY_HIGH },
	{ "low", "vector", 50, VX_EXACT, VEXFS_PRIORITY_LOW },
	{ NULL, NULL, 0, 0 }
};

/* The same few ops at every priority, so that their latencies can be compared. */
static const struct vx_kind bridge_kinds[] = {
	{ "high search", "vector", 10, VX_EXACT, VEXFS_PRIORITY_HIGH },
	{ "high get", "vector", 10, VX_GET, VEXFS_PRIORITY_HIGH },
	{ "search", "vector", 20, VX_EXACT },
	{ "get", "vector", 30, VX_GET },
	{ "low search", "vector", 15, VX_EXACT, VEXFS_PRIORITY_LOW },
	{ "low get", "vector", 15, VX_GET, VEXFS_PRIORITY_LOW },
	{ NULL, NULL, 0, 0 }
};

static const struct vx_kind churn_kinds[] = {
	{ "delete", "vector", 50, VX_DELETE },
	{ "insert", "vector", 50, VX_UPSERT },
	{ NULL, NULL, 0, 0 }
};

static const struct vx_kind open_kinds[] = {
	{ "open", "vector", 100, VX_OPEN },
	{ NULL, NULL, 0, 0 }
};

static const struct vx_kind mixed_kinds[] = {
	{ "search", "semantic", 40, VX_GRAPH },
	{ "exact", "vector", 10, VX_EXACT },
	{ "filtered", "semantic", 5, VX_FILTERED },
	{ "get", "vector", 20, VX_GET },
	{ "distance", "vector", 10, VX_DISTANCE },
	{ "upsert", "vector", 8, VX_UPSERT },
	{ "delete", "vector", 5, VX_DELETE },
	{ "classify", "semantic", 2, VX_CLASSIFY },
	{ NULL, NULL, 0, 0 }
};
_Static_assert(ARRAY_SIZE(mixed_kinds) <= VX_KINDS_MAX + 1,
	       "a workload has too many kinds of ops");

static const struct vx_kind abuse_kinds[] = {
	{ "hostile", "vector", 90, VX_ABUSE },
	{ "search", "vector", 10, VX_EXACT },
	{ NULL, NULL, 0, 0 }
};

static const struct vx_kind fuse_meta_kinds[] = {
	{ "lookup", "fuse", 50, VX_FILE_LOOKUP },
	{ "getattr", "fuse", 40, VX_FILE_GETATTR },
	{ "readdir", "fuse", 10, VX_FILE_READDIR },
	{ NULL, NULL, 0, 0 }
};

static const struct vx_kind fuse_io_kinds[] = {
	{ "read", "fuse", 50, VX_FILE_READ },
	{ "write", "fuse", 35, VX_FILE_WRITE },
	{ "unlink", "fuse", 15, VX_FILE_UNLINK },
	{ NULL, NULL, 0, 0 }
};

static const struct vx_kind fuse_near_kinds[] = {
	{ "near", "fuse", 100, VX_FILE_NEAR },
	{ NULL, NULL, 0, 0 }
};

static const struct vx_kind call_kinds[] = {
	{ "distance", "vector", 100, VX_DISTANCE },
	{ NULL, NULL, 0, 0 }
};

static const struct vx_kind switch_kinds[] = {
	{ "distance", "vector", 99, VX_DISTANCE },
	{ "switch", "vector", 1, VX_SWITCH },
	{ NULL, NULL, 0, 0 }
};

static const struct vx_kind rows_kinds[] = {
	{ "upsert", "vector", 50, VX_UPSERT },
	{ "get", "vector", 50, VX_GET },
	{ NULL, NULL, 0, 0 }
};

static const struct vx_kind store_kinds[] = {
	{ "upsert", "vector", 90, VX_UPSERT },
	{ "get", "vector", 10, VX_GET },
	{ NULL, NULL, 0, 0 }
};

static const struct vx_workload workloads[] = {
	{ "vector", "exact ops on 10,000 x 128 f32: top-10 50 %, upsert 25 %, get 15 %, delete 10 %",
	  "one query searched, or one vector stored, read or deleted", vector_kinds, 10000, 0,
	  false },
	{ "semantic", "a graph of 100,000 x 128 f32 at recall@10 >= 0.95: search 80 %, filtered search (1 % match) 10 %, insert 10 %",
	  "one query searched or one vector inserted", semantic_kinds, 100000, VEXFS_INDEX_GRAPH,
	  false },
	{ "point", "small ops: get 50 %, distance 30 %, upsert 20 %",
	  "one vector read, compared or stored", point_kinds, 10000, 0, false },
	{ "pools", "an allocation storm: searches of all sizes, so that scratch of all sizes is used",
	  "one search call: 1 to 8 queries with k of 1 to 100, and in one of a hundred 32 queries with k of 1,000", pools_kinds, 2000, 0, false },
	{ "simd", "arithmetic: exact top-10 over 4,096 x 128, which stays in the cache",
	  "one query against all vectors", simd_kinds, 4096, 0, false },
	{ "crowd", "many clients of one collection of 20,000 x 128: exact top-10, a query at a time, 16 workers",
	  "one query searched", crowd_kinds, 20000, 0, false, false, 16 },
	{ "crowd-graph", "the same over a graph of 20,000 x 128",
	  "one query searched", crowd_graph_kinds, 20000, VEXFS_INDEX_GRAPH, false, false, 16 },
	{ "flood", "the crowd again: one client searches at high priority, and 16 at low",
	  "one query searched", flood_kinds, 20000, 0, false, false, 17, VX_CALL, true },
	{ "bridge", "asynchronous ops at all priorities on 1,000 x 128: searches 45 %, gets 55 %; high 20 %, medium 50 %, low 30 %",
	  "one op submitted and its answer taken", bridge_kinds, 1000, 0, false, false, 1, VX_QUEUE },
	{ "submit", "the ops of point, submitted many at a time",
	  "one op submitted and its answer taken", point_kinds, 10000, 0, false, false, 1, VX_QUEUE },
	{ "uring", "the ops of point through io_uring, many at a time",
	  "one op submitted and its answer taken", point_kinds, 10000, 0, false, false, 1, VX_RING },
	{ "churn", "delete everything and insert it again, in random order, without end",
	  "one vector deleted or inserted", churn_kinds, 10000, 0, true },
	{ "open", "open the device, attach, close", "one descriptor opened, attached and closed",
	  open_kinds, 100, 0, false },
	{ "mixed", "all ops on one collection of 20,000 x 128 with a graph",
	  "one query searched or classified, or one vector stored, read, compared or deleted",
	  mixed_kinds, 20000, VEXFS_INDEX_GRAPH, false },
	{ "fuse-meta", "a mount of 10,000 x 128: lookup 50 %, getattr 40 %, readdir 10 %",
	  "one system call on a file or directory of the mount", fuse_meta_kinds, 10000, 0, false,
	  true },
	{ "fuse-io", "a mount of 10,000 x 128: read 50 %, write or create 35 %, unlink 15 %",
	  "one system call: a vector is read or written by open, read or write, and close", fuse_io_kinds,
	  10000, 0, false, true },
	{ "fuse-near", "a mount of 10,000 x 128 with a graph: the directory of the k nearest",
	  "one directory of neighbours opened, listed and closed", fuse_near_kinds, 10000,
	  VEXFS_INDEX_GRAPH, false, true },
	{ "call", "distances alone: with few components the cost of the call dominates",
	  "one distance from a query to a stored vector", call_kinds, 1000, 0, false },
	{ "switch", "distances, while the variant of the arithmetic is exchanged all the time",
	  "one distance, or one exchange", switch_kinds, 1000, 0, false },
	{ "rows", "whole vectors in and out: upsert 50 %, get 50 %",
	  "one vector stored or read", rows_kinds, 10000, 0, false },
	{ "store", "vectors stored, under a durability if the job has one: upsert 90 %, get 10 %",
	  "one vector stored, and acknowledged as its durability says, or read", store_kinds, 10000, 0,
	  false },
	{ "abuse", "hostile requests that must be refused, and searches that must go on working",
	  "one hostile request refused with the right error, or one search", abuse_kinds, 1000, 0,
	  false },
};

const struct vx_workload *vx_workload_find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(workloads); i++)
		if (!strcmp(workloads[i].name, name))
			return &workloads[i];
	return NULL;
}

const struct vx_workload *vx_workload_at(size_t i)
{
	return i < ARRAY_SIZE(workloads) ? &workloads[i] : NULL;
}
