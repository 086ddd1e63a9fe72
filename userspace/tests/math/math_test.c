// SPDX-License-Identifier: GPL-2.0
/*
 * Every form of every variant against the dumb reference: each dimension of the
 * list, each kind of data, rows that end and begin at a guard page. The same
 * files as in the module, under sanitizers. The seed is fixed. With TEST_LONG set each kind
 * of data is combined with more dimensions; otherwise the kinds take turns above 33.
 */
#include "drive.h"
#include "reference.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ROWS_MAX	19
#define PAGE		4096
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

static int tests, failures;
static bool all_kinds;
static u32 cpu;

static void report(bool ok, const char *name, const char *detail)
{
	printf("%sok %d - %s%s%s\n", ok ? "" : "not ", ++tests, name, *detail ? ": " : "", detail);
	failures += !ok;
}

/* splitmix64 */
static u64 seed;

static u64 draw(void)
{
	u64 z = seed += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static float unit(void)
{
	return (float)((double)(draw() >> 11) * 0x1p-52 - 1.0);
}

/**
 * struct guarded - memory between two pages that nobody may touch
 * @size: bytes between the guards, whole pages
 */
struct guarded {
	u8 *base;
	size_t size;
};

/*
 * Kept for the next of the same size, for system calls about memory are slow in a
 * virtual machine: by pages, linked at their beginnings.
 */
#define SPARE_PAGES	256

static u8 *spare[SPARE_PAGES];

static struct guarded guarded_new(size_t bytes)
{
	struct guarded g;
	size_t pages;
	u8 *all;

	g.size = (bytes + PAGE - 1) / PAGE * PAGE;
	pages = g.size / PAGE;
	if (pages && pages < SPARE_PAGES && spare[pages]) {
		g.base = spare[pages];
		memcpy(&spare[pages], g.base, sizeof(g.base));
		memset(g.base, 0, g.size);
		return g;
	}
	all = mmap(NULL, g.size + 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		   -1, 0);
	if (all == MAP_FAILED || mprotect(all, PAGE, PROT_NONE) ||
	    mprotect(all + PAGE + g.size, PAGE, PROT_NONE)) {
		perror("mmap");
		exit(2);
	}
	g.base = all + PAGE;
	return g;
}

static void guarded_free(struct guarded g)
{
	size_t pages = g.size / PAGE;

	if (!pages || pages >= SPARE_PAGES) {
		munmap(g.base - PAGE, g.size + 2 * PAGE);
		return;
	}
	memcpy(g.base, &spare[pages], sizeof(g.base));
	spare[pages] = g.base;
}

/* @bytes at the end, or at the start. */
static u8 *guarded_at(struct guarded g, size_t bytes, bool end)
{
	return end ? g.base + g.size - bytes : g.base;
}

enum pattern {
	RANDOM, ZEROS, DENORMAL, HUGE_ONES, TINY, NEGATIVE, SAME, EXTREME, CANCEL, SPARSE, PATTERNS
};

static const char *const pattern_name[] = {
	"random", "zeros", "denormal", "huge", "tiny", "negative", "same", "extreme", "cancel",
	"sparse",
};

static float component(enum pattern p, u32 type, u32 row, u32 i)
{
	float big = type == VEXFS_TYPE_F16 ? 60000.0f : 3e38f;

	if (type == VEXFS_TYPE_I8 || type == VEXFS_TYPE_U8) {
		switch (p) {
		case ZEROS:
			return 0;
		case EXTREME:
			return draw() & 1 ? 1e9f : -1e9f;
		case HUGE_ONES:
			return 1e9f;
		case NEGATIVE:
			return row % 2 ? -1e9f : 127;
		case SAME:
			return (float)(i % 256) - 128;
		case SPARSE:
			return i % 17 ? 0 : 100;
		default:
			return unit() * 300;
		}
	}
	switch (p) {
	case ZEROS:
		return row % 3 ? 0.0f : unit();
	case DENORMAL:
		return unit() * (type == VEXFS_TYPE_F16 ? 0x1p-16f : 0x1p-128f);
	case HUGE_ONES:
		return unit() * big;
	case TINY:
		return unit() * (type == VEXFS_TYPE_F16 ? 1e-4f : 1e-25f);
	case NEGATIVE:
		return -fabsf(unit());
	case SAME:
		return sinf((float)i);
	case EXTREME:
		return draw() & 1 ? big : -big;
	case CANCEL:
		return (i % 2 ? 1.0f : -1.0f) * 1000.0f + unit();
	case SPARSE:
		return i % 17 ? 0.0f : unit();
	default:
		return unit();
	}
}

struct set {
	struct vexfs_space sp;
	enum pattern pattern;
	u32 n;
	struct guarded mem;	/* query and rows in one piece */
	u8 *q, *rows;
	u32 q_aux, aux[ROWS_MAX];
};

/* Vectors as floats that begin at odd places, imported in one go and in parts. */
static bool set_fill(struct set *s, bool end, char *why, size_t room)
{
	const struct vexfs_math_conv *best = NULL;
	size_t bytes = (size_t)s->sp.dim * 4;
	struct guarded src = guarded_new(bytes + 1), copy = guarded_new(s->sp.stride);
	u8 *from = guarded_at(src, bytes, true), *row, *back;
	u32 i, r, aux, v;
	bool ok = true;

	s->mem = guarded_new((size_t)(s->n + 1) * s->sp.stride);
	row = guarded_at(s->mem, (size_t)(s->n + 1) * s->sp.stride, end);
	s->q = row;
	s->rows = row + s->sp.stride;
	back = guarded_at(copy, s->sp.stride, true);
	for (r = 0; r <= s->n; r++, row += s->sp.stride) {
		for (i = 0; i < s->sp.dim; i++) {
			float f = component(s->pattern, s->sp.type, r, i);

			memcpy(from + 4 * (size_t)i, &f, 4);
		}
		memset(row, 0xa5, s->sp.stride);
		best = vexfs_math_find_conv(drive_variants[0], 0, s->sp.type);
		if (drive_import(best, &s->sp, row, &aux, from, false)) {
			snprintf(why, room, "import refused a good vector");
			ok = false;
		}
		if (r)
			s->aux[r - 1] = aux;
		else
			s->q_aux = aux;
		for (v = 0; v < drive_nr_variants; v++) {
			const struct vexfs_math_conv *c;
			u32 other;

			if (drive_variants[v]->needs & ~cpu)
				continue;
			c = vexfs_math_find_conv(drive_variants[v], cpu, s->sp.type);
			memset(back, 0x5a, s->sp.stride);
			if (drive_import_parts(c, &s->sp, back, &other, from, false) ||
			    memcmp(back, row, s->sp.stride) || other != aux) {
				snprintf(why, room, "%s imports row %u otherwise",
					 drive_variants[v]->name, r);
				ok = false;
			}
			/* Raw, from the last bytes before the guard. */
			memcpy(guarded_at(src, s->sp.row_bytes, true), row, s->sp.row_bytes);
			memset(back, 0x5a, s->sp.stride);
			if (drive_import(c, &s->sp, back, &other,
					 guarded_at(src, s->sp.row_bytes, true), true) ||
			    memcmp(back, row, s->sp.stride) || other != aux) {
				snprintf(why, room, "%s imports raw row %u otherwise",
					 drive_variants[v]->name, r);
				ok = false;
			}
			/* And back: to the end of the page, at any alignment. */
			c->to_f32(&s->sp, from, row, 0, s->sp.dim);
			for (i = 0; i < s->sp.dim; i++) {
				float f;

				memcpy(&f, from + 4 * (size_t)i, 4);
				if (f != (float)ref_component(s->sp.type, row, i)) {
					snprintf(why, room, "%s exports %g for component %u",
						 drive_variants[v]->name, (double)f, i);
					ok = false;
					break;
				}
			}
		}
	}
	guarded_free(src);
	guarded_free(copy);
	return ok;
}

static bool sorted_like(const struct set *s, const u32 *keys, char *why, size_t room)
{
	u32 i, j;

	for (i = 0; i < s->n; i++) {
		for (j = 0; j < s->n; j++) {
			long double a = ref_value(vexfs_key_to_f32(keys[i]));
			long double b = ref_value(vexfs_key_to_f32(keys[j]));

			if ((a < b) != (keys[i] < keys[j]) || (a == b) != (keys[i] == keys[j])) {
				snprintf(why, room, "keys %x and %x do not sort as %Lg and %Lg",
					 keys[i], keys[j], a, b);
				return false;
			}
		}
	}
	return true;
}

static bool check_form(const struct set *s, const struct vexfs_math_ops *f, u32 *keys,
		       char *why, size_t room)
{
	u32 other[ROWS_MAX], order[ROWS_MAX], aux[ROWS_MAX], n, i;
	const void *rows[ROWS_MAX];

	drive_scan(f, &s->sp, s->q, s->q_aux, s->rows, s->aux, s->n, keys);
	for (i = 0; i < s->n; i++) {
		const u8 *row = s->rows + (size_t)i * s->sp.stride;
		long double bound, want = ref_distance(&s->sp, s->q, row, &bound), got;

		got = ref_value(vexfs_key_to_f32(keys[i]));
		if (s->sp.metric == VEXFS_METRIC_COS && want < 0)
			want = 0;
		if (isnan(got) || (bound == 0 && vexfs_key_to_f32(keys[i]) != ref_f32(want)) ||
		    (bound != 0 && !isinf(got) && fabsl(got - want) > bound) ||
		    (isinf(got) && (got < 0 ? -want : want) + bound < 0x1.fffffep127L)) {
			snprintf(why, room, "row %u: %.9Lg, not %.9Lg (bound %Lg)", i, got, want,
				 bound);
			return false;
		}
	}
	if (!sorted_like(s, keys, why, room))
		return false;

	/* Gather: the rows backwards, in every number. */
	for (i = 0; i < s->n; i++) {
		order[i] = s->n - 1 - i;
		rows[i] = s->rows + (size_t)order[i] * s->sp.stride;
		aux[i] = s->aux[order[i]];
	}
	for (n = 1; n <= s->n; n += s->n > 8 && n > 1 ? 5 : 1) {
		memset(other, 0, sizeof(other));
		drive_gather(f, &s->sp, s->q, s->q_aux, rows, aux, n, other);
		for (i = 0; i < n; i++) {
			if (other[i] != keys[order[i]]) {
				snprintf(why, room, "gather of %u: row %u has %x, scan %x", n,
					 order[i], other[i], keys[order[i]]);
				return false;
			}
		}
	}
	for (i = 0; i < s->n; i += 3) {
		u32 step = VEXFS_PART_BYTES * (1 + i % 3);
		u32 key = drive_parts(f, &s->sp, s->q, s->q_aux,
				      s->rows + (size_t)i * s->sp.stride, s->aux[i], step);

		if (key != keys[i]) {
			snprintf(why, room, "in parts: row %u has %x, scan %x", i, key, keys[i]);
			return false;
		}
	}
	return true;
}

/* Is this kind of data tried at this dimension? */
static bool tried(const struct vexfs_space *sp, enum pattern p)
{
	/* Of the longest: what can go wrong with length. */
	static const enum pattern longest[] = { RANDOM, EXTREME, HUGE_ONES };
	u32 turn = sp->dim + sp->type + sp->metric, i;

	if (sp->dim > 4096) {
		for (i = 0; i < ARRAY_SIZE(longest) && longest[i] != p; i++)
			;
		return i < ARRAY_SIZE(longest) && (all_kinds || i == turn % ARRAY_SIZE(longest));
	}
	if (sp->dim <= 33 || p == RANDOM)
		return true;
	if (sp->dim <= 130 && sp->dim % 4 > 1)
		return false;
	return all_kinds || p == turn / 4 % PATTERNS;
}

/* All forms of a type and metric on one set of rows. */
static bool check_set(struct set *s, bool end, char *why, size_t room)
{
	u32 keys[ROWS_MAX], first[ROWS_MAX] = {}, v, i;
	bool exact = s->sp.type > VEXFS_TYPE_BF16, have = false, ok;
	char text[160] = "";

	ok = set_fill(s, end, text, sizeof(text));
	if (!ok)
		snprintf(why, room, "dim %u, %s: %s", s->sp.dim, pattern_name[s->pattern], text);
	for (v = 0; ok && v < drive_nr_variants; v++) {
		const struct vexfs_math_variant *var = drive_variants[v];
		u32 k;

		for (k = 0; ok && k < var->nr; k++) {
			const struct vexfs_math_ops *f = &var->list[k];

			if (f->type != s->sp.type || f->metric != s->sp.metric || f->needs & ~cpu)
				continue;
			ok = check_form(s, f, keys, text, sizeof(text));
			/* Scalar floats round otherwise; all else agrees. */
			if (ok && (v || exact)) {
				if (have && memcmp(first, keys, s->n * 4)) {
					for (i = 0; first[i] == keys[i]; i++)
						;
					snprintf(text, sizeof(text), "row %u: %x, %x before", i,
						 keys[i], first[i]);
					ok = false;
				}
				memcpy(first, keys, sizeof(first));
				have = true;
			}
			if (!ok)
				snprintf(why, room, "%s, dim %u, %s: %s", f->name, s->sp.dim,
					 pattern_name[s->pattern], text);
		}
	}
	guarded_free(s->mem);
	return ok;
}

static const u32 long_dims[] = {
	255, 256, 257, 767, 768, 769, 1535, 1536, 1537, 4096, 65536,
};

static void test_distances(void)
{
	u32 type, metric, dim, i;

	for (type = VEXFS_TYPE_F32; type <= VEXFS_TYPE_B1; type++) {
		for (metric = VEXFS_METRIC_L2; metric <= VEXFS_METRIC_JACCARD; metric++) {
			char name[64], why[256] = "";
			struct set s;
			bool ok = true;

			if (vexfs_space_init(&s.sp, type, metric, 1))
				continue;
			seed = type * 100 + metric;
			for (i = 0; ok && i < 130 + sizeof(long_dims) / sizeof(long_dims[0]); i++) {
				dim = i < 130 ? i + 1 : long_dims[i - 130];
				vexfs_space_init(&s.sp, type, metric, dim);
				s.n = dim <= 130 ? ROWS_MAX : dim <= 4096 ? 11 : 3;
				for (s.pattern = 0; ok && s.pattern < PATTERNS; s.pattern++) {
					if (!tried(&s.sp, s.pattern))
						continue;
					ok = check_set(&s, (s.pattern + dim) % 2, why, sizeof(why));
				}
			}
			snprintf(name, sizeof(name), "%s %s, every form, dimensions 1 to 65536",
				 drive_type_name(type), drive_metric_name(metric));
			report(ok, name, why);
		}
	}
}

#define BLOCK_N		29
#define BLOCK_NQ	37

static int by_key(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? -1 : x > y;
}

/*
 * Block against the keys of scan: no pair within its limit is missing, none comes
 * twice, none is beside the point, and nothing is written beyond the room given.
 */
struct blocks {
	const struct vexfs_math_ops *f;
	const struct vexfs_math_codes *codes;	/* on bytes, or NULL */
	const struct vexfs_space *sp;
	u8 *body;
	const u32 *limits, *aux;
	const u8 *rows;
};

static void pack_some(const struct blocks *b, const u8 *queries, const u32 *q_aux, u32 q, u32 n)
{
	if (b->codes)
		b->codes->pack(b->sp, b->body, queries, q_aux, BLOCK_NQ, q, n);
	else
		b->f->block_pack(b->sp, b->body, queries, q_aux, BLOCK_NQ, q, n);
}

static u32 block_some(const struct blocks *b, u32 q, u32 nq, u32 row, u32 n,
		      struct vexfs_block_hit *hits, u32 max)
{
	const u8 *rows = b->rows + row * (size_t)b->sp->stride;
	struct guarded mem;
	size_t bytes;
	u32 found;
	u8 *made;

	if (!b->codes)
		return b->f->block(b->sp, b->body, BLOCK_NQ, q, nq, b->limits, rows, b->aux + row,
				   n, row, hits, max);
	bytes = (size_t)n * vexfs_code_step(b->sp);
	mem = guarded_new(bytes);
	made = guarded_at(mem, bytes, true);
	b->codes->rows(b->sp, made, rows, b->aux + row, n);
	found = b->codes->block(b->sp, b->body, BLOCK_NQ, q, nq, b->limits, made, n, row, hits, max);
	guarded_free(mem);
	return found;
}

static u32 block_keys[BLOCK_NQ][BLOCK_N];

/* What is drawn for row @r: the rows come first, the queries after them. */
static bool block_rows(const struct vexfs_space *sp, enum pattern pattern, u8 *rows, u32 *aux,
		       u8 *queries, u32 *q_aux)
{
	const struct vexfs_math_conv *conv = vexfs_math_find_conv(&vexfs_math_scalar, 0, sp->type);
	float *src = malloc(sp->dim * sizeof(*src));
	bool ok = true;
	u32 r, i;

	for (r = 0; r < BLOCK_N + BLOCK_NQ; r++) {
		u8 *row = r < BLOCK_N ? rows + (size_t)r * sp->stride :
				       queries + (size_t)(r - BLOCK_N) * sp->stride;

		for (i = 0; i < sp->dim; i++)
			src[i] = component(pattern, sp->type, r, i);
		if (drive_import(conv, sp, row, r < BLOCK_N ? &aux[r] : &q_aux[r - BLOCK_N], src,
				 false))
			ok = false;
	}
	free(src);
	return ok;
}

/* The keys of all pairs by scan, a limit for each query, and how many keys are within. */
static u32 block_limits(const struct blocks *b, const u8 *queries, const u32 *q_aux, u32 *limits)
{
	u32 within = 0, q, r;

	for (q = 0; q < BLOCK_NQ; q++) {
		u32 sorted[BLOCK_N];

		drive_scan(b->f, b->sp, queries + (size_t)q * b->sp->stride, q_aux[q], b->rows,
			   b->aux, BLOCK_N, block_keys[q]);
		memcpy(sorted, block_keys[q], sizeof(sorted));
		qsort(sorted, BLOCK_N, sizeof(*sorted), by_key);
		limits[q] = q == 5 ? 0 : q == 6 ? 0xffffffff : q == 7 ?
			vexfs_key_from_f32(0x7f800000) : sorted[q % 11];
		for (r = 0; r < BLOCK_N; r++)
			within += block_keys[q][r] <= limits[q];
	}
	return within;
}

/* Packs and runs group by group, rows in two pieces. */
static u32 block_run(const struct blocks *b, const u8 *queries, const u32 *q_aux,
		     struct vexfs_block_hit *hits, u32 most)
{
	u32 group = b->codes ? b->codes->group : b->f->block_group, found, q, n;

	for (q = 0; q < BLOCK_NQ; q += n) {
		n = BLOCK_NQ - q < group ? BLOCK_NQ - q : group;
		pack_some(b, queries, q_aux, q, n);
	}
	found = block_some(b, 0, BLOCK_NQ, 0, 13, hits, most);
	for (q = 0; q < BLOCK_NQ; q += n) {
		n = BLOCK_NQ - q < group ? BLOCK_NQ - q : group;
		found += block_some(b, q, n, 13, BLOCK_N - 13, hits + found, most - found);
	}
	return found;
}

/* Every pair within its limit is there, and none twice. */
static bool block_complete(const u32 *limits, const struct vexfs_block_hit *hits, u32 found,
			   char *why, size_t room)
{
	static u32 seen[BLOCK_NQ][BLOCK_N];
	u32 q, r, i;

	memset(seen, 0, sizeof(seen));
	for (i = 0; i < found; i++) {
		if (hits[i].query >= BLOCK_NQ || hits[i].row >= BLOCK_N ||
		    seen[hits[i].query][hits[i].row]++) {
			snprintf(why, room, "hit %u: query %u, row %u", i, hits[i].query,
				 hits[i].row);
			return false;
		}
	}
	for (q = 0; q < BLOCK_NQ; q++) {
		for (r = 0; r < BLOCK_N; r++) {
			if (block_keys[q][r] <= limits[q] && !seen[q][r]) {
				snprintf(why, room, "query %u, row %u: key %x, limit %x, no hit",
					 q, r, block_keys[q][r], limits[q]);
				return false;
			}
		}
	}
	return true;
}

static bool check_block(const struct vexfs_math_ops *f, const struct vexfs_math_codes *codes,
			const struct vexfs_space *sp, enum pattern pattern, char *why, size_t room)
{
	struct guarded qmem = guarded_new((size_t)BLOCK_NQ * sp->stride);
	struct guarded rmem = guarded_new((size_t)BLOCK_N * sp->stride);
	size_t bytes = codes ? codes->bytes(sp, BLOCK_NQ) : f->block_bytes(sp, BLOCK_NQ);
	size_t most = BLOCK_NQ * BLOCK_N;
	struct guarded packed = guarded_new(bytes), hmem;
	u8 *queries = guarded_at(qmem, (size_t)BLOCK_NQ * sp->stride, true);
	u8 *rows = guarded_at(rmem, (size_t)BLOCK_N * sp->stride, true);
	u32 q_aux[BLOCK_NQ], aux[BLOCK_N], limits[BLOCK_NQ], found, within;
	struct blocks b = { .f = f, .codes = codes, .sp = sp, .limits = limits, .aux = aux,
			    .body = guarded_at(packed, bytes, true), .rows = rows };
	struct vexfs_block_hit *hits;
	bool ok;

	hmem = guarded_new(most * sizeof(*hits));
	hits = (void *)guarded_at(hmem, most * sizeof(*hits), true);
	ok = block_rows(sp, pattern, rows, aux, queries, q_aux);
	within = block_limits(&b, queries, q_aux, limits);
	found = block_run(&b, queries, q_aux, hits, (u32)most);
	ok = ok && block_complete(limits, hits, found, why, room);
	/* bytes lose a hundredth of a vector, which random ones of high dimension hardly differ by */
	if (ok && pattern == RANDOM && sp->dim >= 16 &&
	    found > within + within / (codes ? 1 : 20) + 2) {
		snprintf(why, room, "%u hits where %u are within the limits", found, within);
		ok = false;
	}
	/* Too few places for hits: it says so and stops. */
	if (ok && found) {
		hits = (void *)guarded_at(hmem, (found - 1) * sizeof(*hits), true);
		if (block_some(&b, 0, BLOCK_NQ, 0, BLOCK_N, hits, found - 1) <= found - 1) {
			snprintf(why, room, "%u hits fit into %u", found, found - 1);
			ok = false;
		}
	}
	guarded_free(qmem);
	guarded_free(rmem);
	guarded_free(packed);
	guarded_free(hmem);
	return ok;
}

static void test_block(const struct vexfs_math_ops *f, const struct vexfs_math_codes *codes)
{
	static const u32 dims[] = {
		1, 2, 7, 8, 9, 16, 17, 31, 32, 33, 64, 65, 100, 127, 128, 129, 257, 768, 1536, 4096,
	};
	char name[96], why[256] = "", text[160] = "";
	enum pattern pattern;
	bool ok = true;
	u32 d;

	for (d = 0; ok && d < sizeof(dims) / sizeof(dims[0]); d++) {
		struct vexfs_space sp;

		if (dims[d] > f->block_max_dim)
			continue;
		vexfs_space_init(&sp, f->type, f->metric, dims[d]);
		for (pattern = 0; ok && pattern < PATTERNS; pattern++) {
			if (dims[d] > (all_kinds ? 257 : 33) && pattern != RANDOM && pattern != CANCEL)
				continue;
			ok = check_block(f, codes, &sp, pattern, text, sizeof(text));
			if (!ok)
				snprintf(why, sizeof(why), "dim %u, %s: %s", dims[d],
					 pattern_name[pattern], text);
		}
	}
	snprintf(name, sizeof(name), "%s %s %s, %s", drive_type_name(f->type),
		 drive_metric_name(f->metric), codes ? "block of codes" : "block",
		 codes ? codes->name : f->name);
	report(ok, name, why);
}

static void test_blocks(void)
{
	u32 v, k;

	for (v = 0; v < drive_nr_variants; v++) {
		for (k = 0; k < drive_variants[v]->nr; k++) {
			const struct vexfs_math_ops *f = &drive_variants[v]->list[k];
			const struct vexfs_math_codes *codes =
				vexfs_math_find_codes(drive_variants[v], cpu, f->type, f->metric);

			if (!f->block_group || f->needs & ~cpu)
				continue;
			seed = k;
			test_block(f, NULL);
			if (codes && codes->group)
				test_block(f, codes);
		}
	}
}

/*
 * Codes that every variant makes and every variant scans: no row within the limit is
 * missing, and random vectors bring few others.
 */
static bool check_codes(const struct vexfs_math_ops *f, const struct vexfs_math_codes *maker,
			const struct vexfs_math_codes *reader, const struct vexfs_space *sp,
			enum pattern pattern, char *why, size_t room)
{
	const struct vexfs_math_conv *conv = vexfs_math_find_conv(&vexfs_math_scalar, 0, sp->type);
	size_t bytes = (size_t)BLOCK_N * vexfs_code_step(sp), qbytes = vexfs_code_query_bytes(sp);
	struct guarded rmem = guarded_new((size_t)(BLOCK_N + 1) * sp->stride);
	struct guarded cmem = guarded_new(bytes), qmem = guarded_new(qbytes);
	struct guarded nmem = guarded_new(BLOCK_N * sizeof(u16));
	u8 *rows = guarded_at(rmem, (size_t)(BLOCK_N + 1) * sp->stride, true);
	u8 *codes = guarded_at(cmem, bytes, true), *query = guarded_at(qmem, qbytes, true);
	const u8 *q = rows + (size_t)BLOCK_N * sp->stride;
	u32 aux[BLOCK_N + 1], keys[BLOCK_N], sorted[BLOCK_N], r, i, found, within, at;
	float *src = malloc(sp->dim * sizeof(*src));
	bool ok = true;
	u16 *near;

	for (r = 0; r <= BLOCK_N; r++) {
		for (i = 0; i < sp->dim; i++)
			src[i] = component(pattern, sp->type, r, i);
		ok &= !drive_import(conv, sp, rows + (size_t)r * sp->stride, &aux[r], src, false);
	}
	drive_scan(f, sp, q, aux[BLOCK_N], rows, aux, BLOCK_N, keys);
	memcpy(sorted, keys, sizeof(sorted));
	qsort(sorted, BLOCK_N, sizeof(*sorted), by_key);
	maker->rows(sp, codes, rows, aux, BLOCK_N);
	reader->query(sp, query, q, aux[BLOCK_N]);
	near = (u16 *)guarded_at(nmem, BLOCK_N * sizeof(u16), true);
	for (i = 0; ok && i < 16; i++) {
		u32 limit = i == 13 ? 0 : i == 14 ? 0xffffffff :
			i == 15 ? vexfs_key_from_f32(0x7f800000) : sorted[i % BLOCK_N];

		found = reader->scan(sp, query, limit, codes, BLOCK_N, 7, near, BLOCK_N);
		for (r = at = within = 0; ok && r < BLOCK_N; r++) {
			bool named = at < found && near[at] == r + 7;

			at += named;
			within += keys[r] <= limit;
			if (keys[r] <= limit && !named) {
				snprintf(why, room, "row %u: key %x, limit %x, not named", r,
					 keys[r], limit);
				ok = false;
			}
		}
		/* random vectors of high dimension hardly differ by more than bytes lose */
		if (ok && (at != found || (pattern == RANDOM && sp->dim >= 16 &&
					   sp->dim <= 128 && i < 13 && found > 2 * within + 4))) {
			snprintf(why, room, "%u named where %u are within the limit", found, within);
			ok = false;
		}
		/* No room: it says so and stops. */
		if (ok && found) {
			u16 *less = (u16 *)guarded_at(nmem, (found - 1) * sizeof(u16), true);

			if (reader->scan(sp, query, limit, codes, BLOCK_N, 7, less, found - 1) <
			    found) {
				snprintf(why, room, "%u rows fit into %u", found, found - 1);
				ok = false;
			}
		}
	}
	guarded_free(rmem);
	guarded_free(cmem);
	guarded_free(qmem);
	guarded_free(nmem);
	free(src);
	return ok;
}

static void test_codes_of(const struct vexfs_math_variant *maker,
			  const struct vexfs_math_variant *reader, u32 type, u32 metric)
{
	static const u32 dims[] = {
		1, 2, 15, 16, 17, 31, 32, 33, 47, 48, 49, 64, 65, 100, 112, 128, 257, 768, 4096,
	};
	const struct vexfs_math_ops *f = vexfs_math_find_ops(reader, cpu, type, metric);
	const struct vexfs_math_codes *made = vexfs_math_find_codes(maker, cpu, type, metric);
	const struct vexfs_math_codes *read = vexfs_math_find_codes(reader, cpu, type, metric);
	char name[96], why[256] = "", text[160] = "";
	enum pattern pattern;
	bool ok = true;
	u32 d;

	if (!f || !made || !read)
		return;
	for (d = 0; ok && d < sizeof(dims) / sizeof(dims[0]); d++) {
		struct vexfs_space sp;

		vexfs_space_init(&sp, type, metric, dims[d]);
		for (pattern = 0; ok && pattern < PATTERNS; pattern++) {
			if (dims[d] > (all_kinds ? 257 : 33) && pattern != RANDOM && pattern != CANCEL)
				continue;
			ok = check_codes(f, made, read, &sp, pattern, text, sizeof(text));
			if (!ok)
				snprintf(why, sizeof(why), "dim %u, %s: %s", dims[d],
					 pattern_name[pattern], text);
		}
	}
	snprintf(name, sizeof(name), "%s %s codes, made by %s, read by %s", drive_type_name(type),
		 drive_metric_name(metric), made->name, read->name);
	report(ok, name, why);
}

static void test_codes(void)
{
	u32 type, metric, m, r;

	for (type = VEXFS_TYPE_F32; type <= VEXFS_TYPE_BF16; type++)
		for (metric = VEXFS_METRIC_L2; metric <= VEXFS_METRIC_COS; metric++)
			for (m = 0; m < drive_nr_variants; m++)
				for (r = 0; r < drive_nr_variants; r++)
					test_codes_of(drive_variants[m], drive_variants[r], type,
						      metric);
}

/* All of f16 and bf16, and floats around every boundary of theirs, in every variant. */
struct half {
	u32 type;
	int digits, min_exp;
	u16 exponent;	/* bits that are all set in infinities and NaNs */
};

static bool halves_exported(const struct half *half, const struct vexfs_math_variant *variant,
			    const u16 *all, const float *f, char *why, size_t room)
{
	for (u32 h = 0; h < 65536; h++) {
		if (f[h] != (float)ref_component(half->type, all, h)) {
			snprintf(why, room, "%s: %x is exported as %g", variant->name, all[h],
				 (double)f[h]);
			return false;
		}
	}
	return true;
}

/* Ties, and one bit to either side of them, for every value. */
static void halves_ties(const struct half *half, const u16 *all, float *f, u32 *n)
{
	u32 h, i;

	seed = 7;
	for (h = 0; h + 8 <= 65536; h += 8) {
		for (i = 0; i < 8; i++) {
			u16 lo = all[h + i];
			float a = (float)ref_component(half->type, &lo, 0);
			u32 bits;

			memcpy(&bits, &a, 4);
			/* Below the normal numbers a step is wider. */
			if (half->type == VEXFS_TYPE_BF16)
				bits |= 0x8000 + (u32)(draw() % 3) - 1;
			else
				bits += 0x1000 + (u32)(draw() % 3) - 1;
			memcpy(&f[(*n)++ % 65536], &bits, 4);
		}
	}
}

/* 128 numbers: each becomes the nearest that the type has, ties to even. */
static bool halves_rounded(const struct half *half, const struct vexfs_math_variant *variant,
			   const u8 *row, const float *f, char *why, size_t room)
{
	for (u32 j = 0; j < 128; j++) {
		long double x = f[j], y = ref_component(half->type, row, j), step;
		int exp;

		frexpl(x, &exp);
		exp -= half->digits;
		if (exp < half->min_exp)
			exp = half->min_exp;
		step = ldexpl(1, exp);
		if (y != rintl(x / step) * step) {
			snprintf(why, room, "%s: %a became %La", variant->name, (double)f[j], y);
			return false;
		}
	}
	return true;
}

static bool test_half(const struct half *half, char *why, size_t room)
{
	static u8 row[65536 * 2] __aligned(64);
	static u16 all[65536];
	static float f[65536];
	struct vexfs_space sp, part;
	u32 aux, n = 0, h, v, i;
	bool ok = true;

	vexfs_space_init(&sp, half->type, VEXFS_METRIC_L2, 65536);
	vexfs_space_init(&part, half->type, VEXFS_METRIC_L2, 128);
	for (h = 0; h < 65536; h++)
		all[h] = (h & half->exponent) == half->exponent ? 0 : (u16)h;
	for (v = 0; ok && v < drive_nr_variants; v++) {
		const struct vexfs_math_variant *variant = drive_variants[v];
		const struct vexfs_math_conv *c;

		if (variant->needs & ~cpu)
			continue;
		c = vexfs_math_find_conv(variant, cpu, half->type);
		if (drive_import(c, &sp, row, &aux, all, true) || memcmp(row, all, sizeof(all))) {
			snprintf(why, room, "%s: raw values change on import", variant->name);
			return false;
		}
		c->to_f32(&sp, f, row, 0, 65536);
		ok = halves_exported(half, variant, all, f, why, room);
		halves_ties(half, all, f, &n);
		for (i = 0; ok && i < 65536; i += 128) {
			if (drive_import(c, &part, row, &aux, f + i, false))
				continue;	/* one of them is too large */
			ok = halves_rounded(half, variant, row, f + i, why, room);
		}
	}
	return ok;
}

static void test_halves(void)
{
	static const struct half halves[] = {
		{ VEXFS_TYPE_F16, 11, -24, 0x7c00 },
		{ VEXFS_TYPE_BF16, 8, -133, 0x7f80 },
	};
	char why[160] = "", name[64];

	for (u32 k = 0; k < sizeof(halves) / sizeof(*halves); k++) {
		bool ok = test_half(&halves[k], why, sizeof(why));

		snprintf(name, sizeof(name), "%s: every value there and back, ties to even",
			 drive_type_name(halves[k].type));
		report(ok, name, why);
	}
}

/* What the import must refuse, at every place of a vector. */
static void test_refusals(void)
{
	static const float bad[] = { NAN, -NAN, INFINITY, -INFINITY };
	char why[160] = "";
	bool ok = true;
	u32 type, v, at, b, dim = 77, aux;

	for (type = VEXFS_TYPE_F32; type <= VEXFS_TYPE_B1; type++) {
		struct vexfs_space sp;
		u32 metric = type == VEXFS_TYPE_B1 ? VEXFS_METRIC_HAMMING : VEXFS_METRIC_COS;

		vexfs_space_init(&sp, type, metric, dim);
		for (v = 0; v < drive_nr_variants; v++) {
			const struct vexfs_math_conv *c;

			if (drive_variants[v]->needs & ~cpu)
				continue;
			c = vexfs_math_find_conv(drive_variants[v], cpu, type);
			for (at = 0; at < dim; at++) {
				u8 row[512] __aligned(64);
				float x[77] = {};
				u16 h[77] = {};

				for (b = 0; b < 4; b++) {
					x[at] = bad[b];
					if (drive_import(c, &sp, row, &aux, x, false) != -EDOM)
						ok = false;
					if (type == VEXFS_TYPE_F32 &&
					    drive_import(c, &sp, row, &aux, x, true) != -EDOM)
						ok = false;
				}
				x[at] = type == VEXFS_TYPE_F16 ? 65520.0f : 0x1.ffp127f;
				if (type == VEXFS_TYPE_F16 || type == VEXFS_TYPE_BF16) {
					if (drive_import(c, &sp, row, &aux, x, false) != -EDOM)
						ok = false;
					x[at] = type == VEXFS_TYPE_F16 ? -65519.0f : -0x1.fep127f;
					if (drive_import(c, &sp, row, &aux, x, false))
						ok = false;
					for (b = 0; b < 2; b++) {
						h[at] = (u16)((type == VEXFS_TYPE_F16 ? 0x7c00 :
							       0x7f80) | b << 15 | (at & 1));
						if (drive_import(c, &sp, row, &aux, h, true) !=
						    -EDOM)
							ok = false;
					}
				}
				if (!ok) {
					snprintf(why, sizeof(why), "%s %s, component %u",
						 drive_variants[v]->name, drive_type_name(type),
						 at);
					goto out;
				}
			}
		}
	}
out:
	report(ok, "NaN, infinity and what does not fit are refused at every place", why);
}

static void test_bytes(void)
{
	static const struct {
		float f;
		s32 i8, u8;
	} want[] = {
		{ 0.5f, 0, 0 }, { 1.5f, 2, 2 }, { 2.5f, 2, 2 }, { -0.5f, 0, 0 }, { -1.5f, -2, 0 },
		{ -2.5f, -2, 0 }, { 126.5f, 126, 126 }, { 127.5f, 127, 128 }, { -128.5f, -128, 0 },
		{ 254.5f, 127, 254 }, { 255.5f, 127, 255 }, { 1e30f, 127, 255 },
		{ -1e30f, -128, 0 }, { 0.49999997f, 0, 0 }, { 0.50000006f, 1, 1 },
		{ 2147483648.0f, 127, 255 }, { 1e-40f, 0, 0 },
	};
	char why[160] = "";
	bool ok = true;
	u32 v, i, n = sizeof(want) / sizeof(want[0]), aux;

	for (v = 0; v < drive_nr_variants; v++) {
		struct vexfs_space sp;
		u8 row[128] __aligned(64);
		float f[70];
		u32 type;

		if (drive_variants[v]->needs & ~cpu)
			continue;
		for (type = VEXFS_TYPE_I8; type <= VEXFS_TYPE_U8; type++) {
			vexfs_space_init(&sp, type, VEXFS_METRIC_L2, 70);
			for (i = 0; i < 70; i++)
				f[i] = want[i % n].f;
			if (drive_import(vexfs_math_find_conv(drive_variants[v], cpu, type), &sp,
					 row, &aux, f, false))
				ok = false;
			for (i = 0; i < 70; i++) {
				s32 got = type == VEXFS_TYPE_I8 ? (s8)row[i] : row[i];
				s32 exp = type == VEXFS_TYPE_I8 ? want[i % n].i8 : want[i % n].u8;

				if (got != exp) {
					snprintf(why, sizeof(why), "%s: %g became %d",
						 drive_variants[v]->name, (double)f[i], got);
					ok = false;
				}
			}
		}
	}
	report(ok, "i8 and u8 round to even and saturate", why);
}

static void test_keys(void)
{
	char why[96] = "";
	bool ok = true;
	u64 b;

	for (b = 0; b < 1ull << 32; b += 9973) {
		u32 f = (u32)b, key = vexfs_key_from_f32(f);

		if ((f & 0x7f800000) == 0x7f800000 && (f & 0x7fffff))
			continue;
		if (f != 0x80000000 && vexfs_key_to_f32(key) != f) {
			snprintf(why, sizeof(why), "%x comes back as %x", f, vexfs_key_to_f32(key));
			ok = false;
		}
		if (key == VEXFS_KEY_WIDE)
			ok = false;
	}
	if (vexfs_key_from_f32(0x80000000) != vexfs_key_from_f32(0))
		ok = false;
	for (b = 1; b < 0x7f800000; b += all_kinds ? 5 : 53) {
		if (vexfs_key_from_f32((u32)b) <= vexfs_key_from_f32((u32)b - 1) ||
		    vexfs_key_from_f32((u32)b | 0x80000000) >=
		    vexfs_key_from_f32(((u32)b - 1) | 0x80000000)) {
			snprintf(why, sizeof(why), "order breaks at %llx", (unsigned long long)b);
			ok = false;
			break;
		}
	}
	report(ok, "keys sort like floats and convert both ways; -0 and 0 are one", why);
}

static void test_spaces(void)
{
	struct vexfs_space sp;
	bool ok = true;
	u32 t, m, good = 0;

	for (t = 0; t < 20; t++)
		for (m = 0; m < 20; m++)
			good += !vexfs_space_init(&sp, t, m, 7);
	ok &= good == 20;
	ok &= vexfs_space_init(&sp, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0) == -EINVAL;
	ok &= vexfs_space_init(&sp, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 65537) == -EINVAL;
	ok &= !vexfs_space_init(&sp, VEXFS_TYPE_B1, VEXFS_METRIC_JACCARD, 513);
	ok &= sp.row_bytes == 65 && sp.stride == 128;
	ok &= !vexfs_space_init(&sp, VEXFS_TYPE_BF16, VEXFS_METRIC_IP, 32);
	ok &= sp.row_bytes == 64 && sp.stride == 64;
	report(ok, "spaces: what goes together, and how long a row is", "");
}

int main(void)
{
	cpu = drive_cpu();
	all_kinds = getenv("TEST_LONG");
	printf("# processor: avx2 %d, avx512 %d, vnni %d, vpopcntdq %d\n",
	       !!(cpu & VEXFS_CPU_AVX2), !!(cpu & VEXFS_CPU_AVX512), !!(cpu & VEXFS_CPU_VNNI),
	       !!(cpu & VEXFS_CPU_VPOPCNTDQ));
	test_spaces();
	test_keys();
	test_bytes();
	test_halves();
	test_refusals();
	test_blocks();
	test_codes();
	test_distances();
	printf("1..%d\n", tests);
	return failures ? 1 : 0;
}
