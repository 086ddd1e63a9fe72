// SPDX-License-Identifier: GPL-2.0
/*
 * Gates of collections: slots, waiting and shared runs.
 */
#include <linux/cred.h>
#include <linux/delay.h>
#include <linux/hashtable.h>
#include <linux/hrtimer.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "bridge/config.h"
#include "bridge/gate.h"
#include "bridge/stats.h"
#include "compat/compat.h"
#include "math/clock.h"
#include "stat/op.h"

#define CREATE_TRACE_POINTS
#include "bridge/bridge_trace.h"

/* A leader that waits for members checks after each 1/AWAIT_STEP of the last run's time. */
#define AWAIT_STEP	16u
#define AWAIT_STEP_NS	20000u	/* lower limit of that interval */

/**
 * struct lane - ops that compete for the same slots
 * @lock: protects @sched, @open and @extra
 * @sched: ops that wait
 * @open: waiting ops that may be taken along, in the order of arrival
 * @serial: of the collection
 * @members: number of members of the last run, its leader included
 * @run_ns: duration of the last shared run
 * @ended_ns: time at which the last run ended
 * @extra: the additional slot for high priority is in use
 * @used: other slots in use
 * @waiting: tickets in @sched, and those about to be added
 */
struct lane {
	spinlock_t lock;
	struct vexfs_sched sched;
	struct list_head open;
	u64 serial;
	u32 members;
	u64 run_ns;
	u64 ended_ns;
	bool extra;
	atomic_t used ____cacheline_aligned_in_smp;
	atomic_t waiting;
};

/**
 * struct vexfs_gate - the gate of one collection
 * @node: in the table of gates
 * @serial: of the collection
 * @clients: number of clients; under gates_lock
 * @urgent: runs of high priority
 * @lane: see enum vexfs_lane
 */
struct vexfs_gate {
	struct hlist_node node;
	u64 serial;
	u32 clients;
	struct vexfs_urgent urgent;
	struct lane lane[VEXFS_LANES];
};

static DEFINE_HASHTABLE(gates, 8);
static DEFINE_MUTEX(gates_lock);
/* Set while no slot may be granted. */
static atomic_t gates_closed;

/* ---- gates and their clients ---- */

kuid_t vexfs_bridge_user(void)
{
	const struct user_namespace *ns = current_user_ns();
	kuid_t uid = current_fsuid();

	for (; ns->parent; ns = ns->parent)
		uid = ns->owner;
	return uid;
}

/* Limits are set from the tunables whenever a ticket is queued. */
static const struct vexfs_sched_limits no_limits;

static struct vexfs_gate *gate_new(u64 serial)
{
	struct vexfs_gate *g = kzalloc(sizeof(*g), GFP_KERNEL_ACCOUNT);
	u32 i;

	if (!g)
		return NULL;
	g->serial = serial;
	vexfs_urgent_init(&g->urgent);
	for (i = 0; i < VEXFS_LANES; i++) {
		spin_lock_init(&g->lane[i].lock);
		vexfs_sched_init(&g->lane[i].sched, &no_limits, 0);
		INIT_LIST_HEAD(&g->lane[i].open);
		g->lane[i].serial = serial;
	}
	return g;
}

int vexfs_gate_open(struct vexfs_gate_client *client, u64 serial)
{
	struct vexfs_gate *g;

	mutex_lock(&gates_lock);
	hash_for_each_possible(gates, g, node, serial)
		if (g->serial == serial)
			goto found;
	g = gate_new(serial);
	if (g)
		hash_add(gates, &g->node, serial);
found:
	if (g)
		g->clients++;
	mutex_unlock(&gates_lock);
	if (!g)
		return -ENOMEM;
	client->uid = vexfs_bridge_user();
	client->urgent = &g->urgent;
	client->gate = g;
	return 0;
}
VEXFS_EXPORT_KUNIT(vexfs_gate_open);

