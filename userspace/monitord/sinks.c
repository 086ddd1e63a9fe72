// SPDX-License-Identifier: GPL-2.0
/*
 * The sinks: a file, a program, a unix socket, StatsD, syslog, and the journal. None may
 * delay the daemon for long: sockets do not block, and a program gets its batch as a file.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "json.h"
#include "monitord.h"

#define JOURNAL		"/run/systemd/journal/socket"
/* A program that runs longer than this is killed. */
#define EXEC_MS		10000
/* When the daemon ends, its programs have this long together. */
#define LAST_MS		3000

static int fail(char *why, size_t size, const char *what)
{
	snprintf(why, size, "%.200s: %s", what, strerror(errno));
	return -1;
}

/* ---- JSON, one value or event per line ---- */

static void json_item(FILE *f, const struct item *item, const char *host)
{
	struct json j;

	json_start(&j, f, false);
	json_object_begin(&j);
	json_key(&j, "time");
	json_double(&j, (double)item->t / 1e3);
	json_kv_string(&j, "host", host);
	if (item->metric >= 0) {
		json_kv_string(&j, "metric", metrics[item->metric].name);
		json_kv_double(&j, "value", item->value);
		json_kv_string(&j, "unit", metrics[item->metric].unit);
	} else {
		json_kv_string(&j, "event", item->kind);
		json_kv_string(&j, "subject", item->subject);
		json_kv_u64(&j, "a", item->a);
		json_kv_u64(&j, "b", item->b);
	}
	json_object_end(&j);
	json_finish(&j);
}

static char *json_batch(const struct item *item, size_t n, size_t *len)
{
	char *text = NULL, host[256] = "";
	FILE *f = open_memstream(&text, len);

	if (!f)
		return NULL;
	gethostname(host, sizeof(host) - 1);
	for (size_t i = 0; i < n; i++)
		json_item(f, &item[i], host);
	if (!fclose(f))
		return text;
	free(text);
	return NULL;
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

/* ---- file: one per day, the old ones go ---- */

static void day_of(char text[16], time_t t)
{
	struct tm tm;

	strftime(text, 16, "%Y-%m-%d", localtime_r(&t, &tm));
}

static bool is_day(const char *s)
{
	for (int i = 0; i < 10; i++)
		if (i == 4 || i == 7 ? s[i] != '-' : !isdigit((unsigned char)s[i]))
			return false;
	return !s[10];
}

/* Removes NAME.DAY older than the retention; days compare as text. */
static void forget(const char *path, double days)
{
	char copy[CONFIG_TEXT], oldest[16], name[CONFIG_TEXT];
	struct dirent *e;
	size_t len;
	DIR *d;

	day_of(oldest, time(NULL) - (time_t)(days * 86400));
	snprintf(name, sizeof(name), "%s", strrchr(path, '/') + 1);
	len = strlen(name);
	snprintf(copy, sizeof(copy), "%s", path);
	d = opendir(dirname(copy));
	while (d && (e = readdir(d)))
		if (!strncmp(e->d_name, name, len) && e->d_name[len] == '.' &&
		    is_day(e->d_name + len + 1) && strcmp(e->d_name + len + 1, oldest) < 0)
			unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
}

static void new_day(const char *path, double days)
{
	char then[16], now[16], to[CONFIG_TEXT + 16];
	struct stat st;

	if (lstat(path, &st) || !S_ISREG(st.st_mode))
		return;
	day_of(then, st.st_mtime);
	day_of(now, time(NULL));
	if (!strcmp(then, now))
		return;
	snprintf(to, sizeof(to), "%s.%s", path, then);
	rename(path, to);
	forget(path, days);
}

static bool file_wanted(const struct config *c)
{
	return *c->telemetry_file;
}

static int file_send(const struct config *c, const struct item *item, size_t n, char *why, size_t size)
{
	size_t len = 0;
	char *text;
	off_t end;
	int fd;

	new_day(c->telemetry_file, c->retention_days);
	fd = open(c->telemetry_file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
		  0640);
	if (fd < 0)
		return fail(why, size, c->telemetry_file);
	text = json_batch(item, n, &len);
	end = lseek(fd, 0, SEEK_END);
	if (!text || write_all(fd, text, len)) {
		fail(why, size, c->telemetry_file);
		/* All of a batch or nothing: it is written again later. */
		if (end >= 0 && ftruncate(fd, end))
			snprintf(why, size, "%.200s ends in half a line", c->telemetry_file);
		n = 0;
	}
	free(text);
	close(fd);
	return n ? 0 : -1;
}

/* ---- exec: the batch is the program's standard input ---- */

static bool exec_wanted(const struct config *c)
{
	return *c->telemetry_exec;
}

static int wait_for_it(pid_t pid, char *why, size_t size, const char *path)
{
	uint64_t until = now_ns() + EXEC_MS * 1000000ull;
	static uint64_t last;
	int status = 0;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (stopping && !last)
			last = now_ns() + LAST_MS * 1000000ull;
		if (now_ns() > until || (last && now_ns() > last)) {
			kill(-pid, SIGKILL);
			waitpid(pid, &status, 0);
			snprintf(why, size, "%.200s was killed: it ran for longer than %d s", path,
				 last ? LAST_MS / 1000 : EXEC_MS / 1000);
			return -1;
		}
		nanosleep(&(struct timespec){ 0, 5000000 }, NULL);
	}
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	if (WIFEXITED(status))
		snprintf(why, size, "%.200s ended with status %d", path, WEXITSTATUS(status));
	else
		snprintf(why, size, "%.200s was ended by signal %d", path, WTERMSIG(status));
	return -1;
}

