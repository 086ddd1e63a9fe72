// SPDX-License-Identifier: GPL-2.0
/*
 * Filter expressions: positions of errors, values of expressions, and random expressions that
 * are compiled, run and compared with an evaluator that shares no code with the compiler.
 */
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vexfs.h"
#include "tap.h"

static const char layout_text[] =
	"a:u8,b:u16,c:u32,d:u64,e:i8,f:i16,g:i32,h:i64,p:f32,flags:u8";
static struct vexfs_layout layout;

static uint64_t seed = 88172645463325252ull;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static void refused(const char *text, int code, unsigned int position, const char *part)
{
	struct vexfs_filter f;
	struct vexfs_error err;
	int ret = vexfs_filter_compile(&layout, text, &f, &err);

	ok(ret == -code && err.code == code && err.position == position && strstr(err.text, part) &&
	   !f.insns, "'%.50s' is refused at %u: ...%s", text, position, part);
	if (ret != -code || err.position != position || !strstr(err.text, part))
		printf("# got %d at %u: %s\n", ret, err.position, err.text);
	if (!ret)
		vexfs_filter_free(&f);
}

static void messages(void)
{
	char *deep = malloc(100000);

	refused("", EINVAL, 0, "expected a field");
	refused("   ", EINVAL, 3, "at its end");
	refused("a ==", EINVAL, 4, "expected a number");
	refused("a = 3", EINVAL, 2, "expected a comparison");
	refused("a == 3 &&", EINVAL, 9, "expected a field");
	refused("a == 3 b", EINVAL, 7, "expected '&&', '||' or the end");
	refused("lang == 3", EINVAL, 0, "expected a field of the record: a, b, c, d");
	refused("a == 256", ERANGE, 5, "does not fit a (u8: 0 to 255)");
	refused("a == -1", ERANGE, 5, "does not fit a");
	refused("300 > a", ERANGE, 0, "does not fit a");
	refused("e < -129", ERANGE, 4, "-128 to 127");
	refused("a == 1.5", ERANGE, 5, "a whole number");
	refused("d == 18446744073709551616", EINVAL, 5, "expected a number");
	refused("p < 1e39", ERANGE, 4, "a finite f32");
	refused("p & 1", EINVAL, 2, "no bits");
	refused("a & 1 & 2", EINVAL, 6, "expected");
	refused("e & -1", ERANGE, 4, "for the mask");
	refused("a == b", EINVAL, 5, "two fields cannot be compared");
	refused("1 == 1", EINVAL, 5, "two numbers");
	refused("1", EINVAL, 1, "expected a comparison");
	refused("1 <", EINVAL, 3, "expected a field");
	refused("(a == 1", EINVAL, 7, "expected '&&', '||' or ')'");
	refused("(a", EINVAL, 2, "or ')'");
	refused("a == 1)", EINVAL, 6, "the end");
	refused("a in", EINVAL, 4, "'{' and numbers");
	refused("a in {", EINVAL, 6, "expected a number");
	refused("a in {1", EINVAL, 7, "',', '..' or '}'");
	refused("a in {1,", EINVAL, 8, "expected a number");
	refused("a in {5..3}", EINVAL, 6, "not before its beginning");
	refused("a in {1..}", EINVAL, 9, "expected a number");
	refused("a == 1 || || a == 2", EINVAL, 10, "expected a field");
	refused("a < 1 < 2", EINVAL, 6, "expected '&&'");
	refused("a == 3x", EINVAL, 5, "expected a number");
	refused("a == 0x", EINVAL, 5, "expected a number");
	refused("a # 3", EINVAL, 2, "expected");
	refused("a == \"x\"", EINVAL, 5, "expected a number");
	memset(deep, '(', 50000);
	deep[50000] = '\0';
	refused(deep, E2BIG, 100, "at most 100");
	memset(deep, '!', 50000);
	refused(deep, E2BIG, 100, "at most 100");
	memset(deep, ' ', 70000);
	deep[70000] = '\0';
	refused(deep, E2BIG, 0, "65536");
	deep[0] = '\0';
	for (int i = 0; i < 5000; i++)
		sprintf(deep + strlen(deep), "%sb==%d", i ? "||" : "", 2 * i);
	refused(deep, E2BIG, 0, "instructions: at most 4096");
	free(deep);
}

