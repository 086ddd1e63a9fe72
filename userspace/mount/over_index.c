// SPDX-License-Identifier: GPL-2.0
/*
 * Files and their vectors: a bounded queue of paths that may have changed, a thread that looks
 * at each, and queries, which are answered from the map of over_map.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../libvexstat/hist.h"
#include "embedder.h"
#include "metrics.h"
#include "over.h"
#include "vexfs.h"

#define IDLE_S		10
#define SETTLE_NS	100000000
#define DEFAULT_EMBED	"vexfs-embed --packed"

struct waiting {
	struct waiting *next, *hash;
	uint64_t since_ns;	/* its first change; 0: it can be taken at once */
	char path[];
};

#define BUCKETS	(1u << 18)

static struct vexfs *coll;
static int root_fd;
static struct embedder *background, *interactive;
static pthread_mutex_t interactive_lock = PTHREAD_MUTEX_INITIALIZER;
static uint32_t dim;

static pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t queue_cond = PTHREAD_COND_INITIALIZER;	/* files were added or removed */
static struct waiting *first, **last = &first, *known[BUCKETS];
static uint64_t waiting, round_now;
static bool stopping, purge;	/* written with queue_lock */
static pthread_t worker;

static pthread_mutex_t stats_lock = PTHREAD_MUTEX_INITIALIZER;
static struct vs_hist lookup_ns, queue_ns;

/* ---- the queue ---- */

/* The thread that walks the tree waits for space. */
static void queue_add(const char *path, uint64_t since_ns)
{
	struct waiting **chain = &known[over_hash(path) % BUCKETS], *w;
	size_t len = strlen(path) + 1;

	pthread_mutex_lock(&queue_lock);
	for (w = *chain; w && strcmp(w->path, path); w = w->hash)
		;
	if (!w) {
		while (waiting >= opt->queue && !stopping)
			pthread_cond_wait(&queue_cond, &queue_lock);
		w = malloc(sizeof(*w) + len);
		if (!w) {
			watch_again();
		} else {
			memcpy(w->path, path, len);
			w->since_ns = since_ns;
			w->hash = *chain;
			*chain = w;
			w->next = NULL;
			*last = w;
			last = &w->next;
			/* Others are taken after the first. */
			if (!waiting++)
				pthread_cond_broadcast(&queue_cond);
		}
	}
	pthread_mutex_unlock(&queue_lock);
}

static uint64_t queue_now;	/* the last look at the clock; with queue_lock */

/*
 * A file that is written, renamed and perhaps deleted within a moment is looked at one time. A
 * walk puts paths without such a delay behind others: they wait for those, at most as long.
 */
static bool settled(const struct waiting *w)
{
	if (!w || !w->since_ns)
		return w;
	if (queue_now < w->since_ns + SETTLE_NS)
		queue_now = now_ns();
	return queue_now >= w->since_ns + SETTLE_NS;
}

/* Waits for the next path, for some seconds. queue_lock is held. */
static void queue_wait(void)
{
	struct timespec until;
	int err = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += IDLE_S;
	while (!err && !stopping && !(first ? settled(first) : purge)) {
		if (first) {
			clock_gettime(CLOCK_MONOTONIC, &until);
			until.tv_nsec += SETTLE_NS;
			until.tv_sec += until.tv_nsec / 1000000000;
			until.tv_nsec %= 1000000000;
		}
		err = pthread_cond_clockwait(&queue_cond, &queue_lock, CLOCK_MONOTONIC,
					     &until);
		/* it was waited for, not for the end of the time */
		err = first ? 0 : err;
	}
}

/*
 * The next path, which the caller frees; NULL at the end, or if the queue is empty, with @wait
 * for some seconds.
 * *@round: the tree was walked in that round, and each path of that walk has been taken; else 0.
 */
static struct waiting *queue_take(bool wait, uint64_t *round)
{
	struct waiting *w, **p;

