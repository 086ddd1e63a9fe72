// SPDX-License-Identifier: GPL-2.0
/* Checks of the module: ops, pools, stack, arithmetic, settings, daemon. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "exam.h"
#ifdef HAVE_SQLITE
#include "history.h"
#endif

/* With fewer ops, a fraction is not significant. */
#define ENOUGH	1000

static void not_loaded(struct exam *e, struct finding *f)
{
	if (e->look.loaded)
		return;
	finds(f, SEV_CRITICAL, "vexfs is not loaded");
	advise(f, "modprobe vexfs, or vexctl module load; dmesg says why it does not load");
}

static void versions(struct exam *e, struct finding *f)
{
	char buf[64];

	if (!exam_file(e, "/sys/module/vexfs/version", buf, sizeof(buf))) {
		finds(f, e->look.loaded ? SEV_UNKNOWN : SEV_OK, "the version of the module is not known");
		return;
	}
	buf[strcspn(buf, "\n")] = '\0';
	if (strcmp(buf, VEXFS_VERSION)) {
		finds(f, SEV_WARNING, "the module is %s, these programs are " VEXFS_VERSION, shown(buf));
		advise(f, "load the module that was installed with them: vexctl module upgrade, or boot");
	}
}

static void tainted(struct exam *e, struct finding *f)
{
	char buf[32];
	long t;

	if (!exam_file(e, "/proc/sys/kernel/tainted", buf, sizeof(buf))) {
		finds(f, SEV_UNKNOWN, "/proc/sys/kernel/tainted cannot be read");
		return;
	}
	t = strtol(buf, NULL, 10);
	/* died, bad page, machine check, warning, soft lockup */
	if (t & (1 << 7 | 1 << 5 | 1 << 4 | 1 << 14)) {
		finds(f, SEV_CRITICAL, "the kernel has oopsed, locked up or met a bad page (tainted %ld)", t);
		advise(f, "look into dmesg; do not trust later measurements, reboot");
	} else if (t & 1 << 9) {
		finds(f, SEV_WARNING, "the kernel has warned (tainted %ld)", t);
		advise(f, "look into dmesg for what it says");
	}
}

static void accounting(struct exam *e, struct finding *f)
{
	if (exam_setting(e, "accounting") == 0) {
		finds(f, SEV_WARNING, "ops are not counted, so nothing can be said of them");
		advise(f, "vexctl tune accounting=1");
	}
}

static void emergency(struct exam *e, struct finding *f)
{
	double mode = exam_setting(e, "emergency_mode");

	if (mode > 0) {
		finds(f, SEV_WARNING, "the emergency mode is on (%.0f): optimisations are off", mode);
		advise(f, "vexctl performance emergency-mode disable, when its reason is gone");
	}
}

static void error_rate(struct exam *e, struct finding *f)
{
	static const char *const classes[] = { "fuse", "vector", "semantic" };
	double n = 0, bad = 0;

	for (size_t i = 0; i < 3; i++) {
		n += fmax(0, exam_figure(e, "class", classes[i], "count"));
		bad += fmax(0, exam_figure(e, "class", classes[i], "errors"));
	}
	if (n < ENOUGH || bad / n <= 0.02)
		return;
	finds(f, bad / n > 0.05 ? SEV_CRITICAL : SEV_WARNING, "%.1f %% of %.0f ops ended with an error",
	      100 * bad / n, n);
	advise(f, "vexctl stats errors says which");
}

static void slower_than(struct exam *e, struct finding *f, const char *class, double floor)
{
	double n = exam_figure(e, "class", class, "count");
	double ns = exam_figure(e, "class", class, "mean_ns");

	if (!(n >= ENOUGH) || !(ns * floor > 1e9))
		return;
	finds(f, SEV_WARNING, "an op takes %.0f us: one client gets %.0f ops/s, %.0f are promised",
	      ns / 1e3, 1e9 / ns, floor);
	advise(f, "vexctl performance investigate; vexctl stats op says which ops are slow");
}

