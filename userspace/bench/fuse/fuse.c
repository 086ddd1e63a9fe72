// SPDX-License-Identifier: GPL-2.0
/*
 * fuse-bench FILE SIZE PASSTHROUGH: what a mount costs. An overlay, libfuse's passthrough_hp and
 * the directory itself do the same work in turns; none lets the kernel cache names and
 * attributes, so each call reaches the daemon. Then listings of neighbours and the indexing
 * of files. SIZE is `full' or `smoke', or `index' for the indexing of files alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rows.h"
#include "vexfs.h"
#include "work.h"

#define TURNS	7
#define PROMISED	4125.0	/* ops/s that users were promised */

static struct rows *rows;
static char top[] = "/tmp/fuse-bench.XXXXXX";
static const char *passthrough;
static bool smoke;

static void die(const char *what, int err)
{
	fprintf(stderr, "fuse-bench: %s: %s\n", what, strerror(err));
	exit(1);
}

/* The folders, which stay where they are. */
static const char *const folders[] = { "below", "overlay", "theirs", "texts", NULL };
static char paths[4][128];

static const char *at(const char *name)
{
	unsigned int i;

	for (i = 0; strcmp(folders[i], name); i++)
		;
	return paths[i];
}

static void folder(unsigned int i)
{
	snprintf(paths[i], sizeof(paths[i]), "%s/%s", top, folders[i]);
	if (mkdir(paths[i], 0755))
		die(paths[i], errno);
}

static int run(const char *const argv[])
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return errno;
	return status ? EIO : 0;
}

static void unmount(const char *name)
{
	const char *const argv[] = { "umount", at(name), NULL };

	if (run(argv))
		die("umount", EIO);
}

static json_t *mount_json(const char *name)
{
	json_error_t why;
	char path[256];
	json_t *all;

	snprintf(path, sizeof(path), "%s/.mount.json", at(name));
	all = json_load_file(path, 0, &why);
	if (!all) {
		fprintf(stderr, "fuse-bench: %s: %s\n", path, why.text);
		exit(1);
	}
	return all;
}

static double number(const json_t *all, const char *group, const char *key)
{
	return json_number_value(json_object_get(json_object_get(all, group), key));
}

static void row(const char *name, const char *peer, const char *unit, double ours, double theirs,
		enum rows_goal kind, double goal)
{
	const struct rows_row r = {
		.name = name, .peer = peer, .unit = unit, .ours = ours, .theirs = theirs,
		.kind = kind, .goal = goal,
	};

	rows_add(rows, &r);
}

static void not_measured(const char *name, const char *peer, const char *unit, const char *why)
{
	const struct rows_row r = { .name = name, .peer = peer, .unit = unit, .not_measured = why };

	rows_add(rows, &r);
}

/* ---- the same work by all ---- */

static double once(const struct work *w, const char *dir, unsigned int files)
{
	double v = w->run(dir, files);

	if (v < 0)
		die(w->name, (int)-v);
	return v;
}

static void compare(const struct work *w, unsigned int files)
{
	double ours[TURNS], theirs[TURNS], bare[TURNS], a, b;
	unsigned int i;

	for (i = 0; i < TURNS; i++) {
		ours[i] = once(w, at("overlay"), files);
		theirs[i] = once(w, at("theirs"), files);
		bare[i] = once(w, at("below"), files);
	}
	a = rows_median(ours, TURNS);
	b = rows_median(theirs, TURNS);
	row(w->name, "passthrough_hp", w->unit, a, b, GOAL_RATIO_AT_LEAST, w->goal);
	row(w->name, "the directory itself", w->unit, a, rows_median(bare, TURNS), GOAL_NONE, 0);
}

static void compare_all(unsigned int files)
{
	const char *const ours[] = {
		"vexfs-mount", "-o", "timeout=0", "--over", at("below"), "--collection", "fuse-bench",
		at("overlay"), NULL,
	};
	const char *const theirs[] = { passthrough, "--nocache", at("below"), at("theirs"), NULL };
	static const char *const kinds[] = { "lookup", "getattr", "readdirplus", "readdir", NULL };
	const struct work *w;
	unsigned int i;
	json_t *all;
	double ns;

	if (work_prepare(at("below"), files))
		die("prepare", errno);
	if (run(ours))
		die("vexfs-mount", EIO);
	if (run(theirs))
		die("passthrough_hp", EIO);
	for (w = works; w->name; w++)
		compare(w, files);
	row("lookups by one client", "promised", "ops/s", lookups_by(at("overlay"), files, 1), PROMISED,
	    GOAL_RATIO_AT_LEAST, 1);
	row("lookups by two clients", "promised", "ops/s", lookups_by(at("overlay"), files, 2), PROMISED,
	    GOAL_RATIO_AT_LEAST, 1);
	row("lookups by two clients", "stretch", "ops/s", lookups_by(at("overlay"), files, 2),
	    10 * PROMISED, GOAL_RATIO_AT_LEAST, 1);
	row("lookups by two clients", "passthrough_hp", "ops/s", lookups_by(at("overlay"), files, 2),
	    lookups_by(at("theirs"), files, 2), GOAL_NONE, 0);
	all = mount_json("overlay");
	for (i = 0; kinds[i]; i++) {
		char name[64];

		ns = number(json_object_get(all, "requests"), kinds[i], "p50_ns");
		snprintf(name, sizeof(name), "the daemon's time per %s, median", kinds[i]);
		/* A list of many entries is no op of metadata. */
		if (ns > 0)
			row(name, "goal", "us", ns / 1000, 5, i < 2 ? GOAL_RATIO_AT_MOST : GOAL_NONE,
			    i < 2 ? 1 : 0);
	}
	json_decref(all);
	unmount("overlay");
	unmount("theirs");
}

