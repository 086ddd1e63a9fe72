// SPDX-License-Identifier: GPL-2.0
/*
 * Statistics as text. Everything is read from the tables of subjects, so that a value has
 * the same name here as everywhere else.
 */
#include <linux/kernel.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/string_helpers.h>

#include "mem/pool.h"
#include "mem/scratch.h"
#include "stat/counter.h"
#include "stat/event.h"
#include "stat/op.h"
#include "stat/show.h"

void vexfs_show_text(struct seq_file *m, const char *text)
{
	seq_escape_mem(m, text, strlen(text), ESCAPE_ANY | ESCAPE_NAP | ESCAPE_APPEND, "\\");
}

static void show_op_header(struct seq_file *m, const char *what)
{
	seq_printf(m, "%-15s %-9s %12s %9s %12s %12s %12s %10s %10s %10s %10s %10s %10s %12s\n",
		   what, "class", "count", "errors", "rate_1s", "rate_10s", "rate_60s",
		   "mean_ns", "p50_ns", "p95_ns", "p99_ns", "p999_ns", "max_ns", "since_load");
}

static void show_op_row(struct seq_file *m, const char *name, const char *class,
			const struct vexfs_op_stats *st, u64 since_load)
{
	seq_printf(m, "%-15s %-9s %12llu %9llu", name, class, st->count, st->errors);
	seq_printf(m, " %8llu.%03llu %8llu.%03llu %8llu.%03llu", st->rate_1s / 1000,
		   st->rate_1s % 1000, st->rate_10s / 1000, st->rate_10s % 1000,
		   st->rate_60s / 1000, st->rate_60s % 1000);
	seq_printf(m, " %10llu %10llu %10llu %10llu %10llu %10llu %12llu\n", st->mean_ns,
		   st->p50_ns, st->p95_ns, st->p99_ns, st->p999_ns, st->max_ns, since_load);
}

static void show_errors(struct seq_file *m)
{
	u64 err[VEXFS_ERR_SLOTS];
	unsigned int kind, i;

	seq_puts(m, "\n# errors since the last reset\n# kind errno count\n");
	for (kind = 0; kind < VEXFS_OP_KINDS; kind++) {
		if (vexfs_op_read_errors(kind, true, err))
			return;
		for (i = 0; i < VEXFS_ERR_SLOTS; i++)
			if (err[i])
				seq_printf(m, "%s %s %llu\n", vexfs_op_name(kind),
					   vexfs_errno_name(i), err[i]);
	}
}

void vexfs_show_ops(struct seq_file *m)
{
	struct vexfs_op_stats st;
	u64 load[VEXFS_CLASS_COUNT] = {};
	unsigned int i;

	seq_puts(m, "# figures since the last reset; rates in ops/s over 1, 10 and 60 s\n");
	show_op_header(m, "kind");
	for (i = 0; i < VEXFS_OP_KINDS; i++) {
		u64 count = vexfs_op_count(i);

		load[vexfs_op_class(i)] += count;
		if (vexfs_op_read(i, true, &st, NULL))
			return;
		show_op_row(m, vexfs_op_name(i), vexfs_class_name(vexfs_op_class(i)), &st, count);
	}
	seq_puts(m, "\n# classes as a whole\n");
	show_op_header(m, "kind");
	for (i = 0; i < VEXFS_CLASS_COUNT; i++) {
		if (vexfs_op_read_class(i, true, &st, NULL))
			return;
		show_op_row(m, "*", vexfs_class_name(i), &st, load[i]);
	}
	show_errors(m);
	seq_puts(m, "\n# class: what it is\n");
	for (i = 0; i < VEXFS_CLASS_COUNT; i++)
		seq_printf(m, "%-15s: %s\n", vexfs_class_name(i), vexfs_class_doc(i));
	seq_puts(m, "\n# kind: what it is\n");
	for (i = 0; i < VEXFS_OP_KINDS; i++)
		seq_printf(m, "%-15s: %s\n", vexfs_op_name(i), vexfs_op_doc(i));
	seq_printf(m, "\n# memory of the account\nbytes %zu\n", vexfs_op_bytes());
}

