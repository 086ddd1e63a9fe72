// SPDX-License-Identifier: GPL-2.0
/* vexfs-relay: see vexfs-relay(8). */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "parse.h"
#include "relay.h"

volatile sig_atomic_t relay_ends;

static const char usage[] =
	"usage: vexfs-relay source NAME [--feed FEED] [--url URL] [--max-mb N]\n"
	"       vexfs-relay replica NAME [--feed FEED] [--url URL] [--state DIR] [--status FILE]\n"
	"\n"
	"Ships the changes of a collection through NATS JetStream: vexfs-relay(8).\n"
	"\n"
	"  --feed FEED    name of the feed at the server (NAME)\n"
	"  --url URL      the server (nats://127.0.0.1:4222)\n"
	"  --max-mb N     source: MiB of changes that the server keeps for replicas (1024)\n"
	"  --state DIR    replica: directory for its position (/var/lib/vexfs-relay)\n"
	"  --status FILE  replica: JSON file with its lag\n"
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

static int read_options(int argc, char **argv, struct relay *r)
{
	static const struct option list[] = {
		{ "feed", required_argument, NULL, 'f' }, { "url", required_argument, NULL, 'u' },
		{ "max-mb", required_argument, NULL, 'm' }, { "state", required_argument, NULL, 's' },
		{ "status", required_argument, NULL, 'S' }, { "device", required_argument, NULL, 'd' },
		{ "version", no_argument, NULL, 'V' }, { "help", no_argument, NULL, 'h' }, { 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "hV", list, NULL)) != -1) {
		switch (c) {
		case 'f':
			r->feed = optarg;
			break;
		case 'u':
			r->url = optarg;
			break;
		case 'm':
			if (!parse_u64(optarg, &r->max_bytes) || !r->max_bytes ||
			    r->max_bytes > 1u << 30)
				return relay_fail("--max-mb '%s': a number expected", optarg), 2;
			r->max_bytes <<= 20;
			break;
		case 's':
			r->state = optarg;
			break;
		case 'S':
			r->status = optarg;
			break;
		case 'd':
			r->device = optarg;
			break;
		case 'V':
			puts("vexfs-relay " VEXFS_VERSION);
			return -1;
		case 'h':
			fputs(usage, stdout);
			return -1;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	return 0;
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

	if (ret)
		return ret < 0 ? 0 : ret;
	if (argc - optind != 2 ||
	    (strcmp(argv[optind], "source") && strcmp(argv[optind], "replica"))) {
		fputs(usage, stderr);
		return 2;
	}
	r.name = argv[optind + 1];
	if (!r.feed)
		r.feed = r.name;
	if (!feed_ok(r.feed))
		return relay_fail("feed '%s': letters, digits, _ and - only; see --feed", r.feed), 2;
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
