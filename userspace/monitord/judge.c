// SPDX-License-Identifier: GPL-2.0
/*
 * Decides whether performance is bad, for how long it has been, and what to do.
 * Performance must stay bad before anything is done, and stay good before that is
 * forgotten. The number of recoveries per day is limited.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "monitord.h"

#define DAY_NS	86400000000000ull
#define RECOVERY	"vexfs-performance-recovery"
/* Sizes are given time to show what they do. */
#define OPTIMIZE_EVERY_NS	300000000000ull

/*
 * What is bad now, or NULL. An idle machine is not bad: a rate counts as bad only when the
 * time per op would keep even one client, which waits for each answer, below the floor.
 */
bool class_is_low(const struct monitor *m, int low, char *text, size_t size)
{
	const struct {
		int ops, time;
		double floor;
	} rates[] = {
		[LOW_FUSE] = { M_FUSE_OPS, M_FUSE_TIME, m->conf.fuse_floor },
		[LOW_VECTOR] = { M_VECTOR_OPS, M_VECTOR_TIME, m->conf.vector_floor },
		[LOW_SEMANTIC] = { M_SEMANTIC_OPS, M_SEMANTIC_TIME, m->conf.semantic_floor },
	}, *r = &rates[low];
	const double *v = m->values;

	if (!(v[r->ops] > 0 && v[r->time] * r->floor > 1e6))
		return false;
	snprintf(text, size, "%s takes %.0f us: a client gets less than the %.0f ops/s that are promised",
		 metrics[r->ops].name, v[r->time], r->floor);
	return true;
}

static const char *complaint(const struct monitor *m, char *text, size_t size)
{
	const double *v = m->values;

	for (int i = LOW_FUSE; i <= LOW_SEMANTIC; i++)
		if (class_is_low(m, i, text, size))
			return text;
	if (v[M_POOL_HIT_RATE] < m->conf.pool_hit_floor) {
		snprintf(text, size, "the hit rate of the pools is %.3f, below %.2f",
			 v[M_POOL_HIT_RATE], m->conf.pool_hit_floor);
		return text;
	}
	if (v[M_ERROR_RATE] > 0.05) {
		snprintf(text, size, "%.1f %% of the ops end with an error", v[M_ERROR_RATE] * 100);
		return text;
	}
	if (v[M_STACK_VIOLATIONS] > 0) {
		snprintf(text, size, "ops go deeper than the stack limit");
		return text;
	}
	return NULL;
}

static bool may_recover(struct monitor *m)
{
	uint64_t now = now_ns();
	unsigned int today = 0;

	for (unsigned int i = 0; i < m->attempts; i++)
		today += now - m->recoveries[i] < DAY_NS;
	if (today >= (unsigned int)m->conf.attempts)
		return false;
	return !m->attempts ||
	       (double)(now - m->recoveries[m->attempts - 1]) / 1e9 >= m->conf.cool_down_s;
}

static void recover(struct monitor *m, const char *why)
{
	if (m->attempts == 100) {
		memmove(m->recoveries, m->recoveries + 1, 99 * sizeof(m->recoveries[0]));
		m->attempts--;
	}
	m->recoveries[m->attempts++] = now_ns();
	say_log(m, LOG_WARNING, "recovery begins: %s", why);
	m->recovering = fork();
	if (!m->recovering) {
		execlp(RECOVERY, RECOVERY, "--reason", why, NULL);
		_exit(127);
	}
	if (m->recovering < 0) {
		say_log(m, LOG_ERR, RECOVERY " cannot be started: %m");
		m->recovering = 0;
	}
}

static void reap(struct monitor *m)
{
	struct history_error err;
	int status;

	if (!m->recovering || waitpid(m->recovering, &status, WNOHANG) != m->recovering)
		return;
	m->recovering = 0;
	say_log(m, WIFEXITED(status) && !WEXITSTATUS(status) ? LOG_INFO : LOG_ERR,
		"recovery %s", WIFEXITED(status) && !WEXITSTATUS(status) ? "succeeded" :
		WIFEXITED(status) && WEXITSTATUS(status) == 127 ? "could not be started" : "failed");
	if (m->h)
		history_add_event(m->h, now_ms(), "recovery-ended", "", (uint64_t)status, 0, &err);
	/* Performance must stay bad for the full time once more. */
	m->bad_ns = 0;
	m->advised = false;
}

void judge(struct monitor *m)
{
	struct history_error err;
	uint64_t now = m->turn_ns;
	char text[200];
	const char *why = complaint(m, text, sizeof(text));

	reap(m);
	if (!why) {
		if (m->bad_ns && !m->good_ns)
			m->good_ns = now;
		if (m->bad_ns && (double)(now - m->good_ns) / 1e9 >= m->conf.after_s / 2) {
			say_log(m, LOG_INFO, "performance is good again");
			m->bad_ns = m->good_ns = 0;
			m->advised = false;
		}
		return;
	}
	m->good_ns = 0;
	if (!m->bad_ns) {
		m->bad_ns = now;
		say_log(m, LOG_INFO, "performance is bad: %s", why);
	}
	if (m->recovering || (double)(now - m->bad_ns) / 1e9 < m->conf.after_s ||
	    !strcmp(m->conf.recovery, "off"))
		return;
	if (!strcmp(m->conf.recovery, "on") && may_recover(m)) {
		recover(m, why);
	} else if (!m->advised) {
		say_log(m, LOG_WARNING, "performance has been bad for %.0f s: %s; %s",
			(double)(now - m->bad_ns) / 1e9, why, !strcmp(m->conf.recovery, "on") ?
			"no more recoveries for now" : "run " RECOVERY);
		if (m->h)
			history_add_event(m->h, now_ms(), "recovery-advised", why, 0, 0, &err);
		m->advised = true;
	}
}

/* What an administrator would type, and once at a time. */
static void optimize_pools(struct monitor *m)
{
	uint64_t now = now_ns();
	int status;

	if (m->optimizing && waitpid(m->optimizing, &status, WNOHANG) == m->optimizing) {
		m->optimizing = 0;
		if (!WIFEXITED(status) || WEXITSTATUS(status))
			say_log(m, LOG_ERR, "the pools could not be optimized");
	}
	if (m->optimizing || (m->optimized_ns && now - m->optimized_ns < OPTIMIZE_EVERY_NS))
		return;
	m->optimized_ns = now;
	m->optimizing = fork();
	if (!m->optimizing) {
		execlp("vexctl", "vexctl", "-q", "performance", "memory-pools", "optimize",
		       "--auto-resize", "--quick", NULL);
		_exit(127);
	}
	if (m->optimizing < 0) {
		say_log(m, LOG_ERR, "vexctl cannot be started: %m");
		m->optimizing = 0;
		return;
	}
	pool_log(m, "optimize");
	say_log(m, LOG_NOTICE, "the pools are optimized");
}

void watch_pools(struct monitor *m)
{
	double hit = m->values[M_POOL_HIT_RATE];

	if (!(hit < m->conf.pool_hit_floor))
		return;
	pool_log(m, "hit rate %.4f, used: small %.2f, medium %.2f, large %.2f", hit,
		 m->values[M_SMALL_USE], m->values[M_MEDIUM_USE], m->values[M_LARGE_USE]);
	say_log(m, LOG_WARNING, "the hit rate of the pools is %.4f, below %.2f", hit,
		m->conf.pool_hit_floor);
	if (m->conf.pool_optimize)
		optimize_pools(m);
}
