// SPDX-License-Identifier: GPL-2.0
/*
 * Verbs for the store of durable collections. If vexfsd runs they send requests to its
 * socket; otherwise they open the store themselves, under its lock.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "parse.h"
#include "store.h"
#include "vexctl.h"

#define STORE_DIR	"/var/lib/vexfs"
#define SOCKET		"/run/vexfs/vexfsd.sock"
#define WORDS_MAX	10

static const struct opt store_opts[] = {
	{ "store", 0, OPT_STRING, "DIR", "directory of the store, if vexfsd does not run (" STORE_DIR ")" },
	{ "socket", 0, OPT_STRING, "PATH", "socket of vexfsd (" SOCKET ")" },
	{ 0 },
};

/**
 * struct job - state of a verb
 * @list: name of the open JSON list, NULL before its first member
 * @bad: number of findings
 * @failed: exit code of an error that was printed
 */
struct job {
	struct ctl *c;
	const char *list;
	uint64_t bad;
	uint64_t rows;
	int failed;
};

static void in_list(struct job *j, const char *name)
{
	if (!j->c->json || (j->list && !strcmp(j->list, name)))
		return;
	if (j->list)
		json_array_end(&j->c->out);
	json_key(&j->c->out, name);
	json_array_begin(&j->c->out);
	j->list = name;
}

/* @first is the list that is printed even when it is empty. */
static void begin(struct job *j, struct ctl *c, const char *first)
{
	*j = (struct job) { .c = c };
	if (c->json)
		json_object_begin(&c->out);
	in_list(j, first);
}

static int end(struct job *j)
{
	ctl_progress_end(j->c);
	if (j->failed)
		return j->failed;
	if (j->c->json) {
		if (j->list)
			json_array_end(&j->c->out);
		json_kv_u64(&j->c->out, "bad", j->bad);
		json_object_end(&j->c->out);
		json_finish(&j->c->out);
	}
	return j->bad ? EXIT_REFUSED : EXIT_OK;
}

static void show_row(struct job *j, const char *key, const struct store_info *info,
		     const char *state, int error, const char *name)
{
	struct ctl *c = j->c;

	in_list(j, "collections");
	if (!c->json) {
		if (!j->rows++)
			printf("%-24s %-10s %12s %12s %12s %14s %8s\n", "NAME", "STATE", "SEQUENCE",
			       "VECTORS", "ROWS", "BYTES", "SEGMENTS");
		printf("%-24s %-10s %12" PRIu64 " %12" PRIu64 " %12" PRIu64 " %14" PRIu64 " %8u%s%s\n",
		       shown(name), shown(state), info->seq, info->live, info->rows, info->bytes,
		       info->segments, error ? "  " : "", error ? strerror(error) : "");
		return;
	}
	json_object_begin(&c->out);
	json_kv_string(&c->out, "name", name);
	json_kv_string(&c->out, "key", key);
	json_kv_string(&c->out, "state", state);
	json_kv_i64(&c->out, "errno", error);
	json_kv_u64(&c->out, "seq", info->seq);
	json_kv_u64(&c->out, "vectors", info->live);
	json_kv_u64(&c->out, "rows", info->rows);
	json_kv_u64(&c->out, "bytes", info->bytes);
	json_kv_u64(&c->out, "segments", info->segments);
	json_object_end(&c->out);
}

static void show_finding(struct job *j, bool bad, const char *text)
{
	ctl_progress_end(j->c);
	j->bad += bad;
	in_list(j, "findings");
	if (!j->c->json) {
		printf("%s: %s\n", bad ? "damaged" : "note", shown(text));
		return;
	}
	json_object_begin(&j->c->out);
	json_kv_bool(&j->c->out, "bad", bad);
	json_kv_string(&j->c->out, "text", text);
	json_object_end(&j->c->out);
}

