// SPDX-License-Identifier: GPL-2.0
/*
 * Settings: showing them, changing several at once, and reading them from the
 * configuration file. The module defines which settings exist.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "ini.h"
#include "nearest.h"
#include "term.h"
#include "vexctl.h"
#include "wire.h"

#define CONFIG_FILE	"/etc/vexfs/vexfs.conf"
#define KNOBS_MAX	128
#define TEXT_SIZE	64

/**
 * struct knob - a setting of the module
 * @key: its name
 * @unit: of its value
 * @doc: description
 * @word: its value is @text
 * @value: its value
 * @min: smallest legal value
 * @max: largest
 * @def: its default
 * @text: its value, if it is a word
 * @def_text: its default then; "" if it has none
 * @at_default: it has its default value
 * @read_only: it can be set only when the module is loaded, or not at all
 */
struct knob {
	char key[48];
	char unit[24];
	char doc[200];
	bool word;
	int64_t value;
	int64_t min;
	int64_t max;
	int64_t def;
	char text[TEXT_SIZE];
	char def_text[TEXT_SIZE];
	bool at_default;
	bool read_only;
};

/**
 * struct change - a new value for a setting
 * @knob: the setting
 * @value: the value
 * @text: the value, if it is a word
 */
struct change {
	const struct knob *knob;
	int64_t value;
	char text[TEXT_SIZE];
};

/**
 * struct tuning - all settings, and the changes
 * @knobs: number of settings
 * @knob: settings
 * @changes: number of changes
 * @change: changes
 * @section: prefix of the keys of the current section
 * @skip: the current section is not for us
 * @checked: programs read the current section: its keys are checked, and set nothing
 */
struct tuning {
	size_t knobs;
	struct knob knob[KNOBS_MAX];
	size_t changes;
	struct change change[KNOBS_MAX];
	const char *section;
	bool skip;
	bool checked;
};

static int64_t attr_s64(struct nlattr **a, int type)
{
	return (int64_t)wire_u64(a, type);
}

static int keep_knob(struct nlmsghdr *h, struct nlattr **a, void *arg)
{
	struct tuning *t = arg;
	struct knob *k;

	(void)h;
	if (t->knobs == KNOBS_MAX)
		return 0;
	k = &t->knob[t->knobs++];
	*k = (struct knob){
		.word = a[VEXFS_A_TUNABLE_TEXT],
		.read_only = a[VEXFS_A_TUNABLE_READ_ONLY],
		.at_default = a[VEXFS_A_TUNABLE_AT_DEFAULT],
		.value = attr_s64(a, VEXFS_A_TUNABLE_VALUE),
		.min = attr_s64(a, VEXFS_A_TUNABLE_MIN_VALUE),
		.max = attr_s64(a, VEXFS_A_TUNABLE_MAX_VALUE),
		.def = attr_s64(a, VEXFS_A_TUNABLE_DEFAULT),
	};
	snprintf(k->key, sizeof(k->key), "%s", wire_text(a, VEXFS_A_TUNABLE_KEY));
	snprintf(k->unit, sizeof(k->unit), "%s", wire_text(a, VEXFS_A_TUNABLE_UNIT));
	snprintf(k->doc, sizeof(k->doc), "%s", wire_text(a, VEXFS_A_TUNABLE_DOC));
	snprintf(k->text, sizeof(k->text), "%s", wire_text(a, VEXFS_A_TUNABLE_TEXT));
	snprintf(k->def_text, sizeof(k->def_text), "%s", wire_text(a, VEXFS_A_TUNABLE_DEFAULT_TEXT));
	return 0;
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct knob *)a)->key, ((const struct knob *)b)->key);
}

static int read_knobs(struct wire *w, struct tuning *t)
{
	int err = wire_call(w, wire_request(w, VEXFS_CMD_TUNABLE_GET, true), keep_knob, t);

	qsort(t->knob, t->knobs, sizeof(t->knob[0]), by_key);
	return err;
}

/* '.' and '_' are equivalent, as in the module. */
static const struct knob *find_knob(const struct tuning *t, const char *prefix, const char *key)
{
	char name[128];

	snprintf(name, sizeof(name), "%s%s", prefix, key);
	for (char *p = name; *p; p++)
		if (*p == '.' || *p == '-')
			*p = '_';
	for (size_t i = 0; i < t->knobs; i++)
		if (!strcmp(t->knob[i].key, name))
			return &t->knob[i];
	return NULL;
}

static const char *nearest_key(const struct tuning *t, const char *key)
{
	const char *names[KNOBS_MAX];

	for (size_t i = 0; i < t->knobs; i++)
		names[i] = t->knob[i].key;
	return nearest_name(key, names, t->knobs);
}

