// SPDX-License-Identifier: GPL-2.0
/*
 * The peers' side of the comparison: builds an index with hnswlib, FAISS or
 * USearch, asks it the queries of a data set, and prints one JSON object with
 * the build rate and, for every ef, recall@10 and queries a second. Vectors are
 * normalised already, so the order by inner product, by cosine and by squared
 * L2 is the same; each peer gets the form in which it is fastest. An index may
 * be kept in a file: one that is read from there has no build rate.
 */
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <hnswlib/hnswlib.h>
#include <faiss/IndexHNSW.h>
#include <faiss/impl/HNSW.h>
#include <faiss/index_io.h>
#include <omp.h>
#include <usearch/index_dense.hpp>

static constexpr int K = 10, TRUTH_K = 100;
static constexpr size_t BLOCK = 50;	/* queries timed together */
static constexpr int M = 16, EF_CONSTRUCTION = 200;

static double now()
{
	using namespace std::chrono;
	return duration<double>(steady_clock::now().time_since_epoch()).count();
}

template <typename T> static std::vector<T> load(const std::string &name)
{
	std::ifstream f(name, std::ios::binary | std::ios::ate);

	if (!f) {
		fprintf(stderr, "peers: cannot read %s\n", name.c_str());
		exit(1);
	}
	std::vector<T> v(size_t(f.tellg()) / sizeof(T));
	f.seekg(0);
	f.read(reinterpret_cast<char *>(v.data()), v.size() * sizeof(T));
	return v;
}

static void parallel(size_t n, int threads, const std::function<void(size_t, int)> &fn)
{
	std::vector<std::thread> pool;

	if (threads == 1) {
		for (size_t i = 0; i < n; i++)
			fn(i, 0);
		return;
	}
	for (int t = 0; t < threads; t++)
		pool.emplace_back([&, t] {
			for (size_t i = t; i < n; i += threads)
				fn(i, t);
		});
	for (auto &t : pool)
		t.join();
}

struct peer {
	virtual ~peer() = default;
	virtual void build(const float *base, size_t n, int threads) = 0;
	virtual void save(const std::string &file) = 0;
	virtual void load(const std::string &file) = 0;
	virtual void ef(int ef) = 0;
	virtual void search(const float *queries, size_t nq, int dim, int threads, int64_t *ids) = 0;
};

struct peer_hnswlib : peer {
	hnswlib::InnerProductSpace space;
	std::unique_ptr<hnswlib::HierarchicalNSW<float>> index;
	int dim;

	explicit peer_hnswlib(int dim) : space(dim), dim(dim) {}
	void build(const float *base, size_t n, int threads) override
	{
		index = std::make_unique<hnswlib::HierarchicalNSW<float>>(&space, n, M, EF_CONSTRUCTION);
		parallel(n, threads, [&](size_t i, int) { index->addPoint(base + i * dim, i); });
	}
	void save(const std::string &file) override { index->saveIndex(file); }
	void load(const std::string &file) override
	{
		index = std::make_unique<hnswlib::HierarchicalNSW<float>>(&space, file);
	}
	void ef(int ef) override { index->setEf(ef); }
	void search(const float *queries, size_t nq, int dim, int threads, int64_t *ids) override
	{
		parallel(nq, threads, [&](size_t i, int) {
			auto r = index->searchKnn(queries + i * dim, K);

			for (int j = K; j--; ) {
				ids[i * K + j] = r.empty() ? -1 : int64_t(r.top().second);
				if (!r.empty())
					r.pop();
			}
		});
	}
};

struct peer_faiss : peer {
	std::unique_ptr<faiss::IndexHNSWFlat> index;

	explicit peer_faiss(int dim) : index(std::make_unique<faiss::IndexHNSWFlat>(dim, M))
	{
		index->hnsw.efConstruction = EF_CONSTRUCTION;
	}
	void build(const float *base, size_t n, int threads) override
	{
		omp_set_num_threads(threads);
		index->add(n, base);
	}
	void save(const std::string &file) override
	{
		faiss::write_index(index.get(), file.c_str());
	}
	void load(const std::string &file) override
	{
		index.reset(dynamic_cast<faiss::IndexHNSWFlat *>(faiss::read_index(file.c_str())));
	}
	void ef(int ef) override { index->hnsw.efSearch = ef; }
	void search(const float *queries, size_t nq, int, int threads, int64_t *ids) override
	{
		std::vector<float> d(nq * K);

		omp_set_num_threads(threads);
		index->search(nq, queries, K, d.data(), ids);
	}
};

struct peer_usearch : peer {
	using index_t = unum::usearch::index_dense_t;
	index_t index;
	int dim;

