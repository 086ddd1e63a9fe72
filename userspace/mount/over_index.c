// SPDX-License-Identifier: GPL-2.0
/*
 * Files and their vectors: a bounded queue of paths that may have changed, a thread that
 * embeds new contents, and the map from ids to paths, from which queries are answered.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "../libvexstat/hist.h"
#include "embedder.h"
#include "over.h"
#include "vexfs.h"

#define TEXT_BYTES	(256u << 10)
#define DEFAULT_EMBED	"vexfs-embed --packed"

/* A file that has a vector. It is in two chains: by path and by id. */
struct file {
	struct file *by_path, *by_id;
	uint64_t id;
	dev_t dev;
	ino_t ino;
	char path[];
};

struct waiting {
	struct waiting *next, *hash;
	char path[];
};

#define BUCKETS	(1u << 18)

static struct vexfs *coll;
static int root_fd;
static struct embedder *background, *interactive;
static pthread_mutex_t interactive_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t embedder_hash;
static uint32_t dim;

static pthread_mutex_t map_lock = PTHREAD_MUTEX_INITIALIZER;
static struct file *paths[BUCKETS], *ids[BUCKETS];
static uint64_t nfiles;

static pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t queue_cond = PTHREAD_COND_INITIALIZER;	/* files were added or removed */
static struct waiting *first, **last = &first, *known[BUCKETS];
static uint64_t waiting, embedded, unchanged, refused;
static bool stopping, purge;
static pthread_t worker;
static struct vs_hist embed_ns, lookup_ns;

static uint64_t text_hash(const char *s)
{
	uint64_t h = 1469598103934665603ull;

	while (*s)
		h = (h ^ (unsigned char)*s++) * 1099511628211ull;
	return h ^ h >> 29;
}

/* ---- the map ---- */

static struct file *file_by_path(const char *path)
{
	struct file *f;

	for (f = paths[text_hash(path) % BUCKETS]; f && strcmp(f->path, path); f = f->by_path)
		;
	return f;
}

static struct file *file_by_id(uint64_t id)
{
	struct file *f;

	for (f = ids[id % BUCKETS]; f && f->id != id; f = f->by_id)
		;
	return f;
}

static void file_remove(struct file *f)
{
	struct file **p;

	for (p = &paths[text_hash(f->path) % BUCKETS]; *p != f; p = &(*p)->by_path)
		;
	*p = f->by_path;
	for (p = &ids[f->id % BUCKETS]; *p != f; p = &(*p)->by_id)
		;
	*p = f->by_id;
	free(f);
	nfiles--;
}

static int map_set(const char *path, uint64_t id, const struct stat *st)
{
	struct file *f = malloc(sizeof(*f) + strlen(path) + 1), *old;

	if (!f)
		return ENOMEM;
	f->id = id;
	f->dev = st->st_dev;
	f->ino = st->st_ino;
	strcpy(f->path, path);
	pthread_mutex_lock(&map_lock);
	old = file_by_path(path);
	if (old)
		file_remove(old);
	old = file_by_id(id);
	if (old)
		file_remove(old);
	f->by_path = paths[text_hash(path) % BUCKETS];
	paths[text_hash(path) % BUCKETS] = f;
	f->by_id = ids[id % BUCKETS];
	ids[id % BUCKETS] = f;
	nfiles++;
	pthread_mutex_unlock(&map_lock);
	return 0;
}

/* The id of a path, 0 for none. */
static uint64_t map_id(const char *path)
{
	const struct file *f;
	uint64_t id;

	pthread_mutex_lock(&map_lock);
	f = file_by_path(path);
	id = f ? f->id : 0;
	pthread_mutex_unlock(&map_lock);
	return id;
}

static char *map_path(uint64_t id)
{
	const struct file *f;
	char *path;

	pthread_mutex_lock(&map_lock);
	f = file_by_id(id);
	path = f ? strdup(f->path) : NULL;
	pthread_mutex_unlock(&map_lock);
	return path;
}

/* ---- the queue ---- */

