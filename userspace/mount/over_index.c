// SPDX-License-Identifier: GPL-2.0
/*
 * Files and their vectors: a bounded queue of paths that may have changed, a thread that
 * embeds new contents, and queries, which are answered from the map of over_map.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "../libvexstat/hist.h"
#include "embedder.h"
#include "over.h"
#include "vexfs.h"

#define TEXT_BYTES	(256u << 10)
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
static uint64_t embedder_hash;
static uint32_t dim;

static pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t queue_cond = PTHREAD_COND_INITIALIZER;	/* files were added or removed */
static struct waiting *first, **last = &first, *known[BUCKETS];
static uint64_t waiting;
static bool stopping, purge;	/* written with queue_lock */
static pthread_t worker;

static pthread_mutex_t stats_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t embedded, unchanged, refused;
static struct vs_hist embed_ns, lookup_ns;

static void add_to(uint64_t *counter, uint64_t n)
{
	pthread_mutex_lock(&stats_lock);
	*counter += n;
	pthread_mutex_unlock(&stats_lock);
}

/* @n of them took @ns each. */
static void add_time(struct vs_hist *to, uint64_t ns, uint64_t n)
{
	pthread_mutex_lock(&stats_lock);
	vs_hist_add_n(to, ns, n);
	pthread_mutex_unlock(&stats_lock);
}

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
		if (w) {
			memcpy(w->path, path, len);
			w->since_ns = since_ns;
			w->hash = *chain;
			*chain = w;
			w->next = NULL;
			*last = w;
			last = &w->next;
			waiting++;
			pthread_cond_broadcast(&queue_cond);
		}
	}
	pthread_mutex_unlock(&queue_lock);
}

/*
 * A file that is written, renamed and perhaps deleted within a moment is looked at one time. A
 * walk puts paths without such a delay behind others: they wait for those, at most as long.
 */
