/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Between the parent of a run (engine.c) and its workers (worker.c).
 */
#ifndef VEXSTRESS_ENGINE_H
#define VEXSTRESS_ENGINE_H

#include "vexstress.h"

enum vx_phase {
	VX_WARMING,
	VX_PARKING,	/* warming up is over; jobs of so many ops wait until the clock is set */
	VX_MEASURING,
};

/* Read by the workers of all jobs of a group; shared by processes. */
struct control {
	uint32_t go, stop;
	uint32_t measuring;	/* enum vx_phase */
	uint32_t over[VX_JOBS_MAX];	/* the time of this job is up */
	uint64_t begin;		/* clock ticks at which the workers start */
};

extern struct control *vx_control;

/* Body of a worker, thread or process; @arg is its struct vx_worker. */
void *vx_worker_main(void *arg);

void vx_nap(double ns);

/*
 * Writes down a call that has ended: all that is added to it but two clock readings.
 * @due: when it should have begun, 0 in a closed loop; @missing: how much of its
 * lateness the machine was unavailable.
 */
void vx_record(struct vx_worker *w, unsigned int kind, uint64_t due, uint64_t missing, int err);

static inline bool vx_stopped(void)
{
	return __atomic_load_n(&vx_control->stop, __ATOMIC_RELAXED);
}

/* Nothing is left to do for this worker. */
static inline bool vx_over(const struct vx_worker *w)
{
	return vx_stopped() ||
	       __atomic_load_n(&vx_control->over[w->job->number], __ATOMIC_RELAXED);
}

static inline enum vx_state vx_state_of(const struct vx_worker *w)
{
	return __atomic_load_n(&w->shared->state, __ATOMIC_ACQUIRE);
}

#endif
