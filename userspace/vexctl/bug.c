// SPDX-License-Identifier: GPL-2.0
/*
 * "vexctl bug-report": what somebody needs who looks for a mistake from afar, in one tar file.
 * Nothing leaves the machine, and nothing is taken before it was said and agreed to. Names of
 * collections are not looked for; passwords, tokens and addresses with them are left out.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "outfile.h"
#include "tar.h"
#include "vexctl.h"

#define PART_MAX	(1u << 20)	/* most bytes of a file; of a longer one the end is taken */
#define LEFT_OUT	"(left out)"

enum source { VERSIONS, MACHINE, SETTINGS, FILE_WHOLE, KERNEL_LOG };

static const struct part {
	const char *name;
	const char *what;
	enum source source;
	const char *path;
} parts[] = {
	{ "versions.txt", "versions of vexctl, module, kernel and system", VERSIONS, NULL },
	{ "machine.txt", "processors and memory", MACHINE, NULL },
	{ "settings.txt", "parameters of the module", SETTINGS, "/sys/module/vexfs/parameters" },
	{ "vexfs.conf", "configuration", FILE_WHOLE, "/etc/vexfs/vexfs.conf" },
	{ "counters.txt", "statistics", FILE_WHOLE, "/sys/kernel/debug/vexfs/counters" },
	{ "summary.txt", "health", FILE_WHOLE, "/sys/kernel/debug/vexfs/summary" },
	{ "kernel-log.txt", "lines of the kernel log about vexfs", KERNEL_LOG, NULL },
	{ "pools.log", "log of the pools' monitor", FILE_WHOLE, "/var/log/vexfs/memory-pool-monitor.log" },
	{ "monitor.log", "log of vexfs-monitord", FILE_WHOLE, "/var/log/vexfs/performance-monitor.log" },
	{ "recovery.log", "log of recoveries", FILE_WHOLE, "/var/log/vexfs/performance-recovery.log" },
};

#define NPARTS	(sizeof(parts) / sizeof(parts[0]))

/* The value in @line if it is confidential, otherwise NULL. */
static const char *secret(const char *line)
{
	static const char *const words[] = { "password", "passwd", "token", "secret", "api_key", "apikey",
					     "authorization", "bearer", "credential", "webhook",
					     "private_key" };
	const char *at, *value;
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		at = strcasestr(line, words[i]);
		if (!at)
			continue;
		value = at + strcspn(at, "=: ");
		return value + strspn(value, "=: ");
	}
	return NULL;
}

/* "https://user:key@host": the password in a URL is confidential. */
static void print_line(FILE *f, const char *line)
{
	const char *hidden = secret(line), *at = strstr(line, "://"), *end;

	if (hidden && *hidden) {
		fprintf(f, "%.*s" LEFT_OUT "\n", (int)(hidden - line), line);
		return;
	}
	if (at) {
		end = at + 3 + strcspn(at + 3, "/ \t?#");
		if (memchr(at + 3, '@', (size_t)(end - at - 3))) {
			const char *host = memrchr(at, '@', (size_t)(end - at));

			fprintf(f, "%.*s" LEFT_OUT "%s\n", (int)(at + 3 - line), line, host);
			return;
		}
	}
	fprintf(f, "%s\n", line);
}

static void print_lines(FILE *f, char *text, const char *only)
{
	char *line, *save = NULL;

	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (!only || strcasestr(line, only))
			print_line(f, line);
}

/* The end of a file, to be freed; NULL with errno. */
static char *tail_of(const char *path, bool *cut)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char *text = fd < 0 ? NULL : malloc(PART_MAX + 1);
	size_t n = 0;
	ssize_t got;
	off_t size;

	if (!text) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	size = lseek(fd, 0, SEEK_END);
	*cut = size > (off_t)PART_MAX;
	lseek(fd, *cut ? size - (off_t)PART_MAX : 0, SEEK_SET);
	while (n < PART_MAX && (got = read(fd, text + n, PART_MAX - n)) > 0)
		n += (size_t)got;
	close(fd);
	text[n] = 0;
	return text;
}

static void take_file(FILE *f, const char *path, const char *only)
{
	bool cut = false;
	char *text = tail_of(path, &cut);

	if (!text) {
		fprintf(f, "%s: %s\n", path, strerror(errno));
		return;
	}
	if (cut)
		fprintf(f, "(the last %u bytes of %s)\n", PART_MAX, path);
	print_lines(f, text, only);
	free(text);
}

static void take_versions(FILE *f)
{
	struct utsname u;

	fprintf(f, "vexctl " VEXFS_VERSION "\n");
	fputs("module ", f);
	take_file(f, "/sys/module/vexfs/version", NULL);
	fputs("module source ", f);
	take_file(f, "/sys/module/vexfs/srcversion", NULL);
	fputs("kernel tainted ", f);
	take_file(f, "/proc/sys/kernel/tainted", NULL);
	/* the name of the machine is left out */
	if (!uname(&u))
		fprintf(f, "%s %s %s %s\n", u.sysname, u.release, u.version, u.machine);
	take_file(f, "/etc/os-release", NULL);
}