void vexfs_gate_close(struct vexfs_gate_client *client)
{
	struct vexfs_gate *g = client->gate;
	struct vexfs_sched_user *user;
	u32 i;

	if (!g)
		return;
	for (i = 0; i < VEXFS_LANES; i++) {
		spin_lock(&g->lane[i].lock);
		user = vexfs_sched_leave(&g->lane[i].sched, &client->lane[i]);
		spin_unlock(&g->lane[i].lock);
		kfree(user);
	}
	client->gate = NULL;
	client->urgent = NULL;
	mutex_lock(&gates_lock);
	if (--g->clients)
		g = NULL;
	else
		hash_del(&g->node);
	mutex_unlock(&gates_lock);
	kfree(g);
}
VEXFS_EXPORT_KUNIT(vexfs_gate_close);

/* ---- slots ---- */

/* Takes up to @want free slots; fails when fewer than @least are free. */
static bool slots_take(struct lane *l, struct vexfs_pass *p, u32 want, u32 least)
{
	int slots = vexfs_bridge_slots_now() * VEXFS_GATE_SLOTS, used, take;

	while (!atomic_read(&gates_closed)) {
		used = atomic_read(&l->used);
		do {
			take = min_t(int, want, slots - used);
			if (take <= 0 || take < min_t(int, least, slots))
				return false;
		} while (!atomic_try_cmpxchg(&l->used, &used, used + take));
		/* vexfs_gates_close() either sees these slots in use, or is seen here */
		if (likely(!atomic_read(&gates_closed))) {
			p->taken = take;
			return true;
		}
		/*
		 * vexfs_gates_open() either sees these slots free, or is seen at the next look: it
		 * would not grant them to an op that waits, and this one may not wait.
		 */
		atomic_sub_return(take, &l->used);
	}
	return false;
}

/*
 * Slots for an op that waited. A shared run gets all slots it wants, since two runs of half the
 * size take longer together. Without sharing, each op gets one processor while others wait.
 */
static bool slots_take_next(struct lane *l, struct vexfs_pass *p)
{
	u32 least = min(p->want, VEXFS_GATE_SLOTS);

	if (l->members > 1)
		return slots_take(l, p, p->want, p->want);
	return slots_take(l, p, vexfs_sched_queued(&l->sched) > 1 ? least : p->want, least);
}

/*
 * Wakes a waiter. @p is its memory and invalid as soon as it sees the new state; RCU keeps its
 * task.
 */
static void pass_wake(struct vexfs_pass *p, u32 state)
{
	struct task_struct *task;

	rcu_read_lock();
	task = p->task;
	smp_store_release(&p->state, state);
	wake_up_process(task);
	rcu_read_unlock();
}

/* The instance of the statistics that it counts for. */
static u32 pass_place(const struct vexfs_pass *p)
{
	return VEXFS_BRIDGE_GATE + p->ticket.priority;
}

static struct vexfs_pass *pass_of(struct vexfs_ticket *t)
{
	return container_of(t, struct vexfs_pass, ticket);
}

/* The op no longer waits, for whatever reason. The caller holds the lane's lock. */
static void pass_dequeue(struct lane *l, struct vexfs_pass *p)
{
	list_del_init(&p->node);
	atomic_dec(&l->waiting);
	vexfs_bridge_inc(pass_place(p), VEXFS_BRIDGE_UNWAITED);
}

/* The op no longer waits, because it runs. */
static void pass_begin(struct lane *l, struct vexfs_pass *p)
{
	vexfs_sched_take(&l->sched, &p->ticket);
	pass_dequeue(l, p);
	p->begun_ns = ktime_get_ns();
	vexfs_bridge_beat(pass_place(p));
}

static void pass_grant(struct lane *l, struct vexfs_pass *p)
{
	pass_begin(l, p);
	pass_wake(p, VEXFS_PASS_GRANTED);
}

/* Grants free slots to waiting ops in the scheduler's order. The caller holds the lane's lock. */
static void lane_grant(struct lane *l)
{
	struct vexfs_ticket *t;

	while ((t = vexfs_sched_peek(&l->sched)) && slots_take_next(l, pass_of(t)))
		pass_grant(l, pass_of(t));
	t = vexfs_sched_peek_at(&l->sched, VEXFS_PRIORITY_HIGH);
	if (t && !l->extra && !atomic_read(&gates_closed)) {
		l->extra = true;
		pass_grant(l, pass_of(t));
	}
}

/* Returns the slots. */
static void pass_leave(struct lane *l, struct vexfs_pass *p)
{
	/* a full barrier: a waiter either sees these slots free, or is seen below */
	atomic_sub_return(p->taken, &l->used);
	if (p->taken && !atomic_read(&l->waiting))
		return;
	spin_lock(&l->lock);
	/* it held the additional slot */
	if (!p->taken)
		l->extra = false;
	lane_grant(l);
	spin_unlock(&l->lock);
}

