/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Engines: a variant as this machine can run it, with the best form of each
 * type and metric and what it costs. One of them is in use at a time. The
 * header is for the math room only.
 */
#ifndef _VEXFS_MATH_ENGINE_H
#define _VEXFS_MATH_ENGINE_H

#include <linux/compiler.h>
#include <linux/types.h>

#include "math/fpu.h"
#include "math/variant.h"

#define VEXFS_TYPES	(VEXFS_TYPE_B1 + 1)
#define VEXFS_METRICS	(VEXFS_METRIC_JACCARD + 1)

enum vexfs_shape {
	VEXFS_SHAPE_SCAN,
	VEXFS_SHAPE_GATHER,
	VEXFS_SHAPE_BLOCK,
	VEXFS_SHAPES
};

/* Conversions, as they are paced. */
enum vexfs_move {
	VEXFS_MOVE_FROM_F32,
	VEXFS_MOVE_FROM_RAW,
	VEXFS_MOVE_TO_F32,
	VEXFS_MOVES
};

/**
 * struct vexfs_work - a form and what its work costs
 * @form: the functions; NULL when type and metric do not go together
 * @rough: work on codes for the same, or NULL
 * @pace: by shape; a unit is 64 bytes of a row (of one query and one row in a
 *	block), and one more for each row
 * @part: the same for work inside a row
 * @pack: for packing queries for the block shape
 * @rough_block: the same for @rough, and
 * @rough_pack: for packing queries for it, and
 * @rough_rows: for making codes, and
 * @rough_scan: for comparing them with one query; a unit is 64 bytes of a code
 */
struct vexfs_work {
	const struct vexfs_math_form *form;
	const struct vexfs_math_rough *rough;
	struct vexfs_pace pace[VEXFS_SHAPES];
	struct vexfs_pace part;
	struct vexfs_pace pack;
	struct vexfs_pace rough_block;
	struct vexfs_pace rough_pack;
	struct vexfs_pace rough_rows;
	struct vexfs_pace rough_scan;
};

/**
 * struct vexfs_convert - conversions of a type and what they cost
 * @conv: the functions
 * @pace: by enum vexfs_move; a unit is VEXFS_CONVERT_UNIT components
 */
struct vexfs_convert {
	const struct vexfs_math_conv *conv;
	struct vexfs_pace pace[VEXFS_MOVES];
};

#define VEXFS_CONVERT_UNIT	16u

/**
 * struct vexfs_engine - a variant on this machine
 * @variant: which
 * @lacks: why the machine cannot run it, or NULL
 * @avoided: it can, but the kernel advises against it: only for whoever asks by name
 * @failed: what the self-test found wrong, or NULL; see vexfs_engine_fail()
 * @work: by type and metric
 * @convert: by type
 *
 * Engines are static and set up once, so a pointer to one is good for ever:
 * whoever read it before a switch finishes with the engine he started with.
 */
struct vexfs_engine {
	const struct vexfs_math_variant *variant;
	const char *lacks;
	bool avoided;
	const char *failed;
	struct vexfs_work work[VEXFS_TYPES][VEXFS_METRICS];
	struct vexfs_convert convert[VEXFS_TYPES];
};

/* From the plainest to the fastest; engine 0 is the scalar one, always usable. */
#ifdef CONFIG_X86_64
#define VEXFS_ENGINES	3
#else
#define VEXFS_ENGINES	1
#endif
extern struct vexfs_engine vexfs_engines[VEXFS_ENGINES];

static inline bool vexfs_engine_usable(const struct vexfs_engine *e)
{
	return !e->lacks && !READ_ONCE(e->failed);
}

extern struct vexfs_engine *vexfs_engine_in_use;

/* The one in use. Changes at any time: read it once for each call. */
static inline struct vexfs_engine *vexfs_engine(void)
{
	return READ_ONCE(vexfs_engine_in_use);
}

/* Is the engine in use the best one (auto), or was it asked for by name? */
bool vexfs_engine_is_auto(void);

/**
 * vexfs_engine_select - use another one from now on
 * @name: of a variant, or "auto" for the best there is
 *
 * Calls that run meanwhile finish with the engine they started with; all give
 * the same keys. Returns -EINVAL for a name that is none and -EOPNOTSUPP for a
 * variant that cannot be used here; the log says why, and nothing has changed.
 */
int vexfs_engine_select(const char *name);

/* Whether vexfs_engine_select() would take @name now; changes nothing. */
int vexfs_engine_check(const char *name);

/* @e gives wrong results for the reason @why (a constant): never use it again. */
void vexfs_engine_fail(struct vexfs_engine *e, const char *why);

/*
 * This room knows nobody above it: whoever registers is told which engine is in use from
 * now on or was disabled, with select_lock held: it may not change that in turn.
 */
enum vexfs_engine_news {
	VEXFS_ENGINE_USED,
	VEXFS_ENGINE_DISABLED,
};

struct blocking_notifier_head;
extern struct blocking_notifier_head vexfs_engine_chain;

void vexfs_engines_init(void);

/* After the self-test: put the one in use that was asked for, or the best. */
void vexfs_engines_start(void);

#endif
