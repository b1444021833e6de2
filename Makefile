# lastout: all (build/lastout), demo, test, check-all, fuzz, bench, lint, format, install, clean. V=1 shows the
# commands, T=20 is how many seconds fuzz spends on each parser.

# Debian has bpftool where a user's PATH does not look.
export PATH := $(PATH):/usr/sbin:/sbin

CC ?= gcc
CLANG ?= clang
BPFTOOL ?= bpftool
CLANG_FORMAT ?= clang-format
CLANG_TIDY ?= clang-tidy
CPPCHECK ?= cppcheck
PROTOC_C ?= protoc-c
SCDOC ?= scdoc
PYTHON := /usr/bin/python3

prefix ?= /usr/local
sbindir ?= $(prefix)/sbin
mandir ?= $(prefix)/share/man
systemdunitdir ?= /lib/systemd/system
docdir ?= $(prefix)/share/doc/lastout
bashdir ?= $(prefix)/share/bash-completion/completions
zshdir ?= $(prefix)/share/zsh/site-functions

SANITIZERS := -fsanitize=address,undefined -fno-sanitize-recover=undefined

# SANITIZE=1: the same sources with AddressSanitizer, LeakSanitizer and UBSan, in a place of their
# own. Linked to shared libraries, because a static program cannot have them.
ifeq ($(SANITIZE),1)
B := build-asan
CFLAGS ?= -O1 -g -fno-omit-frame-pointer
CFLAGS += $(SANITIZERS)
else ifeq ($(ARM64),1)
# ARM64=1: for arm64, from here, with libraries of Debian's that are unpacked and not installed.
B := build/arm64
CC := aarch64-linux-gnu-gcc
SYSROOT := $(B)/sysroot
SYSROOT_CPPFLAGS := -isystem $(SYSROOT)/usr/include -isystem $(SYSROOT)/usr/include/aarch64-linux-gnu
SYSROOT_LDFLAGS := -L$(SYSROOT)/usr/lib/aarch64-linux-gnu
else
B := build
endif
VERSION := 0.1.0
# safe.directory: root must find the same in a user's clone, or `sudo make install` would build once more.
BUILD := $(shell git -c safe.directory='$(CURDIR)' describe --always --dirty 2>/dev/null || echo unknown)

WARNINGS := -Wall -Wextra -Werror
CFLAGS ?= -O2 -g
CPPFLAGS := -D_GNU_SOURCE -iquote user -iquote include -iquote $(B) $(SYSROOT_CPPFLAGS)
ALL_CFLAGS := -std=gnu11 $(CFLAGS) $(WARNINGS) -ffunction-sections -fdata-sections
LDFLAGS += $(SYSROOT_LDFLAGS)
BPF_CFLAGS := -target bpf -mcpu=v3 -g -O2 $(WARNINGS) -Ivmlinux -Iinclude

