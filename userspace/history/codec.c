// SPDX-License-Identifier: GPL-2.0
/*
 * Binary encodings: varints, rows of rollups, and the buckets of sketches. A reader
 * treats every blob as hostile and never reads past its end.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

void bytes_raw(struct bytes *b, const void *p, size_t n)
{
	if (b->n + n > b->room) {
		size_t room = 2 * b->room + n + 256;
		uint8_t *more = realloc(b->p, room);

		if (!more) {
			b->failed = true;
			return;
		}
		b->p = more;
		b->room = room;
	}
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

void bytes_u(struct bytes *b, uint64_t v)
{
	uint8_t text[10];
	size_t n = 0;

	do {
		text[n++] = (uint8_t)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
		v >>= 7;
	} while (v);
	bytes_raw(b, text, n);
}

void bytes_s(struct bytes *b, int64_t v)
{
	bytes_u(b, ((uint64_t)v << 1) ^ (uint64_t)(v >> 63));
}

uint64_t cursor_u(struct cursor *c)
{
	uint64_t v = 0;

	for (unsigned int shift = 0; shift < 64 && c->p < c->end; shift += 7) {
		uint8_t byte = *c->p++;

		v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return v;
	}
	c->bad = true;
	return 0;
}

int64_t cursor_s(struct cursor *c)
{
	uint64_t v = cursor_u(c);

	return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

void cursor_raw(struct cursor *c, void *to, size_t n)
{
	if ((size_t)(c->end - c->p) < n) {
		c->bad = true;
		memset(to, 0, n);
		return;
	}
	memcpy(to, c->p, n);
	c->p += n;
}

/* ---- sketches ---- */

/* Buckets grow by 2 %, starting at a millionth: values are known to 1 %. */
#define SKETCH_BASE	1.02
#define SKETCH_LEAST	1e-6

unsigned int sketch_bucket(double v)
{
	double b;

	if (!(v > SKETCH_LEAST))
		return 0;
	b = log(v / SKETCH_LEAST) / log(SKETCH_BASE) + 1;
	return b < HISTORY_SKETCH - 1 ? (unsigned int)b : HISTORY_SKETCH - 1;
}

double sketch_value(unsigned int bucket)
{
	return bucket ? SKETCH_LEAST * pow(SKETCH_BASE, bucket - 0.5) : 0;
}

/* ---- rollups ---- */

enum {
	ROLL_GONE = 1,		/* the series has no values from here on */
	ROLL_RANGE = 2,		/* minimum and maximum follow */
	ROLL_COUNT = 4,		/* its count differs from that of the row */
	ROLL_SKETCH = 8,
};

/* Sixteen bits of a float are enough for a bound; rounding only widens the range. */
static uint16_t half_of(float f, bool up)
{
	uint32_t bits;

	memcpy(&bits, &f, sizeof(bits));
	/* Rounds towards +infinity, or towards -infinity. */
	if ((bits & 0xffff) && up == !(bits >> 31))
		bits += 0x10000;
	return (uint16_t)(bits >> 16);
}

static float of_half(uint16_t half)
{
	uint32_t bits = (uint32_t)half << 16;
	float f;

	memcpy(&f, &bits, sizeof(f));
	return isfinite(f) ? f : 0;
}

static void write_sketch(struct bytes *b, const uint32_t *sketch)
{
	unsigned int n = 0, last = 0;

	for (unsigned int i = 0; i < HISTORY_SKETCH; i++)
		n += sketch[i] != 0;
	bytes_u(b, n);
	for (unsigned int i = 0; i < HISTORY_SKETCH; i++) {
		if (!sketch[i])
			continue;
		bytes_u(b, i - last);
		bytes_u(b, sketch[i]);
		last = i;
	}
}

