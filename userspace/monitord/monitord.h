/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of vexfs-monitord share. */
#ifndef VEXFS_MONITORD_H
#define VEXFS_MONITORD_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "history.h"
#include "metrics.h"
#include "telemetry.h"
#include "wire.h"

/**
 * struct state - something that rarely changes; each change is recorded
 * @what: kind: "setting", "module", "kernel" or "file"
 * @key: which one
 * @value: its value
 * @seen: it was found in this round
 */
struct state {
	char what[16];
	char key[HISTORY_NAME];
	char value[80];
	bool seen;
};

enum { LOW_FUSE, LOW_VECTOR, LOW_SEMANTIC, LOW_POOL, LOWS };

/**
 * struct low - something that is too low, and has an alert
 * @rounds: samples in a row that say so, or if it was pushed, that do not
 * @pushed: the alert is active
 * @resend_ns: when to push it again, for Alertmanager forgets it otherwise
 * @pid: process that pushes it, 0 for none
 */
struct low {
	unsigned int rounds;
	bool pushed;
	uint64_t resend_ns;
	int pid;
};

/**
 * struct kept - a value that is written again while nothing changes
 * @id: number of its series
 * @value: the value
 */
struct kept {
	int id;
	int64_t value;
};

/**
 * struct row_ids - numbers of the counters of a row, in its order
 * @subject: subject of the row
 * @name: its name
 * @n: number of counters
 * @id: their numbers; ID_UNKNOWN or ID_DERIVED
 */
struct row_ids {
	char subject[48];
	char name[64];
	unsigned int n;
	int id[ROW_COUNTERS];
};

/**
 * struct monitor - the daemon
 * @conf: its configuration
 * @etc: directory of the configuration, whose files are watched
 * @foreground: it logs to stderr as well
 * @h: the history, NULL while it cannot be written
 * @retry_ns: when to try to open the history again
 * @wire: netlink connection, NULL while the module is not loaded
 * @events: a second connection, for events
 * @look: this sample and the previous one, alternating
 * @turn: index of this sample
 * @turn_ns: when this turn began, CLOCK_MONOTONIC
 * @turn_ms: the same, milliseconds since 1970
 * @files: of /proc, which stay open
 * @bridge_stalled: this has been logged
 * @looked: the previous sample is valid
 * @values: metrics of the last interval
 * @identity: of the epoch: boot and load of the module
 * @uptime_ns: of the module at the last sample
 * @states: number of states
 * @state: the states
 * @ids: numbers of metrics in the history
 * @row_ids: numbers of the counters of each row in the history
 * @row_ids_n: number of rows
 * @kept: values of the collections when they were read last
 * @kept_n: number of them
 * @kept_room: allocated values
 * @kept_ns: when that was, 0 for never
 * @kept_for: activity_of() the module then
 * @next_tidy_ms: when to roll up
 * @next_states_ns: when to look for changes
 * @next_settings_ns: when to read the settings again, without an event
 * @next_hang_ns: when to look for hung tasks
 * @hang_load: load of the machine at the last such look
 * @bad_ns: since when performance is bad, 0 when it is not
 * @good_ns: since when it is good again
 * @advised: this bad period was reported
 * @recoveries: start times of recoveries, the newest last
 * @recovering: process of a recovery, 0 for none
 * @optimizing: process that optimizes the pools, 0 for none
 * @optimized_ns: when it was started last
 * @low: what is too low, and the alerts for it
 * @telemetry: what other programs get
 * @samples: written since the start
 * @lost: samples that could not be written
 */
struct monitor {
	struct config conf;
	char etc[CONFIG_TEXT];
	bool foreground;
	struct history *h;
	uint64_t retry_ns;
	struct wire *wire;
	struct wire *events;
	struct look look[2];
	int turn;
	uint64_t turn_ns;
	int64_t turn_ms;
	struct host_files *files;
	bool bridge_stalled;
	bool looked;
	double values[METRICS];
	char identity[120];
	uint64_t uptime_ns;
	size_t states;
	size_t states_room;
	struct state *state;
	int ids[METRICS];
	struct row_ids *row_ids;
	size_t row_ids_n;
	struct kept *kept;
	size_t kept_n;
	size_t kept_room;
	uint64_t kept_ns;
	uint64_t kept_for;
	int64_t next_tidy_ms;
	uint64_t next_states_ns;
	uint64_t next_settings_ns;
	uint64_t next_hang_ns;
	double hang_load;
	uint64_t bad_ns;
	uint64_t good_ns;
	bool advised;
	uint64_t recoveries[100];
	unsigned int attempts;
	int recovering;
	int optimizing;
	uint64_t optimized_ns;
	struct low low[LOWS];
	struct telemetry telemetry;
	uint64_t samples;
	uint64_t lost;
};

extern volatile bool stopping;
extern volatile bool again;

int64_t now_ms(void);
uint64_t now_ns(void);

__attribute__((format(printf, 3, 4)))
void say_log(struct monitor *m, int priority, const char *fmt, ...);
__attribute__((format(printf, 2, 3)))
void pool_log(struct monitor *m, const char *fmt, ...);

/* What is done once per interval: a sample, and what follows from it. */
void take_turn(struct monitor *m);
/* Connects if there is no connection. */
void connect_module(struct monitor *m);
void disconnect_module(struct monitor *m);
void hear_events(struct monitor *m, int timeout_ms);
void note_states(struct monitor *m);
void watch_pools(struct monitor *m);
/* Errors of the bridge between two samples. */
void watch_bridge(struct monitor *m, const struct look *a, const struct look *b);
void watch_hangs(struct monitor *m);
void judge(struct monitor *m);
/* A rate is too low when one client that waits for each answer gets less than the floor. */
bool class_is_low(const struct monitor *m, int low, char *text, size_t size);
/* Pushes alerts of what is too low, and takes them back. */
void push_alerts(struct monitor *m);

#endif