	pthread_mutex_lock(&queue_lock);
	if (wait)
		queue_wait();
	w = !stopping && settled(first) ? first : NULL;
	*round = purge && !first && !stopping ? round_now : 0;
	if (*round)
		purge = false;
	if (w) {
		if (w->since_ns) {
			pthread_mutex_lock(&stats_lock);
			vs_hist_add(&queue_ns, queue_now - w->since_ns);
			pthread_mutex_unlock(&stats_lock);
		}
		first = w->next;
		if (!first)
			last = &first;
		for (p = &known[over_hash(w->path) % BUCKETS]; *p != w; p = &(*p)->hash)
			;
		*p = w->hash;
		if (waiting-- >= opt->queue)
			pthread_cond_broadcast(&queue_cond);
	}
	pthread_mutex_unlock(&queue_lock);
	return w;
}

/* ---- the thread ---- */

/* Looks at the files that had a vector, and were not found again: most of them are gone. */
static void look_at_stale(uint64_t round)
{
	char *paths[256];
	size_t place = 0, n, i;

	do {
		n = map_stale(round, &place, paths, 256);
		for (i = 0; i < n; i++) {
			batch_look(paths[i]);
			free(paths[i]);
		}
	} while (n && !__atomic_load_n(&stopping, __ATOMIC_RELAXED));
	batch_flush(true);
}

/* Deletes the vectors of files that were removed while nothing was mounted. */
static void purge_unknown(void)
{
	struct vexfs_walk walk = { 0 };
	uint64_t batch[1024];
	uint32_t i;

	do {
		walk.count = 1024;
		walk.ids = (uintptr_t)batch;
		if (vexfs_do_walk(coll, &walk, NULL))
			return;
		for (i = 0; i < walk.count; i++)
			if (!map_has(batch[i]))
				batch_delete(batch[i]);
	} while (walk.cursor && !__atomic_load_n(&stopping, __ATOMIC_RELAXED));
}

static void *worker_main(void *arg)
{
	struct waiting *w;
	uint64_t round;

	while (!__atomic_load_n(&stopping, __ATOMIC_RELAXED)) {
		w = queue_take(batch_empty(), &round);
		if (w)
			batch_look(w->path);
		else
			batch_flush(round);
		free(w);
		/* Only now is each file of the walk in the map. */
		if (round) {
			look_at_stale(round);
			purge_unknown();
		}
		state_sync(round);
	}
	return arg;
}

/* ---- what the watch says ---- */

static void on_begun(void)
{
	uint64_t round = map_next_round();

	pthread_mutex_lock(&queue_lock);
	round_now = round;
	purge = false;
	pthread_mutex_unlock(&queue_lock);
}

static void on_scanned(void)
{
	pthread_mutex_lock(&queue_lock);
	purge = true;
	pthread_cond_broadcast(&queue_cond);
	pthread_mutex_unlock(&queue_lock);
}

/* A directory has another name: what had a vector below the old one is looked at. */
static void on_gone(const char *path)
{
	char **list;
	size_t n = map_below(path, &list), i;

	for (i = 0; i < n; i++) {
		queue_add(list[i], 0);
		free(list[i]);
	}
	free(list);
}

static void on_found(const char *path)
{
	queue_add(path, 0);
}

static void on_changed(const char *path, uint64_t now)
{
	queue_add(path, now);
}

static const struct watch_calls calls = {
	.begun = on_begun,
	.found = on_found,
	.scanned = on_scanned,
	.changed = on_changed,
	.gone = on_gone,
};

/* ---- beginning and end ---- */

