// SPDX-License-Identifier: GPL-2.0
/*
 * Parses the command line of vexctl and finds the verb. Verbs are in tables; this file
 * knows none of them.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nearest.h"
#include "vexctl.h"

extern const struct verb change_verbs[], collection_verbs[], vector_verbs[], file_verbs[], dump_verbs[], mount_verbs[], search_verbs[],
	index_verbs[], help_verbs[], statistics_verbs[], module_verbs[], top_verbs[], tune_verbs[],
	bug_verbs[], debug_verbs[], monitoring_verbs[], fleet_verbs[], alert_verbs[],
	store_verbs[], performance_verbs[], history_verbs[], pool_verbs[], simd_verbs[],
	stack_verbs[], bridge_verbs[], results_verbs[];

const struct verb_group groups[] = {
	{
		.title = "Collections", .page = "vexctl-collection",
		.brief = "make, list, change and drop collections of vectors",
		.about = "A collection is a named set of vectors of one dimension, type and metric, with an "
			 "owner, a group and a mode, as a file has them.",
		.example = "vexctl create words --dim 100 --metric cos\n"
			   "vexctl create books --dim 3 --layout lang:u8,year:u16 --mode 0640\n"
			   "vexctl list\n"
			   "vexctl -j show books | jq .count\n"
			   "vexctl set books --capacity 1000000\n"
			   "vexctl drop words",
		.see = "vexfs 4,vexctl 8,vexctl-file 8,vexctl-index 8,vexctl-search 8,"
		       "vexctl-vector 8",
		.verbs = collection_verbs,
	}, {
		.title = "Changes", .page = "vexctl-watch",
		.brief = "follow the changes of a collection, and wait until they are durable",
		.about = "Each change of a collection has a sequence number: vectors stored, replaced and "
			 "deleted, settings, a graph created or dropped, the drop of the "
			 "collection.",
		.example = "vexctl watch words\n"
			   "vexctl watch words --snapshot --vectors | consumer\n"
			   "vexctl watch words --from 1200 -n 1 | jq .id\n"
			   "vexctl wait words --timeout 5",
		.see = "libvexfs 3,vexctl 8,vexctl-collection 8,vexctl-vector 8",
		.verbs = change_verbs,
	}, {
		.title = "Files", .page = "vexctl-file",
		.brief = "store the vectors of files, and write them to files",
		.about = "The format follows from the name: .fvecs, .ivecs, .bvecs, .fbin, .u8bin, .i8bin, "
			 ".npy. Files are read and written in blocks, so they may be larger than memory.",
		.example = "vexctl import words glove.fbin\n"
			   "vexctl import words more.npy --ids ids.npy\n"
			   "vexctl export words copy.fbin",
		.see = "libvexfs 3,vexctl 8,vexctl-collection 8,vexctl-vector 8",
		.verbs = file_verbs,
	}, {
		.title = "Whole collections", .page = "vexctl-dump",
		.brief = "keep a collection in one file, and make one from it",
		.about = "Import and export move vectors; dump and load move a collection: its settings, ids "
			 "and records, too, to another machine of the same byte order or to a "
			 "later day. vexctl-store(8) backs up all durable collections.",
		.example = "vexctl dump words words.vexdump\n"
			   "vexctl load words.vexdump --name words2\n"
			   "vexctl -j load words.vexdump --name kept --durability group | jq .loaded",
		.see = "vexctl 8,vexctl-collection 8,vexctl-file 8,vexctl-store 8",
		.verbs = dump_verbs,
	}, {
		.title = "Mounts", .page = "vexctl-mount",
		.brief = "mount collections as files, and directories with similar files",
		.about = "A mount shows each collection as a directory and each vector as a file. "
			 "With --over it shows another directory, with links to similar files "
			 "beside every file.",
		.example = "vexctl mount /mnt/vexfs\n"
			   "ls /mnt/vexfs/words/near/7\n"
			   "vexctl mount --over ~/notes --collection notes ~/notes.near\n"
			   "vexctl mount\n"
			   "vexctl umount /mnt/vexfs",
		.see = "vexfs-embed 1,vexctl 8,vexctl-collection 8,vexfs-mount 8",
		.verbs = mount_verbs,
	}, {
		.title = "Vectors", .page = "vexctl-vector",
		.brief = "store, read, delete and compare single vectors",
		.about = "A vector has a 64-bit id that the user chooses, its components, and a record of "
			 "attributes.",
		.example = "vexctl put books 1 --vector 1,0,0 --attr lang=3,year=2020\n"
			   "vexctl get books 1\n"
			   "vexctl distance books 1 2 3 --vector 1,0,0\n"
			   "vexctl delete books 1",
		.see = "vexctl 8,vexctl-collection 8,vexctl-file 8,vexctl-search 8",
		.verbs = vector_verbs,
	}, {
		.title = "Search", .page = "vexctl-search",
		.brief = "find the nearest vectors, duplicates and classes",
		.about = "A search compares queries with the vectors of a collection and prints the nearest, "
			 "nearest first: the first K, or all within a distance. A filter is an expression "
			 "over the fields of the records.",
		.example = "vexctl search words --id 9 -k 5 --skip-self\n"
			   "vexctl search books --vector 1,0,0 --filter 'lang == 3 && year >= 2020'\n"
			   "vexctl -j search words --query questions.fbin | jq -c '.results[].ids'\n"
			   "vexctl near-duplicates words --id 9 --range 0.01\n"
			   "vexctl classify books --vector 1,0,0 --field lang",
		.see = "libvexfs 3,vexctl 8,vexctl-index 8,vexctl-vector 8",
		.verbs = search_verbs,
	}, {
		.title = "Graph", .page = "vexctl-index",
		.brief = "build and check the graph of a collection",
		.about = "Searches compare every vector unless the collection has a graph. A graph finds nearly "
			 "all of the nearest in a fraction of the time.",
		.example = "vexctl index build words --m 16 --ef-construction 200\n"
			   "vexctl index status words\n"
			   "vexctl check words",
		.see = "vexctl 8,vexctl-collection 8,vexctl-search 8",
		.verbs = index_verbs,
	}, {
		.title = "Statistics", .page = "vexctl-stats",
		.brief = "show health and statistics",
		.about = "The module counts every op once. These verbs read its statistics over netlink. Reading "
			 "needs root or the group of the device; resetting needs CAP_SYS_ADMIN.",
		.example = "vexctl status && echo fine\n"
			   "vexctl stats pool\n"
			   "vexctl stats op -w 1\n"
			   "vexctl -j status | jq .attention\n"
			   "vexctl events -f",
		.see = "vexstress 1,vexctl 8,vexctl-debug 8,vexctl-top 8,vexctl-tune 8",
		.verbs = statistics_verbs,
	}, {
		.title = "Store", .page = "vexctl-store",
		.brief = "manage the store of durable collections",
		.about = "vexfsd(8) keeps durable collections in a store. Where it runs these verbs ask "
			 "it; where it does not they open the store themselves, with --store from a "
			 "directory of your choice.",
		.example = "vexctl store info\n"
			   "vexctl store check\n"
			   "vexctl store backup /srv/backup/monday\n"
			   "vexctl store check --store /srv/backup/monday\n"
			   "vexctl -j store info | jq '.collections[].seq'",
		.see = "vexctl 8,vexctl-collection 8,vexfsd 8",
		.verbs = store_verbs,
	}, {
		.title = "Live", .page = "vexctl-top",
		.brief = "show activity live",
		.about = "One screen with ops, pools, stack, FPU time and collections. Columns that do not fit "
			 "the terminal are left out from the right.",
		.example = "vexctl top\nvexctl top -d 0.5\nNO_COLOR=1 vexctl top",
		.see = "vexctl 8,vexctl-stats 8",
		.verbs = top_verbs,
	}, {
		.title = "Monitoring", .page = "vexctl-monitoring",
		.brief = "write files for Prometheus and node_exporter",
		.about = "Rules for Prometheus with the thresholds of this machine, and results of vexstress as "
			 "metrics. What Prometheus scrapes is served by vexfs-exporter(8).",
		.example = "vexctl monitoring rules -o /etc/prometheus/vexfs-performance-alerts.yml\n"
			   "vexctl monitoring results run.json -o /var/lib/prometheus/node-exporter/vexstress.prom",
		.see = "vexstress 1,vexfs.conf 5,vexctl 8,vexctl-fleet 8,vexfs-exporter 8",
		.verbs = monitoring_verbs,
	}, {
		.title = "Alerts", .page = "vexctl-alert",
		.brief = "push, list and silence alerts",
		.about = "These verbs speak to an Alertmanager (its API version 2). They need neither root nor the "
			 "module, but for the spool.",
		.example = "vexctl alert send VexFSFusePerformanceLow --summary '3100 ops/s'\n"
			   "vexctl alert send VexFSFusePerformanceLow --resolved\n"
			   "vexctl alert list --alertmanager http://alerts.example.org:9093\n"
			   "vexctl alert silence VexFSSIMDDisabled --hours 8 --comment 'new firmware'",
		.see = "vexctl 8,vexctl-fleet 8,vexctl-monitoring 8",
		.verbs = alert_verbs,
	}, {
		.title = "Fleet", .page = "vexctl-fleet",
		.brief = "look at many machines side by side",
		.about = "These verbs ask a Prometheus that scrapes vexfs-exporter(8) on many machines. They need "
			 "neither root nor the module.",
		.example = "vexctl fleet status --prometheus http://prometheus.example.org:9090\n"
			   "vexctl fleet top --by p99_s -n 5\n"
			   "vexctl fleet compare --ago 1d\n"
			   "vexctl -j fleet status | jq '.fleet[] | select(.outlier)'",
		.see = "vexctl 8,vexctl-monitoring 8,vexfs-exporter 8",
		.verbs = fleet_verbs,
	}, {
		.title = "Settings", .page = "vexctl-tune",
		.brief = "show and change the settings of vexfs",
		.about = "Settings are the parameters of the module. A change of several settings is one "
			 "transaction: all of them change, or none.",
		.example = "vexctl tune\n"
			   "vexctl tune fpu_budget_us=20 pool.small=512\n"
			   "vexctl tune --file /etc/vexfs/vexfs.conf --dry-run\n"
			   "vexctl apply",
		.see = "vexfs.conf 5,vexctl 8,vexctl-module 8,vexctl-stats 8",
		.verbs = tune_verbs,
	}, {
		.title = "Module", .page = "vexctl-module",
		.brief = "load, unload and describe the kernel module",
		.about = "Dependencies, blacklists and options of modprobe.d apply as for modprobe.",
		.example = "vexctl module load stack_limit=4096\nvexctl module info\nvexctl module unload",
		.see = "vexfs 4,modprobe 8,vexctl 8,vexctl-tune 8",
		.verbs = module_verbs,
	}, {
		.title = "Debugging", .page = "vexctl-debug",
		.brief = "print what vexfs shows in debugfs",
		.about = "debugfs alone shows the speed of each variant of the arithmetic, histograms, and the "
			 "collections of all users.",
		.example = "vexctl debug\nvexctl debug simd/bench\nvexctl debug collections/words/check",
		.see = "vexctl 8,vexctl-stats 8",
		.verbs = debug_verbs,
	}, {
		.title = "Bug reports", .page = "vexctl-bug-report",
		.brief = "gather what a bug report needs",
		.about = "One file with what a bug report needs. Read it before you send it.",
		.example = "vexctl bug-report\n"
			   "vexctl bug-report --yes -o /tmp/report.tar && tar -tf /tmp/report.tar",
		.see = "vexctl 8,vexctl-debug 8,vexctl-stats 8",
		.verbs = bug_verbs,
	},
	{
		.title = "Performance", .page = "vexctl-performance",
		.brief = "find out why vexfs is slow, and fix it",
		.about = "Current statistics of the module and of the machine. The name of --output decides on the "
			 "form: .json gets JSON, .html a page for browsers (of the verb's tables, or with its text as "
			 "it is), any other name text; -j with a name in .html is refused.",
		.example = "vexctl performance metrics\n"
			   "vexctl performance monitor -i 5",
		.see = "vexfs.conf 5,vexctl 8,vexctl-history 8,vexctl-stats 8,vexfs-monitord 8",
		.verbs = performance_verbs,
	},
	{
		.title = "Memory pools", .page = "vexctl-memory-pools",
		.brief = "monitor and configure the memory pools of vexfs",
		.about = "Ops take their buffers from pools of three tiers; docs/memory.md explains them.",
		.example = "vexctl performance memory-pools status\n"
			   "vexctl performance memory-pools optimize --workload-analysis --auto-resize\n"
			   "vexctl performance memory-pools analyze --duration 1m --show-allocation-patterns",
		.see = "vexctl 8,vexctl-performance 8,vexctl-tune 8",
		.verbs = pool_verbs,
	}, {
		.title = "Arithmetic", .page = "vexctl-simd",
		.brief = "monitor and configure the arithmetic of vexfs",
		.about = "Distances are computed by the best variant that the processor has and the settings "
			 "allow; all give the same answers.",
		.example = "vexctl performance simd status\n"
			   "vexctl performance simd configure --enable-avx2-only --batch-size 8\n"
			   "vexctl performance simd test --all-algorithms",
		.see = "vexctl 8,vexctl-performance 8,vexctl-tune 8",
		.verbs = simd_verbs,
	}, {
		.title = "Stack", .page = "vexctl-stack",
		.brief = "monitor and configure the stack use of vexfs",
		.about = "Every op measures its use of the stack; large buffers come from the "
			 "pools instead.",
		.example = "vexctl performance stack status\n"
			   "vexctl performance stack violations --count --details\n"
			   "vexctl performance stack configure --limit 2800 --heap-threshold 512",
		.see = "vexctl 8,vexctl-performance 8,vexctl-tune 8",
		.verbs = stack_verbs,
	}, {
		.title = "Bridge", .page = "vexctl-bridge",
		.brief = "monitor and configure how ops of vexfs wait, run and share their work",
		.about = "Concurrent ops of one collection are ordered by priority, and searches "
			 "share runs. Asynchronous ops are queued.",
		.example = "vexctl performance bridge status\n"
			   "vexctl performance bridge configure --batch-size 200 --batch-timeout 5ms\n"
			   "vexctl performance bridge test --comprehensive",
		.see = "vexctl 8,vexctl-performance 8,vexctl-tune 8",
		.verbs = bridge_verbs,
	},
#ifdef HAVE_SQLITE
	{
		.title = "History", .page = "vexctl-history",
		.brief = "analyse the history: trends, regressions, causes",
		.about = "These verbs read the history that vexfs-monitord writes, up to a year. A period is a length "
			 "of time that ends now, such as 1h or 7d, or two times, as in \"7d ago to 6d ago\", "
			 "\"1h ago to now\" or \"2026-11-01 08:00 to 2026-11-01 09:30\". The name of --output decides "
			 "on the form: .json gets JSON, .html a page for browsers (of the verb's tables and charts, or "
			 "with its text as it is), any other name text; -j with a name in .html is refused.",
		.example = "vexctl performance trend-analysis --duration 30d --detect-regressions\n"
			   "vexctl performance compare-periods --period1 \"7d ago to 6d ago\" "
			   "--period2 \"1h ago to now\"\n"
			   "vexctl performance investigate --duration 7d",
		.see = "vexfs.conf 5,vexctl 8,vexctl-performance 8,vexfs-monitord 8",
		.verbs = history_verbs,
	},
	{
		.title = "Results", .page = "vexctl-results",
		.brief = "keep runs, baselines and reports",
		.about = "Results of vexstress and other programs, stored in the history.",
		.example = "vexstress -j --quick vector | vexctl results import - --name before\n"
			   "vexctl results list\n"
			   "vexctl results show 1 --output before.json\n"
			   "vexctl results prune --older-than 90d",
		.see = "vexstress 1,vexctl 8,vexctl-history 8",
		.verbs = results_verbs,
	},
#endif
	{ .title = "Help", .verbs = help_verbs },
	{ 0 },
};

const struct opt global_opts[] = {
	{ "json", 'j', OPT_FLAG, NULL, "print one JSON value" },
	{ "pretty", 'p', OPT_FLAG, NULL, "with -j: one member per line" },
	{ "quiet", 'q', OPT_FLAG, NULL, "show no progress" },
	{ "device", 0, OPT_STRING, "PATH", "device to use instead of /dev/vexfs" },
	{ "help", 'h', OPT_FLAG, NULL, "explain the verb" },
	{ "version", 'V', OPT_FLAG, NULL, "print the version of vexctl" },
	{ 0 },
};

static bool value_ok(const struct opt *o, const char *text)
{
	uint64_t u;
	double d;
	char *end;

	switch (o->kind) {
	case OPT_U64:
		return parse_u64(text, &u);
	case OPT_NUMBER:
	case OPT_SIGNED:
		return parse_number(text, &d) && (d >= 0 || o->kind == OPT_SIGNED);
	case OPT_OCTAL:
		return *text >= '0' && *text <= '7' && strtoul(text, &end, 8) <= 07777 && !*end;
	default:
		return true;
	}
}

static int opt_index(const struct ctl *c, const char *name)
{
	for (int i = 0; c->verb->opts && c->verb->opts[i].name; i++)
		if (!strcmp(c->verb->opts[i].name, name))
			return i;
	fprintf(stderr, "vexctl: '%s' has no option '%s'\n", c->verb->name, name);
	abort();
}

bool opt_given(const struct ctl *c, const char *name)
{
	return c->values[opt_index(c, name)] != NULL;
}

const char *opt_string(const struct ctl *c, const char *name, const char *otherwise)
{
	const char *v = c->values[opt_index(c, name)];

	return v ? v : otherwise;
}

uint64_t opt_u64(const struct ctl *c, const char *name, uint64_t otherwise)
{
	int i = opt_index(c, name);
	uint64_t v = otherwise;

	if (c->values[i] && c->verb->opts[i].kind == OPT_OCTAL)
		return strtoul(c->values[i], NULL, 8);
	if (c->values[i])
		parse_u64(c->values[i], &v);
	return v;
}

uint32_t opt_u32(const struct ctl *c, const char *name, uint32_t otherwise)
{
	uint64_t v = opt_u64(c, name, otherwise);

	return v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

double opt_number(const struct ctl *c, const char *name, double otherwise)
{
	const char *v = c->values[opt_index(c, name)];
	double d = otherwise;

	if (v)
		parse_number(v, &d);
	return d;
}

/* True if @words (n of them) are the first words of @name; @whole: all of them. */
static bool words_match(const char *name, char **words, int n, bool *whole)
{
	for (int i = 0; i < n; i++) {
		size_t len = strlen(words[i]);

		if (!len || strncmp(name, words[i], len) || (name[len] && name[len] != ' '))
			return false;
		name += len;
		name += *name == ' ';
	}
	*whole = !*name;
	return true;
}