static int exec_send(const struct config *c, const struct item *item, size_t n, char *why, size_t size)
{
	int fd = memfd_create("telemetry", MFD_CLOEXEC), ret = -1;
	size_t len = 0;
	char *text = json_batch(item, n, &len);
	pid_t pid;

	if (fd < 0 || !text || write_all(fd, text, len) || lseek(fd, 0, SEEK_SET)) {
		fail(why, size, "no memory for a batch");
		goto out;
	}
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		dup2(fd, 0);
		execl(c->telemetry_exec, c->telemetry_exec, (char *)NULL);
		_exit(127);
	}
	ret = pid < 0 ? fail(why, size, c->telemetry_exec) :
	      wait_for_it(pid, why, size, c->telemetry_exec);
out:
	free(text);
	if (fd >= 0)
		close(fd);
	return ret;
}

/* ---- a stream socket in the file system: a connection per batch ---- */

static int unix_connect(const char *path, int type)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = 2 };
	int fd;

	if (strlen(path) >= sizeof(to.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (!connect(fd, (struct sockaddr *)&to, sizeof(to)))
		return fd;
	close(fd);
	return -1;
}

static bool socket_wanted(const struct config *c)
{
	return *c->telemetry_socket;
}

static int socket_send(const struct config *c, const struct item *item, size_t n, char *why,
		       size_t size)
{
	int fd = unix_connect(c->telemetry_socket, SOCK_STREAM), ret = 0;
	size_t len = 0;
	char *text = fd < 0 ? NULL : json_batch(item, n, &len);

	/* A receiver that reads nothing for two seconds gets the batch again. */
	if (!text || write_all(fd, text, len))
		ret = fail(why, size, c->telemetry_socket);
	free(text);
	if (fd >= 0)
		close(fd);
	return ret;
}

/* ---- StatsD: gauges for metrics, counters for events, as many lines as fit ---- */

#define DATAGRAM	1432

static bool statsd_wanted(const struct config *c)
{
	return *c->telemetry_statsd;
}

/* ADDRESS:PORT or [ADDRESS]:PORT; no names, which would have to be looked up each time. */
static int statsd_open(const char *text, char *why, size_t size)
{
	char host[64] = "", *colon, *end;
	struct sockaddr_storage to = { 0 };
	struct sockaddr_in *v4 = (void *)&to;
	struct sockaddr_in6 *v6 = (void *)&to;
	const char *at = strrchr(text, ':');
	unsigned long port = at ? strtoul(at + 1, &end, 10) : 0;
	int fd, is6;

	if (!at || at == text || at - text >= (int)sizeof(host) || *end || !port || port > 65535) {
		snprintf(why, size, "'%.60s' is no ADDRESS:PORT", text);
		return -1;
	}
	is6 = *text == '[';
	snprintf(host, sizeof(host), "%.*s", (int)(at - text) - is6, text + is6);
	colon = strchr(host, ']');
	if (colon)
		*colon = '\0';
	v4->sin_family = is6 ? AF_INET6 : AF_INET;
	if (inet_pton(v4->sin_family, host, is6 ? (void *)&v6->sin6_addr : (void *)&v4->sin_addr) != 1) {
		snprintf(why, size, "'%.60s' is no address", host);
		return -1;
	}
	v4->sin_port = htons((uint16_t)port);
	fd = socket(v4->sin_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && !connect(fd, (struct sockaddr *)&to, is6 ? sizeof(*v6) : sizeof(*v4)))
		return fd;
	fail(why, size, text);
	if (fd >= 0)
		close(fd);
	return -1;
}

static int statsd_line(char *to, size_t size, const struct item *item)
{
	int n;

	if (item->metric >= 0)
		return snprintf(to, size, "vexfs.%s:%.9g|g\n", metrics[item->metric].name, item->value);
	n = snprintf(to, size, "vexfs.event.%s:1|c\n", item->kind);
	/* The kind is the module's, but ':' or '|' would be another line to StatsD. */
	for (char *s = to + 12; n > 0 && s < to + n - 5; s++)
		if (!isalnum((unsigned char)*s) && *s != '-')
			*s = '_';
	return n;
}

static int statsd_send(const struct config *c, const struct item *item, size_t n, char *why,
		       size_t size)
{
	int fd = statsd_open(c->telemetry_statsd, why, size), ret = fd < 0 ? -1 : 0;
	char text[DATAGRAM];
	size_t len = 0;

	for (size_t i = 0; !ret && i <= n; i++) {
		char line[160];
		int k = i < n ? statsd_line(line, sizeof(line), &item[i]) : 0;

		if (len && (i == n || len + (size_t)k > sizeof(text))) {
			/* Nobody there is seen with the next datagram, if at all: that is UDP. */
			if (send(fd, text, len, 0) < 0)
				ret = fail(why, size, c->telemetry_statsd);
			len = 0;
		}
		memcpy(text + len, line, (size_t)k);
		len += (size_t)k;
	}
	if (fd >= 0)
		close(fd);
	return ret;
}

/* ---- syslog and the journal: one message for the values of one time ---- */

static size_t same_time(const struct item *item, size_t n)
{
	size_t k = 1;

	while (k < n && item[0].metric >= 0 && item[k].metric >= 0 && item[k].t == item[0].t)
		k++;
	return k;
}

static bool syslog_wanted(const struct config *c)
{
	return !strcmp(c->telemetry_log, "syslog");
}

static int syslog_send(const struct config *c, const struct item *item, size_t n, char *why,
		       size_t size)
{
	(void)c;
	(void)why;
	(void)size;
	for (size_t i = 0, k; i < n; i += k) {
		char text[2000];
		size_t len = 0;

		k = same_time(item + i, n - i);
		if (item[i].metric < 0) {
			syslog(LOG_INFO, "event=%s subject=%s a=%llu b=%llu", item[i].kind,
			       item[i].subject, (unsigned long long)item[i].a,
			       (unsigned long long)item[i].b);
			continue;
		}
		for (size_t x = i; x < i + k && len < sizeof(text); x++)
			len += (size_t)snprintf(text + len, sizeof(text) - len, " %s=%.9g",
						metrics[item[x].metric].name, item[x].value);
		syslog(LOG_INFO, "metrics%s", text);
	}
	return 0;
}

static bool journal_wanted(const struct config *c)
{
	return !strcmp(c->telemetry_log, "journal");
}

/* A field; one with a newline is written with its length before it. */
static void field(FILE *f, const char *key, const char *value)
{
	uint64_t len = strlen(value);

	if (!strchr(value, '\n')) {
		fprintf(f, "%s=%s\n", key, value);
		return;
	}
	fprintf(f, "%s\n", key);
	for (int i = 0; i < 8; i++)
		fputc((int)(len >> (8 * i) & 255), f);
	fwrite(value, 1, len, f);
	fputc('\n', f);
}

static void journal_fields(FILE *f, const struct item *item, size_t n)
{
	char key[64], value[64];

	field(f, "SYSLOG_IDENTIFIER", "vexfs-monitord");
	field(f, "PRIORITY", "6");
	if (item->metric < 0) {
		fprintf(f, "MESSAGE=vexfs event %s\n", item->kind);
		field(f, "VEXFS_EVENT", item->kind);
		field(f, "VEXFS_SUBJECT", item->subject);
		fprintf(f, "VEXFS_A=%llu\nVEXFS_B=%llu\n", (unsigned long long)item->a,
			(unsigned long long)item->b);
		return;
	}
	field(f, "MESSAGE", "vexfs metrics");
	for (size_t i = 0; i < n; i++) {
		snprintf(key, sizeof(key), "VEXFS_%s", metrics[item[i].metric].name);
		for (char *s = key; *s; s++)
			*s = (char)toupper((unsigned char)*s);
		snprintf(value, sizeof(value), "%.9g", item[i].value);
		field(f, key, value);
	}
}

static int journal_send(const struct config *c, const struct item *item, size_t n, char *why,
			size_t size)
{
	int fd = unix_connect(JOURNAL, SOCK_DGRAM), ret = 0;

	(void)c;
	if (fd < 0)
		return fail(why, size, JOURNAL);
	for (size_t i = 0, k; !ret && i < n; i += k) {
		char *text = NULL;
		size_t len = 0;
		FILE *f = open_memstream(&text, &len);

		k = same_time(item + i, n - i);
		if (f)
			journal_fields(f, item + i, k);
		if (!f || fclose(f) || send(fd, text, len, MSG_NOSIGNAL) < 0)
			ret = fail(why, size, JOURNAL);
		free(text);
	}
	close(fd);
	return ret;
}

const struct sink sinks[SINKS] = {
	{ "file", file_wanted, file_send },
	{ "exec", exec_wanted, exec_send },
	{ "socket", socket_wanted, socket_send },
	{ "statsd", statsd_wanted, statsd_send },
	{ "syslog", syslog_wanted, syslog_send },
	{ "journal", journal_wanted, journal_send },
};
