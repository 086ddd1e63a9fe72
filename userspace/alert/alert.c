// SPDX-License-Identifier: GPL-2.0
/* Pushes alerts as JSON over HTTP. */
#include "alert.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "http.h"
#include "json.h"

#define TIMEOUT_S	10

static void put_time(struct json *j, const char *key, int64_t ms)
{
	time_t t = (time_t)(ms / 1000);
	char text[40], full[60];
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(full, sizeof(full), "%s.%03dZ", text, (int)(ms % 1000));
	json_kv_string(j, key, full);
}

static void put_alert(struct json *j, const struct alert *a)
{
	char host[256] = "";
	struct timespec now;

	gethostname(host, sizeof(host) - 1);
	clock_gettime(CLOCK_REALTIME, &now);
	json_object_begin(j);
	json_key(j, "labels");
	json_object_begin(j);
	json_kv_string(j, "alertname", a->name);
	json_kv_string(j, "severity", a->severity);
	json_kv_string(j, "job", "vexfs");
	json_kv_string(j, "instance", a->instance ? a->instance : host);
	json_object_end(j);
	json_key(j, "annotations");
	json_object_begin(j);
	json_kv_string(j, "summary", a->summary);
	json_kv_string(j, "description", a->description);
	json_object_end(j);
	put_time(j, "startsAt", a->starts_ms ? a->starts_ms :
		 (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
	if (a->ends_ms)
		put_time(j, "endsAt", a->ends_ms);
	json_object_end(j);
}

char *alert_json(const struct alert *a, size_t n)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	struct json j;

	if (!f)
		return NULL;
	json_start(&j, f, false);
	json_array_begin(&j);
	for (size_t i = 0; i < n; i++)
		put_alert(&j, &a[i]);
	json_array_end(&j);
	return json_finish_text(&j, &text);
}

static int post(const char *url, const char *body, char *why, size_t size)
{
	struct http_answer answer;
	bool good;

	if (http_request(url, body, TIMEOUT_S, &answer, why, size))
		return -1;
	good = answer.status >= 200 && answer.status <= 299;
	if (!good)
		snprintf(why, size, "%.150s answered %ld: %.200s", url, answer.status, answer.text);
	free(answer.text);
	return good ? 0 : -1;
}

int alert_webhook(const char *url, const struct alert *a, size_t n, char *why, size_t size)
{
	char *body = alert_json(a, n);
	int ret;

	if (!body) {
		snprintf(why, size, "no memory for an alert");
		return -1;
	}
	ret = post(url, body, why, size);
	free(body);
	return ret;
}

int alert_push(const char *url, const struct alert *a, size_t n, char *why, size_t size)
{
	size_t len = strlen(url);
	char full[1200];

	while (len && url[len - 1] == '/')
		len--;
	if (snprintf(full, sizeof(full), "%.*s/api/v2/alerts", (int)len, url) >= (int)sizeof(full)) {
		snprintf(why, size, "the URL is too long");
		return -1;
	}
	return alert_webhook(full, a, n, why, size);
}
