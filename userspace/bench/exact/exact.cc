// SPDX-License-Identifier: GPL-2.0
/*
 * Exact search of vexfs beside FAISS and USearch, and what it costs to put
 * vectors in and to cross into the kernel. One process, one thread, one set of
 * vectors; the contenders take turns, and the median turn counts. It prints the
 * rows of build/bench/exact.json; figures from different runs must never be
 * compared.
 *
 * A lab maps the memory of programs page by page, which is slow for large arrays on
 * some machines. So the peers are asked on the host as well, right before, and what
 * counts for each is the better of the two.
 */
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <functional>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

#include <cblas.h>
#include <faiss/IndexFlat.h>
#include <omp.h>
#include <usearch/index_plugins.hpp>

#include "vexfs.h"
extern "C" {
#include "json.h"
}

static constexpr uint32_t DIM = 100, K = 10, BATCH = 1000;
static constexpr int TURNS = 7, BATCH_TURNS = 5, INSERT_TURNS = 21;
static constexpr double TURN_SECONDS = 0.15;

struct row {
	std::string name, peer, unit;
	double ours, theirs, ratio, goal;
	bool at_most;
};

static std::vector<row> rows;

static double now()
{
	using namespace std::chrono;
	return duration<double>(steady_clock::now().time_since_epoch()).count();
}

static void die(const std::string &what)
{
	fprintf(stderr, "bench-exact: %s\n", what.c_str());
	exit(1);
}

static double median(std::vector<double> v)
{
	std::sort(v.begin(), v.end());
	return v[v.size() / 2];
}

/* Queries of one contender, asked one at a time or all at once. */
using ask = std::function<void(const float *query, size_t count, uint64_t *ids)>;

struct contender {
	const char *name;
	ask search;
	std::vector<double> rates;
};

/* One at a time for a while; queries a second. */
static double turn_single(contender &c, const std::vector<float> &queries, size_t *next)
{
	uint64_t ids[K];
	double start = now();
	size_t n = 0;

	do {
		c.search(&queries[(*next)++ % BATCH * DIM], 1, ids);
		n++;
	} while (now() - start < TURN_SECONDS);
	return n / (now() - start);
}

static double turn_batch(contender &c, const std::vector<float> &queries)
{
	std::vector<uint64_t> ids(BATCH * K);
	double start = now();

	c.search(queries.data(), BATCH, ids.data());
	return BATCH / (now() - start);
}

/* Every contender must find what the first one finds, but for equal distances. */
static void same_answers(std::vector<contender> &all, const std::vector<float> &queries)
{
	size_t differ = 0;

	for (size_t q = 0; q < 100; q++) {
		uint64_t first[K], other[K];

		all[0].search(&queries[q * DIM], 1, first);
		for (size_t i = 1; i < all.size(); i++) {
			all[i].search(&queries[q * DIM], 1, other);
			std::sort(first, first + K);
			std::sort(other, other + K);
			differ += memcmp(first, other, sizeof(first)) != 0;
		}
	}
	if (differ > 3)
		die(std::to_string(differ) + " of 100 answers differ: the comparison means nothing");
}

/* A setting of the module; the lab is ours alone. */
static void set(const char *name, const std::string &value)
{
	std::string path = std::string("/sys/module/vexfs/parameters/") + name;
	int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, value.c_str(), value.size()) != (ssize_t)value.size())
		die(path + ": " + strerror(errno));
	close(fd);
}

/* With codes beside the rows every answer is that without, to the last place. */
static void equal_answers(contender &plain, contender &coded, const std::vector<float> &queries)
{
	for (size_t q = 0; q < BATCH; q++) {
		uint64_t a[K], b[K];

		plain.search(&queries[q * DIM], 1, a);
		coded.search(&queries[q * DIM], 1, b);
		if (memcmp(a, b, sizeof(a)))
			die("query " + std::to_string(q) + " has another answer with codes");
	}
}

/* ---- vexfs ---- */

static std::vector<uint64_t> ids_in_order(size_t n)
{
	std::vector<uint64_t> ids(n);

	for (size_t i = 0; i < n; i++)
		ids[i] = i;
	return ids;
}

