/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Between the parent of a run (engine.c) and its workers (worker.c).
 */
#ifndef VEXSTRESS_ENGINE_H
#define VEXSTRESS_ENGINE_H

#include "vexstress.h"

/* What the workers of all jobs of a group look at; shared by processes. */
struct control {
	uint32_t go, stop;
	uint32_t measuring;	/* warming up is over: what is late by now is forgiven */
	uint64_t begin;		/* ticks at which the workers set off */
};

extern struct control *vx_control;

/* Body of a worker, thread or process; @arg is its struct vx_worker. */
void *vx_worker_main(void *arg);

void vx_nap(double ns);

/* Writes down a call that has ended: all that is added to it but two clock readings. */
void vx_account(struct vx_worker *w, unsigned int kind, uint64_t due, int err);

static inline bool vx_stopped(void)
{
	return __atomic_load_n(&vx_control->stop, __ATOMIC_RELAXED);
}

static inline enum vx_state vx_state_of(const struct vx_worker *w)
{
	return __atomic_load_n(&w->shared->state, __ATOMIC_ACQUIRE);
}

#endif
