# SPDX-License-Identifier: GPL-2.0
#
# vexstress.

STRESS_SRCS := $(filter-out %_test.c,$(sort $(wildcard userspace/vexstress/*.c)))
STRESS_OBJS := $(STRESS_SRCS:userspace/%.c=build/obj/%.o)

# The report has its style sheet built in.
$(STRESS_OBJS): CFLAGS_USER += -DVX_ASSETS=\"userspace/vexstress/report\"
build/obj/vexstress/report.o: userspace/vexstress/report/report.css
# The oracle computes answers by the million.
build/obj/vexstress/oracle.o: CFLAGS_USER += -O3

STRESS_OBJS += $(patsubst %,build/obj/textio/%.o,escape ini nearest outfile)

# Run records are kept in the history, where SQLite is there.
ifneq ($(HAVE_SQLITE),)
build/obj/vexstress/exec_store.o build/obj/vexstress/trend_history.o: CFLAGS_USER += -DVX_HISTORY
endif
build/obj/vexstress/exec_insight.o build/obj/vexstress/trend.o: CFLAGS_USER += $(ANALYSIS_INC)
STRESS_LIBS := $(ANALYSIS_OBJS) $(HISTORY_OBJS) build/lib/libvexstat.a build/lib/libvexsvg.a

build/bin/vexstress: $(STRESS_OBJS) $(STRESS_LIBS) $(LIBVEXFS)
	$(begin)
	$(HOSTCC_USER) -pthread -o $@ $(STRESS_OBJS) $(STRESS_LIBS) $(U_LIBS) $(HISTORY_LIBS) -ljansson -lm

PROGRAMS += build/bin/vexstress

build/bin/vexstress-overhead: build/obj/bench/stress/overhead.o \
		$(filter-out %/main.o,$(STRESS_OBJS)) $(STRESS_LIBS) $(LIBVEXFS)
	$(begin)
	$(HOSTCC_USER) -pthread -o $@ $(filter %.o,$^) $(filter %.a,$(STRESS_LIBS)) $(U_LIBS) $(HISTORY_LIBS) -ljansson -lm

# Verdicts and latencies of planted figures: nothing is measured.
build/tests/vexstress-verdict-test: build/obj/vexstress/verdict_test.o build/obj/vexstress/verdict.o
	$(begin)
	$(HOSTCC_USER) -o $@ $^

build/tests/vexstress-latency-test: build/obj/vexstress/latency_test.o build/obj/vexstress/latency.o \
		build/lib/libvexstat.a
	$(begin)
	$(HOSTCC_USER) -o $@ $^ -lm

build/tests/vexstress-bisect-test: $(patsubst %,build/obj/vexstress/%.o,bisect_test bisect_stat) \
		build/lib/libvexstat.a
	$(begin)
	$(HOSTCC_USER) -o $@ $^ -lm

UNIT_TESTS += $(patsubst %,build/tests/vexstress-%-test,verdict latency bisect)

.PHONY: man-vexstress
man-vexstress: build/bin/vexstress
	@{ cat userspace/vexstress/man/head.man; build/bin/vexstress --man-options; \
		cat userspace/vexstress/man/tail.man; } > docs/man/vexstress.1

man: man-vexstress
