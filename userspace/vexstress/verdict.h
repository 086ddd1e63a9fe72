/* SPDX-License-Identifier: GPL-2.0 */
/*
 * When a target is met. Knows numbers only: where they come from is the business of
 * target.c, and tests plant their own.
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
 * struct vx_figures - what all attempts together have shown of a target
 * @higher: more is better
 * @target: what is wanted
 * @measured: there is a value
 * @broken: there should be one, but its job did not run to the end
 * @failed: a condition that goes with the target does not hold, whatever the value is
 * @got: the value, with everything in it
 * @without: the same without the time that the machine was unavailable; as @got where
 *	that is not known
 * @due: a rate that must be held for the value to count, or 0
 * @held: the rate that was held
 * @held_without: the same, of the time that the machine was available
 */
struct vx_figures {
	bool higher;
	double target;
	bool measured, broken, failed;
	double got, without;
	double due, held, held_without;
};

/* Of a rate that is due so much has to be held. */
#define VX_HELD		0.98

enum vx_verdict vx_verdict_of(const struct vx_figures *f);
const char *vx_verdict_word(enum vx_verdict v);

/**
 * struct vx_count - how many targets came to which verdict
 */
struct vx_count {
	unsigned int of[VX_VERDICTS];
};

/* 1 when one is missed, 6 when @strict and one cannot be told (or nothing could), else 0. */
int vx_count_status(const struct vx_count *c, bool strict);

#endif
