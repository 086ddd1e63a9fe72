// SPDX-License-Identifier: GPL-2.0
/*
 * Pushed alerts: classes below their floor, and pools below theirs. "vexctl alert send"
 * pushes them, so that retries and a server that is down do not delay a sample.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "alert.h"
#include "monitord.h"

/* One sample is not enough to raise an alert, nor to take it back. */
#define ROUNDS		2
/* Alertmanager takes an alert for resolved when it was not repeated for 5 minutes. */
#define RESEND_NS	120000000000ull

static const char *const names[LOWS] = {
	[LOW_FUSE] = ALERT_FUSE_LOW,
	[LOW_VECTOR] = ALERT_VECTOR_LOW,
	[LOW_SEMANTIC] = ALERT_SEMANTIC_LOW,
	[LOW_POOL] = ALERT_POOL_LOW,
};

static bool is_low(const struct monitor *m, int low, char *text, size_t size)
{
	double hit = m->values[M_POOL_HIT_RATE];

	if (low != LOW_POOL)
		return class_is_low(m, low, text, size);
	if (!(hit < m->conf.pool_hit_floor))
		return false;
	snprintf(text, size, "the hit rate of the pools is %.4f, below %.2f", hit,
		 m->conf.pool_hit_floor);
	return true;
}

static void push(struct monitor *m, int i, const char *text, bool over)
{
	const char *hook = getenv("ALERT_WEBHOOK") ?: m->conf.webhook;
	const char *argv[16] = { "vexctl", "-q", "alert", "send", names[i], "--summary", text };
	struct low *l = &m->low[i];
	size_t n = 7;

	if (*m->conf.alertmanager) {
		argv[n++] = "--alertmanager";
		argv[n++] = m->conf.alertmanager;
	}
	if (*hook) {
		argv[n++] = "--webhook";
		argv[n++] = hook;
	}
	if (over)
		argv[n++] = "--resolved";
	l->pid = fork();
	if (!l->pid) {
		execvp("vexctl", (char *const *)argv);
		_exit(127);
	}
	if (l->pid < 0) {
		say_log(m, LOG_ERR, "vexctl cannot be started: %m");
		l->pid = 0;
		return;
	}
	if (l->pushed == over)
		say_log(m, LOG_WARNING, over ? "alert %s is over" : "alert %s: %s", names[i], text);
	l->pushed = !over;
	l->resend_ns = now_ns() + RESEND_NS;
}

/* Without ops of a class, a sample says nothing about it. */
static bool is_idle(const struct monitor *m, int low)
{
	static const int ops[] = {
		[LOW_FUSE] = M_FUSE_OPS, [LOW_VECTOR] = M_VECTOR_OPS, [LOW_SEMANTIC] = M_SEMANTIC_OPS,
	};

	return low != LOW_POOL && !(m->values[ops[low]] > 0);
}

static void one(struct monitor *m, int i)
{
	struct low *l = &m->low[i];
	char text[200] = "it is well again";
	bool low = is_low(m, i, text, sizeof(text));
	int status;

	if (l->pid && waitpid(l->pid, &status, WNOHANG) == l->pid) {
		l->pid = 0;
		if (!WIFEXITED(status) || WEXITSTATUS(status))
			say_log(m, LOG_WARNING, "alert %s was not delivered: vexctl alert flush sends what waits",
				names[i]);
	}
	/* An active alert ends when the load does; two slow samples may be apart. */
	if (l->pushed || !is_idle(m, i))
		l->rounds = low != l->pushed ? l->rounds + 1 : 0;
	if (l->pid)
		return;
	if (l->rounds >= ROUNDS) {
		push(m, i, text, l->pushed);
		l->rounds = 0;
	} else if (low && l->pushed && now_ns() >= l->resend_ns) {
		push(m, i, text, false);
	}
}

void push_alerts(struct monitor *m)
{
	const char *hook = getenv("ALERT_WEBHOOK");

	if (!*m->conf.alertmanager && !*m->conf.webhook && !(hook && *hook))
		return;
	for (int i = 0; i < LOWS; i++)
		one(m, i);
}
