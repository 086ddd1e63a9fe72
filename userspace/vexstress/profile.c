// SPDX-License-Identifier: GPL-2.0
#include "profile.h"

#include "counters.h"
#include "fold.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RATE		"997"
#define IDS_MAX		256

extern char **environ;

static struct {
	char dir[128];		/* of what perf writes; empty: not begun */
	unsigned int files;
	pid_t perf;
	struct counters *counters;
} now;

int vx_profile_check(void)
{
	if (vx_set.massif) {
		vx_say("--massif is for exec: what a workload allocates, the module allocates, and 'vexctl memory-pools stats' shows it. The heap of a program of yours: vexstress exec --massif FILE -- PROGRAM");
		return VX_USAGE;
	}
	if (!vx_set.flamegraph || !access("/proc/sys/kernel/perf_event_paranoid", F_OK))
		return VX_OK;
	vx_say("no flame graph: this kernel has no performance events, as User Mode Linux. Profile the lab from its host: scripts/run_benchmarks.sh --profile WORKLOAD");
	return VX_MISSED;
}

static int make_dir(void)
{
	const char *tmp = getenv("TMPDIR");

	if (now.dir[0])
		return 0;
	snprintf(now.dir, sizeof(now.dir), "%.90s/vexstress-perf.XXXXXX", tmp ? tmp : "/tmp");
	if (mkdtemp(now.dir))
		return 0;
	vx_say("no directory for profiles: %s", strerror(errno));
	now.dir[0] = 0;
	return -1;
}

static pid_t spawn(char **argv, const char *out, int flags)
{
	posix_spawn_file_actions_t fa;
	pid_t pid = -1;
	char log[160];
	int err;

	snprintf(log, sizeof(log), "%s/log", now.dir);
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&fa, 1, out ? out : log, O_WRONLY | O_CREAT | flags, 0600);
	posix_spawn_file_actions_addopen(&fa, 2, log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	err = posix_spawnp(&pid, argv[0], &fa, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	if (err)
		vx_say("%s cannot be run: %s", argv[0], strerror(err));
	return err ? -1 : pid;
}

static int wait_for(pid_t pid)
{
	int status = -1;

	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

void vx_profile_begin(const pid_t *ids, size_t n)
{
	char list[IDS_MAX * 12] = "", data[160];
	char *argv[] = { (char *)"perf", (char *)"record", (char *)"-q", (char *)"-g", (char *)"-F",
			 (char *)RATE, (char *)"-o", data, (char *)"-p", list, NULL };
	size_t i;

	if (vx_set.perf_stat && !now.counters)
		now.counters = counters_attach(ids, n);
	if (!vx_set.flamegraph || make_dir())
		return;
	for (i = 0; i < n && i < IDS_MAX; i++)
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%d", i ? "," : "",
			 (int)ids[i]);
	snprintf(data, sizeof(data), "%s/%u.data", now.dir, now.files++);
	now.perf = spawn(argv, NULL, O_APPEND);
}

void vx_profile_end(void)
{
	if (now.perf > 0) {
		/* perf ends its file when it is interrupted */
		kill(now.perf, SIGINT);
		wait_for(now.perf);
	}
	now.perf = 0;
}

json_t *vx_profile_counters(double ops)
{
	json_t *v = counters_read(now.counters, ops);

	now.counters = NULL;
	return v;
}

char **vx_profile_command(char **argv)
{
	const char *massif[] = { "valgrind", "-q", "--tool=massif", NULL };
	const char *record[] = { "perf", "record", "-q", "-g", "-F", RATE, "-o", NULL, "--", NULL };
	const char **before = vx_set.massif ? massif : record;
	char **out, *file = NULL;
	size_t n, k = 0, i;

	for (n = 0; argv[n]; n++)
		;
	out = calloc(n + 12, sizeof(*out));
	if (!out || (!vx_set.massif && make_dir()))
		goto fail;
	if (vx_set.massif) {
		if (asprintf(&file, "--massif-out-file=%s", vx_set.massif) < 0)
			goto fail;
	} else if (asprintf(&file, "%s/%u.data", now.dir, now.files++) < 0) {
		goto fail;
	}
	for (i = 0; before[i] || (!vx_set.massif && i == 7); i++)
		out[k++] = (char *)(before[i] ? before[i] : file);
	if (vx_set.massif)
		out[k++] = file;
	memcpy(out + k, argv, n * sizeof(*out));
	return out;
fail:
	vx_say("no memory");
	free(out);
	return NULL;
}

/* All stacks of all files, as perf prints them. */
static int collect(char *stacks, size_t size)
{
	char data[160];
	char *argv[] = { (char *)"perf", (char *)"script", (char *)"-i", data, NULL };
	unsigned int i;
	struct stat st;

	snprintf(stacks, size, "%s/stacks", now.dir);
	for (i = 0; i < now.files; i++) {
		snprintf(data, sizeof(data), "%s/%u.data", now.dir, i);
		if (stat(data, &st) || !st.st_size)
			continue;
		if (wait_for(spawn(argv, stacks, O_APPEND)))
			vx_say("perf cannot read its own samples of part %u", i);
	}
	return stat(stacks, &st) || !st.st_size ? -1 : 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static void show_log(void)
{
	char path[160], text[1000];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/log", now.dir);
	f = fopen(path, "re");
	if (!f)
		return;
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	escape_lines(stderr, text, n);
}

int vx_profile_finish(void)
{
	char stacks[160];
	struct fold f;
	FILE *in;
	int ret = -1;

	if (!vx_set.flamegraph || !now.dir[0])
		return 0;
	if (collect(stacks, sizeof(stacks))) {
		vx_say("no flame graph: perf took no samples. It may lack permission (/proc/sys/kernel/perf_event_paranoid), or the kernel has no performance events, as User Mode Linux; then profile the lab from its host");
		show_log();
	} else {
		in = fopen(stacks, "re");
		if (in && !fold_read(in, "what perf printed", &f)) {
			ret = fold_draw(vx_set.flamegraph, "Where the time goes", &f);
			fold_free(&f);
		}
		if (in)
			fclose(in);
	}
	if (nftw(now.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS))
		vx_say("%s is left behind: %s", now.dir, strerror(errno));
	now.dir[0] = 0;
	return ret;
}