static void fuse_floor(struct exam *e, struct finding *f)
{
	slower_than(e, f, "fuse", e->conf.fuse_floor);
}

static void vector_floor(struct exam *e, struct finding *f)
{
	slower_than(e, f, "vector", e->conf.vector_floor);
}

static void semantic_floor(struct exam *e, struct finding *f)
{
	slower_than(e, f, "semantic", e->conf.semantic_floor);
}

static void tail(struct exam *e, struct finding *f)
{
	for (size_t i = 0; i < e->look.rows.n; i++) {
		const struct row *r = &e->look.rows.row[i];
		double p50 = (double)row_value(r, "p50_ns"), p999 = (double)row_value(r, "p999_ns");

		if (strcmp(r->subject, "op") || row_value(r, "count") < ENOUGH || p999 < 1000 * p50 ||
		    p999 < 1e7)
			continue;
		finds(f, SEV_NOTE, "1 of 1000 '%s' takes %.1f ms, half of them less than %.3f ms",
		      r->name, p999 / 1e6, p50 / 1e6);
		advise(f, "vexctl events shows slow ops; host-check shows whether the machine is why");
		return;
	}
}

static void events_lost(struct exam *e, struct finding *f)
{
	double thinned = exam_figure(e, "events", NULL, "thinned");
	double raised = exam_figure(e, "events", NULL, "raised");

	if (thinned > 0 && thinned > raised / 10) {
		finds(f, SEV_NOTE, "%.0f of %.0f events came so fast that they were not kept", thinned,
		      raised);
		advise(f, "an event repeats: vexctl events -f");
	}
}

/* ---- pools ---- */

static const char *const tiers[] = { "small", "medium", "large" };

static void pools_off(struct exam *e, struct finding *f)
{
	if (exam_setting(e, "pool_enabled") == 0) {
		finds(f, SEV_WARNING, "the memory pools are off: every request goes to the slab allocator");
		advise(f, "vexctl tune pool_enabled=1");
	}
}

static void hit_rate(struct exam *e, struct finding *f)
{
	double hits = 0, allocs = 0;

	for (size_t i = 0; i < 3; i++) {
		hits += fmax(0, exam_figure(e, "pool", tiers[i], "hits"));
		allocs += fmax(0, exam_figure(e, "pool", tiers[i], "allocs"));
	}
	if (allocs < ENOUGH || hits / allocs >= e->conf.pool_hit_floor)
		return;
	finds(f, SEV_WARNING, "the hit rate of the pools is %.3f, below %.2f", hits / allocs,
	      e->conf.pool_hit_floor);
	advise(f, "vexctl performance memory-pools optimize --auto");
}

static void pool_failures(struct exam *e, struct finding *f)
{
	double failures = 0;

	for (size_t i = 0; i < 3; i++)
		failures += fmax(0, exam_figure(e, "pool", tiers[i], "failures"));
	if (failures > 0) {
		finds(f, SEV_CRITICAL, "%.0f requests to the pools got nothing: memory was short", failures);
		advise(f, "free memory, or vexctl performance memory-pools emergency-expand");
	}
}

static void pool_full(struct exam *e, struct finding *f)
{
	double most = exam_setting(e, "pool_max_use_pct") / 100;

	for (size_t i = 0; i < 3; i++) {
		double use = exam_figure(e, "pool", tiers[i], "use_ppm") / 1e6;

		if (most > 0 && use > most) {
			finds(f, SEV_WARNING, "%.0f %% of the buffers of tier %s are in use", use * 100,
			      tiers[i]);
			advise(f, "vexctl performance memory-pools optimize --auto-resize");
			return;
		}
	}
}

