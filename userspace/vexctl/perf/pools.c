// SPDX-License-Identifier: GPL-2.0
/* "vexctl performance memory-pools". */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"
#include "term.h"
#include "trace.h"

static double of(const struct rows *rows, const char *tier, const char *counter)
{
	const struct row *r = rows_find(rows, "pool", tier);

	return r ? (double)row_value(r, counter) : NAN;
}

static void settings_of_pools(struct ctl *c, struct wire *w)
{
	static const char *const keys[] = {
		"pool_enabled", "pool_auto", "pool_compaction", "pool_compact_pct", "pool_min_hit_pct",
		"pool_max_use_pct", "pool_limit_mb",
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		char buf[64];

		read_setting(w, keys[i], buf, sizeof(buf));
		say_number(c, keys[i], *buf ? strtod(buf, NULL) : NAN);
	}
}

/* One row per tier, with some counters or all. */
static void tier_table(struct ctl *c, const struct rows *rows, bool detailed)
{
	static const struct column col[] = {
		{ "TIER", 8, true }, { "SIZE", 9 }, { "HELD", 9 }, { "IN USE", 9 }, { "HIGH", 9 },
		{ "HITS", 9 }, { "USE", 9 }, { "FRAGMENTS", 10 }, { "BYTES", 12 },
	};

	if (!c->json)
		table_row(TINT_HEAD, col, 9, NULL);
	for (size_t i = 0; i < rows->n; i++) {
		const struct row *r = &rows->row[i];

		if (c->json) {
			json_object_begin(&c->out);
			json_kv_string(&c->out, "tier", r->name);
			for (unsigned int k = 0; k < r->n; k++)
				json_kv_u64(&c->out, r->counter[k].name, r->counter[k].value);
			json_object_end(&c->out);
			continue;
		}
		const char *const cells[] = {
			r->name, cell("%" PRIu64, row_value(r, "size")),
			cell("%" PRIu64, row_value(r, "held")), cell("%" PRIu64, row_value(r, "in_use")),
			cell("%" PRIu64, row_value(r, "high_water")),
			cell("%.2f %%", (double)row_value(r, "hit_ppm") / 1e4),
			cell("%.1f %%", (double)row_value(r, "use_ppm") / 1e4),
			cell("%.1f %%", (double)row_value(r, "frag_ppm") / 1e4),
			cell("%" PRIu64, row_value(r, "held_bytes")),
		};

		table_row(TINT_PLAIN, col, 9, cells);
		for (unsigned int k = 0; detailed && k < r->n; k++)
			printf("    %-14s %" PRIu64 "\n", r->counter[k].name, r->counter[k].value);
	}
}

static int with_tiers(struct ctl *c, bool settings, bool detailed)
{
	struct rows rows = { 0 };
	struct wire *w;
	int ret = 0;

	w = wire_open(c, &ret);
	if (!w)
		return ret;
	ret = read_rows(c, w, "pool", &rows);
	if (!ret) {
		if (c->json) {
			json_object_begin(&c->out);
			json_key(&c->out, "tiers");
			json_array_begin(&c->out);
		}
		tier_table(c, &rows, detailed);
		if (c->json)
			json_array_end(&c->out);
		if (settings)
			settings_of_pools(c, w);
		end_json(c);
	}
	rows_free(&rows);
	wire_close(w);
	return ret;
}

int run_pools_status(struct ctl *c)
{
	return with_tiers(c, true, false);
}

int run_pools_stats(struct ctl *c)
{
	return with_tiers(c, false, opt_given(c, "detailed"));
}

/* ---- who allocates what ---- */

static void trace_rows(struct ctl *c, const struct trace *t)
{
	if (c->json) {
		json_kv_u64(&c->out, "allocations", t->allocs);
		json_kv_u64(&c->out, "frees", t->frees);
		json_kv_u64(&c->out, "lost", t->lost);
		json_key(&c->out, "callers");
		json_array_begin(&c->out);
	} else {
		printf("%" PRIu64 " allocations, %" PRIu64 " frees, %" PRIu64 " events lost\n", t->allocs,
		       t->frees, t->lost);
	}
	for (size_t i = 0; i < t->n; i++) {
		const struct trace_row *r = &t->row[i];

		if (c->json) {
			json_object_begin(&c->out);
			json_kv_string(&c->out, "caller", r->caller);
			json_kv_u64(&c->out, "up_to_bytes", 64ull << r->bucket);
			json_kv_string(&c->out, "tier", r->tier < TIERS ? tier_names[r->tier] : "huge");
			json_kv_u64(&c->out, "count", r->count);
			json_kv_u64(&c->out, "bytes", r->bytes);
			json_object_end(&c->out);
		} else {
			printf("  %-36s up to %9llu bytes  %-6s %10" PRIu64 " times %14" PRIu64
			       " bytes\n", shown(r->caller), 64ull << r->bucket,
			       r->tier < TIERS ? tier_names[r->tier] : "huge", r->count, r->bytes);
		}
	}
	if (c->json)
		json_array_end(&c->out);
}

