/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Numbers as text, and whether they fit into a field. Records and filters share it, so
 * that both parse the same way.
 */
#ifndef VEXFS_LIB_NUMBER_H
#define VEXFS_LIB_NUMBER_H

#include "internal.h"

/* A number as written: sign and magnitude, and a double if it has a fraction or an exponent. */
struct number {
	bool negative;
	bool is_float;
	uint64_t magnitude;
	double real;		/* always set, with the sign */
};

/* Parses a number at @text; returns its length, 0 if there is none, -1 if it is too large. */
int number_read(const char *text, struct number *n);

/*
 * Converts @n to the bits of a field (two's complement, IEEE) in the low bytes of @bits.
 * -ERANGE if it does not fit; @why then has the field's range.
 */
int number_to_field(const struct number *n, enum vexfs_field_type type, uint64_t *bits,
		    const char **why);

unsigned int field_bytes(enum vexfs_field_type type);
bool field_is_signed(enum vexfs_field_type type);

uint64_t field_load(const void *record, unsigned int offset, unsigned int size);
void field_store(void *record, unsigned int offset, unsigned int size, uint64_t bits);

bool name_start(char c);
bool name_char(char c);

#endif
