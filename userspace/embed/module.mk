# SPDX-License-Identifier: GPL-2.0
#
# vexfs-embed, the embedder that needs no model server.

EMBED_PARTS := $(patsubst %,build/obj/embed/%.o,idf ngram words wordvec)
EMBED_PARTS += $(patsubst %,build/obj/textio/%.o,escape outfile parse)

$(EMBED_PARTS) build/obj/embed/quality.o: CFLAGS_USER += -O3

build/bin/vexfs-embed: build/obj/embed/main.o $(EMBED_PARTS) $(LIBVEXFS)
	$(begin)
	$(HOSTCC_USER) -o $@ $(filter %.o,$^) $(U_LIBS) -ljansson -lm

PROGRAMS += build/bin/vexfs-embed

.PHONY: bench-embed
bench-embed: build/bench/embed-quality ## quality of vexfs-embed: precision@10 on descriptions of Debian's packages
	@texts=$$(scripts/fetch-data package-texts) && vectors=$$(scripts/fetch-data glove-100) && \
		build/bench/embed-quality "$$texts" 60 "$$vectors"

build/bench/embed-quality: build/obj/embed/quality.o $(EMBED_PARTS) $(LIBVEXFS)
	$(begin)
	$(HOSTCC_USER) -o $@ $(filter %.o,$^) $(U_LIBS) -lm
