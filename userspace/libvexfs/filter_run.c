// SPDX-License-Identifier: GPL-2.0
/*
 * Interprets a filter program in userspace, for experiments and tests. It refuses what
 * the kernel refuses and never reads outside the record.
 */
#include <errno.h>
#include <linux/filter.h>

#include "number.h"

static bool alu_known(uint16_t op)
{
	return op <= BPF_NEG || op == BPF_MOD || op == BPF_XOR;
}

/* Why the kernel would refuse an instruction, or NULL. */
static const char *refused(const struct vexfs_filter *filter, unsigned int at, uint32_t size)
{
	const struct vexfs_filter_insn *i = &filter->insns[at];
	uint64_t left = filter->count - at - 1;
	unsigned int bytes;

	switch (BPF_CLASS(i->code)) {
	case BPF_LD:
		bytes = BPF_SIZE(i->code) == BPF_W ? 4 : BPF_SIZE(i->code) == BPF_H ? 2 : 1;
		if (BPF_MODE(i->code) == BPF_ABS)
			return (uint64_t)i->k + bytes > size ?
			       "loads from outside of the attribute record" : NULL;
		/* fall through */
	case BPF_LDX:
		if (BPF_MODE(i->code) == BPF_IMM ||
		    (BPF_MODE(i->code) == BPF_MEM && i->k < BPF_MEMWORDS))
			return NULL;
		return "loads from where a filter may not";
	case BPF_ST:
	case BPF_STX:
		return i->k < BPF_MEMWORDS ? NULL : "stores outside of its memory";
	case BPF_ALU:
		if (!alu_known(BPF_OP(i->code)))
			return "is not an instruction that a filter may have";
		if (BPF_SRC(i->code) == BPF_K && !i->k &&
		    (BPF_OP(i->code) == BPF_DIV || BPF_OP(i->code) == BPF_MOD))
			return "divides by zero";
		return NULL;
	case BPF_JMP:
		if (BPF_OP(i->code) > BPF_JSET)
			return "is not an instruction that a filter may have";
		if (BPF_OP(i->code) == BPF_JA ? i->k >= left : i->jt >= left || i->jf >= left)
			return "jumps out of the program";
		return NULL;
	case BPF_RET:
		return NULL;
	default:
		return i->code == (BPF_MISC | BPF_TAX) || i->code == (BPF_MISC | BPF_TXA) ? NULL :
		       "is not an instruction that a filter may have";
	}
}

int vexfs_filter_check(const struct vexfs_filter *filter, size_t size, struct vexfs_error *err)
{
	vexfs_error_clear(err);
	if (!filter->count)
		return vexfs_fail(err, EINVAL, "the filter has no instructions");
	if (filter->count > VEXFS_FILTER_MAX)
		return vexfs_fail(err, E2BIG, "a filter of %u instructions: at most %u",
				  filter->count, VEXFS_FILTER_MAX);
	for (unsigned int at = 0; at < filter->count; at++) {
		const char *why = refused(filter, at, (uint32_t)size);

		if (why)
			return vexfs_fail_at(err, EINVAL, at, "filter, instruction %u %s", at, why);
	}
	if (BPF_CLASS(filter->insns[filter->count - 1].code) != BPF_RET)
		return vexfs_fail(err, EINVAL, "the filter does not end with a return");
	return 0;
}

struct machine {
	uint32_t a, x;
	uint32_t mem[BPF_MEMWORDS];
};

static bool alu(struct machine *m, uint16_t code, uint32_t k)
{
	uint32_t v = BPF_SRC(code) == BPF_X ? m->x : k;

	switch (BPF_OP(code)) {
	case BPF_ADD:
		m->a += v;
		return true;
	case BPF_SUB:
		m->a -= v;
		return true;
	case BPF_MUL:
		m->a *= v;
		return true;
	case BPF_DIV:
	case BPF_MOD:
		if (!v)
			return false;
		m->a = BPF_OP(code) == BPF_DIV ? m->a / v : m->a % v;
		return true;
	case BPF_AND:
		m->a &= v;
		return true;
	case BPF_OR:
		m->a |= v;
		return true;
	case BPF_XOR:
		m->a ^= v;
		return true;
	case BPF_LSH:
		m->a <<= v & 31;
		return true;
	case BPF_RSH:
		m->a >>= v & 31;
		return true;
	case BPF_NEG:
		m->a = 0 - m->a;
		return true;
	default:
		return false;
	}
}

static bool condition(const struct machine *m, uint16_t code, uint32_t k, bool *yes)
{
	uint32_t v = BPF_SRC(code) == BPF_X ? m->x : k;

	switch (BPF_OP(code)) {
	case BPF_JEQ:
		*yes = m->a == v;
		return true;
	case BPF_JGT:
		*yes = m->a > v;
		return true;
	case BPF_JGE:
		*yes = m->a >= v;
		return true;
	case BPF_JSET:
		*yes = m->a & v;
		return true;
	default:
		return false;
	}
}

static bool load(struct machine *m, uint16_t code, uint32_t k, const void *record, size_t size)
{
	unsigned int bytes = BPF_SIZE(code) == BPF_W ? 4 : BPF_SIZE(code) == BPF_H ? 2 : 1;

	switch (BPF_MODE(code)) {
	case BPF_IMM:
		m->a = k;
		return true;
	case BPF_MEM:
		if (k >= BPF_MEMWORDS)
			return false;
		m->a = m->mem[k];
		return true;
	case BPF_ABS:
		if ((uint64_t)k + bytes > size)
			return false;
		m->a = (uint32_t)field_load(record, k, bytes);
		return true;
	default:
		return false;
	}
}

int vexfs_filter_run(const struct vexfs_filter *filter, const void *record, size_t size)
{
	struct machine m = { 0 };

	if (vexfs_filter_check(filter, size, NULL))
		return -EINVAL;
	for (uint64_t pc = 0; pc < filter->count; pc++) {
		const struct vexfs_filter_insn *i = &filter->insns[pc];
		bool yes;

		switch (BPF_CLASS(i->code)) {
		case BPF_LD:
			if (!load(&m, i->code, i->k, record, size))
				return -EINVAL;
			break;
		case BPF_LDX:
			if (BPF_MODE(i->code) == BPF_MEM && i->k < BPF_MEMWORDS)
				m.x = m.mem[i->k];
			else if (BPF_MODE(i->code) == BPF_IMM)
				m.x = i->k;
			else
				return -EINVAL;
			break;
		case BPF_ST:
		case BPF_STX:
			if (i->k >= BPF_MEMWORDS)
				return -EINVAL;
			m.mem[i->k] = BPF_CLASS(i->code) == BPF_ST ? m.a : m.x;
			break;
		case BPF_ALU:
			/* Only a division by zero stops here: the record does not match. */
			if (!alu(&m, i->code, i->k))
				return 0;
			break;
		case BPF_JMP:
			if (BPF_OP(i->code) == BPF_JA) {
				pc += i->k;
				break;
			}
			if (!condition(&m, i->code, i->k, &yes))
				return -EINVAL;
			pc += yes ? i->jt : i->jf;
			break;
		case BPF_RET:
			return (BPF_RVAL(i->code) == BPF_A ? m.a : i->k) != 0;
		default:
			if (BPF_MISCOP(i->code) == BPF_TAX)
				m.x = m.a;
			else
				m.a = m.x;
		}
	}
	return -EINVAL;
}
