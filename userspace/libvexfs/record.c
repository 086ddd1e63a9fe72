// SPDX-License-Identifier: GPL-2.0
/*
 * Attribute records with named fields. A layout is text that the kernel stores and does
 * not interpret. Numbers in a record are big-endian, because classic BPF loads them so.
 */
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"

static const struct {
	const char *name;
	unsigned int bytes;
	const char *range;
} field_types[] = {
	[VEXFS_FIELD_U8] = { "u8", 1, "0 to 255" },
	[VEXFS_FIELD_U16] = { "u16", 2, "0 to 65535" },
	[VEXFS_FIELD_U32] = { "u32", 4, "0 to 4294967295" },
	[VEXFS_FIELD_U64] = { "u64", 8, "0 to 18446744073709551615" },
	[VEXFS_FIELD_I8] = { "i8", 1, "-128 to 127" },
	[VEXFS_FIELD_I16] = { "i16", 2, "-32768 to 32767" },
	[VEXFS_FIELD_I32] = { "i32", 4, "-2147483648 to 2147483647" },
	[VEXFS_FIELD_I64] = { "i64", 8, "-9223372036854775808 to 9223372036854775807" },
	[VEXFS_FIELD_F32] = { "f32", 4, "a finite f32" },
};

const char *vexfs_field_type_name(enum vexfs_field_type type)
{
	return type < ARRAY_SIZE(field_types) && field_types[type].name ?
	       field_types[type].name : "?";
}

unsigned int field_bytes(enum vexfs_field_type type)
{
	return field_types[type].bytes;
}

bool field_is_signed(enum vexfs_field_type type)
{
	return type >= VEXFS_FIELD_I8 && type <= VEXFS_FIELD_I64;
}

bool name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool name_char(char c)
{
	return name_start(c) || (c >= '0' && c <= '9');
}

uint64_t field_load(const void *record, unsigned int offset, unsigned int size)
{
	const unsigned char *p = (const unsigned char *)record + offset;
	uint64_t bits = 0;

	while (size--)
		bits = bits << 8 | *p++;
	return bits;
}

void field_store(void *record, unsigned int offset, unsigned int size, uint64_t bits)
{
	unsigned char *p = (unsigned char *)record + offset;

	while (size--)
		*p++ = (unsigned char)(bits >> (8 * size));
}

/* ---- numbers ---- */

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

/* strtod() independent of the program's locale. */
static bool real_of(const char *text, double *real)
{
	locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	char *end;

	if (!c)
		return false;
	*real = strtod_l(text, &end, c);
	freelocale(c);
	return !*end && isfinite(*real);
}

int number_read(const char *text, struct number *n)
{
	const char *s = text;
	const char *digits;
	bool overflow = false;
	int base = 10;

	memset(n, 0, sizeof(*n));
	if (*s == '-') {
		n->negative = true;
		s++;
	}
	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X') && digit_of(s[2]) < 16) {
		base = 16;
		s += 2;
	}
	for (digits = s; digit_of(*s) < base; s++) {
		int d = digit_of(*s);

		overflow |= __builtin_mul_overflow(n->magnitude, (uint64_t)base, &n->magnitude);
		overflow |= __builtin_add_overflow(n->magnitude, (uint64_t)d, &n->magnitude);
	}
	/* "1..5" is a range of whole numbers, "1.5" is one number. */
	if (base == 10 && ((*s == '.' && digit_of(s[1]) < 10) ||
			   (s > digits && (*s == 'e' || *s == 'E')))) {
		const char *f = s;

		if (*f == '.')
			while (digit_of(*++f) < 10)
				;
		if (*f == 'e' || *f == 'E') {
			const char *x = f + 1;

			if (*x == '+' || *x == '-')
				x++;
			if (digit_of(*x) < 10) {
				while (digit_of(*x) < 10)
					x++;
				f = x;
			}
		}
		if (f > s) {
			char buf[64];

			if ((size_t)(f - text) >= sizeof(buf))
				return -1;
			memcpy(buf, text, (size_t)(f - text));
			buf[f - text] = '\0';
			if (!real_of(buf, &n->real))
				return -1;
			n->is_float = true;
			return (int)(f - text);
		}
	}
	if (s == digits)
		return 0;
	if (overflow)
		return -1;
	n->real = n->negative ? -(double)n->magnitude : (double)n->magnitude;
	return (int)(s - text);
}

