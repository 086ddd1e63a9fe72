// SPDX-License-Identifier: GPL-2.0
/* What several verbs of "vexctl performance" need. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "nearest.h"
#include "outfile.h"
#include "page.h"
#include "parse.h"
#include "perf.h"
#include "wire.h"

int64_t perf_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int perf_config(struct ctl *c, struct config *conf)
{
	const char *path = getenv("VEXFS_CONFIG");
	char why[500];

	if (config_read(path ? path : CONFIG_PATH, conf, why, sizeof(why)))
		return ctl_refuse(c, EINVAL, "%s", why);
	return 0;
}

int perf_length(struct ctl *c, const char *option, const char *otherwise, int64_t *ms)
{
	const char *text = opt_string(c, option, otherwise);

	if (!period_length(text, ms))
		return ctl_usage(c, "--%s '%s' is no length of time: 30s, 5m, 1h, 7d", option, text);
	return 0;
}

int perf_period(struct ctl *c, const char *option, const char *otherwise, struct period *p)
{
	char why[300];

	if (period_parse(opt_string(c, option, otherwise), perf_now_ms(), p, why, sizeof(why)))
		return ctl_usage(c, "--%s: %s", option, why);
	return 0;
}

int perf_share(struct ctl *c, const char *option, double otherwise, double *v)
{
	const char *text = opt_string(c, option, NULL);

	*v = otherwise;
	if (text && (!parse_share(text, v) || *v > 10))
		return ctl_usage(c, "--%s '%s' is no share: 5%% or 0.05", option, text);
	return 0;
}

int perf_metrics(struct ctl *c, int ids[METRICS])
{
	const char *s = opt_string(c, "metrics", NULL);
	int n = 0;

	for (int i = 0; i < METRICS && !s; i++)
		if (metrics[i].sort <= METRIC_HITS)
			ids[n++] = i;
	while (s && *s) {
		size_t len = strcspn(s, ",");
		char name[64];
		int id;

		snprintf(name, sizeof(name), "%.*s", (int)(len < 63 ? len : 63), s);
		id = metric_find(name);
		if (id < 0) {
			const char *names[METRICS], *near;

			for (int i = 0; i < METRICS; i++)
				names[i] = metrics[i].name;
			near = nearest_name(name, names, METRICS);
			return -1 - ctl_usage(c, "there is no metric '%s'%s%s%s", name,
					      near ? "; did you mean '" : "", near ? near : "",
					      near ? "'?" : "");
		}
		for (int i = 0; i < n; i++)
			if (ids[i] == id)
				n = i;
		ids[n++] = id;
		s += len + (s[len] == ',');
	}
	return n;
}

static struct outfile output;
static int saved_stdout = -1;
/* What a verb prints for a page; -1 where it prints to the file itself. */
static int for_page = -1;

bool output_is(const char *path, const char *ending)
{
	size_t len = path ? strlen(path) : 0, end = strlen(ending);

	return len > end && !strcmp(path + len - end, ending);
}

int perf_output_begin(struct ctl *c, const char *path)
{
	bool page = output_is(path, ".html");

	if (!path)
		return 0;
	if (page && c->json)
		return ctl_usage(c, "'%s' would be a page, and -j prints JSON: name it .json", path);
	if (outfile_open(&output, path, false))
		return ctl_refuse(c, output.error, "%s: %s", path, output.why);
	if (output_is(path, ".json") && !c->json) {
		c->json = true;
		c->pretty = true;
	}
	fflush(stdout);
	saved_stdout = dup(STDOUT_FILENO);
	for_page = page ? memfd_create("page", MFD_CLOEXEC) : -1;
	if (saved_stdout < 0 || (page && for_page < 0) ||
	    dup2(page ? for_page : fileno(output.f), STDOUT_FILENO) < 0) {
		outfile_abandon(&output);
		return ctl_refuse(c, errno, "%s: %s", path, strerror(errno));
	}
	ctl_json_start(c);
	return 0;
}

