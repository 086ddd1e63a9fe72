// SPDX-License-Identifier: GPL-2.0
/*
 * vexfs-monitord: samples the statistics of module and machine into the history. Under
 * systemd it runs in the foreground; elsewhere "start", "stop" and "status" manage it.
 * The PID file contains its process id and is locked while it runs, so that a stale
 * number is never taken for another process.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "cmdline.h"
#include "monitord.h"

volatile bool stopping;
volatile bool again;

static void on_signal(int sig)
{
	if (sig == SIGHUP)
		again = true;
	else
		stopping = true;
}

/* ---- the PID file ---- */

/*
 * Returns the holder of the lock; 0 for nobody, -1 when the file cannot be read. The lock
 * belongs to the open file description: a POSIX lock would be released as soon as the
 * daemon closes the file elsewhere.
 */
static pid_t holder(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[24] = "";
	pid_t pid = 0;

	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	if (flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK &&
	    read(fd, text, sizeof(text) - 1) > 0)
		pid = (pid_t)strtol(text, NULL, 10);
	close(fd);
	return pid;
}

/* Held until the process ends. */
static int take_pid_file(struct monitor *m)
{
	int fd = open(m->conf.pid_file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	char text[24];
	int len;

	if (fd < 0) {
		fprintf(stderr, "vexfs-monitord: %s: %s\n", m->conf.pid_file, strerror(errno));
		return -1;
	}
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		fprintf(stderr, "vexfs-monitord: already running\n");
		close(fd);
		return -1;
	}
	len = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (ftruncate(fd, 0) || write(fd, text, (size_t)len) != len) {
		fprintf(stderr, "vexfs-monitord: %s: %s\n", m->conf.pid_file, strerror(errno));
		close(fd);
		return -1;
	}
	return 0;
}

static int stop_it(const struct config *c)
{
	pid_t pid = holder(c->pid_file);

	if (pid <= 0) {
		fprintf(stderr, "vexfs-monitord: not running\n");
		return 1;
	}
	if (kill(pid, SIGTERM)) {
		fprintf(stderr, "vexfs-monitord: process %d: %s\n", (int)pid, strerror(errno));
		return 1;
	}
	for (int i = 0; i < 500; i++) {
		if (holder(c->pid_file) != pid)
			return 0;
		nanosleep(&(struct timespec){ 0, 20000000 }, NULL);
	}
	fprintf(stderr, "vexfs-monitord: process %d does not end\n", (int)pid);
	return 1;
}

static int say_status(const struct config *c)
{
	pid_t pid = holder(c->pid_file);

	if (pid > 0)
		printf("vexfs-monitord runs, process %d\n", (int)pid);
	else
		puts("vexfs-monitord does not run");
	return pid > 0 ? 0 : 1;
}

/* ---- running ---- */

static void make_dir_of(const char *path)
{
	char copy[CONFIG_TEXT];

	snprintf(copy, sizeof(copy), "%s", path);
	mkdir(dirname(copy), 0750);
}

/*
 * Daemonises. The parent exits when the child reports on @ready that it runs, or with an
 * error otherwise.
 */
static int go_away(int *ready)
{
	int fd[2];
	pid_t pid;
	char c;

	if (pipe2(fd, O_CLOEXEC))
		return -1;
	pid = fork();
	if (pid < 0)
		return -1;
	if (pid) {
		close(fd[1]);
		_exit(read(fd[0], &c, 1) == 1 ? 0 : 1);
	}
	close(fd[0]);
	*ready = fd[1];
	setsid();
	return chdir("/");
}

static void runs_now(int ready)
{
	int null = open("/dev/null", O_RDWR);

	if (null >= 0) {
		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
	}
	if (write(ready, "", 1) != 1)
		syslog(LOG_WARNING, "the process that started it has ended");
	close(ready);
}

/* Handles events until the next sample is due. */
static void wait_until(struct monitor *m, uint64_t due)
{
	while (!stopping && !again) {
		uint64_t now = now_ns();
		int ms = (int)((due - now) / 1000000) + 1;

		if (now >= due)
			return;
		if (m->events)
			hear_events(m, ms);
		else
			nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
	}
}

/**
 * struct args - the command line
 * @config: the configuration file
 * @database: overrides the configuration, or NULL
 * @pid_file: file instead of that of the configuration, or NULL
 * @interval: seconds instead of that of the configuration, or 0
 * @once: take one sample
 */
struct args {
	const char *config;
	const char *database;
	const char *pid_file;
	double interval;
	bool once;
};

