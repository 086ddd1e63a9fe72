/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Numbers that people and other programs wrote. The whole text must be one number that
 * the type can hold: no blanks around it, nothing behind it.
 */
#ifndef VEXFS_TEXTIO_PARSE_H
#define VEXFS_TEXTIO_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Decimal, or hexadecimal after 0x; no sign. */
bool parse_u64(const char *text, uint64_t *v);

/* A finite decimal number, with a fraction or an exponent if need be. */
bool parse_number(const char *text, double *v);

#ifdef __cplusplus
}
#endif

#endif
