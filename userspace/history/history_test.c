// SPDX-License-Identifier: GPL-2.0
/*
 * The history: what is written can be read at every resolution, whatever happens to the
 * clock, the module, the file and the writer. A week passes in seconds.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <math.h>
#include <sched.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "history.h"
#include "../tests/tap.h"

#define T0	1790000400000ll		/* a full hour */
#define MINUTE	60000ll
#define HOUR	3600000ll
#define DAY	(24 * HOUR)

static char dir[] = "/tmp/history-XXXXXX";
static struct history_error err;
static const struct history_limits limits = HISTORY_LIMITS_DEFAULT;

static const char *path(const char *name)
{
	static char text[4][200];
	static int at;

	at = (at + 1) % 4;
	snprintf(text[at], sizeof(text[at]), "%s/%s", dir, name);
	return text[at];
}

static int series(struct history *h, const char *name, enum history_kind kind, bool sketch)
{
	struct history_series s = { .unit = "x", .kind = kind, .sketch = sketch, .scale = 1 };

	snprintf(s.name, sizeof(s.name), "%s", name);
	return history_series(h, &s, &err);
}

static size_t points(struct history *h, const char *name, int64_t from, int64_t to,
		     struct history_values *v)
{
	return history_read(h, &name, 1, from, to, 0, v, &err) ? SIZE_MAX : v->n;
}

static double mean(const struct history_values *v)
{
	double sum = 0, span = 0;

	for (size_t i = 0; i < v->n; i++) {
		sum += v->p[i].mean * (double)v->p[i].span;
		span += (double)v->p[i].span;
	}
	return span > 0 ? sum / span : NAN;
}

static void test_samples(void)
{
	struct history *h = history_open(path("a.db"), HISTORY_WRITE, &err);
	struct history_values v;
	struct stat st;
	int count, level, gone;

	if (!ok(h, "a new history is made"))
		return;
	stat(path("a.db"), &st);
	ok((st.st_mode & 0777) == 0640, "others cannot read it");
	count = series(h, "count", HISTORY_COUNTER, false);
	level = series(h, "level", HISTORY_GAUGE, true);
	gone = series(h, "gone", HISTORY_GAUGE, false);
	ok(count >= 0 && series(h, "count", HISTORY_COUNTER, false) == count,
	   "a series keeps its number");
	history_epoch(h, T0, "boot 1", &err);
	for (int i = 0; i < 300; i++) {
		history_put(h, count, 1000 + 60 * i);
		history_put(h, level, -5 + i % 2);
		if (i < 100)
			history_put(h, gone, 7);
		history_sample(h, T0 + i * 30000, &err);
	}
	ok(points(h, "count", T0, T0 + DAY, &v) == 299 && fabs(mean(&v) - 2) < 1e-9,
	   "a counter is read as its rate: 60 in 30 s");
	history_values_free(&v, 1);
	ok(points(h, "level", T0 + 100 * 30000, T0 + 110 * 30000, &v) == 10 &&
	   fabs(mean(&v) + 4.5) < 1e-9, "a gauge is read unchanged, also from the middle");
	history_values_free(&v, 1);
	ok(points(h, "gone", T0, T0 + DAY, &v) == 100, "a series that vanished ends");
	history_values_free(&v, 1);
	ok(points(h, "nobody", T0, T0 + DAY, &v) == 0, "an unknown series has no points");
	history_values_free(&v, 1);
	ok(points(h, "level", T0 - DAY, T0, &v) == 0, "nothing before the beginning");
	history_values_free(&v, 1);
	history_close(h);
}