static void pool_fragments(struct exam *e, struct finding *f)
{
	double most = exam_setting(e, "pool_compact_pct") / 100;

	for (size_t i = 0; i < 3; i++) {
		double frag = exam_figure(e, "pool", tiers[i], "frag_ppm") / 1e6;

		if (most > 0 && frag > most) {
			finds(f, SEV_NOTE, "packing would free %.0f %% of the slabs of tier %s", frag * 100,
			      tiers[i]);
			advise(f, "vexctl performance memory-pools defragment");
			return;
		}
	}
}

static void pool_pressure(struct exam *e, struct finding *f)
{
	double shrunk = 0, waits = 0;

	for (size_t i = 0; i < 3; i++) {
		shrunk += fmax(0, exam_figure(e, "pool", tiers[i], "shrunk"));
		waits += fmax(0, exam_figure(e, "pool", tiers[i], "waits"));
	}
	if (waits > 0)
		finds(f, SEV_WARNING, "%.0f requests had to wait for a buffer", waits);
	else if (shrunk > 0)
		finds(f, SEV_NOTE, "the kernel took back %.0f idle buffers", shrunk);
	if (f->severity != SEV_OK)
		advise(f, "the machine is short of memory");
}

static void pool_worker(struct exam *e, struct finding *f)
{
	if (exam_setting(e, "pool_auto") == 0) {
		finds(f, SEV_NOTE, "the pools are not adjusted to the load");
		advise(f, "vexctl performance memory-pools auto-manage enable");
	}
}

/* ---- stack ---- */

static void violations(struct exam *e, struct finding *f)
{
	double n = exam_figure(e, "stack", NULL, "violations");

	if (n > 0) {
		finds(f, SEV_CRITICAL, "%.0f times an op went deeper than the stack limit of %.0f bytes", n,
		      exam_figure(e, "stack", NULL, "limit"));
		advise(f, "vexctl performance stack violations --details");
	}
}

static void alarms(struct exam *e, struct finding *f)
{
	double n = exam_figure(e, "stack", NULL, "alarms");

	if (n > 0) {
		finds(f, SEV_WARNING, "%.0f ops went deeper than the alarm, the deepest %.0f bytes", n,
		      exam_figure(e, "stack", NULL, "deepest"));
		advise(f, "vexctl performance stack analyze --show-hotspots");
	}
}

static void scratch(struct exam *e, struct finding *f)
{
	double n = exam_figure(e, "stack", NULL, "scratch_failed");

	if (n > 0) {
		finds(f, SEV_WARNING, "%.0f times there was no memory for scratch", n);
		advise(f, "the machine is short of memory");
	}
}

static void stack_off(struct exam *e, struct finding *f)
{
	if (exam_setting(e, "stack_optimize") == 0) {
		finds(f, SEV_NOTE, "scratch does not heed its thresholds");
		advise(f, "vexctl performance stack configure --enable-optimization");
	}
}

/* ---- arithmetic ---- */

static void no_simd(struct exam *e, struct finding *f)
{
	if (exam_figure(e, "simd", "scalar", "in_use") == 1) {
		finds(f, SEV_WARNING, "the arithmetic runs without SIMD");
		advise(f, "vexctl performance simd enable --auto-detect");
	}
}

static bool cpu_has(struct exam *e, const char *flag)
{
	static char buf[1 << 16];
	char word[40];
	const char *flags, *end, *at;

	if (!exam_file(e, "/proc/cpuinfo", buf, sizeof(buf)))
		return false;
	flags = strstr(buf, "\nflags");
	if (!flags)
		return false;
	end = strchr(flags + 1, '\n');
	snprintf(word, sizeof(word), " %s ", flag);
	at = strstr(flags, word);
	return at && (!end || at < end);
}

