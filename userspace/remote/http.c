// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http.h"

char *http_escape(const char *text)
{
	static const char hex[] = "0123456789ABCDEF";
	char *to = malloc(3 * strlen(text) + 1), *at = to;

	for (; to && *text; text++) {
		unsigned char c = (unsigned char)*text;

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    strchr("-._~", c)) {
			*at++ = (char)c;
		} else {
			*at++ = '%';
			*at++ = hex[c >> 4];
			*at++ = hex[c & 15];
		}
	}
	if (to)
		*at = '\0';
	return to;
}

#ifdef HAVE_CURL

#include <curl/curl.h>

static size_t take(char *data, size_t one, size_t n, void *arg)
{
	struct http_answer *a = arg;
	size_t len = one * n;
	char *more;

	if (len > HTTP_ANSWER_MAX - a->len)
		return 0;
	more = realloc(a->text, a->len + len + 1);
	if (!more)
		return 0;
	memcpy(more + a->len, data, len);
	a->text = more;
	a->len += len;
	a->text[a->len] = '\0';
	return len;
}

static int perform(CURL *h, const char *url, struct http_answer *answer, char *why, size_t size)
{
	char detail[CURL_ERROR_SIZE] = "";
	int host = (int)strcspn(url, "?");
	CURLcode code;

	curl_easy_setopt(h, CURLOPT_ERRORBUFFER, detail);
	code = curl_easy_perform(h);
	if (!code) {
		curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &answer->status);
		return 0;
	}
	if (code == CURLE_WRITE_ERROR)
		snprintf(why, size, "the response of %.*s is too large", host, url);
	else
		snprintf(why, size, "%.*s: %s", host, url, *detail ? detail : curl_easy_strerror(code));
	return code == CURLE_OPERATION_TIMEDOUT ? -ETIMEDOUT : -EIO;
}

static void only_http(CURL *h)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(h, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
}

int http_request(const char *url, const char *json, unsigned int seconds,
		 struct http_answer *answer, char *why, size_t size)
{
	struct curl_slist *headers = NULL;
	CURL *h = curl_easy_init();
	int err = -ENOMEM;

	*answer = (struct http_answer){ .text = calloc(1, 1) };
	snprintf(why, size, "no memory");
	if (json)
		headers = curl_slist_append(NULL, "Content-Type: application/json");
	if (h && answer->text && (headers || !json)) {
		curl_easy_setopt(h, CURLOPT_URL, url);
		only_http(h);
		curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
		curl_easy_setopt(h, CURLOPT_TIMEOUT, (long)seconds);
		curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT, 5L);
		curl_easy_setopt(h, CURLOPT_USERAGENT, "vexfs/" VEXFS_VERSION);
		curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take);
		curl_easy_setopt(h, CURLOPT_WRITEDATA, answer);
		if (json) {
			curl_easy_setopt(h, CURLOPT_HTTPHEADER, headers);
			curl_easy_setopt(h, CURLOPT_POSTFIELDS, json);
		}
		err = perform(h, url, answer, why, size);
	}
	curl_slist_free_all(headers);
	curl_easy_cleanup(h);
	if (err) {
		free(answer->text);
		answer->text = NULL;
	}
	return err;
}

#else

int http_request(const char *url, const char *json, unsigned int seconds,
		 struct http_answer *answer, char *why, size_t size)
{
	(void)url;
	(void)json;
	(void)seconds;
	*answer = (struct http_answer){ 0 };
	snprintf(why, size, "this program was built without libcurl and cannot connect to servers");
	return -EOPNOTSUPP;
}

#endif
