// SPDX-License-Identifier: GPL-2.0
/*
 * Files with new contents become vectors, a batch at a time: while one thread reads files and
 * has them embedded, another stores the batch before.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "../libvexstat/hist.h"
#include "embedder.h"
#include "metrics.h"
#include "over.h"
#include "vexfs.h"

#define TEXT_BYTES	(256u << 10)
#define SCARCE_TRIES	20
#define SCARCE_NS	50000000

/* A file that is to be embedded. */
struct job {
	char *path;
	uint64_t round;	/* when it was opened */
	int fd;
	struct stat st;
	struct file_state s;
	char *text;
};

struct batch {
	unsigned int n;
	struct job jobs[EMBED_BATCH];
	struct embed_item items[EMBED_BATCH];
	float *rows;
};

static struct vexfs *coll;
static int root_fd;
static uint32_t dim;
static uint64_t embedder_hash;
static struct embedder *background;

/* One batch is filled by the thread that looks at files. */
static struct batch batches[2], *filling = &batches[0];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static struct batch *storing;	/* the other one, while the storer has it; with lock */
static bool stopping;		/* with lock */
static pthread_t storer;

static pthread_mutex_t stats_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t embedded, unchanged, refused;
static struct vs_hist embed_ns;

static struct batch *other(const struct batch *b)
{
	return &batches[b == batches];
}

static void add_to(uint64_t *counter)
{
	pthread_mutex_lock(&stats_lock);
	++*counter;
	pthread_mutex_unlock(&stats_lock);
}

void batch_delete(uint64_t id)
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

	map_set(j->path, j->s.id, &j->st, j->round, &lost);
	if (lost)
		batch_delete(lost);
}

static void drop_vector(const char *path)
{
	uint64_t id = map_remove(path);

	if (id)
		batch_delete(id);
}

/* The path no longer leads to a text. */
static void forget(const char *path)
{
	drop_vector(path);
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

	if (!map_other(j->s.id, j->path, &j->st, &other))
		return true;
	if (other.path)
		ours = fstatat(root_fd, other.path, &st, AT_SYMLINK_NOFOLLOW) ||
		       st.st_dev != other.dev || st.st_ino != other.ino;
	free(other.path);
	return ours;
}

static uint64_t new_id(void)
{
	static uint64_t pool[32];
	static unsigned int left;
	uint64_t id;

	do {
		if (!left) {
			/* So few bytes come in one piece. */
			if (getrandom(pool, sizeof(pool), 0) != sizeof(pool))
				return 0;
			left = sizeof(pool) / sizeof(*pool);
		}
		id = pool[--left] >> 1;
	} while (!id || map_has(id));
	return id;
}

/* Reads the text of a file: 0, or -1 when it is not a text. */
static int read_text(struct job *j, struct embed_item *item)
{
	size_t want = j->st.st_size < (off_t)TEXT_BYTES ? (size_t)j->st.st_size : TEXT_BYTES, n = 0;
	ssize_t got = 1;

	j->text = want ? malloc(want) : NULL;
	if (!j->text)
		return -1;
	while (n < want && (got = pread(j->fd, j->text + n, want - n, (off_t)n)) > 0)
		n += (size_t)got;
	item->text = j->text;
	item->len = n;
	return n && !memchr(j->text, 0, n < 4096 ? n : 4096) ? 0 : -1;
}

static void job_end(struct job *j)
{
	if (j->fd >= 0)
		close(j->fd);
	free(j->text);
	free(j->path);
	memset(j, 0, sizeof(*j));
}

/* Whether the file has a job that is not finished. */
static bool pending(const struct batch *b, const char *path)
{
	unsigned int i;

	for (i = 0; i < b->n; i++)
		if (!strcmp(b->jobs[i].path, path))
			return true;
	return false;
}

/* The file has its vector, of these contents. */
static bool unchanged_since(const struct job *j)
{
	return j->s.mtime_ns == mtime_of(&j->st) && j->s.size == j->st.st_size &&
	       j->s.embedder == embedder_hash && (j->s.failed || stored(j->s.id));
}

