// SPDX-License-Identifier: GPL-2.0
/*
 * vexfs-embed: vectors of text over a line protocol. The first line of output is JSON
 * that describes the embedder. Each line of input is an item or an array of items, and
 * each item is answered by one line. See docs/embedding.md.
 */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embed.h"
#include "parse.h"

#define LINE_MAX_BYTES	(64u << 20)
#define ANSWER_BYTES	(64u << 10)	/* what a pipe takes */

static struct {
	const char *method;
	const char *vectors;
	const char *idf_path;
	const char *learn;
	uint64_t dim;
	bool packed;
} set = { .method = "ngram", .dim = 512 };

static struct idf *idf;
static struct wordvec *wordvec;
static struct words *words;
static float *vector;

static const char usage[] =
"usage: vexfs-embed [options]\n"
"       vexfs-embed --learn FILE < items\n"
"\n"
"Reads items, one JSON object or array of objects per line: {\"id\": 1, \"text\": \"...\"} or\n"
"{\"id\": 1, \"path\": \"/file\"}; writes {\"id\": 1, \"vector\": [...]} or {\"id\": 1,\n"
"\"error\": \"...\"} for each. The first line describes the vectors.\n"
"\n"
"  --method ngram     hashed words and n-grams of characters (the default)\n"
"  --method words     averages of word vectors, weighted by rarity\n"
"  --vectors FILE     NAME.fbin with NAME.words beside it, for --method words\n"
"  --dim N            components, for --method ngram (512)\n"
"  --idf FILE         document frequencies that --learn has counted (ngram)\n"
"  --learn FILE       count the words of the items instead, and write FILE at the end\n"
"  --packed           vectors as base64 of little-endian f32: {\"id\": 1, \"f32\": \"...\"}\n"
"  -h, --help         this text\n"
"  -V, --version      the version\n";

static void say(const char *what)
{
	fprintf(stderr, "vexfs-embed: %s\n", what);
}

static int read_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "method", required_argument, NULL, 'm' }, { "vectors", required_argument, NULL, 'v' },
		{ "dim", required_argument, NULL, 'd' }, { "idf", required_argument, NULL, 'i' },
		{ "learn", required_argument, NULL, 'l' }, { "packed", no_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "hV", options, NULL)) != -1) {
		switch (c) {
		case 'm':
			set.method = optarg;
			break;
		case 'v':
			set.vectors = optarg;
			break;
		case 'd':
			if (!parse_u64(optarg, &set.dim) || set.dim < 8 || set.dim > 65536) {
				say("--dim takes a number from 8 to 65536");
				return 2;
			}
			break;
		case 'i':
			set.idf_path = optarg;
			break;
		case 'l':
			set.learn = optarg;
			break;
		case 'p':
			set.packed = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		case 'V':
			printf("vexfs-embed %s\n", VEXFS_VERSION);
			return 0;
		default:
			return 2;
		}
	}
	if (optind < argc || (strcmp(set.method, "ngram") && strcmp(set.method, "words")) ||
	    (!strcmp(set.method, "words") && !set.vectors && !set.learn)) {
		fputs(usage, stderr);
		return 2;
	}
	return -1;
}

static int prepare(void)
{
	char why[512];

	words = words_new();
	if (set.learn) {
		idf = idf_new();
		return words && idf ? 0 : 1;
	}
	if (set.idf_path) {
		idf = idf_load(set.idf_path, why, sizeof(why));
		if (!idf) {
			say(why);
			return 1;
		}
	}
	if (!strcmp(set.method, "words")) {
		wordvec = wordvec_load(set.vectors, why, sizeof(why));
		if (!wordvec) {
			say(why);
			return 1;
		}
		set.dim = wordvec_dim(wordvec);
	}
	vector = malloc(set.dim * sizeof(*vector));
	if (!words || !vector) {
		say("no memory");
		return 1;
	}
	return 0;
}

/* ---- answers ---- */

