// SPDX-License-Identifier: GPL-2.0
/*
 * The scheduler of the bridge: shares against weights, nobody starves, deadlines in order,
 * limits hold.
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/prandom.h>
#include <linux/string.h>
#include <linux/timekeeping.h>

#include "bridge/sched.h"
#include "compat/compat.h"
#include "suites.h"

#define CLIENTS		12u
#define TICKETS		512u
#define PATIENCE_NS	10000000000ull

/**
 * struct sched_test - a scheduler with clients of three users, and tickets
 * @s: the scheduler
 * @user: memory for users
 * @client: client @i belongs to user @i % 3
 * @ticket: tickets for everybody
 */
struct sched_test {
	struct vexfs_sched s;
	struct vexfs_sched_user user[3];
	struct vexfs_sched_client client[CLIENTS];
	struct vexfs_ticket ticket[TICKETS];
};

static const struct vexfs_sched_limits no_limits;

static int sched_test_init(struct kunit *test)
{
	struct sched_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, t);
	vexfs_sched_init(&t->s, &no_limits, PATIENCE_NS);
	for (i = 0; i < CLIENTS; i++) {
		struct vexfs_sched_user *spare = &t->user[i % 3];
		struct vexfs_sched_user *back;

		back = vexfs_sched_join(&t->s, &t->client[i], KUIDT_INIT(i % 3), spare);
		/* the first of each user takes the memory, the others give it back */
		KUNIT_ASSERT_PTR_EQ(test, back, i < 3 ? NULL : spare);
	}
	for (i = 0; i < TICKETS; i++)
		vexfs_ticket_init(&t->ticket[i]);
	test->priv = t;
	return 0;
}

static void sched_test_exit(struct kunit *test)
{
	struct sched_test *t = test->priv;
	struct vexfs_ticket *ticket;
	u32 i;

	while ((ticket = vexfs_sched_any(&t->s, NULL)))
		vexfs_sched_remove(&t->s, ticket);
	for (i = 0; i < CLIENTS; i++)
		vexfs_sched_leave(&t->s, &t->client[i]);
	KUNIT_EXPECT_TRUE(test, list_empty(&t->s.users));
}

static void add_ticket(struct kunit *test, struct vexfs_ticket *ticket, u32 client, u32 priority,
		       u32 cost, u64 deadline)
{
	struct sched_test *t = test->priv;

	KUNIT_ASSERT_EQ(test, 0, vexfs_sched_add(&t->s, ticket, &t->client[client], priority, cost,
						 deadline));
}

static u32 client_of(struct sched_test *t, const struct vexfs_sched_client *client)
{
	return client - t->client;
}

/*
 * Every client of @priorities has always work: who is served how much, in cost? Client @i
 * has tickets of cost 1 + @i % @costs, and the priority @i % @priorities if that is 3, else
 * medium.
 */
static void serve_backlog(struct kunit *test, u32 clients, bool priorities, u32 costs, u32 rounds,
			  u64 *served)
{
	struct sched_test *t = test->priv;
	u32 i;

	/* two of each, so that there is always one behind the one that is picked */
	for (i = 0; i < 2 * clients; i++)
		add_ticket(test, &t->ticket[i], i % clients, priorities ? i % clients % 3 : 0,
		    1 + i % clients % costs, 0);
	for (i = 0; i < rounds; i++) {
		struct vexfs_ticket *next = vexfs_sched_peek(&t->s);
		u32 client;

		KUNIT_ASSERT_NOT_NULL(test, next);
		client = client_of(t, next->client);
		KUNIT_ASSERT_PTR_EQ(test, next, vexfs_sched_pick(&t->s));
		KUNIT_ASSERT_FALSE(test, vexfs_ticket_queued(next));
		served[client] += next->cost;
		add_ticket(test, next, client, next->priority, next->cost, 0);
	}
}

/* ---- shares ---- */