/* Ids as a hash or a random generator makes them: no two are neighbours. */
static std::vector<uint64_t> ids_scattered(size_t n)
{
	std::vector<uint64_t> ids(n);

	for (size_t i = 0; i < n; i++)
		ids[i] = (i + 1) * 0x9e3779b97f4a7c15ull;
	return ids;
}

struct collection {
	vexfs *h = nullptr;
	std::string name;
	uint32_t plan = 0;
	double kernel = 0, crossing = 0, total = 0;	/* of the last request, in ns */
	double asked = 0, spent = 0;			/* queries, and their time in the kernel */

	collection(const char *n, vexfs_type type) : name(n)
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

	~collection()
	{
		vexfs_close(h);
		vexfs_do_drop(nullptr, name.c_str(), nullptr);
	}

	void put(const float *v, const std::vector<uint64_t> &ids)
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

	void search(const float *q, size_t n, uint64_t *ids)
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

	/* Queries a second of the time in the kernel, since this was asked before. */
	double kernel_rate()
	{
		double rate = asked / spent * 1e9;

		asked = spent = 0;
		return rate;
	}

	/* Asks until searches have made codes; without, there are none and will be none. */
	void make_codes(const float *q)
	{
		uint64_t ids[K];

		set("search_codes", "1");
		for (int i = 0; i < 4; i++)
			search(q, 1, ids);
		set("search_codes", "0");
		if (plan != VEXFS_PLAN_SCAN_CODES)
			fprintf(stderr, "bench-exact: this machine has no scan of codes\n");
	}

	ask asker()
	{
		return [this](const float *q, size_t n, uint64_t *ids) { search(q, n, ids); };
	}
};

/* ---- comparisons ---- */

static void add(const std::string &name, const char *peer, const char *unit, double ours,
		double theirs, double goal, bool at_most = false)
{
	rows.push_back({ name, peer, unit, ours, theirs, ours / theirs, goal, at_most });
}

static std::string size_name(size_t n)
{
	return std::to_string(n / 1000) + ",000 x 100 f32";
}

/* The others, with the vectors they search. */
struct peers {
	faiss::IndexFlatL2 flat{ DIM };
	unum::usearch::metric_punned_t metric{ DIM, unum::usearch::metric_kind_t::l2sq_k,
					       unum::usearch::scalar_kind_t::f32_k };
	unum::usearch::exact_search_t exact;
	const std::vector<float> &base;
	size_t n;
	std::vector<faiss::Index::idx_t> ids;
	std::vector<float> distances;

	peers(const std::vector<float> &vectors, size_t count)
		: base(vectors), n(count), ids(BATCH * K), distances(BATCH * K)
	{
		flat.add(n, base.data());
	}

	contender faiss_contender()
	{
		return { "FAISS", [this](const float *q, size_t count, uint64_t *out) {
			flat.search(count, q, K, distances.data(), ids.data());
			std::copy(ids.begin(), ids.begin() + count * K, out);
		}, {} };
	}

	contender usearch_contender()
	{
		return { "USearch", [this](const float *q, size_t count, uint64_t *out) {
			using unum::usearch::byte_t;
			auto found = exact((byte_t const *)base.data(), n, DIM * sizeof(float),
					   (byte_t const *)q, count, DIM * sizeof(float), K,
					   metric);

			for (size_t i = 0; i < count; i++)
				for (size_t j = 0; j < K; j++)
					out[i * K + j] = found.at(i)[j].offset;
		}, {} };
	}
};

/* What the peers reached on the host: single FAISS, single USearch, batch FAISS. */
struct host_rates {
	double faiss = 0, usearch = 0, faiss_batch = 0;
};

static host_rates on_host(size_t n, const std::vector<float> &base,
			  const std::vector<float> &queries)
{
	peers p(base, n);
	contender faiss = p.faiss_contender(), usearch = p.usearch_contender();
	host_rates r;
	size_t next = 0;

	for (int t = 0; t < TURNS; t++) {
		faiss.rates.push_back(turn_single(faiss, queries, &next));
		usearch.rates.push_back(turn_single(usearch, queries, &next));
	}
	r.faiss = median(faiss.rates);
	r.usearch = median(usearch.rates);
	faiss.rates.clear();
	for (int t = 0; t < BATCH_TURNS; t++)
		faiss.rates.push_back(turn_batch(faiss, queries));
	r.faiss_batch = median(faiss.rates);
	return r;
}

