// SPDX-License-Identifier: GPL-2.0
/*
 * Exact search of f32 vectors beside the libraries and beside reading memory.
 */
#include "exact.hh"

#include <algorithm>
#include <cstdio>
#include <cstring>

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

/* The fastest of a library's builds and versions, wherever it was fastest. */
struct best {
	double rate = 0;
	std::string who;
};

struct family {
	best any, plain;
	std::vector<rows_other> others;
};

static family family_of(const char *name, const std::vector<library> &libraries,
			const std::vector<double> &lab, const std::vector<double> &host)
{
	family f;

	for (size_t i = 0; i < libraries.size(); i++) {
		const library &l = libraries[i];

		if (strcmp(l.methods->name, name) || !(lab[i] > 0 || host[i] > 0))
			continue;
		best b = { std::max(lab[i], host[i]), l.name + (host[i] > lab[i] ? ", host" : ", lab") };

		if (b.rate > f.any.rate)
			f.any = b;
		if (l.plain)
			f.plain = b;
		f.others.push_back({ l.name.c_str(), lab[i], host[i] });
	}
	return f;
}

/* Everything that is asked about one number of vectors. */
struct contest {
	rows *out;
	size_t n;
	const std::vector<library> &libraries;
	const std::vector<float> &queries;
	std::map<std::string, peer_rates> host;
	std::vector<contender> all;	/* ours by codes, ours by rows alone, the libraries */

	std::vector<double> rates_of_libraries()
	{
		std::vector<double> r;

		for (size_t i = 2; i < all.size(); i++)
			r.push_back(all[i].rates.empty() ? 0 : median(all[i].rates));
		return r;
	}
	std::vector<double> rates_of_host(double peer_rates::*which)
	{
		std::vector<double> r;

		for (const library &l : libraries)
			r.push_back(host[l.name].*which);
		return r;
	}
	void rows_beside(const char *name, const std::string &what, const std::string &alone,
			 double peer_rates::*which, double goal, double goal_alone);
	void single();
	void batch(collection &c);
};

/* With codes and by rows alone, beside the fastest of a library, and beside its plain build. */
void contest::rows_beside(const char *name, const std::string &what, const std::string &alone,
			  double peer_rates::*which, double goal, double goal_alone)
{
	family f = family_of(name, libraries, rates_of_libraries(), rates_of_host(which));
	double ours = median(all[0].rates), ours_alone = median(all[1].rates);

	if (!(f.any.rate > 0))
		return;
	add(out, what + ", " + size_name(n), f.any.who, "queries/s", ours, f.any.rate,
	    GOAL_RATIO_AT_LEAST, goal, f.others);
	add(out, alone + ", " + size_name(n), f.any.who, "queries/s", ours_alone, f.any.rate,
	    goal_alone > 0 ? GOAL_RATIO_AT_LEAST : GOAL_NONE, goal_alone);
	if (f.plain.rate > 0 && f.plain.who != f.any.who)
		add(out, what + ", " + size_name(n), f.plain.who, "queries/s", ours, f.plain.rate);
}

void contest::single()
{
	size_t next = 0;

	for (int t = 0; t < TURNS; t++)
		for (contender &x : all)
			x.rates.push_back(turn_single(x, queries, &next));
	rows_beside("FAISS", "one query at a time", "one query, rows alone", &peer_rates::single, 3, 0);
	rows_beside("USearch", "one query at a time", "one query, rows alone", &peer_rates::single,
		    1.5, 0);
}

void contest::batch(collection &c)
{
	std::vector<double> crossing;

	for (contender &x : all)
		x.rates.clear();
	set("search_codes", "8");
	for (int t = 0; t < BATCH_TURNS; t++)
		for (size_t i = 0; i < all.size(); i++) {
			if (i >= 2 && !libraries[i - 2].methods->blocks)
				continue;
			all[i].rates.push_back(turn_batch(all[i], queries));
			if (!i)
				crossing.push_back(c.crossing / c.total);
		}
	set("search_codes", "0");
	rows_beside("FAISS", "1,000 queries at once", "1,000 queries, rows alone", &peer_rates::batch, 2,
		    2);
	add(out, "crossing of 1,000 queries, " + size_name(n), "whole request", "share",
	    median(crossing), 1, GOAL_RATIO_AT_MOST, 0.02);
}

void compare_search(rows *out, size_t n, const std::vector<library> &libraries,
		    const std::vector<float> &base, const std::vector<float> &queries, double machine,
		    const host_rates &host)
{
	collection c("bench-codes", VEXFS_TYPE_F32), rows_alone("bench-rows", VEXFS_TYPE_F32);
	std::vector<std::unique_ptr<bench::flat>> indexes;
	auto measured = host.find(n);

	if (measured == host.end())
		die("nothing was measured on the host with " + std::to_string(n) + " vectors");
	contest t = { out, n, libraries, queries, measured->second, {} };

	c.put(base.data(), ids_in_order(n));
	c.make_codes(queries.data());
	rows_alone.put(base.data(), ids_in_order(n));
	t.all.push_back({ "vexfs", c.asker(), {} });
	t.all.push_back({ "vexfs, rows alone", rows_alone.asker(), {} });
	for (const library &l : libraries) {
		indexes.emplace_back(l.methods->make_flat(DIM, base.data(), n));
		bench::flat *index = indexes.back().get();

		t.all.push_back({ l.name, [index](const float *q, size_t count, uint64_t *ids) {
			index->search(q, count, ids);
		}, {} });
	}
	same_answers(t.all, queries);
	equal_answers(t.all[1], t.all[0], queries);
	t.single();
	if (n >= 300000)
		add(out, "bytes read by the scan, " + size_name(n), "reading memory", "GB/s",
		    scan_rate(rows_alone, n, queries), machine, GOAL_RATIO_AT_LEAST, 0.85);
	t.batch(c);
}
