/* SPDX-License-Identifier: GPL-2.0 */
/*
 * HTTP requests to servers such as Prometheus or Alertmanager. The response is bounded in
 * size and time, whatever the server does.
 */
#ifndef VEXFS_REMOTE_HTTP_H
#define VEXFS_REMOTE_HTTP_H

#include <stddef.h>

#define HTTP_ANSWER_MAX	(64u << 20)

/**
 * struct http_answer - a response
 * @status: HTTP status
 * @text: the body, NUL-terminated; to be freed
 * @len: its bytes
 */
struct http_answer {
	long status;
	char *text;
	size_t len;
};

/**
 * http_request() - sends one request
 * @url: http:// or https://; redirections are not followed
 * @json: body of a POST, or NULL for a GET
 * @seconds: time limit of the whole request
 * @answer: the response, with any status
 * @why: a sentence if there was no response
 * @size: of @why
 *
 * Return: 0, or -errno: -EOPNOTSUPP if the program was built without libcurl.
 */
int http_request(const char *url, const char *json, unsigned int seconds,
		 struct http_answer *answer, char *why, size_t size);

/* @text encoded for a query string, to be freed; NULL without memory. */
char *http_escape(const char *text);

#endif
