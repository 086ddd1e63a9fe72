// SPDX-License-Identifier: GPL-2.0
/*
 * Rows of benchmarks: each is in the file as soon as it is added, goals are judged by
 * their kind, and a row that was not measured has no values.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rows.h"
#include "../../tests/tap.h"

static char path[] = "/tmp/rows-test-XXXXXX";

/* The current contents of the file. */
static char *saved(void)
{
	static char text[16384];
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	text[n] = 0;
	if (f)
		fclose(f);
	return text;
}

static size_t times(const char *text, const char *what)
{
	size_t n = 0;

	while ((text = strstr(text, what))) {
		text += strlen(what);
		n++;
	}
	return n;
}

static void whole(const char *when)
{
	const char *text = saved();

	ok(text[0] == '[' && times(text, "]\n") >= 1 && times(text, "{") == times(text, "}"),
	   "%s the file is whole", when);
}

int main(void)
{
	static const struct rows_other others[] = { { "a library", 1, 2 }, { "another", 0, 3 } };
	struct rows_row met = { .name = "speed", .peer = "p", .unit = "u", .ours = 3, .theirs = 2,
				.kind = GOAL_RATIO_AT_LEAST, .goal = 1.5, .others = others, .n_others = 2 };
	struct rows_row missed = { .name = "recall", .peer = "p", .unit = "u", .ours = 0.90, .theirs = 0.91,
				   .kind = GOAL_DIFFERENCE_AT_LEAST, .goal = -0.005 };
	struct rows_row near = { .name = "near", .peer = "p", .unit = "u", .ours = 0.906, .theirs = 0.91,
				 .kind = GOAL_DIFFERENCE_AT_LEAST, .goal = -0.005 };
	struct rows_row more = { .name = "memory", .peer = "p", .unit = "u", .ours = 1.2, .theirs = 1,
				 .kind = GOAL_RATIO_AT_MOST, .goal = 1.1 };
	struct rows_row none = { .name = "faults", .peer = "none", .unit = "u", .ours = 0, .theirs = 0,
				 .kind = GOAL_DIFFERENCE_AT_MOST, .goal = 0 };
	struct rows_row not = { .name = "gone", .peer = "p", .unit = "u", .kind = GOAL_RATIO_AT_LEAST,
				.goal = 9, .not_measured = "it says \"no\"" };
	double even[] = { 4, 1, 3, 2 }, odd[] = { 9, 1, 2 };
	int fd = mkstemp(path);
	struct rows *r;

	ok(fd >= 0, "a file");
	close(fd);
	ok(rows_median(even, 4) == 2.5 && rows_median(odd, 3) == 2, "medians");
	r = rows_open(path);
	rows_add(r, &met);
	whole("after one row");
	ok(times(saved(), "\"pass\": true") == 1 && strstr(saved(), "\"host\": 3"),
	   "the row is there, with what others reached");
	ok(!strstr(saved(), "\"lab\": 0"), "what was not measured there has no figure");
	rows_add(r, &missed);
	whole("after two rows");
	ok(times(saved(), "\"name\"") == 2 && times(saved(), "\"pass\": false") == 1,
	   "a recall that is too low has missed");
	ok(strstr(saved(), "\"goal\": -0.005"), "its goal is the difference");
	rows_add(r, &near);
	rows_add(r, &more);
	rows_add(r, &none);
	ok(times(saved(), "\"pass\": true") == 3 && times(saved(), "\"pass\": false") == 2,
	   "differences, upper bounds and zeroes are judged by their kind");
	rows_add(r, &not);
	whole("at the end");
	ok(strstr(saved(), "\"not_measured\": \"it says \\\"no\\\"\"") && times(saved(), "\"ours\"") == 5,
	   "a row that was not measured says why and has no figures");
	ok(rows_close(r) == 2, "two have missed their goal, and what was not measured is none of them");
	unlink(path);
	return done();
}
