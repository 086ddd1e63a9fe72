// SPDX-License-Identifier: GPL-2.0
/*
 * The settings are the module's parameters, whichever layer owns them; the module loader
 * made their list. A change of several is checked as far as possible and then applied one
 * by one. If a layer refuses a value, those before it are undone in reverse.
 */
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "control/tunables.h"
#include "math/variant.h"
#include "math/fpu.h"
#include "mem/tunable.h"

/* One change at a time: two that overlap must not undo parts of each other. */
static DEFINE_MUTEX(tune_lock);

/**
 * struct other - a parameter that is not a struct vexfs_tunable
 * @key: name of the setting
 * @unit: what it counts; NULL when its value is a word
 * @doc: meaning of the setting
 * @min: smallest legal value
 * @max: largest number
 * @def: default, or
 * @word: the word that is its default
 * @at_default: tells whether that word, which stands for another, is in force
 */
struct other {
	const char *key;
	const char *unit;
	const char *doc;
	u32 min;
	u32 max;
	u32 def;
	const char *word;
	bool (*at_default)(void);
};

/* Group ids differ between machines and udev sets them: saved settings leave them out. */
static const char *const machine[] = { "device_gid", "admin_gid" };

static const struct other others[] = {
	{
		.key = "fpu_budget_us", .unit = "us", .doc = "Longest FPU section",
		.min = VEXFS_FPU_BUDGET_MIN_US, .max = VEXFS_FPU_BUDGET_MAX_US,
		.def = VEXFS_FPU_BUDGET_DEFAULT_US,
	}, {
		.key = "simd", .word = "auto", .doc = "Variant of the arithmetic",
		.at_default = vexfs_variant_is_auto,
	},
};

unsigned int vexfs_knobs(void)
{
	return THIS_MODULE->num_kp;
}

static const struct vexfs_tunable *tunable_of(const struct kernel_param *kp)
{
	return kp->ops == &vexfs_tunable_param_ops ? kp->arg : NULL;
}

static const struct other *other_of(const struct kernel_param *kp)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(others); i++)
		if (!strcmp(others[i].key, kp->name))
			return &others[i];
	return NULL;
}

/*
 * The text of a parameter. Where it is a list of words with the one in force in
 * brackets, that word.
 */
static void read_text(const struct kernel_param *kp, char *text)
{
	char *page = (char *)get_zeroed_page(GFP_KERNEL);
	char *from, *end;

	text[0] = '\0';
	if (!page)
		return;
	if (kp->ops->get && kp->ops->get(page, kp) >= 0) {
		from = strchr(page, '[');
		end = from ? strchr(from, ']') : NULL;
		if (end)
			*end = '\0';
		strscpy(text, strim(end ? from + 1 : page), VEXFS_SETTING_TEXT);
	}
	free_page((unsigned long)page);
}

void vexfs_knob_read(unsigned int i, struct vexfs_knob *k)
{
	const struct kernel_param *kp = &THIS_MODULE->kp[i];
	const struct vexfs_tunable *t = tunable_of(kp);
	const struct other *o = other_of(kp);

	memset(k, 0, sizeof(*k));
	k->key = kp->name;
	k->read_only = !(kp->perm & 0222);
	if (t) {
		k->unit = t->unit;
		k->doc = t->doc;
		k->value = READ_ONCE(*t->value);
		k->min = t->min;
		k->max = t->max;
		k->def = t->def;
		k->at_default = k->value == k->def;
		return;
	}
	read_text(kp, k->text);
	k->doc = o ? o->doc : "";
	k->word = !o || !o->unit || kstrtos64(k->text, 0, &k->value);
	if (k->word) {
		k->def_text = o ? o->word : NULL;
		k->at_default = o && o->at_default && o->at_default();
	} else {
		k->unit = o->unit;
		k->min = o->min;
		k->max = o->max;
		k->def = o->def;
		k->at_default = k->value == k->def;
	}
}

static bool key_matches(const char *name, const char *key)
{
	while (*name && (*name == *key || (*name == '_' && *key == '.'))) {
		name++;
		key++;
	}
	return *name == *key;
}

int vexfs_knob_find(const char *key)
{
	unsigned int i;

	for (i = 0; i < THIS_MODULE->num_kp; i++)
		if (key_matches(THIS_MODULE->kp[i].name, key))
			return i;
	return -ENOENT;
}

/**
 * struct step - one part of a change
 * @kp: the parameter
 * @setting: index of the setting it came from
 * @word: its value is a word
 * @value: the new value
 * @text: the new value as text
 * @old: the value before, as text
 */
struct step {
	const struct kernel_param *kp;
	unsigned int setting;
	bool word;
	s64 value;
	char text[VEXFS_SETTING_TEXT];
	char old[VEXFS_SETTING_TEXT];
};

static int refuse_step(struct vexfs_tune_fault *fault, const struct step *st, const char *why, int err)
{
	fault->setting = st->setting;
	fault->why = why;
	return err;
}

static int check_number(const struct step *st, const struct vexfs_knob *k,
			struct vexfs_tune_fault *fault)
{
	const struct vexfs_tunable *t = tunable_of(st->kp);
	int err;

