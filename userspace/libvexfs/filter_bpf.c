// SPDX-License-Identifier: GPL-2.0
/*
 * Compiles the tree of a filter to classic BPF. Conditional jumps reach 255 instructions
 * only, so the program is first generated with labels and then laid out, with long jumps
 * where needed. All jumps go forward.
 *
 * A field of up to four bytes is read by one big-endian load. Inverting the sign bit
 * makes signed numbers sort like unsigned ones. An f32 is mapped to a key in IEEE order.
 * Eight bytes are compared as two halves.
 */
#include <errno.h>
#include <linux/filter.h>
#include <stdlib.h>
#include <string.h>

#include "filter.h"

#define NO_LABEL	UINT32_MAX

/* An instruction whose jumps name labels. */
struct draft {
	uint16_t code;
	bool jump;		/* conditional */
	bool far_t, far_f;	/* needs a long jump after it */
	uint32_t k;
	uint32_t t, f;		/* labels; ja uses t */
	uint32_t at;		/* position in the program */
};

struct compiler {
	struct draft *code;
	size_t count, room;
	size_t *labels;		/* index of the instruction that the label precedes */
	size_t label_count, label_room;
	bool no_memory;
	struct draft spare;	/* target of writes when there is no memory */
};

static struct draft *emit(struct compiler *c, uint16_t code, uint32_t k)
{
	struct draft *d;

	if (c->count == c->room) {
		size_t room = c->room ? 2 * c->room : 64;

		d = reallocarray(c->code, room, sizeof(*d));
		if (!d) {
			c->no_memory = true;
			return &c->spare;
		}
		c->code = d;
		c->room = room;
	}
	d = &c->code[c->count++];
	memset(d, 0, sizeof(*d));
	d->code = code;
	d->k = k;
	d->t = d->f = NO_LABEL;
	return d;
}

static uint32_t new_label(struct compiler *c)
{
	if (c->label_count == c->label_room) {
		size_t room = c->label_room ? 2 * c->label_room : 64;
		size_t *l = reallocarray(c->labels, room, sizeof(*l));

		if (!l) {
			c->no_memory = true;
			return 0;
		}
		c->labels = l;
		c->label_room = room;
	}
	c->labels[c->label_count] = SIZE_MAX;
	return (uint32_t)c->label_count++;
}

static void bind(struct compiler *c, uint32_t label)
{
	if (!c->no_memory)
		c->labels[label] = c->count;
}

static void branch(struct compiler *c, uint16_t op, uint32_t k, uint32_t t, uint32_t f)
{
	struct draft *d = emit(c, BPF_JMP | op | BPF_K, k);

	d->jump = true;
	d->t = t;
	d->f = f;
}

static void jump(struct compiler *c, uint32_t to)
{
	emit(c, BPF_JMP | BPF_JA, 0)->t = to;
}

/* ---- tests ---- */

static void load(struct compiler *c, const struct node *test, unsigned int offset,
		 unsigned int bytes, uint64_t mask)
{
	uint16_t size = bytes == 1 ? BPF_B : bytes == 2 ? BPF_H : BPF_W;
	uint64_t all = (1ULL << (8 * bytes)) - 1;

	emit(c, BPF_LD | size | BPF_ABS, test->field->offset + offset);
	if ((mask & all) != all)
		emit(c, BPF_ALU | BPF_AND | BPF_K, (uint32_t)(mask & all));
}

/* A holds the key. Ranges are sorted: a key below one range is in none of the following. */
static void test_ranges(struct compiler *c, const struct node *test, uint32_t subtract,
			uint64_t highest, uint32_t t, uint32_t f)
{
	for (size_t i = 0; i < test->count; i++) {
		uint32_t low = (uint32_t)test->ranges[i].low - subtract;
		uint32_t high = (uint32_t)test->ranges[i].high - subtract;
		uint32_t next = i + 1 < test->count ? new_label(c) : f;
		uint32_t inside;

		if (low == high) {
			branch(c, BPF_JEQ, low, t, next);
		} else if (high == highest) {
			branch(c, BPF_JGE, low, t, f);
		} else {
			if (low) {
				inside = new_label(c);
				branch(c, BPF_JGE, low, inside, f);
				bind(c, inside);
			}
			branch(c, BPF_JGT, high, next, t);
		}
		if (next != f)
			bind(c, next);
	}
}