static void show_checked(struct job *j, const char *name, uint64_t frames, uint64_t rows,
			 uint64_t bytes, uint64_t bad)
{
	ctl_progress_end(j->c);
	in_list(j, "checked");
	if (!j->c->json) {
		printf("%s: %" PRIu64 " frames, %" PRIu64 " rows, %" PRIu64 " bytes read: %s\n",
		       shown(name), frames, rows, bytes, bad ? "damaged" : "sound");
		return;
	}
	json_object_begin(&j->c->out);
	json_kv_string(&j->c->out, "name", name);
	json_kv_u64(&j->c->out, "frames", frames);
	json_kv_u64(&j->c->out, "rows", rows);
	json_kv_u64(&j->c->out, "bytes", bytes);
	json_kv_u64(&j->c->out, "bad", bad);
	json_object_end(&j->c->out);
}

static void show_done(struct job *j, const char *what, const char *name)
{
	ctl_progress_end(j->c);
	in_list(j, what);
	if (j->c->json)
		json_string(&j->c->out, name);
	else
		printf("%s: %s\n", shown(name), what);
}

/* ---- through the daemon ---- */

/* -1 if nobody listens there. */
static int dial(struct ctl *c)
{
	const char *path = opt_string(c, "socket", SOCKET);
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd;

	if ((c->verb->opts == store_opts && opt_given(c, "store")) || strlen(path) >= sizeof(at.sun_path))
		return -1;
	strcpy(at.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof(at))) {
		int err = errno;

		close(fd);
		/* It runs, but we may not connect. */
		return err == EACCES || err == EPERM ? -err : -1;
	}
	return fd;
}

static int split(char *line, char *words[WORDS_MAX], int most)
{
	int n = 0;

	while (n < most && *line) {
		words[n++] = line;
		line = n < most ? strchr(line, ' ') : NULL;
		if (!line)
			break;
		*line++ = 0;
	}
	return n;
}

static uint64_t number(const char *text)
{
	uint64_t v = 0;

	parse_u64(text, &v);
	return v;
}

/* false if the line is the last one. */
static bool take_line(struct job *j, char *line)
{
	char *w[WORDS_MAX], *rest = strchr(line, ' ');
	struct store_info info;
	int n;

	rest = rest ? rest + 1 : line + strlen(line);
	if (!strcmp(line, "ok"))
		return false;
	if (!strncmp(line, "error ", 6)) {
		n = split(rest, w, 2);
		ctl_progress_end(j->c);
		j->failed = ctl_refuse(j->c, n ? (int)number(w[0]) : EPROTO, "%s",
				       n > 1 ? w[1] : "the daemon does not say why");
		return false;
	}
	if (!strncmp(line, "progress ", 9) && split(rest, w, 2) == 2)
		ctl_progress(number(w[0]), number(w[1]), j->c);
	else if (!strncmp(line, "note ", 5) || !strncmp(line, "bad ", 4))
		show_finding(j, *line == 'b', rest);
	else if (!strncmp(line, "restored ", 9))
		show_done(j, "restored", rest);
	else if (!strncmp(line, "claimed ", 8))
		show_done(j, "claimed", rest);
	else if (!strncmp(line, "checked ", 8) && split(rest, w, 5) == 5)
		show_checked(j, w[4], number(w[0]), number(w[1]), number(w[2]), number(w[3]));
	else if (!strncmp(line, "row ", 4) && split(rest, w, 9) == 9) {
		info = (struct store_info) {
			.seq = number(w[1]), .live = number(w[2]), .rows = number(w[3]),
			.bytes = number(w[4]), .segments = (uint32_t)number(w[5]),
		};
		show_row(j, w[0], &info, w[6], (int)number(w[7]), w[8]);
	}
	return true;
}

