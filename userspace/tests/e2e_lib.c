// SPDX-License-Identifier: GPL-2.0
/*
 * libvexfs against the module, in a lab: every line of the errno table with the
 * sentence that the library makes of it, names and ids at their limits, requests
 * larger than the kernel takes, and every type and metric against distances
 * computed here in double precision. It drops what it created.
 */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vexfs.h"
#include "tap.h"

#define DIM	24
#define NOBODY	65534

static struct vexfs_error err;

static uint64_t seed = 88172645463325252ull;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static float unit(void)
{
	return (float)(int)(rnd() % 2001) / 1000.0f - 1.0f;
}

/* The call fails with errno @code, and its message contains @words. */
static void refused(int ret, int code, const char *words, const char *what)
{
	if (!ok(ret == -code && err.code == code && strstr(err.text, words), "%s: %s (%s)", what,
		strerrorname_np(code), words))
		printf("# got %d, %s: %s\n", ret, strerrorname_np(err.code), err.text);
}

static struct vexfs *make(const char *name, uint32_t dim, unsigned int type, unsigned int metric,
			  const char *layout)
{
	struct vexfs_create req = { .dim = dim, .type = (uint8_t)type, .metric = (uint8_t)metric };
	struct vexfs *h = NULL;

	vexfs_do_drop(NULL, name, NULL);
	if (vexfs_do_create(NULL, &req, name, layout, &h, &err))
		printf("# create %s: %s\n", name, err.text);
	return h;
}

static void gone(struct vexfs *h, const char *name)
{
	vexfs_close(h);
	vexfs_do_drop(NULL, name, NULL);
}

static int put(struct vexfs *h, uint32_t flags, uint64_t *ids, const float *v, uint32_t n)
{
	struct vexfs_put req = {
		.flags = flags,
		.count = n,
		.ids = (uintptr_t)ids,
		.vectors = (uintptr_t)v,
	};
	int ret = vexfs_do_put(h, &req, &err);

	return ret ? ret : (int)req.done;
}

/* ---- creating ---- */

static int try_create(const char *name, uint32_t dim, unsigned int type, unsigned int metric)
{
	struct vexfs_create req = { .dim = dim, .type = (uint8_t)type, .metric = (uint8_t)metric };
	int ret = vexfs_do_create(NULL, &req, name, NULL, NULL, &err);

	if (!ret)
		vexfs_do_drop(NULL, name, NULL);
	return ret;
}

static void names(void)
{
	static const char *const bad[] = { "", "a/b", "line\nbreak", "\xff\xfe", "\xc0\xaf",
	"tab\t",
					   "del\x7f", "-x", ".x", "a b", "a@b", "$(reboot)",
					   "w\xc3\xb6rter" };
	char n63[64], n64[65], *n4096 = malloc(4097);

	memset(n63, 'n', 63);
	n63[63] = '\0';
	memset(n64, 'n', 64);
	n64[64] = '\0';
	memset(n4096, 'n', 4096);
	n4096[4096] = '\0';
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused(try_create(bad[i], DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2), EINVAL, "name",
			"a name that is not valid");
	ok(!try_create(n63, DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2), "a name of 63 bytes");
	refused(try_create(n64, DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2), EINVAL, "longer than 63",
		"a name of 64 bytes");
	refused(try_create(n4096, DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2), EINVAL, "longer than 63",
		"a name of 4096 bytes");
	refused(try_create("a b", DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2), EINVAL,
		"something other than letters", "a name with a slash: the message names the reason");
	ok(!try_create("Az.09_:+-", DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2),
	   "a name of all characters that are allowed");
	free(n4096);
}

static void creating(void)
{
	struct vexfs *h = make("e2e", DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, NULL);
	struct vexfs_create req = { .dim = DIM, .type = VEXFS_TYPE_F32, .metric = VEXFS_METRIC_L2 };

	refused(try_create("e2e", DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2), EEXIST, "'e2e' exists",
		"a name that is taken");
	refused(try_create("x", 0, VEXFS_TYPE_F32, VEXFS_METRIC_L2), EINVAL, "dimension 0",
		"dim 0");
	refused(try_create("x", 65537, VEXFS_TYPE_F32, VEXFS_METRIC_L2), EINVAL, "dimension 65537",
		"dim 65537");
	refused(try_create("x", DIM, 99, VEXFS_METRIC_L2), EINVAL, "type 99", "an unknown type");
	refused(try_create("x", DIM, VEXFS_TYPE_F32, 99), EINVAL, "metric 99", "an unknown metric");
	refused(try_create("x", DIM, VEXFS_TYPE_F32, VEXFS_METRIC_HAMMING), EINVAL,
		"hamming does not go with type f32", "a metric for another type");
	req.attr_size = 65;
	refused(vexfs_do_create(NULL, &req, "x", NULL, NULL, &err), E2BIG, "65 bytes: at most 64",
		"a record of 65 bytes");
	req.attr_size = 1;
	refused(vexfs_do_create(NULL, &req, "x", "a:u16", NULL, &err), EINVAL, "needs 2 bytes",
		"a layout larger than the record");
	req.attr_size = 0;
	refused(vexfs_do_create(NULL, &req, "x", "a:u17", NULL, &err), EINVAL, "expected a type",
		"a layout that cannot be read");
	req.mode = 01777;
	refused(vexfs_do_create(NULL, &req, "x", NULL, NULL, &err), EINVAL, "mode", "mode 01777");
	refused(vexfs_do_create("/dev/no-such-device", &req, "x", NULL, NULL, &err), ENODEV,
		"is the vexfs module loaded", "open of a missing device");
	refused(vexfs_do_create("/dev/null", &req, "x", NULL, NULL, &err), ENODEV,
		"does not answer as vexfs", "open of another device");
	refused(vexfs_do_drop(NULL, "not-there", &err), ENOENT, "no collection 'not-there'",
		"drop of an unknown collection");
	gone(h, "e2e");
	refused(vexfs_open(NULL, "e2e", VEXFS_ATTACH_READ, &h, &err), ENOENT, "no collection 'e2e'",
		"open of an unknown collection");
	refused(vexfs_open(NULL, "e2e", 0, &h, &err), EINVAL, "access",
		"open without access flags");
}

