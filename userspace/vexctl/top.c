// SPDX-License-Identifier: GPL-2.0
/*
 * "vexctl top": statistics, refreshed in place. It needs read access only and changes
 * nothing; it restores the terminal at its end in all cases.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "term.h"
#include "vexctl.h"
#include "wire.h"

enum sort {
	SORT_RATE = 'r',
	SORT_MEAN = 'm',
	SORT_P99 = 'p',
	SORT_ERRORS = 'e',
	SORT_NAME = 'n',
};

/**
 * struct top - the screen
 * @c: the call
 * @sort: sort key of the rows of ops
 * @width: columns of the terminal
 * @height: lines of the terminal
 * @line: lines written
 * @colour: use colours
 * @last: FPU time and clock at the last refresh
 */
struct top {
	struct ctl *c;
	enum sort sort;
	int width;
	int height;
	int line;
	bool colour;
	struct {
		uint64_t fpu_ns;
		uint64_t time_ns;
	} last;
};

static struct termios saved;
static bool raw;

static void restore_terminal(void)
{
	if (!raw)
		return;
	raw = false;
	/* back to the main screen, cursor visible */
	fputs("\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSANOW, &saved);
}

static bool prepare_terminal(void)
{
	struct termios t;

	if (!isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &saved))
		return false;
	t = saved;
	t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	if (tcsetattr(STDIN_FILENO, TCSANOW, &t))
		return false;
	raw = true;
	atexit(restore_terminal);
	fputs("\033[?1049h\033[?25l", stdout);
	return true;
}

static void measure(struct top *t)
{
	struct winsize ws;

	t->width = 80;
	t->height = 24;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) && ws.ws_col && ws.ws_row) {
		t->width = ws.ws_col;
		t->height = ws.ws_row;
	}
}

/* Prints one line, cut to the width; lines beyond the height are left out. */
__attribute__((format(printf, 3, 4)))
static void put(struct top *t, const char *style, const char *fmt, ...)
{
	char whole[512], text[2048];
	va_list args;

	if (t->line >= t->height - 1)
		return;
	va_start(args, fmt);
	vsnprintf(whole, sizeof(whole), fmt, args);
	va_end(args);
	escape_text(text, sizeof(text), whole, strlen(whole));
	if (t->colour && *style)
		printf("\033[%sm%.*s\033[0m\033[K\n", style, t->width, text);
	else
		printf("%.*s\033[K\n", t->width, text);
	t->line++;
}

/* Prints a row of a table; columns that do not fit are left out. */
static void put_row(struct top *t, const char *style, const struct column *col, unsigned int n,
		    const char *const *cells)
{
	char text[512];

	table_format(text, sizeof(text), col, n, t->width, cells);
	put(t, style, "%s", text);
}

static int compare(const struct row *a, const struct row *b, const char *counter)
{
	uint64_t x = row_value(a, counter), y = row_value(b, counter);

	return x < y ? 1 : x > y ? -1 : 0;
}

static enum sort sort_now;

static int by_sort(const void *a, const void *b)
{
	const struct row *x = *(const struct row *const *)a, *y = *(const struct row *const *)b;
	int d = 0;

	switch (sort_now) {
	case SORT_RATE:
		d = compare(x, y, "rate_1s");
		break;
	case SORT_MEAN:
		d = compare(x, y, "mean_ns");
		break;
	case SORT_P99:
		d = compare(x, y, "p99_ns");
		break;
	case SORT_ERRORS:
		d = compare(x, y, "errors");
		break;
	case SORT_NAME:
		break;
	}
	return d ? d : strcmp(x->name, y->name);
}

static const struct column op_columns[] = {
	{ "OP", 15, true }, { "OPS/S", 11 }, { "P99 us", 10 }, { "MEAN us", 10 }, { "P50 us", 10 },
	{ "MAX us", 10 }, { "ERRORS", 8 }, { "COUNT", 12 },
};

#define OP_COLUMNS	(sizeof(op_columns) / sizeof(op_columns[0]))

