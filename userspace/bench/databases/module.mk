# SPDX-License-Identifier: GPL-2.0
#
# Clients of databases that a user would pick instead.

BENCH_DATABASES := build/bench/databases
BENCH_DATABASE_OBJS := build/obj/bench/databases/database.o

build/obj/bench/databases/%.o: userspace/bench/databases/%.c | build/packages
	$(begin)
	@scripts/need /usr/include/postgresql/libpq-fe.h:libpq-dev
	$(HOSTCC_USER) $(U_CFLAGS) -Iuserspace/bench/peers -I/usr/include/postgresql -c -o $@ $<

$(BENCH_DATABASES)/redis: build/obj/bench/databases/redis.o $(BENCH_DATABASE_OBJS) build/obj/bench/peers/ask.o \
		build/obj/bench/report/rows.o $(COMMON_OBJS)
	$(begin)
	$(HOSTCC_USER) -o $@ $^ -lm

$(BENCH_DATABASES)/pgvector: build/obj/bench/databases/pgvector.o $(BENCH_DATABASE_OBJS) build/obj/bench/peers/ask.o \
		build/obj/bench/report/rows.o $(COMMON_OBJS)
	$(begin)
	$(HOSTCC_USER) -o $@ $^ -lpq -lm

bench-peers: $(BENCH_DATABASES)/redis $(BENCH_DATABASES)/pgvector