static int run(const char *text, const void *record)
{
	struct vexfs_filter f;
	struct vexfs_error err;
	int ret;

	if (vexfs_filter_compile(&layout, text, &f, &err)) {
		printf("# '%.200s': %s\n", text, err.text);
		return -1;
	}
	ret = vexfs_filter_run(&f, record, layout.size);
	if (vexfs_filter_check(&f, layout.size, &err)) {
		printf("# '%.200s': %s\n", text, err.text);
		ret = -2;
	}
	vexfs_filter_free(&f);
	return ret;
}

static void meaning(void)
{
	static const struct {
		const char *text;
		int want;
	} cases[] = {
		{ "a == 3 && b >= 2020 && !(flags & 4)", 1 },
		{ "a == 3 && b >= 2021", 0 },
		{ "a", 1 }, { "!a", 0 }, { "!!a", 1 }, { "flags & 2", 1 }, { "(flags & 6) == 2", 1 },
		{ "flags & 6 == 2", 1 }, { "2 == (flags & 6)", 1 }, { "2 == flags & 6", 1 },
		{ "((flags)) & 4", 0 }, { "((flags & 1) == 1)", 1 },
		{ "a in {1, 2..4}", 1 }, { "a in {1,2,4..255}", 0 }, { "a in {3}", 1 },
		{ "!(a in {0..2})", 1 }, { "2019 < b", 1 }, { "2020 < b", 0 }, { "2020 <= b", 1 },
		{ "c == 0xdeadbeef", 1 }, { "c > 3735928558", 1 }, { "c >= 3735928560", 0 },
		{ "d == 18446744073709551615", 1 }, { "d > 4294967296", 1 }, { "d < 5", 0 },
		{ "e == -1", 1 }, { "e < 0", 1 }, { "e >= -1", 1 }, { "e > -1", 0 },
		{ "e & 0x80 == 128", 1 }, { "e in {-5..-1}", 1 },
		{ "f == -300", 1 }, { "f < -299", 1 }, { "g == -70000", 1 }, { "g > -70001", 1 },
		{ "h == -5000000000", 1 }, { "h < -4999999999", 1 }, { "h >= 0", 0 },
		{ "h in {-5000000001..-4999999999, 7}", 1 }, { "h != -5000000000", 0 },
		{ "p == 0.1", 1 }, { "p > 0", 1 }, { "p < 0.1", 0 }, { "p <= 0.1", 1 },
		{ "p in {-1..0.05, 0.1..0.1}", 1 }, { "p != .1", 0 }, { "p > -1e30", 1 },
		{ "a == 3 || x == 1", -1 },
		{ "a == 1 || a == 2 || (b == 2020 && (c == 1 || d != 1))", 1 },
	};
	unsigned char r[VEXFS_ATTR_MAX] = { 0 };
	struct vexfs_error err;

	if (vexfs_record_parse(&layout,
			       "a=3,b=2020,c=0xdeadbeef,d=18446744073709551615,e=-1,f=-300,"
			       "g=-70000,h=-5000000000,p=0.1,flags=0x13", r, &err))
		printf("# %s\n", err.text);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ok(run(cases[i].text, r) == cases[i].want, "%s is %d", cases[i].text,
		   cases[i].want);
	}
}

/* ---- zeroes and NaN of f32 ---- */

static void put_f32_bits(unsigned char *r, uint32_t bits)
{
	const struct vexfs_field *p = vexfs_layout_find(&layout, "p");

	for (int i = 0; i < 4; i++)
		r[p->offset + i] = (unsigned char)(bits >> (24 - 8 * i));
}

