// SPDX-License-Identifier: GPL-2.0
/*
 * Names end up in logs, terminals, paths, shells and JSON. They are checked once, when
 * they come in, and consist of characters that are special in none of these. A layout is
 * a text of the user that others may see: it must not contain terminal control characters.
 */
#include <linux/ctype.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "store/name.h"

/* Bytes of the UTF-8 character at @s of @n bytes, and which; 0 when malformed. */
static size_t utf8_char(const u8 *s, size_t n, u32 *ch)
{
	static const u32 least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len, i;

	if (s[0] < 0x80) {
		*ch = s[0];
		return 1;
	}
	if (s[0] >= 0xc2 && s[0] < 0xe0)
		len = 2;
	else if (s[0] >= 0xe0 && s[0] < 0xf0)
		len = 3;
	else if (s[0] >= 0xf0 && s[0] < 0xf5)
		len = 4;
	else
		return 0;
	if (len > n)
		return 0;
	*ch = s[0] & (0x7f >> len);
	for (i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*ch = *ch << 6 | (s[i] & 0x3f);
	}
	if (*ch < least[len] || *ch > 0x10ffff || (*ch >= 0xd800 && *ch < 0xe000))
		return 0;
	return len;
}

static bool char_printable(u32 ch)
{
	if (ch < 0x20 || (ch >= 0x7f && ch < 0xa0))
		return false;
	/* line and paragraph separators, marks that turn the direction of text */
	return ch != 0x2028 && ch != 0x2029 && !(ch >= 0x202a && ch <= 0x202e) &&
	       !(ch >= 0x2066 && ch <= 0x2069);
}

bool vexfs_layout_valid(const char *layout, size_t len)
{
	size_t i, n;
	u32 ch;

	for (i = 0; i < len; i += n) {
		n = utf8_char((const u8 *)layout + i, len - i, &ch);
		if (!n || !char_printable(ch))
			return false;
	}
	return true;
}
VEXFS_EXPORT_KUNIT(vexfs_layout_valid);

/* isalnum() would take letters of Latin-1. */
static bool name_char(char c)
{
	return isascii(c) && (isalnum(c) || (c && strchr("._:+-", c)));
}

bool vexfs_name_valid(const char *name, size_t size)
{
	size_t len = strnlen(name, size);
	size_t i;

	if (!len || len == size || *name == '-' || *name == '.')
		return false;
	for (i = 0; i < len; i++)
		if (!name_char(name[i]))
			return false;
	return !memchr_inv(name + len, 0, size - len);
}
VEXFS_EXPORT_KUNIT(vexfs_name_valid);
