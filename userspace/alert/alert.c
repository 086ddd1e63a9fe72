// SPDX-License-Identifier: GPL-2.0
/* Pushing alerts with libcurl. */
#include "alert.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "json.h"

#define TIMEOUT_S	10L
#define ANSWER_MAX	400

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
	json_finish(&j);
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	return text;
}

struct answer {
	char text[ANSWER_MAX];
	size_t len;
};

/* Keeps the start of the server's response for the error message. */
static size_t take_answer(char *p, size_t size, size_t n, void *arg)
{
	struct answer *a = arg;
	size_t room = sizeof(a->text) - 1 - a->len, take = size * n < room ? size * n : room;

	memcpy(a->text + a->len, p, take);
	a->len += take;
	return size * n;
}

static void only_http(CURL *curl)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
}

static int post(const char *url, const char *body, char *why, size_t size)
{
	struct curl_slist *heads = curl_slist_append(NULL, "Content-Type: application/json");
	struct answer answer = { .len = 0 };
	CURL *curl = curl_easy_init();
	CURLcode err = CURLE_OUT_OF_MEMORY;
	long code = 0;

	if (curl && heads) {
		curl_easy_setopt(curl, CURLOPT_URL, url);
		curl_easy_setopt(curl, CURLOPT_HTTPHEADER, heads);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
		curl_easy_setopt(curl, CURLOPT_TIMEOUT, TIMEOUT_S);
		curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
		curl_easy_setopt(curl, CURLOPT_USERAGENT, "vexfs/" VEXFS_VERSION);
		curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_answer);
		curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
		only_http(curl);
		err = curl_easy_perform(curl);
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
	}
	answer.text[answer.len] = '\0';
	if (err)
		snprintf(why, size, "%.150s: %s", url, curl_easy_strerror(err));
	else if (code < 200 || code > 299)
		snprintf(why, size, "%.150s answered %ld: %.200s", url, code, answer.text);
	curl_slist_free_all(heads);
	curl_easy_cleanup(curl);
	return err || code < 200 || code > 299 ? -1 : 0;
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