static int open_collection(const struct embedder *e)
{
	struct vexfs_create req = {
		.dim = embedder_dim(e), .type = VEXFS_TYPE_F32, .index = VEXFS_INDEX_GRAPH,
		.mode = 0600,
	};
	int metric = vexfs_metric_from_name(embedder_metric(e));
	struct vexfs_error err;

	req.metric = (uint8_t)(metric > 0 ? metric : VEXFS_METRIC_COS);
	/*
	 * A vector joins the graph by its code in less time than by itself; answers are ranked by
	 * the vectors. With other metrics codes depend on the lengths of the first vectors.
	 */
	if (req.metric == VEXFS_METRIC_COS)
		req.code = VEXFS_CODE_I8;
	if (vexfs_open(opt->device, opt->collection, VEXFS_ATTACH_READ | VEXFS_ATTACH_WRITE, &coll,
		       &err) == -ENOENT)
		vexfs_do_create(opt->device, &req, opt->collection, NULL, &coll, &err);
	if (!coll) {
		mount_say("%s", err.text);
		return -1;
	}
	if (vexfs_dim(coll) != embedder_dim(e)) {
		mount_say("the collection '%s' has %u components, the embedder makes %u",
			  opt->collection, vexfs_dim(coll), embedder_dim(e));
		return -1;
	}
	return 0;
}

int index_start(int root)
{
	struct embedder *e = embedder_start(opt->embed ? opt->embed : DEFAULT_EMBED, opt->embed_user,
					    false);
	int ret = -1;

	root_fd = root;
	if (!e)
		return -1;
	dim = embedder_dim(e);
	if (!state_start(root) && !open_collection(e))
		ret = batch_start(coll, root, e);
	/* The daemon runs in a new process, which starts its own embedder. */
	embedder_stop(e);
	return ret;
}

int index_run(void)
{
	const char *command = opt->embed ? opt->embed : DEFAULT_EMBED;

	background = embedder_start(command, opt->embed_user, true);
	/*
	 * Queries have an embedder of their own, so that they do not wait behind a batch
	 * of files.
	 */
	interactive = background ? embedder_start(command, opt->embed_user, false) : NULL;
	if (!interactive || batch_run(background) ||
	    pthread_create(&worker, NULL, worker_main, NULL))
		return -1;
	return watch_start(root_fd, &calls);
}

void index_stop(void)
{
	pthread_mutex_lock(&queue_lock);
	__atomic_store_n(&stopping, true, __ATOMIC_RELAXED);
	pthread_cond_broadcast(&queue_cond);
	pthread_mutex_unlock(&queue_lock);
	watch_stop();
	if (worker)
		pthread_join(worker, NULL);
	batch_stop();
	embedder_stop(background);
	embedder_stop(interactive);
	state_stop();
	vexfs_close(coll);
}

/* ---- questions ---- */

void near_free(struct near *found, unsigned int n)
{
	unsigned int i;

	for (i = 0; found && i < n; i++)
		free(found[i].path);
	free(found);
}

static int search(const void *query, bool by_id, unsigned int k, struct near **found,
		  unsigned int *n)
{
	uint64_t *id = malloc(k * (sizeof(*id) + sizeof(float)));
	float *distance = (float *)(id + k);
	struct vexfs_search s = {
		.flags = by_id ? VEXFS_QUERY_BY_ID | VEXFS_SEARCH_SKIP_SELF : 0,
		.count = 1, .queries = (uintptr_t)query, .k = k, .ids = (uintptr_t)id,
		.distances = (uintptr_t)distance, .priority = VEXFS_PRIORITY_HIGH,
	};
	uint64_t start = now_ns();
	uint32_t i;
	int err;

	*n = 0;
	*found = id ? calloc(k, sizeof(**found)) : NULL;
	err = *found ? -vexfs_do_search(coll, &s, NULL) : ENOMEM;
	for (i = 0; !err && i < s.found; i++) {
		(*found)[*n].path = map_path(id[i]);
		(*found)[*n].distance = distance[i];
		*n += (*found)[*n].path != NULL;
	}
	free(id);
	if (err) {
		free(*found);
		*found = NULL;
	}
	pthread_mutex_lock(&stats_lock);
	vs_hist_add(&lookup_ns, now_ns() - start);
	pthread_mutex_unlock(&stats_lock);
	return err;
}

int index_near_file(const char *path, unsigned int k, struct near **found, unsigned int *n)
{
	uint64_t id = map_id(path);

	*found = NULL;
	*n = 0;
	return id ? search(&id, true, k, found, n) : EAGAIN;
}