/* The verb with the longest name that the words begin with. */
static const struct verb *find_verb(char **words, int n, int *used)
{
	const struct verb *best = NULL;

	*used = 0;
	for (int len = 1; len <= n; len++) {
		bool any = false;

		for (const struct verb_group *g = groups; g->title; g++)
			for (const struct verb *v = g->verbs; v->name; v++) {
				bool whole;

				if (!words_match(v->name, words, len, &whole))
					continue;
				any = true;
				if (whole) {
					best = v;
					*used = len;
				}
			}
		if (!any)
			break;
	}
	return best;
}

static const struct opt *match_long(const struct opt *opts, const char *name, size_t len)
{
	for (; opts && opts->name; opts++)
		if (strlen(opts->name) == len && !strncmp(opts->name, name, len))
			return opts;
	return NULL;
}

static const struct opt *match_short(const struct opt *opts, char letter)
{
	for (; opts && opts->name; opts++)
		if (opts->letter == letter)
			return opts;
	return NULL;
}

struct call {
	struct ctl c;
	bool help;
	bool version;
};

static void set_option(struct call *call, const struct opt *o, const char *value)
{
	if (match_long(global_opts, o->name, strlen(o->name)) == o) {
		if (!strcmp(o->name, "json"))
			call->c.json = true;
		else if (!strcmp(o->name, "pretty"))
			call->c.pretty = true;
		else if (!strcmp(o->name, "quiet"))
			call->c.quiet = true;
		else if (!strcmp(o->name, "device"))
			call->c.device = value;
		else if (!strcmp(o->name, "help"))
			call->help = true;
		else
			call->version = true;
		return;
	}
	call->c.values[o - call->c.verb->opts] = value;
}

