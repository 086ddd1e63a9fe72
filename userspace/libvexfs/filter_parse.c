// SPDX-License-Identifier: GPL-2.0
/*
 * Parses filter expressions: a lexer and recursive descent over the grammar in vexfs.h.
 * Recursion is limited to FILTER_DEPTH_MAX, and every error says where it is and what was
 * expected.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filter.h"

enum token {
	T_END,
	T_NAME,
	T_NUMBER,
	T_IN,
	T_OPEN,
	T_CLOSE,
	T_BRACE_OPEN,
	T_BRACE_CLOSE,
	T_COMMA,
	T_DOTS,
	T_AND,
	T_OR,
	T_NOT,
	T_BIT_AND,
	T_EQ,
	T_NE,
	T_LT,
	T_LE,
	T_GT,
	T_GE,
	T_BAD,
};

struct parser {
	const struct vexfs_layout *layout;
	const char *text;
	const char *at;			/* the current token */
	size_t len;
	enum token token;
	struct number number;
	unsigned int depth;
	struct vexfs_error *err;
	int status;
};

static const struct {
	const char *text;
	enum token token;
} signs[] = {
	{ "&&", T_AND }, { "||", T_OR }, { "==", T_EQ }, { "!=", T_NE }, { "<=", T_LE },
	{ ">=", T_GE }, { "..", T_DOTS }, { "<", T_LT }, { ">", T_GT }, { "!", T_NOT },
	{ "&", T_BIT_AND }, { "(", T_OPEN }, { ")", T_CLOSE }, { "{", T_BRACE_OPEN },
	{ "}", T_BRACE_CLOSE }, { ",", T_COMMA },
};

static void scan(struct parser *p, const char *s)
{
	int used;

	while (*s == ' ' || *s == '\t' || *s == '\n' || *s == '\r')
		s++;
	p->at = s;
	p->len = 0;
	if (!*s) {
		p->token = T_END;
		return;
	}
	if (name_start(*s)) {
		while (name_char(s[p->len]))
			p->len++;
		p->token = p->len == 2 && !memcmp(s, "in", 2) ? T_IN : T_NAME;
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(signs); i++) {
		size_t n = strlen(signs[i].text);

		if (!strncmp(s, signs[i].text, n)) {
			p->len = n;
			p->token = signs[i].token;
			return;
		}
	}
	used = number_read(s, &p->number);
	p->token = used > 0 ? T_NUMBER : T_BAD;
	p->len = used > 0 ? (size_t)used : 1;
	if (p->token == T_NUMBER && name_char(s[used])) {
		p->token = T_BAD;
		while (name_char(s[p->len]))
			p->len++;
	}
}

static void next(struct parser *p)
{
	scan(p, p->at + p->len);
}

__attribute__((format(printf, 4, 5)))
static void *fail_at(struct parser *p, const char *at, int code, const char *fmt, ...)
{
	unsigned int position = (unsigned int)(at - p->text);
	char what[300];
	va_list args;

	if (p->status)
		return NULL;
	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	if (*at)
		p->status = vexfs_fail_at(p->err, code, position, "filter, position %u ('%.16s'): %s",
					  position + 1, at, what);
	else
		p->status = vexfs_fail_at(p->err, code, position, "filter, at its end: %s", what);
	return NULL;
}

static void *expected(struct parser *p, const char *what)
{
	return fail_at(p, p->at, EINVAL, "expected %s", what);
}

static struct node *new_node(struct parser *p, enum node_kind kind)
{
	struct node *node = calloc(1, sizeof(*node));

	if (!node)
		return fail_at(p, p->at, ENOMEM, "no memory");
	node->kind = kind;
	return node;
}

void filter_free_tree(struct node *node)
{
	while (node) {
		struct node *after = node->next;

		filter_free_tree(node->first);
		free(node->ranges);
		free(node);
		node = after;
	}
}

/* ---- keys and ranges ---- */

enum key_kind filter_key_kind(const struct node *test)
{
	if (test->field->type == VEXFS_FIELD_F32)
		return KEY_FLOAT;
	return field_is_signed(test->field->type) && !test->masked ? KEY_SIGNED : KEY_UNSIGNED;
}