/* The clock jumps, a counter restarts, samples are missing. */
static void test_breaks(void)
{
	struct history *h = history_open(path("b.db"), HISTORY_WRITE, &err);
	struct history_values v;
	int64_t t = T0;
	int c = series(h, "c", HISTORY_COUNTER, false);
	double most = 0;

	history_epoch(h, t, "boot 1", &err);
	for (int i = 0; i < 20; i++, t += 1000) {
		history_put(h, c, 1000000 + i);
		history_sample(h, t, &err);
	}
	/* The module is reloaded. */
	history_epoch(h, t, "boot 2", &err);
	for (int i = 0; i < 20; i++, t += 1000) {
		history_put(h, c, i);
		history_sample(h, t, &err);
	}
	/* The machine sleeps for an hour; its counters continue. */
	t += HOUR;
	for (int i = 20; i < 40; i++, t += 1000) {
		history_put(h, c, 5000 + i);
		history_sample(h, t, &err);
	}
	/* The clock goes back by a day. */
	t -= DAY;
	for (int i = 40; i < 60; i++, t += 1000) {
		history_put(h, c, 5000 + i);
		history_sample(h, t, &err);
	}
	/* A counter that goes back within an epoch. */
	history_put(h, c, 0);
	history_sample(h, t, &err);
	ok(points(h, "c", T0 - 2 * DAY, T0 + 2 * DAY, &v) == 4 * 19, "no rate across a break");
	for (size_t i = 0; i < v.n; i++)
		most = v.p[i].mean > most ? v.p[i].mean : most;
	ok(most == 1, "and no rate is wrong");
	history_values_free(&v, 1);
	history_close(h);

	/* The same module: the epoch continues, one sample is missing. */
	h = history_open(path("b.db"), HISTORY_WRITE, &err);
	history_epoch(h, t, "boot 3", &err);
	for (int i = 0; i < 10; i++)
		history_put(h, 0, i), history_sample(h, t + T0 + i * 1000, &err);
	history_close(h);
	h = history_open(path("b.db"), HISTORY_WRITE, &err);
	history_epoch(h, t, "boot 3", &err);
	for (int i = 10; i < 20; i++)
		history_put(h, 0, i), history_sample(h, t + T0 + i * 1000, &err);
	ok(points(h, "c", t + T0, t + T0 + DAY, &v) == 19, "a restarted writer continues");
	history_values_free(&v, 1);
	history_close(h);
}

#define FIGURES	40

/* Writes days of history with a pattern; ends at T0. Returns the file's size. */
static int64_t simulate(const char *name, int days, int step_s, int figures)
{
	struct history *h = history_open(path(name), HISTORY_WRITE, &err);
	int id[4000], rate = series(h, "rate", HISTORY_COUNTER, true);
	int still = series(h, "still", HISTORY_GAUGE, false);
	int64_t t = T0 - days * DAY, count = 0, bytes;
	int n = 0;

	for (int i = 0; i < figures; i++) {
		char text[30];

		snprintf(text, sizeof(text), "figure%d", i);
		id[i] = series(h, text, HISTORY_GAUGE, false);
	}
	history_epoch(h, t, "boot", &err);
	for (; t < T0; t += step_s * 1000, n++) {
		/* 100 a second, 50 in the second half of each hour */
		count += step_s * (t % HOUR < HOUR / 2 ? 100 : 50);
		history_put(h, rate, count);
		history_put(h, still, 42);
		for (int i = 0; i < figures; i++)
			history_put(h, id[i], 1000 + (n * (i + 7)) % 113);
		if (history_sample(h, t, &err))
			printf("# %s\n", err.text);
		if (t % 300000 < step_s * 1000 && history_tidy(h, t, &limits, &err))
			printf("# %s\n", err.text);
	}
	history_tidy(h, T0, &limits, &err);
	bytes = history_bytes(h);
	history_close(h);
	return bytes;
}