/* ---- waiting ---- */

/* Adds the client to the lane's scheduler when it has to wait for the first time. */
static int lane_join(struct lane *l, struct vexfs_gate_client *client, u32 which)
{
	struct vexfs_sched_client *c = &client->lane[which];
	struct vexfs_sched_user *spare;
	bool known;

	spin_lock(&l->lock);
	known = c->user;
	spin_unlock(&l->lock);
	if (known)
		return 0;
	spare = kzalloc(sizeof(*spare), GFP_KERNEL_ACCOUNT);
	if (!spare)
		return -ENOMEM;
	spin_lock(&l->lock);
	/* another thread may have done the same */
	if (!c->user)
		spare = vexfs_sched_join(&l->sched, c, client->uid, spare);
	spin_unlock(&l->lock);
	kfree(spare);
	return 0;
}

static int pass_queue(struct lane *l, struct vexfs_gate_client *client, struct vexfs_pass *p)
{
	struct vexfs_sched_client *c = &client->lane[p->lane];
	struct vexfs_op *op = p->op;
	int err = 0;

	spin_lock(&l->lock);
	vexfs_bridge_sched_settings(&l->sched);
	if (p->alone)
		vexfs_sched_return(&l->sched, &p->ticket, c);
	else
		err = vexfs_sched_add(&l->sched, &p->ticket, c, vexfs_bridge_priority_of(op->priority),
				      p->items, op->deadline_ns);
	if (!err) {
		p->state = VEXFS_PASS_WAITING;
		vexfs_bridge_inc(pass_place(p), VEXFS_BRIDGE_WAITED);
		/* the first waiter starts the time after which a lane counts as stalled */
		if (!atomic_read(&l->waiting))
			vexfs_bridge_beat(pass_place(p));
		if (p->share && !p->alone)
			list_add_tail(&p->node, &l->open);
		/* must be visible before the slots are read; pairs with pass_leave() */
		atomic_inc(&l->waiting);
		smp_mb__after_atomic();
		lane_grant(l);
	}
	spin_unlock(&l->lock);
	return err;
}

/* Stops waiting. False when the op was granted or taken along meanwhile. */
static bool pass_withdraw(struct lane *l, struct vexfs_pass *p)
{
	bool waits;

	spin_lock(&l->lock);
	waits = vexfs_ticket_queued(&p->ticket);
	if (waits) {
		vexfs_sched_remove(&l->sched, &p->ticket);
		pass_dequeue(l, p);
		/* this op may have been first, and wanted more slots than the next one does */
		lane_grant(l);
	}
	spin_unlock(&l->lock);
	return waits;
}

/* Sleeps until the state changes. Returns 0, or -EINTR or -ETIME when the op was withdrawn. */
static int pass_wait(struct lane *l, struct vexfs_pass *p)
{
	ktime_t deadline = ns_to_ktime(min_t(u64, p->op->deadline_ns, KTIME_MAX));
	ktime_t *expires = p->op->deadline_ns ? &deadline : NULL;
	int err = 0;

	while (!err) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (smp_load_acquire(&p->state) != VEXFS_PASS_WAITING)
			break;
		if (signal_pending(current))
			err = -EINTR;
		else if (!schedule_hrtimeout_range(expires, 0, HRTIMER_MODE_ABS))
			err = -ETIME;
		if (err && !pass_withdraw(l, p))
			err = 0;
	}
	for (;;) {
		/* the leader writes to memory of this op: signals must not end the wait */
		set_current_state(TASK_UNINTERRUPTIBLE);
		if (err || smp_load_acquire(&p->state) != VEXFS_PASS_TAKEN)
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return err;
}

