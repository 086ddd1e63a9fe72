/* SPDX-License-Identifier: GPL-2.0 */
/* The interface between the parent of a run (engine.c) and its workers (worker.c). */
#ifndef VEXSTRESS_ENGINE_H
#define VEXSTRESS_ENGINE_H

#include "vexstress.h"

enum vx_phase {
	VX_WARMING,
	VX_PARKING,	/* warm-up has ended; jobs with a number of ops wait until the clock is set */
	VX_MEASURING,
};

/* Read by the workers of all jobs of a group, in shared memory. */
struct control {
	uint32_t go, stop;
	uint32_t measuring;	/* enum vx_phase */
	uint32_t over[VX_JOBS_MAX];	/* the job's time has elapsed */
	uint64_t begin;		/* clock ticks at which the workers start */
};

extern struct control *vx_control;

/* Main function of a worker, thread or process; @arg is its struct vx_worker. */
void *vx_worker_main(void *arg);

void vx_nap(double ns);

/* True when warming up has ended and this worker has not handled it yet. */
bool vx_warmed_up(const struct vx_worker *w);
/* Begins counting. In a job with a number of ops, counting begins with the clock. */
void vx_begin_counting(struct vx_worker *w);
/* This worker's share of the job's ops. */
uint64_t vx_quota(const struct vx_worker *w);
/* Ticks between two ops that are due, 0 in a closed loop; drawn anew for each op. */
uint64_t vx_gap(struct vx_worker *w);
/* Records that the worker has done its share. */
void vx_all_done(struct vx_worker *w, uint64_t ended);

/* A worker with many ops in flight (async.c). 0, or -1 with shared->message set. */
int vx_async_start(struct vx_worker *w);
void vx_async_loop(struct vx_worker *w);
void vx_async_stop(struct vx_worker *w);

/*
 * Records a call that has ended: between two calls a worker does this and two clock
 * reads. @due: when it should have begun, 0 in a closed loop; @missing: how much of its
 * delay is unavailable time.
 */
void vx_record(struct vx_worker *w, unsigned int kind, uint64_t due, uint64_t missing, int err);

static inline bool vx_stopped(void)
{
	return __atomic_load_n(&vx_control->stop, __ATOMIC_RELAXED);
}

/* This worker has done all its ops. */
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