static void variant_failed(struct exam *e, struct finding *f)
{
	static const char *const names[][2] = { { "avx512", "avx512f" }, { "avx2", "avx2" } };

	for (size_t i = 0; i < 2; i++)
		if (exam_figure(e, "simd", names[i][0], "usable") == 0 && cpu_has(e, names[i][1])) {
			finds(f, SEV_CRITICAL, "the processor has %s, but the module does not use it",
			      names[i][1]);
			advise(f, "a self-test failed, or the system does not save its registers: "
			       "vexctl debug simd/variants says which");
			return;
		}
}

static void not_best(struct exam *e, struct finding *f)
{
	const struct known *k = exam_known(e, "simd");

	if (k && *k->def && strcmp(k->value, k->def)) {
		finds(f, SEV_NOTE, "the variant of the arithmetic was chosen by hand: %s", shown(k->value));
		advise(f, "vexctl performance simd enable --auto-detect takes the best");
	}
}

static void fpu_budget(struct exam *e, struct finding *f)
{
	double n = exam_figure(e, "fpu", NULL, "sections"), over = exam_figure(e, "fpu", NULL, "over");

	if (n >= ENOUGH && over / n > 0.01) {
		finds(f, SEV_NOTE, "%.1f %% of the FPU sections were longer than their budget",
		      100 * over / n);
		advise(f, "interrupts or the host take the processor away: see host-check");
	}
}

static void fpu_refused(struct exam *e, struct finding *f)
{
	double n = exam_figure(e, "fpu", NULL, "refused");

	if (n > 0) {
		finds(f, SEV_WARNING, "%.0f calls for floats came where the FPU may not be used", n);
		advise(f, "this is a mistake of a kernel user of vexfs: report it");
	}
}

/* ---- settings and files ---- */

static void config_wrong(struct exam *e, struct finding *f)
{
	if (*e->conf_why) {
		finds(f, SEV_CRITICAL, "%s", e->conf_why);
		advise(f, "correct the file; the defaults are in effect until then");
	}
}

static void off_default(struct exam *e, struct finding *f)
{
	size_t n = 0, len = 0;

	for (size_t i = 0; i < e->settings; i++) {
		const struct known *k = &e->setting[i];

		if (!*k->def || !strcmp(k->value, k->def) || !strcmp(k->key, "device_gid") ||
		    !strcmp(k->key, "admin_gid"))
			continue;
		n++;
		if (len < sizeof(f->evidence) - 60)
			len += (size_t)snprintf(f->evidence + len, sizeof(f->evidence) - len, "%s%s=%s",
						len ? ", " : "not at their defaults: ", k->key,
						shown(k->value));
	}
	if (!n)
		return;
	f->severity = SEV_NOTE;
	advise(f, "vexctl performance configure --reset-to-optimal");
}

static void memory_limit(struct exam *e, struct finding *f)
{
	double limit = exam_setting(e, "max_total_kb") * 1024;
	double bytes = exam_figure(e, "store", NULL, "bytes");

	if (limit <= 0)
		limit = e->look.host.mem_total / 2;
	if (bytes > 0.9 * limit) {
		finds(f, SEV_WARNING, "collections take %.0f MiB, %.0f %% of what they may", bytes / 1048576,
		      100 * bytes / limit);
		advise(f, "drop collections, or raise max_total_kb: rows cannot be swapped");
	}
}

static void many_collections(struct exam *e, struct finding *f)
{
	double limit = exam_setting(e, "max_collections");
	double n = exam_figure(e, "store", NULL, "collections");

	if (limit > 0 && n > 0.9 * limit) {
		finds(f, SEV_WARNING, "%.0f of %.0f collections are in use", n, limit);
		advise(f, "drop some, or vexctl tune max_collections");
	}
}

/* ---- the daemon ---- */