/* Waits for a slot or for an answer; p->state tells which of them it was. */
static int pass_enter(struct lane *l, struct vexfs_gate_client *client, struct vexfs_pass *p)
{
	u32 place = pass_place(p);
	int err;

	if (!atomic_read(&l->waiting) && slots_take(l, p, p->want, p->want)) {
		p->state = VEXFS_PASS_GRANTED;
		vexfs_bridge_inc(place, VEXFS_BRIDGE_AT_ONCE);
		vexfs_bridge_time(place, VEXFS_BRIDGE_STAGE_QUEUE, 0);
		return 0;
	}
	if (p->nonblock)
		return -EAGAIN;
	err = lane_join(l, client, p->lane);
	if (err)
		return err;
	p->asked_ns = ktime_get_ns();
	for (;;) {
		err = pass_queue(l, client, p);
		if (err) {
			vexfs_bridge_inc(place, VEXFS_BRIDGE_DROPPED);
			return err;
		}
		err = pass_wait(l, p);
		if (err || p->state != VEXFS_PASS_AGAIN)
			break;
		p->alone = true;
		vexfs_bridge_inc(place, VEXFS_BRIDGE_AGAIN);
	}
	if (!err && p->state == VEXFS_PASS_CANCELLED)
		err = -ECANCELED;
	if (!err)
		vexfs_bridge_time(place, VEXFS_BRIDGE_STAGE_QUEUE, p->begun_ns - p->asked_ns);
	else
		vexfs_bridge_inc(place, err == -ETIME ? VEXFS_BRIDGE_LATE :
							 VEXFS_BRIDGE_CANCELLED);
	return err;
}

/* ---- shared runs ---- */

/**
 * struct batch - members of a run
 * @members: the passes, the leader first
 * @n: number of members
 * @items: number of items of all members
 */
struct batch {
	struct list_head members;
	u32 n;
	u32 items;
};

static bool batch_fits(const struct batch *b, const struct vexfs_pass *p,
			 const struct vexfs_pass *other)
{
	/* a leader of high priority does not spend time on ops of lower priority */
	bool lower = p->ticket.priority == VEXFS_PRIORITY_HIGH &&
		     other->ticket.priority != VEXFS_PRIORITY_HIGH;

	return !lower && other->share == p->share && b->items + other->items <= p->room &&
	       p->share->fits(p, other);
}

/* Takes along the waiting ops that fit; returns their number. */
static u32 batch_gather(struct batch *b, struct lane *l, struct vexfs_pass *p)
{
	struct vexfs_pass *other, *next;
	u32 before = b->n;

	if (!atomic_read(&l->waiting))
		return 0;
	spin_lock(&l->lock);
	list_for_each_entry_safe(other, next, &l->open, node) {
		if (b->items >= p->room)
			break;
		if (!batch_fits(b, p, other))
			continue;
		pass_begin(l, other);
		/* its task may look at it without the lock */
		WRITE_ONCE(other->state, VEXFS_PASS_TAKEN);
		list_add_tail(&other->node, &b->members);
		b->n++;
		b->items += other->items;
	}
	spin_unlock(&l->lock);
	return b->n - before;
}

/*
 * Callers whose ops shared the last run are likely to submit the next ones soon. Waits for them
 * while more arrive; not when the last run had one member, nor when it ended long ago.
 */
static void batch_await(struct batch *b, struct lane *l, struct vexfs_pass *p)
{
	u64 timeout = READ_ONCE(vexfs_bridge_batch_timeout_us) * (u64)NSEC_PER_USEC;
	u64 step = max_t(u64, READ_ONCE(l->run_ns) / AWAIT_STEP, AWAIT_STEP_NS);
	u64 now = ktime_get_ns(), end = now + timeout;

	if (now - READ_ONCE(l->ended_ns) > timeout)
		return;
	while (b->n < READ_ONCE(l->members) && now + step <= end && !signal_pending(current)) {
		ktime_t rest = ns_to_ktime(step);

		set_current_state(TASK_INTERRUPTIBLE);
		schedule_hrtimeout_range(&rest, step / 4, HRTIMER_MODE_REL);
		if (!batch_gather(b, l, p)) {
			WRITE_ONCE(l->members, b->n);
			break;
		}
		now = ktime_get_ns();
	}
}

/* Wakes all members but the leader: each has its answer, or must run again. */
static void batch_dismiss(struct batch *b, const struct vexfs_pass *leader, u32 state)
{
	struct vexfs_pass *p, *next;

	list_for_each_entry_safe(p, next, &b->members, node) {
		if (p == leader)
			continue;
		list_del_init(&p->node);
		pass_wake(p, state);
	}
	b->n = 1;
}

