// SPDX-License-Identifier: GPL-2.0
/* The table of keys, and everything that is derived from it. */
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ini.h"
#include "nearest.h"
#include "parse.h"

enum kind { NUMBER, SHARE, FLAG, TEXT, WORD, PATH, URL };

/**
 * struct key - a key of the file
 * @section: its section
 * @name: its name
 * @kind: type of its value
 * @at: offset in struct config
 * @def: default, as text
 * @min: smallest number
 * @max: largest
 * @words: values of a WORD, separated by blanks
 * @doc: description
 */
struct key {
	const char *section;
	const char *name;
	enum kind kind;
	size_t at;
	const char *def;
	double min;
	double max;
	const char *words;
	const char *doc;
};

#define AT(member)	offsetof(struct config, member)

static const struct key keys[] = {
	{ "monitor", "interval", NUMBER, AT(interval), "30", 0.1, 86400, NULL,
	  "seconds between samples" },
	{ "monitor", "database", PATH, AT(database), "/var/lib/vexfs/history.db", 0, 0, NULL,
	  "the history" },
	{ "monitor", "pid_file", PATH, AT(pid_file), "/run/vexfs-perf-monitor.pid", 0, 0, NULL,
	  "process id of the daemon" },
	{ "monitor", "log", PATH, AT(log), "/var/log/vexfs/performance-monitor.log", 0, 0, NULL,
	  "log of the daemon" },
	{ "monitor", "pool_log", PATH, AT(pool_log), "/var/log/vexfs/memory-pool-monitor.log", 0, 0,
	  NULL, "log of exhausted pools" },
	{ "monitor", "alertmanager", URL, AT(alertmanager), "", 0, 0, NULL,
	  "Alertmanager that alerts are pushed to, for example http://127.0.0.1:9093" },
	{ "monitor", "webhook", URL, AT(webhook), "", 0, 0, NULL,
	  "gets each alert as JSON; the environment variable ALERT_WEBHOOK overrides it" },
	{ "monitor", "prometheus", URL, AT(prometheus), "", 0, 0, NULL,
	  "verbs read history from this Prometheus instead of the database" },
	{ "monitor", "hang_scan", NUMBER, AT(hang_s), "5", 1, 3600, NULL,
	  "seconds between scans for tasks that hang in vexfs" },
	{ "monitor", "pool_optimize", FLAG, AT(pool_optimize), "0", 0, 1, NULL,
	  "the daemon runs 'memory-pools optimize --auto-resize' while the hit rate is below its floor" },
	{ "history", "raw_days", NUMBER, AT(raw_days), "2", 0.04, 3650, NULL,
	  "days that samples are kept" },
	{ "history", "mid_days", NUMBER, AT(mid_days), "30", 0.04, 3650, NULL,
	  "days that means over five minutes are kept" },
	{ "history", "long_days", NUMBER, AT(long_days), "365", 0.04, 36500, NULL,
	  "days that means over an hour are kept" },
	{ "history", "size_mb", NUMBER, AT(size_mb), "200", 1, 1048576, NULL,
	  "MiB that the history may take; the oldest samples are deleted first" },
	{ "thresholds", "policy", WORD, AT(policy), "default", 0, 0,
	  "default s1 s2 rule-of-thumb",
	  "which changes count; docs/operations.md explains the policies" },
	{ "thresholds", "warn", SHARE, AT(warn), "", 0, 10, NULL,
	  "change for the worse that is a warning, instead of the policy's" },
	{ "thresholds", "fail", SHARE, AT(fail), "", 0, 10, NULL,
	  "change for the worse that is a failure, instead of the policy's" },
	{ "thresholds", "fuse_ops_floor", NUMBER, AT(fuse_floor), "3500", 0, 1e12, NULL,
	  "ops a second of the mount, under load" },
	{ "thresholds", "vector_ops_floor", NUMBER, AT(vector_floor), "1800", 0, 1e12, NULL,
	  "vector ops a second, under load" },
	{ "thresholds", "semantic_ops_floor", NUMBER, AT(semantic_floor), "550", 0, 1e12, NULL,
	  "semantic ops a second, under load" },
	{ "thresholds", "pool_hit_floor", SHARE, AT(pool_hit_floor), "0.85", 0, 1, NULL,
	  "hit rate of the pools" },
	{ "recovery", "auto", WORD, AT(recovery), "off", 0, 0, "off advise on",
	  "what the daemon does when performance stays bad" },
	{ "recovery", "after", NUMBER, AT(after_s), "300", 1, 86400, NULL,
	  "seconds of bad performance before a recovery" },
	{ "recovery", "attempts", NUMBER, AT(attempts), "3", 1, 100, NULL,
	  "recoveries a day at most" },
	{ "recovery", "cool_down", NUMBER, AT(cool_down_s), "3600", 1, 86400, NULL,
	  "seconds from one recovery to the next" },
	{ "recovery", "settle", NUMBER, AT(settle_s), "30", 0, 3600, NULL,
	  "seconds to wait before the validation" },
	{ "recovery", "log", PATH, AT(recovery_log), "/var/log/vexfs/performance-recovery.log", 0, 0,
	  NULL, "journal of recoveries" },
	{ "telemetry", "sampling_rate", SHARE, AT(sampling_rate), "0.1", 0.001, 1, NULL,
	  "samples that the sinks get; events go to them all" },
	{ "telemetry", "batch_size", NUMBER, AT(batch_size), "100", 1, 4096, NULL,
	  "values that a sink gets at once, at most" },
	{ "telemetry", "export_interval", NUMBER, AT(export_interval), "60", 0.1, 86400, NULL,
	  "seconds that values wait for a full batch" },
	{ "telemetry", "retention_days", NUMBER, AT(retention_days), "30", 1, 36500, NULL,
	  "days that files of the sink 'file' are kept, one a day" },
	{ "telemetry", "file", PATH, AT(telemetry_file), "", 0, 0, NULL,
	  "sink: JSON lines are appended to this file" },
	{ "telemetry", "exec", PATH, AT(telemetry_exec), "", 0, 0, NULL,
	  "sink: this program gets JSON lines as its standard input, a batch at a time" },
	{ "telemetry", "socket", PATH, AT(telemetry_socket), "", 0, 0, NULL,
	  "sink: JSON lines to this unix stream socket, one connection per batch" },
	{ "telemetry", "statsd", TEXT, AT(telemetry_statsd), "", 0, 0, NULL,
	  "sink: StatsD at ADDRESS:PORT" },
	{ "telemetry", "log", WORD, AT(telemetry_log), "off", 0, 0, "off syslog journal",
	  "sink: syslog, or the journal with a field for each metric" },
};

