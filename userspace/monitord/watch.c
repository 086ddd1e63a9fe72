// SPDX-License-Identifier: GPL-2.0
/*
 * What happens between samples: events of the module; changes of settings, module, kernel
 * and files; hung tasks.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <syslog.h>
#include <unistd.h>

#include "escape.h"
#include "monitord.h"

#define FILES_MAX	64
#define STATES_NS	10000000000ull
/* An event says when vexctl changed settings. Parameters written in sysfs raise none. */
#define SETTINGS_NS	30000000000ull

static int keep_event(struct nlmsghdr *h, struct nlattr **a, void *arg)
{
	const char *kind = wire_text(a, VEXFS_A_EVENT_KIND), *subject = wire_text(a, VEXFS_A_EVENT_SUBJECT);
	struct monitor *m = arg;
	struct history_error err;

	(void)h;
	if (m->h)
		history_add_event(m->h, now_ms(), kind, subject, wire_u64(a, VEXFS_A_EVENT_A),
				  wire_u64(a, VEXFS_A_EVENT_B), &err);
	telemetry_event(m, kind, subject, wire_u64(a, VEXFS_A_EVENT_A),
			wire_u64(a, VEXFS_A_EVENT_B));
	if (!strcmp(kind, "tunables-changed"))
		m->next_states_ns = m->next_settings_ns = 0;
	if (!strcmp(kind, "pool-exhausted")) {
		say_log(m, LOG_WARNING, "memory pool exhausted: %s", shown(subject));
		pool_log(m, "exhausted: %s, %llu bytes wanted", shown(subject),
			 (unsigned long long)wire_u64(a, VEXFS_A_EVENT_A));
	} else if (!strcmp(kind, "stack-violation") || !strncmp(kind, "variant-", 8) ||
		   !strncmp(kind, "bridge-", 7)) {
		say_log(m, LOG_WARNING, "%s: %s", kind, shown(subject));
	}
	return 0;
}

void hear_events(struct monitor *m, int timeout_ms)
{
	int err = wire_receive(m->events, timeout_ms > 0 ? timeout_ms : 1, keep_event, m);

	if (err == -ENOBUFS) {
		m->next_settings_ns = 0;
		say_log(m, LOG_WARNING, "events were lost: they arrived faster than they could be written");
	} else if (err && err != -EINTR) {
		wire_close(m->events);
		m->events = NULL;
	}
}

/* ---- the bridge ---- */

/* While ops wait and none goes on for so long, something is wrong. */
#define STALLED_MS	10000

static uint64_t bridge_sum(const struct rows *rows, const char *counter)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < rows->n; i++)
		if (!strcmp(rows->row[i].subject, "bridge"))
			sum += row_value(&rows->row[i], counter);
	return sum;
}

/* More than before; all of it where the counters began anew meanwhile. */
static uint64_t bridge_more(const struct look *a, const struct look *b, const char *counter)
{
	uint64_t before = bridge_sum(&a->rows, counter), now = bridge_sum(&b->rows, counter);

	return now < before ? now : now - before;
}

void watch_bridge(struct monitor *m, const struct look *a, const struct look *b)
{
	uint64_t dropped = bridge_more(a, b, "dropped"), late = bridge_more(a, b, "late");
	bool stalled = bridge_sum(&b->rows, "stalled_ms") > STALLED_MS;
	struct history_error err;

	if (!a->loaded || !b->loaded)
		return;
	if (dropped || late) {
		say_log(m, LOG_WARNING, "bridge error: %llu ops were refused, %llu were late",
			(unsigned long long)dropped, (unsigned long long)late);
		if (m->h)
			history_add_event(m->h, now_ms(), "bridge-error", "ops", dropped, late, &err);
	}
	if (stalled && !m->bridge_stalled)
		say_log(m, LOG_WARNING, "bridge error: ops wait, and none goes on for %llu s",
			(unsigned long long)bridge_sum(&b->rows, "stalled_ms") / 1000);
	m->bridge_stalled = stalled;
}

/* ---- what rarely changes ---- */

static struct state *find_state(struct monitor *m, const char *what, const char *key)
{
	for (size_t i = 0; i < m->states; i++)
		if (!strcmp(m->state[i].what, what) && !strcmp(m->state[i].key, key))
			return &m->state[i];
	return NULL;
}