static bool settled(const struct waiting *w)
{
	return w && (!w->since_ns || now_ns() - w->since_ns >= SETTLE_NS);
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
 * *@scanned: the tree was walked, and each path of that walk has been taken.
 */
static struct waiting *queue_take(bool wait, bool *scanned)
{
	struct waiting *w, **p;

	pthread_mutex_lock(&queue_lock);
	if (wait)
		queue_wait();
	w = !stopping && settled(first) ? first : NULL;
	*scanned = purge && !first && !stopping;
	if (*scanned)
		purge = false;
	if (w) {
		first = w->next;
		if (!first)
			last = &first;
		for (p = &known[over_hash(w->path) % BUCKETS]; *p != w; p = &(*p)->hash)
			;
		*p = w->hash;
		waiting--;
		pthread_cond_broadcast(&queue_cond);
	}
	pthread_mutex_unlock(&queue_lock);
	return w;
}

/* ---- embedding ---- */

struct job {
	struct waiting *w;
	int fd;
	struct stat st;
	struct file_state s;
	char *text;
};

static struct job jobs[EMBED_BATCH];
static struct embed_item items[EMBED_BATCH];
static unsigned int njobs;
static float *rows;

static void delete_vector(uint64_t id)
{
	struct vexfs_delete del = {
		.count = 1, .ids = (uintptr_t)&id, .priority = VEXFS_PRIORITY_LOW,
	};

	vexfs_do_delete(coll, &del, NULL);
}

/* The path leads to this vector, and to that of a file it has replaced no longer. */
static void remember(const struct job *j)
{
	uint64_t lost;

	map_set(j->w->path, j->s.id, &j->st, &lost);
	if (lost)
		delete_vector(lost);
}

/* The path no longer leads to a text. */
static void forget(const char *path)
{
	uint64_t id = map_remove(path);

	if (id)
		delete_vector(id);
	state_forget(path);
}

static int64_t mtime_of(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

static bool stored(uint64_t id)
{
	struct vexfs_get get = { .count = 1, .ids = (uintptr_t)&id, .priority = VEXFS_PRIORITY_LOW };

	return !vexfs_do_get(coll, &get, NULL);
}

/* A copied file has the id of its original in its attributes, but needs its own. */
static bool id_is_ours(const struct job *j)
{
	struct map_file other;
	struct stat st;
	bool ours = false;

	if (!map_other(j->s.id, j->w->path, &j->st, &other))
		return true;
	if (other.path)
		ours = fstatat(root_fd, other.path, &st, AT_SYMLINK_NOFOLLOW) ||
		       st.st_dev != other.dev || st.st_ino != other.ino;
	free(other.path);
	return ours;
}

static uint64_t new_id(void)
{
	uint64_t id = 0;

	do {
		if (getrandom(&id, sizeof(id), 0) != sizeof(id))
			return 0;
		id >>= 1;
	} while (!id || map_has(id));
	return id;
}

/* Reads the text of a file: 0, or -1 when it is not a text. */
static int read_text(struct job *j)
{
	size_t want = j->st.st_size < (off_t)TEXT_BYTES ? (size_t)j->st.st_size : TEXT_BYTES, n = 0;
	ssize_t got = 1;

	j->text = want ? malloc(want) : NULL;
	if (!j->text)
		return -1;
	while (n < want && (got = pread(j->fd, j->text + n, want - n, (off_t)n)) > 0)
		n += (size_t)got;
	items[njobs].text = j->text;
	items[njobs].len = n;
	return n && !memchr(j->text, 0, n < 4096 ? n : 4096) ? 0 : -1;
}

static void job_end(struct job *j)
{
	if (j->fd >= 0)
		close(j->fd);
	free(j->text);
	free(j->w);
	memset(j, 0, sizeof(*j));
}

/* Either finished, or queued in jobs[] for embedding. */
static void look_at(struct waiting *w)
{
	struct job *j = &jobs[njobs];
	bool new;

	memset(j, 0, sizeof(*j));
	j->w = w;
	j->fd = openat(root_fd, w->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (j->fd < 0 || fstat(j->fd, &j->st) || !S_ISREG(j->st.st_mode)) {
		forget(w->path);
		job_end(j);
		return;
	}
	state_read(j->fd, w->path, &j->s);
	new = !j->s.id || !id_is_ours(j);
	if (!new && j->s.mtime_ns == mtime_of(&j->st) && j->s.size == j->st.st_size &&
	    j->s.embedder == embedder_hash && (j->s.failed || stored(j->s.id))) {
		if (!j->s.failed)
			remember(j);
		add_to(&unchanged, 1);
		job_end(j);
		return;
	}
	if (new)
		j->s.id = new_id();
	if (!j->s.id || read_text(j)) {
		forget(w->path);
		job_end(j);
		return;
	}
	j->s.mtime_ns = mtime_of(&j->st);
	j->s.size = j->st.st_size;
	j->s.embedder = embedder_hash;
	items[njobs].vector = rows + (size_t)njobs * dim;
	njobs++;
}

/* Stores all vectors of a batch with one request; 0 or an errno. */
static int put_all(void)
{
	uint64_t id[EMBED_BATCH];
	struct vexfs_put put = {
		.flags = VEXFS_PUT_UPSERT, .format = VEXFS_FORMAT_F32, .ids = (uintptr_t)id,
		.vectors = (uintptr_t)rows, .priority = VEXFS_PRIORITY_LOW,
	};
	unsigned int i;

	for (i = 0; i < njobs; i++) {
		if (!items[i].done)
			continue;
		memmove(rows + (size_t)put.count * dim, items[i].vector, dim * sizeof(*rows));
		id[put.count++] = jobs[i].s.id;
	}
	return put.count ? -vexfs_do_put(coll, &put, NULL) : 0;
}

static void flush_jobs(void)
{
	uint64_t start = now_ns();
	unsigned int i;
	int err;

	if (!njobs)
		return;
	embedder_run(background, items, njobs);
	add_time(&embed_ns, (now_ns() - start) / njobs, njobs);
	err = put_all();
	if (err)
		mount_say("cannot store vectors: %s", strerror(err));
	for (i = 0; i < njobs; i++) {
		struct job *j = &jobs[i];

		j->s.failed = !items[i].done;
		/*
		 * Vectors that could not be stored are tried again when their file
		 * changes, or at the next mount.
		 */
		if (err && items[i].done)
			j->s.mtime_ns = -1;
		if (state_write(j->fd, j->w->path, &j->s))
			add_to(&refused, 1);
		if (items[i].done && !err) {
			remember(j);
			add_to(&embedded, 1);
		} else {
			add_to(&refused, 1);
		}
		job_end(j);
	}
	njobs = 0;
}

/* Deletes the vectors of files that were removed while nothing watched them. */
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
				delete_vector(batch[i]);
	} while (walk.cursor && !__atomic_load_n(&stopping, __ATOMIC_RELAXED));
}

static void *worker_main(void *arg)
{
	struct waiting *w;
	bool scanned;

	(void)arg;
	while (!__atomic_load_n(&stopping, __ATOMIC_RELAXED)) {
		w = queue_take(!njobs, &scanned);
		if (w)
			look_at(w);
		if (njobs == EMBED_BATCH || !w)
			flush_jobs();
		/* Only now is each file of the walk in the map. */
		if (scanned)
			purge_unknown();
		state_sync(scanned);
	}
	return NULL;
}

/* ---- what the watch says ---- */

static void on_scanned(void)
{
	pthread_mutex_lock(&queue_lock);
	purge = true;
	pthread_cond_broadcast(&queue_cond);
	pthread_mutex_unlock(&queue_lock);
}

/* A directory was removed: check everything below it again. */
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

static void on_changed(const char *path)
{
	queue_add(path, now_ns());
}

static const struct watch_calls calls = { on_found, on_changed, on_gone, on_scanned };

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
	struct embedder *e = embedder_start(opt->embed ? opt->embed : DEFAULT_EMBED, opt->embed_user);
	int ret = -1;

	root_fd = root;
	if (!e)
		return -1;
	dim = embedder_dim(e);
	embedder_hash = over_hash(embedder_name(e)) ^ dim;
	rows = malloc((size_t)EMBED_BATCH * dim * sizeof(*rows));
	if (rows && !state_start(root) && !open_collection(e))
		ret = 0;
	/* The daemon runs in a new process, which starts its own embedder. */
	embedder_stop(e);
	return ret;
}