/* Does a member have high priority? */
static bool batch_urgent(const struct batch *b)
{
	const struct vexfs_pass *p;

	list_for_each_entry(p, &b->members, node)
		if (p->ticket.priority == VEXFS_PRIORITY_HIGH)
			return true;
	return false;
}

/* The largest weight of a member: none goes on more slowly with others than alone. */
static u32 batch_weight(const struct batch *b)
{
	const struct vexfs_pass *p;
	u32 weight = 1;

	list_for_each_entry(p, &b->members, node)
		weight = max(weight, vexfs_bridge_weight(p->ticket.priority));
	return weight;
}

/* The work itself; lower priorities give way to it if it is of high priority. */
static int members_run(struct batch *b, struct vexfs_pass *p)
{
	u32 cpus = DIV_ROUND_UP(p->taken ?: p->want, VEXFS_GATE_SLOTS);
	struct vexfs_urgent *u = &p->gate->urgent;
	u64 begun;
	int err;

	p->urgent = batch_urgent(b);
	if (p->urgent) {
		begun = ktime_get_ns();
		vexfs_urgent_begin(u, cpus, begun);
		err = p->share->run(&b->members);
		vexfs_urgent_end(u, cpus, begun, ktime_get_ns());
	} else {
		p->beside.cpus = cpus;
		p->beside.weight = batch_weight(b);
		err = p->share->run(&b->members);
		vexfs_urgent_leave(u, &p->beside);
	}
	return err;
}

bool vexfs_gate_give_way(struct vexfs_pass *p)
{
	u32 high = vexfs_bridge_weight(VEXFS_PRIORITY_HIGH), us;
	struct vexfs_urgent *u = &p->gate->urgent;
	u64 now;

	if (p->urgent || likely(!vexfs_urgent_any(u)))
		return false;
	now = ktime_get_ns();
	if (vexfs_urgent_admit(u, &p->beside, num_online_cpus(), high, now))
		return false;
	vexfs_bridge_inc(pass_place(p), VEXFS_BRIDGE_PAUSED);
	/* until its turn: one that woke at any time would miss most of its turns, or their begin */
	us = div_u64(vexfs_urgent_turn_in(u, high, p->beside.weight, now), NSEC_PER_USEC);
	us = clamp(us, 1u, VEXFS_URGENT_PAUSE_US);
	usleep_range(us, us + VEXFS_URGENT_SLACK_US);
	return true;
}
VEXFS_EXPORT_KUNIT(vexfs_gate_give_way);

/* Leads a run; the slots are taken. */
static int batch_run(struct lane *l, struct vexfs_pass *p)
{
	struct batch b = { .members = LIST_HEAD_INIT(b.members), .n = 1, .items = p->items };
	u64 begun, ended;
	u32 members;
	int err;

	list_add(&p->node, &b.members);
	if (READ_ONCE(vexfs_bridge_coalesce) && !p->alone) {
		batch_gather(&b, l, p);
		if (READ_ONCE(l->members) > b.n)
			batch_await(&b, l, p);
	}
	/* a lone run without waiters tells nothing about the load */
	if (b.n > 1 || atomic_read(&l->waiting))
		WRITE_ONCE(l->members, b.n);
	if (b.n == 1)
		return members_run(&b, p) ?: p->err;
	members = b.n;
	begun = ktime_get_ns();
	vexfs_bridge_batch(pass_place(p), b.items);
	err = members_run(&b, p);
	ended = ktime_get_ns();
	trace_vexfs_bridge_run(l->serial, p->ticket.priority, members, b.items, ended - begun, err);
	batch_dismiss(&b, p, err ? VEXFS_PASS_AGAIN : VEXFS_PASS_DONE);
	/* alone it may succeed, unless it was interrupted */
	if (err && err != -EINTR && err != -ETIME)
		err = members_run(&b, p);
	WRITE_ONCE(l->ended_ns, ended);
	WRITE_ONCE(l->run_ns, ended - begun);
	return err ?: p->err;
}

/* Both features of the bridge are off: the op runs without a slot. */
static int run_at_once(struct vexfs_pass *p)
{
	LIST_HEAD(members);

	p->taken = p->want;
	list_add(&p->node, &members);
	return p->share->run(&members) ?: p->err;
}

