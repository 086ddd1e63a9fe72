/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by the files of --target: target_goals.c keeps what target.c measures, and judges it. */
#ifndef VEXSTRESS_TARGET_H
#define VEXSTRESS_TARGET_H

#include "verdict.h"
#include "vexstress.h"

/* The jobs by which targets are measured; each runs when a target needs it. */
enum vx_standard {
	VX_STD_NONE,
	VX_STD_VECTOR,
	VX_STD_SEMANTIC,
	VX_STD_POINT,
	VX_STD_PACED,
	VX_STD_POOLS,
	VX_STD_SIMD,
	VX_STD_FUSE,
	VX_STD_BRIDGE
};

/**
 * struct vx_goal - a target and its attempts
 * @wanted: it is to be measured
 * @f: values over all attempts together
 * @low: confidence interval of the value, lower end
 * @high: upper end
 * @unavailable_s: how long the machine was unavailable to workers that waited
 * @reason: why it was skipped, or a remark on the verdict
 * @attempts: array with one object per attempt
 */
struct vx_goal {
	bool wanted;
	struct vx_figures f;
	double low, high;
	double unavailable_s;
	char reason[256];
	json_t *attempts;
};

struct vx_goal *vx_goal(const char *name);
/* The value of a target over all attempts so far. */
void vx_goal_measured(const char *name, double v);
/* One more attempt, by itself. */
void vx_goal_attempt(const char *name, double v, double seconds);
/* One attempt at a rate: ops and seconds of all attempts are summed. */
void vx_goal_rate(const char *name, const struct vx_outcome *out);
/* A condition of the target does not hold: no later attempt changes that. @why has a %f for @v. */
void vx_goal_failed(const char *name, const char *why, double v);
void vx_goal_skip(const char *name, const char *reason);

/* Does a wanted target need this job? */
bool vx_goals_need(enum vx_standard job);
/* Are all that were measured by this job met so far? */
bool vx_goals_met(enum vx_standard job);
/* The job ended early: its targets count as missed, not as skipped. */
void vx_goals_broken(enum vx_standard job);
/* Says of each that was not measured and has no reason yet why it was not. */
void vx_goals_unmeasured(const char *why);
/* targets[], how many came to which verdict, and overall_success into the result. */
void vx_goals_judge(json_t *result, struct vx_count *c);

#endif
