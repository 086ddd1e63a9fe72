// SPDX-License-Identifier: GPL-2.0
/* vexfsd: see vexfsd(8). The command line, the start, and the main thread's loop. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "cmdline.h"
#include "vexfsd.h"

#define ABSENT_MS	1000	/* how often to look for a module that is not loaded */
/* after this long, attach again to a module that was detached and not unloaded */
#define AGAIN_S		30

static const char usage[] =
	"usage: vexfsd [--store DIR] [--socket PATH] [--device PATH] [--segment-mb N]\n"
	"              [--user-mb N] [--metrics FILE]\n"
	"\n"
	"Keeps durable collections of vexfs on disk and brings them back: vexfsd(8).\n"
	"\n"
	"  --store DIR      directory of the store (" VEXFSD_STORE ")\n"
	"  --socket PATH    control socket, for vexctl store (" VEXFSD_SOCKET ")\n"
	"  --device PATH    device of the module (" VEXFS_DEVICE ")\n"
	"  --segment-mb N   size of the store's files in MiB (256)\n"
	"  --user-mb N      MiB that the collections of a user may take; 0: any (half of the disk)\n"
	"  --metrics FILE   write metrics for Prometheus there every five seconds\n"
	"  --version, --help\n";

/* Returns -1 to go on, or an exit code. */
static int read_options(int argc, char **argv, struct options *o)
{
	uint64_t mb = 0, user_mb = UINT64_MAX;
	const struct cmdline_row rows[] = {
		{ "store", 0, CMDLINE_TEXT, { .text = &o->store } },
		{ "socket", 0, CMDLINE_TEXT, { .text = &o->socket } },
		{ "device", 0, CMDLINE_TEXT, { .text = &o->device } },
		{ "segment-mb", 0, CMDLINE_COUNT, { .count = &mb }, 1, 65536 },
		{ "user-mb", 0, CMDLINE_COUNT, { .count = &user_mb }, 0, 1u << 30 },
		{ "metrics", 0, CMDLINE_TEXT, { .text = &o->metrics } },
		{ 0 },
	};
	int ret = cmdline_read(argc, argv, "vexfsd", usage, rows);

	if (ret >= 0)
		return ret;
	if (mb)
		o->segment_max = mb << 20;
	o->user_limited = user_mb != UINT64_MAX;
	o->user_mb = user_mb;
	return optind < argc ? cmdline_refuse("vexfsd", "unexpected argument '%s'", argv[optind]) : -1;
}

static int start(struct daemon *d)
{
	struct store_opts opts = { .segment_max = d->opts.segment_max };
	struct store_error err = { 0 };
	char why[400];
	struct stat st;
	int ret = store_place_ok(d->opts.store, why, sizeof(why));

	if (!ret)
		ret = store_io_posix(d->opts.store, 1, 1, &d->io, why, sizeof(why));
	if (ret) {
		say(LOG_ERR, "%s", why);
		return ret;
	}
	ret = store_open(d->io, &opts, &d->s, &err);
	if (ret) {
		say(LOG_ERR, "%s: %s", d->opts.store, err.text);
		return ret;
	}
	if (!stat("/proc/self/ns/user", &st))
		d->user_ns = (uint32_t)st.st_ino;
	ret = quota_begin(d);
	if (ret) {
		say(LOG_ERR, "%s: %s", d->opts.store, strerror(-ret));
		return ret;
	}
	ret = batches_make(d);
	if (ret) {
		say(LOG_ERR, "no memory for buffers");
		return ret;
	}
	d->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ret = d->wake < 0 ? -errno : control_open(d);
	if (ret)
		say(LOG_ERR, "%s: %s", d->opts.socket, strerror(-ret));
	return ret;
}

