# SPDX-License-Identifier: GPL-2.0
#
# Writing metrics: for the exporter and for whoever else shows some.

EXPOSITION_CFLAGS := -Iuserspace/exposition
EXPOSITION_OBJS := build/obj/exposition/exposition.o
EXPOSITION_SAN_OBJS := build/san/exposition/exposition.o build/san/exposition/exposition_test.o
$(EXPOSITION_OBJS) $(EXPOSITION_SAN_OBJS): CFLAGS_USER += $(EXPOSITION_CFLAGS)

build/tests/exposition-test: $(EXPOSITION_SAN_OBJS) build/san/textio/escape.o
	$(begin)
	$(HOSTCC_USER) $(U_SAN) -o $@ $^ -lm

UNIT_TESTS += build/tests/exposition-test