int index_run(void)
{
	const char *command = opt->embed ? opt->embed : DEFAULT_EMBED;

	background = embedder_start(command, opt->embed_user);
	/*
	 * Queries have an embedder of their own, so that they do not wait behind a batch
	 * of files.
	 */
	interactive = background ? embedder_start(command, opt->embed_user) : NULL;
	if (!interactive || pthread_create(&worker, NULL, worker_main, NULL))
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
	add_time(&lookup_ns, now_ns() - start, 1);
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
	json_t *o;

	pthread_mutex_lock(&queue_lock);
	queued = (json_int_t)waiting;
	pthread_mutex_unlock(&queue_lock);
	pthread_mutex_lock(&stats_lock);
	o = json_pack("{s:I s:I s:I s:I s:I s:I s:I s:I s:I s:I}",
		      "files", files, "waiting", queued,
		      "embedded", (json_int_t)embedded, "unchanged", (json_int_t)unchanged,
		      "refused", (json_int_t)refused,
		      "embedder_restarts", (json_int_t)(embedder_restarts(background) +
							embedder_restarts(interactive)),
		      "embed_p50_ns", (json_int_t)vs_hist_quantile(&embed_ns, 0.5),
		      "embed_p99_ns", (json_int_t)vs_hist_quantile(&embed_ns, 0.99),
		      "lookup_p50_ns", (json_int_t)vs_hist_quantile(&lookup_ns, 0.5),
		      "lookup_p99_ns", (json_int_t)vs_hist_quantile(&lookup_ns, 0.99));
	pthread_mutex_unlock(&stats_lock);
	return o;
}
