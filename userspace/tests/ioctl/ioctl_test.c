// SPDX-License-Identifier: GPL-2.0
/*
 * What /dev/vexfs answers to requests that are wrong, and that what it answers to
 * right ones is right: one check for each line of the table of errors, for each
 * way to get a request wrong that we could think of. Runs as root in a lab.
 */
#include <stdlib.h>

#include "tests/ioctl/test.h"

int ctl;

void is(int got, int want, const char *what)
{
	if (got == want)
		ok(true, "%s", what);
	else
		ok(false, "%s: got %d (%s), want %d (%s)", what, got, strerror(-got), want,
		   strerror(-want));
}

static float noise(uint64_t x)
{
	x = (x + 1) * 0x9e3779b97f4a7c15ULL;
	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9ULL;
	x ^= x >> 32;
	return (int32_t)x / 2147483648.0f;
}

void fill(float *v, uint64_t id, uint32_t dim)
{
	for (uint32_t i = 0; i < dim; i++)
		v[i] = noise(id * 1000 + i);
}

/* @n vectors with ids from @first on. */
int put_some(int fd, uint64_t first, uint32_t n, uint32_t dim, const void *attrs)
{
	uint64_t *ids = calloc(n, sizeof(*ids));
	float *v = calloc((size_t)n * dim, sizeof(*v));
	struct vexfs_put p = raw_put(ids, v, attrs, n);
	int err;

	for (uint32_t i = 0; i < n; i++) {
		ids[i] = first + i;
		fill(v + (size_t)i * dim, ids[i], dim);
	}
	err = RAW(fd, VEXFS_IOC_PUT, &p);
	free(v);
	free(ids);
	return err;
}

uint64_t count_of(int fd)
{
	struct vexfs_stat st = { };

	return RAW(fd, VEXFS_IOC_STAT, &st) ? ~0ULL : st.count;
}

bool sound(int fd)
{
	struct vexfs_check c = { };

	if (RAW(fd, VEXFS_IOC_CHECK, &c))
		return false;
	if (c.faults)
		printf("# %llu faults: %s\n", (unsigned long long)c.faults, c.report);
	return !c.faults;
}

int main(int argc, char **argv)
{
	/* the subjects that every program needs, without those that take long */
	bool some = argc > 1 && !strcmp(argv[1], "-s");
	int fd;

	ctl = raw_open();
	if (ctl < 0) {
		perror(VEXFS_DEVICE);
		return 1;
	}
	sizes();
	names();
	creating();
	attaching();
	reserved();
	fd = raw_create("errors", DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0);
	ok(fd >= 0, "a collection for the errors");
	putting(fd);
	seeing(fd);
	getting(fd);
	deleting(fd);
	measuring(fd);
	put_some(fd, 0, 200, DIM, NULL);
	walking(fd);
	searching(fd);
	if (!some) {
		setting(fd);
		deadlines(fd);
	}
	close(fd);
	raw_drop(ctl, "errors");
	filtering();
	classifying();
	if (some)
		return done();
	filling();
	listing();
	users();
	limits();
	descriptors();
	signals();
	interrupting();
	signal_storm(false);
	signal_storm(true);
	mapping();
	forgetting();
	memory_returns();
	leaving();
	return done();
}