/* ---- vectors ---- */

static void vectors(void)
{
	struct vexfs *h = make("e2e", DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, "lang:u8,year:u16");
	struct vexfs *reader;
	float v[4 * DIM], back[4 * DIM], d[4];
	uint64_t ids[4] = { 10, 20, 30, 40 }, one = 20, none = 77;
	int32_t errors[4];
	struct vexfs_set set = { .what = VEXFS_SET_CAPACITY };

	for (int i = 0; i < 4 * DIM; i++)
		v[i] = unit();
	ok(put(h, VEXFS_PUT_INSERT, ids, v, 3) == 3, "three vectors are inserted");
	refused(put(h, VEXFS_PUT_INSERT, &one, v, 1), EEXIST, "id 20 is already in 'e2e'",
		"insert of an existing id");
	refused(put(h, VEXFS_PUT_UPDATE, &none, v, 1), ENOENT, "id 77 is not in 'e2e'",
		"update of an unknown id");
	refused(put(h, 0, &none, v, 1), EINVAL, "insert, update, upsert",
		"put without insert, update or upsert");
	refused(put(h, VEXFS_PUT_INSERT, ids, v, 0), EINVAL, "batch of 0", "an empty batch");
	uint64_t two[2] = { 50, 60 };

	v[DIM + 7] = NAN;
	refused(put(h, VEXFS_PUT_INSERT, two, v, 2), EDOM, "(id 60) has NaN or infinity at component 7",
		"a NaN in the second vector");
	ok(vexfs_do_delete(h, &(struct vexfs_delete){ .count = 1, .ids = (uintptr_t)two }, &err) == 0,
	   "the vector before the one with NaN is stored");
	v[DIM + 7] = -INFINITY;
	refused(put(h, VEXFS_PUT_INSERT, two + 1, v + DIM, 1), EDOM, "at component 7",
		"an infinity in a vector");
	v[DIM + 7] = 0;
	refused(vexfs_nearest(h, (float[DIM]){ [3] = INFINITY }, 1, &none, d, &err), EDOM,
		"query 0 has NaN or infinity at component 3", "an infinity in a query");

	struct vexfs_put cont = {
		.flags = VEXFS_PUT_INSERT | VEXFS_PUT_CONTINUE, .count = 4, .ids = (uintptr_t)ids,
		.vectors = (uintptr_t)v, .errors = (uintptr_t)errors,
	};

	ok(!vexfs_do_put(h, &cont, &err) && cont.done == 1 && errors[0] == -EEXIST &&
	   errors[2] == -EEXIST && !errors[3],
	   "a put with an array of errors stores the vectors after a refused one");
	struct vexfs_get get = { .count = 4, .ids = (uintptr_t)ids, .vectors = (uintptr_t)back };

	put(h, VEXFS_PUT_UPSERT, ids, v, 4);
	ok(!vexfs_do_get(h, &get, &err) && get.done == 4 && !memcmp(v, back, sizeof(v)),
	   "get returns the stored vectors and records");
	ids[1] = 4711;
	refused(vexfs_do_get(h, &get, &err), ENOENT, "id 4711 is not in 'e2e'", "get of an unknown id");
	get.errors = (uintptr_t)errors;
	ok(!vexfs_do_get(h, &get, &err) && get.done == 3 && errors[1] == -ENOENT && back[DIM] == 0,
	   "a get with an array of errors returns the vectors after an unknown id");
	struct vexfs_delete del = { .count = 2, .ids = (uintptr_t)ids };

	refused(vexfs_do_delete(h, &del, &err), ENOENT, "id 4711", "delete of an unknown id");
	struct vexfs_distance dist = { .count = 1, .query = (uintptr_t)v, .ids = (uintptr_t)&none,
				       .distances = (uintptr_t)d };

	none = 77;
	refused(vexfs_do_distance(h, &dist, &err), ENOENT, "id 77", "distance to an unknown id");
	set.capacity = 1;
	refused(vexfs_do_set(h, &set, &err), ENOSPC, "more than 1 vectors", "a capacity below the count");
	set.capacity = 3;
	ok(!vexfs_do_set(h, &set, &err), "a capacity equal to the count");
	refused(put(h, VEXFS_PUT_INSERT, &none, v, 1), ENOSPC, "'e2e' is full",
		"insert into a full collection");
	ok(!vexfs_open(NULL, "e2e", VEXFS_ATTACH_READ, &reader, &err), "open for reading");
	refused(put(reader, VEXFS_PUT_UPSERT, ids, v, 1), EACCES, "reading only",
		"put with a handle for reading");
	get.ids = 8;
	get.errors = 0;
	refused(vexfs_do_get(reader, &get, &err), EFAULT, "leads to no memory",
		"get into an invalid address");
	vexfs_close(reader);
	gone(h, "e2e");
	h = make("e2e", DIM, VEXFS_TYPE_F16, VEXFS_METRIC_L2, NULL);
	v[5] = 70000;
	refused(put(h, VEXFS_PUT_INSERT, ids, v, 1), EDOM, "beyond the range of f16 at component 5",
		"a number beyond the range of f16");
	gone(h, "e2e");
}