static void floats(void)
{
	static const uint32_t bits[] = {
		0, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00000,
		0xffc00000, 0x7f800001, 0xff800001, 1, 0x80000001, 0x7f7fffff, 0xff7fffff,
	};
	static const struct {
		const char *text;
		float c;
	} consts[] = { { "0", 0 }, { "1", 1 }, { "-1", -1 }, { "-0", 0 }, { "1e-45", 1e-45f },
		       { "3.4028235e38", 3.4028235e38f }, { "-3.4028235e38", -3.4028235e38f } };
	static const char *const ops[] = { "==", "!=", "<", "<=", ">", ">=" };
	unsigned char r[VEXFS_ATTR_MAX] = { 0 };
	unsigned int bad = 0, count = 0;

	for (size_t b = 0; b < sizeof(bits) / sizeof(bits[0]); b++)
		for (size_t k = 0; k < sizeof(consts) / sizeof(consts[0]); k++)
			for (int op = 0; op < 6; op++) {
				char text[64];
				float x, c = consts[k].c;
				int want;

				memcpy(&x, &bits[b], 4);
				put_f32_bits(r, bits[b]);
				want = op == 0 ? x == c : op == 1 ? x != c : op == 2 ? x < c :
				       op == 3 ? x <= c : op == 4 ? x > c : x >= c;
				sprintf(text, "p %s %s", ops[op], consts[k].text);
				count++;
				if (run(text, r) == want)
					continue;
				bad++;
				printf("# %s with 0x%08x: %d expected\n", text, bits[b], want);
			}
	ok(!bad, "f32 fields compare as IEEE numbers, with NaN and both zeroes (%u cases)", count);
}

/* ---- random expressions ---- */

struct env {
	unsigned char record[VEXFS_ATTR_MAX];
};

struct out {
	char text[8192];
	size_t len;
};

static void say(struct out *o, const char *s)
{
	size_t n = strlen(s);

	if (o->len + n + 1 < sizeof(o->text)) {
		memcpy(o->text + o->len, s, n + 1);
		o->len += n;
	}
}

static const struct vexfs_field *any_field(void)
{
	return &layout.fields[rnd() % layout.count];
}

/* The number in a field, wide enough for every integer field. */
static __int128 number(const struct vexfs_field *f, const struct env *e)
{
	struct vexfs_value v;

	vexfs_record_get(f, e->record, &v);
	return v.type == VEXFS_FIELD_I64 ? (__int128)v.v.i : (__int128)v.v.u;
}

static void limits(const struct vexfs_field *f, bool masked, __int128 *low, __int128 *high)
{
	unsigned int width = 8u * f->size;
	bool is_signed = f->type >= VEXFS_FIELD_I8 && f->type <= VEXFS_FIELD_I64 && !masked;

	*low = is_signed ? -((__int128)1 << (width - 1)) : 0;
	*high = is_signed ? ((__int128)1 << (width - 1)) - 1 : ((__int128)1 << width) - 1;
}

static void number_text(char *buf, __int128 n)
{
	if (n < 0)
		sprintf(buf, "-%llu", (unsigned long long)-n);
	else if (rnd() & 1)
		sprintf(buf, "%llu", (unsigned long long)n);
	else
		sprintf(buf, "0x%llx", (unsigned long long)n);
}

/* Near the stored value, at an end of the range, or anywhere. */
static __int128 any_number(const struct vexfs_field *f, bool masked, __int128 here)
{
	__int128 low, high, n;

	limits(f, masked, &low, &high);
	switch (rnd() % 4) {
	case 0:
		n = here + (__int128)(rnd() % 3) - 1;
		break;
	case 1:
		n = rnd() & 1 ? low + (__int128)(rnd() % 2) : high - (__int128)(rnd() % 2);
		break;
	case 2:
		n = (__int128)(rnd() % 4) - 1;
		break;
	default:
		n = low + (__int128)(rnd() % (uint64_t)(high - low ? high - low : 1));
	}
	return n < low ? low : n > high ? high : n;
}

static bool compare(int op, bool less, bool equal)
{
	switch (op) {
	case 0:
		return equal;
	case 1:
		return !equal;
	case 2:
		return less;
	case 3:
		return less || equal;
	case 4:
		return !less && !equal;
	default:
		return !less;
	}
}