/* A state that is new to the daemon may have changed while the daemon was not running. */
static struct state *new_state(struct monitor *m, const char *what, const char *key)
{
	struct state *s;

	if (m->states == m->states_room) {
		size_t room = m->states_room ? 2 * m->states_room : 128;
		struct state *more = realloc(m->state, room * sizeof(*more));

		if (!more)
			return NULL;
		m->state = more;
		m->states_room = room;
	}
	s = &m->state[m->states++];
	memset(s, 0, sizeof(*s));
	snprintf(s->what, sizeof(s->what), "%s", what);
	snprintf(s->key, sizeof(s->key), "%s", key);
	history_last_change(m->h, what, key, s->value, sizeof(s->value));
	return s;
}

static void note(struct monitor *m, const char *what, const char *key, const char *value)
{
	struct state *s = find_state(m, what, key);
	struct history_error err;

	if (!s)
		s = new_state(m, what, key);
	if (!s)
		return;
	s->seen = true;
	if (!strcmp(s->value, value))
		return;
	if (*s->value)
		say_log(m, LOG_INFO, "%s %s: %s -> %s", what, shown(key), shown(s->value),
			shown(value));
	history_add_change(m->h, now_ms(), what, key, s->value, value, &err);
	snprintf(s->value, sizeof(s->value), "%s", value);
}

static int note_setting(struct nlmsghdr *h, struct nlattr **a, void *arg)
{
	char value[80];

	(void)h;
	if (a[VEXFS_A_TUNABLE_TEXT])
		snprintf(value, sizeof(value), "%s", wire_text(a, VEXFS_A_TUNABLE_TEXT));
	else
		snprintf(value, sizeof(value), "%lld",
			 (long long)wire_u64(a, VEXFS_A_TUNABLE_VALUE));
	note(arg, "setting", wire_text(a, VEXFS_A_TUNABLE_KEY), value);
	return 0;
}

static void note_file(struct monitor *m, const char *name)
{
	char buf[1 << 16], path[300], value[60];
	uint64_t sum = 14695981039346656037ull;

	snprintf(path, sizeof(path), "%.120s/%.120s", m->etc, name);
	if (!host_file("", path, buf, sizeof(buf)))
		return;
	for (const char *s = buf; *s; s++)
		sum = (sum ^ (unsigned char)*s) * 1099511628211ull;
	snprintf(value, sizeof(value), "%zu bytes, sum %016llx", strlen(buf),
		 (unsigned long long)sum);
	note(m, "file", path, value);
}

/* Watches configuration files only, not files that programs write there. */
static bool is_configuration(const char *name)
{
	static const char *const ends[] = { ".conf", ".json", ".yml", ".yaml", ".default" };
	size_t len = strlen(name);

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (len > strlen(ends[i]) && !strcmp(name + len - strlen(ends[i]), ends[i]))
			return name[0] != '.';
	return false;
}

static void note_files(struct monitor *m)
{
	struct dirent *e;
	DIR *d = opendir(m->etc);
	int n = 0;

	while (d && n < FILES_MAX && (e = readdir(d))) {
		if (!is_configuration(e->d_name) || (e->d_type != DT_REG && e->d_type != DT_UNKNOWN))
			continue;
		note_file(m, e->d_name);
		n++;
	}
	if (d)
		closedir(d);
	for (size_t i = 0; i < m->states; i++) {
		struct state *s = &m->state[i];

		if (!strcmp(s->what, "file") && !s->seen && *s->value && strcmp(s->value, "gone"))
			note(m, "file", s->key, "gone");
	}
}

void note_states(struct monitor *m)
{
	struct utsname u;
	char buf[100];

	if (!m->h || m->turn_ns < m->next_states_ns)
		return;
	m->next_states_ns = m->turn_ns + STATES_NS;
	for (size_t i = 0; i < m->states; i++)
		m->state[i].seen = false;
	if (!uname(&u)) {
		snprintf(buf, sizeof(buf), "%.60s", u.release);
		note(m, "kernel", "release", buf);
	}
	if (host_file("", "/sys/module/vexfs/version", buf, sizeof(buf))) {
		buf[strcspn(buf, "\n")] = '\0';
		note(m, "module", "version", buf);
	}
	if (host_file("", "/sys/module/vexfs/srcversion", buf, sizeof(buf))) {
		buf[strcspn(buf, "\n")] = '\0';
		note(m, "module", "srcversion", buf);
	}
	if (m->wire && (!m->events || m->turn_ns >= m->next_settings_ns)) {
		m->next_settings_ns = m->turn_ns + SETTINGS_NS;
		wire_call(m->wire, wire_request(m->wire, VEXFS_CMD_TUNABLE_GET, true), note_setting,
			  m);
	}
	note_files(m);
}

