// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <math.h>
#include <string.h>

#include "../tests/tap.h"
#include "exposition.h"

static bool is(struct expo *e, const char *text)
{
	bool same = e->len == strlen(text) && !memcmp(e->text, text, e->len);

	if (!same)
		printf("# got: %.*s\n# expected: %s\n", (int)e->len, e->text, text);
	expo_free(e);
	return same;
}

static void negotiation(void)
{
	static const struct {
		const char *accept;
		enum expo_format format;
	} cases[] = {
		{ NULL, EXPO_PROMETHEUS }, { "", EXPO_PROMETHEUS }, { "*/*", EXPO_PROMETHEUS },
		{ "text/plain", EXPO_PROMETHEUS },
		{ "application/openmetrics-text", EXPO_OPENMETRICS },
		{ "application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
		  "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", EXPO_OPENMETRICS },
		{ "application/openmetrics-text; version=1.0.0; q=0.2, text/plain; q=0.3",
		  EXPO_PROMETHEUS },
		{ "application/openmetrics-text;version=9.0.0", EXPO_PROMETHEUS },
		{ "application/openmetrics-text;q=0", EXPO_PROMETHEUS },
		{ "application/openmetrics-text;q=x", EXPO_PROMETHEUS },
		{ "APPLICATION/OpenMetrics-Text ; VERSION=1.0.0 ; Q=1", EXPO_OPENMETRICS },
		{ ",;,;q=,=", EXPO_PROMETHEUS },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *accept = cases[i].accept;

		ok(expo_negotiate(accept) == cases[i].format, "Accept: %s", accept ?: "(none)");
	}
}

static void texts(void)
{
	struct expo_label l[2] = { { "a", "x\\y\n\"z\xff" }, { "b", "" } };
	static const struct {
		uint64_t v;
		unsigned int places;
	} fixed[] = {
		{ 0, 9 }, { 7, 0 }, { 1000, 3 }, { 1500, 3 }, { 1, 9 }, { 1020300000, 9 },
		{ UINT64_MAX, 9 }, { UINT64_MAX, 18 },
	};
	struct expo_edges two, single;
	struct expo e;

	expo_edges(&two, (double[]){ 0.5, 1 }, 2);
	expo_edges(&single, (double[]){ 1 }, 1);
	expo_begin(&e, EXPO_PROMETHEUS, 1 << 20);
	expo_family(&e, "v_ops", EXPO_COUNTER, NULL, "a \"b\" \\ c\nd");
	expo_u64(&e, l, 2, UINT64_MAX);
	ok(!expo_end(&e) && is(&e, "# HELP v_ops_total a \"b\" \\\\ c\\nd\n# TYPE v_ops_total counter\n"
			       "v_ops_total{a=\"x\\\\y\\n\\\"z\xef\xbf\xbd\"} 18446744073709551615\n"),
	   "a counter as Prometheus reads it, everything escaped");
	expo_begin(&e, EXPO_OPENMETRICS, 1 << 20);
	expo_family(&e, "v_time_seconds", EXPO_COUNTER, "seconds", "a \"b\"");
	expo_double(&e, NULL, 0, 0.1);
	ok(!expo_end(&e) && is(&e, "# HELP v_time_seconds a \\\"b\\\"\n# TYPE v_time_seconds counter\n"
			       "# UNIT v_time_seconds seconds\nv_time_seconds_total 0.1\n# EOF\n"),
	   "a counter as OpenMetrics");
	expo_begin(&e, EXPO_PROMETHEUS, 1 << 20);
	expo_family(&e, "v", EXPO_HISTOGRAM, NULL, "h");
	expo_histogram(&e, l + 1, 1, &(struct expo_buckets){
		.edges = &two, .count = (uint64_t[]){ 3, 0 }, .total = 5, .sum = 7 });
	ok(!expo_end(&e) && is(&e, "# HELP v h\n# TYPE v histogram\nv_bucket{le=\"0.5\"} 3\n"
			       "v_bucket{le=\"1\"} 3\nv_bucket{le=\"+Inf\"} 5\nv_sum 7\nv_count 5\n"),
	   "a histogram adds up");
	expo_begin(&e, EXPO_PROMETHEUS, 1 << 20);
	expo_family(&e, "v", EXPO_HISTOGRAM, NULL, "h");
	expo_histogram(&e, NULL, 0, &(struct expo_buckets){
		.edges = &single, .count = (uint64_t[]){ 9 }, .total = 5 });
	ok(!expo_end(&e) && strstr(e.text, "v_bucket{le=\"+Inf\"} 9\n"), "buckets never fall");
	expo_free(&e);
	expo_begin(&e, EXPO_PROMETHEUS, 1 << 20);
	expo_family(&e, "v", EXPO_GAUGE, NULL, "h");
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		expo_fixed(&e, NULL, 0, fixed[i].v, fixed[i].places);
	ok(!expo_end(&e) && is(&e, "# HELP v h\n# TYPE v gauge\nv 0\nv 7\nv 1\nv 1.5\nv 0.000000001\n"
			       "v 1.0203\nv 18446744073.709551615\nv 18.446744073709551615\n"),
	   "fixed numbers are exact");
	expo_begin(&e, EXPO_PROMETHEUS, 40);
	expo_family(&e, "v", EXPO_GAUGE, NULL, "h");
	for (int i = 0; i < 9; i++)
		expo_u64(&e, NULL, 0, 1);
	ok(expo_end(&e) == -EFBIG && e.len <= 40, "the limit holds, and says so");
	expo_free(&e);
}

static void cut(void)
{
	struct expo e;

	expo_begin(&e, EXPO_PROMETHEUS, 70);
	expo_family(&e, "a", EXPO_GAUGE, NULL, "h");
	expo_u64(&e, NULL, 0, 1);
	ok(!expo_cut(&e, 200) && e.limit == 70, "what fits is not cut");
	expo_family(&e, "b", EXPO_GAUGE, NULL, "h");
	for (int i = 0; i < 9; i++)
		expo_u64(&e, NULL, 0, 2);
	expo_family(&e, "c", EXPO_GAUGE, NULL, "h");
	ok(e.error == EFBIG && expo_cut(&e, 200) && e.series == 1, "the family that does not fit is cut");
	expo_family(&e, "d", EXPO_GAUGE, NULL, "h");
	expo_u64(&e, NULL, 0, 3);
	ok(!expo_end(&e) && is(&e, "# HELP a h\n# TYPE a gauge\na 1\n# HELP d h\n# TYPE d gauge\nd 3\n"),
	   "after that the text goes on, and has complete families");
	expo_begin(&e, EXPO_PROMETHEUS, 0);
	expo_family(&e, "a", EXPO_GAUGE, NULL, "h");
	ok(expo_cut(&e, 9) && !e.len, "a first family that does not fit leaves nothing");
	expo_free(&e);
}

int main(void)
{
	char buf[32], name[8];

	negotiation();
	texts();
	cut();
	ok(!strcmp(expo_number(buf, NAN), "NaN") && !strcmp(expo_number(buf, INFINITY), "+Inf") &&
	   !strcmp(expo_number(buf, -INFINITY), "-Inf"), "what is no number");
	ok(!strcmp(expo_number(buf, 1.024e-06), "1.024e-06") && !strcmp(expo_number(buf, 3500), "3500"),
	   "numbers are short and exact");
	expo_name(name, sizeof(name), "a-b/c d.e");
	ok(!strcmp(name, "a_b_c_d"), "a name has letters, digits and underscores, and fits");
	return done();
}
