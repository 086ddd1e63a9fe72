# SPDX-License-Identifier: GPL-2.0
#
# The arithmetic of the module in userspace: the very files of kmod/math, with
# the flags that Kbuild gives them, for unit tests, fuzzing and benchmarks.

M_FLAGS := -O3 -ffp-contract=off -fno-math-errno -Wno-unused-parameter
M_AVX2 := -mavx2 -mfma -mf16c
M_AVX512 := $(M_AVX2) -mavx512f -mavx512bw -mavx512vl -mavx512dq
M_FILES := prefetch ops space scalar scalar_int scalar_float conv wide
M_FILES += $(addprefix x86/,tune avx2 avx2_float avx2_int avx2_block avx2_code avx2_conv \
	avx512 avx512_float avx512_int avx512_vnni avx512_vpopcntdq \
	avx512_block avx512_vnni_block avx512_code)
M_FLAGS_x86/avx2_float := $(M_AVX2)
M_FLAGS_x86/avx2_int := $(M_AVX2)
M_FLAGS_x86/avx2_block := $(M_AVX2)
M_FLAGS_x86/avx2_code := $(M_AVX2)
M_FLAGS_x86/avx2_conv := $(M_AVX2)
M_FLAGS_x86/avx512_block := $(M_AVX512) -mtune=icelake-server
M_FLAGS_x86/avx512_float := $(M_AVX512)
M_FLAGS_x86/avx512_int := $(M_AVX512)
M_FLAGS_x86/avx512_vnni := $(M_AVX512) -mavx512vnni
M_FLAGS_x86/avx512_vnni_block := $(M_AVX512) -mavx512vnni -mtune=icelake-server
M_FLAGS_x86/avx512_code := $(M_AVX512) -mavx512vnni -mtune=icelake-server
M_FLAGS_x86/avx512_vpopcntdq := $(M_AVX512) -mavx512vpopcntdq
M_ASAN_CALLS := --param asan-instrumentation-with-call-threshold=0
M_INC := -Ikmod -Iuserspace/tests/math

build/math/%.o: kmod/math/%.c | build/packages
	$(begin)
	$(HOSTCC_USER) $(U_CFLAGS) $(M_INC) $(M_FLAGS) $(M_FLAGS_$*) -c -o $@ $<

# Inline checks around every intrinsic take the compiler minutes: the vector files
# call the address checks, and go without UBSan; the scalar files do the same
# arithmetic under it.
build/san/kmath/%.o: kmod/math/%.c | build/packages
	$(begin)
	$(HOSTCC_USER) $(U_CFLAGS) $(M_INC) $(M_FLAGS) $(M_FLAGS_$*) -O1 \
		$(if $(M_FLAGS_$*),-fsanitize=address $(M_ASAN_CALLS),$(U_SAN)) -c -o $@ $<

build/obj/tests/math/%.o: userspace/tests/math/%.c | build/packages
	$(begin)
	$(HOSTCC_USER) $(U_CFLAGS) $(M_INC) -c -o $@ $<

build/san/tests/math/%.o: userspace/tests/math/%.c | build/packages
	$(begin)
	$(HOSTCC_USER) $(U_CFLAGS) $(M_INC) -O1 $(U_SAN) -c -o $@ $<

build/test/math_test: $(addprefix build/san/tests/math/,math_test.o drive.o) build/obj/tests/math/reference.o \
		$(M_FILES:%=build/san/kmath/%.o)
	$(begin)
	$(HOSTCC_USER) $(U_SAN) -o $@ $^ -lm

UNIT_TESTS += build/test/math_test

# libFuzzer comes with clang only. The vector files go without UBSan and without
# coverage: clang would take minutes, and all their arithmetic is in intrinsics.
FUZZ_CC ?= clang
FUZZ_ASAN := -fsanitize=address
FUZZ_SAN := $(FUZZ_ASAN),undefined,fuzzer-no-link -fno-sanitize-recover=undefined

# The fuzzer's own library is a package that clang only recommends.
build/fuzz/packages: userspace/tests/math/module.mk | build/packages
	@mkdir -p $(@D)
	@scripts/need clang:clang
	@scripts/need "$$(clang --print-file-name=libclang_rt.fuzzer-x86_64.a):libclang-rt-$$(clang -dumpversion | cut -d. -f1)-dev"
	@touch $@

build/fuzz/%.o: kmod/math/%.c | build/fuzz/packages
	$(begin)
	$(FUZZ_CC) $(U_CFLAGS) $(M_INC) $(M_FLAGS) $(M_FLAGS_$*) -O1 \
		$(if $(M_FLAGS_$*),$(FUZZ_ASAN),$(FUZZ_SAN)) -c -o $@ $<

build/fuzz/%.o: userspace/tests/math/%.c | build/fuzz/packages
	$(begin)
	$(FUZZ_CC) $(U_CFLAGS) $(M_INC) -O1 $(FUZZ_SAN) -c -o $@ $<

build/test/math_fuzz: $(addprefix build/fuzz/,math_fuzz.o drive.o reference.o) \
		$(M_FILES:%=build/fuzz/%.o)
	$(begin)
	$(FUZZ_CC) -fsanitize=address,undefined,fuzzer -o $@ $^ -lm

TEST_PROGRAMS += build/test/math_fuzz

-include $(wildcard build/math/*.d build/math/*/*.d build/fuzz/*.d build/fuzz/*/*.d)