static void fragments(struct ctl *c, const struct rows *rows)
{
	if (c->json) {
		json_key(&c->out, "fragmentation");
		json_object_begin(&c->out);
	}
	for (size_t i = 0; i < TIERS; i++) {
		double v = of(rows, tier_names[i], "frag_ppm") / 1e6;

		if (c->json)
			kv_number(&c->out, tier_names[i], v);
		else
			printf("fragmentation of %-7s %.1f %%\n", tier_names[i], v * 100);
	}
	if (c->json)
		json_object_end(&c->out);
}

int run_pools_analyze(struct ctl *c)
{
	static struct trace t;
	struct rows a = { 0 }, b = { 0 };
	struct wire *w;
	int64_t ms;
	int ret = perf_length(c, "duration", "10s", &ms);

	if (ret)
		return ret;
	w = wire_open(c, &ret);
	if (!w)
		return ret;
	ret = read_rows(c, w, "pool", &a);
	if (!ret && opt_given(c, "show-allocation-patterns")) {
		ret = trace_pools(c, ms, &t, NULL, NULL);
	} else if (!ret) {
		stop_on_signals();
		perf_sleep(ms);
	}
	if (!ret)
		ret = read_rows(c, w, "pool", &b);
	if (ret)
		goto out;
	if (c->json) {
		json_object_begin(&c->out);
		kv_number(&c->out, "seconds", (double)ms / 1e3);
		json_key(&c->out, "tiers");
		json_array_begin(&c->out);
	}
	for (size_t i = 0; i < TIERS; i++) {
		const char *tier = tier_names[i];
		double n = of(&b, tier, "allocs") - of(&a, tier, "allocs");
		double hits = of(&b, tier, "hits") - of(&a, tier, "hits");
		double bytes = of(&b, tier, "bytes") - of(&a, tier, "bytes");

		if (c->json) {
			json_object_begin(&c->out);
			json_kv_string(&c->out, "tier", tier);
			kv_number(&c->out, "requests", n);
			kv_number(&c->out, "hit_rate", n > 0 ? hits / n : NAN);
			kv_number(&c->out, "mean_bytes", n > 0 ? bytes / n : NAN);
			kv_number(&c->out, "high_water", of(&b, tier, "high_water"));
			json_object_end(&c->out);
		} else {
			printf("%-7s %10.0f requests, hit rate %s, %s bytes each, most in use %.0f\n",
			       tier, n, n > 0 ? cell("%.4f", hits / n) : "not known",
			       n > 0 ? cell("%.0f", bytes / n) : "not known",
			       of(&b, tier, "high_water"));
		}
	}
	if (c->json)
		json_array_end(&c->out);
	if (opt_given(c, "show-allocation-patterns"))
		trace_rows(c, &t);
	end_json(c);
out:
	rows_free(&a);
	rows_free(&b);
	wire_close(w);
	return ret;
}

static void print_alloc(const char *caller, size_t size, unsigned int tier, void *arg)
{
	struct ctl *c = arg;

	if (c->json) {
		ctl_json_start(c);
		json_object_begin(&c->out);
		json_kv_string(&c->out, "caller", caller);
		json_kv_u64(&c->out, "size", size);
		json_kv_string(&c->out, "tier", tier < TIERS ? tier_names[tier] : "huge");
		json_object_end(&c->out);
		json_finish(&c->out);
	} else {
		printf("%-40s %8zu bytes  %s\n", shown(caller), size,
		       tier < TIERS ? tier_names[tier] : "huge");
	}
}