/* One row per counter, one column per instance, since reset and since load. */
static void show_subject(struct seq_file *m, const char *name)
{
	struct vexfs_subject *s = vexfs_subject_find(name);
	const unsigned int most = 4;
	unsigned int n, c, i;
	u64 *v;

	if (!s)
		return;
	n = min(s->instances(), most);
	v = kcalloc(2 * most, sizeof(u64) * VEXFS_SUBJECT_COUNTERS_MAX, GFP_KERNEL);
	if (!v)
		return;
	for (i = 0; i < 2 * n; i++)
		s->read(i % n, i < n, v + i * VEXFS_SUBJECT_COUNTERS_MAX);
	seq_printf(m, "%-16s", "# since");
	for (i = 0; i < 2 * n; i++)
		seq_printf(m, " %13s", i < n ? "reset" : "load");
	seq_printf(m, "\n%-16s", "figure");
	for (i = 0; i < 2 * n; i++)
		seq_printf(m, " %13s", *s->instance(i % n) ? s->instance(i % n) : "value");
	for (c = 0; c < s->counters_n; c++) {
		seq_printf(m, "\n%-16s", s->counters[c].name);
		for (i = 0; i < 2 * n; i++)
			seq_printf(m, " %13llu", v[i * VEXFS_SUBJECT_COUNTERS_MAX + c]);
	}
	seq_putc(m, '\n');
	kfree(v);
}

void vexfs_show_pools(struct seq_file *m)
{
	show_subject(m, "pool");
	seq_putc(m, '\n');
	vexfs_pool_show(m);
}

void vexfs_show_stack(struct seq_file *m)
{
	struct vexfs_op_stats st;
	unsigned int i;

	show_subject(m, "stack");
	seq_putc(m, '\n');
	vexfs_stack_show(m);
	seq_puts(m, "\n# deepest of each kind of op since load\n# op bytes\n");
	for (i = 0; i < VEXFS_OP_KINDS; i++) {
		if (vexfs_op_read(i, false, &st, NULL))
			return;
		seq_printf(m, "%-15s %llu\n", vexfs_op_name(i), st.stack_max);
	}
}

void vexfs_show_events(struct seq_file *m)
{
	char where[VEXFS_EVENT_WHERE];
	struct vexfs_event ev;
	u64 cursor = 0, lost, end = vexfs_event_now();
	unsigned int i;

	show_subject(m, "events");
	seq_puts(m, "\n# kind count: what it is\n");
	for (i = 0; i < VEXFS_EVENT_KINDS; i++)
		seq_printf(m, "%-20s %10llu: %s (a: %s, b: %s)\n", vexfs_event_name(i),
			   vexfs_event_count(i), vexfs_event_doc(i), vexfs_event_a(i),
			   vexfs_event_b(i));
	seq_puts(m, "\n# number time_ns kind a b pid subject\n");
	/* Events that are raised during the output are left for the next reader. */
	while (cursor < end && vexfs_event_read(&cursor, &ev, 1, &lost)) {
		seq_printf(m, "%llu %llu %s ", ev.seq, ev.time_ns, vexfs_event_name(ev.kind));
		if (vexfs_event_where(&ev, where))
			seq_printf(m, "%llu %s", ev.a, where);
		else
			seq_printf(m, "%llu %llu", ev.a, vexfs_event_told_b(&ev));
		seq_printf(m, " %d ", ev.pid);
		vexfs_show_text(m, ev.subject);
		seq_putc(m, '\n');
	}
}

static int show_counter_lines(struct vexfs_subject *s, void *arg)
{
	struct seq_file *m = arg;
	unsigned int n = s->instances(), c, i;
	u64 *v = kcalloc(2, sizeof(u64) * VEXFS_SUBJECT_COUNTERS_MAX, GFP_KERNEL);
	int err = v ? 0 : -ENOMEM;

	for (i = 0; i < n && !err; i++) {
		err = s->read(i, true, v);
		if (!err)
			err = s->read(i, false, v + VEXFS_SUBJECT_COUNTERS_MAX);
		for (c = 0; c < s->counters_n && !err; c++)
			seq_printf(m, "%s %s %s %s %s %llu %llu # %s\n", s->name,
				   *s->instance(i) ? s->instance(i) : "-", s->counters[c].name,
				   s->counters[c].kind == VEXFS_COUNTER ? "counter" : "gauge",
				   s->counters[c].unit, v[c], v[VEXFS_SUBJECT_COUNTERS_MAX + c],
				   s->counters[c].doc);
	}
	kfree(v);
	return err;
}

void vexfs_show_counters(struct seq_file *m)
{
	seq_puts(m, "# subject instance figure kind unit since_reset since_load # meaning\n");
	vexfs_subject_walk(show_counter_lines, m);
}
