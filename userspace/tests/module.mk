# SPDX-License-Identifier: GPL-2.0
#
# Tests of userspace. test_*.c are unit tests: they run anywhere, under ASan and
# UBSan, with the library's own objects. fuzz_*.c are libFuzzer targets.

# escape.o and outfile.o are the library's.
TEST_SAN_COMMON := build/san/textio/json.o build/san/textio/parse.o
U_TESTS := $(patsubst userspace/tests/%.c,build/test-bin/%,$(sort $(wildcard userspace/tests/test_*.c)))

$(U_TESTS): build/test-bin/%: build/san/tests/%.o $(LIB_SAN_OBJS) $(TEST_SAN_COMMON)
	$(begin)
	$(HOSTCC_USER) $(U_SAN) -o $@ $^ -lm

UNIT_TESTS += $(U_TESTS)

FUZZERS := $(patsubst userspace/tests/%.c,build/fuzz/%,$(sort $(wildcard userspace/tests/fuzz_*.c)))
FUZZ_SECONDS ?= 30

$(FUZZERS): build/fuzz/%: userspace/tests/%.c $(LIB_SRCS) $(wildcard userspace/libvexfs/*.h)
	$(begin)
	clang -std=gnu11 -O1 -g $(U_INC) $(U_DEFS) -fsanitize=fuzzer,address,undefined \
		-o $@ $< $(LIB_SRCS) -lm

.PHONY: fuzz-lib
fuzz-lib: $(FUZZERS) ## fuzz the filter compiler, records and file readers (FUZZ_SECONDS each)
	@set -e; for f in $(FUZZERS); do \
		mkdir -p build/fuzz/corpus/$${f##*/}; \
		$$f -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -print_final_stats=1 \
			build/fuzz/corpus/$${f##*/} > build/fuzz/$${f##*/}.log 2>&1 || \
			{ tail -40 build/fuzz/$${f##*/}.log; exit 1; }; \
		echo "$${f##*/}: $$(sed -n 's/^stat::number_of_executed_units: *//p' build/fuzz/$${f##*/}.log) inputs, nothing found"; \
	done

# e2e_*.c run in a lab (scripts/test.d), with the shared library.
E2E_TESTS := $(patsubst userspace/tests/%.c,build/test-bin/%,$(sort $(wildcard userspace/tests/e2e_*.c)))

$(E2E_TESTS): build/test-bin/%: build/obj/tests/%.o $(LIBVEXFS)
	$(begin)
	$(HOSTCC_USER) -o $@ $< $(U_LIBS) -lm

.PHONY: e2e-tests
e2e-tests: $(E2E_TESTS)

build/test-bin/brute: userspace/tests/brute.c | build/packages
	$(begin)
	$(HOSTCC_USER) -std=gnu11 -O2 $(U_WARN) -o $@ $<

e2e-tests: build/test-bin/brute

# Histories for tests of verbs that look back.
ifneq ($(HAVE_SQLITE),)
build/obj/tests/make_history.o: CFLAGS_USER += $(HISTORY_INC) -Iuserspace/libvexstat
build/test-bin/make_history: build/obj/tests/make_history.o $(HISTORY_OBJS)
	$(begin)
	$(HOSTCC_USER) -o $@ $^ $(HISTORY_LIBS) -lm

TEST_PROGRAMS += build/test-bin/make_history
endif
