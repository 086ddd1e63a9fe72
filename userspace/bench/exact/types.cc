// SPDX-License-Identifier: GPL-2.0
/*
 * Types narrower than f32 beside our own f32.
 */
#include "exact.hh"

#include <algorithm>
#include <cmath>

/*
 * Narrow types beside f32, same vectors. What f32 is held to is its own arithmetic on
 * its own rows: left alone, it ranks by bytes as well, one query by codes that
 * searches made, and many by bytes made of each chunk.
 */
void compare_types(rows *out, size_t n, const std::vector<float> &base,
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
	std::string size = ", " + size_name(n, "");
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
		add(out, names[i] + size, "vexfs f32, rows alone", "queries/s", median(inside[i]),
		    median(inside[0]), goals[i] > 0 ? GOAL_RATIO_AT_LEAST : GOAL_NONE, goals[i]);
		add(out, names[i] + size + ", with the lab's crossing", "vexfs f32, rows alone",
		    "queries/s", median(all[i].rates), median(all[0].rates));
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
	add(out, "i8, 1,000 queries at once" + size, "vexfs f32 in f32", "queries/s",
	    median(all[1].rates), median(numbers), GOAL_RATIO_AT_LEAST, 3);
	add(out, "bf16, 1,000 queries at once" + size, "vexfs f32 in f32", "queries/s",
	    median(all[2].rates), median(numbers), GOAL_RATIO_AT_LEAST, 1.8);
	add(out, "f32, 1,000 queries at once" + size, "vexfs f32 in f32", "queries/s",
	    median(all[0].rates), median(numbers));
}
