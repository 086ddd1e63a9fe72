# SPDX-License-Identifier: GPL-2.0
#
# History: samples and rollups in SQLite, behind one header. Whoever uses it is left out
# where SQLite is missing, and make says so.

HAVE_SQLITE := $(wildcard /usr/include/sqlite3.h)
ifneq ($(HAVE_SQLITE),)
HISTORY_NAMES := codec db read record replay tidy write
HISTORY_OBJS := $(HISTORY_NAMES:%=build/obj/history/%.o)
HISTORY_SAN_OBJS := $(HISTORY_NAMES:%=build/san/history/%.o)
HISTORY_INC := -Iuserspace/history
HISTORY_LIBS := -lsqlite3
$(HISTORY_OBJS) $(HISTORY_SAN_OBJS) build/san/history/history_test.o: CFLAGS_USER += $(HISTORY_INC)

build/tests/history-test: build/san/history/history_test.o $(HISTORY_SAN_OBJS)
	$(begin)
	$(HOSTCC_USER) $(U_SAN) -o $@ $^ $(HISTORY_LIBS) -lm

UNIT_TESTS += build/tests/history-test
endif