int number_to_field(const struct number *n, enum vexfs_field_type type, uint64_t *bits,
		    const char **why)
{
	unsigned int width = 8 * field_bytes(type);
	uint64_t most;

	*why = field_types[type].range;
	if (type == VEXFS_FIELD_F32) {
		float f = (float)n->real;
		uint32_t u;

		if (!isfinite(f))
			return -ERANGE;
		f += 0.0f;		/* -0 is stored as +0 */
		memcpy(&u, &f, sizeof(u));
		*bits = u;
		return 0;
	}
	if (n->is_float) {
		*why = "a whole number";
		return -ERANGE;
	}
	if (field_is_signed(type)) {
		most = (1ULL << (width - 1)) - !n->negative;
	} else {
		most = width == 64 ? UINT64_MAX : (1ULL << width) - 1;
		if (n->negative && n->magnitude)
			return -ERANGE;
	}
	if (n->magnitude > most)
		return -ERANGE;
	*bits = n->negative ? 0 - n->magnitude : n->magnitude;
	if (width < 64)
		*bits &= (1ULL << width) - 1;
	return 0;
}

/* ---- layouts ---- */

static const char *skip_spaces(const char *s)
{
	while (*s == ' ' || *s == '\t' || *s == '\n')
		s++;
	return s;
}

static int layout_fail(struct vexfs_error *err, const char *text, const char *at,
		       const char *expected)
{
	if (!*at)
		return vexfs_fail_at(err, EINVAL, (unsigned int)(at - text),
				     "layout, at its end: expected %s", expected);
	return vexfs_fail_at(err, EINVAL, (unsigned int)(at - text),
			     "layout, position %u ('%.16s'): expected %s",
			     (unsigned int)(at - text) + 1, at, expected);
}

static int parse_field(const char *text, const char **at, struct vexfs_layout *layout,
		       unsigned int follow, struct vexfs_error *err)
{
	struct vexfs_field *field = &layout->fields[layout->count];
	const char *s = skip_spaces(*at);
	const char *start = s;
	size_t len;
	unsigned int type;

	if (!name_start(*s))
		return layout_fail(err, text, s, "the name of a field");
	while (name_char(*s))
		s++;
	len = (size_t)(s - start);
	if (len >= VEXFS_FIELD_NAME_SIZE)
		return layout_fail(err, text, start, "a name of at most 31 characters");
	memset(field, 0, sizeof(*field));
	memcpy(field->name, start, len);
	if (!strcmp(field->name, "in"))
		return layout_fail(err, text, start, "a name other than 'in', which filters use");
	if (vexfs_layout_find(layout, field->name))
		return layout_fail(err, text, start, "a name that is not taken yet");
	s = skip_spaces(s);
	if (*s != ':')
		return layout_fail(err, text, s, "':' and a type");
	s = start = skip_spaces(s + 1);
	while (name_char(*s))
		s++;
	len = (size_t)(s - start);
	for (type = 1; type < ARRAY_SIZE(field_types); type++)
		if (strlen(field_types[type].name) == len &&
		    !memcmp(field_types[type].name, start, len))
			break;
	if (type == ARRAY_SIZE(field_types))
		return layout_fail(err, text, start,
				   "a type: u8, u16, u32, u64, i8, i16, i32, i64 or f32");
	field->type = (enum vexfs_field_type)type;
	field->size = (uint8_t)field_types[type].bytes;
	s = skip_spaces(s);
	if (*s == '@') {
		struct number n;
		int used;

		s = start = skip_spaces(s + 1);
		used = number_read(s, &n);
		if (used <= 0 || n.is_float || n.negative || n.magnitude >= VEXFS_ATTR_MAX)
			return layout_fail(err, text, s, "an offset from 0 to 63");
		follow = (unsigned int)n.magnitude;
		s = skip_spaces(s + used);
	}
	if (follow + field->size > VEXFS_ATTR_MAX)
		return layout_fail(err, text, start, "a field that ends within 64 bytes");
	for (unsigned int i = 0; i < layout->count; i++) {
		const struct vexfs_field *other = &layout->fields[i];

		if (follow < (unsigned int)other->offset + other->size &&
		    other->offset < follow + field->size)
			return layout_fail(err, text, start,
					   "a field that does not lie over another one");
	}
	field->offset = (uint8_t)follow;
	*at = s;
	return 0;
}

int vexfs_layout_parse(const char *text, struct vexfs_layout *layout, struct vexfs_error *err)
{
	const char *s = text;
	unsigned int follow = 0;

	vexfs_error_clear(err);
	memset(layout, 0, sizeof(*layout));
	if (strlen(text) > VEXFS_LAYOUT_MAX)
		return vexfs_fail(err, E2BIG, "a layout of %zu bytes: at most %u", strlen(text),
				  VEXFS_LAYOUT_MAX);
	for (;;) {
		int ret;

		if (layout->count == VEXFS_FIELDS_MAX)
			return layout_fail(err, text, s, "no more than 64 fields");
		ret = parse_field(text, &s, layout, follow, err);
		if (ret)
			return ret;
		follow = layout->fields[layout->count].offset +
			 layout->fields[layout->count].size;
		if (follow > layout->size)
			layout->size = follow;
		layout->count++;
		if (!*s)
			return 0;
		if (*s != ',')
			return layout_fail(err, text, s, "',' and another field");
		s++;
	}
}