int run_pools_trace(struct ctl *c)
{
	static struct trace t;
	struct rows rows = { 0 };
	struct wire *w;
	int64_t ms;
	int ret = perf_length(c, "duration", "10s", &ms);

	if (ret)
		return ret;
	w = wire_open(c, &ret);
	if (!w)
		return ret;
	ret = trace_pools(c, ms, &t, print_alloc, c);
	if (!ret)
		ret = read_rows(c, w, "pool", &rows);
	if (!ret) {
		if (c->json) {
			ctl_json_start(c);
			json_object_begin(&c->out);
			json_kv_u64(&c->out, "allocations", t.allocs);
			json_kv_u64(&c->out, "lost", t.lost);
		} else {
			printf("%" PRIu64 " allocations, %" PRIu64 " events lost\n", t.allocs, t.lost);
		}
		if (opt_given(c, "show-fragmentation"))
			fragments(c, &rows);
		end_json(c);
	}
	rows_free(&rows);
	wire_close(w);
	return ret;
}

/* ---- sizes ---- */

/* "16GB", "512MB", "300": MiB; -1 if it cannot be parsed. */
static int64_t read_mib(const char *text)
{
	char *end;
	double v = strtod(text, &end);
	double unit = 1;

	if (end == text || !(v > 0))
		return -1;
	if (*end == 'G' || *end == 'g')
		unit = 1024;
	else if (*end == 'T' || *end == 't')
		unit = 1048576;
	else if (*end && *end != 'M' && *end != 'm')
		return -1;
	if (*end && end[1] && strcasecmp(end + 1, "B") && strcasecmp(end + 1, "iB"))
		return -1;
	v *= unit;
	return v < 1 || v > 1e9 ? -1 : (int64_t)v;
}

int run_pools_configure(struct ctl *c)
{
	static const char *const sizes[TIERS][2] = {
		{ "small-buffers", "pool_small" }, { "medium-buffers", "pool_medium" },
		{ "large-buffers", "pool_large" },
	};
	struct change_list l = { 0 };
	double share;
	int ret;

	if (opt_given(c, "pool-size")) {
		int64_t mib = read_mib(opt_string(c, "pool-size", ""));

		if (mib < 0)
			return ctl_usage(c, "--pool-size '%s' is no size: 512MB, 16GB",
					 opt_string(c, "pool-size", ""));
		want_setting(&l, "pool_limit_mb", "%" PRId64, mib);
	}
	for (size_t i = 0; i < TIERS; i++)
		if (opt_given(c, sizes[i][0]))
			want_setting(&l, sizes[i][1], "%" PRIu64, opt_u64(c, sizes[i][0], 0));
	if (opt_given(c, "enable-compaction"))
		want_setting(&l, "pool_compaction", "1");
	ret = perf_share(c, "compaction-threshold", -1, &share);
	if (ret)
		return ret;
	if (share >= 0)
		want_setting(&l, "pool_compact_pct", "%.0f", share * 100);
	return apply_list(c, &l);
}

int run_pools_optimize(struct ctl *c)
{
	bool resize = opt_given(c, "auto-resize"), by_worker = opt_given(c, "auto");
	int64_t ms = opt_given(c, "quick") ? 1000 : 10000;
	struct change_list l = { 0 };
	struct rows rows = { 0 };
	struct wire *w;
	char buf[64];
	double most;
	int ret = 0;

	w = wire_open(c, &ret);
	if (!w)
		return ret;
	/* The peak use since the last reset, observed for a while longer. */
	stop_on_signals();
	if (opt_given(c, "workload-analysis") || resize)
		perf_sleep(ms);
	ret = read_rows(c, w, "pool", &rows);
	if (ret)
		goto out;
	most = strtod(read_setting(w, "pool_max_use_pct", buf, sizeof(buf)), NULL) / 100;
	most = most > 0.1 ? most : 0.8;
	if (c->json) {
		json_object_begin(&c->out);
		kv_number(&c->out, "observed_seconds", (double)ms / 1e3);
		json_key(&c->out, "tiers");
		json_array_begin(&c->out);
	}
	for (size_t i = 0; i < TIERS; i++) {
		static const char *const keys[TIERS] = { "pool_small", "pool_medium", "pool_large" };
		double high = of(&rows, tier_names[i], "high_water");
		double size = of(&rows, tier_names[i], "size");
		double wanted = fmax(16, ceil(high / most * 1.25));

		if (c->json) {
			json_object_begin(&c->out);
			json_kv_string(&c->out, "tier", tier_names[i]);
			kv_number(&c->out, "size", size);
			kv_number(&c->out, "high_water", high);
			kv_number(&c->out, "suggested", wanted);
			json_object_end(&c->out);
		} else {
			printf("%-7s has %.0f, most in use %.0f, suggested %.0f\n", tier_names[i], size,
			       high, wanted);
		}
		/* A size that is close enough is not changed. */
		if (resize && (wanted > size || wanted < size / 2))
			want_setting(&l, keys[i], "%.0f", wanted);
	}
	if (c->json)
		json_array_end(&c->out);
	if (by_worker)
		want_setting(&l, "pool_auto", "1");
	ret = change_settings(c, w, &l);
	if (!ret)
		end_json(c);
out:
	rows_free(&rows);
	wire_close(w);
	return ret;
}

