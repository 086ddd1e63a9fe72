// SPDX-License-Identifier: GPL-2.0
/*
 * The JSON writer: its output compared with the expected text.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "tap.h"

static char *text;
static size_t len;

static struct json start(bool pretty)
{
	struct json j;

	json_start(&j, open_memstream(&text, &len), pretty);
	return j;
}

static void is(struct json *j, const char *want, const char *what)
{
	json_finish(j);
	fclose(j->out);
	if (!ok(!strcmp(text, want), "%s", what))
		printf("# got  %s\n# want %s\n", text, want);
	free(text);
}

static void in_memory(void)
{
	char *whole = NULL;
	size_t size = 0;
	struct json j;

	json_start(&j, open_memstream(&whole, &size), false);
	json_u64(&j, 7);
	ok(json_finish_text(&j, &whole) && !strcmp(whole, "7\n") && size == 2,
	   "a stream in memory is closed and its text returned");
	free(whole);
	whole = malloc(1);
	json_start(&j, fopen("/dev/full", "w"), false);
	json_u64(&j, 7);
	ok(!json_finish_text(&j, &whole) && !whole, "a stream that failed returns no text and frees it");
}

int main(void)
{
	struct json j = start(false);

	json_object_begin(&j);
	json_kv_u64(&j, "max", UINT64_MAX);
	json_kv_i64(&j, "min", INT64_MIN);
	json_kv_bool(&j, "yes", true);
	json_key(&j, "list");
	json_array_begin(&j);
	json_null(&j);
	json_array_begin(&j);
	json_array_end(&j);
	json_object_begin(&j);
	json_object_end(&j);
	json_array_end(&j);
	json_object_end(&j);
	is(&j, "{\"max\":18446744073709551615,\"min\":-9223372036854775808,\"yes\":true,"
	   "\"list\":[null,[],{}]}\n", "numbers and containers");

	j = start(true);
	json_object_begin(&j);
	json_kv_u64(&j, "a", 1);
	json_key(&j, "b");
	json_array_begin(&j);
	json_u64(&j, 2);
	json_u64(&j, 3);
	json_array_end(&j);
	json_object_end(&j);
	is(&j, "{\n  \"a\": 1,\n  \"b\": [\n    2,\n    3\n  ]\n}\n", "indented output");

	j = start(false);
	json_array_begin(&j);
	json_double(&j, 0.1);
	json_double(&j, 1e300);
	json_double(&j, NAN);
	json_double(&j, -INFINITY);
	json_float(&j, 0.1f);
	json_float(&j, 16777217.0f);
	json_float(&j, 1.17549435e-38f);
	json_array_end(&j);
	is(&j, "[0.1,1e+300,null,null,0.1,16777216,1.1754944e-38]\n",
	   "numbers have their shortest form; NaN and infinity become null");

	j = start(false);
	json_string(&j, "quote\" slash\\ \n\t\x01\x7f");
	is(&j, "\"quote\\\" slash\\\\ \\n\\t\\u0001\\u007f\"\n",
	   "special characters of strings are escaped");

	j = start(false);
	json_string(&j, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80 \xff \xc0\x80 \xed\xa0\x80 \xe2\x82");
	is(&j, "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80 \\ufffd \\ufffd\\ufffd "
	   "\\ufffd\\ufffd\\ufffd \\ufffd\\ufffd\"\n", "bytes that are not UTF-8 become U+FFFD");

	j = start(false);
	json_object_begin(&j);
	json_key(&j, "open");
	json_array_begin(&j);
	json_object_begin(&j);
	json_key(&j, "cut");
	json_unwind(&j);
	is(&j, "{\"open\":[{\"cut\":null}]}\n",
	   "output that ends early is closed and remains valid");
	in_memory();
	return done();
}