	if (st->word)
		return refuse_step(fault, st, "the value must be a number", -EINVAL);
	if (st->value < k->min || st->value > k->max)
		return refuse_step(fault, st, "the value is out of bounds", -EINVAL);
	err = t && t->check ? t->check(t, st->value) : 0;
	return err ? refuse_step(fault, st, "the value does not go with the others", err) : 0;
}

static int check_step(const struct step *st, struct vexfs_tune_fault *fault, struct vexfs_knob *k)
{
	int err;

	vexfs_knob_read(st->kp - THIS_MODULE->kp, k);
	if (k->read_only)
		return refuse_step(fault, st, "it can be set only when the module is loaded", -EPERM);
	if (!k->word)
		return check_number(st, k, fault);
	if (!st->word)
		return refuse_step(fault, st, "the value must be a word", -EINVAL);
	if (!strcmp(st->kp->name, "simd")) {
		err = vexfs_variant_check(st->text);
		if (err == -EINVAL)
			return refuse_step(fault, st, "no variant of the arithmetic has that name", err);
		if (err)
			return refuse_step(fault, st, "this machine cannot run that variant", err);
	}
	return 0;
}

/* In reverse order, so that each old value is valid beside the others again. */
static void undo_steps(struct step *steps, unsigned int n)
{
	while (n--)
		steps[n].kp->ops->set(steps[n].old, steps[n].kp);
}

static int apply_steps(struct step *steps, unsigned int n, struct vexfs_tune_fault *fault)
{
	unsigned int i;
	int err;

	for (i = 0; i < n; i++) {
		read_text(steps[i].kp, steps[i].old);
		err = steps[i].kp->ops->set(steps[i].text, steps[i].kp);
		if (err) {
			undo_steps(steps, i);
			return refuse_step(fault, &steps[i], err == -ENOMEM ? "memory is short" :
				      "the module refused the value; its log says why", err);
		}
	}
	return 0;
}

static int add_setting(struct step *st, const struct vexfs_setting *s, unsigned int i,
		       struct vexfs_tune_fault *fault)
{
	int k = vexfs_knob_find(s->key);

	st->setting = i;
	if (k < 0)
		return refuse_step(fault, st, "there is no such setting", k);
	st->kp = &THIS_MODULE->kp[k];
	st->word = s->word;
	st->value = s->value;
	if (s->word)
		strscpy(st->text, s->text, sizeof(st->text));
	else
		snprintf(st->text, sizeof(st->text), "%lld", s->value);
	return 0;
}

/* A step for each setting that is not named and not at its default. */
static unsigned int add_defaults(struct step *steps, unsigned int n, struct vexfs_knob *k)
{
	unsigned int named = n, i, j;

	for (i = 0; i < THIS_MODULE->num_kp; i++) {
		const struct kernel_param *kp = &THIS_MODULE->kp[i];
		const struct other *o = other_of(kp);
		struct step *st = &steps[n];

		for (j = 0; j < named; j++)
			if (steps[j].kp == kp)
				break;
		vexfs_knob_read(i, k);
		if (j < named || k->read_only ||
		    match_string(machine, ARRAY_SIZE(machine), k->key) >= 0 || (k->word && (!o || !o->word)) ||
		    (!k->word && k->value == k->def))
			continue;
		st->kp = kp;
		st->setting = named;
		st->word = k->word;
		st->value = k->def;
		if (k->word)
			strscpy(st->text, o->word, sizeof(st->text));
		else
			snprintf(st->text, sizeof(st->text), "%lld", k->def);
		n++;
	}
	return n;
}

static int tune_locked(struct step *steps, const struct vexfs_setting *s, unsigned int n, bool defaults,
		bool check_only, struct vexfs_tune_fault *fault, struct vexfs_knob *k)
{
	unsigned int i, j;
	int err;

	for (i = 0; i < n; i++) {
		err = add_setting(&steps[i], &s[i], i, fault);
		if (err)
			return err;
		for (j = 0; j < i; j++)
			if (steps[j].kp == steps[i].kp)
				return refuse_step(fault, &steps[i], "the same setting comes twice",
					      -EINVAL);
	}
	if (defaults)
		n = add_defaults(steps, n, k);
	for (i = 0; i < n; i++) {
		err = check_step(&steps[i], fault, k);
		if (err)
			return err;
	}
	return check_only ? 0 : apply_steps(steps, n, fault);
}

int vexfs_tune(const struct vexfs_setting *s, unsigned int n, bool defaults, bool check_only,
	       struct vexfs_tune_fault *fault)
{
	struct step *steps;
	struct vexfs_knob *k;
	int err = -ENOMEM;

	fault->setting = n;
	fault->why = "memory is short";
	if (n > VEXFS_SETTINGS_MAX) {
		fault->why = "too many settings at once";
		return -E2BIG;
	}
	steps = kvcalloc(n + THIS_MODULE->num_kp, sizeof(*steps), GFP_KERNEL);
	k = kmalloc(sizeof(*k), GFP_KERNEL);
	if (steps && k) {
		mutex_lock(&tune_lock);
		err = tune_locked(steps, s, n, defaults, check_only, fault, k);
		mutex_unlock(&tune_lock);
	}
	kfree(k);
	kvfree(steps);
	return err;
}