/* The page of a verb that makes one; of the others a page that holds their text. */
static bool write_page(const struct ctl *c)
{
	FILE *from = fdopen(for_page, "r");
	bool made = false, first = true;
	char *line = NULL, title[80];
	size_t room = 0;
	ssize_t len;

	if (!from || dup2(fileno(output.f), STDOUT_FILENO) < 0)
		return false;
	rewind(from);
	while ((len = getline(&line, &room, from)) > 0) {
		if (first)
			made = page_starts(line);
		if (first && !made) {
			snprintf(title, sizeof(title), "vexctl %s", c->verb->name);
			page_begin(title, "");
			fputs("<pre>", stdout);
		}
		first = false;
		if (made) {
			fwrite(line, 1, (size_t)len, stdout);
			continue;
		}
		line[strcspn(line, "\n")] = '\0';
		escape_html(stdout, line);
		putchar('\n');
	}
	if (!made && !first) {
		puts("</pre>");
		page_end();
	}
	free(line);
	made = !ferror(from) && !fflush(stdout) && !ferror(stdout);
	fclose(from);
	return made;
}

int perf_output_end(struct ctl *c, int ret)
{
	bool bad;

	if (saved_stdout < 0)
		return ret;
	bad = fflush(stdout) || ferror(stdout);
	if (for_page >= 0)
		bad |= !write_page(c);
	for_page = -1;
	dup2(saved_stdout, STDOUT_FILENO);
	close(saved_stdout);
	saved_stdout = -1;
	if (ret == EXIT_USAGE || ret == EXIT_NO_MODULE || bad) {
		outfile_abandon(&output);
		return bad ? ctl_refuse(c, EIO, "the report cannot be written") : ret;
	}
	if (outfile_commit(&output)) {
		fprintf(stderr, "vexctl: %s\n", output.why);
		return EXIT_REFUSED;
	}
	return ret;
}

void end_json(struct ctl *c)
{
	if (!c->json)
		return;
	json_object_end(&c->out);
	json_finish(&c->out);
}

void kv_number(struct json *j, const char *key, double v)
{
	json_kv_double(j, key, v);
}

bool perf_sleep(int64_t ms)
{
	struct timespec end, now;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += ms / 1000;
	end.tv_nsec += ms % 1000 * 1000000;
	if (end.tv_nsec >= 1000000000) {
		end.tv_sec++;
		end.tv_nsec -= 1000000000;
	}
	while (!stop_wanted()) {
		if (!clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL))
			return true;
		clock_gettime(CLOCK_MONOTONIC, &now);
	}
	return false;
}

int perf_looks(struct ctl *c, const char *root, int64_t ms, struct look *a, struct look *b,
	       double v[METRICS])
{
	struct wire *w;
	int ret = 0, err;

	w = wire_open(c, &ret);
	if (!w)
		return ret;
	err = look_take(w, root, a);
	if (!err && ms) {
		perf_sleep(ms);
		err = look_take(w, root, b);
	}
	if (err)
		ret = wire_fail(c, w, err);
	else
		metrics_between(ms ? a : NULL, ms ? b : a, v);
	wire_close(w);
	return ret;
}

const char *metric_text(int id, double v)
{
	static char text[8][48];
	static unsigned int at;
	const char *unit = metrics[id].unit;
	char *t = text[at++ % 8];

	if (isnan(v))
		snprintf(t, 48, "not known");
	else if (!strcmp(unit, "share"))
		snprintf(t, 48, "%.2f %%", v * 100);
	else if (!strncmp(unit, "bytes", 5))
		snprintf(t, 48, "%.1f MiB%s", v / 1048576, unit + 5);
	else if (!strcmp(unit, "flag"))
		snprintf(t, 48, "%s", v > 0.5 ? "yes" : "no");
	else
		snprintf(t, 48, "%.*f %s", v < 10 ? 3 : 1, v, unit);
	return t;
}

/* ---- settings ---- */