static void print_packed(void)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = (const unsigned char *)vector;
	size_t n = set.dim * sizeof(*vector), i;

	fputs("\"f32\": \"", stdout);
	for (i = 0; i + 2 < n; i += 3) {
		putchar_unlocked(digits[p[i] >> 2]);
		putchar_unlocked(digits[(p[i] & 3) << 4 | p[i + 1] >> 4]);
		putchar_unlocked(digits[(p[i + 1] & 15) << 2 | p[i + 2] >> 6]);
		putchar_unlocked(digits[p[i + 2] & 63]);
	}
	if (i < n) {
		unsigned int second = i + 1 < n ? p[i + 1] : 0;

		putchar_unlocked(digits[p[i] >> 2]);
		putchar_unlocked(digits[(p[i] & 3) << 4 | second >> 4]);
		putchar_unlocked(i + 1 < n ? digits[(second & 15) << 2] : '=');
		putchar_unlocked('=');
	}
	fputs("\"}\n", stdout);
}

static void print_vector(void)
{
	uint64_t i;

	fputs("\"vector\": [", stdout);
	for (i = 0; i < set.dim; i++)
		printf(i ? ",%.7g" : "%.7g", (double)vector[i]);
	fputs("]}\n", stdout);
}

/* The id is returned unchanged. */
static void print_id(const json_t *item)
{
	const json_t *id = json_object_get(item, "id");
	char *text = id ? json_dumps(id, JSON_ENCODE_ANY | JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;

	printf("{\"id\": %s, ", text ? text : "null");
	free(text);
}

static void fail(const json_t *item, const char *why)
{
	json_t *text = json_string(why);
	char *quoted = text ? json_dumps(text, JSON_ENCODE_ANY | JSON_ENSURE_ASCII) : NULL;

	print_id(item);
	printf("\"error\": %s}\n", quoted ? quoted : "\"it cannot be said\"");
	free(quoted);
	json_decref(text);
}

static void embed(const json_t *item, const char *text, size_t len)
{
	/* Text with NUL bytes is binary. */
	if (memchr(text, 0, len < 4096 ? len : 4096)) {
		fail(item, "not a text");
		return;
	}
	words_read(words, text, len);
	if (set.learn) {
		idf_learn(idf, words);
		return;
	}
	if (!words->n) {
		fail(item, "no words");
		return;
	}
	if (wordvec)
		wordvec_embed(wordvec, words, vector);
	else
		ngram_embed(idf, words, vector, (uint32_t)set.dim);
	print_id(item);
	if (set.packed)
		print_packed();
	else
		print_vector();
}

static void embed_file(const json_t *item, const char *path)
{
	static char text[EMBED_TEXT_MAX];
	FILE *f = fopen(path, "re");
	size_t n;

	if (!f) {
		fail(item, strerror(errno));
		return;
	}
	n = fread(text, 1, sizeof(text), f);
	if (ferror(f))
		fail(item, strerror(errno));
	else
		embed(item, text, n);
	fclose(f);
}

static void serve_item(const json_t *item)
{
	const json_t *text = json_object_get(item, "text"), *path = json_object_get(item, "path");

	if (json_is_string(text))
		embed(item, json_string_value(text), json_string_length(text));
	else if (json_is_string(path))
		embed_file(item, json_string_value(path));
	else
		fail(item, "an item has a text or a path");
}

static void serve_line(const char *line, size_t len)
{
	json_error_t err;
	json_t *tree = json_loadb(line, len, JSON_ALLOW_NUL, &err), *item;
	size_t i;

	if (!tree) {
		fail(NULL, err.text);
	} else if (json_is_array(tree)) {
		json_array_foreach(tree, i, item)
			serve_item(item);
	} else {
		serve_item(tree);
	}
	json_decref(tree);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t len;
	int ret = read_options(argc, argv);

	if (ret >= 0)
		return ret;
	ret = prepare();
	if (ret)
		return ret;
	setvbuf(stdout, NULL, _IOFBF, ANSWER_BYTES);
	if (!set.learn) {
		printf("{\"embedder\": \"vexfs-embed %s\", \"dim\": %llu, \"metric\": \"cos\"}\n",
		       set.method, (unsigned long long)set.dim);
		fflush(stdout);
	}
	while ((len = getline(&line, &room, stdin)) > 0) {
		if (len > (ssize_t)LINE_MAX_BYTES)
			fail(NULL, "the line is too long");
		else
			serve_line(line, (size_t)len);
	}
	free(line);
	if (set.learn) {
		if (idf_save(idf, set.learn)) {
			fprintf(stderr, "vexfs-embed: %s: %s\n", set.learn, strerror(errno));
			return 1;
		}
		fprintf(stderr, "vexfs-embed: the words of %u texts\n", idf_texts(idf));
	}
	return ferror(stdin) || ferror(stdout) ? 1 : 0;
}