static void priorities_get_their_weights(struct kunit *test)
{
	u64 served[CLIENTS] = {};

	/* one client for each priority, the highest with the largest tickets */
	serve_backlog(test, 3, true, 2, 70000, served);
	/* 4:2:1 within 1 % */
	KUNIT_EXPECT_LE(test, abs_diff(served[VEXFS_PRIORITY_HIGH], 4 * served[VEXFS_PRIORITY_LOW]),
			served[VEXFS_PRIORITY_LOW] / 25);
	KUNIT_EXPECT_LE(test, abs_diff(served[VEXFS_PRIORITY_MEDIUM], 2 * served[VEXFS_PRIORITY_LOW]),
			served[VEXFS_PRIORITY_LOW] / 50);
}

static void weights_can_be_changed(struct kunit *test)
{
	struct sched_test *t = test->priv;
	u64 served[CLIENTS] = {};

	vexfs_sched_weigh(&t->s, VEXFS_PRIORITY_HIGH, 1);
	vexfs_sched_weigh(&t->s, VEXFS_PRIORITY_LOW, 10);
	serve_backlog(test, 3, true, 1, 13000, served);
	KUNIT_EXPECT_LE(test, abs_diff(served[VEXFS_PRIORITY_LOW], 10000ull), 20ull);
	KUNIT_EXPECT_LE(test, abs_diff(served[VEXFS_PRIORITY_MEDIUM], 2000ull), 20ull);
	KUNIT_EXPECT_LE(test, abs_diff(served[VEXFS_PRIORITY_HIGH], 1000ull), 20ull);
	/* what is no weight becomes the nearest one */
	vexfs_sched_weigh(&t->s, VEXFS_PRIORITY_HIGH, 0);
	KUNIT_EXPECT_EQ(test, 1u, t->s.level[VEXFS_PRIORITY_HIGH].weight);
}

/* Users have equal shares, and so have the clients of each, whatever their tickets cost. */
static void users_and_clients_are_equal(struct kunit *test)
{
	u64 served[CLIENTS] = {}, user[3] = {}, least = U64_MAX, most = 0;
	u32 i;

	/* 0 has clients 0, 3 and 6; 1 and 2 have two each */
	serve_backlog(test, 7, false, 5, 100000, served);
	for (i = 0; i < 7; i++) {
		user[i % 3] += served[i];
		if (i % 3)
			continue;
		least = min(least, served[i]);
		most = max(most, served[i]);
	}
	KUNIT_EXPECT_LE(test, most - least, 20ull);
	KUNIT_EXPECT_LE(test, abs_diff(user[0], user[1]), 20ull);
	KUNIT_EXPECT_LE(test, abs_diff(user[0], user[2]), 20ull);
}

/* A flood of high ones that never ends: a low one is served after a bounded cost. */
static void nobody_starves(struct kunit *test)
{
	struct sched_test *t = test->priv;
	struct vexfs_ticket *low = &t->ticket[0], *next;
	u32 i, cost;

	for (i = 1; i < 400; i++)
		add_ticket(test, &t->ticket[i], 1 + i % 11, i % 2 ? VEXFS_PRIORITY_HIGH : VEXFS_PRIORITY_MEDIUM,
		    7, 0);
	/* they have been at it for long */
	for (i = 0; i < 100000; i++) {
		u32 client;

		next = vexfs_sched_peek(&t->s);
		client = client_of(t, next->client);
		vexfs_sched_take(&t->s, next);
		add_ticket(test, next, client, next->priority, next->cost, 0);
	}
	add_ticket(test, low, 0, VEXFS_PRIORITY_LOW, 1, 0);
	for (cost = 0; cost < 100; cost += 7) {
		u32 client;

		next = vexfs_sched_peek(&t->s);
		client = client_of(t, next->client);
		vexfs_sched_take(&t->s, next);
		if (next == low)
			break;
		add_ticket(test, next, client, next->priority, next->cost, 0);
	}
	KUNIT_EXPECT_PTR_EQ(test, next, low);
	/* of what the others are owed meanwhile, at most one ticket each is before it */
	KUNIT_EXPECT_LE(test, cost, 14u);
}

