// SPDX-License-Identifier: GPL-2.0
/* "vexctl performance simd". */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"
#include "term.h"

/* Bits of simd_mask. */
#define SET_AVX2	1
#define SET_FMA		2
#define SET_AVX512	4

static const char *sets_text(int mask)
{
	static char text[40];

	snprintf(text, sizeof(text), "%s%s%s%s", mask & SET_AVX2 ? "avx2 " : "",
		 mask & SET_FMA ? "fma " : "", mask & SET_AVX512 ? "avx512 " : "", mask ? "" : "none");
	return text;
}

/* The instruction sets in simd_mask that the processor has. */
static int processor_sets(void)
{
	static char buf[1 << 16];
	const char *flags;
	int mask = 0;

	if (!host_file("", "/proc/cpuinfo", buf, sizeof(buf)))
		return -1;
	flags = strstr(buf, "\nflags");
	if (!flags)
		return 0;
	mask |= strstr(flags, " avx2 ") ? SET_AVX2 : 0;
	mask |= strstr(flags, " fma ") ? SET_FMA : 0;
	mask |= strstr(flags, " avx512f ") && strstr(flags, " avx512bw ") ? SET_AVX512 : 0;
	return mask;
}

static int mask_now(struct wire *w)
{
	char buf[64];

	return (int)strtol(read_setting(w, "simd_mask", buf, sizeof(buf)), NULL, 10);
}

static void variants(struct ctl *c, const struct rows *rows)
{
	if (c->json) {
		json_key(&c->out, "variants");
		json_array_begin(&c->out);
	}
	for (size_t i = 0; i < rows->n; i++) {
		const struct row *r = &rows->row[i];

		if (c->json) {
			json_object_begin(&c->out);
			json_kv_string(&c->out, "name", r->name);
			json_kv_bool(&c->out, "usable", row_value(r, "usable"));
			json_kv_bool(&c->out, "in_use", row_value(r, "in_use"));
			json_object_end(&c->out);
		} else {
			printf("%-24s %s%s\n", r->name, row_value(r, "usable") ? "usable" : "not usable",
			       row_value(r, "in_use") ? ", in use" : "");
		}
	}
	if (c->json)
		json_array_end(&c->out);
}

static const char *in_use(const struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++)
		if (row_value(&rows->row[i], "in_use"))
			return rows->row[i].name;
	return "none";
}

static int show_status(struct ctl *c, struct wire *w, const struct rows *rows)
{
	static const char *const keys[] = { "simd_batch", "simd_adaptive", "simd_fallback",
					    "search_batching", "fpu_budget_us", "emergency_mode" };

	say_text(c, "variant", in_use(rows));
	say_text(c, "permitted", sets_text(mask_now(w)));
	say_number(c, "simd_mask", mask_now(w));
	say_settings(c, w, keys, sizeof(keys) / sizeof(keys[0]));
	variants(c, rows);
	return EXIT_OK;
}

int run_simd_status(struct ctl *c)
{
	return show_rows(c, "simd", show_status);
}

/* The file simd/variants says why a variant cannot be used. */
int run_simd_hardware(struct ctl *c)
{
	int sets = processor_sets();
	char buf[8192];

	if (sets < 0) {
		ctl_refuse(c, errno, "/proc/cpuinfo cannot be read");
		return EXIT_CANNOT_TELL;
	}
	if (c->json)
		json_object_begin(&c->out);
	say_text(c, "processor has", sets_text(sets));
	if (c->json) {
		json_kv_bool(&c->out, "avx2", sets & SET_AVX2);
		json_kv_bool(&c->out, "fma", sets & SET_FMA);
		json_kv_bool(&c->out, "avx512", sets & SET_AVX512);
		json_key(&c->out, "variants");
		json_array_begin(&c->out);
	}
	if (debug_file("simd/variants", buf, sizeof(buf)))
		for (char *s = strtok(buf, "\n"); s; s = strtok(NULL, "\n")) {
			if (!strncmp(s, "type ", 5))
				break;
			if (!strncmp(s, "choice ", 7))
				continue;
			if (c->json)
				json_string(&c->out, s);
			else
				printf("%s\n", shown(s));
		}
	if (c->json)
		json_array_end(&c->out);
	end_json(c);
	return sets & SET_AVX2 && sets & SET_FMA ? EXIT_OK : EXIT_FINDING;
}

int run_simd_enable(struct ctl *c)
{
	struct change_list l = { 0 };

	/* Allows everything again; the module chooses the best. */
	want_setting(&l, "simd_mask", "7");
	if (opt_given(c, "auto-detect"))
		want_setting(&l, "simd", "auto");
	return apply_list(c, &l);
}

