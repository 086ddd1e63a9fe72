/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The intermediate form of a filter, between its text and its program: a tree of tests.
 * Every test becomes "the key of a field is in one of these ranges", where keys are
 * unsigned numbers that sort like the values of the field. So there is one kind of test
 * to compile and to evaluate.
 */
#ifndef VEXFS_LIB_FILTER_H
#define VEXFS_LIB_FILTER_H

#include "number.h"

#define FILTER_DEPTH_MAX	100	/* nesting of parentheses and '!' */
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
 * @kind: its kind
 * @bare: a test that consists of a term only; in parentheses it may still become the left
 * side of a comparison
 * @first: AND, OR, NOT: the first child
 * @next: the next child of the same parent
 * @field: test: the field
 * @mask: test: bits of the value that count; all bits if there is no mask
 * @masked: test: there is a mask; the value is then unsigned
 * @negated: test: outside of all ranges
 * @ranges: test: sorted and disjoint
 * @count: test: number of ranges
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
	KEY_UNSIGNED,		/* the bits unchanged */
	KEY_SIGNED,		/* sign bit inverted */
	KEY_FLOAT,		/* IEEE order */
};

enum key_kind filter_key_kind(const struct node *test);
/* The key for the bits of a field, for constants. */
uint64_t filter_key(enum key_kind kind, unsigned int bytes, uint64_t bits);

#endif