	peer_usearch(int dim, const std::string &type) : dim(dim)
	{
		using namespace unum::usearch;
		scalar_kind_t kind = type == "bf16" ? scalar_kind_t::bf16_k :
				     type == "i8" ? scalar_kind_t::i8_k : scalar_kind_t::f32_k;
		metric_punned_t metric(dim, type == "i8" ? metric_kind_t::cos_k : metric_kind_t::ip_k,
				       kind);
		index_dense_config_t config(M, EF_CONSTRUCTION, 64);

		auto made = index_t::make(metric, config);
		if (!made) {
			fprintf(stderr, "peers: usearch does not start\n");
			exit(1);
		}
		index = std::move(made.index);
		fprintf(stderr, "# usearch %s uses %s\n", type.c_str(), metric.isa_name());
	}
	void build(const float *base, size_t n, int threads) override
	{
		index.reserve(unum::usearch::index_limits_t(n, std::max(threads, 2)));
		parallel(n, threads, [&](size_t i, int t) { index.add(i, base + i * dim, t); });
	}
	void save(const std::string &file) override { must(index.save(file.c_str())); }
	void load(const std::string &file) override
	{
		must(index.load(file.c_str()));
		index.reserve(unum::usearch::index_limits_t(index.size(), 16));
	}
	template <typename T> static void must(T &&result)
	{
		if (!result) {
			fprintf(stderr, "peers: usearch: %s\n", result.error.release());
			exit(1);
		}
	}
	void ef(int ef) override { index.change_expansion_search(ef); }
	void search(const float *queries, size_t nq, int dim, int threads, int64_t *ids) override
	{
		parallel(nq, threads, [&](size_t i, int t) {
			uint64_t keys[K];
			size_t n = index.search(queries + i * dim, K, t).dump_to(keys);

			for (size_t j = 0; j < K; j++)
				ids[i * K + j] = j < n ? int64_t(keys[j]) : -1;
		});
	}
};

static std::unique_ptr<peer> make(const std::string &name, int dim, const std::string &type)
{
	if (name == "hnswlib")
		return std::make_unique<peer_hnswlib>(dim);
	if (name == "faiss")
		return std::make_unique<peer_faiss>(dim);
	return std::make_unique<peer_usearch>(dim, type);
}

/*
 * Seconds for all queries. With one thread they go in blocks, and each block counts
 * with the best of its runs: other programs that run now and then do no harm.
 */
static double time_of(peer &p, const float *queries, size_t nq, int dim, int threads, int64_t *ids)
{
	size_t block = threads == 1 ? BLOCK : nq;
	std::vector<double> best((nq + block - 1) / block, 1e30);
	double spent = 0, sum = 0;

	for (int runs = 0; runs < 3 || (spent < 0.8 && runs < 12); runs++) {
		for (size_t b = 0; b * block < nq; b++) {
			double start = now();

			p.search(queries + b * block * dim, std::min(block, nq - b * block), dim,
				 threads, ids + b * block * K);
			double t = now() - start;
			best[b] = std::min(best[b], t);
			spent += t;
		}
	}
	for (double t : best)
		sum += t;
	return sum;
}

int main(int argc, char **argv)
{
	if (argc < 8) {
		fprintf(stderr, "usage: peers hnswlib|faiss|usearch f32|bf16|i8 PREFIX DIM\n"
			"             BUILD-THREADS[,SEARCH-THREADS] INDEX|- EF...\n"
			"Reads PREFIX.base, PREFIX.query and PREFIX.truth, as dataset writes them.\n"
			"INDEX is read if it exists, and written if it does not.\n");
		return 2;
	}
	std::string name = argv[1], type = argv[2], prefix = argv[3], file = argv[6];
	int dim = atoi(argv[4]), build_threads = atoi(argv[5]);
	const char *comma = strchr(argv[5], ',');
	int threads = comma ? atoi(comma + 1) : build_threads;
	auto base = load<float>(prefix + ".base"), queries = load<float>(prefix + ".query");
	auto truth = load<uint32_t>(prefix + ".truth");
	size_t n = base.size() / dim, nq = queries.size() / dim;
	std::vector<int64_t> ids(nq * K);

	auto p = make(name, dim, type);
	printf("{\"peer\": \"%s\", \"type\": \"%s\", \"data\": \"%s\", \"dim\": %d, "
	       "\"n\": %zu, \"build_threads\": %d, \"threads\": %d, ", name.c_str(), type.c_str(),
	       prefix.substr(prefix.rfind('/') + 1).c_str(), dim, n, build_threads, threads);
	if (file != "-" && std::ifstream(file)) {
		p->load(file);
	} else {
		double start = now();

		p->build(base.data(), n, build_threads);
		printf("\"build_per_s\": %.1f, ", n / (now() - start));
		if (file != "-")
			p->save(file);
	}
	printf("\"points\": [");
	fflush(stdout);
	for (int a = 7; a < argc; a++) {
		int ef = atoi(argv[a]);
		size_t right = 0;

		p->ef(ef);
		double best = time_of(*p, queries.data(), nq, dim, threads, ids.data());
		for (size_t q = 0; q < nq; q++)
			for (int j = 0; j < K; j++)
				for (int t = 0; t < K; t++)
					right += ids[q * K + j] == int64_t(truth[q * TRUTH_K + t]);
		printf("%s{\"ef\": %d, \"recall\": %.4f, \"qps\": %.1f}", a > 7 ? ", " : "", ef,
		       double(right) / (nq * K), nq / best);
	}
	printf("]}\n");
	return 0;
}