int index_near_words(const char *words, unsigned int k, struct near **found, unsigned int *n)
{
	struct embed_item item = { .text = words, .len = strlen(words) };
	int err;

	*found = NULL;
	*n = 0;
	item.vector = malloc(dim * sizeof(float));
	if (!item.vector)
		return ENOMEM;
	pthread_mutex_lock(&interactive_lock);
	embedder_run(interactive, &item, 1);
	pthread_mutex_unlock(&interactive_lock);
	/* Words without a vector have no neighbours. */
	err = item.done ? search(item.vector, false, k, found, n) : 0;
	free(item.vector);
	return err;
}

json_t *index_json(void)
{
	json_int_t files = (json_int_t)map_count(), queued;
	json_t *o = batch_json(), *more;
	struct watch_counts c;

	pthread_mutex_lock(&queue_lock);
	queued = (json_int_t)waiting;
	pthread_mutex_unlock(&queue_lock);
	pthread_mutex_lock(&stats_lock);
	more = json_pack("{s:I s:I s:I s:I s:I}", "files", files, "waiting", queued,
			 "embedder_restarts", (json_int_t)(embedder_restarts(background) +
							   embedder_restarts(interactive)),
			 "lookup_p50_ns", (json_int_t)vs_hist_quantile(&lookup_ns, 0.5),
			 "lookup_p99_ns", (json_int_t)vs_hist_quantile(&lookup_ns, 0.99));
	pthread_mutex_unlock(&stats_lock);
	json_object_update(o, more);
	json_decref(more);
	watch_counts(&c);
	more = json_pack("{s:b s:I s:I s:I}", "walking", c.walking, "found", (json_int_t)c.found,
			 "walks", (json_int_t)c.walks, "overflows", (json_int_t)c.overflows);
	json_object_update(o, more);
	json_decref(more);
	return o;
}

static void watch_metrics(struct expo *e)
{
	struct watch_counts c;

	watch_counts(&c);
	metrics_family(e, "vexfs_mount_walking", EXPO_GAUGE,
		       "1 while the directory below is walked");
	metrics_number(e, NULL, c.walking);
	metrics_family(e, "vexfs_mount_found_files", EXPO_GAUGE,
		       "files that this walk has found, or the last one");
	metrics_number(e, NULL, c.found);
	metrics_family(e, "vexfs_mount_walks", EXPO_COUNTER,
		       "walks of the directory below that have ended");
	metrics_number(e, NULL, c.walks);
	metrics_family(e, "vexfs_mount_event_overflows", EXPO_COUNTER,
		       "times that the kernel has dropped events; a walk follows");
	metrics_number(e, NULL, c.overflows);
}

void index_metrics(struct expo *e)
{
	uint64_t queued;

	pthread_mutex_lock(&queue_lock);
	queued = waiting;
	pthread_mutex_unlock(&queue_lock);
	metrics_family(e, "vexfs_mount_files", EXPO_GAUGE, "files that have a vector");
	metrics_number(e, NULL, map_count());
	metrics_family(e, "vexfs_mount_queue_length", EXPO_GAUGE, "files that wait to be looked at");
	metrics_number(e, NULL, queued);
	metrics_family(e, "vexfs_mount_embedder_restarts", EXPO_COUNTER,
		       "embedders that were started again");
	metrics_number(e, NULL, embedder_restarts(background) + embedder_restarts(interactive));
	pthread_mutex_lock(&stats_lock);
	metrics_family(e, "vexfs_mount_queue_duration_seconds", EXPO_HISTOGRAM,
		       "from the first change of a file until it was looked at");
	metrics_times(e, NULL, &queue_ns);
	metrics_family(e, "vexfs_mount_near_duration_seconds", EXPO_HISTOGRAM,
		       "how long searches for neighbours of files and words took");
	metrics_times(e, NULL, &lookup_ns);
	pthread_mutex_unlock(&stats_lock);
	watch_metrics(e);
	batch_metrics(e);
	data_metrics(e);
}
