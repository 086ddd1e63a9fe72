# SPDX-License-Identifier: GPL-2.0
#
# Servers that programs ask: HTTP with libcurl, Prometheus. Without libcurl the verbs that
# need it say so.

REMOTE_OBJS := build/obj/remote/http.o build/obj/remote/prom.o
REMOTE_CFLAGS := -Iuserspace/remote $(JSONIN_INC)
REMOTE_LIBS :=
ifneq ($(wildcard /usr/include/curl/curl.h /usr/include/*/curl/curl.h),)
REMOTE_CFLAGS += -DHAVE_CURL
REMOTE_LIBS += -lcurl
else
tools: no-curl
.PHONY: no-curl
no-curl:
	@echo "Requests to servers (vexctl alert, vexctl fleet, pushed alerts) were left out: libcurl is missing (libcurl4-openssl-dev)."
endif
$(REMOTE_OBJS) $(REMOTE_OBJS:build/obj/%=build/san/%): CFLAGS_USER += $(REMOTE_CFLAGS)

# Under clang's fuzzer: scripts/test.d/15-monitoring-fuzz.
build/fuzz/remote: userspace/remote/fuzz.c userspace/remote/http.c userspace/remote/prom.c userspace/jsonin/jsonin.c \
		userspace/exposition/exposition.c userspace/textio/escape.c
	$(begin)
	clang -std=gnu11 -O1 -g $(U_INC) $(U_DEFS) -Iuserspace/remote -Iuserspace/jsonin -Iuserspace/exposition \
		-fsanitize=fuzzer,address,undefined -o $@ $^ -ljansson -lm
