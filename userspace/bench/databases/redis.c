// SPDX-License-Identifier: GPL-2.0
/* Vector sets of Redis 8, through its protocol over a socket. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "database.h"
#include "parse.h"

/* Vectors in flight before the first answer is read. */
enum { PIPELINE = 64, LINE = 512 };

static FILE *in, *out;
static const char *quantiser;
static char ef_text[16];

static void argument(const void *data, size_t size)
{
	fprintf(out, "$%zu\r\n", size);
	fwrite(data, 1, size, out);
	fputs("\r\n", out);
}

static void word(const char *text)
{
	argument(text, strlen(text));
}

/* A line of the answer, without its line end. */
static char *line(void)
{
	static char text[LINE];
	size_t n;

	if (!fgets(text, sizeof(text), in))
		database_die("redis: the connection ended");
	n = strlen(text);
	if (n < 3 || text[n - 1] != '\n')
		database_die("redis: an answer that is no line");
	text[n - 2] = 0;
	if (text[0] == '-')
		database_die("redis: %s", text + 1);
	return text;
}

/* The number after the first character of a line. */
static uint64_t count(char kind)
{
	const char *text = line();
	uint64_t v;

	if (text[0] != kind || !parse_u64(text + 1, &v))
		database_die("redis: expected %c and a number: %s", kind, text);
	return v;
}

static void flush(void)
{
	if (fflush(out))
		database_die("redis: %s", strerror(errno));
}

static void store(const struct ask_set *set)
{
	size_t i, answered = 0;
	char name[24], m[] = "16", ef[] = "200";

	for (i = 0; i < set->n; i++) {
		snprintf(name, sizeof(name), "%zu", i);
		fputs("*10\r\n", out);
		word("VADD");
		word("bench");
		word("FP32");
		argument(set->base + i * set->dim, set->dim * sizeof(float));
		word(name);
		word(quantiser);
		word("EF");
		word(ef);
		word("M");
		word(m);
		if (i - answered == PIPELINE || i == set->n - 1) {
			flush();
			for (; answered <= i; answered++)
				count(':');
		}
	}
}

static void set_ef(int ef)
{
	snprintf(ef_text, sizeof(ef_text), "%d", ef);
}

static void search(const float *query, uint32_t dim, uint64_t *ids)
{
	uint64_t n, size, i;

	fputs("*8\r\n", out);
	word("VSIM");
	word("bench");
	word("FP32");
	argument(query, dim * sizeof(*query));
	word("COUNT");
	word("10");
	word("EF");
	word(ef_text);
	flush();
	n = count('*');
	for (i = 0; i < n; i++) {
		uint64_t id;
		char *name;

		size = count('$');
		name = line();
		if (strlen(name) != size || !parse_u64(name, &id))
			database_die("redis: an element that nobody stored: %s", name);
		if (i < ASK_K)
			ids[i] = id;
	}
	for (; i < ASK_K; i++)
		ids[i] = UINT64_MAX;
}

static void connect_to(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(to.sun_path))
		database_die("redis: the path of the socket is too long");
	memcpy(to.sun_path, path, strlen(path) + 1);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)))
		database_die("redis: %s: %s", path, strerror(errno));
	in = fdopen(fd, "r");
	out = fdopen(dup(fd), "w");
	if (!in || !out)
		database_die("redis: %s", strerror(errno));
}

int main(int argc, char **argv)
{
	struct database db = { .peer = "Redis", .store = store, .set_ef = set_ef, .search = search };
	char build[64];

	if (argc < 7) {
		fprintf(stderr, "usage: redis SOCKET VERSION NOQUANT|Q8|BIN PREFIX DIM EF...\n");
		return 2;
	}
	db.version = argv[2];
	quantiser = argv[3];
	snprintf(build, sizeof(build), "vector set, %s", quantiser);
	db.build = build;
	connect_to(argv[1]);
	return database_run(&db, argv[4], argv[5], argv + 6, argc - 6);
}
