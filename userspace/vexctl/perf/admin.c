// SPDX-License-Identifier: GPL-2.0
/*
 * Verbs that set a known state: optimal settings, the emergency mode, the full reset; and
 * verbs that measure with vexstress.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "holders.h"
#include "jsonin.h"
#include "outfile.h"
#include "parts.h"
#include "term.h"

#define CACHE_DIR	"/var/cache/vexfs/performance"

static const char *config_path(void)
{
	const char *path = getenv("VEXFS_CONFIG");

	return path ? path : CONFIG_PATH;
}

/* ---- the configuration file ---- */

#define FILE_MAX	(1u << 20)

/*
 * Copies line by line without those of @key; adds @value, unless NULL, at the end of its
 * section.
 */
static void edit(FILE *to, char *text, const char *section, const char *key, const char *value)
{
	char head[80], now[200] = "";
	bool placed = !value;
	size_t klen = strlen(key);

	snprintf(head, sizeof(head), "[%s]", section);
	for (char *s = text, *end; *s; s = end) {
		size_t len;
		const char *word = s + strspn(s, " \t");

		end = strchr(s, '\n');
		end = end ? end + 1 : s + strlen(s);
		len = (size_t)(end - s);
		if (*word == '[')
			snprintf(now, sizeof(now), "%.*s", (int)strcspn(word, "\n"), word);
		if (!strcmp(now, head) && !strncmp(word, key, klen) &&
		    (word[klen] == '=' || word[klen] == ' ' || word[klen] == '\t'))
			continue;
		fwrite(s, 1, len, to);
		if (len && s[len - 1] != '\n')
			fputc('\n', to);
		if (!placed && *word == '[' && !strcmp(now, head)) {
			fprintf(to, "%s = %s\n", key, value);
			placed = true;
		}
	}
	if (!placed)
		fprintf(to, "\n%s\n%s = %s\n", head, key, value);
}

/* Sets a key of the file, or removes it; 0 or -1 after printing why. */
static int edit_config(const char *section, const char *key, const char *value)
{
	static char text[FILE_MAX];
	struct outfile o;

	text[0] = '\0';
	if (!host_file("", config_path(), text, sizeof(text)) && errno != ENOENT) {
		fprintf(stderr, "vexctl: %s: %s\n", config_path(), strerror(errno));
		return -1;
	}
	if (!*text && !value)
		return 0;
	if (outfile_open(&o, config_path(), false)) {
		fprintf(stderr, "vexctl: %s: %s\n", config_path(), o.why);
		return -1;
	}
	edit(o.f, text, section, key, value);
	if (outfile_commit(&o)) {
		fprintf(stderr, "vexctl: %s: %s\n", config_path(), o.why);
		return -1;
	}
	return 0;
}

/*
 * Replaces the user's configuration by the default and keeps the old file beside it.
 * @kept: its name; "" if there was none. 0, or -1 with a sentence in @why.
 */
static int default_config(bool dry, char *kept, size_t room, char *why, size_t size)
{
	static char def[FILE_MAX], now[FILE_MAX];
	char path[CONFIG_TEXT + 16], when[40];
	struct outfile o;
	time_t t = time(NULL);
	struct tm tm;

	*kept = '\0';
	snprintf(path, sizeof(path), "%s.default", config_path());
	if (!host_file("", path, def, sizeof(def))) {
		snprintf(why, size, "%s: %s", path, strerror(errno));
		return -1;
	}
	if (!host_file("", config_path(), now, sizeof(now)))
		now[0] = '\0';
	if (!strcmp(def, now))
		return 0;
	localtime_r(&t, &tm);
	strftime(when, sizeof(when), "%Y%m%d-%H%M%S", &tm);
	if (*now)
		snprintf(kept, room, "%s.user-%s", config_path(), when);
	if (dry)
		return 0;
	if (*kept && outfile_write(&o, kept, now, strlen(now))) {
		snprintf(why, size, "%s: %s", kept, o.why);
		return -1;
	}
	if (outfile_write(&o, config_path(), def, strlen(def))) {
		snprintf(why, size, "%s: %s", config_path(), o.why);
		return -1;
	}
	return 0;
}

/* ---- configure ---- */

