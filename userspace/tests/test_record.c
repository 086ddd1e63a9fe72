// SPDX-License-Identifier: GPL-2.0
/*
 * Parsing of layouts and records: offsets, values, and the position of errors.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vexfs.h"
#include "tap.h"

static void refused(const char *text, int code, unsigned int position)
{
	struct vexfs_layout layout;
	struct vexfs_error err;
	int ret = vexfs_layout_parse(text, &layout, &err);

	ok(ret == -code && err.code == code && err.position == position && *err.text,
	   "layout '%.40s' is refused at %u", text, position);
	if (ret != -code || err.position != position)
		printf("# got %d at %u: %s\n", ret, err.position, err.text);
}

static void layouts(void)
{
	struct vexfs_layout l;
	struct vexfs_error err;
	char many[512] = "";

	ok(!vexfs_layout_parse(" lang : u8,year:u16 , price:f32@8,id:u64@ 16 ", &l, &err) &&
	   l.count == 4 && l.size == 24, "a layout is parsed");
	ok(l.fields[0].offset == 0 && l.fields[1].offset == 1 && l.fields[2].offset == 8 &&
	   l.fields[3].offset == 16 && l.fields[3].size == 8,
	   "fields follow each other or have an offset");
	ok(vexfs_layout_find(&l, "year") == &l.fields[1] && !vexfs_layout_find(&l, "yea"),
	   "fields are found by name");
	ok(!vexfs_layout_parse("b:u8@63,a:u8", &l, &err) == 0,
	   "a field after the last byte of a record is refused");
	ok(!vexfs_layout_parse("b:u32@4,a:u32@0", &l, &err) && l.size == 8,
	   "offsets in descending order");
	for (int i = 0; i < 64; i++)
		sprintf(many + strlen(many), "%sf%d:u8", i ? "," : "", i);
	ok(!vexfs_layout_parse(many, &l, &err) && l.count == 64 && l.size == 64,
	   "64 fields of one byte");
	refused("", EINVAL, 0);
	refused("a", EINVAL, 1);
	refused("a:", EINVAL, 2);
	refused("a:u9", EINVAL, 2);
	refused("a:u8,", EINVAL, 5);
	refused("a:u8 b:u8", EINVAL, 5);
	refused("a:u8,a:u8", EINVAL, 5);
	refused("1:u8", EINVAL, 0);
	refused("in:u8", EINVAL, 0);
	refused("a:u32@61", EINVAL, 6);
	refused("a:u8@64", EINVAL, 5);
	refused("a:u8@-1", EINVAL, 5);
	refused("a:u8@x", EINVAL, 5);
	refused("a:u32,b:u8@3", EINVAL, 11);
	refused("a:u64,b:u64,c:u64,d:u64,e:u64,f:u64,g:u64,h:u64,i:u8", EINVAL, 50);
	refused("aaaaaaaaaabbbbbbbbbbccccccccccdd:u8", EINVAL, 0);
	char *huge = calloc(1, VEXFS_LAYOUT_MAX + 2);

	memset(huge, ' ', VEXFS_LAYOUT_MAX + 1);
	refused(huge, E2BIG, 0);
	free(huge);
}

static void record_refused(const struct vexfs_layout *l, const char *text, int code,
			   unsigned int position)
{
	unsigned char before[VEXFS_ATTR_MAX], record[VEXFS_ATTR_MAX];
	struct vexfs_error err;
	int ret;

	memset(record, 0x5a, sizeof(record));
	memcpy(before, record, sizeof(record));
	ret = vexfs_record_parse(l, text, record, &err);
	ok(ret == -code && err.position == position && !memcmp(before, record, sizeof(record)),
	   "record '%s' is refused at %u and nothing is written", text, position);
	if (ret != -code || err.position != position)
		printf("# got %d at %u: %s\n", ret, err.position, err.text);
}

static void records(void)
{
	static const unsigned char want[] = {
		0x03, 0x07, 0xe4, 0xff, 0xff, 0xff, 0xfe, 0x3f, 0xc0, 0x00, 0x00,
		0x80, 0, 0, 0, 0, 0, 0, 0, 0x7f,
	};
	unsigned char r[VEXFS_ATTR_MAX] = { 0 };
	struct vexfs_layout l;
	struct vexfs_value v;
	struct vexfs_error err;

	vexfs_layout_parse("lang:u8,year:u16,d:i32,price:f32,big:i64,small:i8", &l, &err);
	ok(!vexfs_record_parse(&l, "lang=3, year=2020,d=-2,price=1.5,"
			       "big=-9223372036854775808,small=0x7f", r, &err) &&
	   !memcmp(r, want, sizeof(want)), "a record is written big-endian");
	vexfs_record_get(&l.fields[2], r, &v);
	ok(v.type == VEXFS_FIELD_I64 && v.v.i == -2, "signed fields read back");
	vexfs_record_get(&l.fields[3], r, &v);
	ok(v.type == VEXFS_FIELD_F32 && v.v.f == 1.5f, "f32 fields read back");
	vexfs_record_get(&l.fields[4], r, &v);
	ok(v.type == VEXFS_FIELD_I64 && v.v.i == INT64_MIN, "i64 fields read back");
	vexfs_record_get(&l.fields[1], r, &v);
	ok(v.type == VEXFS_FIELD_U64 && v.v.u == 2020, "unsigned fields read back");
	ok(!vexfs_record_parse(&l, "", r, &err) && !memcmp(r, want, sizeof(want)),
	   "fields that are not named are unchanged");
	record_refused(&l, "lang=256", ERANGE, 5);
	record_refused(&l, "lang=-1", ERANGE, 5);
	record_refused(&l, "year=1,lang=1.5", ERANGE, 12);
	record_refused(&l, "small=-129", ERANGE, 6);
	record_refused(&l, "big=9223372036854775808", ERANGE, 4);
	record_refused(&l, "big=99999999999999999999", ERANGE, 4);
	record_refused(&l, "price=1e39", ERANGE, 6);
	record_refused(&l, "lang", EINVAL, 4);
	record_refused(&l, "lang=", EINVAL, 5);
	record_refused(&l, "nothing=1", EINVAL, 0);
	record_refused(&l, "lang=1 year=2", EINVAL, 7);
	v.type = VEXFS_FIELD_F32;
	v.v.f = NAN;
	ok(vexfs_record_set(&l.fields[3], r, &v, &err) == -EDOM, "NaN is refused");
	v.v.f = -0.0f;
	ok(!vexfs_record_set(&l.fields[3], r, &v, &err) && r[7] == 0, "negative zero becomes zero");
	v.type = VEXFS_FIELD_U64;
	v.v.u = UINT64_MAX;
	ok(vexfs_record_set(&l.fields[4], r, &v, &err) == -ERANGE, "2^64-1 is refused for an i64");
	v.type = VEXFS_FIELD_I64;
	v.v.i = -128;
	ok(!vexfs_record_set(&l.fields[5], r, &v, &err) && r[19] == 0x80,
	   "-128 is accepted for an i8");
}

int main(void)
{
	layouts();
	records();
	return done();
}