static void id_limits(void)
{
	struct vexfs *h = make("e2e", 2, VEXFS_TYPE_F32, VEXFS_METRIC_L2, NULL);
	uint64_t ids[3] = { 0, UINT64_MAX - 1, 1ull << 63 }, found[3];
	float v[6] = { 0, 0, 1, 0, 2, 0 }, d[3];

	ok(put(h, VEXFS_PUT_INSERT, ids, v, 3) == 3, "ids 0, 2^63 and 2^64-2");
	ok(vexfs_nearest(h, v, 3, found, d, &err) == 3 && found[0] == 0 &&
	   found[1] == UINT64_MAX - 1 && found[2] == 1ull << 63 && d[2] == 4,
	   "ids 0, 2^63 and 2^64-2 are found");
	ids[0] = UINT64_MAX;
	int ret = put(h, VEXFS_PUT_INSERT, ids, v, 1);

	ok(ret == 1 || (ret == -EINVAL && strstr(err.text, "2^64-1")),
	   "id 2^64-1 is stored, or refused with its name (%d)", ret);
	gone(h, "e2e");
}

/* ---- larger than one request ---- */

enum { LARGE_N = 150000, LARGE_Q = 9000 };

/* A walk in pages of 1,000 ids, the last one shorter, returns each id once. */
static void large_walk(struct vexfs *h)
{
	uint64_t *walked = calloc(LARGE_N, 8), n = 0, sum = 0;
	struct vexfs_walk walk = { 0 };

	do {
		walk.count = n < LARGE_N - 1000 ? 1000 : (uint32_t)(LARGE_N - n);
		walk.ids = (uintptr_t)(walked + n);
		if (vexfs_do_walk(h, &walk, &err))
			break;
		n += walk.count;
	} while (walk.cursor && n < LARGE_N);
	for (uint64_t i = 0; i < n; i++)
		sum += walked[i];
	ok(n == LARGE_N && sum == 7ull * LARGE_N * (LARGE_N - 1) / 2 + 3ull * LARGE_N,
	   "walk sees every id once");
	walk.count = 65537;
	refused(vexfs_do_walk(h, &walk, &err), E2BIG, "at most 65536", "walk of 65537 ids");
	free(walked);
}

static void large_search(struct vexfs *h, const float *v, const uint64_t *ids)
{
	uint64_t *found = calloc(LARGE_Q, 8);
	float *d = calloc(LARGE_Q, 4);
	uint32_t *counts = calloc(LARGE_Q, 4);
	unsigned int bad = 0;
	struct vexfs_search search = {
		.count = LARGE_Q, .queries = (uintptr_t)v, .k = 1, .ids = (uintptr_t)found,
		.distances = (uintptr_t)d, .counts = (uintptr_t)counts,
	};

	ok(!vexfs_do_search(h, &search, &err), "9,000 queries in one call");
	for (uint32_t i = 0; i < LARGE_Q; i++)
		bad += found[i] != ids[i] || d[i] != 0 || counts[i] != 1;
	ok(!bad, "each query by a stored vector finds that vector (%u do not)", bad);
	free(found);
	free(d);
	free(counts);
}

/* A filter, a range, and a range that is continued to its end. */
static void large_range(struct vexfs *h, const struct vexfs_layout *layout, const float *v)
{
	uint64_t *found = calloc(4096, 8);
	float *d = calloc(4096, 4);
	struct vexfs_filter filter;
	uint32_t total;

	ok(!vexfs_filter_compile(layout, "n >= 1000 && n < 2000 && n != 1500", &filter, &err),
	   "a filter is compiled");
	struct vexfs_search search = {
		.count = 1, .queries = (uintptr_t)v, .k = 4096, .ids = (uintptr_t)found,
		.distances = (uintptr_t)d, .filter = (uintptr_t)filter.insns, .filter_len = filter.count,
	};

	ok(!vexfs_do_search(h, &search, &err) && search.found == 999 && found[0] == 1000 * 7 + 3,
	   "a filtered search returns all matching vectors and no others");
	search.flags = VEXFS_SEARCH_RANGE;
	search.radius = vexfs_f32_bits(100);	/* within 10 of (0, 0): x of 0 to 9, y is 1 */
	search.k = 4;
	ok(!vexfs_do_search(h, &search, &err) && search.found == 4 && search.more,
	   "a range search with more than k results sets more");
	total = search.found;
	while (search.more) {
		search.flags |= VEXFS_SEARCH_AFTER;
		search.after_distance = vexfs_f32_bits(d[search.found - 1]);
		search.after_id = found[search.found - 1];
		if (vexfs_do_search(h, &search, &err) || !search.found)
			break;
		total += search.found;
	}
	ok(total == 10, "a range search is continued to its end (%u of 10)", total);
	vexfs_filter_free(&filter);
	free(found);
	free(d);
}

