// SPDX-License-Identifier: GPL-2.0
/*
 * Filters. A program is checked here instruction by instruction, the way
 * seccomp does it for its own record, then handed to the kernel's converter and
 * JIT as a socket filter. It sees a packet that is the attribute record: a bare
 * sk_buff that points at it and belongs to no network.
 */
#include <linux/err.h>
#include <linux/filter.h>
#include <linux/kernel.h>
#include <linux/preempt.h>
#include <linux/once.h>
#include <linux/siphash.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "index/filter.h"
#include "mem/user.h"

/**
 * struct vexfs_attr_filter - a compiled filter
 * @prog: what the kernel made of it
 * @attr_size: bytes of a record
 * @len: instructions
 * @insns: the instructions themselves, to compare
 */
struct vexfs_attr_filter {
	struct bpf_prog *prog;
	u32 attr_size;
	u32 len;
	struct sock_filter insns[];
};

static const char *insn_refused(const struct sock_filter *i, u32 attr_size)
{
	u32 bytes;

	switch (i->code) {
	case BPF_LD | BPF_W | BPF_ABS:
	case BPF_LD | BPF_H | BPF_ABS:
	case BPF_LD | BPF_B | BPF_ABS:
		bytes = BPF_SIZE(i->code) == BPF_W ? 4 : BPF_SIZE(i->code) == BPF_H ? 2 : 1;
		if (i->k >= attr_size || bytes > attr_size - i->k)
			return "loads from outside the attribute record";
		return NULL;
	case BPF_LD | BPF_W | BPF_LEN:
	case BPF_LDX | BPF_W | BPF_LEN:
	case BPF_LD | BPF_IMM:
	case BPF_LDX | BPF_IMM:
	case BPF_LD | BPF_MEM:
	case BPF_LDX | BPF_MEM:
	case BPF_ST:
	case BPF_STX:
	case BPF_MISC | BPF_TAX:
	case BPF_MISC | BPF_TXA:
	case BPF_ALU | BPF_ADD | BPF_K:
	case BPF_ALU | BPF_ADD | BPF_X:
	case BPF_ALU | BPF_SUB | BPF_K:
	case BPF_ALU | BPF_SUB | BPF_X:
	case BPF_ALU | BPF_MUL | BPF_K:
	case BPF_ALU | BPF_MUL | BPF_X:
	case BPF_ALU | BPF_DIV | BPF_K:
	case BPF_ALU | BPF_DIV | BPF_X:
	case BPF_ALU | BPF_MOD | BPF_K:
	case BPF_ALU | BPF_MOD | BPF_X:
	case BPF_ALU | BPF_AND | BPF_K:
	case BPF_ALU | BPF_AND | BPF_X:
	case BPF_ALU | BPF_OR | BPF_K:
	case BPF_ALU | BPF_OR | BPF_X:
	case BPF_ALU | BPF_XOR | BPF_K:
	case BPF_ALU | BPF_XOR | BPF_X:
	case BPF_ALU | BPF_LSH | BPF_K:
	case BPF_ALU | BPF_LSH | BPF_X:
	case BPF_ALU | BPF_RSH | BPF_K:
	case BPF_ALU | BPF_RSH | BPF_X:
	case BPF_ALU | BPF_NEG:
	case BPF_JMP | BPF_JA:
	case BPF_JMP | BPF_JEQ | BPF_K:
	case BPF_JMP | BPF_JEQ | BPF_X:
	case BPF_JMP | BPF_JGT | BPF_K:
	case BPF_JMP | BPF_JGT | BPF_X:
	case BPF_JMP | BPF_JGE | BPF_K:
	case BPF_JMP | BPF_JGE | BPF_X:
	case BPF_JMP | BPF_JSET | BPF_K:
	case BPF_JMP | BPF_JSET | BPF_X:
	case BPF_RET | BPF_K:
	case BPF_RET | BPF_A:
		return NULL;
	case BPF_LD | BPF_W | BPF_IND:
	case BPF_LD | BPF_H | BPF_IND:
	case BPF_LD | BPF_B | BPF_IND:
	case BPF_LDX | BPF_B | BPF_MSH:
		return "loads from an address that is known only when it runs";
	default:
		return "is not an instruction that a filter may have";
	}
}

int vexfs_attr_filter_create(const struct vexfs_filter_insn *insns, u32 len, u32 attr_size,
			     struct vexfs_attr_filter **out, const char **why, u32 *where)
{
	struct sock_fprog_kern prog = { .len = len, .filter = (struct sock_filter *)insns };
	const char *reason = "jumps out of the program, or does not end with a return";
	struct vexfs_attr_filter *f;
	u32 i = 0;
	int err;

	static_assert(sizeof(struct vexfs_filter_insn) == sizeof(struct sock_filter));
	if (len > VEXFS_FILTER_MAX)
		return -E2BIG;
	err = -EINVAL;
	if (!len) {
		reason = "is empty";
		goto refused;
	}
	for (i = 0; i < len; i++) {
		const char *no = insn_refused(&prog.filter[i], attr_size);

		if (no) {
			reason = no;
			goto refused;
		}
	}
	i = len - 1;
	f = kzalloc(struct_size(f, insns, len), VEXFS_GFP_USER);
	if (!f)
		return -ENOMEM;
	err = bpf_prog_create(&f->prog, &prog);
	if (err) {
		kfree(f);
		goto refused;
	}
	f->attr_size = attr_size;
	f->len = len;
	memcpy(f->insns, prog.filter, len * sizeof(*f->insns));
	*out = f;
	return 0;

refused:
	if (err == -EINVAL) {
		if (why)
			*why = reason;
		if (where)
			*where = i;
	}
	return err;
}
VEXFS_EXPORT_KUNIT(vexfs_attr_filter_create);

void vexfs_attr_filter_free(struct vexfs_attr_filter *f)
{
	if (!f)
		return;
	bpf_prog_destroy(f->prog);
	kfree(f);
}
VEXFS_EXPORT_KUNIT(vexfs_attr_filter_free);

bool vexfs_attr_filter_same(const struct vexfs_attr_filter *a, const struct vexfs_attr_filter *b)
{
	if (!a || !b)
		return a == b;
	return a->attr_size == b->attr_size && a->len == b->len &&
	       !memcmp(a->insns, b->insns, a->len * sizeof(*a->insns));
}

u64 vexfs_attr_filter_hash(const struct vexfs_attr_filter *f)
{
	static siphash_key_t key;

	get_random_once(&key, sizeof(key));
	return siphash(f->insns, f->len * sizeof(*f->insns), &key);
}

u32 vexfs_attr_filter_run(const struct vexfs_attr_filter *f, const void *records, size_t step, u32 n,
			  u16 *pass)
{
	struct sk_buff skb;
	u32 i, found = 0;

	/* what a program that passed the check can reach: data, its bounds, its length */
	memset(&skb, 0, sizeof(skb));
	skb.len = f->attr_size;
	migrate_disable();
	for (i = 0; i < n; i++) {
		skb.data = (unsigned char *)records + i * step;
		skb.head = skb.data;
		if (bpf_prog_run(f->prog, &skb))
			pass[found++] = i;
	}
	migrate_enable();
	return found;
}
VEXFS_EXPORT_KUNIT(vexfs_attr_filter_run);

bool vexfs_attr_filter_match(const struct vexfs_attr_filter *f, const void *record)
{
	u16 pass;

	return vexfs_attr_filter_run(f, record, 0, 1, &pass);
}
VEXFS_EXPORT_KUNIT(vexfs_attr_filter_match);
