// SPDX-License-Identifier: GPL-2.0
/*
 * Storage engines doing the same work on the same disk, in turn. Each row of the result
 * is written at once.
 *
 *	store-bench DIRECTORY RESULT.json [ROUNDS]
 */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "engine.h"
#include "json.h"

#define BULK_BATCH	4096u
#define SECONDS		0.7
#define BULK_BYTES	(192ull << 20)
#define ONCE_BYTES	(1ull << 30)

static const struct engine *const engines[] = {
	&engine_bare, &engine_log, &engine_sqlite, &engine_lmdb, &engine_rocksdb,
};

static FILE *result;
static uint8_t *rows;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double load_average(void)
{
	double load = 0;
	FILE *f = fopen("/proc/loadavg", "re");

	if (f && fscanf(f, "%lf", &load) != 1)
		load = -1;
	if (f)
		fclose(f);
	return load;
}

static void row(const char *engine, const char *work, int round, unsigned int batch,
		unsigned int writers, double value, const char *unit)
{
	struct json j;

	json_start(&j, result, false);
	json_object_begin(&j);
	json_kv_string(&j, "engine", engine);
	json_kv_string(&j, "work", work);
	json_kv_u64(&j, "round", (uint64_t)round);
	json_kv_u64(&j, "batch", batch);
	json_kv_u64(&j, "writers", writers);
	json_kv_double(&j, "value", value);
	json_kv_string(&j, "unit", unit);
	json_kv_double(&j, "load", load_average());
	json_object_end(&j);
	json_finish(&j);
	printf("%-8s %-8s batch %4u, writers %2u: %12.1f %s\n", engine, work, batch, writers,
	       value, unit);
	fflush(stdout);
}

/* Sums the bytes of a directory's files; with @drop, drops them from the page cache. */
static uint64_t files(const char *dir, int drop, int gone)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	struct stat st;
	uint64_t sum = 0;

	while (d && (e = readdir(d))) {
		int fd;

		if (e->d_name[0] == '.')
			continue;
		if (gone) {
			unlinkat(dirfd(d), e->d_name, 0);
			continue;
		}
		fd = openat(dirfd(d), e->d_name, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (!fstat(fd, &st))
			sum += (uint64_t)st.st_blocks * 512;
		if (drop) {
			fsync(fd);
			posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		}
		close(fd);
	}
	if (d)
		closedir(d);
	return sum;
}

struct job {
	const struct engine *engine;
	void *e;
	unsigned int batch;
	double until;
	atomic_ullong done;
	atomic_ullong next;
	atomic_int bad;
};

static void *writer(void *arg)
{
	struct job *j = arg;

	while (now() < j->until && !j->bad) {
		if (j->engine->put(j->e, atomic_fetch_add(&j->next, j->batch), rows, j->batch, 1))
			j->bad = 1;
		atomic_fetch_add(&j->done, j->batch);
	}
	return NULL;
}

static void *fresh(const struct engine *engine, const char *dir)
{
	void *e;

	files(dir, 0, 1);
	e = engine->open(dir);
	if (!e)
		fprintf(stderr, "store-bench: %s does not open in %s\n", engine->name, dir);
	return e;
}

static int puts_a_second(const struct engine *engine, const char *dir, int round,
			 unsigned int batch, unsigned int writers)
{
	struct job j = { .engine = engine, .e = fresh(engine, dir), .batch = batch, .next = 1 };
	pthread_t threads[64];
	double begin = now();

	if (!j.e)
		return 1;
	j.until = begin + SECONDS;
	for (unsigned int i = 0; i < writers; i++)
		pthread_create(&threads[i], NULL, writer, &j);
	for (unsigned int i = 0; i < writers; i++)
		pthread_join(threads[i], NULL);
	row(engine->name, "put", round, batch, writers, (double)j.done / (now() - begin), "vectors/s");
	engine->close(j.e);
	return j.bad;
}

/* Like a bulk load: long batches, one flush per sixteen batches, one at the end. */
static int bulk(const struct engine *engine, const char *dir, int round)
{
	uint64_t n = BULK_BYTES / ROW_BYTES, sum = 0, bytes, got;
	void *e = fresh(engine, dir);
	double begin = now();
	int bad = !e;

	for (uint64_t id = 1, k = 1; !bad && id <= n; id += BULK_BATCH, k++)
		bad = engine->put(e, id, rows, BULK_BATCH, k % 16 == 0 || id + BULK_BATCH > n);
	if (bad)
		return 1;
	row(engine->name, "bulk", round, BULK_BATCH, 1, (double)BULK_BYTES / 1e6 / (now() - begin),
	    "MB/s");
	engine->close(e);
	bytes = files(dir, 1, 0);
	row(engine->name, "size", round, BULK_BATCH, 1, (double)bytes / (double)n, "bytes/vector");
	begin = now();
	e = engine->open(dir);
	got = e ? engine->load(e, &sum) : 0;
	row(engine->name, "restore", round, 0, 1, (double)got * ROW_BYTES / 1e6 / (now() - begin),
	    "MB/s");
	if (e)
		engine->close(e);
	files(dir, 0, 1);
	if (got != n)
		fprintf(stderr, "store-bench: %s gives %llu of %llu rows back\n", engine->name,
			(unsigned long long)got, (unsigned long long)n);
	return got != n;
}

/* A load that is flushed once, at its end; the reference does what dd conv=fsync does. */
static int load_once(const struct engine *engine, const char *dir, int round)
{
	uint64_t n = ONCE_BYTES / ROW_BYTES;
	void *e = fresh(engine, dir);
	double begin = now();
	int bad = !e;

	for (uint64_t id = 1; !bad && id <= n; id += BULK_BATCH)
		bad = engine->put(e, id, rows, BULK_BATCH, id + BULK_BATCH > n);
	if (!bad)
		row(engine->name, "load", round, BULK_BATCH, 1,
		    (double)ONCE_BYTES / 1e6 / (now() - begin), "MB/s");
	if (e)
		engine->close(e);
	files(dir, 0, 1);
	return bad;
}

int main(int argc, char **argv)
{
	static const unsigned int batches[] = { 1, 64, 4096 }, writers[] = { 1, 16 };
	int rounds = argc > 3 ? atoi(argv[3]) : 3, bad = 0;
	struct utsname u;

	if (argc < 3)
		return fprintf(stderr, "usage: store-bench FOLDER RESULT.json [ROUNDS]\n"), 2;
	result = fopen(argv[2], "we");
	rows = malloc((size_t)BULK_BATCH * ROW_BYTES);
	if (!result || !rows)
		return fprintf(stderr, "store-bench: cannot write %s\n", argv[2]), 1;
	for (size_t i = 0; i < (size_t)BULK_BATCH * ROW_BYTES; i++)
		rows[i] = (uint8_t)(i * 2654435761u >> 24);
	mkdir(argv[1], 0700);
	uname(&u);
	printf("%s %s, load %.1f\n", u.sysname, u.release, load_average());
	for (int r = 0; r < rounds && !bad; r++) {
		for (size_t b = 0; b < 3; b++)
			for (size_t w = 0; w < 2; w++)
				for (size_t i = 0; i < 5 && !bad; i++)
					bad = puts_a_second(engines[i], argv[1], r, batches[b],
							    writers[w]);
		for (size_t i = 0; i < 5 && !bad; i++)
			bad = bulk(engines[i], argv[1], r);
		/* bare and the log */
		for (size_t i = 0; i < 2 && !bad; i++)
			bad = load_once(engines[i], argv[1], r);
	}
	free(rows);
	return fclose(result) || bad;
}