static void unknown_option(const struct opt *verb_opts, const char *arg, size_t len, char *why,
			   size_t room)
{
	const char *names[OPTS_MAX + 8], *near;
	char name[40] = "";
	size_t n = 0;

	for (const struct opt *o = verb_opts; o && o->name && n < OPTS_MAX; o++)
		names[n++] = o->name;
	for (const struct opt *o = global_opts; o->name; o++)
		names[n++] = o->name;
	snprintf(name, sizeof(name), "%.*s", (int)(len < sizeof(name) ? len : 0), arg + 2);
	near = *name ? nearest_name(name, names, n) : NULL;
	snprintf(why, room, "unknown option %s%s%s%s", arg, near ? "; did you mean --" : "",
		 near ? near : "", near ? "?" : "");
}

/* Parses one option at argv[i]; returns the number of arguments it used, or 0 on error. */
static int read_option(struct call *call, char **argv, int i, int argc, char *why, size_t room)
{
	const struct opt *verb_opts = call->c.verb ? call->c.verb->opts : NULL;
	const char *arg = argv[i];
	const char *value = NULL;
	const struct opt *o;
	int took = 1;

	if (arg[1] == '-') {
		size_t len = strcspn(arg + 2, "=");

		o = match_long(verb_opts, arg + 2, len);
		if (!o)
			o = match_long(global_opts, arg + 2, len);
		if (!o) {
			unknown_option(verb_opts, arg, len, why, room);
			return 0;
		}
		if (arg[2 + len] == '=')
			value = arg + 3 + len;
		if (o->kind == OPT_FLAG && value) {
			snprintf(why, room, "--%s takes no value", o->name);
			return 0;
		}
	} else {
		const char *s = arg + 1;

		for (;; s++) {
			o = match_short(verb_opts, *s);
			if (!o)
				o = match_short(global_opts, *s);
			if (!o) {
				snprintf(why, room, "unknown option -%c", *s);
				return 0;
			}
			if (o->kind != OPT_FLAG || !s[1])
				break;
			set_option(call, o, "");
		}
		if (o->kind != OPT_FLAG && s[1])
			value = s + 1;
	}
	if (o->kind != OPT_FLAG && !value) {
		if (i + 1 >= argc) {
			snprintf(why, room, "--%s needs a value: %s", o->name, o->arg);
			return 0;
		}
		value = argv[i + 1];
		took = 2;
	}
	if (value && !value_ok(o, value)) {
		snprintf(why, room, "--%s '%s': %s expected", o->name, value,
			 o->kind == OPT_U64 ? "a whole number" :
			 o->kind == OPT_OCTAL ? "an octal mode" :
			 o->kind == OPT_SIGNED ? "a finite number" : "a number of 0 or more");
		return 0;
	}
	set_option(call, o, value ? value : "");
	return took;
}

