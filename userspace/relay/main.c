// SPDX-License-Identifier: GPL-2.0
/* vexfs-relay: see vexfs-relay(8). */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmdline.h"
#include "escape.h"
#include "relay.h"

volatile sig_atomic_t relay_ends;

static const char usage[] =
	"usage: vexfs-relay source NAME [--feed FEED] [--url URL] [--max-mb N] [--metrics FILE]\n"
	"       vexfs-relay replica NAME [--feed FEED] [--url URL] [--state DIR] [--status FILE]\n"
	"                   [--metrics FILE]\n"
	"\n"
	"Ships the changes of a collection through NATS JetStream: vexfs-relay(8).\n"
	"\n"
	"  --feed FEED    name of the feed at the server (NAME)\n"
	"  --url URL      the server (nats://127.0.0.1:4222)\n"
	"  --max-mb N     source: MiB of changes that the server keeps for replicas (1024)\n"
	"  --state DIR    replica: directory for its position (/var/lib/vexfs-relay)\n"
	"  --status FILE  replica: JSON file with its lag\n"
	"  --metrics FILE write metrics for Prometheus there\n"
	"  --device PATH, --version, --help\n";

int relay_fail(const char *fmt, ...)
{
	char text[500];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fprintf(stderr, "vexfs-relay: %s\n", shown(text));
	return -1;
}

int relay_connect(struct relay *r)
{
	natsOptions *opts = NULL;
	natsStatus s = natsOptions_Create(&opts);

	if (s == NATS_OK)
		s = natsOptions_SetURL(opts, r->url);
	/* The client reconnects when the server comes back. */
	if (s == NATS_OK)
		s = natsOptions_SetMaxReconnect(opts, -1);
	if (s == NATS_OK)
		s = natsOptions_SetReconnectWait(opts, 250);
	if (s == NATS_OK)
		s = natsConnection_Connect(&r->nats, opts);
	if (s == NATS_OK)
		s = natsConnection_JetStream(&r->js, r->nats, NULL);
	natsOptions_Destroy(opts);
	return s == NATS_OK ? 0 : relay_fail("%s: %s", r->url, natsStatus_GetText(s));
}

static void stop(int sig)
{
	(void)sig;
	relay_ends = 1;
}

/* Returns -1 to go on, or an exit code. */
static int read_options(int argc, char **argv, struct relay *r)
{
	uint64_t mb = 0;
	const struct cmdline_row rows[] = {
		{ "feed", 0, CMDLINE_TEXT, { .text = &r->feed } },
		{ "url", 0, CMDLINE_TEXT, { .text = &r->url } },
		{ "max-mb", 0, CMDLINE_COUNT, { .count = &mb }, 1, 1u << 30 },
		{ "state", 0, CMDLINE_TEXT, { .text = &r->state } },
		{ "status", 0, CMDLINE_TEXT, { .text = &r->status } },
		{ "metrics", 0, CMDLINE_TEXT, { .text = &r->metrics } },
		{ "device", 0, CMDLINE_TEXT, { .text = &r->device } },
		{ 0 },
	};
	int ret = cmdline_read(argc, argv, "vexfs-relay", usage, rows);

	if (mb)
		r->max_bytes = mb << 20;
	return ret;
}

/* A feed's name is part of a NATS subject and of a file name. */
static int feed_ok(const char *feed)
{
	return *feed && strlen(feed) < 64 &&
	       !feed[strspn(feed, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")];
}

int main(int argc, char **argv)
{
	struct relay r = {
		.url = "nats://127.0.0.1:4222", .state = "/var/lib/vexfs-relay",
		.max_bytes = 1024ull << 20,
	};
	struct sigaction act = { .sa_handler = stop };
	int ret = read_options(argc, argv, &r);

	if (ret >= 0)
		return ret;
	if (argc - optind != 2 ||
	    (strcmp(argv[optind], "source") && strcmp(argv[optind], "replica"))) {
		fputs(usage, stderr);
		return 2;
	}
	r.name = argv[optind + 1];
	if (!r.feed)
		r.feed = r.name;
	if (!feed_ok(r.feed))
		return cmdline_refuse("vexfs-relay", "feed '%s': letters, digits, _ and - only; see --feed",
				      r.feed);
	snprintf(r.stream, sizeof(r.stream), "vexfs-%s", r.feed);
	snprintf(r.subject, sizeof(r.subject), "vexfs.%s.changes", r.feed);
	snprintf(r.lost, sizeof(r.lost), "vexfs.%s.lost", r.feed);
	r.room = RELAY_PAYLOAD + VEXFS_DIM_MAX * 4;
	r.buf = malloc(r.room);
	if (!r.buf)
		return relay_fail("no memory"), 1;
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	signal(SIGPIPE, SIG_IGN);
	ret = relay_connect(&r);
	if (!ret)
		ret = !strcmp(argv[optind], "source") ? source_run(&r) : replica_run(&r);
	jsCtx_Destroy(r.js);
	natsConnection_Destroy(r.nats);
	nats_Close();
	free(r.buf);
	return ret ? 1 : 0;
}