static int configure(struct monitor *m, const struct args *a)
{
	char why[400];

	if (config_read(a->config, &m->conf, why, sizeof(why))) {
		fprintf(stderr, "vexfs-monitord: %s\n", why);
		return -1;
	}
	snprintf(m->etc, sizeof(m->etc), "%s", a->config);
	dirname(m->etc);
	if (a->interval > 0)
		m->conf.interval = a->interval;
	if (a->database)
		snprintf(m->conf.database, sizeof(m->conf.database), "%s", a->database);
	if (a->pid_file)
		snprintf(m->conf.pid_file, sizeof(m->conf.pid_file), "%s", a->pid_file);
	return 0;
}

static void run(struct monitor *m, const struct args *a)
{
	uint64_t due = now_ns();

	say_log(m, LOG_INFO, "started, one sample every %g s into %s", m->conf.interval,
		m->conf.database);
	while (!stopping) {
		if (again) {
			struct config old = m->conf;

			again = false;
			if (configure(m, a)) {
				m->conf = old;
				say_log(m, LOG_ERR, "the configuration has errors; the old one stays in effect");
			}
		}
		take_turn(m);
		if (a->once)
			break;
		/*
		 * Sleep until an absolute time, so that the interval does not drift;
		 * missed samples are not made up for.
		 */
		due += (uint64_t)(m->conf.interval * 1e9);
		if (due < now_ns())
			due = now_ns() + (uint64_t)(m->conf.interval * 1e9);
		wait_until(m, due);
	}
	telemetry_export(m, true);
	say_log(m, LOG_INFO, "ended: %llu samples written, %llu lost",
		(unsigned long long)m->samples, (unsigned long long)m->lost);
}

static const char usage[] =
	"usage: vexfs-monitord [options] [start|stop|status]\n\n"
	"Samples the statistics of vexfs and the machine into a history.\n\n"
	"  --foreground      stay in the foreground and log to stderr\n"
	"  --config FILE     another file than " CONFIG_PATH "\n"
	"  --interval S      seconds between samples\n"
	"  --database FILE   the history\n"
	"  --pid-file FILE   file for its process id\n"
	"  --once            take one sample and end\n"
	"  --help, --version\n\n"
	"Exit status: 0 done, or it runs; 1 failed, or it does not run; 2 usage.\n";

/* Returns an exit code, or -1 to go on. */
static int read_args(int argc, char **argv, struct args *a, struct monitor *m)
{
	const struct cmdline_row rows[] = {
		{ "foreground", 'f', CMDLINE_SET, { .flag = &m->foreground } },
		{ "config", 'c', CMDLINE_TEXT, { .text = &a->config } },
		{ "interval", 'i', CMDLINE_NUMBER, { .number = &a->interval }, 0.1, 86400 },
		{ "database", 'd', CMDLINE_TEXT, { .text = &a->database } },
		{ "pid-file", 'p', CMDLINE_TEXT, { .text = &a->pid_file } },
		{ "once", 0, CMDLINE_SET, { .flag = &a->once } },
		{ 0 },
	};
	int ret = cmdline_read(argc, argv, "vexfs-monitord", usage, rows);

	m->foreground |= a->once;
	if (ret < 0 && argc - optind > 1)
		return cmdline_refuse("vexfs-monitord", "unexpected argument '%s'", argv[optind + 1]);
	return ret;
}

static int start_it(struct monitor *m, const struct args *a)
{
	struct sigaction act = { .sa_handler = on_signal };
	int ready = -1;

	make_dir_of(m->conf.log);
	if (holder(m->conf.pid_file) > 0) {
		fprintf(stderr, "vexfs-monitord: already running\n");
		return 1;
	}
	if (!m->foreground && go_away(&ready))
		return 1;
	if (take_pid_file(m))
		return 1;
	openlog("vexfs-monitord", LOG_PID, LOG_DAEMON);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGHUP, &act, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (ready >= 0)
		runs_now(ready);
	run(m, a);
	disconnect_module(m);
	history_close(m->h);
	unlink(m->conf.pid_file);
	return a->once && !m->samples;
}

int main(int argc, char **argv)
{
	struct args a = { .config = CONFIG_PATH };
	static struct monitor m;
	const char *verb;
	int ret = read_args(argc, argv, &a, &m);

	if (ret >= 0)
		return ret;
	if (configure(&m, &a))
		return 1;
	verb = optind < argc ? argv[optind] : "start";
	if (!strcmp(verb, "stop"))
		return stop_it(&m.conf);
	if (!strcmp(verb, "status"))
		return say_status(&m.conf);
	if (strcmp(verb, "start"))
		return cmdline_refuse("vexfs-monitord", "unexpected argument '%s'", verb);
	return start_it(&m, &a);
}
