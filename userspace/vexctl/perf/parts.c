// SPDX-License-Identifier: GPL-2.0
/* What the verbs of pools, arithmetic and stack share. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "parts.h"

const char *const tier_names[TIERS] = { "small", "medium", "large" };

static int keep_done(struct nlmsghdr *h, struct nlattr **a, void *arg)
{
	(void)h;
	*(uint32_t *)arg = wire_u32(a, VEXFS_A_MANAGE_DONE);
	return 0;
}

int manage(struct ctl *c, struct wire *w, uint32_t action, int64_t value, bool keep_hot,
	   uint32_t *done)
{
	struct nl_msg *msg = wire_request(w, VEXFS_CMD_MANAGE, false);
	int err = 0;

	*done = 0;
	if (msg) {
		err = nla_put_u32(msg, VEXFS_A_MANAGE_ACTION, action);
		if (value >= 0)
			err |= nla_put_u32(msg, VEXFS_A_MANAGE_VALUE, (uint32_t)value);
		if (keep_hot)
			err |= nla_put_flag(msg, VEXFS_A_MANAGE_KEEP_HOT);
	}
	if (err) {
		nlmsg_free(msg);
		return ctl_refuse(c, E2BIG, "the request is too long");
	}
	err = wire_call(w, msg, keep_done, done);
	return err ? wire_fail(c, w, err) : 0;
}

int manage_once(struct ctl *c, uint32_t action, int64_t value, bool keep_hot, const char *key,
		const char *text)
{
	struct wire *w;
	uint32_t done;
	int ret = 0;

	w = wire_open(c, &ret);
	if (!w)
		return ret;
	ret = manage(c, w, action, value, keep_hot, &done);
	wire_close(w);
	if (ret)
		return ret;
	if (c->json) {
		json_object_begin(&c->out);
		json_kv_u64(&c->out, key, done);
		json_object_end(&c->out);
		json_finish(&c->out);
	} else {
		printf(text, done);
	}
	return EXIT_OK;
}

int apply_list(struct ctl *c, const struct change_list *l)
{
	struct wire *w;
	int ret = 0;

	if (!l->n)
		return ctl_usage(c, "nothing to configure; see 'vexctl %s --help'", c->verb->name);
	w = wire_open(c, &ret);
	if (!w)
		return ret;
	if (c->json)
		json_object_begin(&c->out);
	ret = change_settings(c, w, l);
	if (!ret)
		end_json(c);
	wire_close(w);
	return ret;
}

void say_number(struct ctl *c, const char *name, double v)
{
	if (c->json)
		kv_number(&c->out, name, v);
	else if (isnan(v))
		printf("%-24s not known\n", name);
	else
		printf("%-24s %.6g\n", name, v);
}

void say_text(struct ctl *c, const char *name, const char *v)
{
	if (c->json)
		json_kv_string(&c->out, name, v);
	else
		printf("%-24s %s\n", name, shown(v));
}

bool debug_file(const char *name, char *buf, size_t size)
{
	char path[200];

	snprintf(path, sizeof(path), "/sys/kernel/debug/vexfs/%s", name);
	if (host_file("", path, buf, size))
		return true;
	fprintf(stderr, "vexctl: %s: %s (debugfs is root's, and has to be mounted)\n", path,
		strerror(errno));
	return false;
}

int watch_times(struct ctl *c, const char *otherwise, int64_t *length, int64_t *step)
{
	*step = opt_given(c, "real-time") ? 1000 : 5000;
	return perf_length(c, "duration", otherwise, length);
}

int read_rows(struct ctl *c, struct wire *w, const char *subject, struct rows *rows)
{
	int err = rows_read(w, subject, rows);

	return err ? wire_fail(c, w, err) : 0;
}

int show_rows(struct ctl *c, const char *subject,
	      int (*show)(struct ctl *c, struct wire *w, const struct rows *rows))
{
	struct rows rows = { 0 };
	int ret = 0;
	struct wire *w = wire_open(c, &ret);

	if (!w)
		return ret;
	ret = read_rows(c, w, subject, &rows);
	if (!ret && !rows.n)
		ret = ctl_refuse(c, EOPNOTSUPP, "this module has no statistics '%s'", subject);
	if (!ret) {
		if (c->json)
			json_object_begin(&c->out);
		ret = show(c, w, &rows);
		end_json(c);
	}
	rows_free(&rows);
	wire_close(w);
	return ret;
}

void say_settings(struct ctl *c, struct wire *w, const char *const *names, size_t n)
{
	char buf[64];

	for (size_t i = 0; i < n; i++)
		if (*read_setting(w, names[i], buf, sizeof(buf)))
			say_number(c, names[i], strtod(buf, NULL));
}

int watch_rows(struct ctl *c, const char *subject, void (*show)(struct ctl *, const struct rows *))
{
	int64_t length, step, end;
	struct rows rows = { 0 };
	struct wire *w;
	int ret = watch_times(c, "300s", &length, &step);

	if (ret)
		return ret;
	w = wire_open(c, &ret);
	if (!w)
		return ret;
	stop_on_signals();
	end = perf_now_ms() + length;
	for (;;) {
		int64_t left = end - perf_now_ms();

		ret = read_rows(c, w, subject, &rows);
		if (ret)
			break;
		if (c->json) {
			ctl_json_start(c);
			json_object_begin(&c->out);
			kv_number(&c->out, "timestamp", (double)perf_now_ms() / 1e3);
		}
		show(c, &rows);
		end_json(c);
		fflush(stdout);
		if (left <= 0 || !perf_sleep(left < step ? left : step))
			break;
	}
	rows_free(&rows);
	wire_close(w);
	return ret;
}
