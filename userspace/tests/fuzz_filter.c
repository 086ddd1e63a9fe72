// SPDX-License-Identifier: GPL-2.0
/*
 * libFuzzer: any text as a filter, a layout and a record. What compiles must be
 * a program that the kernel takes and must run on every record.
 */
#include <stdlib.h>
#include <string.h>

#include "vexfs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char record[VEXFS_ATTR_MAX] = { 0 };
	struct vexfs_layout fixed, layout;
	struct vexfs_filter filter;
	struct vexfs_error err;
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	vexfs_layout_parse("a:u8,b:u16,c:u32,d:u64,e:i8,f:i16,g:i32,h:i64,p:f32", &fixed, &err);
	if (size > sizeof(record))
		memcpy(record, data + size - sizeof(record), sizeof(record));
	if (!vexfs_layout_parse(text, &layout, &err))
		vexfs_record_parse(&layout, text, record, &err);
	vexfs_record_parse(&fixed, text, record, &err);
	if (!vexfs_filter_compile(&fixed, text, &filter, &err)) {
		if (vexfs_filter_check(&filter, fixed.size, &err) ||
		    vexfs_filter_run(&filter, record, fixed.size) < 0)
			abort();
		vexfs_filter_free(&filter);
	} else if (err.position > size || !*err.text) {
		abort();
	}
	free(text);
	return 0;
}
