/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What stands between the text of a filter and its program: a tree of tests.
 * Every test, whatever it looked like, is "the key of a field lies in one of
 * these ranges", where the key is an unsigned number that sorts as the field's
 * values do. So there is one thing to compile and one thing to evaluate.
 */
#ifndef VEXFS_LIB_FILTER_H
#define VEXFS_LIB_FILTER_H

#include "number.h"

#define FILTER_DEPTH_MAX	100	/* brackets and '!' in each other */
#define FILTER_TEXT_MAX		65536

struct range {
	uint64_t low;
	uint64_t high;
};

enum node_kind {
	NODE_AND,
	NODE_OR,
	NODE_NOT,
	NODE_TEST,
};

/**
 * struct node - a part of an expression
 * @kind: what it is
 * @bare: a test that was written as a term alone; it may still become the left
 *	side of a comparison when it stands in brackets
 * @first: AND, OR, NOT: the first child
 * @next: the next child of the same parent
 * @field: test: whose value
 * @mask: test: bits of the value that count, all of the field's for no mask
 * @masked: test: a mask was written; the value is then unsigned
 * @negated: test: outside of all ranges
 * @ranges: test: sorted, without overlaps
 * @count: test: how many ranges
 */
struct node {
	enum node_kind kind;
	bool bare;
	bool masked;
	bool negated;
	struct node *first;
	struct node *next;
	const struct vexfs_field *field;
	uint64_t mask;
	struct range *ranges;
	size_t count;
};

int filter_parse(const struct vexfs_layout *layout, const char *text, struct node **root,
		 struct vexfs_error *err);
void filter_free_tree(struct node *node);

/* How a test reads its field. */
enum key_kind {
	KEY_UNSIGNED,		/* the bits as they are */
	KEY_SIGNED,		/* the sign bit turned over */
	KEY_FLOAT,		/* ordered as IEEE numbers are */
};

enum key_kind filter_key_kind(const struct node *test);
/* Key of a field's bits; for the compiler's constants. */
uint64_t filter_key(enum key_kind kind, unsigned int bytes, uint64_t bits);

#endif
