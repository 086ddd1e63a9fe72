// SPDX-License-Identifier: GPL-2.0
/*
 * Searches as ops of the gate.
 */
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/string.h>

#include "bridge/config.h"
#include "bridge/gate.h"
#include "compat/compat.h"
#include "data/share.h"
#include "index/joint.h"

/* Requests of more queries than this are large ones, and have a lane of their own. */
#define FEW_QUERIES	32u

static struct vexfs_search_pass *search_pass_of(const struct vexfs_pass *p)
{
	return container_of(p, struct vexfs_search_pass, pass);
}

static bool search_fits(const struct vexfs_pass *a, const struct vexfs_pass *b)
{
	return vexfs_jobs_fit(search_pass_of(a)->job, search_pass_of(b)->job);
}

static bool search_give_way(void *leader)
{
	return vexfs_gate_give_way(leader);
}

static int search_run(struct list_head *members)
{
	struct vexfs_search_job *first = NULL, **tail = &first;
	struct vexfs_pass *p;

	list_for_each_entry(p, members, node) {
		*tail = search_pass_of(p)->job;
		tail = &(*tail)->next;
	}
	*tail = NULL;
	p = list_first_entry(members, struct vexfs_pass, node);
	first->give_way = search_give_way;
	first->leader = p;
	/* a short search has one slot, which does not limit its processors */
	first->cpus = p->want > 1 ? DIV_ROUND_UP(p->taken, VEXFS_GATE_SLOTS) : 0;
	if (!first->next)
		return vexfs_search(first);
	return vexfs_search_joint(first);
}

static const struct vexfs_share search_share = {
	.fits = search_fits,
	.run = search_run,
};

/*
 * Slots for a job. Walks and scans of few rows end before another task could be woken. Waiting
 * pays only for searches that may share a run and that occupy more than one processor.
 */
static u32 search_slots(const struct vexfs_search_job *job)
{
	u32 cpus = vexfs_search_cpus(job);

	return cpus > 1 && READ_ONCE(vexfs_bridge_coalesce) ? cpus * VEXFS_GATE_SLOTS : 1;
}

int vexfs_request_search(struct vexfs_request *r, struct vexfs_search_pass *s,
			 struct vexfs_search_job *job)
{
	struct vexfs_pass *p = &s->pass;

	memset(s, 0, sizeof(*s));
	s->job = job;
	p->op = &r->op;
	p->share = &search_share;
	p->lane = job->nq > FEW_QUERIES ? VEXFS_LANE_MANY : VEXFS_LANE_FEW;
	p->want = search_slots(job);
	p->items = job->nq;
	p->room = min(vexfs_search_width(job->c, job->flags, job->ef, job->results[0].k),
		      READ_ONCE(vexfs_bridge_batch_size));
	p->nonblock = r->flags & VEXFS_REQUEST_NONBLOCK;
	return vexfs_gate_run(&r->client->gate, p);
}