static void daemon_down(struct exam *e, struct finding *f)
{
	int64_t age = -1;
	struct stat st;
	char wal[CONFIG_TEXT + 8];

	if (e->from)
		return;
	snprintf(wal, sizeof(wal), "%s-wal", e->conf.database);
	if (!stat(wal, &st) || !stat(e->conf.database, &st))
		age = (int64_t)(time(NULL) - st.st_mtime);
	if (age < 0) {
		finds(f, SEV_NOTE, "there is no history: nothing is sampled");
		advise(f, "systemctl enable --now vexfs-monitord");
	} else if ((double)age > 5 * e->conf.interval + 60) {
		finds(f, SEV_WARNING, "the last sample is %s old", length_text(age * 1000));
		advise(f, "systemctl restart vexfs-monitord");
	}
}

static void history_bad(struct exam *e, struct finding *f)
{
#ifdef HAVE_SQLITE
	struct history_error err;
	struct history *h;

	if (e->from)
		return;
	h = history_open(e->conf.database, HISTORY_READ, &err);
	history_close(h);
	if (h || err.code == ENOENT)
		return;
	finds(f, SEV_WARNING, "%s", err.text);
	if (err.code == EUCLEAN)
		advise(f, "vexfs-monitord sets a damaged history aside when it starts");
#else
	(void)e;
	finds(f, SEV_UNKNOWN, "vexctl was built without SQLite");
#endif
}

static void disk_room(struct exam *e, struct finding *f)
{
	struct statvfs fs;
	double free_share;

	if (e->from || (statvfs("/var/lib/vexfs", &fs) && statvfs("/var/lib", &fs)))
		return;
	free_share = fs.f_blocks ? (double)fs.f_bavail / (double)fs.f_blocks : 1;
	if (free_share < 0.05) {
		finds(f, free_share < 0.01 ? SEV_CRITICAL : SEV_WARNING,
		      "%.1f %% of the disk of /var/lib/vexfs are free", free_share * 100);
		advise(f, "free space: history and stored collections need it");
	}
}

/* ---- what takes time ---- */

struct variants {
	uint32_t failed;
};

static int keep_failed(struct nlmsghdr *h, struct nlattr **a, void *arg)
{
	(void)h;
	((struct variants *)arg)->failed = wire_u32(a, VEXFS_A_SELFTEST_FAILED);
	return 0;
}

static void selftest(struct exam *e, struct finding *f)
{
	struct variants v = { 0 };
	int err;

	if (!e->w) {
		finds(f, SEV_UNKNOWN, "the self-test needs the module");
		return;
	}
	err = wire_call(e->w, wire_request(e->w, VEXFS_CMD_SELFTEST, false), keep_failed, &v);
	if (err)
		finds(f, SEV_UNKNOWN, "the self-test did not run: %s", wire_why(e->w));
	else if (v.failed)
		finds(f, SEV_CRITICAL, "%u variants of the arithmetic compute wrong results", v.failed);
	if (v.failed)
		advise(f, "the module has disabled them; suspect the processor");
}

/* Objects of our slab caches in use, from /proc/slabinfo. */
static double slab_objects(struct exam *e)
{
	static char buf[1 << 17];
	double sum = 0;

	if (!exam_file(e, "/proc/slabinfo", buf, sizeof(buf)))
		return NAN;
	for (char *s = buf; s && *s; s = strchr(s, '\n'), s += s != NULL) {
		double n;

		if (!strncmp(s, "vexfs", 5) && sscanf(s, "%*s %lf", &n) == 1)
			sum += n;
	}
	return sum;
}

static void slab_growth(struct exam *e, struct finding *f)
{
	double a = slab_objects(e), b;

	if (isnan(a)) {
		finds(f, SEV_UNKNOWN, "/proc/slabinfo cannot be read: only root may");
		return;
	}
	if (e->from)
		return;
	perf_sleep(500);
	b = slab_objects(e);
	if (b > a + 1000 && e->v[M_VECTOR_OPS] + e->v[M_SEMANTIC_OPS] + e->v[M_CONTROL_OPS] < 1) {
		finds(f, SEV_WARNING, "caches of vexfs grew by %.0f objects in half a second without ops",
		      b - a);
		advise(f, "suspect a leak: look at page_owner and kmemleak of a debug kernel");
	}
}