/* Global options may precede the verb; its words must be adjacent. */
static int find_words(struct call *call, char **argv, int argc, int *first, int *words)
{
	char why[200];
	int i = 1;

	while (i < argc && argv[i][0] == '-' && argv[i][1]) {
		int took = read_option(call, argv, i, argc, why, sizeof(why));

		if (!took)
			return ctl_usage(&call->c, "%s", why);
		i += took;
	}
	*first = i;
	*words = 0;
	while (i < argc && argv[i][0] != '-')
		i++, ++*words;
	return 0;
}

static int missing_option(struct ctl *c)
{
	for (int i = 0; c->verb->opts && c->verb->opts[i].name; i++)
		if (c->verb->opts[i].required && !c->values[i])
			return ctl_usage(c, "--%s %s is missing", c->verb->opts[i].name,
					 c->verb->opts[i].arg);
	return 0;
}

/* The verb whose name is nearest to what was typed, with one word or two. */
static const char *near_verb(char **words, int n)
{
	const char *names[128], *near;
	char typed[80];
	size_t k = 0;

	for (const struct verb_group *g = groups; g->title; g++)
		for (const struct verb *v = g->verbs; v->name && k < 128; v++)
			names[k++] = v->name;
	snprintf(typed, sizeof(typed), "%s%s%s", words[0], n > 1 ? " " : "", n > 1 ? words[1] : "");
	near = nearest_name(typed, names, k);
	return near || n < 2 ? near : nearest_name(words[0], names, k);
}

