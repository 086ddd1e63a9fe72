// SPDX-License-Identifier: GPL-2.0
/*
 * The same random ops on a directory of a mount and on one of tmpfs: each must end with the
 * same result and errno, leave the same names, sizes and bytes, and what a descriptor reads
 * must be the same. Differences that docs/mount.md promises are ruled out by what is drawn
 * (rows are written whole, names are ids), or listed in allowed().
 *
 * usage: mount_compare MOUNTED REFERENCE ROW-BYTES OPS SEED. Row-bytes 0: an overlay, whose
 * files may have any length. Prints TAP.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/fs.h>

#include "../libvexstat/rng.h"

#define NAMES	24
#define FDS	8
#define BYTES	4096

enum { US, REF };

static int root[2];
static int fds[FDS][2];
static size_t row;
static struct vs_rng rng;
static unsigned long at, failures;
static char what[200];

static uint64_t below(uint64_t n)
{
	return vs_rng_below(&rng, n);
}

static void differ(const char *fmt, ...)
{
	va_list ap;

	if (failures++ > 9)
		return;
	printf("# op %lu, %s: ", at, what);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

/* Results of both sides: values above -1 and errnos. */
static void same(long us, int us_err, long ref, int ref_err)
{
	if (us != ref)
		differ("we say %ld (%s), tmpfs %ld (%s)", us, us < 0 ? strerror(us_err) : "", ref,
		       ref < 0 ? strerror(ref_err) : "");
	else if (us < 0 && us_err != ref_err)
		differ("we say %s, tmpfs %s", strerror(us_err), strerror(ref_err));
}

#define BOTH(call)							\
	do {								\
		long r_[2];						\
		int e_[2], s;						\
									\
		for (s = US; s <= REF; s++) {				\
			errno = 0;					\
			r_[s] = (call);					\
			e_[s] = errno;					\
		}							\
		same(r_[US], e_[US], r_[REF], e_[REF]);			\
	} while (0)

static const char *name(void)
{
	static char buf[4][32];
	static unsigned int turn;
	char *b = buf[turn++ % 4];

	/* Temporary names, too; an overlay has directories as well. */
	if (!below(8))
		snprintf(b, 32, ".t%d", (int)below(3));
	else
		snprintf(b, 32, "%d", (int)below(NAMES) * 7);
	return b;
}

static void fill(unsigned char *buf, size_t n)
{
	size_t i;

	/* Small whole numbers as floats: never a NaN. */
	for (i = 0; i < n; i += 4) {
		float f = (float)below(1000);

		memcpy(buf + i, &f, n - i < 4 ? n - i : 4);
	}
}

/* A whole file at once, as cp does it. */
static long write_file(int dir, const char *n, int flags, const unsigned char *buf, size_t len)
{
	int fd = openat(dir, n, O_WRONLY | O_CREAT | flags, 0644), err = 0;
	ssize_t done;

	if (fd < 0)
		return -1;
	done = write(fd, buf, len);
	if (done < 0)
		err = errno;
	if (close(fd) && !err)
		err = errno;
	errno = err;
	return err ? -1 : done;
}

static long read_file(int dir, const char *n, unsigned char *buf)
{
	int fd = openat(dir, n, O_RDONLY);
	long done;

	if (fd < 0)
		return -1;
	memset(buf, 0, BYTES);
	done = read(fd, buf, BYTES);
	close(fd);
	return done;
}

static long size_of(int dir, const char *n)
{
	struct stat st;

	return fstatat(dir, n, &st, AT_SYMLINK_NOFOLLOW) ? -1 :
	       S_ISDIR(st.st_mode) ? 1L << 40 : (long)st.st_size + ((long)st.st_nlink << 32);
}

static void op_write(void)
{
	static const int flags[] = { 0, O_TRUNC, O_EXCL, O_TRUNC | O_EXCL };
	unsigned char buf[BYTES];
	const char *n = name();
	size_t len = row ? row : below(BYTES);
	int f = flags[below(4)];

	fill(buf, len);
	snprintf(what, sizeof(what), "write %zu bytes to %s with %x", len, n, f);
	BOTH(write_file(root[s], n, f, buf, len));
}

static void op_read(void)
{
	unsigned char buf[2][BYTES];
	const char *n = name();

	snprintf(what, sizeof(what), "read %s", n);
	memset(buf, 0, sizeof(buf));
	BOTH(read_file(root[s], n, buf[s]));
	if (memcmp(buf[US], buf[REF], BYTES))
		differ("other bytes");
}

static void op_stat(void)
{
	const char *n = name();

	snprintf(what, sizeof(what), "stat %s", n);
	BOTH(size_of(root[s], n));
}

static void op_unlink(void)
{
	const char *n = name();

	snprintf(what, sizeof(what), "unlink %s", n);
	BOTH(unlinkat(root[s], n, 0));
}

static void op_rename(void)
{
	static const unsigned int flags[] = { 0, 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE };
	const char *from = name(), *to = name();
	unsigned int f = flags[below(5)];

	/* A vector stays one, and temporary files are not exchanged: docs/mount.md. */
	if (row && ((*to == '.' && *from != '.') ||
		    (f == RENAME_EXCHANGE && (*to == '.' || *from == '.'))))
		return;
	snprintf(what, sizeof(what), "rename %s to %s with %u", from, to, f);
	BOTH(renameat2(root[s], from, root[s], to, f));
}