const struct vexfs_field *vexfs_layout_find(const struct vexfs_layout *layout, const char *name)
{
	for (unsigned int i = 0; i < layout->count; i++)
		if (!strcmp(layout->fields[i].name, name))
			return &layout->fields[i];
	return NULL;
}

/* ---- records ---- */

int vexfs_record_set(const struct vexfs_field *field, void *record,
		     const struct vexfs_value *value, struct vexfs_error *err)
{
	struct number n = { 0 };
	const char *why;
	uint64_t bits;

	vexfs_error_clear(err);
	switch (value->type) {
	case VEXFS_FIELD_U64:
		n.magnitude = value->v.u;
		n.real = (double)value->v.u;
		break;
	case VEXFS_FIELD_I64:
		n.negative = value->v.i < 0;
		n.magnitude = n.negative ? 0 - (uint64_t)value->v.i : (uint64_t)value->v.i;
		n.real = (double)value->v.i;
		break;
	case VEXFS_FIELD_F32:
		if (value->v.f != value->v.f)
			return vexfs_fail(err, EDOM, "%s: NaN cannot be stored", field->name);
		n.is_float = true;
		n.real = (double)value->v.f;
		break;
	default:
		return vexfs_fail(err, EINVAL, "%s: a value is of type u64, i64 or f32",
				  field->name);
	}
	if (number_to_field(&n, field->type, &bits, &why))
		return vexfs_fail(err, ERANGE, "the number does not fit %s (%s: %s)", field->name,
				  vexfs_field_type_name(field->type), why);
	field_store(record, field->offset, field->size, bits);
	return 0;
}

void vexfs_record_get(const struct vexfs_field *field, const void *record,
		      struct vexfs_value *value)
{
	uint64_t bits = field_load(record, field->offset, field->size);
	unsigned int unused = 64 - 8u * field->size;

	if (field->type == VEXFS_FIELD_F32) {
		uint32_t u = (uint32_t)bits;

		value->type = VEXFS_FIELD_F32;
		memcpy(&value->v.f, &u, sizeof(u));
	} else if (field_is_signed(field->type)) {
		value->type = VEXFS_FIELD_I64;
		value->v.i = (int64_t)(bits << unused) >> unused;
	} else {
		value->type = VEXFS_FIELD_U64;
		value->v.u = bits;
	}
}

static int record_fail(struct vexfs_error *err, int code, const char *text, const char *at,
		       const char *expected)
{
	return vexfs_fail_at(err, code, (unsigned int)(at - text),
			     "record, position %u ('%.16s'): expected %s",
			     (unsigned int)(at - text) + 1, at, expected);
}

int vexfs_record_parse(const struct vexfs_layout *layout, const char *text, void *record,
		       struct vexfs_error *err)
{
	unsigned char copy[VEXFS_ATTR_MAX];
	const char *s = skip_spaces(text);

	vexfs_error_clear(err);
	memcpy(copy, record, layout->size);
	while (*s) {
		const struct vexfs_field *field = NULL;
		char name[VEXFS_FIELD_NAME_SIZE] = "";
		const char *start = s;
		struct number n;
		const char *why;
		uint64_t bits;
		int used;

		while (name_char(*s))
			s++;
		if (s > start && (size_t)(s - start) < sizeof(name)) {
			memcpy(name, start, (size_t)(s - start));
			field = vexfs_layout_find(layout, name);
		}
		if (!field)
			return record_fail(err, EINVAL, text, start, "the name of a field of the layout");
		s = skip_spaces(s);
		if (*s != '=')
			return record_fail(err, EINVAL, text, s, "'=' and a number");
		s = skip_spaces(s + 1);
		used = number_read(s, &n);
		if (used <= 0)
			return record_fail(err, used ? ERANGE : EINVAL, text, s,
					   "a number that can be stored");
		if (number_to_field(&n, field->type, &bits, &why))
			return vexfs_fail_at(err, ERANGE, (unsigned int)(s - text),
					     "record, position %u: %.*s does not fit %s (%s: %s)",
					     (unsigned int)(s - text) + 1, used, s, field->name,
					     vexfs_field_type_name(field->type), why);
		field_store(copy, field->offset, field->size, bits);
		s = skip_spaces(s + used);
		if (!*s)
			break;
		if (*s != ',')
			return record_fail(err, EINVAL, text, s, "',' and another field");
		s = skip_spaces(s + 1);
	}
	memcpy(record, copy, layout->size);
	return 0;
}
