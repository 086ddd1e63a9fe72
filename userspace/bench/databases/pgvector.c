// SPDX-License-Identifier: GPL-2.0
/* pgvector: a table in PostgreSQL with an HNSW index, through libpq, in binary format. */
#include <arpa/inet.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "database.h"

static PGconn *db;

static PGresult *must(PGresult *r)
{
	ExecStatusType s = PQresultStatus(r);

	if (s != PGRES_COMMAND_OK && s != PGRES_TUPLES_OK && s != PGRES_COPY_IN)
		database_die("pgvector: %s", PQerrorMessage(db));
	return r;
}

static void command(const char *text)
{
	PQclear(must(PQexec(db, text)));
}

/* pgvector's binary format: the dimension, a zero, and numbers in network order. */
static size_t encode(char *to, const float *v, uint32_t dim)
{
	uint16_t head[2] = { htons(dim), 0 };
	uint32_t bits, i;

	memcpy(to, head, sizeof(head));
	for (i = 0; i < dim; i++) {
		memcpy(&bits, v + i, sizeof(bits));
		bits = htonl(bits);
		memcpy(to + sizeof(head) + i * sizeof(bits), &bits, sizeof(bits));
	}
	return sizeof(head) + dim * sizeof(bits);
}

static void put(const void *data, int size)
{
	if (PQputCopyData(db, data, size) != 1)
		database_die("pgvector: %s", PQerrorMessage(db));
}

static void copy_in(const struct ask_set *set)
{
	static const char begin[19] = "PGCOPY\n\377\r\n";
	size_t size = 4 + set->dim * sizeof(float), i;
	char *row = ask_alloc(1, 14 + size);

	PQclear(must(PQexec(db, "COPY bench FROM STDIN (FORMAT binary)")));
	put(begin, sizeof(begin));
	for (i = 0; i < set->n; i++) {
		uint16_t fields = htons(2);
		uint32_t four = htonl(4), id = htonl(i), bytes = htonl(size);

		memcpy(row, &fields, 2);
		memcpy(row + 2, &four, 4);
		memcpy(row + 6, &id, 4);
		memcpy(row + 10, &bytes, 4);
		encode(row + 14, set->base + i * set->dim, set->dim);
		put(row, 14 + size);
	}
	put("\377\377", 2);
	free(row);
	if (PQputCopyEnd(db, NULL) != 1)
		database_die("pgvector: %s", PQerrorMessage(db));
	PQclear(must(PQgetResult(db)));
	PQclear(PQgetResult(db));
}

static void store(const struct ask_set *set)
{
	char text[128];

	command("CREATE EXTENSION IF NOT EXISTS vector");
	snprintf(text, sizeof(text), "CREATE TABLE bench (id int4, v vector(%u))", set->dim);
	command(text);
	command("SET maintenance_work_mem = '1GB'");
	command("SET max_parallel_maintenance_workers = 0");
	copy_in(set);
	command("CREATE INDEX ON bench USING hnsw (v vector_ip_ops) WITH (m = 16, ef_construction = 200)");
	command("ANALYZE bench");
	/* the planner would scan a small table sequentially */
	command("SET enable_seqscan = off");
	PQclear(must(PQprepare(db, "nearest", "SELECT id FROM bench ORDER BY v <#> $1::vector LIMIT 10", 1,
			       NULL)));
}

static void set_ef(int ef)
{
	char text[64];

	snprintf(text, sizeof(text), "SET hnsw.ef_search = %d", ef);
	command(text);
}

static void search(const float *query, uint32_t dim, uint64_t *ids)
{
	char vector[4 + 65536 * sizeof(float)];
	const char *values[] = { vector };
	int sizes[] = { encode(vector, query, dim) }, formats[] = { 1 }, n, i;
	PGresult *r = must(PQexecPrepared(db, "nearest", 1, values, sizes, formats, 1));

	n = PQntuples(r);
	for (i = 0; i < ASK_K; i++) {
		uint32_t id;

		ids[i] = UINT64_MAX;
		if (i >= n || PQgetlength(r, i, 0) != sizeof(id))
			continue;
		memcpy(&id, PQgetvalue(r, i, 0), sizeof(id));
		ids[i] = ntohl(id);
	}
	PQclear(r);
}

int main(int argc, char **argv)
{
	struct database peer = { .peer = "pgvector", .build = "HNSW", .store = store, .set_ef = set_ef,
			     .search = search };

	if (argc < 6) {
		fprintf(stderr, "usage: pgvector CONNECTION VERSION PREFIX DIM EF...\n");
		return 2;
	}
	peer.version = argv[2];
	db = PQconnectdb(argv[1]);
	if (PQstatus(db) != CONNECTION_OK)
		database_die("pgvector: %s", PQerrorMessage(db));
	return database_run(&peer, argv[3], argv[4], argv + 5, argc - 5);
}
