# SPDX-License-Identifier: GPL-2.0
#
# The words a person types. What the kernel builds is in Kbuild; this file
# finds a kernel to build for, and hands over.
#
# "make" builds for the kernel that runs. The targets that use a virtual machine
# (demo, check, check-all, stress, bench) build for the newest stock kernel whose
# headers are installed, and install what they lack. KDIR= overrides both, V=1
# shows the commands.

Q := $(if $(filter 1,$(V)),,@)
MAKEFLAGS += --no-print-directory

PREFIX ?= /usr/local
export PREFIX DESTDIR

# What the user said, which may be nothing, and what "make" takes then.
given := $(KDIR)
KDIR ?= /lib/modules/$(shell uname -r)/build
kbuild = $(MAKE) -C $(KDIR) M=$(CURDIR)
# What the folder under /lib/modules is called; Debian's "make kernelrelease"
# says something else.
release = $(shell cut -d '"' -f 2 $(KDIR)/include/generated/utsrelease.h)
stock = KDIR="$${given:-$$(scripts/stock-kdir)}"
export given

installed := $(CURDIR)/selftests/kselftest_install
broken := $(CURDIR)/tools/stress/broken

all: modules tools

##@ Build
all: ## the modules and the tools (what plain "make" does)
modules: kdir ## the modules, for the running kernel or KDIR=FOLDER
	$(Q)$(kbuild) modules

kdir:
	$(if $(wildcard $(KDIR)/Makefile),,$(error no kernel headers in $(KDIR): \
install them, name others with KDIR=FOLDER, or type "make demo" to use a virtual machine))
	@:

# What the kernel builds, and nothing that it has built
copy:
	$(Q)mkdir -p $(INTO)
	$(Q)cp -pu --parents Kbuild $(shell find include module -name Kbuild -o -name '*.[ch]' ! -name '*.mod.c') $(INTO)

# From a copy of the sources, so that builds for several kernels do not meet;
# and with no type information, which takes another program.
elsewhere: kdir copy
	$(Q)$(MAKE) -C $(KDIR) M=$(abspath $(INTO)) CONFIG_DEBUG_INFO_BTF_MODULES= modules

# Compiled so that they can be made to fail: never installed.
stress-broken: ## dref.ko and its tests with faults on demand, into tools/stress/broken
	$(Q)$(MAKE) elsewhere INTO=$(broken) DREF_BROKEN=y

tools: ## the user-space programs
	$(Q)[ ! -e tools/Makefile ] || $(MAKE) -C tools

# As the kernel's own "make -C tools/testing/selftests install" lays it out.
selftests: ## the self-tests, into selftests/kselftest_install
	$(Q)scripts/need selftests
	$(Q)KSFT=$$(scripts/kselftest-get) && export KSFT && rm -rf $(installed) && \
	$(MAKE) -C selftests install INSTALL_PATH=$(installed)/dref $(if $(selftests_build),OUTPUT=$(selftests_build)) && \
	$(MAKE) -s -C selftests emit_tests COLLECTION=dref >$(installed)/kselftest-list.txt && \
	cd $$KSFT/tools/testing/selftests && cp -R kselftest run_kselftest.sh $(installed)

##@ Try and test, in a virtual machine
demo: ## show what it does
	$(Q)scripts/need demo
	$(Q)$(MAKE) $(stock)
	$(Q)scripts/demo

# TEST="vm:stress.sh host:top.sh": steps and tests of scripts/check
check: ## build, style, analysis, self-tests: 20 minutes (TEST= for some)
	$(Q)KDIR="$(given)" scripts/check $(TEST)

check-quick: ## the most telling of them, for each commit: 5 minutes
	$(Q)KDIR="$(given)" scripts/check quick

check-all: ## all of them at full length, nine kernels, all proofs, planted errors
	$(Q)KDIR="$(given)" scripts/check all

# CPUS=4 DURATION=2h ARGS="--scenario weak"
CPUS ?= 8
DURATION ?= 10m
stress: ## dref-stress with all scenarios and disturbers (CPUS=8 DURATION=10m ARGS=)
	$(Q)scripts/need demo
	$(Q)$(MAKE) $(stock) stress-broken tools
	$(Q)scripts/stress-vm $(CPUS) $(DURATION) $(ARGS)

# BENCH_DIR=FOLDER
bench: ## measure what it costs, 5 minutes, and write a report (BENCH_DIR=)
	$(Q)scripts/need demo plot
	$(Q)$(MAKE) $(stock)
	$(Q)scripts/bench/bench $(BENCH_DIR)

style: ## checkpatch --strict, kernel-doc, and the syntax of the pages
	$(Q)KDIR="$(given)" scripts/check style

sparse: ## build with W=1 C=2, no warning allowed
	$(Q)KDIR="$(given)" scripts/check build

coccicheck: ## semantic patches: the kernel's, and for FILES="FILE.c..." those of dref
	$(Q)tools/coccinelle/coccicheck $(FILES)

analyze: ## what Coccinelle, clang's analyzer and shellcheck find
	$(Q)KDIR="$(given)" scripts/check analyze

##@ Install (PREFIX, DESTDIR)
install: modules tools ## the modules and the tools
	$(Q)$(kbuild) modules_install CONFIG_MODULE_SIG_ALL= $(if $(DESTDIR),INSTALL_MOD_PATH=$(DESTDIR))
	$(Q)$(if $(DESTDIR),,/sbin/depmod $(release))
	$(Q)[ ! -e tools/Makefile ] || $(MAKE) -C tools install

uninstall: kdir ## what install put there
	$(Q)for module in dref dref_kunit dref_scale dref_stress dref_test dref_test_leave; do \
		find $(DESTDIR)/lib/modules/$(release) -name "$$module.ko*" -path "*/module/*" -delete; \
	done
	$(Q)$(if $(DESTDIR),,/sbin/depmod $(release))
	$(Q)[ ! -e tools/Makefile ] || $(MAKE) -C tools uninstall

##@ And
clean: ## remove everything that was built
	$(Q)kdir=$(KDIR); \
	[ -e $$kdir/Makefile ] || kdir=$$(scripts/stock-kdir 2>/dev/null) || exit 0; \
	$(MAKE) -C $$kdir M=$(CURDIR) clean
	$(Q)[ ! -e tools/Makefile ] || $(MAKE) -C tools clean
	$(Q)[ ! -e selftests/Makefile ] || $(MAKE) -C selftests clean
	$(Q)rm -rf $(installed) $(broken)

help: ## this table
	@sed -n -e 's/^##@ /\n/p' -e 's/^\([a-z-]*\):[^#]*## */  \1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 14

.PHONY: all modules kdir copy elsewhere stress-broken tools selftests demo check check-quick check-all stress bench style sparse coccicheck analyze install uninstall clean help