static void put_ops(struct top *t, const struct rows *rows, const char *subject, const char *style)
{
	const struct row *list[ROW_COUNTERS];
	size_t n = 0;

	for (size_t i = 0; i < rows->n && n < ROW_COUNTERS; i++)
		if (!strcmp(rows->row[i].subject, subject) && row_value(&rows->row[i], "count"))
			list[n++] = &rows->row[i];
	sort_now = t->sort;
	qsort(list, n, sizeof(list[0]), by_sort);
	for (size_t i = 0; i < n; i++) {
		const struct row *r = list[i];
		const char *const cells[OP_COLUMNS] = {
			r->name, cell("%.1f", (double)row_value(r, "rate_1s") / 1e3),
			cell("%.1f", (double)row_value(r, "p99_ns") / 1e3),
			cell("%.1f", (double)row_value(r, "mean_ns") / 1e3),
			cell("%.1f", (double)row_value(r, "p50_ns") / 1e3),
			cell("%.1f", (double)row_value(r, "max_ns") / 1e3),
			cell("%" PRIu64, row_value(r, "errors")),
			cell("%" PRIu64, row_value(r, "count")),
		};

		put_row(t, row_value(r, "errors") ? "33" : style, op_columns, OP_COLUMNS, cells);
	}
}

static void put_pools(struct top *t, const struct rows *rows)
{
	static const struct column col[] = {
		{ "POOL", 15, true }, { "HIT RATE", 11 }, { "IN USE", 10 }, { "SIZE", 10 },
		{ "HIGH", 10 }, { "BYTES", 12 },
	};
	const unsigned int n = sizeof(col) / sizeof(col[0]);

	put_row(t, "7", col, n, NULL);
	for (size_t i = 0; i < rows->n; i++) {
		const struct row *r = &rows->row[i];
		const char *cells[sizeof(col) / sizeof(col[0])];

		if (strcmp(r->subject, "pool"))
			continue;
		cells[0] = r->name;
		cells[1] = cell("%.4f", (double)row_value(r, "hit_ppm") / 1e6);
		cells[2] = cell("%" PRIu64, row_value(r, "in_use"));
		cells[3] = cell("%" PRIu64, row_value(r, "size"));
		cells[4] = cell("%" PRIu64, row_value(r, "high_water"));
		cells[5] = cell("%" PRIu64, row_value(r, "held_bytes"));
		put_row(t, "", col, n, cells);
	}
}

static const struct column collection_columns[] = {
	{ "COLLECTION", 27, true }, { "VECTORS", 12 }, { "DIM", 6 }, { "BYTES", 14 },
	{ "INDEX", 8 },
};

#define COLLECTION_COLUMNS	(sizeof(collection_columns) / sizeof(collection_columns[0]))

static int put_collection(struct nlmsghdr *h, struct nlattr **a, void *arg)
{
	const char *const cells[COLLECTION_COLUMNS] = {
		cell("%.27s", shown(wire_text(a, VEXFS_A_COLLECTION_NAME))),
		cell("%" PRIu64, wire_u64(a, VEXFS_A_COLLECTION_COUNT)),
		cell("%u", wire_u32(a, VEXFS_A_COLLECTION_DIM)),
		cell("%" PRIu64, wire_u64(a, VEXFS_A_COLLECTION_BYTES)),
		wire_u32(a, VEXFS_A_COLLECTION_INDEX) ? "graph" : "none",
	};

	(void)h;
	put_row(arg, "", collection_columns, COLLECTION_COLUMNS, cells);
	return 0;
}

static double fpu_share(struct top *t, const struct row *fpu)
{
	uint64_t ns = row_value(fpu, "ns") - t->last.fpu_ns;
	uint64_t time = (fpu ? fpu->time_ns : 0) - t->last.time_ns;
	double share = t->last.time_ns && time ? (double)ns / (double)time : 0;

	t->last.fpu_ns = row_value(fpu, "ns");
	t->last.time_ns = fpu ? fpu->time_ns : 0;
	return share;
}