static int set_defaults(struct ctl *c, struct wire *w)
{
	struct nl_msg *msg = wire_request(w, VEXFS_CMD_TUNABLE_SET, false);
	int err;

	if (msg && nla_put_flag(msg, VEXFS_A_TUNE_RESET_TO_DEFAULT)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	err = wire_call(w, msg, NULL, NULL);
	return err ? wire_fail(c, w, err) : 0;
}

int run_configure(struct ctl *c)
{
	char kept[CONFIG_TEXT + 64], why[500];
	bool dry = opt_given(c, "dry-run");
	struct wire *w;
	int ret = 0;

	if (!opt_given(c, "reset-to-optimal"))
		return ctl_usage(c, "nothing to configure: --reset-to-optimal");
	w = wire_open(c, &ret);
	if (!w)
		return ret;
	ret = dry ? 0 : set_defaults(c, w);
	wire_close(w);
	if (ret)
		return ret;
	ret = default_config(dry, kept, sizeof(kept), why, sizeof(why));
	if (ret && !opt_given(c, "module-only"))
		fprintf(stderr, "vexctl: the settings are optimal, the file is as it was: %s\n", why);
	if (c->json)
		json_object_begin(&c->out);
	say_text(c, "settings", dry ? "would be reset" : "reset");
	say_text(c, "kept", *kept ? kept : "nothing");
	end_json(c);
	return ret ? EXIT_REFUSED : EXIT_OK;
}

/* ---- the emergency mode ---- */

#define MODE_PLAIN	1
#define MODE_SAFE	2
#define MODE_MINIMAL	4

static void mode_out(struct ctl *c, int mode)
{
	if (c->json) {
		json_kv_bool(&c->out, "enabled", mode != 0);
		json_kv_i64(&c->out, "emergency_mode", mode);
		json_kv_bool(&c->out, "optimizations_disabled", mode & MODE_PLAIN);
		json_kv_bool(&c->out, "safe_mode", mode & MODE_SAFE);
		json_kv_bool(&c->out, "minimal_features", mode & MODE_MINIMAL);
		return;
	}
	say(mode ? TINT_WARN : TINT_GOOD, 2, "the emergency mode is %s", mode ? "on" : "off");
	if (mode & MODE_PLAIN)
		puts("  scalar arithmetic, queries one by one");
	if (mode & MODE_SAFE)
		puts("  pools as they are, one worker");
	if (mode & MODE_MINIMAL)
		puts("  nothing that is made for later");
}

static int set_mode(struct ctl *c, int mode)
{
	struct change_list l = { 0 };
	char text[8];
	struct wire *w;
	int ret = 0, bad;

	w = wire_open(c, &ret);
	if (!w)
		return ret;
	if (c->json)
		json_object_begin(&c->out);
	want_setting(&l, "emergency_mode", "%d", mode);
	ret = change_settings(c, w, &l);
	wire_close(w);
	if (ret)
		return ret;
	snprintf(text, sizeof(text), "%d", mode);
	/* The mode must return when the module is reloaded, and end when it is disabled. */
	bad = edit_config("performance_optimizations", "emergency_mode", mode ? text : NULL);
	mode_out(c, mode);
	if (c->json)
		json_kv_bool(&c->out, "survives_reload", !bad);
	end_json(c);
	return bad ? EXIT_REFUSED : EXIT_OK;
}

int run_emergency_enable(struct ctl *c)
{
	int mode = 0;

	mode |= opt_given(c, "disable-optimizations") ? MODE_PLAIN : 0;
	mode |= opt_given(c, "safe-mode") ? MODE_SAFE : 0;
	mode |= opt_given(c, "minimal-features") ? MODE_MINIMAL : 0;
	return set_mode(c, mode ? mode : MODE_PLAIN | MODE_SAFE | MODE_MINIMAL);
}

int run_emergency_disable(struct ctl *c)
{
	return set_mode(c, 0);
}

int run_emergency_status(struct ctl *c)
{
	struct wire *w;
	char buf[64];
	int ret = 0, mode;

	w = wire_open(c, &ret);
	if (!w)
		return ret;
	mode = (int)strtol(read_setting(w, "emergency_mode", buf, sizeof(buf)), NULL, 10);
	wire_close(w);
	if (c->json)
		json_object_begin(&c->out);
	mode_out(c, mode);
	end_json(c);
	return mode ? EXIT_FINDING : EXIT_OK;
}

/* ---- other programs ---- */

/*
 * Runs a program with its stdout in @fd, or inherited if negative. Its exit code, 127 if
 * it cannot be run.
 */
static int run_program(char *const argv[], int fd)
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		return 127;
	if (!pid) {
		if (fd >= 0)
			dup2(fd, STDOUT_FILENO);
		execvp(argv[0], argv);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 127;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run_self(const char *a, const char *b, const char *file)
{
	char *argv[] = { "/proc/self/exe", (char *)a, (char *)b, file ? "--file" : NULL, (char *)file,
			 NULL };
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC), ret;

	if (!b)
		argv[2] = file ? "--file" : NULL, argv[3] = (char *)file, argv[4] = NULL;
	ret = run_program(argv, null);
	if (null >= 0)
		close(null);
	return ret;
}

/* ---- full-reset ---- */

static bool step(struct ctl *c, const char *name, const char *what, bool done, const char *why)
{
	if (c->json) {
		json_object_begin(&c->out);
		json_kv_string(&c->out, "step", name);
		json_kv_string(&c->out, "what", what);
		json_kv_bool(&c->out, "done", done);
		json_kv_string(&c->out, "why", why);
		json_object_end(&c->out);
	} else {
		say(done ? TINT_GOOD : TINT_BAD, 4, "%-14s %s%s%s", name, what, *why ? ": " : "", why);
	}
	return done;
}

/* Removes files of the directory; their number, -1 when one cannot be removed. */
static int clear_cache(bool dry)
{
	const char *path = getenv("VEXFS_CACHE");
	struct dirent *e;
	int n = 0, at;
	DIR *d;

	d = opendir(path ? path : CACHE_DIR);
	if (!d)
		return errno == ENOENT ? 0 : -1;
	at = dirfd(d);
	while ((e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (!dry && unlinkat(at, e->d_name, 0)) {
			n = -1;
			break;
		}
		n++;
	}
	closedir(d);
	return n;
}

static int reset_steps(struct ctl *c, bool dry)
{
	const char *file = opt_string(c, "file", NULL);
	char kept[CONFIG_TEXT + 64], why[500] = "", text[600];
	int n, ret;

	ret = dry ? 0 : run_self("module", "unload", NULL);
	if (!step(c, "stop", dry ? "the module would be unloaded" : "the module is unloaded", !ret,
		  ret == EXIT_NO_MODULE ? "it was not loaded" : ret ? "it is in use" : ""))
		if (ret != EXIT_NO_MODULE)
			return EXIT_REFUSED;
	n = clear_cache(dry);
	snprintf(text, sizeof(text), "%d files of the cache %s", n < 0 ? 0 : n,
		 dry ? "would go" : "are gone");
	if (!step(c, "cache", text, n >= 0, n < 0 ? strerror(errno) : ""))
		return EXIT_REFUSED;
	ret = default_config(dry, kept, sizeof(kept), why, sizeof(why));
	snprintf(text, sizeof(text), "vexfs.conf %s the default%s%.400s", dry ? "would be" : "is",
		 *kept ? ", the user's is kept as " : "", kept);
	/* Without a default file there is nothing to restore. */
	step(c, "configuration", text, !ret, why);
	ret = dry ? 0 : run_self("module", "load", file);
	if (!step(c, "start", dry ? "the module would be loaded" : "the module is loaded", !ret,
		  ret ? "it does not load: dmesg says why" : ""))
		return EXIT_REFUSED;
	ret = dry ? 0 : run_self("apply", NULL, config_path());
	step(c, "apply", dry ? "the configuration would be applied" : "the configuration is applied",
	     !ret, ret ? "it was refused" : "");
	return ret ? EXIT_REFUSED : EXIT_OK;
}

int run_full_reset(struct ctl *c)
{
	bool dry = opt_given(c, "dry-run");
	struct vexfs_error err;
	uint64_t n = 0;
	int ret = 0;

	/* a module that is not loaded has no collections */
	if (volatile_collections(c->device, &n, &err) && err.code != ENODEV)
		return ctl_fail(c, &err);
	if (n && !opt_given(c, "drop-volatile") && !dry)
		return ctl_refuse(c, EBUSY, "%llu collections would be lost: dump them, or say "
				  "--drop-volatile", (unsigned long long)n);
	if (c->json) {
		json_object_begin(&c->out);
		json_kv_bool(&c->out, "dry_run", dry);
		json_kv_u64(&c->out, "collections", n);
		json_key(&c->out, "steps");
		json_array_begin(&c->out);
	}
	step(c, "collections", n ? dry ? "collections would be dropped" : "collections are dropped" :
	     "there are no collections", true, "");
	ret = reset_steps(c, dry);
	if (c->json)
		json_array_end(&c->out);
	if (c->json)
		json_kv_bool(&c->out, "success", !ret);
	end_json(c);
	return ret;
}

/* ---- measuring, by vexstress ---- */

static char *stress_mode(struct ctl *c)
{
	return opt_given(c, "smoke") ? "--smoke" : opt_given(c, "comprehensive") ? "--full" : "--quick";
}

/* The metrics that vexstress compared with targets, by verdict. */
static void target_results(struct ctl *c, const jsonin *doc)
{
	const jsonin *list = jsonin_get(doc, "targets");

	if (c->json) {
		json_key(&c->out, "targets");
		json_array_begin(&c->out);
	}
	for (size_t i = 0; i < jsonin_count(list); i++) {
		const jsonin *t = jsonin_at(list, i);
		const char *name = jsonin_text(jsonin_get(t, "metric"));
		const char *verdict = jsonin_text(jsonin_get(t, "verdict"));

		name = name ? name : jsonin_text(jsonin_get(t, "name"));
		if (!name || !verdict)
			continue;
		if (c->json) {
			json_object_begin(&c->out);
			json_kv_string(&c->out, "metric", name);
			json_kv_string(&c->out, "verdict", verdict);
			kv_number(&c->out, "target", jsonin_number(jsonin_get(t, "target")));
			kv_number(&c->out, "value", jsonin_number(jsonin_get(t, "value")));
			json_object_end(&c->out);
		} else {
			printf("%-32s %s\n", shown(name), shown(verdict));
		}
	}
	if (c->json)
		json_array_end(&c->out);
}

int run_validate(struct ctl *c)
{
	char path[] = "/tmp/vexctl-validate-XXXXXX", why[300];
	char *argv[] = { "vexstress", "--target", stress_mode(c), "--strict", "--quiet", "--json", NULL };
	int fd = mkstemp(path), code;
	jsonin *doc;

	if (fd < 0)
		return ctl_refuse(c, errno, "%s: %s", path, strerror(errno));
	code = run_program(argv, fd);
	doc = jsonin_file(path, why, sizeof(why));
	unlink(path);
	close(fd);
	if (code == 3) {
		jsonin_free(doc);
		return ctl_refuse(c, ENODEV, "vexfs is not loaded");
	}
	if (c->json)
		json_object_begin(&c->out);
	if (doc)
		target_results(c, doc);
	jsonin_free(doc);
	if (c->json) {
		json_kv_string(&c->out, "profile", argv[2] + 2);
		json_key(&c->out, "overall_success");
		/*
		 * "Cannot tell" is neither met nor missed; a caller that needs a yes
		 * takes it for a no.
		 */
		if (code == 0 || code == 1 || code == 4 || code == 5)
			json_bool(&c->out, code == 0);
		else
			json_null(&c->out);
		json_kv_i64(&c->out, "exit_code", code);
		end_json(c);
	} else {
		puts(code == 0 ? "every target is met" : code == 127 ?
		     "vexstress is not installed: cannot tell" : code == 6 || code > 6 ?
		     "cannot tell" : "not every target is met");
	}
	return code == 0 ? EXIT_OK : code == 1 || code == 4 || code == 5 ? EXIT_FINDING : EXIT_CANNOT_TELL;
}

static int pass_on(struct ctl *c, char *const argv[])
{
	int code = run_program(argv, -1);

	if (code == 127)
		return ctl_refuse(c, ENOENT, "vexstress is not installed");
	return code == 0 ? EXIT_OK : code == 1 ? EXIT_FINDING : code == 3 ? EXIT_NO_MODULE :
	       code == 2 ? EXIT_USAGE : EXIT_CANNOT_TELL;
}

int run_ablate(struct ctl *c)
{
	char *argv[] = { "vexstress", "ablate", stress_mode(c), c->json ? "--json" : "--quiet",
			 (char *)opt_string(c, "workload", "vector"), NULL };

	if (!c->json)
		argv[3] = argv[4], argv[4] = NULL;
	return pass_on(c, argv);
}

/* Sweeps that have names. */
static const struct {
	const char *name;
	const char *values;
} sweeps[] = {
	{ "pools", "pool_small=50,100,250,500,1000,2000" },
	{ "codes", "search_codes=0,1,8,64" },
	{ "batch", "simd_batch=2,4,8,16,32" },
	{ "fpu", "fpu_budget_us=10,20,50,100" },
};

int run_perf_tune(struct ctl *c)
{
	const char *what = opt_string(c, "sweep", "");
	char *argv[] = { "vexstress", "sweep", (char *)what, stress_mode(c),
			 (char *)opt_string(c, "workload", "vector"), c->json ? "--json" : NULL, NULL };

	for (size_t i = 0; i < sizeof(sweeps) / sizeof(sweeps[0]); i++)
		if (!strcmp(what, sweeps[i].name))
			argv[2] = (char *)sweeps[i].values;
	if (!strchr(argv[2], '='))
		return ctl_usage(c, "--sweep takes pools, codes, batch, fpu or KEY=V1,V2,..., not '%s'", what);
	return pass_on(c, argv);
}
