// SPDX-License-Identifier: GPL-2.0
/*
 * Giving way to ops of high priority.
 */
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/minmax.h>

#include "bridge/urgent.h"
#include "compat/compat.h"

void vexfs_urgent_init(struct vexfs_urgent *u)
{
	spin_lock_init(&u->lock);
}
VEXFS_EXPORT_KUNIT(vexfs_urgent_init);

void vexfs_urgent_begin(struct vexfs_urgent *u, u32 cpus, u64 now_ns)
{
	spin_lock(&u->lock);
	if (!u->running++ && now_ns >= u->until_ns)
		u->from_ns = now_ns;
	u->cpus += cpus;
	WRITE_ONCE(u->any, true);
	spin_unlock(&u->lock);
}
VEXFS_EXPORT_KUNIT(vexfs_urgent_begin);

void vexfs_urgent_end(struct vexfs_urgent *u, u32 cpus, u64 begun_ns, u64 now_ns)
{
	spin_lock(&u->lock);
	u->running--;
	u->cpus -= cpus;
	u->last = cpus;
	u->until_ns = now_ns + min_t(u64, now_ns - begun_ns, VEXFS_URGENT_REST_NS);
	spin_unlock(&u->lock);
}
VEXFS_EXPORT_KUNIT(vexfs_urgent_end);

/* Is it the turn of a run of weight @own? */
static bool others_turn(const struct vexfs_urgent *u, u32 high, u32 own, u64 now_ns)
{
	u64 at;

	/* a clock that another processor has read a little later */
	if (now_ns < u->from_ns)
		return false;
	div64_u64_rem(now_ns - u->from_ns, (u64)(high + own) * VEXFS_URGENT_TURN_NS, &at);
	return at >= (u64)high * VEXFS_URGENT_TURN_NS;
}

u64 vexfs_urgent_turn_in(struct vexfs_urgent *u, u32 high, u32 own, u64 now_ns)
{
	u64 first = (u64)high * VEXFS_URGENT_TURN_NS, all = first + (u64)own * VEXFS_URGENT_TURN_NS;
	u64 from, at;

	spin_lock(&u->lock);
	from = u->from_ns;
	spin_unlock(&u->lock);
	if (now_ns < from)
		return first;
	div64_u64_rem(now_ns - from, all, &at);
	return at < first ? first - at : all - at + first;
}
VEXFS_EXPORT_KUNIT(vexfs_urgent_turn_in);

static bool run_fits(const struct vexfs_urgent *u, const struct vexfs_urgent_run *r, u32 cpus,
		     u32 high, u64 now_ns)
{
	/* twice as many as they use: the system's scheduler needs room to place all well */
	u32 kept = 2 * (u->running ? u->cpus : u->last), left = cpus > kept ? cpus - kept : 0;
	u32 beside = u->others - (r->admitted ? r->cpus : 0);

	if (!left && others_turn(u, high, r->weight, now_ns))
		left = 1;
	/* one that uses more than are left goes on alone */
	return beside + r->cpus <= left || (left && !beside);
}

bool vexfs_urgent_admit(struct vexfs_urgent *u, struct vexfs_urgent_run *r, u32 cpus, u32 high,
			u64 now_ns)
{
	bool fits;

	spin_lock(&u->lock);
	if (!u->running && now_ns >= u->until_ns)
		WRITE_ONCE(u->any, false);
	fits = !u->any || run_fits(u, r, cpus, high, now_ns);
	if (fits != r->admitted) {
		u->others += fits ? r->cpus : -r->cpus;
		r->admitted = fits;
	}
	spin_unlock(&u->lock);
	return fits;
}
VEXFS_EXPORT_KUNIT(vexfs_urgent_admit);

void vexfs_urgent_leave(struct vexfs_urgent *u, struct vexfs_urgent_run *r)
{
	if (!r->admitted)
		return;
	spin_lock(&u->lock);
	u->others -= r->cpus;
	r->admitted = false;
	spin_unlock(&u->lock);
}
VEXFS_EXPORT_KUNIT(vexfs_urgent_leave);
