// SPDX-License-Identifier: GPL-2.0
/* Messages: encoding, and decoding with every field checked before it is used. */
#include <string.h>

#include "crc32c.h"
#include "relay.h"

static size_t pad8(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

size_t msg_size(const struct relay_msg *m)
{
	return sizeof(*m) + (size_t)m->count * 8 + pad8(m->count) +
	       pad8((size_t)m->puts * m->attr_size) + (size_t)m->puts * m->row_bytes;
}

void msg_parts(struct relay_msg *m, struct msg_parts *p)
{
	uint8_t *at = (uint8_t *)(m + 1);

	p->ids = (uint64_t *)at;
	at += (size_t)m->count * 8;
	p->ops = at;
	at += pad8(m->count);
	p->attrs = at;
	at += pad8((size_t)m->puts * m->attr_size);
	p->vectors = at;
}

void msg_seal(struct relay_msg *m, size_t len)
{
	m->magic = RELAY_MAGIC;
	m->version = RELAY_VERSION;
	m->crc = 0;
	m->crc = crc32c(0, m, len);
}

const char *msg_check(const void *data, size_t len, struct relay_msg *m)
{
	struct msg_parts p;
	uint32_t puts = 0;

	if (len < sizeof(*m))
		return "it is too short";
	memcpy(m, data, sizeof(*m));
	if (m->magic != RELAY_MAGIC)
		return "it is not a message of vexfs-relay";
	if (m->version != RELAY_VERSION)
		return "it has another version";
	m->crc = 0;
	if (crc32c(crc32c(0, m, sizeof(*m)), (const uint8_t *)data + sizeof(*m),
		   len - sizeof(*m)) != ((const struct relay_msg *)data)->crc)
		return "its checksum is wrong";
	if (m->type != RELAY_ROWS && m->type != RELAY_CHANGES_OF)
		return NULL;
	if (m->count > VEXFS_BATCH_MAX || m->puts > m->count || m->attr_size > VEXFS_ATTR_MAX ||
	    m->row_bytes > VEXFS_DIM_MAX * 4 || msg_size(m) != len)
		return "its length is wrong";
	msg_parts((struct relay_msg *)data, &p);
	for (uint32_t i = 0; i < m->count; i++) {
		if (p.ops[i] < VEXFS_CHANGE_INSERT || p.ops[i] > VEXFS_CHANGE_DROP)
			return "it has a change of unknown kind";
		puts += p.ops[i] <= VEXFS_CHANGE_UPDATE;
	}
	return puts == m->puts ? NULL : "its number of rows is wrong";
}
