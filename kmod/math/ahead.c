// SPDX-License-Identifier: GPL-2.0
/*
 * How far ahead a scan asks for memory, and how much of a row a walk does. What is best differs between processors by
 * half of the speed, and cannot be found out when the module is loaded, for that
 * takes more memory than any cache has; so it is known by name.
 */
#include "variant.h"

bool vexfs_scan_far;

#ifdef __x86_64__
struct regs {
	u32 a, b, c, d;
};

static struct regs cpuid(u32 leaf)
{
	struct regs r = { .a = leaf };

	asm volatile("cpuid" : "+a" (r.a), "=b" (r.b), "+c" (r.c), "=d" (r.d));
	return r;
}

/*
 * AMD's family 1ah, Zen 5: its first level has 48 KiB, and a scan of rows in memory
 * reaches 1.3 to 1.6 times what it does when it asks near. Zen 4 wants near.
 */
void vexfs_scan_tune(void)
{
	struct regs v = cpuid(0), f = cpuid(1);
	u32 family = (f.a >> 8 & 0xf) + (f.a >> 20 & 0xff);

	/* "AuthenticAMD" */
	vexfs_scan_far = v.b == 0x68747541 && v.d == 0x69746e65 && v.c == 0x444d4163 &&
			 family >= 0x1a;
}
#else
void vexfs_scan_tune(void)
{
}
#endif

#define SHORT_ROW	256u
#define LONG_ROW	1024u
#define ROW_AHEAD_MAX	4096u

/*
 * Zen 5 asks for the rest of a long row by itself, as soon as it is read, and is held
 * up when all of a list's are asked for as a whole: 1.2 times the searches over rows of
 * 3 KiB. Zen 4 was faster when they were.
 */
u32 vexfs_math_row_ahead(const struct vexfs_space *sp)
{
	if (vexfs_scan_far && sp->stride > LONG_ROW)
		return SHORT_ROW;
	return sp->stride < ROW_AHEAD_MAX ? sp->stride : ROW_AHEAD_MAX;
}

bool vexfs_math_rows_later(const struct vexfs_space *sp)
{
	return vexfs_scan_far && sp->stride > SHORT_ROW;
}