static void hangs(struct exam *e, struct finding *f)
{
	char buf[32];

	if (!exam_file(e, "/proc/sys/kernel/hung_task_detect_count", buf, sizeof(buf)))
		return;
	if (strtol(buf, NULL, 10) > 0) {
		finds(f, SEV_WARNING, "the kernel has found %ld tasks that hung", strtol(buf, NULL, 10));
		advise(f, "dmesg says where; vexfs-monitord's log names those in vexfs");
	}
}

const struct check module_checks[] = {
	{ "module-loaded", AREA_MODULE, "module", not_loaded },
	{ "module-version", AREA_MODULE, "versions", versions },
	{ "kernel-tainted", AREA_MODULE, "kernel", tainted },
	{ "accounting-off", AREA_OPS, "accounting", accounting },
	{ "emergency-mode", AREA_OPS, "emergency mode", emergency },
	{ "error-rate", AREA_OPS, "errors", error_rate },
	{ "fuse-floor", AREA_OPS, "ops of the mount", fuse_floor },
	{ "vector-floor", AREA_OPS, "vector ops", vector_floor },
	{ "semantic-floor", AREA_OPS, "semantic ops", semantic_floor },
	{ "slow-tail", AREA_OPS, "slowest ops", tail },
	{ "events-lost", AREA_OPS, "events", events_lost },
	{ "pools-off", AREA_POOLS, "memory pools", pools_off },
	{ "pool-hit-rate", AREA_POOLS, "hit rate of the pools", hit_rate },
	{ "pool-failures", AREA_POOLS, "requests to the pools", pool_failures },
	{ "pool-full", AREA_POOLS, "use of the pools", pool_full },
	{ "pool-fragmentation", AREA_POOLS, "fragmentation of the pools", pool_fragments },
	{ "pool-pressure", AREA_POOLS, "pressure on the pools", pool_pressure },
	{ "pool-worker", AREA_POOLS, "worker of the pools", pool_worker },
	{ "stack-violations", AREA_STACK, "stack limit", violations },
	{ "stack-alarms", AREA_STACK, "stack alarm", alarms },
	{ "scratch-failed", AREA_STACK, "scratch", scratch },
	{ "stack-optimization", AREA_STACK, "stack optimization", stack_off },
	{ "simd-off", AREA_SIMD, "SIMD", no_simd },
	{ "simd-variant", AREA_SIMD, "variants of the arithmetic", variant_failed },
	{ "simd-by-hand", AREA_SIMD, "choice of the variant", not_best },
	{ "fpu-budget", AREA_SIMD, "FPU sections", fpu_budget },
	{ "fpu-refused", AREA_SIMD, "FPU where it may not be", fpu_refused },
	{ "config-wrong", AREA_CONFIG, "vexfs.conf", config_wrong },
	{ "config-changed", AREA_CONFIG, "settings", off_default },
	{ "memory-limit", AREA_CONFIG, "memory of collections", memory_limit },
	{ "many-collections", AREA_CONFIG, "number of collections", many_collections },
	{ "daemon-down", AREA_MONITOR, "vexfs-monitord", daemon_down },
	{ "history-bad", AREA_MONITOR, "history", history_bad },
	{ "disk-room", AREA_MONITOR, "space on the disk", disk_room },
	{ "hung-tasks", AREA_MODULE, "tasks that hang", hangs },
	{ "selftest", AREA_SIMD | AREA_DEEP, "self-test of the arithmetic", selftest },
	{ "slab-growth", AREA_POOLS | AREA_DEEP, "growth of caches", slab_growth },
	{ "page-owner", AREA_MODULE | AREA_DEEP, "pages by function", check_page_owner },
	{ "workqueues", AREA_OPS | AREA_DEEP, "workqueues", check_workqueues },
	{ 0 },
};
