/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pushes alerts to an Alertmanager (API version 2), and to a webhook, which receives the
 * same JSON. Nothing here decides when to alert.
 */
#ifndef VEXFS_ALERT_H
#define VEXFS_ALERT_H

#include <stddef.h>
#include <stdint.h>

/**
 * struct alert - an alert
 * @name: label "alertname"
 * @severity: label "severity": info, warning, critical
 * @instance: label "instance", or NULL for this machine's name
 * @summary: annotation
 * @description: annotation
 * @starts_ms: its start, milliseconds since 1970; 0: now
 * @ends_ms: its end, 0 while it is active
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

/* The alert names that vexfs uses. */
#define ALERT_REGRESSION	"VexFSPerformanceRegression"
#define ALERT_RECOVERED		"VexFSPerformanceRecoverySuccess"
#define ALERT_NOT_RECOVERED	"VexFSPerformanceRecoveryFailed"
#define ALERT_FUSE_LOW		"VexFSFusePerformanceLow"
#define ALERT_VECTOR_LOW	"VexFSVectorPerformanceLow"
#define ALERT_SEMANTIC_LOW	"VexFSSemanticPerformanceLow"
#define ALERT_POOL_LOW		"VexFSMemoryPoolLow"

/*
 * Posts to @url/api/v2/alerts. 0, or -1 with a sentence in @why. It waits at most ten
 * seconds, follows no redirection, and uses HTTP and HTTPS only.
 */
int alert_push(const char *url, const struct alert *a, size_t n, char *why, size_t size);

/* Posts the same JSON to @url itself. */
int alert_webhook(const char *url, const struct alert *a, size_t n, char *why, size_t size);

/* The JSON, which the caller frees; NULL without memory. */
char *alert_json(const struct alert *a, size_t n);

#endif
