// SPDX-License-Identifier: GPL-2.0
/*
 * The ring of events. Raising one copies a few words under a raw lock and
 * never waits; readers bring a cursor of their own, and are told what they
 * missed. Events never change what the module does.
 */
#include <linux/build_bug.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>

#include "compat/compat.h"
#include "stat/event.h"

/* Most events of a kind per second; further ones are only counted. */
#define BURST	32u

static const struct {
	const char *name;
	const char *a;
	const char *b;
	const char *doc;
} kinds[] = {
	[VEXFS_EVENT_STACK] = { "stack-violation", "depth in bytes", "0",
		"an op went deeper than the stack limit; subject is the op" },
	[VEXFS_EVENT_EXHAUSTED] = { "pool-exhausted", "bytes requested", "buffers held",
		"a request found slab allocator and reserve empty; subject is the tier" },
	[VEXFS_EVENT_RESIZED] = { "pool-resized", "new size", "old size",
		"a tier of the pools got another size; subject is the tier" },
	[VEXFS_EVENT_SLOW] = { "slow-op", "time in ns", "limit in ns",
		"an op took longer than slow_op_us; subject is the op" },
	[VEXFS_EVENT_VARIANT] = { "variant-switched", "0", "0",
		"another arithmetic variant is in use; subject is its name" },
	[VEXFS_EVENT_VARIANT_BAD] = { "variant-disabled", "0", "0",
		"an arithmetic variant failed its self-test; subject is its name" },
	[VEXFS_EVENT_TUNED] = { "tunables-changed", "new value", "old value",
		"a tunable was changed; subject is its name" },
	[VEXFS_EVENT_CREATED] = { "collection-created", "0", "0",
		"a collection was created; subject is its name" },
	[VEXFS_EVENT_DROPPED] = { "collection-dropped", "0", "0",
		"a collection was dropped; subject is its name" },
	[VEXFS_EVENT_READONLY] = { "collection-readonly", "errno that storage reported, or 0",
		"last durable change",
		"storage of a durable collection failed or left; subject is its name" },
	[VEXFS_EVENT_WRITABLE] = { "collection-writable", "0", "last durable change",
		"storage of a durable collection is well again; subject is its name" },
};

static_assert(ARRAY_SIZE(kinds) == VEXFS_EVENT_KINDS);
static_assert((VEXFS_EVENT_RING & (VEXFS_EVENT_RING - 1)) == 0);

/* Guards everything below, and is held for the copy of one event at a time. */
static DEFINE_RAW_SPINLOCK(ring_lock);
static struct vexfs_event ring[VEXFS_EVENT_RING];
static u64 raised;
static u64 thinned;
static struct {
	u64 count;
	unsigned long second;
	u32 burst;
} state[VEXFS_EVENT_KINDS];

/*
 * Listeners are called by a worker. Guards the two below, but for the worker, which runs
 * only while there are listeners.
 */
static DEFINE_MUTEX(listen_lock);
static unsigned int listeners;
static u64 told;
static BLOCKING_NOTIFIER_HEAD(listener_chain);

static void deliver_events(struct work_struct *work);
static DECLARE_WORK(deliver_work, deliver_events);

static bool too_many(enum vexfs_event_kind kind)
{
	unsigned long second = jiffies / HZ;

	if (state[kind].second != second) {
		state[kind].second = second;
		state[kind].burst = 0;
	}
	return state[kind].burst++ >= BURST;
}

void vexfs_event_raise_for(kuid_t owner, enum vexfs_event_kind kind, u64 a, u64 b,
			   const char *subject)
{
	struct vexfs_event *ev;
	unsigned long flags;

	if (WARN_ON_ONCE(kind >= VEXFS_EVENT_KINDS))
		return;
	raw_spin_lock_irqsave(&ring_lock, flags);
	state[kind].count++;
	if (too_many(kind)) {
		thinned++;
		raw_spin_unlock_irqrestore(&ring_lock, flags);
		return;
	}
	ev = &ring[raised % VEXFS_EVENT_RING];
	ev->seq = raised++;
	ev->time_ns = ktime_get_mono_fast_ns();
	ev->a = a;
	ev->b = b;
	ev->kind = kind;
	ev->pid = task_pid_nr(current);
	ev->owner = owner;
	strscpy(ev->subject, subject ?: "", sizeof(ev->subject));
	raw_spin_unlock_irqrestore(&ring_lock, flags);
	if (READ_ONCE(listeners))
		queue_work(system_dfl_wq, &deliver_work);
}