static int want_sets(struct ctl *c, struct change_list *l, int *mask)
{
	int has = processor_sets(), plus = 0;

	if (opt_given(c, "enable-avx512") && opt_given(c, "disable-avx512"))
		return ctl_usage(c, "--enable-avx512 and --disable-avx512 do not go together");
	if (opt_given(c, "enable-avx2-only")) {
		plus = SET_AVX2 | SET_FMA;
		*mask = 0;
	}
	plus |= opt_given(c, "enable-avx2") ? SET_AVX2 : 0;
	plus |= opt_given(c, "enable-fma") ? SET_FMA : 0;
	plus |= opt_given(c, "enable-avx512") ? SET_AVX512 : 0;
	if (has >= 0 && plus & ~has)
		return ctl_refuse(c, EOPNOTSUPP, "the processor has no %s", sets_text(plus & ~has));
	*mask |= plus;
	if (opt_given(c, "disable-avx512"))
		*mask &= ~SET_AVX512;
	/*
	 * 512-bit registers reduce the frequency of some processors, so sections stay
	 * short, too.
	 */
	if (opt_given(c, "conservative-mode")) {
		*mask &= ~SET_AVX512;
		want_setting(l, "fpu_budget_us", "20");
	}
	return 0;
}

int run_simd_configure(struct ctl *c)
{
	struct change_list l = { 0 };
	struct wire *w;
	int ret = 0, mask, before;

	w = wire_open(c, &ret);
	if (!w)
		return ret;
	before = mask = mask_now(w);
	wire_close(w);
	ret = want_sets(c, &l, &mask);
	if (ret)
		return ret;
	if (mask != before || opt_given(c, "enable-avx2") || opt_given(c, "enable-fma") ||
	    opt_given(c, "enable-avx512") || opt_given(c, "disable-avx512") ||
	    opt_given(c, "enable-avx2-only"))
		want_setting(&l, "simd_mask", "%d", mask);
	if (opt_given(c, "batch-size")) {
		want_setting(&l, "simd_batch", "%" PRIu64, opt_u64(c, "batch-size", 8));
		want_setting(&l, "search_batching", "1");
	}
	if (opt_given(c, "adaptive-batching"))
		want_setting(&l, "simd_adaptive", "1");
	if (opt_given(c, "enable-fallback"))
		want_setting(&l, "simd_fallback", "1");
	return apply_list(c, &l);
}

struct tested {
	struct ctl *c;
	uint32_t failed;
	const char *only;
};

static int show_tested(struct nlmsghdr *h, struct nlattr **attrs, void *arg)
{
	struct nlattr *tb[VEXFS_A_VARIANT_MAX + 1], *a;
	struct tested *t = arg;
	int rem;

	t->failed = wire_u32(attrs, VEXFS_A_SELFTEST_FAILED);
	nlmsg_for_each_attr(a, h, GENL_HDRLEN, rem) {
		if (nla_type(a) != VEXFS_A_SELFTEST_VARIANT ||
		    nla_parse_nested(tb, VEXFS_A_VARIANT_MAX, a, NULL) < 0)
			continue;
		if (t->only && strcmp(t->only, wire_text(tb, VEXFS_A_VARIANT_NAME)))
			continue;
		if (t->c->json) {
			json_object_begin(&t->c->out);
			json_kv_string(&t->c->out, "name", wire_text(tb, VEXFS_A_VARIANT_NAME));
			json_kv_bool(&t->c->out, "usable", wire_u32(tb, VEXFS_A_VARIANT_USABLE));
			json_kv_u64(&t->c->out, "comparisons", wire_u32(tb, VEXFS_A_VARIANT_CASES));
			json_kv_bool(&t->c->out, "failed", wire_u32(tb, VEXFS_A_VARIANT_FAILED));
			json_object_end(&t->c->out);
		} else {
			printf("%-8s %s, %u comparisons%s\n", wire_text(tb, VEXFS_A_VARIANT_NAME),
			       wire_u32(tb, VEXFS_A_VARIANT_USABLE) ? "usable" : "not usable",
			       wire_u32(tb, VEXFS_A_VARIANT_CASES),
			       wire_u32(tb, VEXFS_A_VARIANT_FAILED) ? ", WRONG" : "");
		}
	}
	return 0;
}

/* The scalar reference is used while variants are tested. */
static int set_plain(struct wire *w, const char *bits)
{
	struct nl_msg *msg = wire_request(w, VEXFS_CMD_TUNABLE_SET, false);
	struct nlattr *nest = msg ? nla_nest_start(msg, VEXFS_A_TUNE_SETTING) : NULL;

	if (!nest || nla_put_string(msg, VEXFS_A_SETTING_KEY, "emergency_mode") ||
	    nla_put_u64(msg, VEXFS_A_SETTING_VALUE, strtoull(bits, NULL, 10))) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	nla_nest_end(msg, nest);
	return wire_call(w, msg, NULL, NULL);
}

