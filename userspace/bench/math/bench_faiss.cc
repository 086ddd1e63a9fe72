// SPDX-License-Identifier: GPL-2.0
/*
 * FAISS IndexFlatL2 on one thread, for math-bench. Compiled without FAISS it
 * says that it is not there.
 */
#include "bench_faiss.h"

#include <faiss/IndexFlat.h>
#include <omp.h>
#include <vector>

extern "C" void openblas_set_num_threads(int n);

static faiss::IndexFlatL2 *flat;
static std::vector<float> distances;
static std::vector<faiss::Index::idx_t> labels;

void bench_faiss_index(const void *rows, unsigned int n, int dim)
{
	omp_set_num_threads(1);
	openblas_set_num_threads(1);
	flat = new faiss::IndexFlatL2(dim);
	flat->add(n, static_cast<const float *>(rows));
}

void bench_faiss_search(const void *queries, unsigned int nq, unsigned int k)
{
	distances.resize(nq * k);
	labels.resize(nq * k);
	flat->search(nq, static_cast<const float *>(queries), k, distances.data(), labels.data());
}

long long bench_faiss_id(unsigned int i)
{
	return labels[i];
}

void bench_faiss_free(void)
{
	delete flat;
}