/* ---- hung tasks ---- */

#define HUNG_MAX	16

/**
 * struct hangs - one look for hung tasks
 * @n: number of tasks found
 * @id: their numbers
 */
struct hangs {
	int n;
	int id[HUNG_MAX];
};

/* The start of a small file of /proc, in one read. */
static bool read_at(int dir, const char *path, char *buf, size_t size)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, buf, size - 1);
	close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* The innermost function of the module that the task is in. */
static bool is_in_vexfs(int dir, const char *task, char *where, size_t size)
{
	char path[40], buf[4096], *line;

	snprintf(path, sizeof(path), "%.16s/stack", task);
	if (!read_at(dir, path, buf, sizeof(buf)))
		return false;
	line = strstr(buf, "[vexfs]");
	if (!line)
		return false;
	while (line > buf && line[-1] != '\n')
		line--;
	snprintf(where, size, "%.*s", (int)strcspn(line, "\n"), line);
	return true;
}

static void note_hang(struct monitor *m, const struct hangs *before, struct hangs *h,
		      const char *task, const char *where)
{
	struct history_error err;
	bool twice = false;

	h->id[h->n] = atoi(task);
	for (int i = 0; i < before->n; i++)
		twice |= before->id[i] == h->id[h->n];
	h->n++;
	if (!twice)
		return;
	say_log(m, LOG_WARNING, "task %.16s hangs in vexfs: %s", task, where);
	if (m->h)
		history_add_event(m->h, m->turn_ms, "task-hangs", where, (uint64_t)atoi(task), 0,
				  &err);
}

/* State and number of threads of a line of stat; the name before them may hold anything. */
static bool parse_stat(const char *line, char *state, int *threads)
{
	const char *end = strrchr(line, ')');

	return end && sscanf(end + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d"
			     " %*d %*d %d", state, threads) == 2;
}

/* A task is hung if it is in uninterruptible sleep and in the module. */
static void find_hangs(struct monitor *m, DIR *tasks, bool of_process, const struct hangs *before,
		       struct hangs *h)
{
	struct dirent *e;

	while (tasks && h->n < HUNG_MAX && (e = readdir(tasks))) {
		char path[40], buf[1024], where[200], state;
		int threads;

		if (e->d_name[0] < '1' || e->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "%.16s/stat", e->d_name);
		if (!read_at(dirfd(tasks), path, buf, sizeof(buf)) ||
		    !parse_stat(buf, &state, &threads))
			continue;
		if (threads > 1 && !of_process) {
			int fd;
			DIR *d;

			snprintf(path, sizeof(path), "%.16s/task", e->d_name);
			fd = openat(dirfd(tasks), path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			d = fd >= 0 ? fdopendir(fd) : NULL;
			find_hangs(m, d, true, before, h);
			if (d)
				closedir(d);
			else if (fd >= 0)
				close(fd);
		} else if (state == 'D' && is_in_vexfs(dirfd(tasks), e->d_name, where, sizeof(where))) {
			note_hang(m, before, h, e->d_name, where);
		}
	}
}

/*
 * A task that sleeps uninterruptibly is part of the load: the kernel counts it every five
 * seconds, and one count makes 0.08. While the load is below that, or below 1 and falling, no
 * task has slept so since the last look, and none needs to be read.
 */
#define LOAD_OF_ONE	0.05

static bool may_hang(double before, double now)
{
	return !(now < LOAD_OF_ONE || (now < 1 && now < before));
}

void watch_hangs(struct monitor *m)
{
	static struct hangs last;
	struct hangs now = { 0 };
	double load = m->look[!m->turn].host.load1;

	if (m->turn_ns < m->next_hang_ns)
		return;
	m->next_hang_ns = m->turn_ns + (uint64_t)(m->conf.hang_s * 1e9);
	if (may_hang(m->hang_load, load)) {
		DIR *d = opendir("/proc");

		find_hangs(m, d, false, &last, &now);
		if (d)
			closedir(d);
	}
	m->hang_load = load;
	last = now;
}