void vexfs_event_raise(enum vexfs_event_kind kind, u64 a, u64 b, const char *subject)
{
	vexfs_event_raise_for(INVALID_UID, kind, a, b, subject);
}
VEXFS_EXPORT_KUNIT(vexfs_event_raise);

unsigned int vexfs_event_read(u64 *cursor, struct vexfs_event *ev, unsigned int max, u64 *lost)
{
	unsigned int n = 0;
	bool more = true;

	*lost = 0;
	while (n < max && more) {
		unsigned long flags;
		u64 oldest;

		/* One event per hold of the lock, so that no task that raises one waits long. */
		raw_spin_lock_irqsave(&ring_lock, flags);
		oldest = raised > VEXFS_EVENT_RING ? raised - VEXFS_EVENT_RING : 0;
		if (*cursor < oldest) {
			*lost += oldest - *cursor;
			*cursor = oldest;
		}
		more = *cursor < raised;
		if (more)
			ev[n++] = ring[(*cursor)++ % VEXFS_EVENT_RING];
		raw_spin_unlock_irqrestore(&ring_lock, flags);
	}
	return n;
}
VEXFS_EXPORT_KUNIT(vexfs_event_read);

u64 vexfs_event_now(void)
{
	unsigned long flags;
	u64 now;

	raw_spin_lock_irqsave(&ring_lock, flags);
	now = raised;
	raw_spin_unlock_irqrestore(&ring_lock, flags);
	return now;
}
VEXFS_EXPORT_KUNIT(vexfs_event_now);

static void deliver_events(struct work_struct *work)
{
	struct vexfs_event ev;
	u64 lost;

	while (vexfs_event_read(&told, &ev, 1, &lost)) {
		blocking_notifier_call_chain(&listener_chain, min_t(u64, lost, ULONG_MAX), &ev);
		cond_resched();
	}
}

void vexfs_event_listen(struct notifier_block *nb)
{
	mutex_lock(&listen_lock);
	if (!listeners)
		told = vexfs_event_now();
	blocking_notifier_chain_register(&listener_chain, nb);
	WRITE_ONCE(listeners, listeners + 1);
	mutex_unlock(&listen_lock);
}
VEXFS_EXPORT_KUNIT(vexfs_event_listen);

void vexfs_event_ignore(struct notifier_block *nb)
{
	mutex_lock(&listen_lock);
	WRITE_ONCE(listeners, listeners - 1);
	blocking_notifier_chain_unregister(&listener_chain, nb);
	if (!listeners)
		cancel_work_sync(&deliver_work);
	mutex_unlock(&listen_lock);
}
VEXFS_EXPORT_KUNIT(vexfs_event_ignore);

bool vexfs_event_where(const struct vexfs_event *ev, char where[VEXFS_EVENT_WHERE])
{
	if (ev->kind != VEXFS_EVENT_STACK || !IS_ENABLED(CONFIG_KALLSYMS))
		return false;
	snprintf(where, VEXFS_EVENT_WHERE, "%pS", (void *)(unsigned long)ev->b);
	/* an address without a symbol is printed as a number */
	return strncmp(where, "0x", 2) != 0;
}
VEXFS_EXPORT_KUNIT(vexfs_event_where);

void vexfs_event_stats(struct vexfs_event_stats *st)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&ring_lock, flags);
	st->raised = raised + thinned;
	st->thinned = thinned;
	st->overwritten = raised > VEXFS_EVENT_RING ? raised - VEXFS_EVENT_RING : 0;
	raw_spin_unlock_irqrestore(&ring_lock, flags);
}
VEXFS_EXPORT_KUNIT(vexfs_event_stats);

u64 vexfs_event_count(enum vexfs_event_kind kind)
{
	return kind < VEXFS_EVENT_KINDS ? READ_ONCE(state[kind].count) : 0;
}
VEXFS_EXPORT_KUNIT(vexfs_event_count);

const char *vexfs_event_name(enum vexfs_event_kind kind)
{
	return kind < VEXFS_EVENT_KINDS ? kinds[kind].name : NULL;
}
VEXFS_EXPORT_KUNIT(vexfs_event_name);

const char *vexfs_event_doc(enum vexfs_event_kind kind)
{
	return kind < VEXFS_EVENT_KINDS ? kinds[kind].doc : NULL;
}

const char *vexfs_event_a(enum vexfs_event_kind kind)
{
	return kind < VEXFS_EVENT_KINDS ? kinds[kind].a : NULL;
}

const char *vexfs_event_b(enum vexfs_event_kind kind)
{
	return kind < VEXFS_EVENT_KINDS ? kinds[kind].b : NULL;
}