uint64_t filter_key(enum key_kind kind, unsigned int bytes, uint64_t bits)
{
	if (kind == KEY_SIGNED)
		return bits ^ 1ULL << (8 * bytes - 1);
	if (kind == KEY_FLOAT)
		return bits & 0x80000000u ? bits ^ 0xffffffffu : bits | 0x80000000u;
	return bits;
}

/* Keys of the smallest and largest value of a field; NaN is outside. */
static uint64_t lowest_key(const struct node *test)
{
	return test->field->type == VEXFS_FIELD_F32 ? 0x007fffffu : 0;
}

static uint64_t highest_key(const struct node *test)
{
	if (test->field->type == VEXFS_FIELD_F32)
		return 0xff800000u;
	return test->field->size == 8 ? UINT64_MAX : (1ULL << (8 * test->field->size)) - 1;
}

/* The unsigned type of the same width, for fields under a mask. */
static enum vexfs_field_type number_type(const struct node *test)
{
	if (!test->masked)
		return test->field->type;
	switch (test->field->size) {
	case 1:
		return VEXFS_FIELD_U8;
	case 2:
		return VEXFS_FIELD_U16;
	case 4:
		return VEXFS_FIELD_U32;
	default:
		return VEXFS_FIELD_U64;
	}
}

static bool add_range(struct parser *p, struct node *test, uint64_t low, uint64_t high)
{
	struct range *r = reallocarray(test->ranges, test->count + 1, sizeof(*r));

	if (!r) {
		fail_at(p, p->at, ENOMEM, "no memory");
		return false;
	}
	test->ranges = r;
	r[test->count].low = low;
	r[test->count++].high = high;
	return true;
}

/*
 * The key of the current number. -0 and +0 of f32 are equal although their keys differ:
 * that of -0 is just below.
 */
static bool take_key(struct parser *p, struct node *test, uint64_t *key)
{
	enum vexfs_field_type type = number_type(test);
	const char *why;
	uint64_t bits;

	if (p->token != T_NUMBER) {
		expected(p, "a number");
		return false;
	}
	if (number_to_field(&p->number, type, &bits, &why)) {
		fail_at(p, p->at, ERANGE, "%.*s does not fit %s (%s%s: %s)",
			(int)(p->len < 40 ? p->len : 40), p->at, test->field->name,
			vexfs_field_type_name(type), test->masked ? ", for the mask" : "", why);
		return false;
	}
	*key = filter_key(filter_key_kind(test), test->field->size, bits);
	next(p);
	return true;
}

static bool is_zero_f32(const struct node *test, uint64_t key)
{
	return test->field->type == VEXFS_FIELD_F32 && key == 0x80000000u;
}

/* Converts "key op" to ranges. */
static bool compare_ranges(struct parser *p, struct node *test, enum token op, uint64_t key)
{
	uint64_t below = is_zero_f32(test, key) ? key - 1 : key;	/* keys that compare equal */

	free(test->ranges);
	test->ranges = NULL;
	test->count = 0;
	test->negated = op == T_NE;
	test->bare = false;
	switch (op) {
	case T_EQ:
	case T_NE:
		return add_range(p, test, below, key);
	case T_LT:
		return below == lowest_key(test) || add_range(p, test, lowest_key(test), below - 1);
	case T_LE:
		return add_range(p, test, lowest_key(test), key);
	case T_GT:
		return key == highest_key(test) || add_range(p, test, key + 1, highest_key(test));
	default:
		return add_range(p, test, below, highest_key(test));
	}
}

static int by_low(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->low < y->low ? -1 : x->low > y->low;
}

static void merge_ranges(struct node *test)
{
	size_t out = 0;

	qsort(test->ranges, test->count, sizeof(*test->ranges), by_low);
	for (size_t i = 1; i < test->count; i++) {
		struct range *last = &test->ranges[out];

		if (last->high == UINT64_MAX || test->ranges[i].low <= last->high + 1) {
			if (test->ranges[i].high > last->high)
				last->high = test->ranges[i].high;
		} else {
			test->ranges[++out] = test->ranges[i];
		}
	}
	test->count = out + 1;
}

