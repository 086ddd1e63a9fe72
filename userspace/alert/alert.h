/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pushing alerts: to an Alertmanager (its API version 2), and to a webhook that gets the
 * same as JSON. Built on libcurl. Nothing here decides what is worth an alert.
 */
#ifndef VEXFS_ALERT_H
#define VEXFS_ALERT_H

#include <stddef.h>
#include <stdint.h>

/**
 * struct alert - one of them
 * @name: label "alertname"
 * @severity: label "severity": info, warning, critical
 * @instance: label "instance", or NULL for this machine's name
 * @summary: annotation
 * @description: annotation
 * @starts_ms: when it began, milliseconds since 1970; 0: now
 * @ends_ms: when it ended, 0 while it lasts
 */
struct alert {
	const char *name;
	const char *severity;
	const char *instance;
	const char *summary;
	const char *description;
	int64_t starts_ms;
	int64_t ends_ms;
};

/* The names that vexfs uses. */
#define ALERT_REGRESSION	"VexFSPerformanceRegression"
#define ALERT_RECOVERED		"VexFSPerformanceRecoverySuccess"
#define ALERT_NOT_RECOVERED	"VexFSPerformanceRecoveryFailed"
#define ALERT_FUSE_LOW		"VexFSFusePerformanceLow"
#define ALERT_VECTOR_LOW	"VexFSVectorPerformanceLow"
#define ALERT_SEMANTIC_LOW	"VexFSSemanticPerformanceLow"
#define ALERT_POOL_LOW		"VexFSMemoryPoolLow"

/*
 * Posts to @url/api/v2/alerts. 0, or -1 with a sentence in @why; it waits ten seconds at
 * most, follows no redirection, and speaks HTTP and HTTPS only.
 */
int alert_push(const char *url, const struct alert *a, size_t n, char *why, size_t size);

/* Posts the same JSON to @url itself. */
int alert_webhook(const char *url, const struct alert *a, size_t n, char *why, size_t size);

/* The JSON that is posted, to be freed; NULL when memory is short. */
char *alert_json(const struct alert *a, size_t n);

#endif