static void test_week(void)
{
	struct timespec a, b;
	struct history_values v;
	struct history *h;
	int64_t bytes, from, to;
	double took;

	clock_gettime(CLOCK_MONOTONIC, &a);
	bytes = simulate("week.db", 7, 30, FIGURES);
	clock_gettime(CLOCK_MONOTONIC, &b);
	took = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
	printf("# a week at 30 s: %.1f s, %.1f MiB\n", took, (double)bytes / (1 << 20));
	h = history_open(path("week.db"), HISTORY_READ, &err);
	if (!ok(h, "a week of history"))
		return;
	ok(history_range(h, &from, &to) && from <= T0 - 7 * DAY + HOUR && to >= T0 - MINUTE,
	   "it reaches back a week");
	points(h, "rate", T0 - DAY, T0, &v);
	ok(v.n > 2800 && v.p[0].span == 30000 && fabs(mean(&v) - 75) < 0.1,
	   "the last day in samples: %zu", v.n);
	history_values_free(&v, 1);
	points(h, "rate", T0 - 6 * DAY, T0 - 5 * DAY, &v);
	ok(v.n == 288 && v.p[0].span == 300000 && fabs(mean(&v) - 75) < 0.2,
	   "five days ago in five minutes: %zu, mean %.3f", v.n, mean(&v));
	ok(fabs(history_quantile(&v, 0.25) - 50) < 1 && fabs(history_quantile(&v, 0.75) - 100) < 2 &&
	   v.sketched >= 2870, "with its distribution: %.1f, %.1f of %llu", history_quantile(&v, 0.25),
	   history_quantile(&v, 0.75), (unsigned long long)v.sketched);
	history_values_free(&v, 1);
	points(h, "still", T0 - 6 * DAY, T0, &v);
	ok(v.n > 1700 && fabs(mean(&v) - 42) < 1e-9, "a value that never changes is known at all times: %zu",
	   v.n);
	history_values_free(&v, 1);
	{
		const char *name = "rate";

		history_read(h, &name, 1, T0 - 6 * DAY, T0, HOUR, &v, &err);
	}
	ok(v.n >= 143 && v.n <= 160 && v.p[0].span == HOUR && v.p[0].min <= 50 && v.p[0].max >= 100 &&
	   fabs(mean(&v) - 75) < 0.2, "in hours, when that is enough: %zu", v.n);
	history_values_free(&v, 1);
	history_close(h);
}

/* Data with a retention of a year stays below its size limit. */
static void test_bound(void)
{
	struct history_limits small = limits;
	struct history *h = history_open(path("week.db"), HISTORY_WRITE, &err);
	int64_t from, to;

	small.bytes = 1 << 20;
	ok(!history_tidy(h, T0, &small, &err) && history_bytes(h) <= small.bytes,
	   "a smaller bound: %lld bytes", (long long)history_bytes(h));
	ok(history_range(h, &from, &to) && to >= T0 - HOUR, "the newest stays");
	history_close(h);
}

static void corrupt(const char *name)
{
	FILE *f = fopen(path(name), "r+");
	long end;

	fseek(f, 0, SEEK_END);
	end = ftell(f);
	for (long at = 3 * 4096; at < end; at += 4096) {
		fseek(f, at, SEEK_SET);
		for (int i = 0; i < 3000; i++)
			fputc(0x5a, f);
	}
	fclose(f);
}