static const char *const op_text[] = { "==", "!=", "<", "<=", ">", ">=" };
static const int mirror[] = { 0, 1, 4, 5, 2, 3 };

static bool float_test(struct out *o, const struct env *e, const struct vexfs_field *f)
{
	int op = (int)(rnd() % 6);
	struct vexfs_value v;
	char buf[64];
	float c;

	vexfs_record_get(f, e->record, &v);
	c = rnd() & 1 ? v.v.f : (float)(int)(rnd() % 2000) / 8 - 100;
	if (!isfinite(c))
		c = 0;
	sprintf(buf, "%s %s %.9g", f->name, op_text[op], (double)c);
	say(o, buf);
	if (isnan(v.v.f))
		return op == 1;
	return compare(op, v.v.f < c, v.v.f == c);
}

static bool random_test(struct out *o, const struct env *e)
{
	const struct vexfs_field *f = any_field();
	__int128 x, c, low, high;
	char a[64], b[64], term[128];
	bool masked = false, in = false;
	int op = (int)(rnd() % 6);

	if (f->type == VEXFS_FIELD_F32)
		return float_test(o, e, f);
	x = number(f, e);
	strcpy(term, f->name);
	if (!(rnd() % 4)) {
		uint64_t mask;

		masked = true;
		limits(f, true, &low, &high);
		mask = rnd() & (uint64_t)high;
		x = (__int128)((uint64_t)x & (uint64_t)high & mask);
		sprintf(term, rnd() & 1 ? "(%s & %llu)" : "%s & %llu", f->name,
			(unsigned long long)mask);
	}
	switch (rnd() % 4) {
	case 0:
		say(o, term);
		return x != 0;
	case 1:
		sprintf(b, " in {");
		say(o, term);
		say(o, b);
		for (uint64_t i = 0, n = 1 + rnd() % 5; i < n; i++) {
			__int128 end;

			c = any_number(f, masked, x);
			end = rnd() & 1 ? c : any_number(f, masked, x);
			if (end < c) {
				__int128 t = end;

				end = c;
				c = t;
			}
			if (i)
				say(o, ", ");
			number_text(a, c);
			say(o, a);
			if (end != c || rnd() & 1) {
				number_text(a, end);
				say(o, "..");
				say(o, a);
			}
			in |= x >= c && x <= end;
		}
		say(o, "}");
		return in;
	case 2:
		c = any_number(f, masked, x);
		number_text(a, c);
		say(o, a);
		say(o, " ");
		say(o, op_text[mirror[op]]);
		say(o, " ");
		say(o, term);
		return compare(op, x < c, x == c);
	default:
		c = any_number(f, masked, x);
		number_text(a, c);
		say(o, term);
		say(o, " ");
		say(o, op_text[op]);
		say(o, " ");
		say(o, a);
		return compare(op, x < c, x == c);
	}
}

static bool random_expr(struct out *o, const struct env *e, int depth)
{
	uint64_t kind = depth > 0 ? rnd() % 5 : 4;
	bool result;

	switch (kind) {
	case 0:
	case 1:
		say(o, "(");
		result = random_expr(o, e, depth - 1);
		for (uint64_t i = 0, n = 1 + rnd() % 3; i < n; i++) {
			bool one;

			say(o, kind ? " || " : " && ");
			one = random_expr(o, e, depth - 1);
			result = kind ? result || one : result && one;
		}
		say(o, ")");
		return result;
	case 2:
		say(o, "!");
		return !random_expr(o, e, depth - 1);
	case 3:
		say(o, "(");
		result = random_expr(o, e, depth - 1);
		say(o, ")");
		return result;
	default:
		say(o, "(");
		result = random_test(o, e);
		say(o, ")");
		return result;
	}
}

