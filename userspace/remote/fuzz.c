// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzzes input from servers and clients: a response of Prometheus, an Accept header,
 * names in an exposition. The first byte chooses which.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "exposition.h"
#include "http.h"
#include "prom.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int take(const struct prom_sample *s, void *arg)
{
	size_t *n = arg;

	*n += strlen(prom_label(s, "instance")) + s->labels;
	return *n > 1000;
}

static void write_one(const char *text)
{
	struct expo_label l = { "label", text };
	struct expo_edges edges;
	char name[32];
	struct expo e;

	expo_edges(&edges, (double[]){ 0.5 }, 1);
	for (int format = 0; format < 2; format++) {
		expo_begin(&e, (enum expo_format)format, 4096);
		expo_name(name, sizeof(name), text);
		expo_family(&e, name, EXPO_GAUGE, NULL, text);
		expo_u64(&e, &l, 1, 1);
		expo_family(&e, name, EXPO_HISTOGRAM, NULL, text);
		expo_histogram(&e, &l, 1, &(struct expo_buckets){ &edges, (uint64_t[]){ 1 }, 2, 1 });
		expo_end(&e);
		/* The result is lines of text: escaping must keep them apart. */
		if (!e.error && format == EXPO_PROMETHEUS) {
			unsigned int lines = 0;

			for (size_t i = 0; i < e.len; i++)
				lines += e.text[i] == '\n';
			if (lines != 9 || e.series != 5)
				abort();
		}
		expo_free(&e);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char why[200], *text, *escaped;
	size_t n = 0;

	if (!size)
		return 0;
	text = malloc(size);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	switch (data[0] % 4) {
	case 0:
		prom_parse(text, size - 1, take, &n, why, sizeof(why));
		break;
	case 1:
		expo_negotiate(text);
		break;
	case 2:
		write_one(text);
		break;
	default:
		escaped = http_escape(text);
		free(escaped);
	}
	free(text);
	return 0;
}
