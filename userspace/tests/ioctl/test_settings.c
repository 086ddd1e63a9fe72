// SPDX-License-Identifier: GPL-2.0
/*
 * What is full, quotas, settings and lists.
 */
#include "tests/ioctl/test.h"

void set_param(const char *name, const char *value)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/module/vexfs/parameters/%s", name);
	f = fopen(path, "w");
	if (!f || fputs(value, f) < 0 || fclose(f))
		ok(false, "parameter %s", name);
}

void filling(void)
{
	struct vexfs_create c = raw_spec("small", DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0);
	struct vexfs_set set = { .what = VEXFS_SET_CAPACITY, .capacity = 4 };
	struct vexfs_put p;
	float v[DIM] = { 1 };
	uint64_t id = 3;
	int fd = raw_open();

	c.capacity = 5;
	is(RAW(fd, VEXFS_IOC_CREATE, &c), 0, "create with capacity 5");
	is(put_some(fd, 0, 5, DIM, NULL), 0, "fill it");
	is(put_some(fd, 5, 1, DIM, NULL), -ENOSPC, "one vector beyond the capacity");
	p = raw_put(&id, v, NULL, 1);
	is(RAW(fd, VEXFS_IOC_PUT, &p), 0, "an update of a full collection");
	is(RAW(fd, VEXFS_IOC_SET, &set), -ENOSPC, "capacity below the count");
	set.capacity = 6;
	is(RAW(fd, VEXFS_IOC_SET, &set), 0, "larger capacity");
	is(put_some(fd, 5, 1, DIM, NULL), 0, "one more vector");
	ok(count_of(fd) == 6 && sound(fd), "the collection is consistent");

	set_param("max_user_kb", "976");
	is(put_some(fd, 0, 6, DIM, NULL), 0, "small collections within the quota");
	set.capacity = 0;
	RAW(fd, VEXFS_IOC_SET, &set);
	is(put_some(fd, 100, 30000, DIM, NULL), -ENOSPC, "a collection beyond the quota");
	set_param("max_user_kb", "0");
	ok(sound(fd), "the collection refused by the quota is consistent");
	is(put_some(fd, 100, 30000, DIM, NULL), 0, "without the quota all vectors are stored");
	close(fd);
	raw_drop(ctl, "small");
	set_param("max_collections", "0");
	is(create_named("more", 4), -ENOSPC, "too many collections");
	set_param("max_collections", "65536");
}

void setting(int fd)
{
	static const char text[] = "a: u32";
	static const char *const evil[] = { "a: u32", "a\nb", "\033[2J", "\xff", "\xe2\x80\xae" };
	char back[64] = "";
	struct vexfs_set s = { .what = VEXFS_SET_MODE, .mode = 0640 };
	struct vexfs_stat st = { };

	is(RAW(fd, VEXFS_IOC_SET, &s), 0, "set the mode");
	s.mode = 01000;
	is(RAW(fd, VEXFS_IOC_SET, &s), -EINVAL, "mode 01000");
	s.what = 0;
	is(RAW(fd, VEXFS_IOC_SET, &s), -EINVAL, "set nothing");
	s.what = 1u << 9;
	is(RAW(fd, VEXFS_IOC_SET, &s), -EINVAL, "set of an unknown value");
	s.what = VEXFS_SET_UID, s.uid = ~0u;
	is(RAW(fd, VEXFS_IOC_SET, &s), -EINVAL, "owner -1");
	s.what = VEXFS_SET_LAYOUT, s.layout_len = 1025;
	is(RAW(fd, VEXFS_IOC_SET, &s), -E2BIG, "layout of 1025 bytes");
	s.layout_len = sizeof(text) - 1, s.layout = (uintptr_t)WILD;
	is(RAW(fd, VEXFS_IOC_SET, &s), -EFAULT, "layout at an invalid address");
	s.layout = (uintptr_t)text;
	is(RAW(fd, VEXFS_IOC_SET, &s), 0, "set the layout");
	for (size_t i = 0; i < sizeof(evil) / sizeof(evil[0]); i++) {
		s.layout_len = (uint32_t)strlen(evil[i]) + !i, s.layout = (uintptr_t)evil[i];
		is(RAW(fd, VEXFS_IOC_SET, &s), -EINVAL, "a layout that steers a terminal");
	}
	st.layout = (uintptr_t)back, st.layout_len = sizeof(back);
	is(RAW(fd, VEXFS_IOC_STAT, &st), 0, "stat with it");
	ok(st.layout_len == sizeof(text) - 1 && !strcmp(back, text) && st.mode == 0640,
	   "stat returns the values that were set");
	st.layout = (uintptr_t)WILD, st.layout_len = 4;
	is(RAW(fd, VEXFS_IOC_STAT, &st), -EFAULT, "stat with the layout at an invalid address");
}

void listing(void)
{
	struct vexfs_stat rows[2];
	struct vexfs_list l = { .stat_size = sizeof(rows[0]), .stats = (uintptr_t)rows };
	uint32_t seen = 0;
	int err;

	raw_create("list-a", 1, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0);
	raw_create("list-b", 1, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0);
	raw_create("list-c", 1, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0);
	do {
		l.count = 2;
		err = RAW(ctl, VEXFS_IOC_LIST, &l);
		for (uint32_t i = 0; !err && i < l.count; i++)
			seen += !strncmp(rows[i].name, "list-", 5);
	} while (!err && l.cursor);
	is(err, 0, "list");
	ok(seen == 3, "list: each collection once");
	l.count = 0;
	is(RAW(ctl, VEXFS_IOC_LIST, &l), -EINVAL, "list with room for none");
	l.count = 1, l.stat_size = 0;
	is(RAW(ctl, VEXFS_IOC_LIST, &l), -EINVAL, "list of rows of 0 bytes");
	l.stat_size = 1u << 20;
	is(RAW(ctl, VEXFS_IOC_LIST, &l), -E2BIG, "list of rows of a megabyte");
	l.stat_size = sizeof(rows[0]), l.stats = (uintptr_t)WILD;
	is(RAW(ctl, VEXFS_IOC_LIST, &l), -EFAULT, "list to an invalid address");
	raw_drop(ctl, "list-a");
	raw_drop(ctl, "list-b");
	raw_drop(ctl, "list-c");
}
