/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A workload on a store, and the oracle that knows what has to be there afterwards. The
 * bytes of a vector follow from its id and its sequence number.
 */
#ifndef VEXFS_TESTS_MODEL_H
#define VEXFS_TESTS_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "memdisk.h"
#include "store.h"

#define MODEL_IDS	8
#define MODEL_CHANGES	1024

enum step {
	STEP_PUT_A,		/* insert or update id 1 */
	STEP_PUT_B,		/* insert or update ids 2, 3 in one append */
	STEP_DELETE_A,
	STEP_META,
	STEP_COMPACT,
	STEP_REOPEN,		/* closed well */
	STEP_KILL,		/* left as a killed process leaves it */
	STEP_GRAPH,
	STEP_DROP,		/* and created anew */
	STEP_SNAPSHOT,		/* dropped, and created with vectors in it */
	STEP_ENUMERATED,
	STEP_RANDOM = STEP_ENUMERATED,	/* several changes of random ids */
	STEP_COMMIT,
};

/* Change @seq of a collection. */
struct change {
	uint8_t op;		/* enum store_op, or 0: settings */
	uint8_t id;
};

/* At so many events of the disk ... */
struct mark {
	size_t events;
	uint64_t seq;		/* ... this much was acknowledged */
};

/**
 * struct life - one collection from its creation to its drop
 * @begun: number of events when the creation began; @made: when it was acknowledged
 * @drop_begun: number of events when the drop began; SIZE_MAX if it did not
 */
struct life {
	uint64_t key;
	uint64_t base;		/* changes up to here came as a snapshot */
	size_t begun;
	size_t made;
	size_t drop_begun;
	size_t dropped;
	struct change changes[MODEL_CHANGES];
	uint64_t seq;
	struct mark acks[MODEL_CHANGES];
	size_t nacks;
	struct mark sent[MODEL_CHANGES];	/* and this much was begun */
	size_t nsent;
	bool here[MODEL_IDS];
};

#define MODEL_LIVES	8

struct model {
	struct memdisk *disk;
	struct store_opts opts;
	struct store *s;
	struct store_coll *c;
	uint32_t row_bytes;
	uint64_t seed;
	size_t super_made;		/* events when the store was acknowledged */
	struct life *lives;
	size_t nlives;
	struct store_error err;
};

int model_start(struct model *m, struct memdisk *d, uint32_t row_bytes, uint64_t segment_max,
		uint64_t seed);
/* 0, or the error of the store. */
int model_step(struct model *m, enum step step);
/* After an error: until recovered, then the changes that were lost once more. */
int model_recover(struct model *m);
void model_end(struct model *m);

/*
 * Opens @cut, the disk after @events changes, and looks: NULL, or what is wrong. Afterwards the
 * store has been recovered, and used once more.
 */
const char *model_check(const struct model *m, struct memdisk *cut, size_t events);

#endif
