// SPDX-License-Identifier: GPL-2.0
/* Names of the ABI's enum values, as users type and read them. */
#include <errno.h>
#include <string.h>

#include "internal.h"

static const char *const type_names[] = {
	[VEXFS_TYPE_F32] = "f32", [VEXFS_TYPE_F16] = "f16", [VEXFS_TYPE_BF16] = "bf16",
	[VEXFS_TYPE_I8] = "i8", [VEXFS_TYPE_U8] = "u8", [VEXFS_TYPE_B1] = "b1",
};

static const char *const metric_names[] = {
	[VEXFS_METRIC_L2] = "l2", [VEXFS_METRIC_IP] = "ip", [VEXFS_METRIC_COS] = "cos",
	[VEXFS_METRIC_L1] = "l1", [VEXFS_METRIC_HAMMING] = "hamming",
	[VEXFS_METRIC_JACCARD] = "jaccard",
};

static const char *const index_names[] = {
	[VEXFS_INDEX_NONE] = "none", [VEXFS_INDEX_GRAPH] = "graph",
};

static const char *const index_state_names[] = {
	[VEXFS_INDEX_ABSENT] = "absent", [VEXFS_INDEX_BUILDING] = "building",
	[VEXFS_INDEX_READY] = "ready", [VEXFS_INDEX_STOPPED] = "stopped",
};

static const char *const code_names[] = {
	[VEXFS_CODE_NONE] = "none", [VEXFS_CODE_I8] = "i8", [VEXFS_CODE_BF16] = "bf16",
	[VEXFS_CODE_B1] = "b1",
};

static const char *const plan_names[] = {
	[VEXFS_PLAN_SCAN] = "scan", [VEXFS_PLAN_SCAN_MATCHES] = "scan-matches",
	[VEXFS_PLAN_GRAPH] = "graph", [VEXFS_PLAN_GRAPH_FILTER] = "graph-filter",
	[VEXFS_PLAN_BLOCK] = "block", [VEXFS_PLAN_SCAN_CODES] = "scan-codes",
};

static const char *const durability_names[] = {
	[VEXFS_DURABILITY_NONE] = "none", [VEXFS_DURABILITY_ASYNC] = "async",
	[VEXFS_DURABILITY_GROUP] = "group", [VEXFS_DURABILITY_SYNC] = "sync",
};

static const char *const change_names[] = {
	[VEXFS_CHANGE_INSERT] = "insert", [VEXFS_CHANGE_UPDATE] = "update",
	[VEXFS_CHANGE_DELETE] = "delete", [VEXFS_CHANGE_SET] = "set",
	[VEXFS_CHANGE_INDEX] = "index", [VEXFS_CHANGE_DROP] = "drop",
	[VEXFS_CHANGE_LOST] = "lost",
};

static const char *name_of(const char *const *names, size_t n, unsigned int value)
{
	return value < n && names[value] ? names[value] : "?";
}

static int value_of(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (names[i] && !strcmp(names[i], name))
			return (int)i;
	return -EINVAL;
}

const char *vexfs_type_name(unsigned int type)
{
	return name_of(type_names, ARRAY_SIZE(type_names), type);
}

const char *vexfs_metric_name(unsigned int metric)
{
	return name_of(metric_names, ARRAY_SIZE(metric_names), metric);
}

const char *vexfs_index_name(unsigned int index)
{
	return name_of(index_names, ARRAY_SIZE(index_names), index);
}

const char *vexfs_index_state_name(unsigned int state)
{
	return name_of(index_state_names, ARRAY_SIZE(index_state_names), state);
}

const char *vexfs_code_name(unsigned int code)
{
	return name_of(code_names, ARRAY_SIZE(code_names), code);
}

const char *vexfs_plan_name(unsigned int plan)
{
	return name_of(plan_names, ARRAY_SIZE(plan_names), plan);
}

int vexfs_type_from_name(const char *name)
{
	return value_of(type_names, ARRAY_SIZE(type_names), name);
}

int vexfs_metric_from_name(const char *name)
{
	return value_of(metric_names, ARRAY_SIZE(metric_names), name);
}

int vexfs_index_from_name(const char *name)
{
	return value_of(index_names, ARRAY_SIZE(index_names), name);
}

int vexfs_code_from_name(const char *name)
{
	return value_of(code_names, ARRAY_SIZE(code_names), name);
}

const char *vexfs_durability_name(unsigned int durability)
{
	return name_of(durability_names, ARRAY_SIZE(durability_names), durability);
}

int vexfs_durability_from_name(const char *name)
{
	return value_of(durability_names, ARRAY_SIZE(durability_names), name);
}

const char *vexfs_change_name(unsigned int op)
{
	return name_of(change_names, ARRAY_SIZE(change_names), op);
}
