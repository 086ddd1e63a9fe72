// SPDX-License-Identifier: GPL-2.0
/*
 * Damaged and foreign stores: every bit of every file flipped, every file cut short,
 * newer versions, unknown features, the other byte order, files that are missing. What is
 * damaged is reported; no wrong byte is returned. Also stores that older builds wrote.
 *
 *	format			the tests; KEPT names the folder of the kept stores
 *	format --make FOLDER	a store as this build writes it, to be kept
 *	format --seeds FOLDER	the same as inputs of the fuzzer
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "crc32c.h"
#include "format.h"
#include "model.h"
#include "tap.h"

static const enum step history[] = {
	STEP_PUT_A, STEP_PUT_B, STEP_COMMIT, STEP_META, STEP_PUT_B, STEP_COMMIT, STEP_COMPACT,
	STEP_DELETE_A, STEP_PUT_B, STEP_COMMIT, STEP_GRAPH, STEP_PUT_A, STEP_COMMIT, STEP_REOPEN,
};

/* Deterministic. */
static void make(struct model *m, struct memdisk *d)
{
	int ret = model_start(m, d, 200, 700, 5);

	for (size_t i = 0; !ret && i < sizeof(history) / sizeof(*history); i++)
		ret = model_step(m, history[i]);
	/* Closed cleanly: the list names all files, so damage cannot look like a power cut. */
	if (!ret)
		ret = store_coll_close(m->c);
	m->c = NULL;
	if (ret) {
		fprintf(stderr, "a store cannot be made: %s\n", m->err.text);
		exit(1);
	}
}

static struct memdisk *copy_of(const struct model *m)
{
	return memdisk_cut(m->disk, memdisk_events(m->disk), CUT_PRESENT, 1);
}

/* True when the checker or store_open() reports damage. */
static bool says(struct memdisk *d)
{
	struct store_opts opts = { .read_only = true };
	struct store_check check = { 0 };
	struct store_error err = { 0 };
	struct store *s;
	bool said = store_open(memdisk_io(d), &opts, &s, &err) != 0;
	size_t n;

	if (said)
		return true;
	said = store_check(s, &check, &err) || check.bad;
	store_keys(s, &n);
	store_close(s);
	return said || n != 1;
}

static void flips(const struct model *m)
{
	struct memdisk *d = copy_of(m);
	unsigned int flipped = 0, quiet = 0, bad = 0;
	const char *name;
	uint8_t *data;
	size_t len;

	for (size_t i = 0; (data = memdisk_file(d, i, &name, &len)); i++)
		for (size_t at = 0; at < len; at++) {
			data[at] ^= (uint8_t)(1u << at % 8);
			flipped++;
			if (!says(d)) {
				/* Padding and the like: then all data must be unchanged. */
				struct memdisk *again = memdisk_cut(m->disk, memdisk_events(m->disk),
								    CUT_PRESENT, 1);
				const char *other, *wrong;
				uint8_t *to;
				size_t n;

				for (size_t k = 0; (to = memdisk_file(again, k, &other, &n)); k++)
					if (!strcmp(other, name))
						to[at] = data[at];
				wrong = model_check(m, again, memdisk_events(m->disk));
				if (wrong && bad++ < 5)
					printf("# %s, byte %zu: %s\n", name, at, wrong);
				quiet++;
				memdisk_free(again);
			}
			data[at] ^= (uint8_t)(1u << at % 8);
		}
	ok(flipped > 3000 && !bad, "%u flipped bits: %u reported, %u without effect, %u wrong",
	   flipped, flipped - quiet, quiet - bad, bad);
	memdisk_free(d);
}

static void cuts(const struct model *m)
{
	unsigned int shortened = 0, quiet = 0;
	const char *name;
	size_t len;

	for (size_t i = 0;; i++) {
		struct memdisk *d = copy_of(m);
		uint8_t *data = memdisk_file(d, i, &name, &len);

		for (size_t n = 0; data && n < len; n += 1 + n / 16) {
			struct memdisk *cut = copy_of(m);

			memdisk_put(cut, name, data, n);
			shortened++;
			if (!says(cut) && quiet++ < 5)
				printf("# %s, cut to %zu bytes: not reported\n", name, n);
			memdisk_free(cut);
		}
		memdisk_free(d);
		if (!data)
			break;
	}
	ok(shortened > 200 && !quiet, "%u truncated files, %u not reported", shortened, quiet);
}

static void missing(const struct model *m)
{
	unsigned int quiet = 0, n = 0;
	const char *name;
	size_t len;

	for (size_t i = 0;; i++) {
		struct memdisk *d = copy_of(m);

		if (!memdisk_file(d, i, &name, &len)) {
			memdisk_free(d);
			break;
		}
		memdisk_io(d)->ops->unlink(memdisk_io(d), name);
		n++;
		quiet += !says(d);
		memdisk_free(d);
	}
	ok(n > 4 && !quiet, "%u missing files, %u not reported", n, quiet);
}

/* Edits the beginning of STORE and gives it a right checksum again. */
static int edited(const struct model *m, void (*edit)(struct disk_begin *b), bool read_only,
		  struct store_error *err)
{
	struct memdisk *d = copy_of(m);
	struct store_opts opts = { .read_only = read_only };
	const char *name;
	struct store *s;
	uint8_t *data;
	size_t len;
	int ret;

	for (size_t i = 0; (data = memdisk_file(d, i, &name, &len)); i++)
		if (!strcmp(name, "STORE")) {
			struct disk_super *super = (struct disk_super *)data;

			edit(&super->begin);
			super->begin.crc = 0;
			super->begin.crc = crc32c(0, super, sizeof(*super));
		}
	ret = store_open(memdisk_io(d), &opts, &s, err);
	if (!ret)
		store_close(s);
	memdisk_free(d);
	return ret;
}

