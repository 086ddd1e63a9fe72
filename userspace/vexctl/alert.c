// SPDX-License-Identifier: GPL-2.0
/*
 * Verbs for an Alertmanager: pushing an alert, listing alerts and silencing them. Alerts
 * that cannot be pushed wait in a spool directory.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "http.h"
#include "jsonin.h"
#include "outfile.h"
#include "term.h"
#include "vexctl.h"

#define URL		"http://127.0.0.1:9093"
#define SPOOL		"/var/spool/vexfs/alerts"
#define SPOOL_MOST	1000u		/* alerts in the spool */
#define ALERT_MOST	(64u << 10)	/* bytes of one alert */
#define TRIES		3
#define PATIENCE_S	10

static const char *const severities[] = { "info", "warning", "critical" };

/*
 * POSTs, with a longer pause after each failure. A request that the server refuses is not
 * repeated.
 */
static int post(const char *url, const char *path, const char *json, struct http_answer *answer,
		char *why, size_t size)
{
	char whole[2048];
	int err = -EIO;

	snprintf(whole, sizeof(whole), "%s%s", url, path);
	for (int i = 0; i < TRIES; i++) {
		if (i)
			sleep(1u << (i - 1));
		err = http_request(whole, json, PATIENCE_S, answer, why, size);
		if (!err && answer->status / 100 == 2)
			return 0;
		if (!err) {
			snprintf(why, size, "%s answers %ld: %.120s", url, answer->status, answer->text);
			err = answer->status / 100 == 5 ? -EIO : -EINVAL;
			free(answer->text);
			answer->text = NULL;
		}
		if (err != -EIO && err != -ETIMEDOUT)
			break;
	}
	return err;
}

/* ---- the spool ---- */

/* The file name follows from the alert, so a newer state of it replaces the older one. */
static uint64_t hash(const char *a, const char *b)
{
	uint64_t h = 0xcbf29ce484222325;

	for (; *a; a++)
		h = (h ^ (unsigned char)*a) * 0x100000001b3;
	h *= 0x100000001b3;
	for (; *b; b++)
		h = (h ^ (unsigned char)*b) * 0x100000001b3;
	return h;
}

static int only_alerts(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return n > 5 && !strcmp(d->d_name + n - 5, ".json");
}

static int spool_put(const char *dir, uint64_t name, const char *json, char *why, size_t size)
{
	struct outfile out = { 0 };
	struct dirent **list = NULL;
	char path[PATH_MAX];
	int n;

	if (mkdir(dir, 0700) && errno != EEXIST) {
		snprintf(why, size, "cannot make %s: %s", dir, strerror(errno));
		return -errno;
	}
	n = scandir(dir, &list, only_alerts, alphasort);
	for (int i = 0; i < n; i++)
		free(list[i]);
	free(list);
	snprintf(path, sizeof(path), "%s/%016" PRIx64 ".json", dir, name);
	if (n >= (int)SPOOL_MOST && access(path, F_OK)) {
		snprintf(why, size, "%s is full: %d alerts wait", dir, n);
		return -ENOSPC;
	}
	if (outfile_write(&out, path, json, strlen(json))) {
		snprintf(why, size, "%s", out.why);
		return -out.error;
	}
	return 0;
}

static char *read_small(const char *path)
{
	char *text = malloc(ALERT_MOST + 1);
	FILE *f = fopen(path, "re");
	size_t n = 0;

	if (f && text)
		n = fread(text, 1, ALERT_MOST, f);
	if (f)
		fclose(f);
	if (!n) {
		free(text);
		return NULL;
	}
	text[n] = '\0';
	return text;
}

/* Sends spooled alerts until one fails. Returns how many were sent; -1 with a sentence. */
static int spool_flush(const char *dir, const char *url, char *why, size_t size)
{
	struct dirent **list = NULL;
	int n = scandir(dir, &list, only_alerts, alphasort), sent = 0, err = 0;

	for (int i = 0; i < n; i++) {
		struct http_answer answer = { 0 };
		char path[PATH_MAX], *json = NULL;

		snprintf(path, sizeof(path), "%s/%s", dir, list[i]->d_name);
		if (!err)
			json = read_small(path);
		if (json)
			err = post(url, "/api/v2/alerts", json, &answer, why, size);
		/* An alert that the server refuses for good must not block the others. */
		if (json && (!err || err == -EINVAL)) {
			unlink(path);
			sent += !err;
			err = 0;
		}
		free(answer.text);
		free(json);
		free(list[i]);
	}
	free(list);
	return err ? -1 : sent;
}

/* ---- send ---- */