/* The thread that walks the tree waits for space. */
static void queue_add(const char *path)
{
	struct waiting **chain = &known[text_hash(path) % BUCKETS], *w;
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

/* The next path, which the caller frees; NULL at the end, or if the queue is empty and !@wait. */
static struct waiting *queue_take(bool wait)
{
	struct waiting *w, **p;

	pthread_mutex_lock(&queue_lock);
	while (wait && !first && !stopping && !purge)
		pthread_cond_wait(&queue_cond, &queue_lock);
	w = stopping ? NULL : first;
	if (w) {
		first = w->next;
		if (!first)
			last = &first;
		for (p = &known[text_hash(w->path) % BUCKETS]; *p != w; p = &(*p)->hash)
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

/* The path no longer leads to a text. */
static void forget(const char *path)
{
	struct file *f;
	uint64_t id = 0;

	pthread_mutex_lock(&map_lock);
	f = file_by_path(path);
	if (f) {
		id = f->id;
		file_remove(f);
	}
	pthread_mutex_unlock(&map_lock);
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
	const struct file *f;
	struct stat st;
	char *path = NULL;
	bool ours = true;

	pthread_mutex_lock(&map_lock);
	f = file_by_id(j->s.id);
	if (f && strcmp(f->path, j->w->path) && (f->dev != j->st.st_dev || f->ino != j->st.st_ino))
		path = strdup(f->path);
	if (path)
		ours = fstatat(root_fd, path, &st, AT_SYMLINK_NOFOLLOW) || st.st_dev != f->dev ||
		       st.st_ino != f->ino;
	pthread_mutex_unlock(&map_lock);
	free(path);
	return ours;
}

static uint64_t new_id(void)
{
	uint64_t id = 0;

	do {
		if (getrandom(&id, sizeof(id), 0) != sizeof(id))
			return 0;
		id >>= 1;
	} while (!id || map_path(id));
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
			map_set(w->path, j->s.id, &j->st);
		__atomic_add_fetch(&unchanged, 1, __ATOMIC_RELAXED);
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
	vs_hist_add_n(&embed_ns, (now_ns() - start) / njobs, njobs);
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
			__atomic_add_fetch(&refused, 1, __ATOMIC_RELAXED);
		if (items[i].done && !err) {
			map_set(j->w->path, j->s.id, &j->st);
			__atomic_add_fetch(&embedded, 1, __ATOMIC_RELAXED);
		} else {
			__atomic_add_fetch(&refused, 1, __ATOMIC_RELAXED);
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
		for (i = 0; i < walk.count; i++) {
			char *path = map_path(batch[i]);

			if (!path)
				delete_vector(batch[i]);
			free(path);
		}
	} while (walk.cursor && !stopping);
}

static void *worker_main(void *arg)
{
	struct waiting *w;

	(void)arg;
	while (!stopping) {
		w = queue_take(!njobs);
		if (w)
			look_at(w);
		if (njobs == EMBED_BATCH || !w)
			flush_jobs();
		if (!w && purge && !stopping) {
			purge = false;
			purge_unknown();
		}
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
	size_t len = strlen(path), i, n = 0, room = 0;
	char **list = NULL, **more;
	struct file *f;

	pthread_mutex_lock(&map_lock);
	for (i = 0; i < BUCKETS; i++) {
		for (f = paths[i]; f; f = f->by_path) {
			if (strncmp(f->path, path, len) || f->path[len] != '/')
				continue;
			if (n == room) {
				room = room ? 2 * room : 64;
				more = realloc(list, room * sizeof(*more));
				if (!more)
					break;
				list = more;
			}
			list[n] = strdup(f->path);
			n += list[n] != NULL;
		}
	}
	pthread_mutex_unlock(&map_lock);
	for (i = 0; i < n; i++) {
		queue_add(list[i]);
		free(list[i]);
	}
	free(list);
}

static const struct watch_calls calls = { queue_add, on_gone, on_scanned };

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
	embedder_hash = text_hash(embedder_name(e)) ^ dim;
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
	stopping = true;
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
	pthread_mutex_lock(&interactive_lock);
	vs_hist_add(&lookup_ns, now_ns() - start);
	pthread_mutex_unlock(&interactive_lock);
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
	json_t *o;

	pthread_mutex_lock(&interactive_lock);
	o = json_pack("{s:I s:I s:I s:I s:I s:I s:I s:I s:I s:I}",
		      "files", (json_int_t)nfiles, "waiting", (json_int_t)waiting,
		      "embedded", (json_int_t)embedded, "unchanged", (json_int_t)unchanged,
		      "refused", (json_int_t)refused,
		      "embedder_restarts", (json_int_t)(embedder_restarts(background) +
							embedder_restarts(interactive)),
		      "embed_p50_ns", (json_int_t)vs_hist_quantile(&embed_ns, 0.5),
		      "embed_p99_ns", (json_int_t)vs_hist_quantile(&embed_ns, 0.99),
		      "lookup_p50_ns", (json_int_t)vs_hist_quantile(&lookup_ns, 0.5),
		      "lookup_p99_ns", (json_int_t)vs_hist_quantile(&lookup_ns, 0.99));
	pthread_mutex_unlock(&interactive_lock);
	return o;
}
