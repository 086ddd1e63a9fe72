/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every setting of the module in one list, and changes of several settings
 * that happen together or not at all. The settings are the module's parameters:
 * this file adds none and keeps no values.
 */
#ifndef _VEXFS_TUNABLES_H
#define _VEXFS_TUNABLES_H

#include <linux/types.h>

#define VEXFS_SETTING_TEXT	64u	/* room for a value that is a word, with its NUL */
#define VEXFS_SETTINGS_MAX	64u	/* in one change */

/**
 * struct vexfs_knob - one setting as it is now
 * @key: its name, a parameter of the module
 * @unit: what it counts; NULL for a word
 * @doc: meaning of the setting
 * @word: its value is @text, not @value
 * @read_only: settable only when the module is loaded
 * @value: its value
 * @min: smallest legal value
 * @max: largest number
 * @def: value after loading without parameters
 * @text: its value, when it is a word
 * @def_text: that after loading without parameters; NULL when it has none
 * @at_default: nobody chose another value, whatever @text the default stands for
 */
struct vexfs_knob {
	const char *key;
	const char *unit;
	const char *doc;
	bool word;
	bool read_only;
	s64 value;
	s64 min;
	s64 max;
	s64 def;
	char text[VEXFS_SETTING_TEXT];
	const char *def_text;
	bool at_default;
};

/**
 * struct vexfs_setting - a setting with a new value
 * @key: which; '.' stands for '_'
 * @word: the value is @text
 * @value: the value
 * @text: the value, when it is a word
 */
struct vexfs_setting {
	const char *key;
	bool word;
	s64 value;
	const char *text;
};

/* The error of a change: index of the setting, and a constant message. */
struct vexfs_tune_fault {
	unsigned int setting;
	const char *why;
};

unsigned int vexfs_knobs(void);

/* Setting @i of vexfs_knobs(), in arbitrary order. */
void vexfs_knob_read(unsigned int i, struct vexfs_knob *k);

/* By key; -ENOENT. */
int vexfs_knob_find(const char *key);

/**
 * vexfs_tune - change settings, all or none
 * @s: the settings
 * @n: how many, at most VEXFS_SETTINGS_MAX
 * @defaults: first every setting that is not named goes back to its default
 * @check_only: change nothing
 * @fault: says what was wrong, when it fails
 *
 * May sleep. Returns 0; -ENOENT for a key there is not, -EINVAL for a value that
 * is out of bounds or a key that comes twice, -EPERM for one that can be set
 * only at load, or the error with which a layer refused a value. After an error
 * all settings are as before.
 */
int vexfs_tune(const struct vexfs_setting *s, unsigned int n, bool defaults, bool check_only,
	       struct vexfs_tune_fault *fault);

#endif