static bool read_s64(const char *text, int64_t *v)
{
	char *end;

	errno = 0;
	*v = strtoll(text, &end, 0);
	return end > text && !*end && !errno;
}

/* Sets @why on error; the module checks the value again. */
static int add_change(struct tuning *t, const char *prefix, const char *key, const char *value,
		    char *why, size_t size)
{
	const struct knob *k = find_knob(t, prefix, key);
	struct change *w = &t->change[t->changes];

	if (!k && *prefix)
		k = find_knob(t, "", key);
	if (!k) {
		char full[128];
		const char *near;

		snprintf(full, sizeof(full), "%s%s", prefix, key);
		near = nearest_key(t, full);
		snprintf(why, size, "there is no setting '%s'%s%s%s", key,
			 near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
		return -1;
	}
	for (size_t i = 0; i < t->changes; i++)
		if (t->change[i].knob == k) {
			snprintf(why, size, "'%s' comes twice", k->key);
			return -1;
		}
	w->knob = k;
	if (!value || !*value) {
		snprintf(why, size, "'%s' needs a value", k->key);
		return -1;
	}
	if (k->word) {
		if (strlen(value) >= sizeof(w->text)) {
			snprintf(why, size, "'%s' takes a word of at most %zu bytes", k->key,
				 sizeof(w->text) - 1);
			return -1;
		}
		snprintf(w->text, sizeof(w->text), "%s", value);
	} else if (!read_s64(value, &w->value)) {
		snprintf(why, size, "'%s' takes a whole number, not '%s'", k->key, value);
		return -1;
	} else if (w->value < k->min || w->value > k->max) {
		snprintf(why, size, "'%s' takes %" PRId64 " to %" PRId64 " %s, not %" PRId64,
			 k->key, k->min, k->max, k->unit, w->value);
		return -1;
	}
	t->changes++;
	return 0;
}

/* ---- the configuration file ---- */

/* Sections, and the prefix of their settings. */
static const struct {
	const char *name;
	const char *prefix;
} sections[] = {
	{ "performance_optimizations.memory_pools", "pool_" },
	{ "performance_optimizations.simd", "simd_" },
	{ "performance_optimizations.stack", "stack_" },
	{ "performance_optimizations.bridge", "bridge_" },
	{ "performance_optimizations", "" },
	{ "targets", NULL },	/* vexstress reads these */
};

static int on_section(struct tuning *t, const char *name, char *why, size_t size)
{
	const size_t n = sizeof(sections) / sizeof(sections[0]);
	const char *names[8], *near;

	t->checked = config_has_section(name);
	if (t->checked)
		return 0;

	for (size_t i = 0; i < n; i++) {
		if (!strcmp(sections[i].name, name) ||
		    (!sections[i].prefix && !strncmp(name, "targets.", 8))) {
			t->section = sections[i].prefix;
			t->skip = !t->section;
			return 0;
		}
		names[i] = sections[i].name;
	}
	near = nearest_name(name, names, n);
	snprintf(why, size, "there is no section [%s]%s%s%s", name, near ? "; did you mean [" : "",
		 near ? near : "", near ? "]?" : "");
	return -1;
}

static int on_line(void *arg, const char *section, const char *key, const char *value, char *why,
		   size_t size)
{
	struct tuning *t = arg;

	if (!key)
		return on_section(t, section, why, size);
	if (t->checked)
		return config_check(section, key, value, why, size);
	return t->skip ? 0 : add_change(t, t->section, key, value, why, size);
}

/* ---- changing ---- */

static bool changes(const struct change *w)
{
	if (w->knob->word && w->knob->at_default && !strcmp(w->text, w->knob->def_text))
		return false;
	return w->knob->word ? strcmp(w->text, w->knob->text) : w->value != w->knob->value;
}

/*
 * The changes that "--defaults" makes to the settings that are not named, for printing.
 * The module makes them, by one flag.
 */
static void add_defaults(struct tuning *t)
{
	for (size_t i = 0; i < t->knobs; i++) {
		struct change *w = &t->change[t->changes];
		const struct knob *k = &t->knob[i];
		bool settled = k->read_only || k->at_default || (k->word && !*k->def_text);

		for (size_t j = 0; j < t->changes && !settled; j++)
			settled = t->change[j].knob == k;
		if (settled)
			continue;
		*w = (struct change){ .knob = k, .value = k->def };
		snprintf(w->text, sizeof(w->text), "%s", k->def_text);
		t->changes++;
	}
}

static int put_change(struct nl_msg *msg, const struct change *w)
{
	struct nlattr *nest = nla_nest_start(msg, VEXFS_A_TUNE_SETTING);

	if (!nest || nla_put_string(msg, VEXFS_A_SETTING_KEY, w->knob->key))
		return -1;
	if (w->knob->word ? nla_put_string(msg, VEXFS_A_SETTING_TEXT, w->text) :
	    nla_put_u64(msg, VEXFS_A_SETTING_VALUE, (uint64_t)w->value))
		return -1;
	nla_nest_end(msg, nest);
	return 0;
}

static int send_changes(struct ctl *c, struct wire *w, const struct tuning *t, bool check_only,
		       bool defaults)
{
	struct nl_msg *msg = wire_request(w, VEXFS_CMD_TUNABLE_SET, false);
	int err = 0;

	for (size_t i = 0; msg && !err && i < t->changes; i++)
		err = put_change(msg, &t->change[i]);
	if (msg && check_only)
		err |= nla_put_flag(msg, VEXFS_A_TUNE_CHECK_ONLY);
	if (msg && defaults)
		err |= nla_put_flag(msg, VEXFS_A_TUNE_RESET_TO_DEFAULT);
	if (err) {
		nlmsg_free(msg);
		return ctl_refuse(c, E2BIG, "too many settings for one request");
	}
	err = wire_call(w, msg, NULL, NULL);
	return err ? wire_fail(c, w, err) : EXIT_OK;
}

static void value_json(struct json *j, const char *key, bool word, int64_t value, const char *text)
{
	if (word)
		json_kv_string(j, key, text);
	else
		json_kv_i64(j, key, value);
}

static void show_changes(struct ctl *c, const struct tuning *t, bool applied)
{
	struct json *j = &c->out;

	if (c->json) {
		json_object_begin(j);
		json_kv_bool(j, "applied", applied);
		json_key(j, "changes");
		json_array_begin(j);
	}
	for (size_t i = 0; i < t->changes; i++) {
		const struct change *w = &t->change[i];
		const struct knob *k = w->knob;

		if (!changes(w))
			continue;
		if (c->json) {
			json_object_begin(j);
			json_kv_string(j, "key", k->key);
			value_json(j, "from", k->word, k->value, k->text);
			value_json(j, "to", k->word, w->value, w->text);
			json_object_end(j);
		} else if (k->word) {
			printf("%s: %s -> %s\n", k->key, shown(k->text), shown(w->text));
		} else {
			printf("%s: %" PRId64 " -> %" PRId64 " %s\n", k->key, k->value, w->value,
			       k->unit);
		}
	}
	if (c->json) {
		json_array_end(j);
		json_object_end(j);
		json_finish(j);
	}
}

static void knob_json(struct json *j, const struct knob *k)
{
	json_object_begin(j);
	json_kv_string(j, "key", k->key);
	value_json(j, "value", k->word, k->value, k->text);
	if (k->word && *k->def_text) {
		json_kv_string(j, "default", k->def_text);
		json_kv_bool(j, "at_default", k->at_default);
	}
	if (k->read_only)
		json_kv_bool(j, "read_only", true);
	if (!k->word) {
		json_kv_i64(j, "default", k->def);
		json_kv_i64(j, "min", k->min);
		json_kv_i64(j, "max", k->max);
		json_kv_string(j, "unit", k->unit);
	}
	json_kv_string(j, "doc", k->doc);
	json_object_end(j);
}

/* A line for scripts; on a narrow terminal the explanation is below. */
static void knob_text(const struct knob *k)
{
	int width = term_width(stdout);
	char value[160], about[400];
	enum tint t = TINT_PLAIN;

	if (k->word) {
		snprintf(value, sizeof(value), "%s=%s", k->key, shown(k->text));
		snprintf(about, sizeof(about), "%s", k->doc);
	} else {
		snprintf(value, sizeof(value), "%s=%" PRId64, k->key, k->value);
		snprintf(about, sizeof(about), "%s, %" PRId64 " to %" PRId64 ", default %" PRId64
			 ": %s", k->unit, k->min, k->max, k->def, k->doc);
		t = k->value == k->def ? TINT_PLAIN : TINT_WARN;
	}
	printf("%s%s%s", tint(t), value, untint());
	if (!width) {
		printf("\t# %s\n", about);
	} else if (strlen(value) / 8 * 8 + 8 + 2 + strlen(about) <= (size_t)width) {
		printf("\t# %s\n", about);
	} else {
		putchar('\n');
		wrap_text(stdout, about, -1, 4, width);
	}
}

static int show_knobs(struct ctl *c, const struct tuning *t)
{
	struct json *j = &c->out;
	char why[300];

	/* All keys are checked before any is printed. */
	for (int i = 0; i < c->argc; i++)
		if (!find_knob(t, "", c->argv[i])) {
			const char *near = nearest_key(t, c->argv[i]);

			snprintf(why, sizeof(why), "there is no setting '%.100s'%s%s%s", c->argv[i],
				 near ? "; did you mean '" : "", near ? near : "",
				 near ? "'?" : "");
			return ctl_refuse(c, ENOENT, "%s", why);
		}
	if (c->json) {
		json_object_begin(j);
		json_key(j, "settings");
		json_array_begin(j);
	}
	for (size_t i = 0; i < t->knobs; i++) {
		const struct knob *k = &t->knob[i];
		bool wanted = !c->argc;

		for (int a = 0; a < c->argc; a++)
			wanted |= find_knob(t, "", c->argv[a]) == k;
		if (wanted && c->json)
			knob_json(j, k);
		else if (wanted)
			knob_text(k);
	}
	if (c->json) {
		json_array_end(j);
		json_object_end(j);
		json_finish(j);
	}
	return EXIT_OK;
}

/* Changes from the file and from KEY=VALUE; -1 if there are only KEYs to show. */
static int collect(struct ctl *c, struct tuning *t, const char *file, char *why, size_t size)
{
	int values = 0;

	if (file && ini_read(file, on_line, t, why, size))
		return ctl_refuse(c, EINVAL, "%s", why);
	for (int i = 0; i < c->argc; i++)
		values += !!strchr(c->argv[i], '=');
	if (!values && !file)
		return -1;
	if (values != c->argc)
		return ctl_usage(c, "settings are either all shown (KEY) or all changed (KEY=VALUE)");
	for (int i = 0; i < c->argc; i++) {
		char *eq = strchr(c->argv[i], '=');

		*eq = '\0';
		if (add_change(t, "", c->argv[i], eq + 1, why, size))
			return ctl_refuse(c, EINVAL, "%s; nothing was changed", why);
	}
	return EXIT_OK;
}

static int change(struct ctl *c, struct wire *w, struct tuning *t, const char *file, bool dry,
		  bool defaults)
{
	char why[512];
	int ret;

	ret = collect(c, t, file, why, sizeof(why));
	if (ret == -1 && !defaults)
		return show_knobs(c, t);
	if (ret > 0)
		return ret;
	/* A file may contain no settings. */
	ret = t->changes || defaults ? send_changes(c, w, t, dry, defaults) : EXIT_OK;
	if (!ret && (dry || c->json)) {
		if (defaults)
			add_defaults(t);
		show_changes(c, t, !dry);
	}
	return ret;
}

static int with_knobs(struct ctl *c, const char *file, bool dry, bool defaults)
{
	struct tuning *t = calloc(1, sizeof(*t));
	struct wire *w;
	int ret = 0, err;

	if (!t)
		return ctl_refuse(c, ENOMEM, "no memory");
	w = wire_open(c, &ret);
	if (w) {
		err = read_knobs(w, t);
		ret = err ? wire_fail(c, w, err) : change(c, w, t, file, dry, defaults);
	}
	wire_close(w);
	free(t);
	return ret;
}

static int run_tune(struct ctl *c)
{
	return with_knobs(c, opt_string(c, "file", NULL), opt_given(c, "dry-run"),
			  opt_given(c, "defaults"));
}

static int run_apply(struct ctl *c)
{
	return with_knobs(c, opt_string(c, "file", CONFIG_FILE), opt_given(c, "dry-run"), true);
}

static const struct opt tune_opts[] = {
	{ "file", 0, OPT_STRING, "FILE", "take the settings from a configuration file" },
	{ "dry-run", 'n', OPT_FLAG, NULL, "show what would change and change nothing" },
	{ "defaults", 0, OPT_FLAG, NULL, "reset settings that are not named to their defaults" },
	{ 0 },
};

static const struct opt apply_opts[] = {
	{ "file", 0, OPT_STRING, "FILE", "use this file instead of " CONFIG_FILE },
	{ "dry-run", 'n', OPT_FLAG, NULL, "show what would change and change nothing" },
	{ 0 },
};

const struct verb tune_verbs[] = {
	{ "tune", "[KEY[=VALUE]...]", 0, -1, "show settings, or change several at once",
	  "Without arguments all settings are shown, with KEY only those. KEY=VALUE changes settings: "
	  "all of them or, if one is refused, none. '.' in a key stands for '_'. On a terminal "
	  "with colours, values that differ from the default are highlighted.", tune_opts,
	  run_tune },
	{ "apply", "", 0, 0, "apply the configuration file",
	  "Settings that the file does not name return to their defaults. All settings change, or "
	  "none, as with tune. See vexfs.conf(5).", apply_opts, run_apply },
	{ 0 },
};