static void test_damage(void)
{
	struct history *h;
	struct history_values v;
	char to[300];
	sqlite3 *db;
	FILE *f;

	h = history_open(path("none.db"), HISTORY_READ, &err);
	ok(!h && err.code == ENOENT && strstr(err.text, "no history yet"), "no file: %s", err.text);
	f = fopen(path("text.db"), "w");
	fputs("this is no database at all, but it is longer than a header would be. "
	      "It goes on for more than a hundred bytes, to be sure of that.\n", f);
	fclose(f);
	h = history_open(path("text.db"), HISTORY_WRITE, &err);
	ok(!h && err.code == EUCLEAN, "a file that is not a history: %s", err.text);
	ok(!history_set_aside(path("text.db"), to, sizeof(to)) && !access(to, F_OK) &&
	   access(path("text.db"), F_OK), "it is set aside");
	simulate("torn.db", 1, 60, 20);
	corrupt("torn.db");
	h = history_open(path("torn.db"), HISTORY_READ, &err);
	ok((!h || points(h, "rate", T0 - DAY, T0, &v) == SIZE_MAX) && err.code == EUCLEAN, "damaged in the middle: %s", err.text);
	history_close(h);

	sqlite3_open(path("new.db"), &db);
	sqlite3_exec(db, "PRAGMA user_version = 99; CREATE TABLE x(y)", NULL, NULL, NULL);
	sqlite3_close(db);
	h = history_open(path("new.db"), HISTORY_WRITE, &err);
	ok(!h && err.code == EPROTO && strstr(err.text, "newer"), "a newer one: %s", err.text);
	h = history_open(path("fresh/history.db"), HISTORY_WRITE, &err);
	ok(h && !access(path("fresh/history.db"), F_OK), "a writer makes the directory");
	history_close(h);
	h = history_open("/proc/none/history.db", HISTORY_WRITE, &err);
	ok(!h && err.code, "a path where no file can be: %s", err.text);
}

/* A file system without space, and a read-only one. */
static void test_full(void)
{
	struct history *h = history_open(path("full.db"), HISTORY_WRITE, &err);
	struct history_values v;
	int id = series(h, "x", HISTORY_GAUGE, false), bad = 0, good = 0;
	struct history_series s = { .name = "y", .unit = "", .scale = 1 };

	history_epoch(h, T0, "boot", &err);
	/* SQLite's own limit stands for a full disk; the error is the same. */
	history_put(h, id, 1);
	history_sample(h, T0, &err);
	history_limit_pages(h, 12);
	for (int i = 1; i < 4000; i++) {
		history_put(h, id, i * 1000003ll);
		if (history_sample(h, T0 + i * 1000, &err))
			bad++;
		else
			good++;
	}
	ok(bad > 0 && good > 0 && err.code == ENOSPC && strstr(err.text, "full"), "%s", err.text);
	ok(history_series(h, &s, &err) < 0 || true, "new series do not end it");
	history_limit_pages(h, 100000);
	history_put(h, id, 5);
	ok(!history_sample(h, T0 + DAY, &err), "it continues when there is space again");
	ok(points(h, "x", T0, T0 + 2 * DAY, &v) >= (size_t)good, "and has lost what it could not write");
	history_values_free(&v, 1);
	history_close(h);
}

/* The schema of version 1, as it was. */
static void test_migration(void)
{
	struct history *h;
	struct history_record r = { .t = T0, .kind = "run", .name = "n", .machine = "m" };
	sqlite3 *db;
	char cmd[600];

	simulate("old.db", 1, 300, 5);
	sqlite3_open(path("old.db"), &db);
	sqlite3_exec(db, "DROP TABLE record; PRAGMA user_version = 1", NULL, NULL, NULL);
	sqlite3_close(db);
	h = history_open(path("old.db"), HISTORY_READ, &err);
	ok(!h && err.code == EAGAIN, "a reader does not change an older one: %s", err.text);
	h = history_open(path("old.db"), HISTORY_WRITE, &err);
	ok(h && history_record_add(h, &r, "{}", 2, &err) > 0, "a writer brings it to the newest");
	history_close(h);
	snprintf(cmd, sizeof(cmd), "%s", path("old.db"));
	h = history_open(cmd, HISTORY_READ, &err);
	ok(h, "and readers read it");
	history_close(h);
}

/* How many points a reader sees at @file: as nobody, where @drop. Over 200: it cannot be read. */
static int points_seen(const char *file, bool drop)
{
	struct history_values v;
	struct history *h;
	const char *name = "x";

	if (drop && (setgroups(0, NULL) || setgid(65534) || setuid(65534)))
		return 250;
	h = history_open(file, HISTORY_READ, &err);
	if (!h || history_read(h, &name, 1, T0, T0 + DAY, 0, &v, &err)) {
		printf("# %s\n", err.text);
		return h ? 252 : 251;
	}
	return (int)v.n;
}

