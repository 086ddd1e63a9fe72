// SPDX-License-Identifier: GPL-2.0
/*
 * A disk as a power cut leaves it: what was flushed is there, and of what was written
 * after the last flush nothing, everything, or some sectors. The log of the writes has
 * the format of dm-log-writes, which QEMU's blklogwrites writes.
 *
 *	disk-cut LOG DISK absent|torn|present SEED
 *
 * DISK is the disk as it was when the log began, and becomes the one after the cut.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAGIC		0x6a736677736872ull
#define SECTOR		512u
#define RUN_MAX		(64u << 20)	/* bytes of one write */
#define ENTRIES_MAX	(16u << 20)

enum { FLUSH = 1, FUA = 2, DISCARD = 4, MARK = 8, METADATA = 16 };

struct super {
	uint64_t magic;
	uint64_t version;
	uint64_t entries;
	uint32_t sector;
} __attribute__((packed));

struct entry {
	uint64_t sector;
	uint64_t sectors;
	uint64_t flags;
	uint64_t data_len;
};

static uint64_t seed;

static uint64_t draw(void)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return seed >> 33;
}

static int fail(const char *what)
{
	fprintf(stderr, "disk-cut: %s: %s\n", what, errno ? strerror(errno) : "is none");
	return 1;
}

/* Reads entry @at; false at the end, which the death of the machine may have torn. */
static bool read_entry(int log, uint64_t at, uint64_t disk_sectors, struct entry *e)
{
	return pread(log, e, sizeof(*e), (off_t)at) == sizeof(*e) &&
	       e->flags <= (FLUSH | FUA | DISCARD | MARK | METADATA) &&
	       (e->sectors <= RUN_MAX / SECTOR || (e->flags & DISCARD)) && e->sector <= disk_sectors &&
	       e->sectors <= disk_sectors - e->sector && (e->sectors || e->flags);
}

static uint64_t entry_bytes(const struct entry *e)
{
	return SECTOR + (e->flags & DISCARD ? 0 : e->sectors * SECTOR);
}

/* @torn: each sector is there or not. */
static int apply(int log, int disk, uint64_t at, const struct entry *e, bool torn)
{
	static uint8_t buf[RUN_MAX];
	size_t len = (size_t)e->sectors * SECTOR;

	/* what was discarded may still be there */
	if ((e->flags & DISCARD) || !len)
		return 0;
	if (pread(log, buf, len, (off_t)(at + SECTOR)) != (ssize_t)len)
		return fail("the log");
	for (size_t i = 0; i < len; i += torn ? SECTOR : len) {
		size_t n = torn ? SECTOR : len;

		if (torn && draw() % 2)
			continue;
		if (pwrite(disk, buf + i, n, (off_t)(e->sector * SECTOR + i)) != (ssize_t)n)
			return fail("the disk");
	}
	return 0;
}

/* Where the entries after the last flush begin. */
static uint64_t last_flush(int log, uint64_t sectors, uint64_t *flushes, uint64_t *writes)
{
	uint64_t at = SECTOR, flushed = SECTOR;
	struct entry e;

	*flushes = *writes = 0;
	while (*writes + *flushes < ENTRIES_MAX && read_entry(log, at, sectors, &e)) {
		at += entry_bytes(&e);
		*writes += !!e.sectors;
		if (e.flags & FLUSH) {
			++*flushes;
			flushed = at;
		}
	}
	return flushed;
}

int main(int argc, char **argv)
{
	uint64_t at = SECTOR, flushed, flushes, writes, sectors, loose = 0;
	bool absent, torn;
	struct super s;
	struct entry e;
	int log, disk, ret = 0;

	absent = argc == 5 && !strcmp(argv[3], "absent");
	torn = argc == 5 && !strcmp(argv[3], "torn");
	if (argc != 5 || (!absent && !torn && strcmp(argv[3], "present"))) {
		fprintf(stderr, "usage: disk-cut LOG DISK absent|torn|present SEED\n");
		return 2;
	}
	seed = strtoull(argv[4], NULL, 0);
	log = open(argv[1], O_RDONLY | O_CLOEXEC);
	disk = open(argv[2], O_RDWR | O_CLOEXEC);
	if (log < 0 || disk < 0)
		return fail(log < 0 ? argv[1] : argv[2]);
	errno = 0;
	if (pread(log, &s, sizeof(s), 0) != sizeof(s) || s.magic != MAGIC || s.sector != SECTOR)
		return fail("a log of writes in sectors of 512 bytes");
	sectors = (uint64_t)lseek(disk, 0, SEEK_END) / SECTOR;
	flushed = last_flush(log, sectors, &flushes, &writes);
	while (!ret && read_entry(log, at, sectors, &e)) {
		bool safe = at < flushed || (e.flags & FUA);

		loose += !safe && e.sectors;
		/* of the writes that are torn, some are not there at all and some are whole */
		if (safe || (!absent && (!torn || draw() % 3)))
			ret = apply(log, disk, at, &e, torn && !safe && draw() % 2);
		at += entry_bytes(&e);
	}
	if (!ret && fsync(disk))
		ret = fail(argv[2]);
	printf("%" PRIu64 " writes, %" PRIu64 " flushes, %" PRIu64 " writes not flushed (%s)\n", writes,
	       flushes, loose, argv[3]);
	return ret;
}
