// SPDX-License-Identifier: GPL-2.0
/*
 * Writers of a durable collection, who write down what they try and what was acknowledged,
 * and a reader who compares. The log survives what the collection has to survive, so it is
 * flushed before and after each op.
 *
 *	durable-load create NAME		a collection for the others
 *	durable-load load NAME LOG WRITERS MS	until the time is over; the store may go and come
 *	durable-load verify NAME LOG...		0: all that was acknowledged is there
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "parse.h"
#include "vexfs.h"

#define DIM		24u
#define BATCH		16u
#define GROUPS		40u	/* of BATCH ids, for each writer */
#define WRITERS_MAX	32u

/* A line of the log; all the same length, so that a torn one is known. */
struct note {
	uint32_t magic;
	uint16_t writer;
	uint16_t group;
	uint32_t version;	/* 0: deleted */
	uint32_t acked;
};

#define NOTE_MAGIC	0x45544f4eu

static uint64_t id_of(unsigned int writer, unsigned int group, unsigned int i)
{
	return 1 + (uint64_t)writer * 1000000 + group * BATCH + i;
}

static void content(float *v, uint64_t id, uint32_t version)
{
	for (unsigned int d = 0; d < DIM; d++)
		v[d] = (float)((id * 31 + version * 7919 + d * 101) % 4093);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static int fail(const char *what, const struct vexfs_error *err)
{
	fprintf(stderr, "durable-load: %s: %s\n", what, err->text);
	return 1;
}

static int create(const char *name)
{
	struct vexfs_create c = {
		.dim = DIM, .type = VEXFS_TYPE_F32, .metric = VEXFS_METRIC_L2,
		.durability = VEXFS_DURABILITY_GROUP, .mode = 0640,
		.index = VEXFS_INDEX_GRAPH,
	};
	struct vexfs_error err;

	return vexfs_do_create(NULL, &c, name, "version:u32", NULL, &err) ? fail(name, &err) : 0;
}

static void note(int log, struct note n)
{
	n.magic = NOTE_MAGIC;
	if (write(log, &n, sizeof(n)) != sizeof(n) || fdatasync(log)) {
		perror("durable-load: log");
		_exit(1);
	}
}

/* One op on a group; 0, or -errno after which the outcome is not known. */
static int op(struct vexfs *h, struct note *n)
{
	uint64_t ids[BATCH];
	float v[BATCH * DIM];
	uint8_t attrs[BATCH][4];
	struct vexfs_error err;

	for (unsigned int i = 0; i < BATCH; i++) {
		ids[i] = id_of(n->writer, n->group, i);
		content(v + i * DIM, ids[i], n->version);
		attrs[i][0] = (uint8_t)(n->version >> 24);
		attrs[i][1] = (uint8_t)(n->version >> 16);
		attrs[i][2] = (uint8_t)(n->version >> 8);
		attrs[i][3] = (uint8_t)n->version;
	}
	if (!n->version) {
		struct vexfs_delete d = {
			.flags = VEXFS_DELETE_CONTINUE, .count = BATCH, .ids = (uintptr_t)ids,
		};

		return vexfs_do_delete(h, &d, &err);
	}
	struct vexfs_put p = {
		.flags = VEXFS_PUT_UPSERT, .count = BATCH, .ids = (uintptr_t)ids,
		.vectors = (uintptr_t)v, .attrs = (uintptr_t)attrs,
	};

	return vexfs_do_put(h, &p, &err);
}

static int writer(const char *name, const char *path, unsigned int me, uint64_t ms)
{
	uint64_t end = now_ms() + ms, seed = me * 77777u + (uint64_t)getpid();
	struct vexfs_error err;
	uint32_t version = (uint32_t)(now_ms() & 0xffffff) * 100 + 1;
	struct vexfs *h;
	int log = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	if (log < 0 || vexfs_open(NULL, name, VEXFS_ATTACH_READ | VEXFS_ATTACH_WRITE, &h, &err))
		return fail(name, &err);
	while (now_ms() < end) {
		struct note n = { .writer = (uint16_t)me };
		int ret;

		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		n.group = (uint16_t)(seed >> 33) % GROUPS;
		n.version = (seed >> 40) % 8 ? version++ : 0;
		note(log, n);
		ret = op(h, &n);
		if (!ret) {
			n.acked = 1;
			note(log, n);
		} else if (ret == -EROFS) {
			usleep(20000);
		} else if (ret != -ENOENT) {
			fprintf(stderr, "durable-load: writer %u: %s\n", me, strerror(-ret));
			return 1;
		}
	}
	vexfs_close(h);
	return 0;
}

static int load(const char *name, const char *path, unsigned int writers, uint64_t ms)
{
	int bad = 0, status;

	for (unsigned int i = 0; i < writers; i++)
		if (!fork())
			_exit(writer(name, path, i, ms));
	while (wait(&status) > 0)
		bad |= status;
	return bad != 0;
}

/* What a group may be: as acknowledged last, or as tried since. */
struct group {
	uint32_t may[4096];
	unsigned int n;
	bool sure;
};

static struct group groups[WRITERS_MAX][GROUPS];

static int read_log(const char *path, uint64_t *acked)
{
	struct note n;
	FILE *f = fopen(path, "re");

	if (!f)
		return fprintf(stderr, "durable-load: %s: %s\n", path, strerror(errno)), 1;
	while (fread(&n, sizeof(n), 1, f) == 1) {
		struct group *g;

		if (n.magic != NOTE_MAGIC || n.writer >= WRITERS_MAX || n.group >= GROUPS)
			return fprintf(stderr, "durable-load: %s: no such log\n", path), 1;
		g = &groups[n.writer][n.group];
		if (n.acked) {
			g->n = 0;
			++*acked;
		} else if (!g->n) {
			g->may[g->n++] = 0;	/* never put */
		}
		if (g->n == 4096)
			return fprintf(stderr, "durable-load: too many failures in a row\n"), 1;
		g->may[g->n++] = n.version;
		g->sure = true;
	}
	fclose(f);
	return 0;
}

static bool allowed(const struct group *g, uint32_t version)
{
	for (unsigned int i = 0; i < g->n; i++)
		if (g->may[i] == version)
			return true;
	return false;
}

static unsigned int verify_group(struct vexfs *h, unsigned int w, unsigned int k)
{
	uint64_t ids[BATCH];
	float v[BATCH * DIM], want[DIM];
	uint8_t attrs[BATCH][4];
	int32_t errors[BATCH];
	unsigned int bad = 0;
	struct vexfs_error err;
	struct vexfs_get get = {
		.count = BATCH, .ids = (uintptr_t)ids, .vectors = (uintptr_t)v,
		.attrs = (uintptr_t)attrs, .errors = (uintptr_t)errors,
	};

	for (unsigned int i = 0; i < BATCH; i++)
		ids[i] = id_of(w, k, i);
	if (vexfs_do_get(h, &get, &err))
		return (unsigned int)fail("get", &err);
	for (unsigned int i = 0; i < BATCH; i++) {
		uint32_t version = errors[i] ? 0 : (uint32_t)attrs[i][0] << 24 |
			(uint32_t)attrs[i][1] << 16 | (uint32_t)attrs[i][2] << 8 | attrs[i][3];

		content(want, ids[i], version);
		if (!allowed(&groups[w][k], version) ||
		    (version && memcmp(want, v + i * DIM, sizeof(want)))) {
			if (bad++ < 3)
				printf("# id %" PRIu64 " has version %u\n", ids[i], version);
		}
	}
	return bad;
}

static int verify(const char *name, char **logs, int n)
{
	unsigned int bad = 0, met = 0;
	uint64_t acked = 0;
	struct vexfs_error err;
	struct vexfs *h;

	for (int i = 0; i < n; i++)
		if (read_log(logs[i], &acked))
			return 1;
	if (vexfs_open(NULL, name, VEXFS_ATTACH_READ, &h, &err))
		return fail(name, &err);
	for (unsigned int w = 0; w < WRITERS_MAX; w++)
		for (unsigned int k = 0; k < GROUPS; k++)
			if (groups[w][k].sure) {
				met++;
				bad += verify_group(h, w, k);
			}
	vexfs_close(h);
	printf("# %" PRIu64 " ops acknowledged, %u vectors looked at, %u wrong\n", acked,
	       met * BATCH, bad);
	return bad || !acked;
}

int main(int argc, char **argv)
{
	uint64_t writers = 4, ms = 1000;

	if (argc == 3 && !strcmp(argv[1], "create"))
		return create(argv[2]);
	if (argc == 6 && !strcmp(argv[1], "load") && parse_u64(argv[4], &writers) &&
	    parse_u64(argv[5], &ms) && writers <= WRITERS_MAX)
		return load(argv[2], argv[3], (unsigned int)writers, ms);
	if (argc >= 4 && !strcmp(argv[1], "verify"))
		return verify(argv[2], argv + 3, argc - 3);
	fprintf(stderr, "usage: durable-load create NAME | load NAME LOG WRITERS MS | verify NAME LOG...\n");
	return 2;
}