static struct node *parse_set(struct parser *p, struct node *test)
{
	free(test->ranges);
	test->ranges = NULL;
	test->count = 0;
	test->negated = false;
	test->bare = false;
	next(p);
	if (p->token != T_BRACE_OPEN)
		return expected(p, "'{' and numbers");
	do {
		const char *at;
		uint64_t low, high;

		next(p);
		at = p->at;
		if (!take_key(p, test, &low))
			return NULL;
		high = low;
		if (p->token == T_DOTS) {
			next(p);
			if (!take_key(p, test, &high))
				return NULL;
			if (high < low)
				return fail_at(p, at, EINVAL,
					       "expected a range whose end is not before its beginning");
		}
		if (is_zero_f32(test, low))
			low--;
		if (!add_range(p, test, low, high))
			return NULL;
	} while (p->token == T_COMMA);
	if (p->token != T_BRACE_CLOSE)
		return expected(p, "',', '..' or '}'");
	next(p);
	merge_ranges(test);
	return test;
}

/* ---- grammar ---- */

static struct node *parse_or(struct parser *p);

static bool is_comparison(enum token t)
{
	return t >= T_EQ && t <= T_GE;
}

/* "3 < x" means "x > 3". */
static enum token mirrored(enum token op)
{
	switch (op) {
	case T_LT:
		return T_GT;
	case T_LE:
		return T_GE;
	case T_GT:
		return T_LT;
	case T_GE:
		return T_LE;
	default:
		return op;
	}
}

/* A term without a comparison means "is not zero". */
static bool not_zero(struct parser *p, struct node *test)
{
	uint64_t zero = filter_key(filter_key_kind(test), test->field->size, 0);

	if (!compare_ranges(p, test, T_NE, zero))
		return false;
	test->bare = true;
	return true;
}

static struct node *parse_mask(struct parser *p, struct node *test)
{
	if (test->field->type == VEXFS_FIELD_F32)
		return fail_at(p, p->at, EINVAL, "%s is f32 and has no bits to test",
			       test->field->name);
	if (test->masked)
		return expected(p, "one mask only");
	next(p);
	test->masked = true;
	if (!take_key(p, test, &test->mask))
		return NULL;
	return not_zero(p, test) ? test : NULL;
}

/* Parses the rest of a test, after its term. */
static struct node *parse_tail(struct parser *p, struct node *test)
{
	if (p->token == T_BIT_AND && !parse_mask(p, test))
		return NULL;
	if (is_comparison(p->token)) {
		enum token op = p->token;
		uint64_t key;

		next(p);
		if (p->token == T_NAME)
			return expected(p, "a number; two fields cannot be compared");
		if (!take_key(p, test, &key) || !compare_ranges(p, test, op, key))
			return NULL;
		return test;
	}
	return p->token == T_IN ? parse_set(p, test) : test;
}

static struct node *parse_field(struct parser *p)
{
	char name[VEXFS_FIELD_NAME_SIZE] = "";
	const struct vexfs_field *field = NULL;
	struct node *test;

	if (p->len < sizeof(name)) {
		memcpy(name, p->at, p->len);
		field = vexfs_layout_find(p->layout, name);
	}
	if (!field) {
		char names[200] = "";
		size_t len = 0;

		for (unsigned int i = 0; i < p->layout->count && len < sizeof(names); i++)
			len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s",
						i ? ", " : "", p->layout->fields[i].name);
		return fail_at(p, p->at, EINVAL, "expected a field of the record: %s",
			       *names ? names : "it has none");
	}
	test = new_node(p, NODE_TEST);
	if (!test)
		return NULL;
	test->field = field;
	test->mask = field->size == 8 ? UINT64_MAX : (1ULL << (8 * field->size)) - 1;
	next(p);
	if (!not_zero(p, test)) {
		filter_free_tree(test);
		return NULL;
	}
	return test;
}

/* Parses a field, possibly masked or in parentheses: the right side of "3 <". */
static struct node *parse_term(struct parser *p)
{
	unsigned int brackets = 0;
	struct node *test;