static int seen_apart(const char *file, bool drop)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(points_seen(file, drop));
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 253;
}

static void write_ten(struct history *h)
{
	int id = series(h, "x", HISTORY_GAUGE, false);

	history_epoch(h, T0, "boot", &err);
	for (int i = 0; i < 10; i++)
		history_put(h, id, i), history_sample(h, T0 + i * 1000, &err);
}

/* A small file system at @disk, in a mount namespace of its own. */
static int mount_disk(const char *disk)
{
	mkdir(disk, 0755);
	return unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	       mount("none", disk, "tmpfs", 0, NULL) ? -1 : 0;
}

static int make_read_only(const char *disk)
{
	return mount("none", disk, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL);
}

/* 0 when all was as expected, 77 when it cannot be tried. */
static int on_read_only_disk(void)
{
	char disk[200], file[300];
	struct history *h;

	snprintf(disk, sizeof(disk), "%s/disk", dir);
	snprintf(file, sizeof(file), "%s/odd %%?#.db", disk);
	if (mount_disk(disk))
		return 77;
	h = history_open(file, HISTORY_WRITE, &err);
	if (!h)
		return 1;
	write_ten(h);
	history_close(h);
	if (make_read_only(disk))
		return 2;
	if (points_seen(file, false) != 10)
		return 3;
	h = history_open(file, HISTORY_WRITE, &err);
	return h ? 4 : 0;
}

/* A log that was left behind, as in a copy of a running system, is not passed over. */
static int on_read_only_copy(void)
{
	char disk[200], cmd[2000];
	const char *from = path("running.db");
	struct history *h;

	snprintf(disk, sizeof(disk), "%s/copy", dir);
	if (mount_disk(disk))
		return 77;
	h = history_open(from, HISTORY_WRITE, &err);
	write_ten(h);
	snprintf(cmd, sizeof(cmd), "cp %s %s/a && cp %s-wal %s/a-wal && cp %s %s/b && cp %s-wal %s/b-wal &&"
		 " cp %s-shm %s/b-shm", from, disk, from, disk, from, disk, from, disk, from, disk);
	if (system(cmd) || make_read_only(disk))
		return 2;
	history_close(h);
	snprintf(cmd, sizeof(cmd), "%s/a", disk);
	h = history_open(cmd, HISTORY_READ, &err);
	if (h || !strstr(err.text, "-wal"))
		return 3;
	snprintf(cmd, sizeof(cmd), "%s/b", disk);
	return points_seen(cmd, false) == 10 ? 0 : 4;
}

static int in_child(int (*fn)(void))
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(fn());
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 253;
}

static void test_read_only(void)
{
	static const char *const on_disk = "a history on a read-only file system is read, and not written";
	static const char *const copied = "a log beside it is read with its -shm file, and not passed over without";
	struct history *h;
	int ret = in_child(on_read_only_disk);

	if (ret == 77)
		skip(on_disk, "no mount namespaces here");
	else
		ok(!ret, "%s (%d)", on_disk, ret);
	ret = in_child(on_read_only_copy);
	if (ret == 77)
		skip(copied, "no mount namespaces here");
	else
		ok(!ret, "%s (%d)", copied, ret);
	mkdir(path("shut"), 0755);
	h = history_open(path("shut/h.db"), HISTORY_WRITE, &err);
	write_ten(h);
	chmod(dir, 0755);
	chmod(path("shut/h.db"), 0644);
	history_close(h);
	chmod(path("shut"), 0555);
	ret = seen_apart(path("shut/h.db"), !geteuid());
	ok(ret == 10, "one in a directory that the reader cannot write to is read (%d)", ret);
	chmod(path("shut"), 0755);
}