static void take_machine(FILE *f)
{
	static const char *const lines[] = { "model name", "flags" };
	bool cut;
	char *text = tail_of("/proc/cpuinfo", &cut), *line;
	size_t i;

	fprintf(f, "processors: %ld\n", sysconf(_SC_NPROCESSORS_ONLN));
	for (i = 0; text && i < 2; i++) {
		line = strstr(text, lines[i]);
		if (line)
			fprintf(f, "%.*s\n", (int)strcspn(line, "\n"), line);
	}
	free(text);
	take_file(f, "/proc/meminfo", NULL);
	take_file(f, "/proc/loadavg", NULL);
}

static void take_settings(FILE *f, const char *path)
{
	struct dirent **names;
	int n = scandir(path, &names, NULL, alphasort), i;
	char file[512];

	if (n < 0)
		fprintf(f, "%s: %s\n", path, strerror(errno));
	for (i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.') {
			snprintf(file, sizeof(file), "%s/%s", path, names[i]->d_name);
			fprintf(f, "%s = ", names[i]->d_name);
			take_file(f, file, NULL);
		}
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}

static void take_kernel_log(FILE *f)
{
	char *text = malloc(PART_MAX + 1);
	int n = text ? klogctl(3, text, (int)PART_MAX) : -1;

	if (n < 0) {
		fprintf(f, "the kernel log cannot be read: %s\n", strerror(errno));
	} else {
		text[n] = 0;
		print_lines(f, text, "vexfs");
	}
	free(text);
}

static void take(FILE *f, const struct part *p)
{
	switch (p->source) {
	case VERSIONS:
		take_versions(f);
		break;
	case MACHINE:
		take_machine(f);
		break;
	case SETTINGS:
		take_settings(f, p->path);
		break;
	case FILE_WHOLE:
		take_file(f, p->path, NULL);
		break;
	case KERNEL_LOG:
		take_kernel_log(f);
		break;
	}
}

static int write_all(FILE *out, time_t t)
{
	size_t i, size;
	char *text, name[80];
	FILE *f;
	int ret;

	for (i = 0; i < NPARTS; i++) {
		text = NULL;
		f = open_memstream(&text, &size);
		if (!f)
			return -1;
		take(f, &parts[i]);
		ret = fclose(f);
		snprintf(name, sizeof(name), "vexfs-bug-report/%s", parts[i].name);
		if (!ret)
			ret = tar_add(out, name, text, size, t);
		free(text);
		if (ret)
			return -1;
	}
	return tar_end(out);
}

/* Prints what would be collected; true when the user agrees. */
static bool agreed(struct ctl *c, const char *path)
{
	char line[16];
	size_t i;

	fprintf(stderr, "%s will hold:\n", shown(path));
	for (i = 0; i < NPARTS; i++)
		fprintf(stderr, "  %-16s %s%s%s\n", parts[i].name, parts[i].what, parts[i].path ? ": " : "",
			parts[i].path ? parts[i].path : "");
	fputs("Passwords, tokens and the machine's name are left out; nothing is sent. Look through it "
	      "before you hand it on.\n", stderr);
	if (opt_given(c, "yes"))
		return true;
	if (!isatty(STDIN_FILENO)) {
		fputs("vexctl: nobody can be asked here: --yes agrees\n", stderr);
		return false;
	}
	fputs("Make it? [y/N] ", stderr);
	return fgets(line, sizeof(line), stdin) && tolower((unsigned char)line[0]) == 'y';
}

int run_bug_report(struct ctl *c)
{
	time_t t = time(NULL);
	struct outfile o;
	char usual[64];
	const char *path;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(usual, sizeof(usual), "vexfs-bug-report-%Y%m%d-%H%M%S.tar", &tm);
	path = opt_string(c, "output", usual);
	if (!agreed(c, path))
		return EXIT_REFUSED;
	/* other users of the machine may not read it */
	umask(077);
	if (outfile_open(&o, path, false))
		return ctl_refuse(c, o.error, "%s: %s", path, o.why);
	if (write_all(o.f, t)) {
		outfile_abandon(&o);
		return ctl_refuse(c, EIO, "%s: it cannot be written", path);
	}
	if (outfile_commit(&o))
		return ctl_refuse(c, o.error, "%s: %s", path, o.why);
	if (c->json) {
		json_object_begin(&c->out);
		json_kv_string(&c->out, "file", path);
		json_object_end(&c->out);
		json_finish(&c->out);
	} else {
		printf("%s\n", shown(path));
	}
	return EXIT_OK;
}

static const struct opt bug_opts[] = {
	{ "output", 'o', OPT_STRING, "FILE", "where to; otherwise a name with the time, here" },
	{ "yes", 'y', OPT_FLAG, NULL, "do not ask" },
	{ 0 },
};

const struct verb bug_verbs[] = {
	{ "bug-report", "", 0, 0, "collect what a bug report needs in one tar file",
	  "It holds versions, settings, statistics and logs. The list is shown and confirmed "
	  "first. Passwords, tokens, names of "
	  "collections and the name of the machine are left out; nothing is sent anywhere.", bug_opts,
	  run_bug_report },
	{ 0 },
};
