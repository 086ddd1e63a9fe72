// SPDX-License-Identifier: GPL-2.0
/*
 * vexfs-exporter: the module's statistics for Prometheus, and a page for people.
 */
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "busy.h"
#include "cmdline.h"
#include "escape.h"
#include "listen.h"
#include "metrics.h"
#include "outfile.h"
#include "server.h"

#define TICK_MS		250
#define DEADLINE_S	8
#define BUSIEST		200
#define FILE_NAME	"vexfs.prom"

/**
 * struct options - the command line
 * @listen: address and port
 * @textfile: directory for node_exporter, or NULL
 * @once: print the metrics and exit
 * @open: with @once: OpenMetrics
 * @names: with collections
 * @compat: with compatibility names
 * @most: collections with labels
 * @deadline_s: how long a request waits
 * @interval_s: with @textfile, seconds between two files; 0 writes one
 */
struct options {
	const char *listen;
	const char *textfile;
	bool once;
	bool open;
	bool names;
	bool compat;
	uint64_t most;
	uint64_t deadline_s;
	uint64_t interval_s;
};

static const char usage[] =
"usage: vexfs-exporter [OPTION...]\n"
"\n"
"Serves what the vexfs module counts to Prometheus at /metrics, and a page for people at /.\n"
"\n"
"  -l, --listen WHERE       PORT, ADDRESS:PORT, [ADDRESS]:PORT or unix:PATH;\n"
"                           default " LISTEN_PORT ", and without ADDRESS only 127.0.0.1\n"
"  -1, --once               print the metrics and end; exit code 3 without the module\n"
"      --openmetrics        with --once: as OpenMetrics\n"
"  -t, --textfile DIR       write DIR/" FILE_NAME " for node_exporter and end\n"
"  -i, --interval SECONDS   with --textfile: write it every SECONDS\n"
"  -n, --busiest N          collections with series of their own, default 200, at most 10000\n"
"      --no-collections     none\n"
"      --no-compat          without the names that earlier scripts were promised\n"
"      --deadline SECONDS   how long a request waits for the module, default 8, 1 to 60\n"
"  -V, --version\n"
"  -h, --help\n"
"\n"
"Collections are shown only when the exporter runs as root or in the group vexfs-admin.\n"
"See vexfs-exporter(8).\n";

#define ME	"vexfs-exporter"

/* Returns -1 to go on, else the exit code. */
static int parse(int argc, char **argv, struct options *o)
{
	const struct cmdline_row rows[] = {
		{ "listen", 'l', CMDLINE_TEXT, { .text = &o->listen } },
		{ "once", '1', CMDLINE_SET, { .flag = &o->once } },
		{ "openmetrics", 0, CMDLINE_SET, { .flag = &o->open } },
		{ "textfile", 't', CMDLINE_TEXT, { .text = &o->textfile } },
		{ "interval", 'i', CMDLINE_COUNT, { .count = &o->interval_s }, 1, 86400 },
		{ "busiest", 'n', CMDLINE_COUNT, { .count = &o->most }, 0, 10000 },
		{ "no-collections", 0, CMDLINE_CLEAR, { .flag = &o->names } },
		{ "no-compat", 0, CMDLINE_CLEAR, { .flag = &o->compat } },
		{ "deadline", 0, CMDLINE_COUNT, { .count = &o->deadline_s }, 1, 60 },
		{ 0 },
	};
	int ret = cmdline_read(argc, argv, ME, usage, rows);

	if (ret >= 0)
		return ret;
	if (optind < argc)
		return cmdline_refuse(ME, "unexpected argument '%s'", argv[optind]);
	if (o->interval_s && !o->textfile)
		return cmdline_refuse(ME, "--interval goes with --textfile");
	return -1;
}

/* Reads the module in this thread and writes the text. 0, or -errno. */
static int read_now(const struct options *o, struct expo *e, bool *up)
{
	struct metrics how = {
		.format = o->open ? EXPO_OPENMETRICS : EXPO_PROMETHEUS,
		.compat = o->compat,
	};
	struct source s = { 0 };
	struct snapshot *a = snapshot_read(&s, o->names);
	struct busy b = { 0 };
	int err = a ? busy_pick(&b, a, o->most) : -ENOMEM;

	if (!err)
		err = metrics_write(e, a, &how);
	*up = a && a->up;
	if (a && !a->up)
		fprintf(stderr, "vexfs-exporter: %s\n", shown(a->why));
	busy_free(&b);
	snapshot_free(a);
	source_close(&s);
	return err;
}

static int print_once(const struct options *o)
{
	struct expo e = { 0 };
	bool up = false;
	int err = read_now(o, &e, &up);

	if (!err && fwrite(e.text, 1, e.len, stdout) != e.len)
		err = -EIO;
	if (fflush(stdout))
		err = -EIO;
	expo_free(&e);
	if (err)
		fprintf(stderr, "vexfs-exporter: %s\n", strerror(-err));
	return err ? 1 : up ? 0 : 3;
}

static int write_textfile(const struct options *o)
{
	char path[PATH_MAX];
	struct outfile out = { 0 };
	struct expo e = { 0 };
	bool up;
	int err;

	if (snprintf(path, sizeof(path), "%s/" FILE_NAME, o->textfile) >= (int)sizeof(path))
		return cmdline_refuse(ME, "the directory's name is too long");
	err = read_now(o, &e, &up);
	if (!err && outfile_write(&out, path, e.text, e.len)) {
		fprintf(stderr, "vexfs-exporter: %s\n", shown(out.why));
		err = -EIO;
	} else if (err) {
		fprintf(stderr, "vexfs-exporter: %s\n", strerror(-err));
	}
	expo_free(&e);
	return err ? 1 : 0;
}

/* Waits for @ms, SIGINT or SIGTERM; true if a signal came. */
static bool stop_within(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms) > 0;
}

static int signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static int keep_textfile(const struct options *o)
{
	int fd = signals(), ret;

	/* A full disk may have space again later. */
	do {
		ret = write_textfile(o);
	} while (o->interval_s && !stop_within(fd, (int)o->interval_s * 1000));
	close(fd);
	return ret;
}

static int serve(const struct options *o)
{
	struct server_opts opts = {
		.fd = listen_inherited(),
		.names = o->names,
		.most = o->most,
		.compat = o->compat,
		.deadline_ms = (unsigned int)o->deadline_s * 1000,
	};
	struct server *s;
	char why[256];
	int fd;

	if (opts.fd < 0)
		opts.fd = listen_at(o->listen, why, sizeof(why));
	if (opts.fd < 0) {
		fprintf(stderr, "vexfs-exporter: %s\n", shown(why));
		return 1;
	}
	fd = signals();
	s = server_start(&opts, why, sizeof(why));
	if (!s) {
		fprintf(stderr, "vexfs-exporter: %s\n", shown(why));
		return 1;
	}
	while (!stop_within(fd, TICK_MS))
		server_tick(s);
	server_stop(s);
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	struct options o = {
		.listen = LISTEN_PORT, .names = true, .compat = true, .most = BUSIEST,
		.deadline_s = DEADLINE_S,
	};
	int ret = parse(argc, argv, &o);

	if (ret >= 0)
		return ret;
	/*
	 * What a snapshot and its text need is used again by the next ones: to return it and to
	 * fault it in anew costs as much as reading the module. Lists of tens of thousands of
	 * collections are above the threshold: they get mappings of their own, which are returned.
	 */
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, 512 << 10);
	mallopt(M_TRIM_THRESHOLD, 2 << 20);
	if (o.once)
		return print_once(&o);
	return o.textfile ? keep_textfile(&o) : serve(&o);
}