static bool only_single_keys(const struct node *test)
{
	for (size_t i = 0; i < test->count; i++)
		if (test->ranges[i].low != test->ranges[i].high)
			return false;
	return true;
}

static void test_word(struct compiler *c, const struct node *test, uint32_t t, uint32_t f)
{
	unsigned int bytes = test->field->size;
	enum key_kind kind = filter_key_kind(test);
	uint64_t highest = (1ULL << (8 * bytes)) - 1;

	load(c, test, 0, bytes, test->mask);
	if (kind == KEY_SIGNED && only_single_keys(test)) {
		/* Equality needs no order: compares the bits. */
		for (size_t i = 0; i < test->count; i++) {
			uint32_t next = i + 1 < test->count ? new_label(c) : f;

			branch(c, BPF_JEQ,
			       (uint32_t)filter_key(kind, bytes, test->ranges[i].low), t, next);
			if (next != f)
				bind(c, next);
		}
		return;
	}
	if (kind == KEY_SIGNED)
		emit(c, BPF_ALU | BPF_XOR | BPF_K, 1U << (8 * bytes - 1));
	if (kind == KEY_FLOAT) {
		uint32_t negative, positive, done;

		if (test->ranges[0].low >= 0x80000000u) {
			/*
			 * With positive bounds the bits sort correctly; negative numbers
			 * are above.
			 */
			test_ranges(c, test, 0x80000000u, UINT64_MAX, t, f);
			return;
		}
		negative = new_label(c);
		positive = new_label(c);
		done = new_label(c);
		branch(c, BPF_JSET, 0x80000000u, negative, positive);
		bind(c, negative);
		emit(c, BPF_ALU | BPF_XOR | BPF_K, 0xffffffffu);
		jump(c, done);
		bind(c, positive);
		emit(c, BPF_ALU | BPF_OR | BPF_K, 0x80000000u);
		bind(c, done);
	}
	test_ranges(c, test, 0, highest, t, f);
}

/* Loads one half of an eight-byte key into A. */
static void load_half(struct compiler *c, const struct node *test, bool high)
{
	load(c, test, high ? 0 : 4, 4, high ? test->mask >> 32 : test->mask);
	if (high && filter_key_kind(test) == KEY_SIGNED)
		emit(c, BPF_ALU | BPF_XOR | BPF_K, 0x80000000u);
}

static void test_double_word(struct compiler *c, const struct node *test, uint32_t t, uint32_t f)
{
	for (size_t i = 0; i < test->count; i++) {
		const struct range *r = &test->ranges[i];
		uint32_t next = i + 1 < test->count ? new_label(c) : f;
		uint32_t a = new_label(c);

		load_half(c, test, true);
		if (r->low == r->high) {
			branch(c, BPF_JEQ, (uint32_t)(r->low >> 32), a, next);
			bind(c, a);
			load_half(c, test, false);
			branch(c, BPF_JEQ, (uint32_t)r->low, t, next);
		} else {
			uint32_t above = new_label(c), equal = new_label(c), low_half = new_label(c);

			/* not below the range ... */
			branch(c, BPF_JGT, (uint32_t)(r->low >> 32), above, equal);
			bind(c, equal);
			branch(c, BPF_JEQ, (uint32_t)(r->low >> 32), low_half, f);
			bind(c, low_half);
			load_half(c, test, false);
			branch(c, BPF_JGE, (uint32_t)r->low, a, f);
			bind(c, a);
			load_half(c, test, true);
			bind(c, above);
			/* ... nor above it */
			if (r->high == UINT64_MAX) {
				jump(c, t);
			} else {
				uint32_t top = new_label(c), last = new_label(c);

				branch(c, BPF_JGT, (uint32_t)(r->high >> 32), next, top);
				bind(c, top);
				branch(c, BPF_JEQ, (uint32_t)(r->high >> 32), last, t);
				bind(c, last);
				load_half(c, test, false);
				branch(c, BPF_JGT, (uint32_t)r->high, next, t);
			}
		}
		if (next != f)
			bind(c, next);
	}
}