int vexfs_gate_run(struct vexfs_gate_client *client, struct vexfs_pass *p)
{
	struct lane *l = &client->gate->lane[p->lane];
	u32 place;
	u64 begun;
	int err;

	vexfs_ticket_init(&p->ticket);
	p->ticket.priority = vexfs_bridge_priority_of(p->op->priority);
	INIT_LIST_HEAD(&p->node);
	p->task = current;
	p->gate = client->gate;
	p->urgent = false;
	p->beside = (struct vexfs_urgent_run){ .cpus = 1, .weight = 1 };
	p->alone = false;
	p->taken = 0;
	p->err = 0;
	if (!READ_ONCE(vexfs_bridge_coalesce) && !READ_ONCE(vexfs_bridge_priority))
		return run_at_once(p);
	err = pass_enter(l, client, p);
	if (err == -EAGAIN)
		return err;
	place = pass_place(p);
	vexfs_bridge_inc(place, VEXFS_BRIDGE_SUBMITTED);
	if (err)
		return err;
	if (p->state == VEXFS_PASS_DONE) {
		vexfs_bridge_inc(place, VEXFS_BRIDGE_COALESCED);
		vexfs_bridge_time(place, VEXFS_BRIDGE_STAGE_RUN, ktime_get_ns() - p->begun_ns);
		err = p->err;
	} else {
		vexfs_bridge_inc(place, VEXFS_BRIDGE_STARTED);
		begun = vexfs_clock();
		err = batch_run(l, p);
		vexfs_bridge_time(place, VEXFS_BRIDGE_STAGE_RUN, vexfs_clock_ns(begun, vexfs_clock()));
		vexfs_bridge_inc(place, VEXFS_BRIDGE_ENDED);
		pass_leave(l, p);
	}
	vexfs_bridge_inc(place, VEXFS_BRIDGE_COMPLETED);
	return err;
}
VEXFS_EXPORT_KUNIT(vexfs_gate_run);

/* ---- all gates ---- */

bool vexfs_gates_close(void)
{
	return !atomic_cmpxchg(&gates_closed, 0, 1);
}
VEXFS_EXPORT_KUNIT(vexfs_gates_close);

/* Calls @fn for every lane, with its lock held, and adds up what it returns. */
static u32 lanes_do(u32 (*fn)(struct lane *l))
{
	struct vexfs_gate *g;
	u32 sum = 0, i;
	int bucket;

	mutex_lock(&gates_lock);
	hash_for_each(gates, bucket, g, node) {
		for (i = 0; i < VEXFS_LANES; i++) {
			spin_lock(&g->lane[i].lock);
			sum += fn(&g->lane[i]);
			spin_unlock(&g->lane[i].lock);
		}
	}
	mutex_unlock(&gates_lock);
	return sum;
}

static u32 lane_busy(struct lane *l)
{
	return DIV_ROUND_UP(atomic_read(&l->used), VEXFS_GATE_SLOTS) + l->extra;
}

u32 vexfs_gates_busy(void)
{
	return lanes_do(lane_busy);
}
VEXFS_EXPORT_KUNIT(vexfs_gates_busy);

static u32 lane_open(struct lane *l)
{
	lane_grant(l);
	return 0;
}

static u32 lane_forget(struct lane *l)
{
	WRITE_ONCE(l->members, 0);
	WRITE_ONCE(l->run_ns, 0);
	WRITE_ONCE(l->ended_ns, 0);
	return lane_open(l);
}

void vexfs_gates_open(bool forget)
{
	atomic_set(&gates_closed, 0);
	/* pairs with slots_take() */
	smp_mb();
	lanes_do(forget ? lane_forget : lane_open);
}
VEXFS_EXPORT_KUNIT(vexfs_gates_open);

static u32 lane_cancel(struct lane *l)
{
	struct vexfs_ticket *t;
	u32 n = 0;

	while ((t = vexfs_sched_any(&l->sched, NULL))) {
		vexfs_sched_remove(&l->sched, t);
		pass_dequeue(l, pass_of(t));
		pass_wake(pass_of(t), VEXFS_PASS_CANCELLED);
		n++;
	}
	return n;
}

u32 vexfs_gates_cancel(void)
{
	return lanes_do(lane_cancel);
}
VEXFS_EXPORT_KUNIT(vexfs_gates_cancel);