static void show_tiers(struct ctl *c, const struct rows *rows)
{
	if (c->json) {
		json_key(&c->out, "tiers");
		json_array_begin(&c->out);
	}
	tier_table(c, rows, false);
	if (c->json)
		json_array_end(&c->out);
}

int run_pools_monitor(struct ctl *c)
{
	return watch_rows(c, "pool", show_tiers);
}

int run_pools_expand(struct ctl *c)
{
	uint64_t percent = opt_u64(c, "increase-percent", 50);

	if (!percent || percent > 1000)
		return ctl_usage(c, "--increase-percent takes 1 to 1000");
	return manage_once(c, VEXFS_MANAGE_ACTION_POOL_GROW, (int64_t)percent, false, "failed",
			   "every tier is larger now\n");
}

int run_pools_auto_enable(struct ctl *c)
{
	struct change_list l = { 0 };
	double hit, use;
	int ret = perf_share(c, "min-hit-rate", -1, &hit);

	if (!ret)
		ret = perf_share(c, "max-utilization", -1, &use);
	if (ret)
		return ret;
	want_setting(&l, "pool_auto", "1");
	if (hit >= 0)
		want_setting(&l, "pool_min_hit_pct", "%.0f", hit * 100);
	if (use >= 0)
		want_setting(&l, "pool_max_use_pct", "%.0f", use * 100);
	return apply_list(c, &l);
}

int run_pools_auto_disable(struct ctl *c)
{
	struct change_list l = { 0 };

	want_setting(&l, "pool_auto", "0");
	return apply_list(c, &l);
}

int run_pools_auto_status(struct ctl *c)
{
	static const char *const keys[] = { "pool_auto", "pool_min_hit_pct", "pool_max_use_pct" };
	struct wire *w;
	int ret = 0;

	w = wire_open(c, &ret);
	if (!w)
		return ret;
	if (c->json)
		json_object_begin(&c->out);
	say_settings(c, w, keys, sizeof(keys) / sizeof(keys[0]));
	end_json(c);
	wire_close(w);
	return EXIT_OK;
}

/* Slabs of our caches, from /proc/slabinfo. */
static void slabs(struct ctl *c)
{
	static char buf[1 << 17];

	if (!host_file("", "/proc/slabinfo", buf, sizeof(buf)))
		return;
	for (char *s = buf; s && *s; s = strchr(s, '\n'), s += s != NULL) {
		unsigned long used, all, per, n;
		char name[40];

		if (strncmp(s, "vexfs", 5) ||
		    sscanf(s, "%39s %lu %lu %*u %lu %*u : tunables %*u %*u %*u : slabdata %*u %lu", name,
			   &used, &all, &per, &n) != 5)
			continue;
		if (c->json) {
			json_object_begin(&c->out);
			json_kv_string(&c->out, "cache", name);
			json_kv_u64(&c->out, "objects", used);
			json_kv_u64(&c->out, "room", all);
			json_kv_u64(&c->out, "slabs", n);
			json_object_end(&c->out);
		} else {
			printf("%-24s %lu of %lu objects in %lu slabs of %lu\n", name, used, all, n, per);
		}
	}
}

static int show_fragmentation(struct ctl *c, struct wire *w, const struct rows *rows)
{
	(void)w;
	fragments(c, rows);
	if (c->json) {
		json_key(&c->out, "caches");
		json_array_begin(&c->out);
	}
	slabs(c);
	if (c->json)
		json_array_end(&c->out);
	return EXIT_OK;
}

int run_pools_fragmentation(struct ctl *c)
{
	return show_rows(c, "pool", show_fragmentation);
}

/*
 * With --minimize-downtime one tier at a time, the worst first, with pauses in between:
 * the limit is set so that only that tier exceeds it.
 */