int run_simd_test(struct ctl *c)
{
	struct tested t = { .c = c };
	struct rows rows = { 0 };
	char mode[64], during[64], now[64];
	struct wire *w;
	int ret = 0, err;

	w = wire_open(c, &ret);
	if (!w)
		return ret;
	ret = read_rows(c, w, "simd", &rows);
	if (ret)
		goto out;
	t.only = opt_given(c, "all-algorithms") ? NULL : in_use(&rows);
	read_setting(w, "emergency_mode", mode, sizeof(mode));
	if (opt_given(c, "safe-mode")) {
		snprintf(during, sizeof(during), "%lu", strtoul(mode, NULL, 10) | 1);
		err = set_plain(w, during);
		if (err) {
			ret = wire_fail(c, w, err);
			goto out;
		}
	}
	rows.n = 0;
	ret = read_rows(c, w, "simd", &rows);
	snprintf(now, sizeof(now), "%s", in_use(&rows));
	if (c->json) {
		json_object_begin(&c->out);
		json_key(&c->out, "variants");
		json_array_begin(&c->out);
	}
	err = wire_call(w, wire_request(w, VEXFS_CMD_SELFTEST, false), show_tested, &t);
	if (opt_given(c, "safe-mode"))
		set_plain(w, mode);
	if (err) {
		ret = wire_fail(c, w, err);
		goto out;
	}
	if (c->json)
		json_array_end(&c->out);
	say_text(c, "served meanwhile by", now);
	if (c->json)
		json_kv_u64(&c->out, "failed", t.failed);
	end_json(c);
	ret = t.failed ? EXIT_FINDING : EXIT_OK;
out:
	rows_free(&rows);
	wire_close(w);
	return ret;
}

/* ---- benchmark: reading simd/bench measures ---- */

#define KINDS	400

struct kind {
	char name[64];
	char variant[24];
	double ns;
	int n;
};

static size_t add_bench(struct kind *k, size_t n, char *text)
{
	for (char *s = strtok(text, "\n"); s; s = strtok(NULL, "\n")) {
		char variant[24], form[32], type[16], metric[16], shape[16], name[64];
		unsigned int dim;
		double ns;
		size_t i;

		if (sscanf(s, "%23s %31s %15s %15s %15s %u %lf", variant, form, type, metric, shape, &dim,
			   &ns) != 7 || ns <= 0)
			continue;
		snprintf(name, sizeof(name), "%s/%s/%s/%u", type, metric, shape, dim);
		for (i = 0; i < n; i++)
			if (!strcmp(k[i].name, name) && !strcmp(k[i].variant, variant))
				break;
		if (i == KINDS)
			return n;
		if (i == n) {
			n++;
			snprintf(k[i].name, sizeof(k[i].name), "%s", name);
			snprintf(k[i].variant, sizeof(k[i].variant), "%s", variant);
			k[i].ns = 0;
			k[i].n = 0;
		}
		k[i].ns += ns;
		k[i].n++;
	}
	return n;
}

static double scalar_ns(const struct kind *k, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(k[i].name, name) && !strcmp(k[i].variant, "scalar"))
			return k[i].ns / k[i].n;
	return NAN;
}

int run_simd_benchmark(struct ctl *c)
{
	static struct kind k[KINDS];
	static char text[1 << 17];
	int64_t ms, end;
	size_t n = 0;
	int ret = perf_length(c, "duration", "10s", &ms), rounds = 0;

	if (ret)
		return ret;
	stop_on_signals();
	end = perf_now_ms() + ms;
	do {
		if (!debug_file("simd/bench", text, sizeof(text)))
			return EXIT_CANNOT_TELL;
		n = add_bench(k, n, text);
		rounds++;
	} while (perf_now_ms() < end && !stop_wanted());
	if (c->json) {
		json_object_begin(&c->out);
		json_kv_i64(&c->out, "rounds", rounds);
		json_key(&c->out, "results");
		json_array_begin(&c->out);
	}
	for (size_t i = 0; i < n; i++) {
		double ns = k[i].ns / k[i].n, plain = scalar_ns(k, n, k[i].name);

		if (c->json) {
			json_object_begin(&c->out);
			json_kv_string(&c->out, "variant", k[i].variant);
			json_kv_string(&c->out, "work", k[i].name);
			kv_number(&c->out, "ns_per_distance", ns);
			if (opt_given(c, "compare-scalar"))
				kv_number(&c->out, "times_scalar", plain / ns);
			json_object_end(&c->out);
		} else if (opt_given(c, "compare-scalar")) {
			printf("%-8s %-28s %10.2f ns %8.2f times as fast as scalar\n", k[i].variant,
			       k[i].name, ns, plain / ns);
		} else {
			printf("%-8s %-28s %10.2f ns\n", k[i].variant, k[i].name, ns);
		}
	}
	if (c->json)
		json_array_end(&c->out);
	end_json(c);
	return EXIT_OK;
}