	for (; p->token == T_OPEN; brackets++)
		next(p);
	if (p->token != T_NAME)
		return expected(p, "a field");
	test = parse_field(p);
	if (test && p->token == T_BIT_AND && !parse_mask(p, test))
		goto fail;
	for (; test && brackets; brackets--) {
		if (p->token != T_CLOSE) {
			expected(p, "')'");
			goto fail;
		}
		next(p);
	}
	return test;
fail:
	filter_free_tree(test);
	return NULL;
}

static struct node *parse_mirrored(struct parser *p)
{
	const char *at = p->at;
	struct parser after;
	struct node *test;
	enum token op;
	uint64_t key;

	next(p);
	op = p->token;
	if (!is_comparison(op))
		return expected(p, "a comparison: == != < <= > >=");
	next(p);
	if (p->token == T_NUMBER)
		return expected(p, "a field; two numbers need no filter");
	test = parse_term(p);
	if (!test)
		return NULL;
	/* The number is parsed again when its field is known. */
	after = *p;
	scan(p, at);
	if (!take_key(p, test, &key) || !compare_ranges(p, test, mirrored(op), key)) {
		filter_free_tree(test);
		return NULL;
	}
	*p = after;
	return test;
}

static struct node *parse_unary(struct parser *p)
{
	struct node *node = NULL;
	struct node *inner;

	if (++p->depth > FILTER_DEPTH_MAX) {
		p->depth--;
		return fail_at(p, p->at, E2BIG, "expected at most %d brackets and '!' in each other",
			       FILTER_DEPTH_MAX);
	}
	switch (p->token) {
	case T_NOT:
		next(p);
		inner = parse_unary(p);
		if (inner) {
			node = new_node(p, NODE_NOT);
			if (node)
				node->first = inner;
			else
				filter_free_tree(inner);
		}
		break;
	case T_OPEN:
		next(p);
		node = parse_or(p);
		if (!node)
			break;
		if (p->token != T_CLOSE) {
			expected(p, node->kind == NODE_TEST && node->bare ?
				 "a comparison, 'in', '&', '&&', '||' or ')'" : "'&&', '||' or ')'");
			break;
		}
		next(p);
		if (node->kind == NODE_TEST && node->bare)
			parse_tail(p, node);
		break;
	case T_NAME:
		node = parse_field(p);
		if (node)
			parse_tail(p, node);
		break;
	case T_NUMBER:
		node = parse_mirrored(p);
		break;
	default:
		expected(p, "a field, a number, '!' or '('");
	}
	p->depth--;
	if (p->status) {
		filter_free_tree(node);
		return NULL;
	}
	return node;
}

/* "a SIGN b SIGN c" becomes one node with three children. */
static struct node *parse_chain(struct parser *p, enum token sign, enum node_kind kind,
				struct node *(*part)(struct parser *p))
{
	struct node *first = part(p);
	struct node *parent, **tail;

	if (!first || p->token != sign)
		return first;
	parent = new_node(p, kind);
	if (!parent) {
		filter_free_tree(first);
		return NULL;
	}
	parent->first = first;
	tail = &first->next;
	while (p->token == sign) {
		next(p);
		*tail = part(p);
		if (!*tail) {
			filter_free_tree(parent);
			return NULL;
		}
		tail = &(*tail)->next;
	}
	return parent;
}

static struct node *parse_and(struct parser *p)
{
	return parse_chain(p, T_AND, NODE_AND, parse_unary);
}

static struct node *parse_or(struct parser *p)
{
	return parse_chain(p, T_OR, NODE_OR, parse_and);
}

int filter_parse(const struct vexfs_layout *layout, const char *text, struct node **root,
		 struct vexfs_error *err)
{
	struct parser p = { .layout = layout, .text = text, .err = err };

	*root = NULL;
	if (strlen(text) > FILTER_TEXT_MAX)
		return vexfs_fail(err, E2BIG, "a filter of %zu bytes: at most %d", strlen(text),
				  FILTER_TEXT_MAX);
	scan(&p, text);
	*root = parse_or(&p);
	if (*root && p.token != T_END) {
		expected(&p, (*root)->kind == NODE_TEST && (*root)->bare ?
			 "a comparison, 'in', '&', '&&', '||' or the end" :
			 "'&&', '||' or the end");
		filter_free_tree(*root);
		*root = NULL;
	}
	return p.status;
}