#define KEYS	(sizeof(keys) / sizeof(keys[0]))

static bool is_word(const char *words, const char *value)
{
	size_t len = strlen(value);

	for (const char *s = words; *s; s += strspn(s, " ")) {
		size_t n = strcspn(s, " ");

		if (len && n == len && !strncmp(s, value, n))
			return true;
		s += n;
	}
	return false;
}

static int set_number(const struct key *k, void *to, const char *value, char *why, size_t size)
{
	char text[64];
	size_t len = strlen(value);
	bool percent = k->kind == SHARE && len && value[len - 1] == '%';
	double v;

	/* A fraction that is not set comes from the policy. */
	if (k->kind == SHARE && !len && !*k->def) {
		*(double *)to = -1;
		return 0;
	}
	snprintf(text, sizeof(text), "%.*s", (int)(percent && len < sizeof(text) ? len - 1 : len),
		 value);
	for (len = strlen(text); len && text[len - 1] == ' '; )
		text[--len] = '\0';
	if (!parse_number(text, &v)) {
		snprintf(why, size, "'%s' takes a number, not '%.40s'", k->name, value);
		return -1;
	}
	v = percent ? v / 100 : v;
	if (v < k->min || v > k->max) {
		snprintf(why, size, "'%s' takes %g to %g, not %g", k->name, k->min, k->max, v);
		return -1;
	}
	if (k->kind != FLAG) {
		*(double *)to = v;
	} else if (v == 0 || v == 1) {
		*(bool *)to = v == 1;
	} else {
		snprintf(why, size, "'%s' takes 0 or 1", k->name);
		return -1;
	}
	return 0;
}