static void time_text(char *to, size_t size, time_t t)
{
	struct tm tm;

	strftime(to, size, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
}

static char *alert_text(struct ctl *c, const char *name, const char *instance)
{
	const char *summary = opt_string(c, "summary", name);
	char *text = NULL, when[32];
	size_t len;
	FILE *out = open_memstream(&text, &len);
	struct json j;

	if (!out)
		return NULL;
	json_start(&j, out, false);
	json_array_begin(&j);
	json_object_begin(&j);
	json_key(&j, "labels");
	json_object_begin(&j);
	json_kv_string(&j, "alertname", name);
	json_kv_string(&j, "severity", opt_string(c, "severity", "warning"));
	json_kv_string(&j, "instance", instance);
	json_object_end(&j);
	json_key(&j, "annotations");
	json_object_begin(&j);
	json_kv_string(&j, "summary", summary);
	json_kv_string(&j, "description", opt_string(c, "description", summary));
	json_object_end(&j);
	time_text(when, sizeof(when), time(NULL));
	json_kv_string(&j, opt_given(c, "resolved") ? "endsAt" : "startsAt", when);
	json_object_end(&j);
	json_array_end(&j);
	return json_finish_text(&j, &text);
}

static int send_or_keep(struct ctl *c, const char *json, const char *instance)
{
	const char *url = opt_string(c, "alertmanager", URL), *dir = opt_string(c, "spool", SPOOL);
	struct http_answer answer = { 0 };
	const char *hook = opt_string(c, "webhook", NULL);
	char why[400], trouble[400];
	int err;

	if (hook) {
		err = post(hook, "", json, &answer, why, sizeof(why));
		free(answer.text);
		answer = (struct http_answer){ 0 };
		/* One that is not reached does not keep the alert from the other. */
		if (err && !opt_given(c, "alertmanager"))
			return ctl_refuse(c, -err, "%s", why);
		if (err)
			fprintf(stderr, "vexctl: %s\n", why);
		else if (!opt_given(c, "alertmanager"))
			return EXIT_OK;
	}
	err = post(url, "/api/v2/alerts", json, &answer, why, sizeof(why));
	free(answer.text);
	if (!err) {
		spool_flush(dir, url, trouble, sizeof(trouble));
		return EXIT_OK;
	}
	if (err == -EINVAL || err == -EOPNOTSUPP || opt_given(c, "no-spool"))
		return ctl_refuse(c, -err, "%s", why);
	if (spool_put(dir, hash(c->argv[0], instance), json, trouble, sizeof(trouble)))
		return ctl_refuse(c, -err, "%s; and %s", why, trouble);
	return ctl_refuse(c, -err, "%s; the alert waits in %s: vexctl alert flush", why, dir);
}

static int run_send(struct ctl *c)
{
	const char *severity = opt_string(c, "severity", "warning");
	char host[256] = "localhost", *json;
	const char *instance;
	size_t i;
	int ret;

	for (i = 0; i < 3; i++)
		if (!strcmp(severity, severities[i]))
			break;
	if (i == 3)
		return ctl_usage(c, "--severity is info, warning or critical");
	if (!*c->argv[0])
		return ctl_usage(c, "the alert has no name");
	gethostname(host, sizeof(host) - 1);
	instance = opt_string(c, "instance", host);
	json = alert_text(c, c->argv[0], instance);
	if (!json)
		return ctl_refuse(c, ENOMEM, "no memory");
	ret = strlen(json) > ALERT_MOST ? ctl_usage(c, "an alert has at most 64 KiB") :
	      send_or_keep(c, json, instance);
	free(json);
	return ret;
}

static int run_flush(struct ctl *c)
{
	char why[400];
	int n = spool_flush(opt_string(c, "spool", SPOOL), opt_string(c, "alertmanager", URL), why,
			    sizeof(why));

	if (n < 0)
		return ctl_refuse(c, EIO, "%s", why);
	printf("%d sent\n", n);
	return EXIT_OK;
}

/* ---- list, silence ---- */

static const struct column columns[] = {
	{ "alert", 30, true }, { "severity", 9, true }, { "state", 11, true },
	{ "instance", 22, true }, { "since", 25, true }, { "summary", 40, true },
};

static const char *text_at(const jsonin *v, const char *a, const char *b)
{
	const char *s = jsonin_text(b ? jsonin_get(jsonin_get(v, a), b) : jsonin_get(v, a));

	return s ? s : "";
}

static void show_alert(struct ctl *c, const jsonin *v)
{
	const char *const text[] = {
		text_at(v, "labels", "alertname"), text_at(v, "labels", "severity"),
		text_at(v, "status", "state"), text_at(v, "labels", "instance"),
		text_at(v, "startsAt", NULL), text_at(v, "annotations", "summary"),
	};
	const char *cells[6];

	if (c->json)
		json_object_begin(&c->out);
	for (unsigned int i = 0; i < 6; i++) {
		cells[i] = cell("%s", shown(text[i]));
		if (c->json)
			json_kv_string(&c->out, columns[i].title, text[i]);
	}
	if (c->json)
		json_object_end(&c->out);
	else
		table_row(TINT_PLAIN, columns, 6, cells);
}

static int run_list(struct ctl *c)
{
	struct http_answer answer;
	char url[2048], why[400];
	jsonin *doc;
	int err;

	snprintf(url, sizeof(url), "%s/api/v2/alerts", opt_string(c, "alertmanager", URL));
	err = http_request(url, NULL, PATIENCE_S, &answer, why, sizeof(why));
	if (err)
		return ctl_refuse(c, -err, "%s", why);
	doc = jsonin_parse(answer.text, answer.len, why, sizeof(why));
	free(answer.text);
	if (!doc)
		return ctl_refuse(c, EPROTO, "%s: %s", url, why);
	if (c->json) {
		json_object_begin(&c->out);
		json_key(&c->out, "alerts");
		json_array_begin(&c->out);
	} else {
		table_row(TINT_HEAD, columns, 6, NULL);
	}
	for (size_t i = 0; i < jsonin_count(doc); i++)
		show_alert(c, jsonin_at(doc, i));
	if (c->json) {
		json_array_end(&c->out);
		json_object_end(&c->out);
		json_finish(&c->out);
	}
	jsonin_free(doc);
	return EXIT_OK;
}

static char *silence_text(struct ctl *c, double seconds)
{
	char *text = NULL, from[32], to[32];
	time_t now = time(NULL);
	struct json j;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	time_text(from, sizeof(from), now);
	time_text(to, sizeof(to), now + (time_t)seconds);
	json_start(&j, out, false);
	json_object_begin(&j);
	json_key(&j, "matchers");
	json_array_begin(&j);
	json_object_begin(&j);
	json_kv_string(&j, "name", "alertname");
	json_kv_string(&j, "value", c->argv[0]);
	json_kv_bool(&j, "isRegex", false);
	json_object_end(&j);
	json_array_end(&j);
	json_kv_string(&j, "startsAt", from);
	json_kv_string(&j, "endsAt", to);
	json_kv_string(&j, "createdBy", opt_string(c, "author", "vexctl"));
	json_kv_string(&j, "comment", opt_string(c, "comment", "silenced by vexctl"));
	json_object_end(&j);
	return json_finish_text(&j, &text);
}

static int run_silence(struct ctl *c)
{
	double hours = opt_number(c, "hours", 2);
	struct http_answer answer = { 0 };
	char why[400], *json;
	jsonin *doc;
	int err;

	if (hours <= 0 || hours > 8760)
		return ctl_usage(c, "--hours is more than 0 and at most 8760");
	json = silence_text(c, hours * 3600);
	if (!json)
		return ctl_refuse(c, ENOMEM, "no memory");
	err = post(opt_string(c, "alertmanager", URL), "/api/v2/silences", json, &answer, why,
		   sizeof(why));
	free(json);
	if (err)
		return ctl_refuse(c, -err, "%s", why);
	doc = jsonin_parse(answer.text, answer.len, why, sizeof(why));
	free(answer.text);
	if (!doc)
		return ctl_refuse(c, EPROTO, "%s", why);
	printf("%s\n", shown(text_at(doc, "silenceID", NULL)));
	jsonin_free(doc);
	return EXIT_OK;
}

#define SERVER_OPT { "alertmanager", 0, OPT_STRING, "URL", "the server, default " URL }
#define SPOOL_OPT { "spool", 0, OPT_STRING, "DIR", "spool directory, default " SPOOL }

static const struct opt send_opts[] = {
	SERVER_OPT, SPOOL_OPT,
	{ "webhook", 0, OPT_STRING, "URL", "post it there, too; without --alertmanager, only there" },
	{ "severity", 0, OPT_STRING, "WORD", "info, warning (the default) or critical" },
	{ "summary", 0, OPT_STRING, "TEXT", "one line; the name without it" },
	{ "description", 0, OPT_STRING, "TEXT", "more" },
	{ "instance", 0, OPT_STRING, "NAME", "the machine, default this one's name" },
	{ "resolved", 0, OPT_FLAG, NULL, "resolve the alert" },
	{ "no-spool", 0, OPT_FLAG, NULL, "do not spool it if the server cannot be reached" },
	{ 0 },
};

static const struct opt flush_opts[] = { SERVER_OPT, SPOOL_OPT, { 0 } };
static const struct opt list_opts[] = { SERVER_OPT, { 0 } };
static const struct opt silence_opts[] = {
	SERVER_OPT,
	{ "hours", 0, OPT_NUMBER, "N", "duration, default 2" },
	{ "comment", 0, OPT_STRING, "TEXT", "why" },
	{ "author", 0, OPT_STRING, "NAME", "who" },
	{ 0 },
};

const struct verb alert_verbs[] = {
	{ "alert send", "NAME", 1, 1, "push an alert to Alertmanager",
	  "The push is attempted three times. If the server cannot be reached the alert is spooled, a "
	  "newer one of the same name and machine replaces it; the next successful push also sends "
	  "all spooled alerts. The exit code is 1 if the alert was spooled.", send_opts, run_send },
	{ "alert flush", "", 0, 0, "send the spooled alerts", NULL, flush_opts, run_flush },
	{ "alert list", "", 0, 0, "print the alerts that Alertmanager has", NULL, list_opts, run_list },
	{ "alert silence", "NAME", 1, 1, "silence an alert for some time",
	  "Prints the number of the silence; amtool silence expire ends it.", silence_opts, run_silence },
	{ 0 },
};