static int defragment_gently(struct ctl *c, struct wire *w, uint32_t least, uint32_t *done)
{
	for (int pass = 0; pass < TIERS; pass++) {
		struct rows rows = { 0 };
		uint32_t worst = 0, second = 0, n;
		int ret = read_rows(c, w, "pool", &rows);

		for (size_t i = 0; i < TIERS && !ret; i++) {
			double v = of(&rows, tier_names[i], "frag_ppm");

			if (v > worst) {
				second = worst;
				worst = (uint32_t)v;
			} else if (v > second) {
				second = (uint32_t)v;
			}
		}
		rows_free(&rows);
		if (ret || worst <= least)
			return ret;
		ret = manage(c, w, VEXFS_MANAGE_ACTION_POOL_COMPACT, second > least ? second : least,
			     false, &n);
		if (ret)
			return ret;
		*done += n;
		perf_sleep(100);
	}
	return 0;
}

int run_pools_defragment(struct ctl *c)
{
	bool gently = opt_given(c, "minimize-downtime");
	uint32_t least, done = 0;
	struct wire *w;
	char buf[64];
	int ret = 0;

	w = wire_open(c, &ret);
	if (!w)
		return ret;
	stop_on_signals();
	least = (uint32_t)strtoul(read_setting(w, "pool_compact_pct", buf, sizeof(buf)), NULL, 10) * 10000;
	if (opt_given(c, "aggressive"))
		least = 0;
	if (gently)
		ret = defragment_gently(c, w, least, &done);
	else
		ret = manage(c, w, VEXFS_MANAGE_ACTION_POOL_COMPACT, least, false, &done);
	wire_close(w);
	if (ret)
		return ret;
	if (c->json) {
		json_object_begin(&c->out);
		json_kv_u64(&c->out, "compacted", done);
		kv_number(&c->out, "above", (double)least / 1e6);
		json_kv_bool(&c->out, "one_at_a_time", gently);
		end_json(c);
	} else {
		printf("%u tiers compacted, those above %.0f %%%s\n", done, (double)least / 1e4,
		       gently ? ", one at a time" : "");
	}
	return EXIT_OK;
}

/* Buffers in use in all tiers. */
static double used(const struct rows *rows)
{
	double sum = 0;

	for (size_t i = 0; i < TIERS; i++)
		sum += of(rows, tier_names[i], "in_use");
	return sum;
}

int run_pools_reset(struct ctl *c)
{
	bool hot = opt_given(c, "preserve-hot-data"), graceful = opt_given(c, "graceful"), quiet = true;
	struct rows rows = { 0 };
	struct wire *w;
	uint32_t done;
	int ret = 0;

	w = wire_open(c, &ret);
	if (!w)
		return ret;
	/* Waits until no buffer is in use, at most two seconds. */
	stop_on_signals();
	for (int i = 0; graceful && i < 40; i++) {
		ret = read_rows(c, w, "pool", &rows);
		quiet = !ret && used(&rows) == 0;
		if (ret || quiet || !perf_sleep(50))
			break;
	}
	if (!ret)
		ret = manage(c, w, VEXFS_MANAGE_ACTION_POOL_RESET, -1, hot, &done);
	rows_free(&rows);
	wire_close(w);
	if (ret)
		return ret;
	if (c->json) {
		json_object_begin(&c->out);
		json_kv_u64(&c->out, "drained", done);
		json_kv_bool(&c->out, "magazines_kept", hot);
		json_key(&c->out, "quiet");
		if (graceful)
			json_bool(&c->out, quiet);
		else
			json_null(&c->out);
		end_json(c);
	} else {
		printf("%u idle buffers were freed and allocated again%s; statistics were reset\n", done,
		       hot ? ", those in magazines stayed" : "");
	}
	return EXIT_OK;
}


static const struct opt stats_opts[] = {
	{ "detailed", 0, OPT_FLAG, NULL, "all counters of each tier" }, { 0 },
};

static const struct opt analyze_opts[] = {
	{ "duration", 0, OPT_STRING, "TIME", "how long to watch, default 10s" },
	{ "show-allocation-patterns", 0, OPT_FLAG, NULL, "by caller and size, from trace events" },
	{ 0 },
};

static const struct opt configure_opts[] = {
	{ "small-buffers", 0, OPT_U64, "N", "buffers of 1 KiB to keep" },
	{ "medium-buffers", 0, OPT_U64, "N", "buffers of 4 KiB" },
	{ "large-buffers", 0, OPT_U64, "N", "buffers of 16 KiB" },
	{ "pool-size", 0, OPT_STRING, "SIZE", "memory limit of all three, for example 16GB" },
	{ "enable-compaction", 0, OPT_FLAG, NULL, "let the worker pack tiers" },
	{ "compaction-threshold", 0, OPT_STRING, "SHARE", "fragmentation above which it compacts" }, { 0 },
};

