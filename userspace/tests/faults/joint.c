// SPDX-License-Identifier: GPL-2.0
/*
 * Searches that share a run while memory fails for one of them: whether that one leads the run
 * or takes part in it, the others get their answers.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/faults/inject.h"
#include "tests/ioctl/raw.h"

#define NAME	"faults-joint"
#define DIM	16u
#define ROWS	2000u
#define THREADS	5u
#define K	6u
#define SHARED	20	/* shared runs that a step must have seen, over all of its attempts */

static float rows[ROWS * DIM];
static atomic_bool stop;

/* A search, with its answer as it is when nobody else searches. */
struct asker {
	pthread_t thread;
	int fd;
	const float *query;
	struct vexfs_filter_insn filter[2];
	uint64_t want[K], got[K];
	float distances[K];
};

static struct asker askers[THREADS + 1];

static int search(struct asker *a, uint64_t *found)
{
	struct vexfs_search s = raw_search(a->query, 1, K, found, a->distances, NULL);

	s.filter = (uintptr_t)a->filter;
	s.filter_len = a->filter[0].code ? 2 : 0;
	memset(found, 0, sizeof(a->got));
	return RAW(a->fd, VEXFS_IOC_SEARCH, &s);
}

static void *asks(void *arg)
{
	struct asker *a = arg;

	while (!stop) {
		int err = search(a, a->got);

		if (err || memcmp(a->got, a->want, sizeof(a->got)))
			wrong("a search beside one whose memory fails: %s", strerror(-err));
	}
	return NULL;
}

static int ask(void)
{
	return search(&askers[THREADS], askers[THREADS].got);
}

static void asked(int err)
{
	const struct asker *a = &askers[THREADS];

	if (!err && memcmp(a->got, a->want, sizeof(a->got)))
		wrong("the answer is another one");
}

static long shared_runs(void)
{
	char line[256];
	long n = -1;
	FILE *f = fopen("/sys/kernel/debug/vexfs/counters", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "bridge medium shared_runs %*s %*s %*s %ld", &n) == 1)
			break;
	if (f)
		fclose(f);
	return n;
}

static bool prepare(bool filtered)
{
	/* passes all records */
	static const struct vexfs_filter_insn all[2] = { { .code = 0x20 }, { .code = 0x06, .k = 1 } };
	bool well = true;

	for (unsigned int i = 0; i <= THREADS; i++) {
		struct asker *a = &askers[i];

		a->query = rows + (size_t)i * 7 * DIM;
		memset(a->filter, 0, sizeof(a->filter));
		if (filtered)
			memcpy(a->filter, all, sizeof(all));
		a->fd = raw_open();
		well = well && a->fd >= 0 && !raw_attach(a->fd, NAME, VEXFS_ATTACH_READ) &&
		       !search(a, a->want);
	}
	return well;
}

static void try_one(const char *name, bool filtered)
{
	const struct step step = { name, NULL, ask, asked, 0 };
	long before = shared_runs();
	unsigned int i;

	forget_wrong();
	if (!result(prepare(filtered), "%s: the answers that each gets alone", name))
		return;
	stop = false;
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&askers[i].thread, NULL, asks, &askers[i]))
			exit(1);
	do {
		try_step(&step);
		if (is_wrong())
			break;
	} while (shared_runs() - before < SHARED);
	stop = true;
	for (i = 0; i < THREADS; i++)
		pthread_join(askers[i].thread, NULL);
	result(!is_wrong(), "%s: those beside it get their answers", name);
	for (i = 0; i <= THREADS; i++)
		close(askers[i].fd);
}

void try_joint(void)
{
	int fd = raw_create(NAME, DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 4);
	static uint64_t ids[ROWS];
	static uint32_t records[ROWS];
	struct vexfs_put p = raw_put(ids, rows, records, ROWS);
	unsigned int i;

	for (i = 0; i < ROWS; i++)
		ids[i] = i + 1;
	for (i = 0; i < ROWS * DIM; i++)
		rows[i] = (float)((i * 2654435761u) >> 20);
	if (!result(fd >= 0 && !RAW(fd, VEXFS_IOC_PUT, &p), "a collection for searches that share a run"))
		return;
	/* each search takes all processors, so that the others wait */
	write_file("/sys/module/vexfs/parameters/search_parallel_bytes", "1");
	try_one("a search that shares its run", false);
	try_one("a filtered search that shares its run", true);
	write_file("/sys/module/vexfs/parameters/search_parallel_bytes", "16777216");
	result(!raw_drop(fd, NAME), "the collection goes");
	close(fd);
}