static void generate(struct compiler *c, const struct node *node, uint32_t t, uint32_t f)
{
	switch (node->kind) {
	case NODE_NOT:
		generate(c, node->first, f, t);
		break;
	case NODE_AND:
	case NODE_OR:
		for (const struct node *child = node->first; child; child = child->next) {
			uint32_t next;

			if (!child->next) {
				generate(c, child, t, f);
				break;
			}
			next = new_label(c);
			if (node->kind == NODE_AND)
				generate(c, child, next, f);
			else
				generate(c, child, t, next);
			bind(c, next);
		}
		break;
	case NODE_TEST:
		if (node->negated) {
			uint32_t swap = t;

			t = f;
			f = swap;
		}
		if (!node->count)
			jump(c, f);
		else if (node->field->size == 8)
			test_double_word(c, node, t, f);
		else
			test_word(c, node, t, f);
		break;
	}
}

/* ---- layout ---- */

static uint32_t distance(const struct compiler *c, uint32_t from, uint32_t label)
{
	return c->code[c->labels[label]].at - from - 1;
}

/* Assigns positions. Adding long jumps only makes distances longer. */
static uint32_t place(struct compiler *c)
{
	uint32_t total;
	bool changed;

	do {
		total = 0;
		changed = false;
		for (size_t i = 0; i < c->count; i++) {
			c->code[i].at = total;
			total += 1u + c->code[i].far_t + c->code[i].far_f;
		}
		for (size_t i = 0; i < c->count; i++) {
			struct draft *d = &c->code[i];

			if (!d->jump)
				continue;
			if (!d->far_t && distance(c, d->at, d->t) > 255)
				d->far_t = changed = true;
			if (!d->far_f && distance(c, d->at, d->f) > 255)
				d->far_f = changed = true;
		}
	} while (changed);
	return total;
}

static void write_out(const struct compiler *c, struct vexfs_filter_insn *out)
{
	for (size_t i = 0; i < c->count; i++) {
		const struct draft *d = &c->code[i];
		struct vexfs_filter_insn *p = out + d->at;

		p->code = d->code;
		p->k = d->k;
		if (d->code == (BPF_JMP | BPF_JA))
			p->k = distance(c, d->at, d->t);
		if (!d->jump)
			continue;
		p->jt = d->far_t ? 0 : (uint8_t)distance(c, d->at, d->t);
		p->jf = d->far_f ? (uint8_t)d->far_t : (uint8_t)distance(c, d->at, d->f);
		if (d->far_t) {
			p[1].code = BPF_JMP | BPF_JA;
			p[1].k = distance(c, d->at + 1, d->t);
		}
		if (d->far_f) {
			p[1 + d->far_t].code = BPF_JMP | BPF_JA;
			p[1 + d->far_t].k = distance(c, d->at + 1 + d->far_t, d->f);
		}
	}
}

int vexfs_filter_compile(const struct vexfs_layout *layout, const char *text,
			 struct vexfs_filter *filter, struct vexfs_error *err)
{
	struct compiler c = { 0 };
	struct node *root;
	uint32_t keep, drop, total;
	int ret;

	vexfs_error_clear(err);
	memset(filter, 0, sizeof(*filter));
	ret = filter_parse(layout, text, &root, err);
	if (ret)
		return ret;
	keep = new_label(&c);
	drop = new_label(&c);
	generate(&c, root, keep, drop);
	filter_free_tree(root);
	bind(&c, keep);
	emit(&c, BPF_RET | BPF_K, 1);
	bind(&c, drop);
	emit(&c, BPF_RET | BPF_K, 0);
	ret = vexfs_fail(err, ENOMEM, "no memory for the filter");
	if (c.no_memory)
		goto out;
	total = place(&c);
	if (total > VEXFS_FILTER_MAX) {
		ret = vexfs_fail(err, E2BIG, "the filter needs %u instructions: at most %u", total,
				 VEXFS_FILTER_MAX);
		goto out;
	}
	filter->insns = calloc(total, sizeof(*filter->insns));
	if (!filter->insns)
		goto out;
	filter->count = total;
	write_out(&c, filter->insns);
	vexfs_error_clear(err);
	ret = 0;
out:
	free(c.code);
	free(c.labels);
	return ret;
}

void vexfs_filter_free(struct vexfs_filter *filter)
{
	free(filter->insns);
	filter->insns = NULL;
	filter->count = 0;
}
