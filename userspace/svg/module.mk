# SPDX-License-Identifier: GPL-2.0
#
# Charts as SVG, for reports, benchmarks and the live page.

SVG_OBJS := $(patsubst %,build/obj/svg/%.o,scale frame plot heat flame)

build/lib/libvexsvg.a: $(SVG_OBJS) build/obj/textio/escape.o
	$(begin)
	rm -f $@
	$(AR) rcs $@ $^

build/tests/svg-test: $(patsubst %,build/san/svg/%.o,svg_test scale frame plot heat flame) \
		build/san/textio/escape.o
	$(begin)
	$(HOSTCC_USER) $(U_SAN) -o $@ $^ -lm

UNIT_TESTS += build/tests/svg-test
