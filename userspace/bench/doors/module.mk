# SPDX-License-Identifier: GPL-2.0
#
# Clients of databases that a user would pick instead.

BENCH_DOORS := build/bench/doors
BENCH_DOOR_OBJS := build/obj/bench/doors/door.o

build/obj/bench/doors/%.o: userspace/bench/doors/%.c | build/packages
	$(begin)
	@scripts/need /usr/include/postgresql/libpq-fe.h:libpq-dev
	$(HOSTCC_USER) $(U_CFLAGS) -Iuserspace/bench/peers -I/usr/include/postgresql -c -o $@ $<

$(BENCH_DOORS)/redis: build/obj/bench/doors/redis.o $(BENCH_DOOR_OBJS) build/obj/bench/peers/ask.o \
		build/obj/bench/report/rows.o $(COMMON_OBJS)
	$(begin)
	$(HOSTCC_USER) -o $@ $^ -lm

$(BENCH_DOORS)/pgvector: build/obj/bench/doors/pgvector.o $(BENCH_DOOR_OBJS) build/obj/bench/peers/ask.o \
		build/obj/bench/report/rows.o $(COMMON_OBJS)
	$(begin)
	$(HOSTCC_USER) -o $@ $^ -lpq -lm

bench-peers: $(BENCH_DOORS)/redis $(BENCH_DOORS)/pgvector
