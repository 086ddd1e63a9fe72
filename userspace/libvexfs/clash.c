// SPDX-License-Identifier: GPL-2.0
/*
 * Finds settings of a collection that conflict, and names valid ones. The kernel decides; this file
 * explains its error.
 */
#include <stdio.h>

#include "internal.h"

/* For codes of exact searches: type, metric and dimension restrict them. */
#define SCAN_CODE_DIM_MAX	4096
#define M_MIN			2
#define M_MAX			64
#define EF_MAX			4096

static bool metric_goes(unsigned int type, unsigned int metric)
{
	switch (metric) {
	case VEXFS_METRIC_L1:
		return type == VEXFS_TYPE_F32 || type == VEXFS_TYPE_I8 || type == VEXFS_TYPE_U8;
	case VEXFS_METRIC_HAMMING:
	case VEXFS_METRIC_JACCARD:
		return type == VEXFS_TYPE_B1;
	default:
		return type != VEXFS_TYPE_B1;
	}
}

static const char *metrics_of(unsigned int type)
{
	return type == VEXFS_TYPE_B1 ? "hamming and jaccard do" :
	       metric_goes(type, VEXFS_METRIC_L1) ? "l2, ip, cos and l1 do" : "l2, ip and cos do";
}

static const char *types_of(unsigned int metric)
{
	return metric_goes(VEXFS_TYPE_B1, metric) ? "b1 does" :
	       metric_goes(VEXFS_TYPE_F16, metric) ? "all types but b1 do" : "f32, i8 and u8 do";
}

static bool code_clash(const struct settings *s, char *why, size_t size)
{
	const char *code = vexfs_code_name(s->code), *type = vexfs_type_name(s->type);
	const char *metric = vexfs_metric_name(s->metric);
	bool graph = s->index == VEXFS_INDEX_GRAPH;
	bool angle = s->metric == VEXFS_METRIC_COS || s->metric == VEXFS_METRIC_IP;

	if (*code == '?')
		snprintf(why, size, "code %u is unknown", s->code);
	else if (!graph && s->code != VEXFS_CODE_I8)
		snprintf(why, size, "code %s goes with index graph only%s; without an index i8 does",
			 code, s->code == VEXFS_CODE_B1 && !angle ?
			 ", and with metrics ip and cos" : "");
	else if (graph && s->type != VEXFS_TYPE_F32)
		snprintf(why, size, "code %s does not go with type %s: with index graph f32 does",
			 code, type);
	else if (graph && s->code == VEXFS_CODE_B1 && !angle)
		snprintf(why, size, "code b1 does not go with metric %s: ip and cos do; for %s codes i8%s go",
			 metric, metric, s->metric == VEXFS_METRIC_L1 ? "" : " and bf16");
	else if (graph && s->code == VEXFS_CODE_BF16 && s->metric == VEXFS_METRIC_L1)
		snprintf(why, size, "code bf16 does not go with metric l1: l2, ip and cos do; for l1 code i8 goes");
	else if (!graph && s->type != VEXFS_TYPE_F32 && s->type != VEXFS_TYPE_F16 &&
		 s->type != VEXFS_TYPE_BF16)
		snprintf(why, size, "code i8 does not go with type %s: without an index f32, f16 and bf16 do",
			 type);
	else if (!graph && s->metric == VEXFS_METRIC_L1)
		snprintf(why, size, "code i8 does not go with metric l1: without an index l2, ip and cos do");
	else if (!graph && s->dim > SCAN_CODE_DIM_MAX)
		snprintf(why, size, "code i8 does not go with dimension %u: without an index up to %u does",
			 s->dim, SCAN_CODE_DIM_MAX);
	else
		return false;
	return true;
}

bool vexfs_clash(const struct settings *s, char *why, size_t size)
{
	const char *type = vexfs_type_name(s->type), *metric = vexfs_metric_name(s->metric);

	if (!s->dim || s->dim > VEXFS_DIM_MAX)
		snprintf(why, size, "dimension %u: it must be 1 to %u", s->dim, VEXFS_DIM_MAX);
	else if (*type == '?')
		snprintf(why, size, "type %u is unknown", s->type);
	else if (*metric == '?')
		snprintf(why, size, "metric %u is unknown", s->metric);
	else if (*vexfs_index_name(s->index) == '?')
		snprintf(why, size, "index %u is unknown", s->index);
	else if (!metric_goes(s->type, s->metric))
		snprintf(why, size, "metric %s does not go with type %s: for type %s %s; with metric %s %s",
			 metric, type, type, metrics_of(s->type), metric, types_of(s->metric));
	else if (s->m && s->index == VEXFS_INDEX_NONE)
		snprintf(why, size, "m %u goes with index graph only", s->m);
	else if (s->ef_construction && s->index == VEXFS_INDEX_NONE)
		snprintf(why, size, "ef-construction %u goes with index graph only",
			 s->ef_construction);
	else if (s->m && (s->m < M_MIN || s->m > M_MAX))
		snprintf(why, size, "m %u: it must be %u to %u", s->m, M_MIN, M_MAX);
	else if (s->ef_construction > EF_MAX)
		snprintf(why, size, "ef-construction %u: at most %u", s->ef_construction, EF_MAX);
	else
		return s->code != VEXFS_CODE_NONE && code_clash(s, why, size);
	return true;
}