/* Puts all, reads all back, measures all distances. */
static void large_rows(struct vexfs *h, const float *v, const uint64_t *ids, const unsigned char *attrs)
{
	float *back = calloc(LARGE_N, 16), *d = calloc(LARGE_N, 4);
	unsigned char *attrs_back = calloc(LARGE_N, 4);
	struct vexfs_put put_req = {
		.flags = VEXFS_PUT_INSERT, .count = LARGE_N, .ids = (uintptr_t)ids,
		.vectors = (uintptr_t)v, .attrs = (uintptr_t)attrs,
	};
	struct vexfs_get get = {
		.count = LARGE_N, .ids = (uintptr_t)ids, .vectors = (uintptr_t)back,
		.attrs = (uintptr_t)attrs_back,
	};
	struct vexfs_distance dist = {
		.count = LARGE_N, .query = (uintptr_t)v, .ids = (uintptr_t)ids, .distances = (uintptr_t)d,
	};

	ok(!vexfs_do_put(h, &put_req, &err) && put_req.done == LARGE_N && put_req.kernel_ns,
	   "a put of 150,000 vectors in one call");
	ok(!vexfs_do_get(h, &get, &err) && get.done == LARGE_N && !memcmp(v, back, LARGE_N * 16) &&
	   !memcmp(attrs, attrs_back, LARGE_N * 4),
	   "a get of 150,000 vectors and records in one call");
	ok(!vexfs_do_distance(h, &dist, &err) && dist.done == LARGE_N && d[0] == 0 &&
	   d[999] == 999 * 999 && d[149000] == 149 * 149, "150,000 distances in one call");
	put_req.ids += 8 * (LARGE_N - 1);
	put_req.count = 1;
	refused(vexfs_do_put(h, &put_req, &err), EEXIST, "id 1049996",
		"insert of the last id again");
	free(back);
	free(d);
	free(attrs_back);
}

static void large_requests(void)
{
	struct vexfs *h = make("e2e", 4, VEXFS_TYPE_F32, VEXFS_METRIC_L2, "n:u32");
	uint64_t *ids = calloc(LARGE_N, 8);
	float *v = calloc(LARGE_N, 16);
	unsigned char *attrs = calloc(LARGE_N, 4);
	struct vexfs_layout layout;

	vexfs_layout_parse("n:u32", &layout, &err);
	for (uint32_t i = 0; i < LARGE_N; i++) {
		struct vexfs_value value = { .type = VEXFS_FIELD_U64, .v.u = i };

		ids[i] = i * 7ull + 3;
		v[4 * i] = (float)(i % 1000);
		v[4 * i + 1] = (float)(i / 1000);
		vexfs_record_set(&layout.fields[0], attrs + 4 * i, &value, &err);
	}
	large_rows(h, v, ids, attrs);
	large_search(h, v, ids);
	large_walk(h);
	large_range(h, &layout, v);
	free(ids);
	free(v);
	free(attrs);
	gone(h, "e2e");
}

/* ---- searches that are refused, late or interrupted ---- */

static void on_alarm(int sig)
{
	(void)sig;
}

static void searches(void)
{
	enum { N = 200000, D = 64 };
	struct vexfs *h = make("e2e", D, VEXFS_TYPE_F32, VEXFS_METRIC_L2, "a:u8");
	float *v = calloc(N, D * 4), *d = calloc(4096, 4);
	uint64_t *ids = calloc(N, 8), *found = calloc(4096, 8), unknown = 1ull << 40;
	struct vexfs_filter_insn outside[2] = { { 0x30, 0, 0, 1 }, { 0x06, 0, 0, 1 } };
	struct vexfs_search s = {
		.count = 1, .queries = (uintptr_t)v, .k = 10, .ids = (uintptr_t)found,
		.distances = (uintptr_t)d,
	};
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval timer = { .it_value.tv_usec = 20000 };
	int ret;

	for (size_t i = 0; i < (size_t)N * D; i++)
		v[i] = unit();
	for (uint64_t i = 0; i < N; i++)
		ids[i] = i;
	ok(put(h, VEXFS_PUT_INSERT, ids, v, N) == N, "a put of 200,000 vectors");
	s.k = 4097;
	refused(vexfs_do_search(h, &s, &err), E2BIG, "k is 4097", "k beyond the limit");
	s.k = 0;
	refused(vexfs_do_search(h, &s, &err), EINVAL, "k is 0", "k of 0");
	s.k = 10;
	s.flags = 1u << 31;
	refused(vexfs_do_search(h, &s, &err), EINVAL, "does not take", "an unknown flag");
	s.flags = VEXFS_SEARCH_AFTER;
	refused(vexfs_do_search(h, &s, &err), EINVAL, "only a range search", "continue without a range");
	s.flags = VEXFS_SEARCH_RANGE;
	s.radius = vexfs_f32_bits(NAN);
	refused(vexfs_do_search(h, &s, &err), EDOM, "radius is not a number", "a radius of NaN");
	s.flags = VEXFS_QUERY_BY_ID;
	s.queries = (uintptr_t)&unknown;
	refused(vexfs_do_search(h, &s, &err), ENOENT, "is not in 'e2e'", "a query by an unknown id");
	unknown = 5;
	ok(!vexfs_do_search(h, &s, &err) && found[0] == 5 && d[0] == 0, "a query by id finds itself");
	s.flags |= VEXFS_SEARCH_SKIP_SELF;
	ok(!vexfs_do_search(h, &s, &err) && found[0] != 5 && d[0] > 0, "a query by id leaves itself out");
	s.flags = 0;
	s.queries = (uintptr_t)v;
	s.filter = (uintptr_t)outside;
	s.filter_len = 2;
	refused(vexfs_do_search(h, &s, &err), EINVAL, "instruction 0 loads from outside",
		"a filter that loads from beyond the record");
	s.filter_len = 4097;
	refused(vexfs_do_search(h, &s, &err), E2BIG, "4097 instructions", "a filter that is too long");
	s.filter_len = 0;
	s.deadline_ns = 1;
	refused(vexfs_do_search(h, &s, &err), ETIME, "deadline", "a deadline that has passed");
	s.deadline_ns = 0;
	/* A long search, and a signal that must not wait for its end. */
	uint32_t *counts = calloc(4096, 4);

	s.count = 4096;
	s.k = 1;
	s.counts = (uintptr_t)counts;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	ret = vexfs_do_search(h, &s, &err);
	refused(ret, EINTR, "interrupted by a signal", "a signal during a long search");
	sa.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &sa, NULL);
	s.count = 64;
	timer.it_value.tv_usec = 1000;
	setitimer(ITIMER_REAL, &timer, NULL);
	ok(!vexfs_do_search(h, &s, &err) && found[63] == 63, "with SA_RESTART the search is restarted");

	vexfs_do_drop(NULL, "e2e", NULL);
	s.count = 1;
	refused(vexfs_do_search(h, &s, &err), ENOENT, "'e2e' was dropped", "search after the drop");
	refused(put(h, VEXFS_PUT_UPSERT, ids, v, 1), ENOENT, "'e2e' was dropped",
		"put after the drop");
	vexfs_close(h);
	free(counts);
	free(v);
	free(d);
	free(ids);
	free(found);
}

