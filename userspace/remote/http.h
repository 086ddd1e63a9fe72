/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A request over HTTP to a server that somebody named: Prometheus, Alertmanager. The
 * answer is bounded in size and time, whatever the server does.
 */
#ifndef VEXFS_REMOTE_HTTP_H
#define VEXFS_REMOTE_HTTP_H

#include <stddef.h>

#define HTTP_ANSWER_MAX	(64u << 20)

/**
 * struct http_answer - what came back
 * @status: of HTTP
 * @text: the body, terminated; to be freed
 * @len: its bytes
 */
struct http_answer {
	long status;
	char *text;
	size_t len;
};

/**
 * http_request() - one request
 * @url: http:// or https://; redirections are not followed
 * @json: body of a POST, or NULL for a GET
 * @seconds: how long all of it may take
 * @answer: what came back, whatever its status
 * @why: a sentence when nothing did
 * @size: of @why
 *
 * Return: 0, or -errno: -EOPNOTSUPP where the program was built without libcurl.
 */
int http_request(const char *url, const char *json, unsigned int seconds,
		 struct http_answer *answer, char *why, size_t size);

/* @text as a part of a query, to be freed; NULL without memory. */
char *http_escape(const char *text);

#endif
