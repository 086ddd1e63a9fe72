// SPDX-License-Identifier: GPL-2.0
/* Random ops whose answers are known: a nop, a get or a search. */
#include <string.h>

#include "tests/async/async.h"

uint32_t dice(uint32_t *seed, uint32_t n)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % n;
}

void mixed_op(struct mixed_op *op, uint32_t *seed, uint64_t hold_ns)
{
	memset(op, 0, sizeof(*op));
	op->id = dice(seed, VECTORS);
	switch (dice(seed, 3)) {
	case 0:
		op->cmd = VEXFS_IOC_NOP;
		op->r.nop = nop_of(op->id, dice(seed, 4) ? 0 : hold_ns);
		op->r.nop.priority = dice(seed, 3);
		break;
	case 1:
		op->cmd = VEXFS_IOC_GET;
		op->r.get = (struct vexfs_get) {
			.size = sizeof(op->r.get), .count = 1, .ids = (uintptr_t)&op->id,
			.vectors = (uintptr_t)op->v, .priority = dice(seed, 3),
		};
		break;
	default:
		op->cmd = VEXFS_IOC_SEARCH;
		fill(op->v, op->id);
		op->r.search = raw_search(op->v, 1, MIXED_K, op->ids, op->distances, NULL);
		op->r.search.size = sizeof(op->r.search);
		op->r.search.priority = dice(seed, 3);
	}
}

bool mixed_right(const struct mixed_op *op)
{
	float v[DIM];

	fill(v, op->id);
	switch (op->cmd) {
	case VEXFS_IOC_NOP:
		return op->r.nop.echo == op->id;
	case VEXFS_IOC_GET:
		return op->r.get.done == 1 && !memcmp(op->v, v, sizeof(v));
	default:
		return op->r.search.found == MIXED_K && op->ids[0] == op->id &&
		       op->distances[0] == 0 && op->distances[1] <= op->distances[2];
	}
}