/* Ends a job that has nothing to embed. */
static void no_text(struct job *j)
{
	forget(j->path);
	job_end(j);
}

/* Whether an error says nothing about the file. */
static bool scarce(int err)
{
	return err == EMFILE || err == ENFILE || err == ENOMEM;
}

/*
 * A descriptor of the file, or -errno. When there are none left, jobs give up theirs, and the
 * kernel forgets files that nobody uses.
 */
static int open_file(const char *path)
{
	const struct timespec pause = { .tv_nsec = SCARCE_NS };
	unsigned int i;
	int fd;

	for (i = 0;; i++) {
		fd = openat(root_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (fd >= 0)
			return fd;
		if (!scarce(errno) || i == SCARCE_TRIES)
			return -errno;
		trim_want(SIZE_MAX);
		batch_flush(true);
		if (i)
			nanosleep(&pause, NULL);
	}
}

void batch_look(const char *path)
{
	struct batch *b = filling;
	struct job *j;
	bool new, again;
	uint64_t round;
	int fd;

	/* It has changed meanwhile. */
	pthread_mutex_lock(&lock);
	again = pending(b, path) || pending(other(b), path);
	pthread_mutex_unlock(&lock);
	if (again)
		batch_flush(true);
	round = map_round();
	fd = open_file(path);
	b = filling;
	j = &b->jobs[b->n];
	memset(j, 0, sizeof(*j));
	j->round = round;
	j->fd = fd;
	j->path = strdup(path);
	if (!j->path || (fd < 0 && scarce(-fd))) {
		add_to(&refused);
		watch_again();
		job_end(j);
		return;
	}
	if (j->fd < 0 || fstat(j->fd, &j->st) || !S_ISREG(j->st.st_mode)) {
		no_text(j);
		return;
	}
	state_read(j->fd, path, &j->s);
	new = !j->s.id || !id_is_ours(j);
	if (!new && unchanged_since(j)) {
		if (!j->s.failed)
			remember(j);
		add_to(&unchanged);
		job_end(j);
		return;
	}
	if (new)
		j->s.id = new_id();
	if (!j->s.id || read_text(j, &b->items[b->n])) {
		no_text(j);
		return;
	}
	j->s.mtime_ns = mtime_of(&j->st);
	j->s.size = j->st.st_size;
	j->s.embedder = embedder_hash;
	b->items[b->n].vector = b->rows + (size_t)b->n * dim;
	if (++b->n == EMBED_BATCH)
		batch_flush(false);
}

/* Stores all vectors of a batch with one request; 0 or an errno. */
static int put_all(struct batch *b)
{
	uint64_t id[EMBED_BATCH];
	struct vexfs_put put = {
		.flags = VEXFS_PUT_UPSERT, .format = VEXFS_FORMAT_F32, .ids = (uintptr_t)id,
		.vectors = (uintptr_t)b->rows, .priority = VEXFS_PRIORITY_LOW,
	};
	unsigned int i;

	for (i = 0; i < b->n; i++) {
		if (!b->items[i].done)
			continue;
		memmove(b->rows + (size_t)put.count * dim, b->items[i].vector,
			dim * sizeof(*b->rows));
		id[put.count++] = b->jobs[i].s.id;
	}
	return put.count ? -vexfs_do_put(coll, &put, NULL) : 0;
}

static void store(struct batch *b)
{
	static int said;
	int err = put_all(b);
	unsigned int i;

	/* Many batches may fail for one reason. */
	if (err && err != said)
		mount_say("cannot store vectors: %s", strerror(err));
	said = err;
	for (i = 0; i < b->n; i++) {
		struct job *j = &b->jobs[i];
		bool done = b->items[i].done && !err;

		j->s.failed = !b->items[i].done;
		/*
		 * Vectors that could not be stored are tried again when their file
		 * changes, or at the next mount.
		 */
		if (err && b->items[i].done)
			j->s.mtime_ns = -1;
		/* First the map: who finds the id in a copy of the file must know whose it is. */
		if (done)
			remember(j);
		else if (j->s.failed)
			drop_vector(j->path);
		if (state_write(j->fd, j->path, &j->s))
			add_to(&refused);
		add_to(done ? &embedded : &refused);
	}
}

static void *storer_main(void *arg)
{
	struct batch *b;
	unsigned int i;

	pthread_mutex_lock(&lock);
	for (;;) {
		while (!storing && !stopping)
			pthread_cond_wait(&cond, &lock);
		b = storing;
		if (!b)
			break;
		pthread_mutex_unlock(&lock);
		store(b);
		pthread_mutex_lock(&lock);
		for (i = 0; i < b->n; i++)
			job_end(&b->jobs[i]);
		b->n = 0;
		storing = NULL;
		pthread_cond_broadcast(&cond);
	}
	pthread_mutex_unlock(&lock);
	return arg;
}

/* Until the other batch is stored. */
static void wait_for_storer(void)
{
	pthread_mutex_lock(&lock);
	while (storing)
		pthread_cond_wait(&cond, &lock);
	pthread_mutex_unlock(&lock);
}

void batch_flush(bool wait)
{
	struct batch *b = filling;
	uint64_t start = now_ns();

	if (b->n) {
		embedder_run(background, b->items, b->n);
		pthread_mutex_lock(&stats_lock);
		vs_hist_add_n(&embed_ns, (now_ns() - start) / b->n, b->n);
		pthread_mutex_unlock(&stats_lock);
		wait_for_storer();
		pthread_mutex_lock(&lock);
		storing = b;
		pthread_cond_broadcast(&cond);
		pthread_mutex_unlock(&lock);
		filling = other(b);
	}
	if (wait)
		wait_for_storer();
}

bool batch_empty(void)
{
	return !filling->n;
}

int batch_start(struct vexfs *collection, int root, const struct embedder *e)
{
	unsigned int i;

	coll = collection;
	root_fd = root;
	dim = embedder_dim(e);
	embedder_hash = over_hash(embedder_name(e)) ^ dim;
	for (i = 0; i < 2; i++) {
		batches[i].rows = malloc((size_t)EMBED_BATCH * dim * sizeof(float));
		if (!batches[i].rows)
			return -1;
	}
	return 0;
}

int batch_run(struct embedder *e)
{
	background = e;
	return pthread_create(&storer, NULL, storer_main, NULL) ? -1 : 0;
}

void batch_stop(void)
{
	pthread_mutex_lock(&lock);
	stopping = true;
	pthread_cond_broadcast(&cond);
	pthread_mutex_unlock(&lock);
	if (storer)
		pthread_join(storer, NULL);
}

json_t *batch_json(void)
{
	json_t *o;

	pthread_mutex_lock(&stats_lock);
	o = json_pack("{s:I s:I s:I s:I s:I}",
		      "embedded", (json_int_t)embedded, "unchanged", (json_int_t)unchanged,
		      "refused", (json_int_t)refused,
		      "embed_p50_ns", (json_int_t)vs_hist_quantile(&embed_ns, 0.5),
		      "embed_p99_ns", (json_int_t)vs_hist_quantile(&embed_ns, 0.99));
	pthread_mutex_unlock(&stats_lock);
	return o;
}

void batch_metrics(struct expo *e)
{
	pthread_mutex_lock(&stats_lock);
	metrics_family(e, "vexfs_mount_embedded", EXPO_COUNTER, "files whose vectors were stored");
	metrics_number(e, NULL, embedded);
	metrics_family(e, "vexfs_mount_unchanged", EXPO_COUNTER, "files that had their vector");
	metrics_number(e, NULL, unchanged);
	metrics_family(e, "vexfs_mount_refused", EXPO_COUNTER, "files that got no vector");
	metrics_number(e, NULL, refused);
	metrics_family(e, "vexfs_mount_embed_duration_seconds", EXPO_HISTOGRAM,
		       "how long the embedder took for a file of a batch");
	metrics_times(e, NULL, &embed_ns);
	pthread_mutex_unlock(&stats_lock);
}
