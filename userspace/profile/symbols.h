/* SPDX-License-Identifier: GPL-2.0 */
/* Symbols of a kernel and its modules, from its /proc/kallsyms, and functions of the module,
 * from the compiler's list of stack frames (*.su).
 */
#ifndef VEXFS_PROFILE_SYMBOLS_H
#define VEXFS_PROFILE_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct symbol - a function of a kernel
 * @addr: where it begins
 * @name: its name
 * @module: whose it is, NULL for the kernel's own
 */
struct symbol {
	uint64_t addr;
	char *name;
	char *module;
};

struct symbols {
	struct symbol *s;
	size_t n, room;
};

/* 0, or -1 with a sentence in @why; a list in which all addresses are 0 is refused. */
int symbols_read(struct symbols *s, const char *path, char *why, size_t size);
const struct symbol *symbols_at(const struct symbols *s, uint64_t addr);
void symbols_free(struct symbols *s);

/**
 * struct function - a function of the compiled module
 * @name: its name
 * @file: where it stands, "kmod/index/graph_walk.c"
 * @subsystem: directory below kmod/, "index"
 * @frame: bytes of stack
 * @dynamic: @frame is only its smallest
 */
struct function {
	char *name;
	char *file;
	char subsystem[24];
	unsigned int frame;
	bool dynamic;
};

struct functions {
	struct function *f;	/* by name */
	size_t n, room;
};

/* All *.su below @dir. 0, or -1 with a sentence in @why. */
int functions_read(struct functions *f, const char *dir, char *why, size_t size);
/* Suffixes of the compiler (".isra.0") in @name do not count. */
const struct function *functions_find(const struct functions *f, const char *name);
void functions_free(struct functions *f);

#endif
