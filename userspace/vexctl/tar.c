// SPDX-License-Identifier: GPL-2.0
#include "tar.h"

#include <string.h>

#define BLOCK	512

/* The header of ustar: text, numbers in octal. */
struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type, link[100];
	char magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], pad[12];
};

_Static_assert(sizeof(struct header) == BLOCK, "the header of a tar file is a block");

int tar_add(FILE *f, const char *name, const void *data, size_t size, time_t t)
{
	static const char zero[BLOCK];
	struct header h = { .type = '0', .magic = "ustar", .version = { '0', '0' } };
	const unsigned char *p = (const unsigned char *)&h;
	unsigned int sum = 0;
	size_t i, rest = (BLOCK - size % BLOCK) % BLOCK;

	if (strlen(name) >= sizeof(h.name) || size >= 1ull << 33)
		return -1;
	memcpy(h.name, name, strlen(name));
	snprintf(h.mode, sizeof(h.mode), "%07o", 0600);
	snprintf(h.uid, sizeof(h.uid), "%07o", 0);
	snprintf(h.gid, sizeof(h.gid), "%07o", 0);
	snprintf(h.size, sizeof(h.size), "%011llo", (unsigned long long)size);
	snprintf(h.mtime, sizeof(h.mtime), "%011llo", t > 0 ? (unsigned long long)t & 077777777777ull : 0);
	/* the sum counts its own field as blanks */
	memset(h.sum, ' ', sizeof(h.sum));
	for (i = 0; i < BLOCK; i++)
		sum += p[i];
	snprintf(h.sum, sizeof(h.sum), "%06o", sum);
	return fwrite(&h, BLOCK, 1, f) == 1 && fwrite(data, 1, size, f) == size &&
	       fwrite(zero, 1, rest, f) == rest ? 0 : -1;
}

int tar_end(FILE *f)
{
	static const char zero[2 * BLOCK];

	return fwrite(zero, sizeof(zero), 1, f) == 1 ? 0 : -1;
}