/* @n processes read while one writes; no reader fails or delays the writer. */
static void test_readers(void)
{
	struct history *h = history_open(path("many.db"), HISTORY_WRITE, &err);
	int id = series(h, "x", HISTORY_COUNTER, true), failed = 0;
	pid_t pid[20];

	history_epoch(h, T0, "boot", &err);
	for (int i = 0; i < 200; i++)
		history_put(h, id, i), history_sample(h, T0 + i * 1000, &err);
	fflush(stdout);
	for (int i = 0; i < 20; i++) {
		pid[i] = fork();
		if (!pid[i]) {
			const char *name = "x";

			for (int k = 0; k < 30; k++) {
				struct history *r = history_open(path("many.db"), HISTORY_READ, &err);
				struct history_values v;

				if (!r || history_read(r, &name, 1, T0, T0 + DAY, 0, &v, &err) ||
				    v.n < 100)
					_exit(1);
				for (size_t p = 0; p < v.n; p++)
					if (fabs(v.p[p].mean - 1) > 1e-6)
						_exit(2);
				history_values_free(&v, 1);
				history_close(r);
			}
			_exit(0);
		}
	}
	for (int i = 200; i < 1500; i++) {
		history_put(h, id, i);
		failed += history_sample(h, T0 + i * 1000, &err) != 0;
		if (i % 300 == 0)
			failed += history_tidy(h, T0 + i * 1000, &limits, &err) != 0;
	}
	for (int i = 0; i < 20; i++) {
		int status = 1;

		waitpid(pid[i], &status, 0);
		failed += status != 0;
	}
	ok(!failed, "20 readers beside a writer");
	history_close(h);
}

/*
 * Twenty processes read a history of the first schema while two writers migrate it and one
 * of them goes on writing. A reader may be told to wait for the migration, and nothing else.
 */
static int reads_across(const char *file)
{
	const char *name = "rate";
	bool done = false;

	for (int k = 0; k < 2000 && !done; k++) {
		struct history *r = history_open(file, HISTORY_READ, &err);
		struct history_values v;

		if (!r) {
			if (err.code != EAGAIN)
				return 1;
			usleep(2000);
			continue;
		}
		if (history_read(r, &name, 1, T0 - DAY, T0, 0, &v, &err) || v.n < 200)
			return 2;
		history_values_free(&v, 1);
		history_close(r);
		done = k > 5;
	}
	return done ? 0 : 3;
}

static void test_migration_in_crowd(void)
{
	char file[200];
	struct history *h, *other;
	int failed = 0, id;
	pid_t pid[20];
	sqlite3 *db;

	snprintf(file, sizeof(file), "%s", path("crowd.db"));
	simulate("crowd.db", 1, 300, 5);
	sqlite3_open(file, &db);
	sqlite3_exec(db, "DROP TABLE record; PRAGMA user_version = 1", NULL, NULL, NULL);
	sqlite3_close(db);
	fflush(stdout);
	for (int i = 0; i < 20; i++) {
		pid[i] = fork();
		if (!pid[i])
			_exit(reads_across(file));
	}
	usleep(20000);
	fflush(stdout);
	if (!fork()) {
		other = history_open(file, HISTORY_WRITE, &err);
		_exit(!other);
	}
	h = history_open(file, HISTORY_WRITE, &err);
	if (!ok(h, "two writers migrate at once, with 20 readers there: %s", h ? "" : err.text))
		return;
	id = series(h, "more", HISTORY_GAUGE, false);
	for (int i = 0; i < 200; i++) {
		history_put(h, id, i);
		failed += history_sample(h, T0 + 1000 + i * 1000, &err) != 0;
	}
	for (int i = 0, status; i < 21; i++) {
		pid_t p = wait(&status);

		if (status)
			printf("# process %d ended with %d\n", (int)p, WEXITSTATUS(status));
		failed += status != 0;
	}
	ok(!failed, "20 readers, a writer and a migration");
	history_close(h);
}

