// SPDX-License-Identifier: GPL-2.0
/*
 * A libFuzzer target: any bytes as vectors of any space. All variants must agree
 * on what is refused and on every key, stay within their bounds of the reference,
 * and lose no pair in block. Anything else ends in abort().
 */
#include "drive.h"
#include "reference.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS	13	/* a group, and a rest worth one */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fail(const char *what, const struct vexfs_space *sp, const char *form, u32 row)
{
	fprintf(stderr, "%s: %s %s, dim %u, %s, row %u\n", what, drive_type_name(sp->type),
		drive_metric_name(sp->metric), sp->dim, form, row);
	abort();
}

static void *rows_new(size_t bytes)
{
	void *p = aligned_alloc(64, bytes);

	if (!p)
		abort();
	memset(p, 0xa5, bytes);
	return p;
}

/* Both ways in, by all variants: the same verdict, bytes and auxiliary. */
static bool import(const struct vexfs_space *sp, u32 cpu, const void *src, bool raw, u8 *row,
		   u32 *aux)
{
	u8 *other = rows_new(sp->stride);
	bool good = false;
	u32 v;

	for (v = 0; v < drive_nr_variants; v++) {
		const struct vexfs_math_variant *var = drive_variants[v];
		u32 got;
		int err;

		if (var->needs & ~cpu)
			continue;
		err = drive_import(vexfs_math_find_conv(var, cpu, sp->type), sp,
				   v ? other : row, v ? &got : aux, src, raw);
		if (v && (good != !err || (good && (got != *aux || memcmp(other, row, sp->stride)))))
			fail("imports differ", sp, var->name, 0);
		good = !err;
	}
	free(other);
	return good;
}

static void check_codes(const struct vexfs_space *sp, const struct vexfs_math_codes *r,
			const u8 *q, u32 q_aux, const u8 *rows, const u32 *aux, const u32 *keys)
{
	struct vexfs_block_hit hits[ROWS];
	void *packed = rows_new(((r->group ? r->bytes(sp, 1) : 0) + 63) / 64 * 64);
	void *made = rows_new((ROWS * vexfs_code_step(sp) + 63) / 64 * 64);
	void *query = rows_new(vexfs_code_query_bytes(sp));
	u32 found, seen = 0, limit = keys[sp->dim % ROWS], i;
	u16 near[ROWS];

	r->rows(sp, made, rows, aux, ROWS);
	r->query(sp, query, q, q_aux);
	found = r->scan(sp, query, limit, made, ROWS, 0, near, ROWS);
	for (i = 0; i < found && i < ROWS; i++)
		seen |= 1u << near[i];
	for (i = 0; i < ROWS; i++)
		if (keys[i] <= limit && !(seen & 1u << i))
			fail("a scan of codes lost a row", sp, r->name, i);
	free(query);
	if (!r->group)
		goto out;
	seen = 0;
	r->pack(sp, packed, q, &q_aux, 1, 0, 1);
	found = r->block(sp, packed, 1, 0, 1, &limit, made, ROWS, 0, hits, ROWS);
	for (i = 0; i < found && i < ROWS; i++)
		seen |= 1u << hits[i].row;
	for (i = 0; i < ROWS; i++)
		if (keys[i] <= limit && !(seen & 1u << i))
			fail("the block of codes lost a pair", sp, r->name, i);
out:
	free(packed);
	free(made);
}

static void check_block(const struct vexfs_space *sp, const struct vexfs_math_ops *f,
			const u8 *q, u32 q_aux, const u8 *rows, const u32 *aux, const u32 *keys)
{
	struct vexfs_block_hit hits[ROWS];
	void *packed = rows_new((f->block_bytes(sp, 1) + 63) / 64 * 64);
	u32 found, seen = 0, limit = keys[sp->dim % ROWS], i;

	f->block_pack(sp, packed, q, &q_aux, 1, 0, 1);
	found = f->block(sp, packed, 1, 0, 1, &limit, rows, aux, ROWS, 0, hits, ROWS);
	if (found > ROWS)
		fail("too many hits", sp, f->name, found);
	for (i = 0; i < found; i++)
		seen |= 1u << hits[i].row;
	for (i = 0; i < ROWS; i++)
		if (keys[i] <= limit && !(seen & 1u << i))
			fail("block lost a pair", sp, f->name, i);
	free(packed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct vexfs_math_codes *codes;
	static u32 cpu;
	struct vexfs_space sp;
	size_t vec, at = 4;
	u32 q_aux, aux[ROWS], first[ROWS], keys[ROWS], v, k, r;
	const void *ptr[ROWS];
	u8 *q, *rows;
	bool raw, have = false;
	void *src;

	if (!cpu)
		cpu = drive_cpu();
	if (size < 5 || vexfs_space_init(&sp, 1 + data[0] % 6, 1 + data[1] % 6,
					 1 + (data[2] | (data[3] & 3u) << 8)))
		return -1;
	raw = data[3] & 4;
	vec = raw ? sp.row_bytes : (size_t)sp.dim * 4;
	q = rows_new(sp.stride);
	rows = rows_new((size_t)ROWS * sp.stride);
	src = malloc(vec);
	for (r = 0; r <= ROWS; r++) {
		/* The input over and over, a little further each time. */
		for (k = 0; k < vec; k++)
			((u8 *)src)[k] = data[4 + (at + k - 4) % (size - 4)];
		at += vec + 1;
		if (!import(&sp, cpu, src, raw, r ? rows + (size_t)(r - 1) * sp.stride : q,
			    r ? &aux[r - 1] : &q_aux))
			goto out;
		if (r)
			ptr[r - 1] = rows + (size_t)(r - 1) * sp.stride;
	}
	for (v = 0; v < drive_nr_variants; v++) {
		for (k = 0; k < drive_variants[v]->nr; k++) {
			const struct vexfs_math_ops *f = &drive_variants[v]->list[k];

			if (f->type != sp.type || f->metric != sp.metric || f->needs & ~cpu)
				continue;
			drive_scan(f, &sp, q, q_aux, rows, aux, ROWS, keys);
			for (r = 0; r < ROWS; r++) {
				long double bound, want, got;

				want = ref_distance(&sp, q, ptr[r], &bound);
				got = ref_value(vexfs_key_to_f32(keys[r]));
				if (isnan(got) || keys[r] == VEXFS_KEY_WIDE)
					fail("no distance", &sp, f->name, r);
				if (!isinf(got) && bound != 0 && fabsl(got - want) > bound &&
				    !(want < 0 && sp.metric == VEXFS_METRIC_COS))
					fail("beyond its bound", &sp, f->name, r);
				if (drive_parts(f, &sp, q, q_aux, ptr[r], aux[r],
						VEXFS_PART_BYTES) != keys[r])
					fail("parts differ", &sp, f->name, r);
			}
			if (v || sp.type > VEXFS_TYPE_BF16) {
				if (have && memcmp(first, keys, sizeof(keys)))
					fail("variants differ", &sp, f->name, 0);
				memcpy(first, keys, sizeof(keys));
				have = true;
			}
			if (f->block_group && sp.dim <= f->block_max_dim)
				check_block(&sp, f, q, q_aux, rows, aux, keys);
			codes = vexfs_math_find_codes(drive_variants[v], cpu, sp.type, sp.metric);
			if (codes && vexfs_code_fits(&sp))
				check_codes(&sp, codes, q, q_aux, rows, aux, keys);
			drive_gather(f, &sp, q, q_aux, ptr, aux, ROWS, first);
			if (memcmp(first, keys, sizeof(keys)))
				fail("gather differs", &sp, f->name, 0);
			if (!v && sp.type <= VEXFS_TYPE_BF16)
				have = false;
		}
	}
out:
	free(src);
	free(q);
	free(rows);
	return 0;
}
