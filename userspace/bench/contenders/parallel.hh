/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Work on n vectors spread over threads, for libraries that leave that to the caller.
 */
#ifndef VEXFS_BENCH_PARALLEL_H
#define VEXFS_BENCH_PARALLEL_H

#include <cstddef>
#include <thread>
#include <vector>

/* fn(vector, thread) */
template <typename F> static void parallel(size_t n, int threads, F fn)
{
	std::vector<std::thread> pool;

	if (threads == 1) {
		for (size_t i = 0; i < n; i++)
			fn(i, 0);
		return;
	}
	for (int t = 0; t < threads; t++)
		pool.emplace_back([=, &fn] {
			for (size_t i = t; i < n; i += threads)
				fn(i, t);
		});
	for (auto &t : pool)
		t.join();
}

#endif