static int ask(struct ctl *c, int fd, const char *request, const char *arg)
{
	FILE *f = fdopen(fd, "r+");
	char line[8192];
	bool more = true;
	struct job j;

	if (!f) {
		close(fd);
		return ctl_refuse(c, errno, "the socket: %s", strerror(errno));
	}
	begin(&j, c, !strcmp(request, "info") ? "collections" : "findings");
	fprintf(f, "%s%s%s\n", request, arg ? " " : "", arg ? arg : "");
	fflush(f);
	while (more && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		more = take_line(&j, line);
	}
	fclose(f);
	if (more)
		j.failed = ctl_refuse(c, EPIPE, "vexfsd ended before the request was done");
	return end(&j);
}

/* ---- without the daemon ---- */

static int open_here(struct ctl *c, const char *dir, bool read_only, struct store_io **io,
		     struct store **s)
{
	struct store_opts opts = { .read_only = read_only };
	struct store_error err;
	char why[400];
	int ret = store_io_posix(dir, 0, 1, io, why, sizeof(why));

	if (ret)
		return ctl_refuse(c, -ret, "%s", why);
	ret = store_open(*io, &opts, s, &err);
	if (!ret)
		return 0;
	store_io_posix_free(*io);
	return ctl_refuse(c, -ret, "%s: %s", dir, err.text);
}

static int forward(void *arg, uint64_t done, uint64_t total)
{
	return ctl_progress(done, total, ((struct job *)arg)->c) ? -EINTR : 0;
}

static void report(void *arg, bool bad, const char *text)
{
	show_finding(arg, bad, text);
}

static int check_here(struct ctl *c)
{
	const char *dir = opt_string(c, "store", STORE_DIR);
	struct job j;
	struct store_check check = { .report = report, .progress = forward, .arg = &j };
	struct store_error err;
	struct store_io *io;
	struct store *s;
	int ret = open_here(c, dir, true, &io, &s);

	if (ret)
		return ret;
	begin(&j, c, "findings");
	ret = store_check(s, &check, &err);
	if (ret)
		j.failed = ctl_refuse(c, -ret, "%s", err.text);
	else
		show_checked(&j, dir, check.frames, check.rows, check.bytes, check.bad);
	store_close(s);
	store_io_posix_free(io);
	return end(&j);
}

static int info_one(struct job *j, struct store_coll *k, struct store_error *err)
{
	struct store_info info;
	char key[20];

	(void)err;
	store_coll_info(k, &info);
	snprintf(key, sizeof(key), "%016" PRIx64, store_coll_key(k));
	show_row(j, key, &info, "stored", 0, store_coll_meta(k)->name);
	return 0;
}

/*
 * Calls @one for each collection with that name, or for all; one that cannot be opened is
 * a finding.
 */
static int each_here(struct ctl *c, bool read_only, const char *name,
		     int (*one)(struct job *j, struct store_coll *k, struct store_error *err))
{
	struct store_error err = { 0 };
	struct store_coll *k;
	struct store_io *io;
	struct store *s;
	struct job j;
	size_t n, met = 0;
	int ret = open_here(c, opt_string(c, "store", STORE_DIR), read_only, &io, &s);

	if (ret)
		return ret;
	begin(&j, c, one == info_one ? "collections" : "findings");
	store_keys(s, &n);
	for (size_t i = 0; !ret && i < n; i++) {
		if (store_coll_open(s, store_keys(s, &n)[i], &k, &err)) {
			show_finding(&j, true, err.text);
			continue;
		}
		if (!name || !strcmp(store_coll_meta(k)->name, name)) {
			met++;
			ret = one(&j, k, &err);
		}
		if (store_coll_close(k) && !ret)
			ret = store_fail(&err, EIO, "'%s' cannot be closed", name ? name : "");
	}
	store_close(s);
	store_io_posix_free(io);
	if (ret)
		j.failed = ctl_refuse(c, -ret, "%s", err.text);
	else if (name && !met && !j.bad)
		j.failed = ctl_refuse(c, ENOENT, "no collection '%s' is stored", name);
	return end(&j);
}

static int compact_one(struct job *j, struct store_coll *k, struct store_error *err)
{
	return store_coll_compact(k, forward, j, err);
}

/* Copies all of one store into another. */
static int copy_here(struct ctl *c, const char *from_dir, const char *to_dir, bool fresh,
		     const char *what)
{
	struct store_error err = { 0 };
	struct store_io *from_io, *to_io;
	struct store *from, *to = NULL;
	struct store_coll *k;
	char why[400];
	struct job j;
	size_t n;
	int ret = open_here(c, from_dir, true, &from_io, &from);

	if (ret)
		return ret;
	begin(&j, c, "findings");
	ret = store_io_posix(to_dir, 1, 1, &to_io, why, sizeof(why));
	if (ret)
		store_fail(&err, ret, "%s", why);
	else
		ret = store_open(to_io, NULL, &to, &err);
	if (!ret && fresh && (store_keys(to, &n), n))
		ret = store_fail(&err, ENOTEMPTY, "%s has a backup already", to_dir);
	store_keys(from, &n);
	for (size_t i = 0; !ret && i < n; i++) {
		ret = store_coll_open(from, store_keys(from, &n)[i], &k, &err);
		if (ret)
			break;
		ret = store_coll_copy(k, to, forward, &j, &err);
		if (!ret)
			show_done(&j, what, store_coll_meta(k)->name);
		store_coll_abandon(k);
	}
	store_close(to);
	store_io_posix_free(to_io);
	store_close(from);
	store_io_posix_free(from_io);
	if (ret)
		j.failed = ctl_refuse(c, -ret, "%s", err.text);
	return end(&j);
}

/* ---- verbs ---- */

static int through(struct ctl *c, const char *request, const char *arg, int *fd)
{
	*fd = dial(c);
	if (*fd < -1)
		return ctl_refuse(c, -*fd, "you may not connect to vexfsd");
	return *fd >= 0 ? ask(c, *fd, request, arg) : 0;
}

static const char *name_of(const struct ctl *c)
{
	return c->argc ? c->argv[0] : NULL;
}

static int whisper(const char *request, char *answer, size_t room)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX, .sun_path = SOCKET };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ssize_t n = -1;

	if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at))) {
		if (fd >= 0)
			close(fd);
		return -ENOENT;
	}
	if (send(fd, request, strlen(request), MSG_NOSIGNAL) == (ssize_t)strlen(request))
		n = recv(fd, answer, room - 1, MSG_WAITALL);
	close(fd);
	if (n <= 0)
		return -EPIPE;
	answer[n] = 0;
	answer[strcspn(answer, "\n")] = 0;
	return 0;
}

int storage_release(struct ctl *c)
{
	char answer[600];
	int ret = whisper("release\n", answer, sizeof(answer));

	if (ret == -ENOENT)
		return 0;
	if (ret || strcmp(answer, "ok"))
		return ctl_refuse(c, EBUSY, "vexfsd does not detach from the module: %s",
				  ret ? strerror(-ret) : answer);
	return 0;
}

void storage_take(struct ctl *c)
{
	char answer[600];

	(void)c;
	whisper("take\n", answer, sizeof(answer));
}

static int run_check(struct ctl *c)
{
	int fd, ret = through(c, "check", name_of(c), &fd);

	return fd != -1 ? ret : check_here(c);
}

static int run_info(struct ctl *c)
{
	int fd, ret = through(c, "info", name_of(c), &fd);

	return fd != -1 ? ret : each_here(c, true, name_of(c), info_one);
}

static int run_compact(struct ctl *c)
{
	int fd, ret = through(c, "compact", name_of(c), &fd);

	return fd != -1 ? ret : each_here(c, false, name_of(c), compact_one);
}

/* The daemon has another working directory. */
static int absolute(struct ctl *c, const char *dir, char path[PATH_MAX])
{
	char here[PATH_MAX];

	if (*dir == '/' && strlen(dir) < PATH_MAX) {
		strcpy(path, dir);
		return 0;
	}
	if (!getcwd(here, sizeof(here)) || strlen(here) + strlen(dir) + 2 > PATH_MAX)
		return ctl_refuse(c, ENAMETOOLONG, "%s: the path is too long", dir);
	memcpy(path, here, strlen(here));
	sprintf(path + strlen(here), "/%s", dir);
	return 0;
}

static int run_backup(struct ctl *c)
{
	char path[PATH_MAX];
	int fd, ret = absolute(c, c->argv[0], path);

	if (ret)
		return ret;
	ret = through(c, "backup", path, &fd);
	return fd != -1 ? ret :
		copy_here(c, opt_string(c, "store", STORE_DIR), path, true, "saved");
}

static int run_restore(struct ctl *c)
{
	char path[PATH_MAX];
	int fd, ret = absolute(c, c->argv[0], path);

	if (ret)
		return ret;
	ret = through(c, "restore", path, &fd);
	return fd != -1 ? ret :
		copy_here(c, path, opt_string(c, "store", STORE_DIR), false, "restored");
}

static int run_claim(struct ctl *c)
{
	const char *as = opt_string(c, "as", NULL);
	char arg[600];
	int fd, ret;

	if (strlen(c->argv[0]) > 250 || (as && strlen(as) > 250) || strchr(c->argv[0], ' '))
		return ctl_refuse(c, EINVAL, "that is no name of a collection");
	snprintf(arg, sizeof(arg), "%s%s%s", c->argv[0], as ? " " : "", as ? as : "");
	if (arg[strcspn(arg, "\n")])
		return ctl_refuse(c, EINVAL, "that is no name of a collection");
	ret = through(c, "claim", arg, &fd);
	return fd != -1 ? ret : ctl_refuse(c, ENOENT, "vexfsd does not run");
}

static const struct opt claim_opts[] = {
	{ "as", 0, OPT_STRING, "NAME", "its new name" },
	{ "socket", 0, OPT_STRING, "PATH", "socket of vexfsd (" SOCKET ")" },
	{ 0 },
};

const struct verb store_verbs[] = {
	{
		.name = "store info", .args = "[NAME]", .max_args = 1,
		.brief = "show what is stored: sequence numbers, vectors, bytes",
		.detail = "ROWS counts rows on the disk, including superseded ones; "
			  "compaction drops these. A collection that vexfsd cannot open is shown as "
			  "?, with the reason; its files begin with its KEY, which -j shows.",
		.opts = store_opts, .run = run_info,
	}, {
		.name = "store check", .args = "[NAME]", .max_args = 1,
		.brief = "read everything that is stored and report damage",
		.detail = "Every byte is under a checksum. Exits with 1 when something is damaged.",
		.opts = store_opts, .run = run_check,
	}, {
		.name = "store compact", .args = "[NAME]", .max_args = 1,
		.brief = "drop superseded rows",
		.detail = "vexfsd does so by itself when more than half of a collection's rows "
			  "were replaced.",
		.opts = store_opts, .run = run_compact,
	}, {
		.name = "store backup", .args = "DIR", .min_args = 1, .max_args = 1,
		.brief = "copy all that is stored, while writers continue",
		.detail = "Each collection is copied as of one change. DIR is created, or is empty; "
			  "it becomes a store that store check --store DIR reads. Exits with 1 when a "
			  "collection cannot be opened and is missing there.",
		.opts = store_opts, .run = run_backup,
	}, {
		.name = "store restore", .args = "DIR", .min_args = 1, .max_args = 1,
		.brief = "restore the collections of a backup",
		.detail = "A collection whose name is taken is refused: drop it first.",
		.opts = store_opts, .run = run_restore,
	}, {
		.name = "store claim", .args = "NAME|KEY", .min_args = 1, .max_args = 1,
		.brief = "give a kept collection of a user namespace that has gone to root",
		.detail = "A collection whose user namespace has gone is kept in the store and not "
			  "restored; store info shows its state as kept. Claimed, it belongs to "
			  "root and is restored. KEY is what store info -j shows, for a name that "
			  "several have.",
		.opts = claim_opts, .run = run_claim,
	},
	{ 0 },
};
