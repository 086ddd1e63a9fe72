// SPDX-License-Identifier: GPL-2.0
/* The queue of telemetry: what is put in, and when it is exported. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "monitord.h"

static bool any_sink(const struct config *c)
{
	for (size_t i = 0; i < SINKS; i++)
		if (sinks[i].wanted(c))
			return true;
	return false;
}

static struct item *new_item(struct monitor *m)
{
	struct telemetry *t = &m->telemetry;
	struct item *item;

	if (!t->item)
		t->item = calloc(QUEUE_ITEMS, sizeof(*t->item));
	if (!t->item)
		return NULL;
	item = &t->item[t->end++ % QUEUE_ITEMS];
	memset(item, 0, sizeof(*item));
	item->t = now_ms();
	return item;
}

void telemetry_sample(struct monitor *m, const double v[METRICS])
{
	struct telemetry *t = &m->telemetry;
	struct item *item;

	if (!any_sink(&m->conf))
		return;
	/* At a rate of 0.1 each tenth sample is taken, the first one included. */
	t->due = t->begun ? t->due + m->conf.sampling_rate : 1;
	t->begun = true;
	if (t->due < 1 - 1e-9)
		return;
	t->due -= 1;
	for (int i = 0; i < METRICS; i++) {
		if (!isfinite(v[i]))
			continue;
		item = new_item(m);
		if (!item)
			return;
		item->t = m->turn_ms;
		item->metric = i;
		item->value = v[i];
	}
}

void telemetry_event(struct monitor *m, const char *kind, const char *subject, uint64_t a, uint64_t b)
{
	struct item *item = any_sink(&m->conf) ? new_item(m) : NULL;

	if (!item)
		return;
	item->metric = -1;
	snprintf(item->kind, sizeof(item->kind), "%s", kind);
	snprintf(item->subject, sizeof(item->subject), "%s", subject);
	item->a = a;
	item->b = b;
}

/* One batch; false when there is none, or when the sink failed. */
static bool send_batch(struct monitor *m, size_t i)
{
	struct telemetry *t = &m->telemetry;
	size_t at = t->sent[i] % QUEUE_ITEMS, n = (size_t)(t->end - t->sent[i]);
	char why[300];

	if (n > (size_t)m->conf.batch_size)
		n = (size_t)m->conf.batch_size;
	if (n > QUEUE_ITEMS - at)
		n = QUEUE_ITEMS - at;
	if (!n)
		return false;
	if (sinks[i].send(&m->conf, &t->item[at], n, why, sizeof(why))) {
		if (!t->failing[i])
			say_log(m, LOG_WARNING, "telemetry to %s: %s; it waits, the oldest goes first",
				sinks[i].name, why);
		t->failing[i] = true;
		return false;
	}
	if (t->failing[i])
		say_log(m, LOG_INFO, "telemetry to %s goes on; %llu values were lost", sinks[i].name,
			(unsigned long long)t->lost[i]);
	t->failing[i] = false;
	t->lost[i] = 0;
	t->sent[i] += n;
	return true;
}

void telemetry_export(struct monitor *m, bool all)
{
	struct telemetry *t = &m->telemetry;
	bool due = all || m->turn_ns >= t->next_ns;

	if (due)
		t->next_ns = m->turn_ns + (uint64_t)(m->conf.export_interval * 1e9);
	for (size_t i = 0; i < SINKS; i++) {
		if (!sinks[i].wanted(&m->conf)) {
			t->sent[i] = t->end;
			continue;
		}
		if (t->end - t->sent[i] > QUEUE_ITEMS) {
			t->lost[i] += t->end - t->sent[i] - QUEUE_ITEMS;
			t->sent[i] = t->end - QUEUE_ITEMS;
		}
		/* What failed is tried again once an interval. */
		if (!due && (t->failing[i] || (double)(t->end - t->sent[i]) < m->conf.batch_size))
			continue;
		while (send_batch(m, i))
			if (!due && (double)(t->end - t->sent[i]) < m->conf.batch_size)
				break;
	}
}