static void op_open(void)
{
	static const int flags[] = { O_RDONLY, O_RDWR, O_RDWR | O_APPEND };
	unsigned int i = (unsigned int)below(FDS);
	const char *n = name();
	int f = flags[below(row ? 2 : 3)];

	snprintf(what, sizeof(what), "open %s as %u with %x", n, i, f);
	if (fds[i][US] >= 0)
		BOTH(close(fds[i][s]));
	BOTH((fds[i][s] = openat(root[s], n, f)) < 0 ? -1 : 0);
}

static void op_fd(void)
{
	unsigned int i = (unsigned int)below(FDS);
	unsigned char buf[2][BYTES];
	size_t most = row ? row : BYTES, from = below(most), len = below(most - from) + 1;
	struct stat st;

	if (fds[i][US] < 0 || fds[i][REF] < 0)
		return;
	memset(buf, 0, sizeof(buf));
	switch (below(4)) {
	case 0:
		/* Whole components, so that none becomes a NaN. */
		from &= ~3ul;
		len = row && from + len > row ? row - from : (len + 3) & ~3ul;
		if (row && from + len > row)
			len = row - from;
		fill(buf[0], len);
		snprintf(what, sizeof(what), "pwrite %zu at %zu to descriptor %u", len, from, i);
		BOTH(pwrite(fds[i][s], buf[0], len, (off_t)from));
		break;
	case 1:
		snprintf(what, sizeof(what), "pread %zu at %zu of descriptor %u", len, from, i);
		BOTH(pread(fds[i][s], buf[s], len, (off_t)from));
		if (memcmp(buf[US], buf[REF], BYTES))
			differ("other bytes");
		break;
	case 2:
		snprintf(what, sizeof(what), "fstat of descriptor %u", i);
		BOTH(fstat(fds[i][s], &st) ? -1 : (long)st.st_size + ((long)st.st_nlink << 32));
		break;
	default:
		snprintf(what, sizeof(what), "fsync of descriptor %u", i);
		BOTH(fsync(fds[i][s]));
	}
}

static void op_truncate(void)
{
	unsigned int i = (unsigned int)below(FDS);
	off_t len = (off_t)below(BYTES);

	/* A vector has one length. */
	if (row || fds[i][US] < 0 || fds[i][REF] < 0)
		return;
	snprintf(what, sizeof(what), "ftruncate of descriptor %u to %ld", i, (long)len);
	BOTH(ftruncate(fds[i][s], len));
}

static void op_refused(void)
{
	const char *n = name();

	/* In a collection these are EPERM on purpose. */
	if (row)
		return;
	switch (below(4)) {
	case 0:
		snprintf(what, sizeof(what), "mkdir %s", n);
		BOTH(mkdirat(root[s], n, 0755));
		break;
	case 1:
		snprintf(what, sizeof(what), "rmdir %s", n);
		BOTH(unlinkat(root[s], n, AT_REMOVEDIR));
		break;
	case 2: {
		const char *to = name();

		snprintf(what, sizeof(what), "link %s to %s", n, to);
		BOTH(linkat(root[s], n, root[s], to, 0));
		break;
	}
	default:
		snprintf(what, sizeof(what), "mknod %s", n);
		BOTH(mknodat(root[s], n, S_IFREG | 0644, 0));
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t names_of(int dir, char **list, size_t room)
{
	DIR *d = fdopendir(openat(dir, ".", O_RDONLY | O_DIRECTORY));
	struct dirent *e;
	size_t n = 0;

	while (d && n < room && (e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			list[n++] = strdup(e->d_name);
	if (d)
		closedir(d);
	qsort(list, n, sizeof(*list), by_name);
	return n;
}

static void op_list(void)
{
	char *list[2][2 * NAMES];
	size_t n[2], i;
	int s;

	snprintf(what, sizeof(what), "list");
	for (s = US; s <= REF; s++)
		n[s] = names_of(root[s], list[s], 2 * NAMES);
	if (n[US] != n[REF])
		differ("%zu names, tmpfs has %zu", n[US], n[REF]);
	for (i = 0; i < n[US] && i < n[REF]; i++)
		if (strcmp(list[US][i], list[REF][i])) {
			differ("%s where tmpfs has %s", list[US][i], list[REF][i]);
			break;
		}
	for (s = US; s <= REF; s++)
		for (i = 0; i < n[s]; i++)
			free(list[s][i]);
}

int main(int argc, char **argv)
{
	static void (*const ops[])(void) = {
		op_write, op_write, op_write, op_write, op_read, op_read, op_read, op_stat, op_stat,
		op_unlink, op_unlink, op_rename, op_rename, op_rename, op_open, op_fd, op_fd, op_fd, op_fd,
		op_truncate, op_refused, op_list,
	};
	unsigned long n;
	int i;

	if (argc != 6) {
		fprintf(stderr, "usage: mount_compare MOUNTED REFERENCE ROW-BYTES OPS SEED\n");
		return 2;
	}
	for (i = 0; i < 2; i++)
		root[i] = open(argv[1 + i], O_RDONLY | O_DIRECTORY);
	row = strtoul(argv[3], NULL, 10);
	n = strtoul(argv[4], NULL, 10);
	vs_rng_seed(&rng, strtoul(argv[5], NULL, 10));
	if (root[US] < 0 || root[REF] < 0 || row > BYTES)
		return 2;
	for (i = 0; i < FDS; i++)
		fds[i][US] = fds[i][REF] = -1;
	for (at = 0; at < n; at++)
		ops[below(sizeof(ops) / sizeof(ops[0]))]();
	op_list();
	printf("%s 1 - %lu ops with the results of tmpfs, seed %s\n1..1\n", failures ? "not ok" : "ok",
	       n, argv[5]);
	return failures != 0;
}
