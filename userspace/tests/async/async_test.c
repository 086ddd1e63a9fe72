// SPDX-License-Identifier: GPL-2.0
/*
 * Asynchronous ops, without a library between: submitted and reaped, and through io_uring. Runs as root in a lab.
 */
#include <stdlib.h>

#include "tests/async/async.h"

void is(long got, long want, const char *what)
{
	if (got == want)
		ok(true, "%s", what);
	else
		ok(false, "%s: got %ld, want %ld", what, got, want);
}

void set_param(const char *name, unsigned int value)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/module/vexfs/parameters/%s", name);
	f = fopen(path, "w");
	if (!f || fprintf(f, "%u", value) < 0 || fclose(f))
		ok(false, "parameter %s", name);
}

void fill(float *v, uint64_t id)
{
	for (uint32_t i = 0; i < DIM; i++) {
		uint64_t x = (id * DIM + i + 1) * 0x9e3779b97f4a7c15ULL;

		v[i] = (float)(int32_t)(x >> 31) / 2147483648.0f;
	}
}

int attach(void)
{
	int fd = raw_open();

	if (fd >= 0 && raw_attach(fd, "async", VEXFS_ATTACH_READ | VEXFS_ATTACH_WRITE)) {
		close(fd);
		return -1;
	}
	return fd;
}

struct vexfs_nop nop_of(uint64_t value, uint64_t hold_ns)
{
	return (struct vexfs_nop) {
		.size = sizeof(struct vexfs_nop), .value = value, .hold_ns = hold_ns,
	};
}

struct vexfs_submission entry(uint32_t cmd, void *arg, uint64_t user_data)
{
	return (struct vexfs_submission) {
		.cmd = cmd, .arg = (uintptr_t)arg, .user_data = user_data,
	};
}

int submit(int fd, struct vexfs_submission *e, uint32_t n)
{
	struct vexfs_submit s = { .entries = (uintptr_t)e, .count = n };
	int err = RAW(fd, VEXFS_IOC_SUBMIT, &s);

	return s.done ? (int)s.done : err;
}

int reap(int fd, struct vexfs_completion *c, uint32_t n)
{
	struct vexfs_reap r = { .completions = (uintptr_t)c, .max = n, .min = n };
	int err = RAW(fd, VEXFS_IOC_REAP, &r);

	return err ? err : (int)r.got;
}

int reap_one(int fd, struct vexfs_completion *c)
{
	int n = reap(fd, c, 1);
	return n == 1 ? c->res : -1000;
}

int cancel(int fd, uint64_t user_data, uint32_t flags)
{
	struct vexfs_cancel c = { .flags = flags, .user_data = user_data };
	int err = RAW(fd, VEXFS_IOC_CANCEL, &c);

	return err ? err : (int)c.found;
}

uint32_t left(int fd)
{
	struct vexfs_reap r = { 0 };

	return RAW(fd, VEXFS_IOC_REAP, &r) ? ~0u : r.left;
}

void wait_running(int fd)
{
	struct vexfs_reap r = { 0 };

	do
		usleep(1000);
	while (!RAW(fd, VEXFS_IOC_REAP, &r) && r.left && !r.running);
}

int main(void)
{
	float v[VECTORS * DIM];
	uint64_t ids[VECTORS];
	struct vexfs_put p = raw_put(ids, v, NULL, VECTORS);
	int fd = raw_create("async", DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0);

	for (uint32_t i = 0; i < VECTORS; i++) {
		ids[i] = i;
		fill(v + (size_t)i * DIM, i);
	}
	if (fd < 0 || RAW(fd, VEXFS_IOC_PUT, &p)) {
		printf("Bail out! no collection: is the module there?\n");
		return 1;
	}
	close(fd);
	basics();
	order();
	wrong();
	ends();
	storms();
	rings();
	steering();
	priorities_of_calls();
	fd = raw_open();
	is(raw_drop(fd, "async"), 0, "the collection goes");
	close(fd);
	return done();
}
