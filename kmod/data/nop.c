// SPDX-License-Identifier: GPL-2.0
/*
 * The op that does nothing, for as long as it is told. It shows what queues and interfaces do.
 */
#include <linux/hrtimer.h>
#include <linux/kernel.h>
#include <linux/sched/signal.h>

#include "compat/compat.h"
#include "data/handlers.h"

/* Waits until @until or a signal. Workers may be woken for other reasons, too. */
static void nop_wait(u64 until)
{
	ktime_t expires = ns_to_ktime(until);

	while (ktime_get_ns() < until && !signal_pending(current)) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (!signal_pending(current))
			schedule_hrtimeout(&expires, HRTIMER_MODE_ABS);
		__set_current_state(TASK_RUNNING);
	}
}

int vexfs_handle_nop(struct vexfs_request *r)
{
	struct vexfs_nop *req = &r->h.nop;
	u64 until = vexfs_op_deadline(req->hold_ns);
	int err;

	req->echo = 0;
	if (req->flags || !vexfs_priority_valid(req->priority))
		return -EINVAL;
	if (req->hold_ns > VEXFS_NOP_HOLD_MAX)
		return -E2BIG;
	if (req->hold_ns && (r->flags & VEXFS_REQUEST_NONBLOCK))
		return -EAGAIN;
	vexfs_request_op(r, req->priority, req->deadline_ns, 1);
	if (r->op.deadline_ns)
		until = min(until, r->op.deadline_ns);
	if (req->hold_ns)
		nop_wait(until);
	err = vexfs_request_interrupted(r);
	if (!err && r->attempts < req->fail)
		err = -ENOMEM;
	if (!err)
		req->echo = req->value;
	return err;
}
