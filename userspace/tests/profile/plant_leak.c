// SPDX-License-Identifier: GPL-2.0
/* A planted leak of 4,096 bytes and a planted stack of 1 MiB, for the test of the profiler. */
#include <stdlib.h>
#include <string.h>

static void *volatile lost;

static __attribute__((noinline)) int deep(void)
{
	volatile char frame[1 << 20];

	memset((void *)frame, 1, sizeof(frame));
	return frame[4096];
}

int main(void)
{
	lost = malloc(4096);
	lost = NULL;
	return deep() - 1;
}
