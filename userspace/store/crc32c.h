/* SPDX-License-Identifier: GPL-2.0 */
/* CRC-32C (Castagnoli), the checksum of everything in a store. */
#ifndef VEXFS_STORE_CRC32C_H
#define VEXFS_STORE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Continues from @crc; start with 0. */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);
/* The same without the processor's instruction. */
uint32_t crc32c_table(uint32_t crc, const void *data, size_t len);

#endif
