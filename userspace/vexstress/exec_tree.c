// SPDX-License-Identifier: GPL-2.0
/*
 * The processes that this one has started. Orphans are reparented to us, so a process
 * that forks twice or leaves its session is still found.
 */
#include "exec.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* More processes than that are not counted: the sum is then too low. */
#define TREE_MAX	65536
/* So deep is a tree followed. */
#define DEPTH_MAX	64

struct process {
	pid_t pid, parent;
	uint64_t pages;
	bool below;
};

void exec_tree_adopt(void)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
}

/* The name of a process may contain ')' and spaces: the last ')' ends it. */
static bool read_process(const char *pid, struct process *p)
{
	char path[64], text[1024], *s;
	long rss;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = 0;
	s = strrchr(text, ')');
	if (!s || sscanf(s + 2, "%*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
			 "%*d %*d %*d %*u %*u %ld", &p->parent, &rss) != 2)
		return false;
	p->pid = atoi(pid);
	p->pages = rss > 0 ? (uint64_t)rss : 0;
	p->below = false;
	return true;
}

/* All processes of the machine, to be freed. */
static struct process *read_all(size_t *n)
{
	struct process *all = NULL;
	struct dirent *d;
	size_t room = 0;
	DIR *dir = opendir("/proc");

	*n = 0;
	if (!dir)
		return NULL;
	while ((d = readdir(dir)) && *n < TREE_MAX) {
		if (d->d_name[0] < '1' || d->d_name[0] > '9')
			continue;
		if (*n == room) {
			struct process *more;

			room = room ? 2 * room : 256;
			more = reallocarray(all, room, sizeof(*all));
			if (!more)
				break;
			all = more;
		}
		*n += read_process(d->d_name, &all[*n]);
	}
	closedir(dir);
	return all;
}

static int by_pid(const void *a, const void *b)
{
	const struct process *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

/* Marks our descendants; a parent may have a larger pid than its child. */
static void mark_below(struct process *all, size_t n)
{
	struct process key = { .pid = getpid() }, *up;
	bool more = true;
	size_t i;

	qsort(all, n, sizeof(*all), by_pid);
	while (more) {
		more = false;
		for (i = 0; i < n; i++) {
			if (all[i].below)
				continue;
			if (all[i].parent != key.pid) {
				struct process want = { .pid = all[i].parent };

				up = bsearch(&want, all, n, sizeof(*all), by_pid);
				if (!up || !up->below)
					continue;
			}
			all[i].below = more = true;
		}
	}
}

/* Adds what one process has, if it is there. */
static void add_process(struct exec_tree *t, const char *pid)
{
	struct process p;

	if (!read_process(pid, &p))
		return;
	t->kib += p.pages * ((uint64_t)sysconf(_SC_PAGESIZE) / 1024);
	t->processes++;
}

/* Children of one thread, and theirs. False where the kernel has no list of them. */
static bool follow_thread(struct exec_tree *t, const char *path, unsigned int depth);

/* All children that the threads of a process have begun. */
static bool follow_process(struct exec_tree *t, const char *pid, unsigned int depth)
{
	char path[80];
	struct dirent *d;
	bool known = true;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%.20s/task", pid);
	dir = depth < DEPTH_MAX ? opendir(path) : NULL;
	/* it has ended meanwhile */
	if (!dir)
		return true;
	while (known && (d = readdir(dir)) && t->processes < TREE_MAX) {
		if (d->d_name[0] < '1' || d->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%.20s/task/%.20s/children", pid, d->d_name);
		known = follow_thread(t, path, depth);
	}
	closedir(dir);
	return known;
}

static bool follow_thread(struct exec_tree *t, const char *path, unsigned int depth)
{
	FILE *f = fopen(path, "re");
	char pid[24];
	bool known = true;

	if (!f)
		return errno != ENOENT || depth;
	while (known && fscanf(f, "%20s", pid) == 1 && t->processes < TREE_MAX) {
		add_process(t, pid);
		known = follow_process(t, pid, depth + 1);
	}
	fclose(f);
	return known;
}

bool exec_tree_glance(struct exec_tree *t)
{
	*t = (struct exec_tree){ 0 };
	return follow_process(t, "self", 0) ? true : exec_tree_read(t);
}

bool exec_tree_read(struct exec_tree *t)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
	struct process *all;
	size_t n, i;

	*t = (struct exec_tree){ 0 };
	all = read_all(&n);
	if (!all)
		return false;
	mark_below(all, n);
	for (i = 0; i < n; i++) {
		if (!all[i].below)
			continue;
		t->kib += all[i].pages * page;
		t->processes++;
	}
	free(all);
	return true;
}

unsigned int exec_tree_signal(int sig)
{
	unsigned int count = 0;
	struct process *all;
	size_t n, i;

	all = read_all(&n);
	if (!all)
		return 0;
	mark_below(all, n);
	for (i = 0; i < n; i++)
		if (all[i].below && !kill(all[i].pid, sig))
			count++;
	free(all);
	return count;
}