/* ---- other users ---- */

/* Runs @fn as nobody; true when it returns 0. */
static bool as_nobody(int (*fn)(void *), void *arg)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(setgid(NOBODY) || setuid(NOBODY) ? 99 : fn(arg));
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status);
}

static int cannot_open(void *arg)
{
	struct vexfs *h;

	(void)arg;
	return vexfs_open(NULL, "e2e", VEXFS_ATTACH_READ, &h, &err) != -EACCES ||
	       !strstr(err.text, "owner and mode do not allow reading");
}

static int cannot_drop(void *arg)
{
	(void)arg;
	return vexfs_do_drop(NULL, "e2e", &err) != -EACCES || !strstr(err.text, "only its owner");
}

static int can_only_read(void *arg)
{
	struct vexfs *h;

	(void)arg;
	if (vexfs_open(NULL, "e2e", VEXFS_ATTACH_READ | VEXFS_ATTACH_WRITE, &h, &err) != -EACCES)
		return 1;
	return vexfs_open(NULL, "e2e", VEXFS_ATTACH_READ, &h, &err);
}

static int count_names(const struct vexfs_stat *st, void *arg)
{
	*(int *)arg += !strcmp(st->name, "e2e");
	return 0;
}

static int sees(void *arg)
{
	int n = 0;

	return vexfs_do_list(NULL, count_names, &n, &err) || n != *(int *)arg;
}

/* A descriptor that was passed to another process keeps its collection and rights. */
static int uses_socket(void *arg)
{
	char space[CMSG_SPACE(sizeof(int))], byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = space,
			      .msg_controllen = sizeof(space) };
	struct vexfs_stat st = { .size = sizeof(st) };
	int fd;

	if (recvmsg(*(int *)arg, &msg, 0) != 1)
		return 1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return ioctl(fd, VEXFS_IOC_STAT, &st) || st.dim != DIM;
}