/*
 * GB/s of rows that searches read while they are in the kernel: the best of as many passes
 * over as many bytes as bandwidth.c makes, for what it finds is the best of its own. Two
 * queries over 300,000 rows are a pass.
 */
static double scan_rate(collection &c, size_t n, const std::vector<float> &queries)
{
	struct vexfs_stat st = {};
	double best = 0;
	uint64_t ids[K];

	vexfs_do_stat(c.h, &st, nullptr);
	for (int pass = 0; pass < 20; pass++) {
		double ns = 0;

		for (int q = 0; q < 2; q++) {
			c.search(&queries[(2 * pass + q) * DIM], 1, ids);
			ns += c.kernel;
		}
		best = std::max(best, 2.0 * n * st.stride / ns);
	}
	return best;
}

static void compare(size_t n, const std::vector<float> &base, const std::vector<float> &queries,
		    double machine, const host_rates &host)
{
	collection c("bench-codes", VEXFS_TYPE_F32), rows_alone("bench-rows", VEXFS_TYPE_F32);
	peers others(base, n);
	std::vector<contender> all;
	std::vector<double> crossing;
	size_t next = 0;

	c.put(base.data(), ids_in_order(n));
	c.make_codes(queries.data());
	rows_alone.put(base.data(), ids_in_order(n));
	all.push_back({ "vexfs", c.asker(), {} });
	all.push_back(others.faiss_contender());
	all.push_back(others.usearch_contender());
	all.push_back({ "vexfs, rows alone", rows_alone.asker(), {} });
	same_answers(all, queries);
	equal_answers(all[3], all[0], queries);
	fprintf(stderr, "bench-exact: %zu vectors; USearch uses %s\n", n,
		others.metric.isa_name());
	for (int t = 0; t < TURNS; t++)
		for (auto &x : all)
			x.rates.push_back(turn_single(x, queries, &next));
	double faiss = median(all[1].rates), usearch = median(all[2].rates);

	fprintf(stderr, "bench-exact: one query, in the lab and on the host: FAISS %.4g, %.4g; "
		"USearch %.4g, %.4g\n", faiss, host.faiss, usearch, host.usearch);
	faiss = std::max(faiss, host.faiss);
	usearch = std::max(usearch, host.usearch);
	double alone = median(all[3].rates);

	add("one query at a time, " + size_name(n), "FAISS IndexFlatL2", "queries/s",
	    median(all[0].rates), faiss, 3);
	add("one query at a time, " + size_name(n), "USearch exact", "queries/s",
	    median(all[0].rates), usearch, 1.5);
	add("one query, rows alone, " + size_name(n), "FAISS IndexFlatL2", "queries/s", alone,
	    faiss, 0);
	add("one query, rows alone, " + size_name(n), "USearch exact", "queries/s", alone,
	    usearch, 0);
	if (n >= 300000)
		add("bytes read by the scan, " + size_name(n), "reading memory", "GB/s",
		    scan_rate(rows_alone, n, queries), machine, 0.85);
	for (auto &x : all)
		x.rates.clear();
	set("search_codes", "8");
	for (int t = 0; t < BATCH_TURNS; t++)
		for (int i : { 0, 1, 3 }) {
			all[i].rates.push_back(turn_batch(all[i], queries));
			if (!i)
				crossing.push_back(c.crossing / c.total);
		}
	faiss = std::max(median(all[1].rates), host.faiss_batch);
	add("1,000 queries at once, " + size_name(n), "FAISS IndexFlatL2", "queries/s",
	    median(all[0].rates), faiss, 2);
	add("1,000 queries, rows alone, " + size_name(n), "FAISS IndexFlatL2", "queries/s",
	    median(all[3].rates), faiss, 2);
	set("search_codes", "0");
	add("crossing of 1,000 queries, " + size_name(n), "whole request", "share",
	    median(crossing), 1, 0.02, true);
}

