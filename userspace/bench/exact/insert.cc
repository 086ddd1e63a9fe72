// SPDX-License-Identifier: GPL-2.0
/*
 * Putting vectors in beside a module that only copies the same bytes.
 */
#include "exact.hh"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

/* Ids as a hash or a random generator makes them: no two are neighbours. */
static std::vector<uint64_t> ids_scattered(size_t n)
{
	std::vector<uint64_t> ids(n);

	for (size_t i = 0; i < n; i++)
		ids[i] = (i + 1) * 0x9e3779b97f4a7c15ull;
	return ids;
}

/* Bytes a second that a new collection takes in. */
static double turn_insert(const std::vector<float> &base, const std::vector<uint64_t> &ids)
{
	collection c("bench-insert", VEXFS_TYPE_F32);
	double start = now();

	c.put(base.data(), ids);
	return ids.size() * DIM * sizeof(float) / (now() - start) / 1e9;
}

/* The same for a module that only copies. */
static double turn_copy(int fd, const std::vector<float> &base, size_t n)
{
	size_t bytes = n * DIM * sizeof(float);
	double start = now();

	for (size_t at = 0; at < bytes;) {
		size_t part = std::min(bytes - at, (size_t)VEXFS_BATCH_MAX * DIM * 4);
		ssize_t got = write(fd, (const char *)base.data() + at, part);

		if (got <= 0)
			die("the copy stopped");
		at += got;
	}
	return bytes / (now() - start) / 1e9;
}

/* Storing in batches beside copying the same bytes. */
void compare_insert(rows *out, size_t n, const std::vector<float> &base)
{
	int fd = open("/dev/vexfs_copy", O_WRONLY | O_CLOEXEC);
	std::vector<uint64_t> ordered = ids_in_order(n), scattered = ids_scattered(n);
	std::vector<double> ours, ours_scattered, theirs;

	if (fd < 0)
		die(std::string("/dev/vexfs_copy: ") + strerror(errno));
	/*
	 * Memory that the lab has never used costs a fault of the host and a page of
	 * zeroes from it, which a kernel on a machine does not pay: use enough of it
	 * first. The copy goes to memory that was touched, too.
	 */
	{
		std::vector<std::unique_ptr<collection>> all;

		for (int t = 0; t < TURNS; t++) {
			std::string name = "bench-touch-" + std::to_string(t);

			all.emplace_back(new collection(name.c_str(), VEXFS_TYPE_F32));
			all.back()->put(base.data(), ordered);
		}
	}
	/* what was dropped is freed meanwhile, not beside what is measured */
	for (int t = 0; t < INSERT_TURNS; t++) {
		sleep(1);
		ours.push_back(turn_insert(base, ordered));
		sleep(1);
		theirs.push_back(turn_copy(fd, base, n));
		ours_scattered.push_back(turn_insert(base, scattered));
	}
	close(fd);
	add(out, "batched insert, " + size_name(n), "copying from user space", "GB/s", median(ours),
	    median(theirs), GOAL_RATIO_AT_LEAST, 0.5);
	/* what the hash table costs beside it */
	add(out, "batched insert, scattered ids, " + size_name(n), "copying from user space", "GB/s",
	    median(ours_scattered), median(theirs));
}