/* A writer that is killed at any time leaves a history that can be continued. */
static void test_killed(void)
{
	struct history_values v;
	struct history *h;
	int bad = 0;

	for (int i = 0; i < 12; i++) {
		pid_t pid = fork();

		if (!pid) {
			int id;

			h = history_open(path("killed.db"), HISTORY_WRITE, &err);
			id = series(h, "x", HISTORY_GAUGE, true);
			history_epoch(h, T0 + i * HOUR, "boot", &err);
			for (int k = 0;; k++) {
				history_put(h, id, k);
				history_sample(h, T0 + i * HOUR + k * 1000, &err);
				if (k % 50 == 49)
					history_tidy(h, T0 + i * HOUR + k * 1000, &limits, &err);
			}
		}
		usleep((useconds_t)(3000 + 7001 * i));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		h = history_open(path("killed.db"), HISTORY_READ, &err);
		if (h) {
			bad += points(h, "x", T0, T0 + DAY, &v) == SIZE_MAX;
			history_values_free(&v, 1);
		}
		history_close(h);
	}
	ok(!bad, "a writer that is killed leaves a history that can be read");
}

static int count_record(const struct history_record *r, void *arg)
{
	(void)r;
	++*(int *)arg;
	return 0;
}

static int second_contents(const struct history_record *r, const char *data, size_t size, void *arg)
{
	int *n = arg;

	++*n;
	return r->size != size || size != 7 || data[5] != '0' + *n;
}

static void test_records(void)
{
	struct history *h = history_open(path("records.db"), HISTORY_WRITE, &err);
	struct history_record r = { .t = T0, .kind = "run", .name = "quick", .machine = "here" };
	int64_t id = history_record_add(h, &r, "{\"a\":1}", 7, &err), second;
	size_t size;
	char *text;
	int n = 0;

	ok(id > 0 && history_record_add(h, &r, "{\"a\":1}", 7, &err) == id, "the same record is kept once");
	ok(history_record_add(h, &r, "{\"a\":2}", 7, &err) > id, "another one of that moment is another one");
	r.t = T0 + DAY;
	ok(history_record_import(h, &r, "{\"a\":1}", 7, &err) == id, "an import of what is there, too");
	ok(history_record_prune(h, T0 + HOUR, NULL, true, &err) == 2, "of which there are two then");
	ok(!history_record_contents(h, "run", "quick", second_contents, &n, &err) && n == 2,
	   "contents come in the order in which they were added");
	n = 0;
	ok(!history_record_contents(h, "run", "slow", second_contents, &n, &err) && !n, "none of another name");
	ok(history_record_prune(h, T0 + HOUR, "baseline", false, &err) == 0, "none of another kind is pruned");
	history_record_archive(h, id, true, &err);
	ok(history_record_prune(h, T0 + HOUR, "run", false, &err) == 1, "nor the one that is archived");
	history_record_archive(h, id, false, &err);
	n = 0;
	second = history_record_add(h, &r, "", 0, &err);
	text = history_record_get(h, id, &r, &size, &err);
	ok(text && size == 7 && !strcmp(text, "{\"a\":1}") && !strcmp(r.name, "quick"), "a record");
	free(text);
	ok(!history_record_get(h, 99, &r, &size, &err) && err.code == ENOENT, "none of that number");
	ok(history_record_prune(h, T0 + HOUR, NULL, true, &err) == 1 &&
	   !history_records(h, NULL, count_record, &n, &err) && n == 2, "a dry run prunes nothing");
	history_record_archive(h, id, true, &err);
	ok(history_record_prune(h, T0 + 2 * DAY, "run", false, &err) == 1, "an archived record stays");
	ok(history_record_archive(h, second, true, &err) && err.code == ENOENT, "and the other one is deleted");
	history_close(h);
}

int main(void)
{
	char cmd[100];

	if (!mkdtemp(dir))
		return 1;
	test_samples();
	test_breaks();
	test_week();
	test_bound();
	test_damage();
	test_full();
	test_migration();
	test_read_only();
	test_readers();
	test_migration_in_crowd();
	test_killed();
	test_records();
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	if (system(cmd))
		return 1;
	return done();
}
