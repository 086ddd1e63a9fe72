/* SPDX-License-Identifier: GPL-2.0 */
/*
 * FAISS as a peer, one thread. FAISS speaks C++ only, so it has a file of its own
 * that nothing but the benchmark links.
 */
#ifndef VEXFS_MATH_BENCH_FAISS_H
#define VEXFS_MATH_BENCH_FAISS_H

#ifdef __cplusplus
extern "C" {
#endif

void bench_faiss_index(const void *rows, unsigned int n, int dim);
void bench_faiss_search(const void *queries, unsigned int nq, unsigned int k);
/* Result @i of the last search: query by query, nearest first. */
long long bench_faiss_id(unsigned int i);
void bench_faiss_free(void);

#ifdef __cplusplus
}
#endif

#endif
