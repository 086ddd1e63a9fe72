/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Numbers as text, and what fits into a field: shared by records and filters,
 * so that both read the same text in the same way.
 */
#ifndef VEXFS_LIB_NUMBER_H
#define VEXFS_LIB_NUMBER_H

#include "internal.h"

/*
 * A number as it was written: a sign and a magnitude, and as a double when it
 * has a fraction or an exponent.
 */
struct number {
	bool negative;
	bool is_float;
	uint64_t magnitude;
	double real;		/* always set, with the sign */
};

/*
 * Reads a number at @text; returns the bytes it takes, 0 when there is none
 * and -1 when it is too large to be held.
 */
int number_read(const char *text, struct number *n);

/*
 * The bits of @n in a field, as the field holds them (two's complement, IEEE),
 * in the low bytes of @bits. -ERANGE when it does not fit; then @why says the
 * field's range.
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
