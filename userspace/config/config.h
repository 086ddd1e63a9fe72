/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The sections of vexfs.conf that programs read: [monitor], [history], [thresholds],
 * [recovery] and [telemetry]. One table has the keys, their bounds and defaults. The reader, "vexctl
 * apply" (which rejects errors before it changes the module) and docs/configuration.md
 * use that table. The other sections are settings of the module, or targets.
 */
#ifndef VEXFS_CONFIG_H
#define VEXFS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define CONFIG_PATH	"/etc/vexfs/vexfs.conf"
#define CONFIG_TEXT	256

/**
 * struct config - what programs are to do
 * @interval: seconds between samples
 * @database: the history
 * @pid_file: of the daemon
 * @log: what the daemon does
 * @pool_log: what it sees of the pools
 * @alertmanager: URL that alerts are pushed to; "" for none
 * @webhook: URL that gets the same as JSON; "" for none
 * @prometheus: URL that verbs read history from; "" for the database
 * @hang_s: seconds between looks for tasks that hang
 * @pool_optimize: let the daemon resize the pools when they are short
 * @raw_days: days that samples are kept, and
 * @mid_days: five minutes are, and
 * @long_days: hours are
 * @size_mb: the history may take
 * @policy: name of the thresholds
 * @warn: share from which on a change for the worse is a warning, < 0: the policy's
 * @fail: from which on it is a failure, < 0: the policy's
 * @fuse_floor: ops a second that are promised, and so on
 * @recovery: off, advise or on
 * @after_s: seconds that things are bad before anything is done
 * @attempts: recoveries a day at most
 * @cool_down_s: seconds from one to the next
 * @settle_s: seconds to wait before validating
 * @recovery_log: what recoveries did
 * @sampling_rate: share of the samples that are exported
 * @batch_size: most values that are exported together
 * @export_interval: seconds that values wait at most
 * @retention_days: files of the sink "file" are kept
 * @telemetry_file: sinks; "" for none
 * @telemetry_exec: a program
 * @telemetry_socket: a unix stream socket
 * @telemetry_statsd: ADDRESS:PORT
 * @telemetry_log: off, syslog or journal
 */
struct config {
	double interval;
	char database[CONFIG_TEXT];
	char pid_file[CONFIG_TEXT];
	char log[CONFIG_TEXT];
	char pool_log[CONFIG_TEXT];
	char alertmanager[CONFIG_TEXT];
	char webhook[CONFIG_TEXT];
	char prometheus[CONFIG_TEXT];
	double hang_s;
	bool pool_optimize;
	double raw_days;
	double mid_days;
	double long_days;
	double size_mb;
	char policy[CONFIG_TEXT];
	double warn;
	double fail;
	double fuse_floor;
	double vector_floor;
	double semantic_floor;
	double pool_hit_floor;
	char recovery[CONFIG_TEXT];
	double after_s;
	double attempts;
	double cool_down_s;
	double settle_s;
	char recovery_log[CONFIG_TEXT];
	double sampling_rate;
	double batch_size;
	double export_interval;
	double retention_days;
	char telemetry_file[CONFIG_TEXT];
	char telemetry_exec[CONFIG_TEXT];
	char telemetry_socket[CONFIG_TEXT];
	char telemetry_statsd[CONFIG_TEXT];
	char telemetry_log[CONFIG_TEXT];
};

void config_defaults(struct config *c);

/*
 * Reads the file over the defaults; a missing file counts as empty. Sections that are not
 * in the table are ignored. 0, or -1 with a sentence in @why.
 */
int config_read(const char *path, struct config *c, char *why, size_t size);

/* Is the section in the table? */
bool config_has_section(const char *section);
/* Checks one line of such a section. 0, or -1 with a sentence. */
int config_check(const char *section, const char *key, const char *value, char *why, size_t size);

/* The table as Markdown. */
void config_document(FILE *f);
/* Its sections, as in vexfs.conf.default. */
void config_example(FILE *f);

#endif