# For the static program only: $(B)/link.flags names it.
NAME_SERVICE := $(B)/user/base/no_name_service.o
USER_SOURCES := $(filter-out user/base/no_name_service.c,$(wildcard user/*/*.c))
USER_OBJECTS := $(USER_SOURCES:%.c=$(B)/%.o) $(B)/gvisor.pb-c.o
# maps first: bpftool's linker takes map offsets from the file that defines them.
BPF_SOURCES := bpf/maps.bpf.c $(filter-out bpf/maps.bpf.c,$(wildcard bpf/*.bpf.c))
BPF_OBJECTS := $(BPF_SOURCES:%.c=$(B)/%.o)
UNIT_TESTS := $(patsubst tests/unit/%.c,$(B)/tests/unit/%,$(wildcard tests/unit/*/test_*.c))
# What can be tested without root and without BPF, and the libraries it needs.
# gvisor/backend.c needs the follower, so it is not one of them.
PURE_SOURCES := $(filter-out user/gvisor/backend.c,$(wildcard user/base/*.c user/core/*.c \
	user/host/*.c user/runtimes/*.c user/exit_by_status/*.c user/config/*.c user/out/*.c \
	user/http/*.c user/gvisor/*.c user/replay/*.c)) $(B)/gvisor.pb-c.c
PURE_LIBS := -levent_core -ljansson -lyaml -lprotobuf-c -lseccomp -lcap-ng
FUZZERS := $(patsubst tests/fuzz/%.c,$(B)/tests/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_OBJECTS := $(PURE_SOURCES:%.c=$(B)/fuzz/%.o)
UNIT_OBJECTS := $(PURE_SOURCES:%.c=$(B)/unit/%.o)
T ?= 20
PROGRAMS := $(patsubst tests/programs/%.c,$(B)/tests/programs/%,$(wildcard tests/programs/*.c))
BENCHES := $(patsubst bench/%.c,$(B)/bench/%,$(filter-out bench/%.bpf.c bench/floor.c,$(wildcard bench/*.c)))
FLOOR_OBJECTS := $(patsubst %.c,$(B)/%.o,$(wildcard bench/floor_*.bpf.c))
DRIVERS := $(patsubst tests/drivers/%.c,$(B)/tests/drivers/%,$(wildcard tests/drivers/*.c))
DRIVER_OBJECTS := $(filter-out $(B)/user/cli/%,$(USER_OBJECTS))
C_FILES := $(wildcard user/*/*.[ch] bpf/*.[ch] include/*.h tests/*/*.[ch] tests/unit/*/*.[ch] \
	bench/*.[ch])

ifeq ($(V),1)
say = @:
Q :=
else
say = @printf '  %-7s %s\n'
Q := @
endif

# With what only `install` needs, so that `sudo make install` leaves no files of root's in build/, which the next
# `make` could not write.
INSTALLED := $(B)/lastout $(B)/lastout.8 $(B)/lastout.service $(B)/completion.bash $(B)/completion.zsh
all: $(if $(ARM64)$(SANITIZE),$(B)/lastout,$(INSTALLED))

# Runs on a fresh machine: installs what is missing, builds, and shows the whole story.
demo:
	$(Q)tools/install-deps build
	$(Q)$(MAKE) --no-print-directory all
	$(Q)$(B)/lastout demo

# On this machine's kernel and in its own cgroup hierarchy, in a few minutes.
test:
	$(Q)tools/install-deps build test deploy
	$(Q)$(MAKE) --no-print-directory all tests
	$(Q)tests/run all

# That, and also the second hierarchy, the slow tests, new fuzzing input, other kernels, Debian in a virtual machine
# and the soak test.
check-all:
	$(Q)tools/install-deps build test deploy kernels arm64 arm64-kernels vm
	$(Q)$(MAKE) --no-print-directory all tests guest
	$(Q)tests/run check-all

# Beside its peers, about twelve minutes; QUICK=1 is about two, and writes its tables into $(B)/bench/results.
bench: all $(BENCHES) $(B)/bench/floor
	$(Q)tools/install-deps bench
	$(Q)bench/run $(if $(QUICK),--quick)

# The documents' commands in a fresh Debian: bookworm, trixie, sid, or several of them.
RELEASE ?= trixie
test-build:
	$(Q)tools/install-deps releases
	$(Q)tests/build/run $(RELEASE)

# T seconds, 600 if none are given.
soak: all $(PROGRAMS)
	$(Q)tests/soak/run $(if $(filter file,$(origin T)),600,$(T))

tests: $(UNIT_TESTS) $(FUZZERS) $(PROGRAMS) $(DRIVERS)

# Other kernels, each in a virtual machine without KVM: needs no root, but images from Debian.
test-kernels: all guest
	$(Q)tools/install-deps kernels
	$(Q)tests/kernels/run

# Debian itself in a virtual machine: package, service and engines. RELEASE=trixie is Debian 13.
test-vm: all $(PROGRAMS)
	$(Q)tools/install-deps build deploy vm
	$(Q)LASTOUT_VM_RELEASE=$(if $(filter file,$(origin RELEASE)),bookworm,$(RELEASE)) tests/run vm

# For arm64; and that in a virtual machine of that kind.
arm64:
	$(Q)tools/install-deps build arm64
	$(Q)$(MAKE) --no-print-directory ARM64=1 all

test-arm64: arm64
	$(Q)tools/install-deps arm64-kernels
	$(Q)$(MAKE) --no-print-directory ARM64=1 guest
	$(Q)tests/kernels/run --arch arm64

# What tests/kernels/run takes along.
guest: $(B)/kernels/guest $(addprefix $(B)/tests/programs/,exits leader-first)

# The protocol as a model, searched by spin; see tests/model/README.md.
model:
	$(Q)tools/install-deps test
	$(Q)tests/model/run

unit: $(UNIT_TESTS)
	$(Q)tests/run unit

# The sanitized program, and the live tests with it: all of them, or those that CI has the time for.
asan:
	$(Q)$(MAKE) --no-print-directory SANITIZE=1 all

test-asan: asan $(PROGRAMS) $(DRIVERS)
	$(Q)tests/run asan

test-asan-short: asan $(PROGRAMS)
	$(Q)tests/run asan-short

fuzz: $(FUZZERS)
	$(Q)tests/run fuzz $(T)

# ctuuninitvar takes every out-parameter for a use of what it points to.
lint: $(B)/lastout.skel.h $(B)/gvisor.pb-c.h $(USER_OBJECTS)
	$(say) LAYERS user
	$(Q)tools/check-layers --self-test && tools/check-layers -I $(B)
	$(say) SYMBOLS user
	$(Q)CC='$(CC)' tools/check-symbols $(USER_OBJECTS)
	$(say) VMLINUX vmlinux/vmlinux.h
	$(Q)tools/vmlinux --check
	$(say) FORMAT .
	$(Q)$(CLANG_FORMAT) --dry-run -Werror $(C_FILES)
	$(say) CPPCHK user
	$(Q)$(CPPCHECK) --quiet --error-exitcode=1 --inline-suppr --std=c11 \
		--enable=warning,performance,portability --suppress=missingIncludeSystem \
		--suppress=ctuuninitvar '-DHASH_ITER(hh,head,el,tmp)=for ((el) = (head);;)' \
		-D_GNU_SOURCE -D__x86_64__ -Iuser -Iinclude user
	$(say) TIDY user
	$(Q)printf '%s\n' $(USER_SOURCES) | xargs -P 2 -I{} \
		$(CLANG_TIDY) --quiet {} -- -std=gnu11 $(CPPFLAGS) 2>/dev/null

format:
	$(Q)$(CLANG_FORMAT) -i $(C_FILES)

install: $(INSTALLED)
	install -D -m 0755 $(B)/lastout $(DESTDIR)$(sbindir)/lastout
	install -D -m 0644 $(B)/lastout.8 $(DESTDIR)$(mandir)/man8/lastout.8
	install -D -m 0644 $(B)/lastout.service $(DESTDIR)$(systemdunitdir)/lastout.service
	install -D -m 0644 $(B)/completion.bash $(DESTDIR)$(bashdir)/lastout
	install -D -m 0644 $(B)/completion.zsh $(DESTDIR)$(zshdir)/_lastout
	install -D -m 0644 docs/config.example.yaml $(DESTDIR)$(docdir)/config.example.yaml
	install -D -m 0644 docs/configuration.md $(DESTDIR)$(docdir)/configuration.md

clean:
	rm -rf build build-asan

# --- kernel side ---

$(B)/bpf/%.bpf.o: bpf/%.bpf.c
	$(say) BPF $<
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c $< -o $@

$(B)/lastout.bpf.o: $(BPF_OBJECTS)
	$(say) LINK $@
	$(Q)$(BPFTOOL) gen object $@ $^

$(B)/lastout.skel.h: $(B)/lastout.bpf.o
	$(say) SKEL $@
	$(Q){ echo '/* NOLINTBEGIN: made by bpftool */'; \
		$(BPFTOOL) gen skeleton $< name lastout_bpf && \
		echo '/* NOLINTEND */'; } > $@.tmp && mv $@.tmp $@

# --- user side ---

$(patsubst %.c,$(B)/%.o,$(wildcard user/kernel/*.c)): $(B)/lastout.skel.h
$(B)/user/gvisor/wire.o: $(B)/gvisor.pb-c.h

$(B)/gvisor.pb-c.c $(B)/gvisor.pb-c.h &: user/gvisor/gvisor.proto
	$(say) PROTOC $<
	@mkdir -p $(B)
	$(Q)$(PROTOC_C) --proto_path=$(<D) --c_out=$(B) $<

$(B)/gvisor.pb-c.o: $(B)/gvisor.pb-c.c
	$(say) CC $<
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(B)/user/%.o: user/%.c
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(B)/user/cli/version.o: CPPFLAGS += -DLASTOUT_VERSION='"$(VERSION)"' -DLASTOUT_BUILD='"$(BUILD)"'
# Built again when another commit is.
$(B)/user/cli/version.o: $(B)/build-id
$(B)/build-id: FORCE
	@mkdir -p $(@D)
	@echo '$(VERSION) $(BUILD)' | cmp -s - $@ || echo '$(VERSION) $(BUILD)' >$@

# Looked at each time, because the libraries may have changed. Tests run make at the same time: each has a file of its
# own.
$(B)/link.flags: $(NAME_SERVICE) FORCE
	@mkdir -p $(@D)
	@new=$@.$$$$; CC='$(CC)' tools/link-flags \
		$(if $(filter 1,$(SANITIZE)),--shared,$(NAME_SERVICE)) $(LDFLAGS) >$$new || \
		{ rm -f $$new; exit 1; }; \
	if cmp -s $$new $@; then rm $$new; else mv $$new $@; fi

# Run at once, if it is for this machine: a program that was linked may still be unable to start.
$(B)/lastout: $(USER_OBJECTS) $(NAME_SERVICE) $(B)/link.flags
	$(say) LD $@
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $(USER_OBJECTS) @$(B)/link.flags -o $@
	$(if $(ARM64),,$(Q)$@ version >/dev/null || { echo "$@: linked, but does not run" >&2; exit 1; })

$(B)/lastout.8: docs/lastout.8.scd
	$(say) MAN $@
	@mkdir -p $(@D)
	$(Q){ echo "'\\\" t"; $(SCDOC) < $<; } > $@  # man(1) runs tbl then

# The tables of options are in the program: it prints them itself.
$(B)/completion.%: $(B)/lastout
	$(say) SHELL $@
	$(Q)$< completion $* > $@

# Anew each time: where the program goes is told by whoever installs it.
$(B)/lastout.service: deploy/systemd/lastout.service FORCE
	$(say) UNIT $@
	$(Q)sed 's|^ExecStart=/usr/sbin/|ExecStart=$(sbindir)/|' $< > $@

# Anew when the list of libraries has changed.
ifdef SYSROOT
$(USER_OBJECTS) $(NAME_SERVICE) $(B)/link.flags: $(SYSROOT)/complete

$(SYSROOT)/complete: tools/install-deps tools/arm64-sysroot
	$(say) UNPACK $(SYSROOT)
	$(Q)tools/arm64-sysroot $(SYSROOT)
	$(Q)touch $@
endif

# --- tests ---

UNIT_CFLAGS := -std=gnu11 -g -O1 $(WARNINGS) $(SANITIZERS)

$(B)/unit/%.o: %.c | $(B)/gvisor.pb-c.c
	$(say) CC 'unit $<'
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(UNIT_CFLAGS) -MMD -MP -c $< -o $@

# As an archive: each test takes of it what it needs.
$(B)/unit/pure.a: $(UNIT_OBJECTS)
	$(say) AR $@
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# Compiled apart from the link: a change in user/ links test programs again, and compiles none.
$(B)/tests/unit/%.o: tests/unit/%.c
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -iquote tests/unit $(UNIT_CFLAGS) -MMD -MP \
		-DFIXTURES='"$(CURDIR)/tests/fixtures"' -c $< -o $@

$(UNIT_TESTS): %: %.o $(B)/unit/pure.a
	$(say) TEST $@
	$(Q)$(CC) $(UNIT_CFLAGS) $< $(B)/unit/pure.a $(PURE_LIBS) -lcmocka -o $@

# With coverage, for libFuzzer, which brings its own main.
FUZZ_CFLAGS := -std=gnu11 -g -O1 $(WARNINGS) $(SANITIZERS)

.SECONDARY: $(FUZZ_OBJECTS)

$(B)/fuzz/user/%.o: user/%.c
	$(say) FUZZ $<
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(CPPFLAGS) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c $< -o $@

$(B)/fuzz/$(B)/%.o: $(B)/%.c
	$(say) FUZZ $<
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(CPPFLAGS) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c $< -o $@

$(B)/fuzz/user/gvisor/wire.o: $(B)/gvisor.pb-c.h

$(B)/tests/fuzz/%.o: tests/fuzz/%.c
	$(say) FUZZ $<
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(CPPFLAGS) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c $< -o $@

$(FUZZERS): %: %.o $(FUZZ_OBJECTS)
	$(say) FUZZ $@
	$(Q)$(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer $< $(FUZZ_OBJECTS) $(PURE_LIBS) -o $@

$(B)/tests/programs/%: tests/programs/%.c
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) -D_GNU_SOURCE -std=gnu11 -O2 -static $(WARNINGS) $< -o $@

# 32-bit code of x86-64; without a libc, because gcc alone makes no other.
$(B)/tests/programs/odd-init32: tests/programs/odd-init32.c
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) -m32 -std=gnu11 -O2 -static -nostdlib -ffreestanding -fno-pic -no-pie \
		-fno-stack-protector $(WARNINGS) $< -o $@

# What calls into lastout's own code, so that one part of it can be tried alone.
$(B)/tests/drivers/%.o: tests/drivers/%.c
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(DRIVERS): %: %.o $(DRIVER_OBJECTS) $(NAME_SERVICE) $(B)/link.flags
	$(say) LD $@
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $< $(DRIVER_OBJECTS) @$(B)/link.flags -o $@

$(B)/bench/%.bpf.o: bench/%.bpf.c
	$(say) BPF $<
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c $< -o $@

$(B)/bench/floor.skel.h: $(FLOOR_OBJECTS)
	$(say) SKEL $@
	$(Q)$(BPFTOOL) gen object $(@D)/floor.bpf.o $^
	$(Q)$(BPFTOOL) gen skeleton $(@D)/floor.bpf.o name floor > $@

$(B)/bench/floor: bench/floor.c $(B)/bench/floor.skel.h $(NAME_SERVICE) $(B)/link.flags
	$(say) CC $<
	$(Q)$(CC) -D_GNU_SOURCE -std=gnu11 -O2 $(WARNINGS) -iquote $(@D) $< @$(B)/link.flags -o $@

$(B)/bench/%: bench/%.c
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) -D_GNU_SOURCE -std=gnu11 -O2 -static $(WARNINGS) $< -o $@

$(B)/kernels/guest: $(wildcard tests/kernels/guest*.[ch])
	$(say) CC $@
	@mkdir -p $(@D)
	$(Q)$(CC) -D_GNU_SOURCE -std=gnu11 -O2 -static $(WARNINGS) $(filter %.c,$^) -o $@

-include $(wildcard $(B)/*/*.d $(B)/*/*/*.d $(B)/*/*/*/*.d)

FORCE:

.PHONY: FORCE all demo test check-all test-build test-kernels test-vm arm64 test-arm64 guest model tests asan test-asan test-asan-short fuzz soak bench unit lint format install clean
.DELETE_ON_ERROR:
