// SPDX-License-Identifier: GPL-2.0
/* The embedder as a child process: pipes, limits, restarts. One caller at a time. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <jansson.h>
#include <math.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "embedder.h"
#include "mount.h"
#include "serve.h"

#define LINE_BYTES	(4u << 20)
#define READ_BYTES	(64u << 10)
#define PIPE_BYTES	(256u << 10)	/* the packed answers of a batch of 512 components */
#define BACKGROUND_NICE	10	/* who works on files goes first */

struct embedder {
	char *command;
	uid_t uid;
	gid_t gid;
	pid_t pid;
	bool background;
	int in, out;		/* our ends of its stdin and stdout */
	char *buf;		/* its output, @have bytes, of which @at were consumed */
	size_t at, have;
	char name[64];
	char metric[16];
	uint32_t dim;
	unsigned int restarts;
	unsigned int failures;	/* failures in a row */
};

static void child(const struct embedder *e, int in, int out)
{
	const struct rlimit memory = { EMBED_MEMORY, EMBED_MEMORY }, none = { 0, 0 };
	sigset_t all;
	int null;

	setsid();
	dup2(in, 0);
	dup2(out, 1);
	null = open("/dev/null", O_WRONLY);
	if (null >= 0)
		dup2(null, 2);
	if (e->background && nice(BACKGROUND_NICE) < 0)
		errno = 0;	/* then it is as urgent as others */
	setrlimit(RLIMIT_AS, &memory);
	setrlimit(RLIMIT_CORE, &none);
	if (!getuid() && (setgroups(0, NULL) || setresgid(e->gid, e->gid, e->gid) ||
			  setresuid(e->uid, e->uid, e->uid)))
		_exit(126);
	sigfillset(&all);
	sigprocmask(SIG_UNBLOCK, &all, NULL);
	signal(SIGPIPE, SIG_DFL);
	execl("/bin/sh", "sh", "-c", e->command, (char *)NULL);
	_exit(127);
}

static void end(struct embedder *e)
{
	if (e->in >= 0)
		close(e->in);
	if (e->out >= 0)
		close(e->out);
	e->in = e->out = -1;
	if (e->pid > 0) {
		kill(-e->pid, SIGKILL);
		while (waitpid(e->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	e->pid = 0;
	e->at = e->have = 0;
}

static uint64_t now_ms(void)
{
	return now_ns() / 1000000;
}

/* Reads what it has written; as read(). */
static ssize_t fill(struct embedder *e)
{
	ssize_t n;

	if (e->at == e->have)
		e->at = e->have = 0;
	if (e->at && LINE_BYTES - e->have < READ_BYTES) {
		e->have -= e->at;
		memmove(e->buf, e->buf + e->at, e->have);
		e->at = 0;
	}
	if (e->have == LINE_BYTES) {
		errno = EMSGSIZE;
		return -1;
	}
	n = read(e->out, e->buf + e->have, LINE_BYTES - e->have);
	e->have += n > 0 ? (size_t)n : 0;
	return n;
}

/*
 * The next line, NUL-terminated, which stays until the next call; NULL if there is none. The
 * clock is read only if it has to be waited for.
 */
static const char *read_line(struct embedder *e)
{
	uint64_t until = 0;

	for (;;) {
		struct pollfd p = { .fd = e->out, .events = POLLIN };
		char *line = e->buf + e->at, *nl = memchr(line, '\n', e->have - e->at);
		uint64_t now;
		ssize_t n;

		if (nl) {
			*nl = 0;
			e->at = (size_t)(nl + 1 - e->buf);
			return line;
		}
		n = fill(e);
		if (n > 0)
			continue;
		if (!n || (errno != EAGAIN && errno != EINTR))
			return NULL;
		now = now_ms();
		if (!until)
			until = now + EMBED_TIMEOUT_MS;
		if (now >= until)
			return NULL;
		poll(&p, 1, (int)(until - now));
	}
}

/* Reads its description; after a restart it must be the same. */
static int read_hello(struct embedder *e)
{
	const char *line = read_line(e), *name, *metric;
	json_t *o;
	json_int_t dim;
	int ret = -1;

	if (!line)
		return -1;
	o = json_loads(line, 0, NULL);
	name = json_string_value(json_object_get(o, "embedder"));
	metric = json_string_value(json_object_get(o, "metric"));
	dim = json_integer_value(json_object_get(o, "dim"));
	if (name && dim > 0 && dim <= 65536 && (!e->dim || dim == e->dim)) {
		e->dim = (uint32_t)dim;
		snprintf(e->name, sizeof(e->name), "%s", name);
		snprintf(e->metric, sizeof(e->metric), "%s", metric ? metric : "cos");
		ret = 0;
	}
	json_decref(o);
	return ret;
}

static int start(struct embedder *e)
{
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC))
		return -1;
	if (pipe2(out, O_CLOEXEC)) {
		close(in[0]);
		close(in[1]);
		return -1;
	}
	e->pid = fork();
	if (!e->pid)
		child(e, in[0], out[1]);
	close(in[0]);
	close(out[1]);
	e->in = in[1];
	e->out = out[0];
	/* It need not wait for us in the middle of a batch. Smaller pipes are slower, that is all. */
	fcntl(e->out, F_SETPIPE_SZ, PIPE_BYTES);
	if (e->pid < 0 || fcntl(e->in, F_SETFL, O_NONBLOCK) || fcntl(e->out, F_SETFL, O_NONBLOCK) ||
	    read_hello(e)) {
		end(e);
		return -1;
	}
	return 0;
}

/* Starts it if it does not run. After failures in a row it rests, longer each time. */
static int alive(struct embedder *e)
{
	struct timespec rest = { .tv_nsec = 100000000 };
	unsigned int i;

	if (e->pid > 0)
		return 0;
	for (i = 0; i < e->failures && i < 5; i++) {
		rest.tv_sec = rest.tv_sec * 2 + rest.tv_nsec / 500000000;
		rest.tv_nsec = rest.tv_nsec * 2 % 1000000000;
	}
	if (e->failures)
		nanosleep(&rest, NULL);
	e->restarts++;
	if (start(e)) {
		e->failures++;
		return -1;
	}
	return 0;
}

static int write_all(struct embedder *e, const char *text, size_t len)
{
	uint64_t until = now_ms() + EMBED_TIMEOUT_MS;

	while (len) {
		ssize_t n = write(e->in, text, len);
		struct pollfd p[2] = {
			{ .fd = e->in, .events = POLLOUT }, { .fd = e->out, .events = POLLIN },
		};

		if (n > 0) {
			text += n;
			len -= (size_t)n;
			continue;
		}
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -1;
		if (now_ms() >= until)
			return -1;
		poll(p, 2, 100);
		/*
		 * It answers the first item while we still send the last one, so both
		 * pipes are served.
		 */
		if ((p[1].revents & POLLIN) && fill(e) <= 0)
			return -1;
	}
	return 0;
}

/* JSON cannot carry invalid UTF-8: such bytes become '?'. */
static void put_string(FILE *f, const char *s, size_t len)
{
	size_t i;

	fputc('"', f);
	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c == '"' || c == '\\')
			fprintf(f, "\\%c", c);
		else if (c == '\n')
			fputs("\\n", f);
		else if (c < 0x20 || c == 0x7f)
			fputc(' ', f);
		else if (c < 0x80)
			fputc(c, f);
		else {
			size_t n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 0, k;
			unsigned int v = c & (0x7fu >> n);

			for (k = 1; k < n && i + k < len && ((unsigned char)s[i + k] & 0xc0) == 0x80; k++)
				v = v << 6 | ((unsigned char)s[i + k] & 0x3f);
			if (!n || k < n || (n == 3 && (v < 0x800 || (v >= 0xd800 && v < 0xe000))) ||
			    (n == 4 && (v < 0x10000 || v > 0x10ffff))) {
				fputc('?', f);
			} else {
				fwrite(s + i, 1, n, f);
				i += n - 1;
			}
		}
	}
	fputc('"', f);
}

static int send(struct embedder *e, const struct embed_item *items, unsigned int n)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	unsigned int i;
	int ret;

	if (!f)
		return -1;
	fputc('[', f);
	for (i = 0; i < n; i++) {
		fprintf(f, "%s{\"id\": %u, \"text\": ", i ? ", " : "", i);
		put_string(f, items[i].text, items[i].len);
		fputc('}', f);
	}
	fputs("]\n", f);
	ret = fclose(f) ? -1 : write_all(e, text, len);
	free(text);
	return ret;
}

/* The value of a digit of base64 plus one; 0 for other characters. */
static const unsigned char digits[256] = {
#define D(c, v)	[c] = (v) + 1
#define D4(c, v) D(c, v), D((c) + 1, (v) + 1), D((c) + 2, (v) + 2), D((c) + 3, (v) + 3)
	D4('A', 0), D4('E', 4), D4('I', 8), D4('M', 12), D4('Q', 16), D4('U', 20), D('Y', 24),
	D('Z', 25), D4('a', 26), D4('e', 30), D4('i', 34), D4('m', 38), D4('q', 42), D4('u', 46),
	D('y', 50), D('z', 51), D4('0', 52), D4('4', 56), D('8', 60), D('9', 61), D('+', 62),
	D('/', 63),
#undef D4
#undef D
};

static int unpack(const char *s, size_t len, float *v, uint32_t dim)
{
	unsigned char *to = (unsigned char *)v;
	size_t want = dim * sizeof(*v), n = 0, i;
	unsigned int bits = 0, acc = 0;

	for (i = 0; i < len && s[i] != '='; i++) {
		unsigned int d = digits[(unsigned char)s[i]];

		if (!d)
			return -1;
		acc = acc << 6 | (d - 1);
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		if (n == want)
			return -1;
		to[n++] = (unsigned char)(acc >> bits);
	}
	return n == want ? 0 : -1;
}

static int check_finite(const float *v, uint32_t dim)
{
	uint32_t i;

	for (i = 0; i < dim; i++)
		if (!isfinite(v[i]))
			return -1;
	return 0;
}

static int read_vector(const json_t *o, float *v, uint32_t dim)
{
	const json_t *packed = json_object_get(o, "f32"), *list = json_object_get(o, "vector");
	uint32_t i;

	if (json_is_string(packed)) {
		if (unpack(json_string_value(packed), json_string_length(packed), v, dim))
			return -1;
	} else {
		if (!json_is_array(list) || json_array_size(list) != dim)
			return -1;
		for (i = 0; i < dim; i++)
			v[i] = (float)json_number_value(json_array_get(list, i));
	}
	return check_finite(v, dim);
}

/*
 * {"id": N, "f32": "..."} in the spelling of vexfs-embed, which needs no tree. false: it is
 * something else, and nothing was read.
 */
static bool receive_packed(struct embedder *e, const char *line, struct embed_item *items,
			   unsigned int n, bool *answered)
{
	static const char head[] = "{\"id\": ", middle[] = ", \"f32\": \"";
	const char *at = line + strlen(head), *end;
	unsigned long id;
	char *after;

	if (strncmp(line, head, strlen(head)) || *at < '0' || *at > '9' || (*at == '0' && at[1] != ','))
		return false;
	errno = 0;
	id = strtoul(at, &after, 10);
	if (errno || id >= n || answered[id] || strncmp(after, middle, strlen(middle)))
		return false;
	at = after + strlen(middle);
	end = strchr(at, '"');
	if (!end || strcmp(end, "\"}") || unpack(at, (size_t)(end - at), items[id].vector, e->dim) ||
	    check_finite(items[id].vector, e->dim))
		return false;
	answered[id] = items[id].done = true;
	return true;
}

/* Reads one answer. -1: the output violates the protocol. */
static int receive(struct embedder *e, struct embed_item *items, unsigned int n, bool *answered)
{
	const char *line = read_line(e), *why;
	struct embed_item *item;
	json_int_t id;
	json_t *o;
	int ret = -1;

	if (!line)
		return -1;
	if (receive_packed(e, line, items, n, answered))
		return 0;
	o = json_loads(line, 0, NULL);
	id = json_is_integer(json_object_get(o, "id")) ?
	     json_integer_value(json_object_get(o, "id")) : -1;
	if (id >= 0 && id < n && !answered[id]) {
		answered[id] = true;
		item = &items[id];
		why = json_string_value(json_object_get(o, "error"));
		if (why)
			snprintf(item->why, sizeof(item->why), "%s", why);
		else
			item->done = !read_vector(o, item->vector, e->dim);
		ret = why || item->done ? 0 : -1;
	}
	json_decref(o);
	return ret;
}

static int run(struct embedder *e, struct embed_item *items, unsigned int n)
{
	bool answered[EMBED_BATCH] = { false };
	unsigned int i;

	if (alive(e) || send(e, items, n))
		goto failed;
	for (i = 0; i < n; i++)
		if (receive(e, items, n, answered))
			goto failed;
	e->failures = 0;
	return 0;
failed:
	end(e);
	e->failures++;
	return -1;
}

void embedder_run(struct embedder *e, struct embed_item *items, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		items[i].done = false;
		items[i].why[0] = 0;
	}
	if (!run(e, items, n))
		return;
	/*
	 * One of the items caused the failure: send each by itself, except those that
	 * were answered.
	 */
	for (i = 0; i < n; i++) {
		if (items[i].done || items[i].why[0])
			continue;
		if (n == 1 || run(e, &items[i], 1))
			snprintf(items[i].why, sizeof(items[i].why),
				 "the embedder hung, died or violated the protocol");
	}
}

struct embedder *embedder_start(const char *command, const char *user, bool background)
{
	struct embedder *e = calloc(1, sizeof(*e));
	struct passwd *pw = getuid() ? NULL : getpwnam(user ? user : "nobody");

	if (!e)
		return NULL;
	e->background = background;
	e->in = e->out = -1;
	e->uid = pw ? pw->pw_uid : 65534;
	e->gid = pw ? pw->pw_gid : 65534;
	e->command = strdup(command);
	e->buf = malloc(LINE_BYTES + 1);
	if (e->command && e->buf && (!user || getuid() || pw) && !start(e))
		return e;
	if (user && !getuid() && !pw)
		mount_say("user '%s' does not exist", user);
	else
		mount_say("the embedder '%s' does not describe itself: a first line such as "
			  "{\"embedder\": \"name\", \"dim\": 256, \"metric\": \"cos\"} is expected", command);
	embedder_stop(e);
	return NULL;
}

const char *embedder_name(const struct embedder *e)
{
	return e->name;
}

uint32_t embedder_dim(const struct embedder *e)
{
	return e->dim;
}

const char *embedder_metric(const struct embedder *e)
{
	return e->metric;
}

unsigned int embedder_restarts(const struct embedder *e)
{
	return e->restarts;
}

void embedder_stop(struct embedder *e)
{
	if (!e)
		return;
	end(e);
	free(e->command);
	free(e->buf);
	free(e);
}
