// SPDX-License-Identifier: GPL-2.0
/*
 * Runs the arithmetic of the module in userspace. It must do what the glue in
 * the module does, apart from the sections.
 */
#include "drive.h"

#include <cpuid.h>

const struct vexfs_math_variant *const drive_variants[] = {
	&vexfs_math_scalar,
	&vexfs_math_avx2,
	&vexfs_math_avx512,
};

const unsigned int drive_nr_variants = sizeof(drive_variants) / sizeof(drive_variants[0]);

u32 drive_cpu(void)
{
	unsigned int a, b, c, d, c1, xcr0, high;
	u32 cpu = 0;

	if (!__get_cpuid(1, &a, &b, &c1, &d) || !(c1 & bit_OSXSAVE))
		return 0;
	__asm__ volatile("xgetbv" : "=a" (xcr0), "=d" (high) : "c" (0));
	if (!__get_cpuid_count(7, 0, &a, &b, &c, &d))
		return 0;
	if ((xcr0 & 0x06) != 0x06 || !(c1 & bit_FMA) || !(c1 & bit_F16C) || !(b & bit_AVX2))
		return 0;
	cpu |= VEXFS_CPU_AVX2;
	if ((xcr0 & 0xe6) != 0xe6 || !(b & bit_AVX512F) || !(b & bit_AVX512BW) ||
	    !(b & bit_AVX512VL) || !(b & bit_AVX512DQ))
		return cpu;
	cpu |= VEXFS_CPU_AVX512;
	if (c & bit_AVX512VNNI)
		cpu |= VEXFS_CPU_VNNI;
	if (c & bit_AVX512VPOPCNTDQ)
		cpu |= VEXFS_CPU_VPOPCNTDQ;
	return cpu;
}

const char *drive_type_name(u32 type)
{
	static const char *const name[] = { "?", "f32", "f16", "bf16", "i8", "u8", "b1" };

	return name[type <= VEXFS_TYPE_B1 ? type : 0];
}

const char *drive_metric_name(u32 metric)
{
	static const char *const name[] = { "?", "l2", "ip", "cos", "l1", "hamming", "jaccard" };

	return name[metric <= VEXFS_METRIC_JACCARD ? metric : 0];
}

static int import(const struct vexfs_math_conv *conv, const struct vexfs_space *sp, void *row,
		  u32 *aux, const void *src, bool raw, u32 step)
{
	struct vexfs_math_state st = {};
	u32 from, count;
	int err;

	for (from = 0; from < sp->dim; from += count) {
		count = sp->dim - from < step ? sp->dim - from : step;
		err = raw ? conv->from_raw(sp, row, src, from, count, &st) :
			    conv->from_f32(sp, row, src, from, count, &st);
		if (err)
			return err;
	}
	*aux = conv->aux(sp, &st);
	return 0;
}

int drive_import(const struct vexfs_math_conv *conv, const struct vexfs_space *sp, void *row,
		 u32 *aux, const void *src, bool raw)
{
	/* whole rows at a time, where the variant can */
	if (conv->rows)
		return conv->rows(sp, row, aux, src, 0, 1, false) == 1 ? 0 : -EDOM;
	return import(conv, sp, row, aux, src, raw, VEXFS_DIM_MAX);
}

int drive_import_parts(const struct vexfs_math_conv *conv, const struct vexfs_space *sp,
		       void *row, u32 *aux, const void *src, bool raw)
{
	return import(conv, sp, row, aux, src, raw, VEXFS_PART_DIMS);
}

static u32 wide(const struct vexfs_space *sp, const void *q, const void *row)
{
	struct vexfs_math_state st = {};
	u32 from, to;

	for (from = 0; from < sp->stride; from = to) {
		to = sp->stride - from < VEXFS_PART_BYTES ? sp->stride : from + VEXFS_PART_BYTES;
		vexfs_wide_part(sp, q, row, from, to, &st);
	}
	return vexfs_wide_finish(sp, &st);
}

void drive_gather(const struct vexfs_math_ops *form, const struct vexfs_space *sp,
		  const void *q, u32 q_aux, const void *const *rows, const u32 *aux, u32 n,
		  u32 *keys)
{
	u32 i;

	if (!form->gather(sp, q, q_aux, rows, aux, n, keys))
		return;
	for (i = 0; i < n; i++)
		if (keys[i] == VEXFS_KEY_WIDE)
			keys[i] = wide(sp, q, rows[i]);
}

void drive_scan(const struct vexfs_math_ops *form, const struct vexfs_space *sp,
		const void *q, u32 q_aux, const void *rows, const u32 *aux, u32 n, u32 *keys)
{
	u32 i;

	/* near and far in turns: it must make no difference */
	vexfs_scan_far = !vexfs_scan_far;
	if (!form->scan(sp, q, q_aux, rows, aux, n, keys))
		return;
	for (i = 0; i < n; i++)
		if (keys[i] == VEXFS_KEY_WIDE)
			keys[i] = wide(sp, q, (const u8 *)rows + (size_t)i * sp->stride);
}

u32 drive_parts(const struct vexfs_math_ops *form, const struct vexfs_space *sp,
		const void *q, u32 q_aux, const void *row, u32 aux, u32 step)
{
	struct vexfs_math_state st = {};
	u32 from, to, key;

	for (from = 0; from < sp->stride; from = to) {
		to = sp->stride - from < step ? sp->stride : from + step;
		form->part(sp, q, row, from, to, &st);
	}
	key = form->finish(sp, &st, q_aux, aux);
	return key == VEXFS_KEY_WIDE ? wide(sp, q, row) : key;
}
