# SPDX-License-Identifier: GPL-2.0
#
# Reading JSON, where our writer's names do not go together with jansson's.

JSONIN_OBJS := build/obj/jsonin/jsonin.o
JSONIN_INC := -Iuserspace/jsonin
JSONIN_LIBS := -ljansson
$(JSONIN_OBJS): CFLAGS_USER += $(JSONIN_INC)