/* ---- neighbours ---- */

static uint64_t state = 1;

static float gauss(void)
{
	unsigned int i;
	float sum = 0;

	for (i = 0; i < 4; i++) {
		state = state * 6364136223846793005ull + 1442695040888963407ull;
		sum += (float)(state >> 40) / (float)(1 << 24) - 0.5f;
	}
	return sum;
}

/* 1,000 clusters, as embeddings have them. */
static void fill(struct vexfs *h, uint32_t total, uint32_t dim)
{
	float *centres = malloc(1000ul * dim * sizeof(*centres));
	float *v = malloc(1000ul * dim * sizeof(*v));
	uint64_t ids[1000];
	uint32_t at, i, j;

	if (!centres || !v)
		die("memory", ENOMEM);
	for (i = 0; i < 1000 * dim; i++)
		centres[i] = gauss();
	for (at = 0; at < total; at += 1000) {
		struct vexfs_put put = {
			.flags = VEXFS_PUT_UPSERT, .count = 1000, .format = VEXFS_FORMAT_F32, .ids = (uintptr_t)ids,
			.vectors = (uintptr_t)v,
		};
		struct vexfs_error err;

		for (i = 0; i < 1000; i++) {
			ids[i] = at + i + 1;
			for (j = 0; j < dim; j++)
				v[i * dim + j] = centres[i * dim + j] + 0.3f * gauss();
		}
		if (vexfs_do_put(h, &put, &err)) {
			fprintf(stderr, "fuse-bench: %s\n", err.text);
			exit(1);
		}
	}
	free(centres);
	free(v);
}

static double list_near(uint64_t id)
{
	double begin = seconds();
	unsigned int n = 0;
	char path[256];
	DIR *d;

	snprintf(path, sizeof(path), "%s/fuse-near/near/%llu", at("overlay"), (unsigned long long)id);
	d = opendir(path);
	if (!d)
		die(path, errno);
	while (readdir(d))
		n++;
	closedir(d);
	if (n < 12)
		die("a listing has too few entries", EIO);
	return (seconds() - begin) * 1e6;
}

static double search_near(struct vexfs *h, uint64_t id)
{
	uint64_t ids[10];
	float distances[10];
	struct vexfs_search s = {
		.flags = VEXFS_QUERY_BY_ID | VEXFS_SEARCH_SKIP_SELF, .count = 1,
		.queries = (uintptr_t)&id, .k = 10, .ids = (uintptr_t)ids,
		.distances = (uintptr_t)distances,
	};
	double begin = seconds();
	struct vexfs_error err;

	if (vexfs_do_search(h, &s, &err)) {
		fprintf(stderr, "fuse-bench: %s\n", err.text);
		exit(1);
	}
	return (seconds() - begin) * 1e6;
}

static void near_rows(uint32_t total)
{
	/* The kernel may keep names and attributes for a second, as it does by default. */
	const char *const mount[] = { "vexfs-mount", at("overlay"), NULL };
	struct vexfs_create req = {
		.dim = 100, .type = VEXFS_TYPE_F32, .metric = VEXFS_METRIC_L2, .mode = 0600,
		.index = VEXFS_INDEX_GRAPH,
	};
	double listing[500], search[500], above[500];
	struct vexfs_error err;
	struct vexfs *h;
	char name[96];
	unsigned int i;

	if (vexfs_do_create(NULL, &req, "fuse-near", NULL, &h, &err)) {
		fprintf(stderr, "fuse-bench: %s\n", err.text);
		exit(1);
	}
	fill(h, total, 100);
	if (run(mount))
		die("vexfs-mount", EIO);
	for (i = 0; i < 20; i++)
		list_near(i + 1);
	for (i = 0; i < 500; i++) {
		uint64_t id = 1 + i * 599ull % total;

		search_near(h, id);
		search[i] = search_near(h, id);
		listing[i] = list_near(id);
		above[i] = listing[i] - search[i];
	}
	snprintf(name, sizeof(name), "near/ of 10 among %u, above the search", total);
	row(name, "goal", "us", rows_median(above, 500), 1000, GOAL_RATIO_AT_MOST, 1);
	snprintf(name, sizeof(name), "near/ of 10 among %u", total);
	row(name, "the search by ioctl", "us", rows_median(listing, 500), rows_median(search, 500),
	    GOAL_NONE, 0);
	unmount("overlay");
	vexfs_close(h);
	vexfs_do_drop(NULL, "fuse-near", NULL);
}

