// SPDX-License-Identifier: GPL-2.0
#include "git.h"

#include "vexstress.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGS_MAX	16
#define BETWEEN_MAX	100000

extern char **environ;

static pid_t start(const char *const *args, bool quiet, int out)
{
	const char *argv[ARGS_MAX + 2] = { "git" };
	posix_spawn_file_actions_t fa;
	pid_t pid = -1;
	size_t n;
	int err;

	for (n = 0; args[n] && n < ARGS_MAX; n++)
		argv[n + 1] = args[n];
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, out, 1);
	if (quiet)
		posix_spawn_file_actions_addopen(&fa, 2, "/dev/null", O_WRONLY, 0);
	err = posix_spawnp(&pid, "git", &fa, NULL, (char **)argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	if (!err)
		return pid;
	vx_say("git cannot be run: %s", strerror(err));
	return -1;
}

char *git_run(const char *const *args, bool quiet)
{
	char *text = NULL, part[4096];
	int fd[2], status = -1;
	size_t size = 0;
	ssize_t n;
	FILE *f;
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC))
		return NULL;
	pid = start(args, quiet, fd[1]);
	close(fd[1]);
	f = open_memstream(&text, &size);
	while (pid > 0 && ((n = read(fd[0], part, sizeof(part))) > 0 || (n < 0 && errno == EINTR)))
		if (f && n > 0)
			fwrite(part, 1, (size_t)n, f);
	close(fd[0]);
	if (pid > 0)
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	if (f && !fclose(f) && pid > 0 && WIFEXITED(status) && !WEXITSTATUS(status))
		return text;
	free(text);
	return NULL;
}

int git_commit(const char *name, char id[GIT_ID])
{
	char *wanted, *out;

	if (asprintf(&wanted, "%s^{commit}", name) < 0)
		return -1;
	out = git_run((const char *[]){ "rev-parse", "--verify", "--quiet", "--end-of-options", wanted,
					NULL }, true);
	free(wanted);
	if (out)
		out[strcspn(out, "\n")] = 0;
	if (!out || strlen(out) >= GIT_ID || strspn(out, "0123456789abcdef") < 40) {
		vx_say("'%s' is no commit here", name);
		free(out);
		return -1;
	}
	snprintf(id, GIT_ID, "%s", out);
	free(out);
	return 0;
}

char *git_subject(const char *id)
{
	char *out = git_run((const char *[]){ "log", "-1", "--format=%s", id, NULL }, true);

	if (out)
		out[strcspn(out, "\n")] = 0;
	return out;
}

long git_between(const char *from, const char *to, struct git_id **ids)
{
	char *range, *out, *line, *save = NULL, *base;
	bool before;
	long n = 0;

	*ids = NULL;
	base = git_run((const char *[]){ "merge-base", "--is-ancestor", from, to, NULL }, true);
	before = base;
	free(base);
	if (!before || !strcmp(from, to)) {
		vx_say("%.12s does not come before %.12s", from, to);
		return -1;
	}
	if (asprintf(&range, "%s..%s", from, to) < 0)
		return -1;
	out = git_run((const char *[]){ "rev-list", "--first-parent", "--reverse", range, NULL }, false);
	free(range);
	for (line = out ? strtok_r(out, "\n", &save) : NULL; line; line = strtok_r(NULL, "\n", &save)) {
		void *more = n < BETWEEN_MAX ? realloc(*ids, (size_t)(n + 1) * sizeof(**ids)) : NULL;

		if (!more || strlen(line) >= GIT_ID) {
			vx_say("no room for more than %ld commits", n);
			n = 0;
			break;
		}
		*ids = more;
		snprintf((*ids)[n++].text, GIT_ID, "%s", line);
	}
	free(out);
	return n ? n : -1;
}

static int done(char *out)
{
	free(out);
	return out ? 0 : -1;
}

int git_tree_add(const char *dir, const char *id)
{
	return done(git_run((const char *[]){ "worktree", "add", "-q", "--detach", dir, id, NULL },
			    false));
}

int git_tree_move(const char *dir, const char *id)
{
	return done(git_run((const char *[]){ "-C", dir, "checkout", "-q", "--detach", "--force", id,
					      NULL }, false));
}

void git_tree_remove(const char *dir)
{
	done(git_run((const char *[]){ "worktree", "remove", "--force", "--force", dir, NULL }, true));
}