static void users(void)
{
	struct vexfs *h = make("e2e", DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, NULL);
	struct vexfs_set set = { .what = VEXFS_SET_MODE, .mode = 0644 };
	char space[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = space,
			      .msg_controllen = sizeof(space) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	int sv[2], fd = vexfs_fd(h), n = 0;

	ok(as_nobody(cannot_open, NULL), "mode 0600: another user cannot open");
	ok(as_nobody(cannot_drop, NULL), "nor drop");
	ok(as_nobody(sees, &n), "mode 0600: another user does not see it in the list");
	ok(!vexfs_do_set(h, &set, &err), "mode 0644");
	n = 1;
	ok(as_nobody(sees, &n), "mode 0644: another user sees it in the list");
	ok(as_nobody(can_only_read, NULL), "mode 0644: another user may read and not write");
	ok(as_nobody(cannot_drop, NULL), "mode 0644: another user may not drop it");
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	ok(!socketpair(AF_UNIX, SOCK_STREAM, 0, sv) && sendmsg(sv[0], &msg, 0) == 1 &&
	   as_nobody(uses_socket, &sv[1]),
	   "a descriptor that was passed to another user works there");
	close(sv[0]);
	close(sv[1]);
	gone(h, "e2e");
}

/* ---- every type and metric ---- */

static const struct space {
	unsigned int type, metric;
} spaces[] = {
	{ VEXFS_TYPE_F32, VEXFS_METRIC_L2 }, { VEXFS_TYPE_F32, VEXFS_METRIC_IP },
	{ VEXFS_TYPE_F32, VEXFS_METRIC_COS }, { VEXFS_TYPE_F32, VEXFS_METRIC_L1 },
	{ VEXFS_TYPE_F16, VEXFS_METRIC_L2 }, { VEXFS_TYPE_F16, VEXFS_METRIC_COS },
	{ VEXFS_TYPE_BF16, VEXFS_METRIC_L2 }, { VEXFS_TYPE_BF16, VEXFS_METRIC_IP },
	{ VEXFS_TYPE_I8, VEXFS_METRIC_L2 }, { VEXFS_TYPE_I8, VEXFS_METRIC_IP },
	{ VEXFS_TYPE_I8, VEXFS_METRIC_L1 }, { VEXFS_TYPE_U8, VEXFS_METRIC_L2 },
	{ VEXFS_TYPE_U8, VEXFS_METRIC_COS }, { VEXFS_TYPE_B1, VEXFS_METRIC_HAMMING },
	{ VEXFS_TYPE_B1, VEXFS_METRIC_JACCARD },
};

static double distance(unsigned int metric, const float *a, const float *b, int dim)
{
	double dot = 0, aa = 0, bb = 0, l2 = 0, l1 = 0, uni = 0;

	for (int i = 0; i < dim; i++) {
		double x = a[i], y = b[i];

		dot += x * y;
		aa += x * x;
		bb += y * y;
		l2 += (x - y) * (x - y);
		l1 += fabs(x - y);
		uni += x > 0 || y > 0;
	}
	switch (metric) {
	case VEXFS_METRIC_L2:
		return l2;
	case VEXFS_METRIC_IP:
		return 1 - dot;
	case VEXFS_METRIC_COS:
		return 1 - dot / sqrt(aa * bb);
	case VEXFS_METRIC_JACCARD:
		return uni > 0 ? 1 - dot / uni : 0;
	default:
		return l1;
	}
}

/* Numbers that the type holds exactly, so that what is stored is what is compared. */
static float value_for(unsigned int type)
{
	switch (type) {
	case VEXFS_TYPE_I8:
		return (float)((int)(rnd() % 255) - 127);
	case VEXFS_TYPE_U8:
		return (float)(rnd() % 256);
	case VEXFS_TYPE_B1:
		return (float)(rnd() & 1);
	case VEXFS_TYPE_F32:
		return unit();
	default:
		return (float)((int)(rnd() % 65) - 32) / 32;
	}
}

static double *sort_by;

static int nearer(const void *a, const void *b)
{
	double x = sort_by[*(const int *)a], y = sort_by[*(const int *)b];

	return x < y ? -1 : x > y ? 1 : *(const int *)a - *(const int *)b;
}

enum { SPACE_N = 3000, SPACE_D = 100, SPACE_Q = 20, SPACE_K = 10 };

/* Vectors put as f32 are returned as f32; vectors read raw can be put raw. */
static void space_rows(struct vexfs *h, const char *what, const float *v, const uint64_t *ids)
{
	float *back = calloc(SPACE_N, SPACE_D * 4);
	unsigned char *raw = calloc(SPACE_N, SPACE_D * 4), *raw_back = calloc(SPACE_N, SPACE_D * 4);
	struct vexfs_get get = { .count = SPACE_N, .ids = (uintptr_t)ids, .vectors = (uintptr_t)back };
	struct vexfs_put again = {
		.flags = VEXFS_PUT_UPDATE, .format = VEXFS_FORMAT_RAW, .count = SPACE_N,
		.ids = (uintptr_t)ids, .vectors = (uintptr_t)raw,
	};
	bool read;

	ok(!vexfs_do_get(h, &get, &err) && !memcmp(v, back, SPACE_N * SPACE_D * 4),
	   "%s: vectors put as f32 are returned as f32", what);
	get.format = VEXFS_FORMAT_RAW;
	get.vectors = (uintptr_t)raw;
	read = !vexfs_do_get(h, &get, &err);
	get.vectors = (uintptr_t)raw_back;
	ok(read && !vexfs_do_put(h, &again, &err) && !vexfs_do_get(h, &get, &err) &&
	   !memcmp(raw, raw_back, SPACE_N * vexfs_vector_bytes(h, VEXFS_FORMAT_RAW)),
	   "%s: vectors read raw can be put raw and are unchanged", what);
	free(back);
	free(raw);
	free(raw_back);
}

/* Number of the K results of one query that differ from those of brute force. */
static int space_wrong(const struct space *sp, const float *v, const float *query,
		       const uint64_t *found, const float *d)
{
	double *want = calloc(SPACE_N, sizeof(*want)), last;
	int *order = calloc(SPACE_N, sizeof(*order)), bad = 0;

	for (int i = 0; i < SPACE_N; i++) {
		want[i] = distance(sp->metric, query, v + i * SPACE_D, SPACE_D);
		order[i] = i;
	}
	sort_by = want;
	qsort(order, SPACE_N, sizeof(*order), nearer);
	last = want[order[SPACE_K - 1]];
	for (int i = 0; i < SPACE_K; i++) {
		double tolerance = 1e-4 * (1 + fabs(last));
		double got = want[found[i]];

		/* the right distance for its id, and as near as the brute force */
		bad += fabs((double)d[i] - got) > tolerance ||
		       fabs(got - want[order[i]]) > tolerance || (i && d[i] < d[i - 1]);
	}
	free(want);
	free(order);
	return bad;
}

static void space_search(struct vexfs *h, const char *what, const struct space *sp, const float *v)
{
	uint64_t found[SPACE_Q * SPACE_K], one[SPACE_K];
	float d[SPACE_Q * SPACE_K], single[SPACE_K];
	uint32_t counts[SPACE_Q];
	int bad = 0, differ = 0;
	struct vexfs_search s = {
		.count = SPACE_Q, .queries = (uintptr_t)v, .k = SPACE_K, .ids = (uintptr_t)found,
		.distances = (uintptr_t)d, .counts = (uintptr_t)counts, .flags = VEXFS_SEARCH_EXACT,
	};

	if (vexfs_do_search(h, &s, &err))
		bad++;
	for (int q = 0; q < SPACE_Q && !bad; q++) {
		const float *query = v + q * SPACE_D;

		bad += space_wrong(sp, v, query, found + q * SPACE_K, d + q * SPACE_K);
		s.count = 1;
		s.queries = (uintptr_t)query;
		s.ids = (uintptr_t)one;
		s.distances = (uintptr_t)single;
		if (vexfs_do_search(h, &s, &err))
			bad++;
		differ += memcmp(one, found + q * SPACE_K, sizeof(one)) ||
			  memcmp(single, d + q * SPACE_K, sizeof(single));
	}
	ok(!bad, "%s: search results are those of brute force (%d wrong)", what, bad);
	ok(!differ, "%s: one query and many return bit-identical distances", what);
}

static void one_space(const struct space *sp)
{
	struct vexfs *h = make("e2e", SPACE_D, sp->type, sp->metric, NULL);
	float *v = calloc(SPACE_N, SPACE_D * 4);
	uint64_t *ids = calloc(SPACE_N, 8);
	char what[64];

	snprintf(what, sizeof(what),
		 "%s %s", vexfs_type_name(sp->type), vexfs_metric_name(sp->metric));
	for (int i = 0; i < SPACE_N * SPACE_D; i++)
		v[i] = value_for(sp->type);
	for (int i = 0; i < SPACE_N; i++)
		ids[i] = (uint64_t)i;
	if (!h || put(h, VEXFS_PUT_INSERT, ids, v, SPACE_N) != SPACE_N) {
		ok(false, "%s: %s", what, err.text);
	} else {
		space_rows(h, what, v, ids);
		space_search(h, what, sp, v);
	}
	free(v);
	free(ids);
	gone(h, "e2e");
}

static void map_rows(void)
{
	struct vexfs *h = make("e2e", 16, VEXFS_TYPE_F32, VEXFS_METRIC_L2, NULL);
	float v[32], *row;
	uint64_t ids[2] = { 1, 2 };
	const void *rows;

	for (int i = 0; i < 32; i++)
		v[i] = unit();
	put(h, VEXFS_PUT_INSERT, ids, v, 2);
	if (ok(!vexfs_map(h, 0, 4096, &rows, &err), "rows are mapped")) {
		row = (float *)rows;
		ok(!memcmp(row, v, 64) && !memcmp(row + 16, v + 16, 64),
		   "mapped rows hold the stored vectors");
	} else {
		printf("# %s\n", err.text);
	}
	refused(vexfs_map(h, 1, 4096, &rows, &err), EINVAL, "no rows at offset",
		"mapping from the middle of a page");
	gone(h, "e2e");
}

/* A program whose structures are smaller than the library's, and one with larger ones. */
static void sizes(void)
{
	struct { struct vexfs_stat st; unsigned char more[16]; } large = { 0 };
	struct { struct vexfs_info info; unsigned char more[16]; } info;
	unsigned char small[64], same[64];
	struct vexfs_create req = { .dim = DIM, .type = VEXFS_TYPE_F32, .metric = VEXFS_METRIC_L2 };
	struct vexfs_create was = req;
	struct vexfs *h = make("e2e", DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, NULL);
	struct vexfs_put *put_req = calloc(1, sizeof(*put_req) + 8);
	struct vexfs_stat whole = { 0 };
	size_t least = offsetof(struct vexfs_stat, name);

	ok(!vexfs_do_stat(h, &whole, &err) && whole.size == sizeof(whole),
	   "stat with the current structure size");
	memset(small, 0, sizeof(small));
	memset(small + least, 0xa5, sizeof(small) - least);
	memcpy(same, small, sizeof(small));
	ok(!vexfs_do_stat_sized(h, (void *)small, least, &err) &&
	   !memcmp(small + least, same + least, sizeof(small) - least) &&
	   !memcmp(small + 4, (char *)&whole + 4, least - 4) && *(uint32_t *)small == least,
	   "stat with a smaller structure: nothing beyond it is read or written");
	ok(!vexfs_do_stat_sized(h, &large.st, sizeof(large), &err) && large.st.dim == DIM &&
	   large.st.size == sizeof(large), "stat with a larger structure whose tail is zero");
	large.more[3] = 1;
	refused(vexfs_do_stat_sized(h, &large.st, sizeof(large), &err), E2BIG, "takes a newer one",
		"stat with a larger structure whose tail is not zero");
	refused(vexfs_do_stat_sized(h, &large.st, 0, &err), EINVAL, "is none",
		"stat with a structure of size 0");
	memset(&info, 0xa5, sizeof(info));
	ok(!vexfs_do_info_sized(NULL, &info.info, sizeof(info), &err) && info.info.abi == VEXFS_ABI &&
	   !info.more[0] && !info.more[15],
	   "info with a larger structure: the unknown part is set to 0");
	((unsigned char *)put_req)[sizeof(*put_req) + 7] = 1;
	refused(vexfs_do_put_sized(h, put_req, sizeof(*put_req) + 8, &err), E2BIG, "newer",
		"put with an unknown member");
	free(put_req);
	/* Each call leaves the request as it was, but for what it says it sets. */
	vexfs_do_drop(NULL, "e2e2", NULL);
	ok(!vexfs_do_create(NULL, &req, "e2e2", "a:u8", NULL, &err) && req.flags == was.flags &&
	   !req.layout && !req.layout_len && req.attr_size == 1,
	   "create without a handle does not change the flags of the request");
	vexfs_do_drop(NULL, "e2e2", NULL);
	vexfs_close(h);
	h = NULL;
	ok(!vexfs_do_create(NULL, &req, "e2e2", NULL, &h, &err) && h && vexfs_dim(h) == DIM,
	   "the same request creates a collection with a handle");
	gone(h, "e2e2");
	vexfs_do_drop(NULL, "e2e", NULL);
}

/* ---- a storm of signals ---- */

static volatile sig_atomic_t fired;

static void on_timer(int sig)
{
	(void)sig;
	fired++;
}

/*
 * The library goes on by itself, whatever the handler says: requests beyond what the
 * kernel takes at once, with vectors that are refused in the middle of them.
 */
static void signal_storm(void)
{
	enum { N = 200000, D = 4 };
	struct vexfs *h = make("e2e", D, VEXFS_TYPE_F32, VEXFS_METRIC_L2, NULL);
	struct sigaction act = { .sa_handler = on_timer };
	struct itimerval t = { .it_value = { .tv_usec = 200 }, .it_interval = { .tv_usec = 200 } };
	uint64_t *ids = calloc(N, sizeof(*ids));
	float *v = calloc((size_t)N * D, sizeof(*v)), *back = calloc((size_t)N * D, sizeof(*v));
	int32_t *errors = calloc(N, sizeof(*errors));
	struct vexfs_put p = {
		.flags = VEXFS_PUT_INSERT | VEXFS_PUT_CONTINUE, .count = N, .ids = (uintptr_t)ids,
		.vectors = (uintptr_t)v, .errors = (uintptr_t)errors,
	};
	struct vexfs_get g = {
		.count = N, .ids = (uintptr_t)ids, .vectors = (uintptr_t)back,
		.errors = (uintptr_t)errors,
	};
	struct vexfs_delete d = {
		.flags = VEXFS_DELETE_CONTINUE, .count = N, .ids = (uintptr_t)ids,
		.errors = (uintptr_t)errors,
	};
	unsigned int wrong = 0;

	/* every hundredth comes a second time, at once */
	for (uint32_t i = 0; i < N; i++) {
		ids[i] = i % 100 == 99 ? i - 1 : i;
		for (uint32_t j = 0; j < D; j++)
			v[i * D + j] = (float)(ids[i] % 1000) + (float)j;
	}
	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &t, NULL);
	ok(!vexfs_do_put(h, &p, &err) && p.done == N - N / 100 && p.tried == N,
	   "a put of 200,000 vectors under a storm of signals (%s)", err.text);
	for (uint32_t i = 0; i < N; i++)
		wrong += errors[i] != (i % 100 == 99 ? -EEXIST : 0);
	ok(!wrong, "each vector is stored or refused exactly once (%u are not)", wrong);
	ok(p.seq == p.done, "each stored vector has a sequence number");
	ok(!vexfs_do_get(h, &g, &err) && g.done == N && !memcmp(v, back, (size_t)N * D * 4),
	   "a get under the storm returns all stored vectors");
	ok(!vexfs_do_delete(h, &d, &err) && d.done == N - N / 100 && d.tried == N &&
	   d.seq == 2ull * d.done, "a delete under the storm (%s)", err.text);
	for (uint32_t i = wrong = 0; i < N; i++)
		wrong += errors[i] != (i % 100 == 99 ? -ENOENT : 0);
	ok(!wrong, "each vector is deleted exactly once (%u are not)", wrong);
	t.it_interval.tv_usec = t.it_value.tv_usec = 0;
	setitimer(ITIMER_REAL, &t, NULL);
	signal(SIGALRM, SIG_DFL);
	ok(fired > 3, "signals were delivered (%d)", (int)fired);
	free(errors);
	free(back);
	free(v);
	free(ids);
	gone(h, "e2e");
}