/*
 * Narrow types beside f32, same vectors. What f32 is held to is its own arithmetic on
 * its own rows: left alone, it ranks by bytes as well, one query by codes that
 * searches made, and many by bytes made of each chunk.
 */
static void compare_types(size_t n, const std::vector<float> &base,
			  const std::vector<float> &queries)
{
	std::vector<float> scaled(base), scaled_q(queries);
	float most = 0;

	for (float f : base)
		most = std::max(most, std::fabs(f));
	for (float &f : scaled)
		f *= 127 / most;
	for (float &f : scaled_q)
		f = std::max(-127.f, std::min(127.f, f * 127 / most));
	collection f32("bench-f32", VEXFS_TYPE_F32), bf16("bench-bf16", VEXFS_TYPE_BF16),
		bf16_rows("bench-bf16-rows", VEXFS_TYPE_BF16), i8("bench-i8", VEXFS_TYPE_I8);

	for (collection *c : { &f32, &bf16, &bf16_rows, &i8 })
		c->put(scaled.data(), ids_in_order(n));
	bf16.make_codes(scaled_q.data());
	std::vector<contender> all = { { "f32", f32.asker(), {} }, { "i8", i8.asker(), {} },
				       { "bf16", bf16.asker(), {} },
				       { "bf16, rows alone", bf16_rows.asker(), {} } };
	std::string size = ", " + std::to_string(n / 1000) + ",000 x 100";
	size_t next = 0;

	equal_answers(all[3], all[2], scaled_q);
	/*
	 * Ours beside ours, so by the time that the kernel says each took: the lab's way into
	 * the kernel and back is as long as some of these searches, and the same for all.
	 */
	collection *const asked[] = { &f32, &i8, &bf16, &bf16_rows };
	std::vector<double> inside[4];

	for (int t = 0; t < TURNS; t++)
		for (size_t i = 0; i < all.size(); i++) {
			asked[i]->kernel_rate();
			all[i].rates.push_back(turn_single(all[i], scaled_q, &next));
			inside[i].push_back(asked[i]->kernel_rate());
		}
	static const char *const names[] = { "", "i8, one query", "bf16, one query",
					     "bf16, one query, rows alone" };
	static const double goals[] = { 0, 3, 1.8, 0 };

	for (size_t i = 1; i < all.size(); i++) {
		add(names[i] + size, "vexfs f32, rows alone", "queries/s", median(inside[i]),
		    median(inside[0]), goals[i]);
		add(names[i] + std::string(", with the lab's crossing"), "vexfs f32, rows alone",
		    "queries/s", median(all[i].rates), median(all[0].rates), 0);
	}
	for (auto &x : all)
		x.rates.clear();
	std::vector<double> numbers;

	for (int t = 0; t < BATCH_TURNS; t++) {
		/* search_codes is 0: f32 is compared in f32 */
		numbers.push_back(turn_batch(all[0], scaled_q));
		set("search_codes", "8");
		for (auto &x : all)
			x.rates.push_back(turn_batch(x, scaled_q));
		set("search_codes", "0");
	}
	add("i8, 1,000 queries at once" + size, "vexfs f32 in f32", "queries/s",
	    median(all[1].rates), median(numbers), 3);
	add("bf16, 1,000 queries at once" + size, "vexfs f32 in f32", "queries/s",
	    median(all[2].rates), median(numbers), 1.8);
	add("f32, 1,000 queries at once" + size, "vexfs f32 in f32", "queries/s",
	    median(all[0].rates), median(numbers), 0);
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
static void compare_insert(size_t n, const std::vector<float> &base)
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
	add("batched insert, " + size_name(n), "copying from user space", "GB/s", median(ours),
	    median(theirs), 0.5);
	/* what the hash table costs beside it */
	add("batched insert, scattered ids", "copying from user space", "GB/s",
	    median(ours_scattered), median(theirs), 0);
}

