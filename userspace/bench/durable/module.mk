# SPDX-License-Identifier: GPL-2.0
#
# What durability costs those who do not use it.

build/obj/bench/durable/durable.o: U_CFLAGS += -Iuserspace/bench/report

build/bin/durable-bench: build/obj/bench/durable/durable.o build/obj/bench/report/rows.o \
		$(patsubst %,build/obj/textio/%.o,json escape outfile) $(LIBVEXFS)
	$(begin)
	$(HOSTCC_USER) -o $@ $(filter %.o,$^) $(U_LIBS) -lm