/* ---- classification by fields of every type ---- */

static void classes(void)
{
	static const struct {
		const char *field;
		struct vexfs_value value;
		uint64_t vote;
	} all[] = {
		{ "a", { VEXFS_FIELD_U64, { .u = 200 } }, 200 },
		{ "b", { VEXFS_FIELD_U64, { .u = 2020 } }, 2020 },
		{ "c", { VEXFS_FIELD_U64, { .u = 0x01020304 } }, 0x01020304 },
		{ "d", { VEXFS_FIELD_U64, { .u = 0x0102030405060708 } }, 0x0102030405060708 },
		{ "e", { VEXFS_FIELD_I64, { .i = -3 } }, 0xfd },
		{ "f", { VEXFS_FIELD_I64, { .i = -300 } }, 0xfed4 },
		{ "g", { VEXFS_FIELD_I64, { .i = -70000 } }, 0xfffeee90 },
		{ "h", { VEXFS_FIELD_I64, { .i = -1 } }, UINT64_MAX },
	};
	struct vexfs *h = make("e2e", 2, VEXFS_TYPE_F32, VEXFS_METRIC_L2,
			       "a:u8,b:u16,c:u32,d:u64,e:i8,f:i16,g:i32,h:i64");
	unsigned char record[VEXFS_ATTR_MAX] = { 0 };
	struct vexfs_layout layout;
	float v[2] = { 1, 2 };
	uint64_t id = 1;
	struct vexfs_put p = {
		.flags = VEXFS_PUT_INSERT, .count = 1, .ids = (uintptr_t)&id,
		.vectors = (uintptr_t)v, .attrs = (uintptr_t)record,
	};

	if (!h || vexfs_layout_parse(vexfs_layout_text(h), &layout, &err)) {
		ok(false, "create with fields of every type: %s", err.text);
		return;
	}
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		vexfs_record_set(vexfs_layout_find(&layout, all[i].field), record, &all[i].value,
				 NULL);
	ok(!vexfs_do_put(h, &p, &err), "put of a record with fields of every type: %s", err.text);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		const struct vexfs_field *field = vexfs_layout_find(&layout, all[i].field);
		struct vexfs_vote vote = { 0 };
		struct vexfs_classify req = {
			.k = 1, .query = (uintptr_t)v, .field_offset = field->offset,
			.field_size = field->size, .votes = (uintptr_t)&vote, .count = 1,
		};

		ok(!vexfs_do_classify(h, &req, &err) && req.count == 1 && vote.votes == 1 &&
		   vote.value == all[i].vote,
		   "classify by a field of type %s returns the value of the field",
		   vexfs_field_type_name(field->type));
	}
	gone(h, "e2e");
}

int main(void)
{
	struct vexfs_info info;

	if (!ok(!vexfs_do_info(NULL, &info, &err) && info.abi == VEXFS_ABI && *info.simd,
		"info of the module: %s", err.text))
		return done();
	names();
	creating();
	vectors();
	id_limits();
	large_requests();
	searches();
	users();
	for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++)
		one_space(&spaces[i]);
	map_rows();
	sizes();
	signal_storm();
	classes();
	return done();
}