static int refresh(struct top *t, struct wire *w, struct rows *rows)
{
	const struct row *store, *stack, *fpu;
	int err = rows_read(w, NULL, rows);

	if (err)
		return err;
	store = rows_find(rows, "store", NULL);
	stack = rows_find(rows, "stack", NULL);
	fpu = rows_find(rows, "fpu", NULL);
	measure(t);
	t->line = 0;
	fputs("\033[H", stdout);
	put(t, "1", "vexfs  %" PRIu64 " collections, %" PRIu64 " vectors, %" PRIu64 " bytes",
	    row_value(store, "collections"), row_value(store, "vectors"),
	    row_value(store, "bytes"));
	put(t, row_value(stack, "violations") ? "31" : "",
	    "stack deepest %" PRIu64 "/%" PRIu64 ", %" PRIu64 " violations",
	    row_value(stack, "deepest"), row_value(stack, "limit"), row_value(stack, "violations"));
	put(t, "", "fpu %.2f CPUs, longest %.1f us", fpu_share(t, fpu),
	    (double)row_value(fpu, "longest_ns") / 1e3);
	put_row(t, "7", op_columns, OP_COLUMNS, NULL);
	put_ops(t, rows, "class", "1");
	put_ops(t, rows, "op", "");
	put_pools(t, rows);
	put_row(t, "7", collection_columns, COLLECTION_COLUMNS, NULL);
	err = wire_call(w, wire_request(w, VEXFS_CMD_COLLECTION_GET, true), put_collection, t);
	/* The last newline would scroll. */
	printf("%.*s\033[K\033[J", t->width - 1,
	       t->width < 60 ? "sort: r m p e n; q quits" :
	       "sort: r rate, m mean, p p99, e errors, n name; q quits");
	fflush(stdout);
	return err == -EINTR ? 0 : err;
}

/* Returns a key, or 0 at the timeout. */
static char wait_key(double seconds)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	char key;

	if (poll(&p, 1, (int)(seconds * 1000)) <= 0)
		return 0;
	return read(STDIN_FILENO, &key, 1) == 1 ? key : 'q';
}

static int run_top(struct ctl *c)
{
	struct top t = { .c = c, .sort = SORT_RATE };
	double every = opt_number(c, "delay", 1);
	struct rows rows = { 0 };
	struct wire *w;
	int ret = 0, err = 0;
	char key = 0;

	if (every < 0.1 || every > 3600)
		return ctl_usage(c, "--delay takes 0.1 to 3600 seconds");
	if (c->json)
		return ctl_usage(c, "top is for a terminal; 'stats -j -w %g' prints JSON", every);
	w = wire_open(c, &ret);
	if (!w)
		return ret;
	stop_on_signals();
	if (!prepare_terminal()) {
		wire_close(w);
		return ctl_usage(c, "top needs a terminal; use 'stats -w %g' elsewhere", every);
	}
	t.colour = term_colour();
	while (!err && key != 'q' && !stop_wanted()) {
		err = refresh(&t, w, &rows);
		key = err ? 'q' : wait_key(every);
		if (key && strchr("rmpen", key))
			t.sort = (enum sort)key;
	}
	restore_terminal();
	if (err)
		ret = wire_fail(c, w, err);
	rows_free(&rows);
	wire_close(w);
	return ret;
}

static const struct opt top_opts[] = {
	{ "delay", 'd', OPT_NUMBER, "SECONDS", "time between refreshes, default 1" },
	{ 0 },
};

const struct verb top_verbs[] = {
	{ "top", "", 0, 0, "show activity, refreshed in place",
	  "Ops per second of each class and kind with their latencies, pools, stack, FPU time and "
	  "collections. Keys: r, m, p, e and n sort by rate, mean, p99, errors and name; q leaves. "
	  "Colours heed NO_COLOR.", top_opts, run_top },
	{ 0 },
};
