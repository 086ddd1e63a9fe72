// SPDX-License-Identifier: GPL-2.0
/* The header that begins every file: its kind, machine and version. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "private.h"

int store_fail(struct store_error *err, int code, const char *fmt, ...)
{
	va_list args;

	if (err) {
		err->code = code < 0 ? -code : code;
		va_start(args, fmt);
		vsnprintf(err->text, sizeof(err->text), fmt, args);
		va_end(args);
	}
	return code < 0 ? code : -code;
}

void begin_make(struct disk_begin *b, const char *magic)
{
	memset(b, 0, sizeof(*b));
	memcpy(b->magic, magic, sizeof(b->magic));
	b->mark = STORE_MARK;
	b->version = STORE_VERSION;
}

int begin_check(const struct disk_begin *b, const char *magic, uint32_t crc, bool write,
		const char *name, struct store_error *err)
{
	if (memcmp(b->magic, magic, sizeof(b->magic)))
		return store_fail(err, EUCLEAN, "%s does not begin as such a file does", name);
	if (b->mark == __builtin_bswap32(STORE_MARK))
		return store_fail(err, ENOTSUP,
				  "%s was written by a machine of the other byte order", name);
	if (b->mark != STORE_MARK)
		return store_fail(err, EUCLEAN, "%s: the byte order mark is damaged", name);
	if (b->crc != crc)
		return store_fail(err, EUCLEAN, "%s: the checksum is wrong", name);
	/* Only after the checksum: a flipped bit must not look like a new version. */
	if (b->version > STORE_VERSION)
		return store_fail(err, ENOTSUP,
				  "%s is of format version %u; this build knows versions up to %u",
				  name, b->version, STORE_VERSION);
	if (!b->version)
		return store_fail(err, EUCLEAN, "%s: version 0 does not exist", name);
	if (b->incompat & ~STORE_INCOMPAT_KNOWN)
		return store_fail(err, ENOTSUP, "%s uses features (%#x) that this build does not know",
				  name, b->incompat & ~STORE_INCOMPAT_KNOWN);
	if (write && (b->ro_compat & ~STORE_RO_COMPAT_KNOWN))
		return store_fail(err, ENOTSUP,
				  "%s uses features (%#x) with which this build can read it only",
				  name, b->ro_compat & ~STORE_RO_COMPAT_KNOWN);
	return 0;
}
