// SPDX-License-Identifier: GPL-2.0
/*
 * vexfs-performance-recovery: restores the performance of vexfs in five steps and reports
 * whether that worked. Each step is one vexctl verb and may be repeated, so a recovery
 * that was killed starts again with the first step.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "alert.h"
#include "cmdline.h"
#include "config.h"
#include "journal.h"
#include "jsonin.h"

/**
 * struct step - one of the five steps
 * @name: in log and journal
 * @what: description for people
 * @verbs: vexctl verbs, run in this order
 * @optional: a verb that this vexctl lacks is not a failure
 */
struct step {
	const char *name;
	const char *what;
	const char *const (*verbs)[6];
	bool optional;
};

static const char *const pools[][6] = { { "performance", "memory-pools", "reset", "--graceful" }, { 0 } };
static const char *const simd[][6] = { { "performance", "simd", "restart" }, { 0 } };
static const char *const stack[][6] = { { "performance", "stack", "clear-violations" },
					{ "performance", "stack", "reset-monitoring" }, { 0 } };
static const char *const bridge[][6] = { { "performance", "bridge", "restart" }, { 0 } };

static const struct step steps[] = {
	{ "pools", "reset the memory pools", pools, false },
	{ "simd", "restart the arithmetic", simd, false },
	{ "stack", "clear stack violations", stack, false },
	{ "bridge", "restart the bridge", bridge, true },
};

#define STEPS	(sizeof(steps) / sizeof(steps[0]))

/**
 * struct recovery - one run
 * @conf: the configuration
 * @journal: NULL in a dry run
 * @profile: how thoroughly to validate
 * @dry: only print the steps
 * @notify: notify Alertmanager and webhook
 * @failed: names of steps that failed
 */
struct recovery {
	struct config conf;
	struct journal *journal;
	const char *profile;
	const char *reason;
	bool dry;
	bool notify;
	char failed[120];
};