/* One that was idle has saved nothing up: it does not keep the others out. */
static void idleness_earns_nothing(struct kunit *test)
{
	struct sched_test *t = test->priv;
	u64 served[CLIENTS] = {};
	struct vexfs_ticket *next;
	u32 i, other = 0;

	serve_backlog(test, 1, false, 1, 10000, served);
	for (i = 0; i < 50; i++)
		add_ticket(test, &t->ticket[100 + i], 1, 0, 1, 0);
	for (i = 0; i < 40; i++) {
		u32 client;

		next = vexfs_sched_peek(&t->s);
		client = client_of(t, next->client);
		other += client == 0;
		vexfs_sched_take(&t->s, next);
		add_ticket(test, next, client, 0, 1, 0);
	}
	KUNIT_EXPECT_GE(test, other, 19u);
	KUNIT_EXPECT_LE(test, other, 21u);
}

/* What is taken along is charged: those that were helped wait for the others. */
static void taken_along_is_charged(struct kunit *test)
{
	struct sched_test *t = test->priv;
	u32 i;

	for (i = 0; i < 20; i++)
		add_ticket(test, &t->ticket[i], 0, 0, 10, 0);
	for (i = 0; i < 40; i++)
		add_ticket(test, &t->ticket[100 + i], 1, 0, 10, 0);
	for (i = 0; i < 10; i++)
		vexfs_sched_take(&t->s, &t->ticket[i]);
	for (i = 0; i < 10; i++) {
		KUNIT_EXPECT_PTR_EQ(test, &t->client[1], vexfs_sched_peek(&t->s)->client);
		vexfs_sched_pick(&t->s);
	}
	/* one removed is not */
	vexfs_sched_charge(&t->client[1], 0, 5);
	for (i = 10; i < 15; i++)
		vexfs_sched_remove(&t->s, &t->ticket[i]);
	KUNIT_EXPECT_PTR_EQ(test, &t->client[0], vexfs_sched_peek(&t->s)->client);
}

/* ---- deadlines ---- */

static void due_first(struct kunit *test)
{
	struct sched_test *t = test->priv;
	u64 now = ktime_get_ns();
	u32 i;

	/* without deadlines, with ones near, and with ones further than its patience */
	for (i = 0; i < 30; i++)
		add_ticket(test, &t->ticket[i], 0, 0, 1,
		    i % 3 == 0 ? 0 : i % 3 == 1 ? now + (100 - i) * NSEC_PER_MSEC :
			     now + 10 * PATIENCE_NS);
	/* the last of those with near ones has the earliest, and so on */
	for (i = 0; i < 10; i++)
		KUNIT_EXPECT_PTR_EQ(test, &t->ticket[28 - 3 * i], vexfs_sched_pick(&t->s));
	/* then the patient ones in their order, then those that can wait for longer */
	for (i = 0; i < 10; i++)
		KUNIT_EXPECT_PTR_EQ(test, &t->ticket[3 * i], vexfs_sched_pick(&t->s));
	for (i = 0; i < 10; i++)
		KUNIT_EXPECT_PTR_EQ(test, &t->ticket[3 * i + 2], vexfs_sched_pick(&t->s));
	KUNIT_EXPECT_NULL(test, vexfs_sched_pick(&t->s));
}

static void late_ones_come_out(struct kunit *test)
{
	struct sched_test *t = test->priv;
	u64 pass, now = ktime_get_ns() + 1;
	u32 i;

	KUNIT_EXPECT_EQ(test, 0ull, vexfs_sched_next_deadline(&t->s));
	for (i = 0; i < 60; i++)
		add_ticket(test, &t->ticket[i], i % CLIENTS, i % 3, 1, i % 2 ? now + 60 - i : 0);
	pass = t->client[1].fair[1].pass;
	for (i = 0; i < 15; i++) {
		struct vexfs_ticket *late = vexfs_sched_late(&t->s, now + 30);

		KUNIT_EXPECT_PTR_EQ(test, &t->ticket[59 - 2 * i], late);
	}
	KUNIT_EXPECT_NULL(test, vexfs_sched_late(&t->s, now + 30));
	KUNIT_EXPECT_EQ(test, now + 31, vexfs_sched_next_deadline(&t->s));
	KUNIT_EXPECT_EQ(test, 45u, vexfs_sched_queued(&t->s));
	/* late ones were not charged */
	KUNIT_EXPECT_EQ(test, pass, t->client[1].fair[1].pass);
}

/* ---- limits, and everything at random ---- */