/* What the user asked for, what the processor has, and how the kernel was booted. */
int run_simd_compatibility(struct ctl *c)
{
	int has = processor_sets(), mask, bad;
	char line[4096] = "", *clear;
	struct wire *w;
	int ret = 0;

	w = wire_open(c, &ret);
	if (!w)
		return ret;
	mask = mask_now(w);
	wire_close(w);
	host_file("", "/proc/cmdline", line, sizeof(line));
	clear = strstr(line, "clearcpuid=");
	if (clear)
		clear[strcspn(clear, " \n")] = '\0';
	bad = (has < 0 ? 0 : has) & ~mask;
	if (c->json)
		json_object_begin(&c->out);
	say_text(c, "processor", has < 0 ? "not known" : sets_text(has));
	say_text(c, "permitted", sets_text(mask));
	say_text(c, "boot", clear ? clear : "nothing cleared");
	say_text(c, "forbidden though there", sets_text(bad));
	if (c->json)
		json_kv_bool(&c->out, "compatible", has >= 0 && !bad && !clear);
	end_json(c);
	return has < 0 ? EXIT_CANNOT_TELL : bad || clear ? EXIT_FINDING : EXIT_OK;
}

int run_simd_restart(struct ctl *c)
{
	return manage_once(c, VEXFS_MANAGE_ACTION_SIMD_RESTART, -1, false, "failed",
			   "every variant was tested again; the best is in use\n");
}


static const struct opt enable_opts[] = {
	{ "auto-detect", 0, OPT_FLAG, NULL, "also let the module choose the variant" }, { 0 },
};

static const struct opt configure_opts[] = {
	{ "enable-avx2", 0, OPT_FLAG, NULL, "allow AVX2" },
	{ "enable-fma", 0, OPT_FLAG, NULL, "allow FMA, without which AVX2 is not used" },
	{ "enable-avx512", 0, OPT_FLAG, NULL, "allow AVX-512" },
	{ "disable-avx512", 0, OPT_FLAG, NULL, "forbid AVX-512" },
	{ "enable-avx2-only", 0, OPT_FLAG, NULL, "AVX2 with FMA and nothing else" },
	{ "batch-size", 0, OPT_U64, "N", "queries of a call that suffice to compare them together" },
	{ "adaptive-batching", 0, OPT_FLAG, NULL, "two suffice if the rows exceed the caches" },
	{ "conservative-mode", 0, OPT_FLAG, NULL, "no AVX-512, FPU sections of 20 us at most" },
	{ "enable-fallback", 0, OPT_FLAG, NULL, "use the best if a variant cannot be used" }, { 0 },
};

static const struct opt test_opts[] = {
	{ "all-algorithms", 0, OPT_FLAG, NULL, "every variant, not only that in use" },
	{ "safe-mode", 0, OPT_FLAG, NULL, "use the scalar reference during the test" }, { 0 },
};

static const struct opt bench_opts[] = {
	{ "duration", 0, OPT_STRING, "TIME", "repeat for this long, default 10s" },
	{ "compare-scalar", 0, OPT_FLAG, NULL, "how many times as fast as without SIMD" }, { 0 },
};

#define SIMD	"performance simd "

const struct verb simd_verbs[] = {
	{ SIMD "status", "", 0, 0, "show which arithmetic is in use", NULL, NULL, run_simd_status },
	{ SIMD "hardware-check", "", 0, 0, "show what the processor has", NULL, NULL, run_simd_hardware },
	{ SIMD "enable", "", 0, 0, "allow all instruction sets", NULL, enable_opts, run_simd_enable },
	{ SIMD "configure", "", 0, 0, "allow and forbid instruction sets, set batches",
	  "What the processor lacks is refused.", configure_opts, run_simd_configure },
	{ SIMD "test", "", 0, 0, "compare with the scalar reference",
	  "All types and metrics; the exit code is 1 when a variant differs, which is then disabled.",
	  test_opts, run_simd_test },
	{ SIMD "benchmark", "", 0, 0, "measure the arithmetic in the kernel", NULL, bench_opts,
	  run_simd_benchmark },
	{ SIMD "compatibility-check", "", 0, 0, "compare what is allowed with what is available",
	  "The exit code is 1 when something is available and not allowed.", NULL,
	  run_simd_compatibility },
	{ SIMD "restart", "", 0, 0, "test every variant again and use the best", NULL, NULL,
	  run_simd_restart },
	{ 0 },
};