static const struct opt optimize_opts[] = {
	{ "workload-analysis", 0, OPT_FLAG, NULL, "observe the use for ten seconds" },
	{ "auto-resize", 0, OPT_FLAG, NULL, "set the resulting sizes" },
	{ "auto", 0, OPT_FLAG, NULL, "enable the module's worker, which adjusts them" },
	{ "quick", 0, OPT_FLAG, NULL, "observe for one second only" }, { 0 },
};

static const struct opt monitor_opts[] = {
	{ "duration", 0, OPT_STRING, "TIME", "stop after this time, default 300s" },
	{ "real-time", 0, OPT_FLAG, NULL, "every second instead of every five" }, { 0 },
};

static const struct opt expand_opts[] = {
	{ "increase-percent", 0, OPT_U64, "N", "how much larger, default 50" }, { 0 },
};

static const struct opt auto_opts[] = {
	{ "min-hit-rate", 0, OPT_STRING, "SHARE", "hit rate below which it enlarges a tier, for example 0.90" },
	{ "max-utilization", 0, OPT_STRING, "SHARE", "use above which it enlarges a tier, for example 0.80" }, { 0 },
};

static const struct opt trace_opts[] = {
	{ "duration", 0, OPT_STRING, "TIME", "how long, default 10s" },
	{ "show-fragmentation", 0, OPT_FLAG, NULL, "fragmentation of each tier at the end" }, { 0 },
};

static const struct opt defragment_opts[] = {
	{ "aggressive", 0, OPT_FLAG, NULL, "every tier, whatever its fragmentation" },
	{ "minimize-downtime", 0, OPT_FLAG, NULL, "one tier at a time, with a pause" }, { 0 },
};

static const struct opt reset_opts[] = {
	{ "graceful", 0, OPT_FLAG, NULL, "wait up to two seconds until no buffer is in use" },
	{ "preserve-hot-data", 0, OPT_FLAG, NULL, "buffers in the magazines of the CPUs stay" }, { 0 },
};

#define POOLS	"performance memory-pools "

const struct verb pool_verbs[] = {
	{ POOLS "status", "", 0, 0, "show pools and settings", NULL, NULL, run_pools_status },
	{ POOLS "stats", "", 0, 0, "show hits, use and fragmentation", NULL, stats_opts, run_pools_stats },
	{ POOLS "analyze", "", 0, 0, "show what is allocated, and by whom", NULL, analyze_opts,
	  run_pools_analyze },
	{ POOLS "configure", "", 0, 0, "set sizes and compaction, all or nothing", NULL, configure_opts,
	  run_pools_configure },
	{ POOLS "optimize", "", 0, 0, "find suitable sizes and set them", NULL, optimize_opts,
	  run_pools_optimize },
	{ POOLS "monitor", "", 0, 0, "show pools repeatedly", NULL, monitor_opts, run_pools_monitor },
	{ POOLS "emergency-expand", "", 0, 0, "make every tier larger at once",
	  "Refused while the kernel wants memory back, and beyond a quarter of what is available.",
	  expand_opts, run_pools_expand },
	{ POOLS "auto-manage enable", "", 0, 0, "let the module maintain hit rate and use", NULL, auto_opts,
	  run_pools_auto_enable },
	{ POOLS "auto-manage disable", "", 0, 0, "keep the sizes fixed", NULL, NULL,
	  run_pools_auto_disable },
	{ POOLS "auto-manage status", "", 0, 0, "show whether automatic management is on", NULL, NULL, run_pools_auto_status },
	{ POOLS "fragmentation-analysis", "", 0, 0, "show how full slabs are", NULL, NULL,
	  run_pools_fragmentation },
	{ POOLS "allocation-trace", "", 0, 0, "print each allocation as it happens",
	  "From the trace events of the module, through an instance of tracefs of its own.", trace_opts,
	  run_pools_trace },
	{ POOLS "defragment", "", 0, 0, "pack tiers into fewer slabs", NULL, defragment_opts,
	  run_pools_defragment },
	{ POOLS "reset", "", 0, 0, "free and reallocate idle buffers, reset statistics", NULL,
	  reset_opts, run_pools_reset },
	{ 0 },
};