static void random_expressions(void)
{
	enum { ROUNDS = 60000 };
	unsigned int bad = 0, tried = 0;
	static struct out o;

	for (int i = 0; i < ROUNDS && bad < 5; i++) {
		struct env e;
		bool want;
		int got;

		for (size_t b = 0; b < sizeof(e.record); b++)
			e.record[b] = (unsigned char)(rnd() % 3 ? rnd() : rnd() % 3 ? 0 : 0xff);
		o.len = 0;
		want = random_expr(&o, &e, (int)(rnd() % 5));
		if (o.len + 200 > sizeof(o.text))
			continue;
		tried++;
		got = run(o.text, e.record);
		if (got == want)
			continue;
		bad++;
		printf("# %d instead of %d: %s\n", got, want, o.text);
	}
	ok(!bad && tried > ROUNDS / 2,
	   "%u random expressions have the value of the reference evaluator", tried);
}

/* Jumps of more than 255 instructions, in both directions of the truth. */
static void long_jumps(void)
{
	static char text[60000];
	unsigned char r[VEXFS_ATTR_MAX] = { 0 };
	unsigned int bad = 0;

	for (int n = 100; n < 700; n += 37) {
		for (int value = 0; value < 2 * n + 4; value++) {
			bool want = value == 1 ||
				    (value >= 1000 && (!(value & 1) || value > 2 * n - 1));
			struct vexfs_error err;
			char rec[32];

			if (value % 61 && value != 1 && value != 1000)
				continue;
			strcpy(text, "b == 1 || (a == 0");
			for (int i = 0; i < n; i++)
				sprintf(text + strlen(text), " && b != %d", 2 * i + 1);
			strcat(text, " && b >= 1000)");
			sprintf(rec, "b=%d", value);
			vexfs_record_parse(&layout, rec, r, &err);
			if (run(text, r) != want)
				bad++;
		}
	}
	ok(!bad, "jumps of more than 255 instructions reach their target");
}

static void unsafe_programs(void)
{
	static const struct {
		struct vexfs_filter_insn i[3];
		unsigned int n;
		const char *why;
	} cases[] = {
		{ { { 0x06, 0, 0, 1 } }, 0, "no instructions" },
		{ { { 0x20, 0, 0, 61 }, { 0x06, 0, 0, 1 } }, 2, "outside of the attribute record" },
		{ { { 0x20, 0, 0, 0xfffffffe }, { 0x06, 0, 0, 1 } }, 2,
		"outside of the attribute" },
		{ { { 0x40, 0, 0, 0 }, { 0x06, 0, 0, 1 } }, 2, "may not" },
		{ { { 0x15, 5, 0, 0 }, { 0x06, 0, 0, 1 } }, 2, "jumps out" },
		{ { { 0x05, 0, 0, 0xffffffff }, { 0x06, 0, 0, 1 } }, 2, "jumps out" },
		{ { { 0x60, 0, 0, 16 }, { 0x06, 0, 0, 1 } }, 2, "may not" },
		{ { { 0x02, 0, 0, 16 }, { 0x06, 0, 0, 1 } }, 2, "its memory" },
		{ { { 0x34, 0, 0, 0 }, { 0x06, 0, 0, 1 } }, 2, "by zero" },
		{ { { 0xf4, 0, 0, 0 }, { 0x06, 0, 0, 1 } }, 2, "may have" },
		{ { { 0x00, 0, 0, 0 } }, 1, "end with a return" },
	};
	unsigned char r[64] = { 0 };

	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		struct vexfs_filter f = { (struct vexfs_filter_insn *)cases[k].i, cases[k].n };
		struct vexfs_error err;

		ok(vexfs_filter_check(&f, 64, &err) == -EINVAL && strstr(err.text, cases[k].why) &&
		   vexfs_filter_run(&f, r, 64) == -EINVAL,
		   "a program is refused: %s", cases[k].why);
	}
}

int main(void)
{
	struct vexfs_error err;

	if (!ok(!vexfs_layout_parse(layout_text, &layout, &err), "the layout of the test"))
		return done();
	messages();
	meaning();
	floats();
	random_expressions();
	long_jumps();
	unsafe_programs();
	return done();
}
