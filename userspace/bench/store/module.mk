# SPDX-License-Identifier: GPL-2.0
#
# The engines that could hold durable collections, for the same work.

BENCH_STORE_OBJS := $(patsubst userspace/%.c,build/obj/%.o,$(sort $(wildcard userspace/bench/store/*.c)))
$(BENCH_STORE_OBJS): U_CFLAGS += -Iuserspace/store
$(BENCH_STORE_OBJS): | build/bench/store-packages

build/bench/store-packages: userspace/bench/store/module.mk
	@mkdir -p $(@D)
	@scripts/need /usr/include/sqlite3.h:libsqlite3-dev /usr/include/lmdb.h:liblmdb-dev \
		/usr/include/rocksdb/c.h:librocksdb-dev
	@touch $@

build/bench/store-bench: $(BENCH_STORE_OBJS) $(STORE_OBJS) build/obj/textio/json.o build/obj/textio/escape.o
	$(begin)
	$(HOSTCC_USER) -o $@ $^ -lsqlite3 -llmdb -lrocksdb -lpthread -lm