static int unknown_verb(struct call *call, char **words, int n)
{
	const char *near = near_verb(words, n);

	for (const struct verb_group *g = groups; g->title; g++)
		for (const struct verb *v = g->verbs; v->name; v++) {
			bool whole;

			if (!words_match(v->name, words, 1, &whole))
				continue;
			if (call->help) {
				print_overview(&call->c, stdout, words[0]);
				return EXIT_OK;
			}
			if (n > 1)
				return ctl_usage(&call->c, "'%s' has no verb '%s'%s%s%s; see 'vexctl %s --help'",
						 words[0], words[1], near ? "; did you mean '" : "",
						 near ? near : "", near ? "'?" : "", words[0]);
			return ctl_usage(&call->c, "'%s' needs a verb; see 'vexctl %s --help'",
					 words[0], words[0]);
		}
	return ctl_usage(&call->c, "there is no verb '%s'%s%s%s; see 'vexctl --help'", words[0],
			 near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* With -j anywhere, errors of the command line are also JSON. */
static bool wants_json(char **argv, int argc)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--"))
			break;
		if (!strcmp(argv[i], "--json") || !strcmp(argv[i], "-j") ||
		    !strcmp(argv[i], "-jp") || !strcmp(argv[i], "-pj"))
			return true;
	}
	return false;
}