/* ---- indexing ---- */

static const char *const words[] = {
	"kernel", "memory", "vector", "search", "index", "graph", "bread", "river", "mountain",
	"cloud", "paper", "engine", "window", "garden", "silver", "morning", "letter", "signal",
	"copper", "bridge", "summer", "winter", "market", "forest", "island", "station",
};

static void text_files(unsigned int n)
{
	unsigned int i, j;

	for (i = 0; i < n; i++) {
		char path[256];
		FILE *f;

		snprintf(path, sizeof(path), "%s/t%u.txt", at("texts"), i);
		f = fopen(path, "we");
		if (!f)
			die(path, errno);
		for (j = 0; j < 40; j++) {
			state = state * 6364136223846793005ull + 1442695040888963407ull;
			fprintf(f, "%s ", words[(state >> 40) % (sizeof(words) / sizeof(*words))]);
		}
		fclose(f);
	}
}

#define ASKED	200u

/* Of the ten nearest of each of some texts, those that the graph finds; equal distances count. */
static double recall(struct vexfs *h)
{
	uint64_t ids[ASKED], near[10];
	float exact[10], found[10];
	struct vexfs_walk walk = { .count = ASKED, .ids = (uintptr_t)ids };
	unsigned int i, j, good = 0;

	if (vexfs_do_walk(h, &walk, NULL) || !walk.count)
		die("walk", EIO);
	for (i = 0; i < walk.count; i++) {
		struct vexfs_search s = {
			.flags = VEXFS_QUERY_BY_ID | VEXFS_SEARCH_SKIP_SELF | VEXFS_SEARCH_EXACT, .count = 1,
			.queries = (uintptr_t)&ids[i], .k = 10, .ids = (uintptr_t)near,
			.distances = (uintptr_t)exact,
		};
		struct vexfs_search t = s;

		t.flags &= ~VEXFS_SEARCH_EXACT;
		t.distances = (uintptr_t)found;
		if (vexfs_do_search(h, &s, NULL) || vexfs_do_search(h, &t, NULL))
			die("search", EIO);
		for (j = 0; j < t.found && s.found == 10; j++)
			good += found[j] <= exact[9] + 1e-6f;
	}
	return good / (10.0 * walk.count);
}

static void index_row(unsigned int n)
{
	const char *const mount[] = {
		"vexfs-mount", "--over", at("texts"), "--collection", "fuse-texts", at("overlay"), NULL,
	};
	const char *const drop[] = { "vexctl", "drop", "fuse-texts", NULL };
	double begin, done = 0;
	struct vexfs_error err;
	struct vexfs *h;

	text_files(n);
	begin = seconds();
	if (run(mount))
		die("vexfs-mount", EIO);
	while (done < n) {
		json_t *all = mount_json("overlay");

		done = number(all, "index", "files");
		json_decref(all);
		if (seconds() - begin > 600)
			die("files are not indexed", ETIME);
		usleep(20000);
	}
	row("files of 260 bytes indexed", "goal", "files/s", n / (seconds() - begin), 2000,
	    GOAL_RATIO_AT_LEAST, 1);
	if (vexfs_open(NULL, "fuse-texts", VEXFS_ATTACH_READ, &h, &err)) {
		fprintf(stderr, "fuse-bench: %s\n", err.text);
		exit(1);
	}
	row("recall@10 of F.near among them", "an exact search", "of 1", recall(h), 1, GOAL_NONE, 0);
	vexfs_close(h);
	unmount("overlay");
	run(drop);
}

static void all_but_index(void)
{
	const char *const drop[] = { "vexctl", "drop", "fuse-bench", NULL };

	if (*passthrough)
		compare_all(smoke ? 200 : 2000);
	else
		not_measured("look up and stat", "passthrough_hp", "calls/s", "passthrough_hp cannot be had");
	run(drop);
	near_rows(smoke ? 10000 : 300000);
}

int main(int argc, char **argv)
{
	unsigned int i;

	if (argc != 4) {
		fprintf(stderr, "usage: fuse-bench FILE full|smoke|index PASSTHROUGH\n");
		return 64;
	}
	smoke = !strcmp(argv[2], "smoke");
	passthrough = argv[3];
	rows = rows_open(argv[1]);
	if (!mkdtemp(top))
		die(top, errno);
	for (i = 0; folders[i]; i++)
		folder(i);
	if (strcmp(argv[2], "index"))
		all_but_index();
	index_row(smoke ? 500 : 20000);
	return rows_close(rows) ? 2 : 0;
}
