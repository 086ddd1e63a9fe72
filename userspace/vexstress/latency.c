// SPDX-License-Identifier: GPL-2.0
/*
 * Records an op that has ended: its latencies and its error. It reads no clock and knows
 * no op; it runs between the measured ops.
 */
#include "engine.h"

/*
 * Latency since an op was due, and the same without unavailable time: as if the same ops
 * with the same pauses between them had run on a machine that was always available. The
 * duration of an op counts in full, whatever happened during it, also for the ops queued
 * behind it. Without unavailable time both are equal.
 */
static void record_due(struct vx_worker *w, struct vx_measure *m, uint64_t due, uint64_t missing,
			uint64_t n)
{
	uint64_t ready = w->free_at > due ? w->free_at : due;
	uint64_t begun = w->free_without > due ? w->free_without : due;
	uint64_t took = w->ended > ready ? w->ended - ready : 0;

	vs_hist_add_n(&m->corrected, vs_to_ns(w->ended > due ? w->ended - due : 0), n);
	took -= missing < took ? missing : took;
	w->free_at = w->ended;
	w->free_without = begun + took;
	vs_hist_add_n(&m->available, vs_to_ns(w->free_without - due), n);
}

void vx_record(struct vx_worker *w, unsigned int kind, uint64_t due, uint64_t missing, int err)
{
	struct vx_measure *m = &w->shared->kind[kind];
	uint64_t ns = vs_to_ns(w->ended - w->started);
	uint64_t n = w->done ? w->done : 1;

	vs_hist_add_n(&m->latency, ns, n);
	if (due)
		record_due(w, m, due, missing, n);
	if (w->kernel_ns) {
		vs_hist_add_n(&m->kernel, w->kernel_ns, n);
		vs_hist_add_n(&m->crossing, ns > w->kernel_ns ? ns - w->kernel_ns : 0, n);
	}
	vs_hist_set(&m->calls, m->calls + 1);
	if (err) {
		int e = -err > 0 && -err < VX_ERRNO_MAX ? -err : 0;

		vs_hist_set(&m->errors, m->errors + n);
		vs_hist_set(&w->shared->errors[e], w->shared->errors[e] + n);
	}
	vs_hist_set(&m->ops, m->ops + n);
}