static int signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static time_t uptime(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* What the main thread knows about the module. */
struct presence {
	bool said_absent;
	bool ready;
	time_t released;
	bool vanished;
	struct stat node;	/* of the device, when it was released */
};

static int look_at_node(const struct daemon *d, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	return stat(d->opts.device ? d->opts.device : VEXFS_DEVICE, st);
}

/* A module that is loaded again makes its device anew, perhaps before we looked. */
static bool is_other_node(const struct stat *a, const struct stat *b)
{
	return a->st_ino != b->st_ino || a->st_ctim.tv_sec != b->st_ctim.tv_sec ||
	       a->st_ctim.tv_nsec != b->st_ctim.tv_nsec;
}

/* Attaches to a module that was loaded, unless a client asked us to stay detached. */
static void look_for_module(struct daemon *d, struct presence *p)
{
	struct stat st;
	int ret;

	if (d->storage >= 0)
		return;
	if (d->wanted == WANT_RELEASE) {
		/* The module was unloaded and loaded again, or it was not unloaded after all. */
		if (look_at_node(d, &st)) {
			p->vanished = true;
			return;
		}
		p->vanished |= is_other_node(&p->node, &st);
		if (!p->vanished && uptime() - p->released < AGAIN_S)
			return;
		d->wanted = WANT_STORE;
	}
	ret = daemon_attach(d);
	if (!ret) {
		p->said_absent = false;
		say(LOG_INFO, "storing durable collections in %s", d->opts.store);
	} else if (!p->said_absent) {
		p->said_absent = true;
		say(ret == -ENOENT || ret == -ENODEV ? LOG_NOTICE : LOG_ERR,
		    ret == -EBUSY ? "another daemon stores for this module" :
		    ret == -ENOENT || ret == -ENODEV ? "the module is not loaded; waiting for it" :
		    "the module cannot be served: %s", strerror(-ret));
	}
	if (!p->ready) {
		p->ready = true;
		notify("READY=1");
	}
}

static void release(struct daemon *d, struct presence *p)
{
	if (d->storage < 0)
		return;
	look_at_node(d, &p->node);
	daemon_release(d);
	p->released = uptime();
	p->vanished = false;
	say(LOG_NOTICE, "detached from the module");
}

static bool take_signal(struct daemon *d, int fd)
{
	struct signalfd_siginfo s;

	while (read(fd, &s, sizeof(s)) == sizeof(s)) {
		if (s.ssi_signo == SIGTERM || s.ssi_signo == SIGINT)
			return false;
		if (s.ssi_signo == SIGUSR1)
			d->wanted = WANT_RELEASE;
		if (s.ssi_signo == SIGUSR2)
			d->wanted = WANT_STORE;
	}
	return true;
}

static void loop(struct daemon *d, int sigs)
{
	unsigned int watchdog = watchdog_ms();
	struct presence p = { 0 };
	uint64_t drained;

	for (;;) {
		struct pollfd fds[] = {
			{ .fd = sigs, .events = POLLIN }, { .fd = d->control, .events = POLLIN },
			{ .fd = d->wake, .events = POLLIN }, { .fd = d->storage, .events = POLLIN },
		};
		int wait = d->storage < 0 ? ABSENT_MS : -1;

		if (watchdog) {
			notify("WATCHDOG=1");
			if (wait < 0 || (unsigned int)wait > watchdog)
				wait = (int)watchdog;
		}
		if (d->opts.metrics) {
			metrics_write(d);
			if (wait < 0 || wait > METRICS_MS)
				wait = METRICS_MS;
		}
		if (d->wanted == WANT_RELEASE)
			release(d, &p);
		if (d->storage < 0)
			look_for_module(d, &p);
		fds[3].fd = d->storage;
		if (poll(fds, 4, d->wanted == WANT_RELEASE && d->storage >= 0 ? 0 : wait) < 0 &&
		    errno != EINTR)
			break;
		if ((fds[0].revents & POLLIN) && !take_signal(d, sigs))
			break;
		if (fds[1].revents & POLLIN)
			control_accept(d);
		if ((fds[2].revents & POLLIN) && read(d->wake, &drained, sizeof(drained)) > 0)
			colls_reap(d);
		if (d->storage >= 0 && (fds[3].revents & POLLIN) && daemon_discover(d))
			say(LOG_ERR, "cannot list the durable collections that no daemon stores");
	}
	notify("STOPPING=1");
}

int main(int argc, char **argv)
{
	pthread_condattr_t monotonic;
	struct daemon d = {
		.opts = { .store = VEXFSD_STORE, .socket = VEXFSD_SOCKET },
		.storage = -1, .control = -1, .wake = -1,
	};
	int ret = read_options(argc, argv, &d.opts), sigs;

	if (ret >= 0)
		return ret;
	pthread_mutex_init(&d.lock, NULL);
	pthread_mutex_init(&d.run_lock, NULL);
	pthread_mutex_init(&d.adopt_lock, NULL);
	pthread_cond_init(&d.batch_free, NULL);
	/* Somebody may set the clock back. */
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&d.upkeep_wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	sigs = signals();
	ret = sigs < 0 ? -errno : start(&d);
	if (!ret) {
		protect();
		loop(&d, sigs);
		daemon_release(&d);
	}
	control_close(&d);
	store_close(d.s);
	store_io_posix_free(d.io);
	batches_free(&d);
	return ret ? 1 : 0;
}