__attribute__((format(printf, 2, 3)))
static void say_log(const struct recovery *r, const char *fmt, ...)
{
	char text[600], when[40], line[700];
	time_t t = time(NULL);
	struct tm tm;
	va_list args;
	int fd, len;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	puts(text);
	fflush(stdout);
	if (r->dry)
		return;
	localtime_r(&t, &tm);
	strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	len = snprintf(line, sizeof(line), "%s %s\n", when, text);
	fd = open(r->conf.recovery_log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return;
	if (write(fd, line, (size_t)len) != len)
		fprintf(stderr, "vexfs-performance-recovery: %s: %s\n", r->conf.recovery_log,
			strerror(errno));
	close(fd);
}

/*
 * Runs vexctl with these arguments, its standard output in @out, a temporary file.
 * Returns its exit code.
 */
static int run_vexctl(const char *const words[6], FILE *out)
{
	char *argv[10] = { "vexctl", "-j" };
	int n = 2, status;
	pid_t pid;

	for (int i = 0; i < 6 && words[i]; i++)
		argv[n++] = (char *)words[i];
	argv[n] = NULL;
	pid = fork();
	if (!pid) {
		dup2(fileno(out), STDOUT_FILENO);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0)
		return 127;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 127;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool run_step(struct recovery *r, const struct step *s)
{
	FILE *out = tmpfile();
	int code = 127;

	if (r->dry) {
		say_log(r, "would %s", s->what);
		if (out)
			fclose(out);
		return true;
	}
	if (!out || journal_write(r->journal, "begin", s->name, "-")) {
		say_log(r, "cannot write the journal: stopping here");
		if (out)
			fclose(out);
		return false;
	}
	for (size_t i = 0; s->verbs[i][0]; i++) {
		code = run_vexctl(s->verbs[i], out);
		if (code)
			break;
	}
	fclose(out);
	/* This vexctl lacks the verb: there is nothing to restart. */
	if (code == 2 && s->optional)
		code = 0;
	say_log(r, "%s: %s", s->what, code ? "failed" : "done");
	journal_write(r->journal, "end", s->name, code ? "failed" : "done");
	if (code) {
		size_t len = strlen(r->failed);

		snprintf(r->failed + len, sizeof(r->failed) - len, "%s%s", len ? ", " : "", s->name);
	}
	return true;
}

/* Only "true" is success: a recovery whose result is unknown has failed. */
static bool validate(struct recovery *r)
{
	const char *const words[6] = { "performance", "validate", r->profile };
	FILE *out = tmpfile();
	char why[200];
	bool good = false;
	jsonin *doc;

	if (r->dry) {
		say_log(r, "would wait %.0f s, and validate", r->conf.settle_s);
		if (out)
			fclose(out);
		return true;
	}
	say_log(r, "validating in %.0f s", r->conf.settle_s);
	usleep((useconds_t)(r->conf.settle_s * 1e6) % 1000000);
	sleep((unsigned int)r->conf.settle_s);
	if (!out || journal_write(r->journal, "begin", "validate", "-"))
		return false;
	run_vexctl(words, out);
	rewind(out);
	doc = jsonin_next(out, why, sizeof(why));
	if (doc)
		good = jsonin_true(jsonin_get(doc, "overall_success"));
	jsonin_free(doc);
	fclose(out);
	journal_write(r->journal, "end", "validate", good ? "done" : "failed");
	return good;
}

static void notify(struct recovery *r, bool good)
{
	const char *hook = getenv("ALERT_WEBHOOK");
	char text[500], why[500];
	struct alert a = {
		.name = good ? ALERT_RECOVERED : ALERT_NOT_RECOVERED,
		.severity = good ? "info" : "critical",
		.summary = good ? "vexfs performance has recovered" : "vexfs performance recovery failed",
		.description = text,
	};

	if (r->dry || !r->notify)
		return;
	snprintf(text, sizeof(text), "%s%s%s%s%s", good ? "Validated." :
		 "Automatic recovery did not help; an administrator must act.", *r->reason ? " Reason: " : "",
		 r->reason, *r->failed ? " Steps that failed: " : "", r->failed);
	if (*r->conf.alertmanager && alert_push(r->conf.alertmanager, &a, 1, why, sizeof(why)))
		say_log(r, "cannot push the alert: %s", why);
	hook = hook && *hook ? hook : r->conf.webhook;
	if (*hook && alert_webhook(hook, &a, 1, why, sizeof(why)))
		say_log(r, "cannot call the webhook: %s", why);
}

static int recover(struct recovery *r)
{
	bool good;

	say_log(r, "%s performance recovery%s%s", r->dry ? "a dry run of" : "beginning",
		*r->reason ? ": " : "", r->reason);
	for (size_t i = 0; i < STEPS; i++)
		if (!run_step(r, &steps[i])) {
			notify(r, false);
			return 1;
		}
	good = validate(r);
	if (r->dry)
		return 0;
	say_log(r, "performance recovery %s%s%s", good ? "successful" : "failed, an administrator must act",
		*r->failed ? "; steps that failed: " : "", r->failed);
	journal_write(r->journal, "finish", "all", good ? "done" : "failed");
	notify(r, good);
	return good ? 0 : 1;
}

static const char usage[] =
	"usage: vexfs-performance-recovery [options]\n\n"
	"Resets pools, restarts the arithmetic, clears stack violations, restarts the bridge,\n"
	"waits, and validates; notifies Alertmanager and the webhook of vexfs.conf.\n\n"
	"  --dry-run        only print the steps\n"
	"  --config FILE    another file than " CONFIG_PATH "\n"
	"  --reason TEXT    why, for log and notification\n"
	"  --settle S       seconds to wait before validating\n"
	"  --profile NAME   of the validation: quick (default), smoke, comprehensive\n"
	"  --no-notify      send no notification\n"
	"  --help, --version\n\n"
	"Exit status: 0 recovered, 1 not, or another one runs; 2 usage.\n";

/* Returns an exit code, or -1 to go on. */
static int read_args(int argc, char **argv, struct recovery *r, const char **config, double *settle)
{
	const char *profile = "quick", *me = "vexfs-performance-recovery";
	const struct cmdline_row rows[] = {
		{ "dry-run", 'n', CMDLINE_SET, { .flag = &r->dry } },
		{ "config", 'c', CMDLINE_TEXT, { .text = config } },
		{ "reason", 'r', CMDLINE_TEXT, { .text = &r->reason } },
		{ "settle", 's', CMDLINE_NUMBER, { .number = settle }, 0, 3600 },
		{ "profile", 0, CMDLINE_TEXT, { .text = &profile } },
		{ "no-notify", 0, CMDLINE_CLEAR, { .flag = &r->notify } },
		{ 0 },
	};
	int ret = cmdline_read(argc, argv, me, usage, rows);

	if (ret >= 0)
		return ret;
	r->profile = !strcmp(profile, "smoke") ? "--smoke" :
		     !strcmp(profile, "comprehensive") ? "--comprehensive" :
		     !strcmp(profile, "quick") ? "--quick" : NULL;
	if (!r->profile)
		return cmdline_refuse(me, "--profile '%s': quick, smoke or comprehensive expected",
				      profile);
	return optind != argc ? cmdline_refuse(me, "unexpected argument '%s'", argv[optind]) : -1;
}

static int open_journal(struct recovery *r)
{
	char why[500], unfinished[60], dir[CONFIG_TEXT];

	if (r->dry)
		return 0;
	snprintf(dir, sizeof(dir), "%s", r->conf.recovery_log);
	mkdir(dirname(dir), 0750);
	r->journal = journal_open(r->conf.recovery_log, unfinished, sizeof(unfinished), why, sizeof(why));
	if (!r->journal) {
		fprintf(stderr, "vexfs-performance-recovery: %s\n", why);
		return -1;
	}
	if (*unfinished)
		say_log(r, "the last recovery ended during step '%s'; starting from the first step",
			unfinished);
	return 0;
}

int main(int argc, char **argv)
{
	struct recovery r = { .profile = "--quick", .reason = "", .notify = true };
	const char *config = getenv("VEXFS_CONFIG");
	double settle = -1;
	char why[500];
	int ret = read_args(argc, argv, &r, &config, &settle);

	if (ret >= 0)
		return ret;
	if (config_read(config ? config : CONFIG_PATH, &r.conf, why, sizeof(why))) {
		/* A recovery with the default configuration is better than none. */
		fprintf(stderr, "vexfs-performance-recovery: %s; using the defaults\n", why);
		config_defaults(&r.conf);
	}
	if (settle >= 0)
		r.conf.settle_s = settle;
	if (open_journal(&r))
		return 1;
	ret = recover(&r);
	journal_close(r.journal);
	return ret;
}