static int set_key(const struct key *k, struct config *c, const char *value, char *why, size_t size)
{
	void *to = (char *)c + k->at;

	if (!value) {
		snprintf(why, size, "'%s' needs a value", k->name);
		return -1;
	}
	if (k->kind == NUMBER || k->kind == SHARE || k->kind == FLAG)
		return set_number(k, to, value, why, size);
	if (strlen(value) >= CONFIG_TEXT) {
		snprintf(why, size, "'%s' takes at most %d bytes", k->name, CONFIG_TEXT - 1);
		return -1;
	}
	if (k->kind == WORD && !is_word(k->words, value)) {
		snprintf(why, size, "'%s' is one of %s, not '%.40s'", k->name, k->words, value);
		return -1;
	}
	if (k->kind == PATH && *value != '/') {
		snprintf(why, size, "'%s' takes a path from the root, not '%.40s'", k->name, value);
		return -1;
	}
	if (k->kind == URL && *value && strncmp(value, "http://", 7) &&
	    strncmp(value, "https://", 8)) {
		snprintf(why, size, "'%s' takes a URL with http:// or https://, not '%.40s'", k->name,
			 value);
		return -1;
	}
	snprintf(to, CONFIG_TEXT, "%s", value);
	return 0;
}

void config_defaults(struct config *c)
{
	char why[200];

	memset(c, 0, sizeof(*c));
	for (size_t i = 0; i < KEYS; i++)
		set_key(&keys[i], c, keys[i].def, why, sizeof(why));
}

bool config_has_section(const char *section)
{
	for (size_t i = 0; i < KEYS; i++)
		if (!strcmp(keys[i].section, section))
			return true;
	return false;
}

static const struct key *find_key(const char *section, const char *key, char *why, size_t size)
{
	const char *names[KEYS], *near;
	size_t n = 0;

	for (size_t i = 0; i < KEYS; i++) {
		if (strcmp(keys[i].section, section))
			continue;
		if (!strcmp(keys[i].name, key))
			return &keys[i];
		names[n++] = keys[i].name;
	}
	near = nearest_name(key, names, n);
	snprintf(why, size, "[%s] has no '%.60s'%s%s%s", section, key, near ? "; did you mean '" : "",
		 near ? near : "", near ? "'?" : "");
	return NULL;
}

int config_check(const char *section, const char *key, const char *value, char *why, size_t size)
{
	const struct key *k = find_key(section, key, why, size);
	struct config c;

	return k ? set_key(k, &c, value, why, size) : -1;
}

static int on_line(void *arg, const char *section, const char *key, const char *value, char *why,
		   size_t size)
{
	const struct key *k;

	if (!key || !config_has_section(section))
		return 0;
	k = find_key(section, key, why, size);
	return k ? set_key(k, arg, value, why, size) : -1;
}

int config_read(const char *path, struct config *c, char *why, size_t size)
{
	config_defaults(c);
	if (access(path, F_OK))
		return 0;
	return ini_read(path, on_line, c, why, size);
}

void config_document(FILE *f)
{
	const char *section = "";

	for (size_t i = 0; i < KEYS; i++) {
		const struct key *k = &keys[i];

		if (strcmp(section, k->section))
			fprintf(f, "\n### [%s]\n\n| key | default | bounds | what it does |\n"
				"| --- | --- | --- | --- |\n", k->section);
		section = k->section;
		fprintf(f, "| `%s` | %s%s%s | ", k->name, *k->def ? "`" : "", *k->def ? k->def : "none",
			*k->def ? "`" : "");
		if (k->kind == WORD)
			fprintf(f, "%s", k->words);
		else if (k->kind == PATH)
			fputs("a path", f);
		else if (k->kind == URL)
			fputs("a URL", f);
		else if (k->kind == TEXT)
			fputs("a text", f);
		else
			fprintf(f, "%.15g to %.15g%s", k->min, k->max,
				k->kind == SHARE ? ", or per cent" : "");
		fprintf(f, " | %s |\n", k->doc);
	}
}

void config_example(FILE *f)
{
	const char *section = "";

	for (size_t i = 0; i < KEYS; i++) {
		const struct key *k = &keys[i];

		if (strcmp(section, k->section))
			fprintf(f, "\n[%s]\n", k->section);
		section = k->section;
		fprintf(f, "# %c%s.\n#%s =%s%s\n", k->doc[0] >= 'a' && k->doc[0] <= 'z' ?
			k->doc[0] - 'a' + 'A' : k->doc[0], k->doc + 1, k->name, *k->def ? " " : "",
			k->def);
	}
}