static int print_version(struct ctl *c)
{
	if (c->json) {
		json_object_begin(&c->out);
		json_kv_string(&c->out, "version", VEXFS_VERSION);
		json_object_end(&c->out);
		json_finish(&c->out);
	} else {
		printf("vexctl %s\n", VEXFS_VERSION);
	}
	return EXIT_OK;
}

int main(int argc, char **argv)
{
	struct call call = { 0 };
	struct ctl *c = &call.c;
	int first = 0, words = 0, used, ret;
	char why[300];

	c->json = wants_json(argv, argc);
	ctl_json_start(c);
	ret = find_words(&call, argv, argc, &first, &words);
	if (ret)
		return ret;
	if (call.version)
		return print_version(c);
	c->out.pretty = c->pretty;
	if (!words && call.help) {
		print_overview(c, stdout, NULL);
		return EXIT_OK;
	}
	if (!words && c->json)
		return ctl_usage(c, "no verb; see 'vexctl --help'");
	if (!words) {
		print_overview(c, stderr, NULL);
		return EXIT_USAGE;
	}
	c->verb = find_verb(argv + first, words, &used);
	c->argv = calloc((size_t)argc + 1, sizeof(*c->argv));
	if (!c->argv)
		return EXIT_REFUSED;
	for (int i = first + used; i < argc;) {
		if (!strcmp(argv[i], "--")) {
			while (++i < argc)
				c->argv[c->argc++] = argv[i];
		} else if (argv[i][0] == '-' && argv[i][1]) {
			int took = read_option(&call, argv, i, argc, why, sizeof(why));

			if (!took && !c->verb)
				break;
			if (!took)
				return ctl_usage(c, "%s; see 'vexctl %s --help'", why,
						 c->verb->name);
			i += took;
		} else {
			c->argv[c->argc++] = argv[i++];
		}
	}
	if (!c->verb)
		return unknown_verb(&call, argv + first, words);
	c->out.pretty = c->pretty;
	if (call.help) {
		print_help(c, c->verb);
		return EXIT_OK;
	}
	if (c->argc < c->verb->min_args)
		return ctl_usage(c, "usage: vexctl %s %s", c->verb->name, c->verb->args);
	if (c->verb->max_args >= 0 && c->argc > c->verb->max_args)
		return ctl_usage(c, "'%s' is one argument too many; see 'vexctl %s --help'",
				 c->argv[c->verb->max_args], c->verb->name);
	ret = missing_option(c);
	if (!ret)
		ret = c->verb->run(c);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "vexctl: cannot write the result: %s\n", strerror(errno));
		ret = ret ? ret : EXIT_REFUSED;
	}
	free(c->argv);
	return ret;
}
