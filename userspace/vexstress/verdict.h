/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Decides whether a target is met, from numbers only: target_goals.c keeps them, and tests
 * generate them.
 */
#ifndef VEXSTRESS_VERDICT_H
#define VEXSTRESS_VERDICT_H

#include <stdbool.h>

enum vx_verdict {
	VX_V_MET,
	VX_V_MISSED,
	VX_V_CANNOT_TELL,
	VX_V_SKIPPED,
	VX_VERDICTS
};

/**
 * struct vx_figures - results of all attempts at a target
 * @higher: more is better
 * @target: the wanted value
 * @measured: there is a value
 * @broken: there should be one, but the job ended early
 * @failed: a condition of the target does not hold, so the value does not matter
 * @got: the value, with everything in it
 * @without: the value without unavailable time; equals @got if that is unknown
 * @due: a rate that must be held for the value to count, or 0
 * @held: the rate that was held
 * @held_without: the same without unavailable time
 */
struct vx_figures {
	bool higher;
	double target;
	bool measured, broken, failed;
	double got, without;
	double due, held, held_without;
};

/* The fraction of a due rate that must be held. */
#define VX_HELD		0.98

enum vx_verdict vx_verdict_of(const struct vx_figures *f);
const char *vx_verdict_word(enum vx_verdict v);

/** struct vx_count - number of targets with each verdict */
struct vx_count {
	unsigned int of[VX_VERDICTS];
};

/* 1 if one is missed, 6 if @strict and one cannot be told (or nothing could), else 0. */
int vx_count_status(const struct vx_count *c, bool strict);

#endif
