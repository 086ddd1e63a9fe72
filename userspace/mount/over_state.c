// SPDX-License-Identifier: GPL-2.0
/*
 * The vector id of each file, and which contents were embedded. They are kept in extended
 * attributes of the file; where the file system has none, in a table.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "outfile.h"
#include "over.h"

#define ID_ATTR		"user.vexfs.id"
#define STATE_ATTR	"user.vexfs.state"
#define BUCKETS		65536u
#define SAVE_NS		30000000000ull

struct row {
	struct row *next;
	struct file_state s;
	char path[];
};

static const char *table_path;
static struct row *rows[BUCKETS];
static bool dirty;
static uint64_t save_at;	/* no sooner than this */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct row **chain(const char *path)
{
	uint32_t h = 2166136261u;

	while (*path)
		h = (h ^ (unsigned char)*path++) * 16777619u;
	return &rows[h % BUCKETS];
}

static struct row *find(const char *path)
{
	struct row *r;

	for (r = *chain(path); r; r = r->next)
		if (!strcmp(r->path, path))
			return r;
	return NULL;
}

static int enter(const char *path, const struct file_state *s)
{
	struct row *r = find(path), **to = chain(path);
	size_t len = strlen(path) + 1;

	if (!r) {
		r = malloc(sizeof(*r) + len);
		if (!r)
			return ENOMEM;
		memcpy(r->path, path, len);
		r->next = *to;
		*to = r;
	}
	r->s = *s;
	return 0;
}

static int parse(const char *text, struct file_state *s)
{
	int failed = 0;

	if (sscanf(text, "%" SCNd64 " %" SCNd64 " %" SCNx64 " %d", &s->mtime_ns, &s->size,
		   &s->embedder, &failed) != 4)
		return -1;
	s->failed = failed;
	return 0;
}

/*
 * A record of the table: id, state, path. It ends with a NUL byte, the only byte that a
 * path cannot contain.
 */
static void load(void)
{
	FILE *f = fopen(table_path, "re");
	char *line = NULL;
	size_t room = 0;

	while (f && getdelim(&line, &room, 0, f) > 0) {
		struct file_state s = { 0 };
		char *state, *path;

		s.id = strtoull(line, &state, 16);
		path = strchr(line, '/');
		if (path && *state == ' ' && !parse(state + 1, &s))
			enter(path + 1, &s);
	}
	free(line);
	if (f)
		fclose(f);
}

static void save(void)
{
	struct outfile o;
	struct row *r;
	size_t i;

	if (outfile_open(&o, table_path, false)) {
		mount_say("%s", o.why);
		return;
	}
	for (i = 0; i < BUCKETS; i++)
		for (r = rows[i]; r; r = r->next)
			fprintf(o.f, "%" PRIx64 " %" PRId64 " %" PRId64 " %" PRIx64 " %d /%s%c", r->s.id,
				r->s.mtime_ns, r->s.size, r->s.embedder, r->s.failed, r->path, 0);
	if (outfile_commit(&o))
		mount_say("%s", o.why);
	else
		dirty = false;
}

int state_start(int root)
{
	/* Tested on the directory itself; a value that exists stays. */
	bool has = !fsetxattr(root, "user.vexfs.probe", "1", 1, 0);

	if (has)
		fremovexattr(root, "user.vexfs.probe");
	table_path = opt->state;
	if (table_path) {
		load();
		return 0;
	}
	if (has)
		return 0;
	mount_say("%s takes no extended attributes (%s): say --state FILE", opt->over, strerror(errno));
	return -1;
}

/* Not more often than every half minute, and for a twentieth of the time at most. */
static void save_later(uint64_t began)
{
	uint64_t now = now_ns(), pause = 20 * (now - began);

	save_at = now + (pause > SAVE_NS ? pause : SAVE_NS);
}

void state_sync(bool now)
{
	uint64_t began;

	if (!table_path)
		return;
	began = now_ns();
	pthread_mutex_lock(&lock);
	if (dirty && (now || began >= save_at)) {
		save();
		save_later(began);
	}
	pthread_mutex_unlock(&lock);
}

void state_stop(void)
{
	pthread_mutex_lock(&lock);
	if (table_path && dirty)
		save();
	pthread_mutex_unlock(&lock);
}

void state_read(int fd, const char *path, struct file_state *s)
{
	char text[128];
	struct row *r;
	ssize_t n;

	memset(s, 0, sizeof(*s));
	if (table_path) {
		pthread_mutex_lock(&lock);
		r = find(path);
		if (r)
			*s = r->s;
		pthread_mutex_unlock(&lock);
		return;
	}
	n = fgetxattr(fd, ID_ATTR, text, sizeof(text) - 1);
	if (n <= 0)
		return;
	text[n] = 0;
	s->id = s->kept_id = strtoull(text, NULL, 16);
	n = fgetxattr(fd, STATE_ATTR, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = 0;
	if (parse(text, s))
		s->mtime_ns = s->size = -1;
}

int state_write(int fd, const char *path, const struct file_state *s)
{
	char text[128];
	int n, err;

	if (table_path) {
		pthread_mutex_lock(&lock);
		err = enter(path, s);
		dirty = true;
		pthread_mutex_unlock(&lock);
		return err;
	}
	n = snprintf(text, sizeof(text), "%" PRId64 " %" PRId64 " %" PRIx64 " %d", s->mtime_ns, s->size,
		     s->embedder, s->failed);
	if (fsetxattr(fd, STATE_ATTR, text, (size_t)n, 0))
		return errno;
	if (s->kept_id == s->id)
		return 0;
	n = snprintf(text, sizeof(text), "%" PRIx64, s->id);
	return fsetxattr(fd, ID_ATTR, text, (size_t)n, 0) ? errno : 0;
}

void state_forget(const char *path)
{
	struct row **p, *r;

	if (!table_path)
		return;
	pthread_mutex_lock(&lock);
	for (p = chain(path); *p && strcmp((*p)->path, path); p = &(*p)->next)
		;
	r = *p;
	if (r) {
		*p = r->next;
		free(r);
		dirty = true;
	}
	pthread_mutex_unlock(&lock);
}