static void read_sketch(struct cursor *c, uint32_t *sketch)
{
	uint64_t n = cursor_u(c), at = 0;

	while (n-- && !c->bad) {
		uint64_t step = cursor_u(c), count = cursor_u(c);

		at += step;
		if (step >= HISTORY_SKETCH || at >= HISTORY_SKETCH || count > UINT32_MAX)
			c->bad = true;
		else if (sketch)
			sketch[at] += (uint32_t)count;
	}
}

static void write_one(struct bytes *b, const struct roll *r, uint64_t gap, uint32_t usual)
{
	unsigned int flags = 0;

	if (!r->n)
		flags = ROLL_GONE;
	if (r->n && (r->min < r->mean || r->max > r->mean))
		flags |= ROLL_RANGE;
	if (r->n && r->n != usual)
		flags |= ROLL_COUNT;
	if (r->n && r->sketch && (flags & ROLL_RANGE))
		flags |= ROLL_SKETCH;
	bytes_u(b, gap << 4 | flags);
	if (!r->n)
		return;
	bytes_raw(b, &r->mean, sizeof(r->mean));
	if (flags & ROLL_COUNT)
		bytes_u(b, r->n);
	if (flags & ROLL_RANGE) {
		uint16_t low = half_of(r->min, false), high = half_of(r->max, true);

		bytes_raw(b, &low, sizeof(low));
		bytes_raw(b, &high, sizeof(high));
	}
	if (flags & ROLL_SKETCH)
		write_sketch(b, r->sketch);
}

static bool same(const struct roll *a, const struct roll *b)
{
	return a->n == b->n && a->mean == b->mean && a->min == b->min && a->max == b->max &&
	       a->min == a->max;
}

void roll_write(struct bytes *b, const struct roll *now, struct roll *last, size_t n, bool key,
		uint32_t usual)
{
	size_t next = 0;

	for (size_t i = 0; i < n; i++) {
		if (key ? !now[i].n : (same(&now[i], &last[i]) && (now[i].n == usual || !now[i].n)))
			continue;
		write_one(b, &now[i], i - next, usual);
		next = i + 1;
	}
	for (size_t i = 0; i < n; i++) {
		last[i] = now[i];
		last[i].sketch = NULL;
	}
}

bool roll_read(struct cursor *c, struct roll *now, size_t n, bool key, uint32_t usual,
	       const bool *wanted)
{
	uint64_t at = 0;

	for (size_t i = 0; i < n; i++) {
		if (key)
			now[i].n = 0;
		if (!now[i].n)
			continue;
		now[i] = (struct roll){ usual, now[i].mean, now[i].mean, now[i].mean,
					now[i].sketch };
		if (now[i].sketch)
			now[i].sketch[sketch_bucket(now[i].mean)] += usual;
	}
	while (c->p < c->end && !c->bad) {
		uint64_t head = cursor_u(c);
		struct roll r = { .n = usual };
		uint16_t low, high;

		at += head >> 4;
		if (c->bad || head >> 4 > SERIES_MAX || at >= n)
			return false;
		r.sketch = now[at].sketch;
		/* The encoding does not reproduce the previous value exactly. */
		if (r.sketch && now[at].n)
			r.sketch[sketch_bucket(now[at].mean)] -= usual;
		if (head & ROLL_GONE) {
			r.n = 0;
		} else {
			cursor_raw(c, &r.mean, sizeof(r.mean));
			if (!isfinite(r.mean))
				r.mean = 0;
			r.min = r.max = r.mean;
			if (head & ROLL_COUNT)
				r.n = (uint32_t)cursor_u(c);
			if (head & ROLL_RANGE) {
				cursor_raw(c, &low, sizeof(low));
				cursor_raw(c, &high, sizeof(high));
				r.min = of_half(low);
				r.max = of_half(high);
			}
			if (head & ROLL_SKETCH)
				read_sketch(c, !wanted || wanted[at] ? r.sketch : NULL);
			else if (r.sketch && r.n && (!wanted || wanted[at]))
				r.sketch[sketch_bucket(r.mean)] += r.n;
		}
		now[at++] = r;
	}
	return !c->bad;
}
