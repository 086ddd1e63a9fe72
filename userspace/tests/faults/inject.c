// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's fault injection from this side. Nothing here knows what is tried.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/faults/inject.h"
#include "tests/tap.h"

#define DEBUGFS	"/sys/kernel/debug"
/* A step with more allocations than this has none that matters. */
#define MANY	1000000u

static const char *const kinds[] = { "failslab", "fail_page_alloc" };

/* The file that says which allocation fails; -1 when none is to. */
static int nth = -1;
static bool found_wrong;

bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

	if (fd >= 0)
		close(fd);
	return n == (ssize_t)strlen(text);
}

static bool set(const char *kind, const char *what, const char *value)
{
	char path[256];

	snprintf(path, sizeof(path), DEBUGFS "/%s/%s", kind, what);
	return write_file(path, value);
}

static void set_both(const char *what, const char *value)
{
	for (unsigned int i = 0; i < 2; i++)
		if (!set(kinds[i], what, value))
			wrong("cannot set %s of %s: %s", what, kinds[i], strerror(errno));
}

/* Addresses of a function of the kernel; false when there is none of that name. */
static bool find_function(const char *name, uint64_t *from, uint64_t *to)
{
	char line[512], sym[256];
	uint64_t at;
	FILE *f = fopen("/proc/kallsyms", "re");

	*from = 0;
	*to = 0;
	/* The text's symbols are sorted by address. */
	while (f && !*to && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%" SCNx64 " %*c %255s", &at, sym) != 2)
			continue;
		if (*from && at > *from)
			*to = at;
		else if (!strcmp(sym, name))
			*from = at;
	}
	if (f)
		fclose(f);
	return *to;
}

static void set_address(const char *what, uint64_t at)
{
	char text[32];

	snprintf(text, sizeof(text), "%#" PRIx64, at);
	set_both(what, text);
}

/* What kmemleak keeps books with may fail as it likes: it has a reserve. */
static void spare_kmemleak(void)
{
	uint64_t from, to;

	if (!find_function("__alloc_object", &from, &to))
		return;
	set_address("reject-start", from);
	set_address("reject-end", to);
}

/* Copies from and to users fail in tests of their own: here, none of them. */
static void spare_copies(void)
{
	set("fail_usercopy", "require-start", "1");
	set("fail_usercopy", "require-end", "2");
}

bool inject_init(const char **why)
{
	nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	*why = "this kernel has no fault injection";
	if (nth < 0 || access(DEBUGFS "/failslab/probability", W_OK) ||
	    access(DEBUGFS "/fail_page_alloc/probability", W_OK))
		return false;
	set_both("verbose", "0");
	set_both("ignore-gfp-wait", "N");
	set_both("stacktrace-depth", "32");
	set("fail_page_alloc", "ignore-gfp-highmem", "N");
	set("fail_page_alloc", "min-order", "0");
	spare_copies();
	spare_kmemleak();
	return !found_wrong;
}

static void within(uint64_t from, uint64_t to)
{
	if (nth < 0)
		return;
	set_address("require-start", from);
	set_address("require-end", to);
}

void inject_within_module(const char *module)
{
	char name[64];
	uint64_t size, at;
	FILE *f = fopen("/proc/modules", "re");
	bool found = false;

	while (f && !found &&
	       fscanf(f, "%63s %" SCNu64 " %*s %*s %*s %" SCNx64 "%*[^\n]", name, &size, &at) == 3)
		found = !strcmp(name, module);
	if (f)
		fclose(f);
	if (found)
		within(at, at + size);
	else
		wrong("%s is not loaded", module);
}

bool inject_within_function(const char *name)
{
	uint64_t from, to;

	if (!find_function(name, &from, &to))
		return false;
	within(from, to);
	return true;
}

void wrong(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	printf("# ");
	vprintf(fmt, args);
	putchar('\n');
	va_end(args);
	found_wrong = true;
}

bool is_wrong(void)
{
	return found_wrong;
}

void forget_wrong(void)
{
	found_wrong = false;
}

bool result(bool good, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return ok(good, "%s", text);
}

int finish(void)
{
	return done();
}

static void arm(unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	if (nth < 0)
		return;
	if (pwrite(nth, text, (size_t)len, 0) != len) {
		perror("fail-nth");
		exit(1);
	}
}

/* Allocations that were still to come before the one that was to fail. */
static unsigned int disarm(void)
{
	char text[16] = "";
	unsigned int left;

	if (nth < 0)
		return 1;
	if (pread(nth, text, sizeof(text) - 1, 0) <= 0) {
		perror("fail-nth");
		exit(1);
	}
	left = (unsigned int)strtoul(text, NULL, 10);
	arm(0);
	return left;
}

/* Errors that a failed allocation may turn into on its way out. */
static bool is_refusal(int err)
{
	return err == -ENOMEM || err == -ENOBUFS;
}

void try_step(const struct step *s)
{
	unsigned int n = 1, tried = 0, refused = 0, left, stride = s->every ? s->every : 1;
	int err;

	found_wrong = false;
	do {
		if (s->before)
			s->before();
		arm(n);
		err = s->call();
		left = disarm();
		if (err && (left || !is_refusal(err)))
			wrong("%s, allocation %u: %s", s->name, n, strerror(-err));
		if (s->after)
			s->after(err);
		if (!left) {
			tried++;
			refused += err != 0;
			/* What comes after many is mostly the same again. */
			n += stride * (1 + tried / 24);
		}
	} while (!left && !found_wrong && n < MANY);
	ok(!found_wrong, "%s: %u allocations failed, %u of them refused it", s->name, tried, refused);
}

void inject_randomly(unsigned int percent)
{
	char text[16];

	if (nth < 0)
		return;
	snprintf(text, sizeof(text), "%u", percent);
	set_both("times", "-1");
	set_both("probability", text);
}