static void limits_hold(struct kunit *test)
{
	struct sched_test *t = test->priv;
	u32 i;

	t->s.limits = (struct vexfs_sched_limits){ .client = 4, .user = 10, .total = 25 };
	for (i = 0; i < 4; i++)
		add_ticket(test, &t->ticket[i], 0, i % 3, 1, 0);
	KUNIT_EXPECT_EQ(test, -EBUSY, vexfs_sched_add(&t->s, &t->ticket[4], &t->client[0], 0, 1, 0));
	KUNIT_EXPECT_FALSE(test, vexfs_ticket_queued(&t->ticket[4]));
	for (i = 4; i < 10; i++)
		add_ticket(test, &t->ticket[i], i < 8 ? 3 : 6, i % 3, 1, 0);
	KUNIT_EXPECT_EQ(test, -EBUSY, vexfs_sched_add(&t->s, &t->ticket[10], &t->client[9], 0, 1, 0));
	/* the others have theirs */
	for (i = 10; i < 25; i++)
		add_ticket(test, &t->ticket[i], 1 + i % 2 + 3 * (i % 4), i % 3, 1, 0);
	KUNIT_EXPECT_EQ(test, -EBUSY, vexfs_sched_add(&t->s, &t->ticket[25], &t->client[2], 0, 1, 0));
	vexfs_sched_pick(&t->s);
	add_ticket(test, &t->ticket[25], 2, 0, 1, 0);
}

/* What each ticket should be is kept beside, and compared all the time. */
static void random_mix(struct kunit *test)
{
	const u32 rounds = vexfs_kunit_quick ? 20000 : 400000;
	struct sched_test *t = test->priv;
	u32 queued = 0, round, i;
	struct rnd_state rnd;

	prandom_seed_state(&rnd, 20);
	for (round = 0; round < rounds; round++) {
		struct vexfs_ticket *ticket = &t->ticket[prandom_u32_state(&rnd) % TICKETS];
		u32 what = prandom_u32_state(&rnd) % 8;
		u64 now = ktime_get_ns();

		if (!vexfs_ticket_queued(ticket)) {
			u32 r = prandom_u32_state(&rnd);

			add_ticket(test, ticket, r % CLIENTS, r / 16 % 3, r / 64 % 100,
			    r & 0x10000 ? now + r / 1024 : 0);
			queued++;
		} else if (what == 0) {
			vexfs_sched_remove(&t->s, ticket);
			queued--;
		} else if (what == 1) {
			vexfs_sched_take(&t->s, ticket);
			queued--;
		} else if (what == 2) {
			queued -= !!vexfs_sched_late(&t->s, now);
		} else if (what < 6) {
			struct vexfs_ticket *next = vexfs_sched_peek(&t->s);

			KUNIT_ASSERT_PTR_EQ(test, next, vexfs_sched_pick(&t->s));
			queued -= !!next;
		}
		if (vexfs_sched_queued(&t->s) != queued)
			break;
	}
	KUNIT_EXPECT_EQ(test, round, rounds);
	for (i = 0; i < CLIENTS; i++)
		queued -= t->client[i].queued;
	KUNIT_EXPECT_EQ(test, 0u, queued);
	/* nothing is lost: every ticket comes out */
	for (i = 0, queued = 0; i < TICKETS; i++)
		queued += vexfs_ticket_queued(&t->ticket[i]);
	while (vexfs_sched_pick(&t->s))
		queued--;
	KUNIT_EXPECT_EQ(test, 0u, queued);
}

static struct kunit_case sched_cases[] = {
	KUNIT_CASE(priorities_get_their_weights),
	KUNIT_CASE(weights_can_be_changed),
	KUNIT_CASE(users_and_clients_are_equal),
	KUNIT_CASE(nobody_starves),
	KUNIT_CASE(idleness_earns_nothing),
	KUNIT_CASE(taken_along_is_charged),
	KUNIT_CASE(due_first),
	KUNIT_CASE(late_ones_come_out),
	KUNIT_CASE(limits_hold),
	KUNIT_CASE(random_mix),
	{}
};

static struct kunit_suite sched_suite = {
	.name = "vexfs_sched",
	.init = sched_test_init,
	.exit = sched_test_exit,
	.test_cases = sched_cases,
};

kunit_test_suite(sched_suite);