static std::vector<float> load(const char *path, size_t want)
{
	vexfs_file_info info;
	vexfs_file *file;
	vexfs_error err;

	if (vexfs_file_open(path, &file, &info, &err))
		die(err.text);
	if (info.dim != DIM || info.rows < want)
		die(std::string(path) + " is not the data set that is compared on");
	std::vector<float> v(want * DIM);
	if (vexfs_file_read_f32(file, v.data(), want, &err) != (ssize_t)want)
		die(err.text);
	vexfs_file_close(file, nullptr);
	return v;
}

static void report(const char *path)
{
	FILE *out = fopen(path, "w");
	struct json j;

	if (!out)
		die(std::string(path) + ": " + strerror(errno));
	json_start(&j, out, true);
	json_array_begin(&j);
	printf("%-48s %-24s %12s %12s %7s %6s\n", "what", "beside", "vexfs", "other", "ratio", "goal");
	for (auto &r : rows) {
		bool pass = r.at_most ? r.ratio <= r.goal : r.ratio >= r.goal;

		printf("%-48s %-24s %12.4g %12.4g %7.3f", r.name.c_str(), r.peer.c_str(), r.ours,
		       r.theirs, r.ratio);
		/* a row without a goal is there to be seen */
		if (r.goal > 0)
			printf(" %s%-5g %s", r.at_most ? "<" : ">", r.goal, pass ? "" : "MISSED");
		printf("\n");
		json_object_begin(&j);
		json_kv_string(&j, "name", r.name.c_str());
		json_kv_string(&j, "peer", r.peer.c_str());
		json_kv_string(&j, "unit", r.unit.c_str());
		json_kv_double(&j, "ours", r.ours);
		json_kv_double(&j, "theirs", r.theirs);
		json_kv_double(&j, "ratio", r.ratio);
		json_kv_double(&j, "goal", r.goal);
		json_kv_bool(&j, "lower_is_better", r.at_most);
		json_kv_bool(&j, "pass", pass);
		json_object_end(&j);
	}
	json_array_end(&j);
	if (json_finish(&j) || fclose(out))
		die("cannot write the result");
}

static const size_t sizes[] = { 50000, 300000 };

/* Runs on the host: rates of the peers, a line a size. */
static void host(const char *path, const std::vector<float> &base,
		 const std::vector<float> &queries)
{
	FILE *out = fopen(path, "w");

	if (!out)
		die(std::string(path) + ": " + strerror(errno));
	for (size_t n : sizes) {
		host_rates r = on_host(n, base, queries);

		fprintf(out, "%zu %f %f %f\n", n, r.faiss, r.usearch, r.faiss_batch);
	}
	if (fclose(out))
		die("cannot write the rates of the peers");
}

static host_rates host_rates_of(const char *path, size_t n)
{
	FILE *in = fopen(path, "r");
	host_rates r;
	size_t size;

	if (!in)
		die(std::string(path) + ": " + strerror(errno));
	while (fscanf(in, "%zu %lf %lf %lf", &size, &r.faiss, &r.usearch, &r.faiss_batch) == 4)
		if (size == n)
			break;
	fclose(in);
	if (size != n)
		die(std::string(path) + " has no rates for this size");
	return r;
}

int main(int argc, char **argv)
{
	auto part = [&](const char *name) {
		for (int i = 5; i < argc; i++)
			if (!strcmp(argv[i], name))
				return true;
		return argc == 5;
	};

	if (argc != 4 && argc < 5)
		die("usage: exact DATA.fbin host HOST-RATES\n"
		    "       exact DATA.fbin MACHINE-GB/S HOST-RATES RESULT.json [search] [types] [insert]");
	omp_set_num_threads(1);
	openblas_set_num_threads(1);
	std::vector<float> base = load(argv[1], 300000 + BATCH);
	std::vector<float> queries(base.end() - BATCH * DIM, base.end());

	base.resize(300000 * DIM);
	if (argc == 4) {
		host(argv[3], base, queries);
		return 0;
	}
	if (part("search"))
		for (size_t n : sizes)
			compare(n, base, queries, atof(argv[2]), host_rates_of(argv[3], n));
	if (part("types"))
		compare_types(300000, base, queries);
	if (part("insert"))
		compare_insert(300000, base);
	report(argv[4]);
	return 0;
}