static void newer(struct disk_begin *b)
{
	b->version = STORE_VERSION + 1;
}

static void incompat(struct disk_begin *b)
{
	b->incompat = 1u << 30;
}

static void ro_compat(struct disk_begin *b)
{
	b->ro_compat = 1u << 30;
}

static void compat(struct disk_begin *b)
{
	b->compat = 1u << 30;
}

static void other_order(struct disk_begin *b)
{
	b->mark = __builtin_bswap32(b->mark);
}

static void foreign(const struct model *m)
{
	struct store_error err;

	ok(edited(m, newer, true, &err) == -ENOTSUP && strstr(err.text, "version 2"),
	   "a store of a newer version is refused: %s", err.text);
	ok(edited(m, incompat, true, &err) == -ENOTSUP,
	   "an unknown incompatible feature is refused: %s", err.text);
	ok(edited(m, ro_compat, false, &err) == -ENOTSUP,
	   "an unknown feature that forbids writing is refused for writing: %s", err.text);
	ok(!edited(m, ro_compat, true, &err),
	   "an unknown feature that forbids writing allows reading");
	ok(!edited(m, compat, false, &err), "an unknown compatible feature is accepted");
	ok(edited(m, other_order, true, &err) == -ENOTSUP && strstr(err.text, "byte order"),
	   "a store of the other byte order is refused: %s", err.text);
}

/* ---- stores on the machine's disk ---- */

static struct memdisk *load(const char *path)
{
	struct memdisk *d = memdisk_new(1);
	static uint8_t data[1 << 20];
	DIR *dir = opendir(path);
	struct dirent *e;
	char file[1300];

	while (dir && (e = readdir(dir))) {
		FILE *f;

		if (e->d_name[0] == '.')
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, e->d_name);
		f = fopen(file, "re");
		if (!f)
			continue;
		memdisk_put(d, e->d_name, data, fread(data, 1, sizeof(data), f));
		fclose(f);
	}
	if (dir)
		closedir(dir);
	return d;
}

static int write_file(const char *path, const char *name, const uint8_t *const parts[],
		      const size_t lens[], size_t n)
{
	char file[1300];
	bool good;
	FILE *f;

	mkdir(path, 0755);
	snprintf(file, sizeof(file), "%s/%s", path, name);
	f = fopen(file, "we");
	good = f;
	for (size_t i = 0; good && i < n; i++)
		good = fwrite(parts[i], 1, lens[i], f) == lens[i];
	if (f)
		good &= !fclose(f);
	return good ? 0 : 1;
}

static int keep(const char *path)
{
	struct memdisk *d = memdisk_new(11);
	const uint8_t *data;
	const char *name;
	struct model m;
	size_t len;
	int ret = 0;

	make(&m, d);
	for (size_t i = 0; (data = memdisk_file(d, i, &name, &len)); i++)
		ret |= write_file(path, name, &data, &len, 1);
	model_end(&m);
	memdisk_free(d);
	return ret;
}

/* Each segment with the list, as fuzz.c reads them. */
static int seeds(const char *path)
{
	struct memdisk *d = memdisk_new(11);
	uint8_t begin[3] = { 1 };
	const uint8_t *parts[3] = { begin };
	size_t lens[3] = { sizeof(begin) };
	const char *name;
	struct model m;
	int ret = 0;

	make(&m, d);
	for (size_t i = 0; (parts[1] = memdisk_file(d, i, &name, &lens[1])); i++)
		if (strstr(name, ".head"))
			break;
	begin[1] = (uint8_t)lens[1];
	begin[2] = (uint8_t)(lens[1] >> 8);
	for (size_t i = 0; (parts[2] = memdisk_file(d, i, &name, &lens[2])); i++)
		if (strstr(name, ".seg"))
			ret |= write_file(path, name, parts, lens, 3);
	model_end(&m);
	memdisk_free(d);
	return ret;
}

static void kept(const char *folder)
{
	struct memdisk *d = memdisk_new(11);
	struct model m;
	char path[1000];
	unsigned int n = 0;

	make(&m, d);
	for (unsigned int v = 1; v <= STORE_VERSION; v++) {
		struct memdisk *old;
		const char *wrong;

		snprintf(path, sizeof(path), "%s/v%u", folder, v);
		old = load(path);
		wrong = model_check(&m, old, memdisk_events(d));
		ok(!wrong, "a store of version %u: %s", v, wrong ? wrong : "complete");
		memdisk_free(old);
		n++;
	}
	ok(n == STORE_VERSION, "a store of each format version is in the tree");
	model_end(&m);
	memdisk_free(d);
}

static void checksums(void)
{
	static const char check[] = "123456789";
	uint8_t data[300];
	bool same = true;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 37);
	for (size_t n = 0; n < sizeof(data); n++)
		same &= crc32c(7, data, n) == crc32c_table(7, data, n);
	ok(crc32c(0, check, 9) == 0xe3069283u && same,
	   "crc32c has the same value with and without the instruction");
}

int main(int argc, char **argv)
{
	struct memdisk *d;
	struct model m;

	if (argc == 3 && !strcmp(argv[1], "--make"))
		return keep(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "--seeds"))
		return seeds(argv[2]);
	d = memdisk_new(11);
	checksums();
	make(&m, d);
	flips(&m);
	cuts(&m);
	missing(&m);
	foreign(&m);
	model_end(&m);
	memdisk_free(d);
	kept(argc > 1 ? argv[1] : "userspace/tests/store/kept");
	return done();
}