void want_setting(struct change_list *l, const char *key, const char *fmt, ...)
{
	va_list args;

	if (l->n == 32)
		return;
	l->key[l->n] = key;
	va_start(args, fmt);
	vsnprintf(l->value[l->n++], sizeof(l->value[0]), fmt, args);
	va_end(args);
}

struct wanted {
	char *buf;
	size_t size;
	bool text;
};

static int keep_setting(struct nlmsghdr *h, struct nlattr **a, void *arg)
{
	struct wanted *w = arg;

	(void)h;
	w->text = a[VEXFS_A_TUNABLE_TEXT];
	if (w->text)
		snprintf(w->buf, w->size, "%s", wire_text(a, VEXFS_A_TUNABLE_TEXT));
	else
		snprintf(w->buf, w->size, "%" PRId64, (int64_t)wire_u64(a, VEXFS_A_TUNABLE_VALUE));
	return 0;
}

static bool get_setting(struct wire *w, const char *key, char *buf, size_t size, bool *text)
{
	struct nl_msg *msg = wire_request(w, VEXFS_CMD_TUNABLE_GET, false);
	struct wanted want = { buf, size, false };

	*buf = '\0';
	if (msg && nla_put_string(msg, VEXFS_A_TUNABLE_KEY, key)) {
		nlmsg_free(msg);
		return false;
	}
	if (wire_call(w, msg, keep_setting, &want))
		return false;
	*text = want.text;
	return true;
}

const char *read_setting(struct wire *w, const char *key, char *buf, size_t size)
{
	bool text;

	get_setting(w, key, buf, size, &text);
	return buf;
}

static int put_change(struct nl_msg *msg, const char *key, const char *value, bool text)
{
	struct nlattr *nest = nla_nest_start(msg, VEXFS_A_TUNE_SETTING);

	if (!nest || nla_put_string(msg, VEXFS_A_SETTING_KEY, key))
		return -1;
	if (text ? nla_put_string(msg, VEXFS_A_SETTING_TEXT, value) :
	    nla_put_u64(msg, VEXFS_A_SETTING_VALUE, (uint64_t)strtoll(value, NULL, 0)))
		return -1;
	nla_nest_end(msg, nest);
	return 0;
}

static void say_changes(struct ctl *c, const struct change_list *l, char before[][64],
			char after[][64])
{
	struct json *j = &c->out;

	if (c->json) {
		json_key(j, "changes");
		json_array_begin(j);
	}
	for (unsigned int i = 0; i < l->n; i++) {
		if (!c->json) {
			printf("%s: %s -> %s\n", l->key[i], shown(before[i]), shown(after[i]));
			continue;
		}
		json_object_begin(j);
		json_kv_string(j, "key", l->key[i]);
		json_kv_string(j, "from", before[i]);
		json_kv_string(j, "to", after[i]);
		json_object_end(j);
	}
	if (c->json)
		json_array_end(j);
}

int change_settings(struct ctl *c, struct wire *w, const struct change_list *l)
{
	static char before[32][64], after[32][64];
	struct nl_msg *msg;
	int err = 0;

	if (!l->n) {
		say_changes(c, l, before, after);
		return 0;
	}
	msg = wire_request(w, VEXFS_CMD_TUNABLE_SET, false);
	for (unsigned int i = 0; i < l->n && msg && !err; i++) {
		bool text = false;

		if (!get_setting(w, l->key[i], before[i], sizeof(before[i]), &text)) {
			nlmsg_free(msg);
			return ctl_refuse(c, ENOENT, "this module has no setting '%s'", l->key[i]);
		}
		err = put_change(msg, l->key[i], l->value[i], text);
	}
	if (err) {
		nlmsg_free(msg);
		return ctl_refuse(c, E2BIG, "too many settings for one request");
	}
	err = wire_call(w, msg, NULL, NULL);
	if (err)
		return wire_fail(c, w, err);
	for (unsigned int i = 0; i < l->n; i++)
		read_setting(w, l->key[i], after[i], sizeof(after[i]));
	say_changes(c, l, before, after);
	return 0;
}
