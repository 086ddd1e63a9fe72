# SPDX-License-Identifier: GPL-2.0
#
# The example programs of docs/examples, built as a user would: against the
# installed shape of the library, one file each.

EXAMPLES := $(patsubst docs/examples/%.c,build/examples/%,$(filter-out %_kmod.c,$(wildcard docs/examples/*.c)))

$(EXAMPLES): build/examples/%: docs/examples/%.c $(LIBVEXFS)
	$(begin)
	$(CC) -Wall -Wextra -Wno-missing-field-initializers -O2 -Iuserspace/libvexfs -Ikmod/include/uapi \
		-o $@ $< $(U_LIBS)

.PHONY: examples
examples: $(EXAMPLES) ## the example programs of docs/examples
