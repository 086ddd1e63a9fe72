/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Numbers in text from users and other programs. The whole text must be one number that
 * the type can hold: no blanks, nothing behind it.
 */
#ifndef VEXFS_TEXTIO_PARSE_H
#define VEXFS_TEXTIO_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Decimal, or hexadecimal with 0x; no sign. */
bool parse_u64(const char *text, uint64_t *v);

/* A finite decimal number, optionally with a fraction or an exponent. */
bool parse_number(const char *text, double *v);

#ifdef __cplusplus
}
#endif

#endif
