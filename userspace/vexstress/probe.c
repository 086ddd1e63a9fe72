// SPDX-License-Identifier: GPL-2.0
/* Is the machine there all the time? */
#include "vexstress.h"

double vx_probe_machine(double seconds)
{
	uint64_t begin = vs_ticks(), end = begin + vs_to_ticks(seconds * 1e9);
	uint64_t limit = vs_to_ticks(VX_UNAVAILABLE_NS), last = begin, now = begin, lost = 0;

	while (now < end) {
		now = vs_ticks();
		if (now - last > limit)
			lost += now - last;
		last = now;
	}
	return now > begin ? (double)lost / (double)(now - begin) : 0;
}
