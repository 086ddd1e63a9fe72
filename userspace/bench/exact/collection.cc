// SPDX-License-Identifier: GPL-2.0
/*
 * Our side of the comparison: collections of the lab's vexfs, and its settings.
 */
#include "exact.hh"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

void set(const char *name, const std::string &value)
{
	std::string path = std::string("/sys/module/vexfs/parameters/") + name;
	int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, value.c_str(), value.size()) != (ssize_t)value.size())
		die(path + ": " + strerror(errno));
	close(fd);
}

std::vector<uint64_t> ids_in_order(size_t n)
{
	std::vector<uint64_t> ids(n);

	for (size_t i = 0; i < n; i++)
		ids[i] = i;
	return ids;
}

collection::collection(const char *n, vexfs_type type) : name(n)
{
	struct vexfs_create req = {};
	vexfs_error err;

	req.dim = DIM;
	req.type = type;
	req.metric = VEXFS_METRIC_L2;
	vexfs_do_drop(nullptr, n, nullptr);
	if (vexfs_do_create(nullptr, &req, n, nullptr, &h, &err))
		die(err.text);
}

collection::~collection()
{
	vexfs_close(h);
	vexfs_do_drop(nullptr, name.c_str(), nullptr);
}

void collection::put(const float *v, const std::vector<uint64_t> &ids)
{
	size_t n = ids.size();
	struct vexfs_put req = {};
	vexfs_error err;

	req.flags = VEXFS_PUT_INSERT;
	req.count = n;
	req.ids = (uintptr_t)ids.data();
	req.vectors = (uintptr_t)v;
	if (vexfs_do_put(h, &req, &err))
		die(err.text);
}

void collection::search(const float *q, size_t n, uint64_t *ids)
{
	static std::vector<float> distances(BATCH * K);
	static std::vector<uint32_t> counts(BATCH);
	struct vexfs_search req = {};
	vexfs_error err;
	double start = now();

	req.count = n;
	req.queries = (uintptr_t)q;
	req.k = K;
	req.ids = (uintptr_t)ids;
	req.distances = (uintptr_t)distances.data();
	req.counts = (uintptr_t)counts.data();
	if (vexfs_do_search(h, &req, &err))
		die(err.text);
	plan = req.plan;
	total = (now() - start) * 1e9;
	kernel = (double)req.kernel_ns;
	crossing = total - kernel;
	asked += n;
	spent += kernel;
}

double collection::kernel_rate()
{
	double rate = asked / spent * 1e9;

	asked = spent = 0;
	return rate;
}

void collection::make_codes(const float *q)
{
	uint64_t ids[K];

	set("search_codes", "1");
	for (int i = 0; i < 4; i++)
		search(q, 1, ids);
	set("search_codes", "0");
	if (plan != VEXFS_PLAN_SCAN_CODES)
		fprintf(stderr, "bench-exact: this machine has no scan of codes\n");
}

void equal_answers(contender &plain, contender &coded, const std::vector<float> &queries)
{
	for (size_t q = 0; q < BATCH; q++) {
		uint64_t a[K], b[K];

		plain.search(&queries[q * DIM], 1, a);
		coded.search(&queries[q * DIM], 1, b);
		if (memcmp(a, b, sizeof(a)))
			die("query " + std::to_string(q) + " has another answer with codes");
	}
}
