# SPDX-License-Identifier: GPL-2.0
#
# The words a person types. What the kernel builds is in Kbuild; this file
# finds a kernel to build for, and hands over.
#
# "make" builds for the running kernel, or for KDIR=FOLDER, and never installs
# packages. The targets that use a virtual machine (demo, check, stress, bench and the
# like) build for the newest stock kernel whose headers are installed. These targets
# and the other tests install missing packages as root. V=1 shows the commands.
#
# "make -n" executes recipe lines that contain $(MAKE), so such a line has no other
# command.

Q := $(if $(filter 1,$(V)),,@)
MAKEFLAGS += --no-print-directory

# refuse_space NAME,PATH
refuse_space = $(if $(filter-out 0 1,$(words $(2))),$(error $(1) has a space in it, which the \
	kernel's build does not support: $(2)))
ifneq ($(MAKECMDGOALS),help)
$(call refuse_space,The path of this folder,$(CURDIR))
$(foreach name,KDIR KSRC DESTDIR PREFIX,$(call refuse_space,$(name),$($(name))))
endif

# "+" passes the jobs of -j to the kernel's build and to that of the self-tests. "make -n"
# only prints these commands, because they need files that earlier lines create.
dry_run := $(findstring n,$(filter-out --%,$(firstword -$(MAKEFLAGS))))
submake = $(if $(dry_run),,+)$(MAKE)
# A script that calls make gets none of these jobs.
script := MAKEFLAGS= MFLAGS=

running := $(shell uname -r)
KDIR ?= /lib/modules/$(running)/build
kbuild = $(submake) -C $(KDIR) M=$(CURDIR) $(compiler)
# Empty if the user has named a compiler, or the kernel was built by gcc
compiler = $(if $(LLVM)$(filter command,$(origin CC)),,$(shell scripts/kernel-cc $(KDIR)))
# What the folder under /lib/modules is called; Debian's "make kernelrelease"
# says something else.
release = $(or $(shell cut -d '"' -f 2 $(KDIR)/include/generated/utsrelease.h 2>/dev/null), \
	$(patsubst /lib/modules/%/build,%,$(filter /lib/modules/%/build,$(KDIR))), \
	$(error KDIR=$(KDIR) has no kernel version))

installed := $(CURDIR)/selftests/kselftest_install
broken := $(CURDIR)/tools/stress/broken
site := $(CURDIR)/Documentation/output
SPHINXOPTS ?= -W --keep-going
# Absolute paths, for a make or a script that runs in another folder
absolute = $(foreach name,DESTDIR KSRC,$(if $($(name)),$(name)=$(abspath $($(name)))))

all: modules tools

##@ Build
all: ## the modules and the tools (what plain "make" does)
modules: kdir ## the modules, for the running kernel or KDIR=FOLDER
	$(Q)$(kbuild) modules

others = $(patsubst %/Makefile,%,$(wildcard /lib/modules/*/build/Makefile))
there_are = $(if $(others), (there are $(others)))
install_headers = no kernel headers for $(running), which runs here: install them (Debian: \
	linux-headers-$(running)), name others with KDIR=FOLDER$(there_are), or type "make demo" \
	to use a virtual machine
no_headers = no kernel headers in KDIR=$(KDIR)
kdir:
	$(if $(wildcard $(KDIR)/Makefile),,$(error $(if $(filter file,$(origin KDIR)),$(install_headers),$(no_headers))))
	$(Q)$(if $(LLVM)$(filter command,$(origin CC)),:,scripts/kernel-cc $(KDIR) >/dev/null)

# The sources of the modules, without the files that were built; with DREF_BROKEN=y, so that
# they can be made to fail
copy:
	$(Q)scripts/copy-modules $(INTO) $(DREF_BROKEN)

# From a copy of the sources, so that builds for several kernels do not meet;
# and with no type information, which takes another program.
elsewhere: kdir copy
	$(Q)$(submake) -C $(KDIR) M=$(abspath $(INTO)) $(compiler) CONFIG_DEBUG_INFO_BTF_MODULES= modules

# Never installed
stress-broken: ## dref.ko and its tests with faults on demand, into tools/stress/broken
	$(Q)$(MAKE) elsewhere INTO=$(broken) DREF_BROKEN=y

tools: ## the user-space programs whose libraries are installed (STATIC=1)
	$(Q)$(MAKE) -C tools

native: ## dref-native, with Debian's kernel source or KSRC=FOLDER
	$(Q)$(MAKE) -C tools/native $(absolute)

# As the kernel's own "make -C tools/testing/selftests install" lays it out.
selftests: ## the self-tests, into selftests/kselftest_install (KSRC=FOLDER)
	$(Q)scripts/need selftests
	$(Q)$(absolute) scripts/kselftest-get >/dev/null
	$(Q)rm -rf $(installed)
	$(if $(Q),@echo '  INSTALL $(installed)')
	$(Q)$(submake) $(if $(Q),-s) -C selftests install $(absolute) INSTALL_PATH=$(installed)/dref $(if $(selftests_build),OUTPUT=$(selftests_build))
	$(Q)$(script) make -s -C selftests emit_tests $(absolute) COLLECTION=dref >$(installed)/kselftest-list.txt
	$(Q)cd "$$($(absolute) scripts/kselftest-get)/tools/testing/selftests" && \
		cp -R kselftest run_kselftest.sh $(installed)

##@ Try and test, in a virtual machine
demo: ## show what it does
	$(Q)scripts/need demo
	$(Q)$(script) scripts/build-for-vm all
	$(Q)scripts/demo

# TEST="vm:stress.sh host:top.sh": steps and tests of scripts/check
check: ## build, style, analysis, self-tests: 20 minutes (TEST= for some)
	$(Q)$(script) scripts/check $(TEST)

check-quick: ## the most telling of them, for each commit: 5 minutes
	$(Q)$(script) scripts/check quick

check-all: ## all of them at full length, nine kernels, all proofs, planted errors
	$(Q)$(script) scripts/check all

# CPUS=4 DURATION=2h ARGS="--scenario weak"
CPUS ?= 8
DURATION ?= 10m
stress: ## dref-stress with all scenarios and disturbers (CPUS=8 DURATION=10m ARGS=)
	$(Q)scripts/need demo
	$(Q)$(script) scripts/build-for-vm stress-broken tools
	$(Q)scripts/stress-vm $(CPUS) $(DURATION) $(ARGS)

# ARGS="--only traffic --duration 300"
wireguard: ## convert the kernel's WireGuard to dref, and test it: half an hour (ARGS=)
	$(Q)scripts/need demo wireguard
	$(Q)$(script) scripts/build-for-vm all
	$(Q)$(script) tools/convert/wireguard/run $(ARGS)

# BENCH_DIR=FOLDER
bench: ## measure what it costs, 5 minutes, and write a report (BENCH_DIR=)
	$(Q)scripts/need demo native plot
	$(Q)$(script) scripts/build-for-vm all native
	$(Q)scripts/bench/bench $(BENCH_DIR)

# SPHINXOPTS=OPTIONS
htmldocs: ## the pages and the interface as a site, into Documentation/output
	$(Q)scripts/need htmldocs
	$(Q)srctree=$$($(absolute) scripts/kselftest-get) && export srctree && \
		PYTHONDONTWRITEBYTECODE=1 sphinx-build -q -E -a -d $(site)/.doctrees $(SPHINXOPTS) Documentation $(site)

style: ## checkpatch --strict, kernel-doc, and the syntax of the pages
	$(Q)$(script) scripts/check style

sparse: ## build with W=1 C=2, no warning allowed
	$(Q)$(script) scripts/check build

coccicheck: ## semantic patches: the kernel's, and for FILES="FILE.c..." those of dref
	$(Q)tools/coccinelle/coccicheck $(FILES)

# DRIVERS="macsec nvmet"
convert-drivers: ## convert drivers of the kernel to dref, and compile them (DRIVERS=)
	$(Q)$(script) tools/convert/drivers $(DRIVERS)

analyze: ## what Coccinelle, clang's analyzer and shellcheck find
	$(Q)$(script) scripts/check analyze

# In the folder KSRC: tools/intree/intree --help. ARGS="--init --check --patches FOLDER"
intree: ## put dref into a kernel tree, as a series of commits (KSRC=FOLDER ARGS=)
	$(Q)tools/intree/intree $(ARGS) $(abspath $(KSRC))

# Of Debian's linux-source-7.3, or of the git tree in KSRC
apparmor: ## AppArmor of Linux 7.3 on dref, beside it as it is: an hour (KSRC=)
	$(Q)$(script) tools/intree/apparmor/run $(KSRC)

##@ Install (PREFIX, DESTDIR)
# Uncompressed, which modprobe reads as well: the program that the kernel's own modules
# are compressed with may not be here.
install: modules ## the modules and the tools, without dref-native
	$(Q)$(kbuild) modules_install CONFIG_MODULE_SIG_ALL= DEPMOD=true \
		$(addsuffix =,$(addprefix CONFIG_MODULE_COMPRESS_,ALL GZIP XZ ZSTD)) \
		$(if $(DESTDIR),INSTALL_MOD_PATH=$(abspath $(DESTDIR)))
	$(if $(DESTDIR),,$(depmod))
	$(Q)$(MAKE) -C tools install $(absolute)

uninstall: ## what install put there
	$(Q)scripts/remove-modules installed $(abspath $(DESTDIR))/lib/modules/$(release)
	$(if $(DESTDIR),,$(depmod))
	$(Q)$(MAKE) -C tools uninstall $(absolute)

depmod = $(Q)[ ! -d /lib/modules/$(release) ] || PATH=$$PATH:/usr/sbin:/sbin depmod $(release)

##@ Packages, into packages/
deb: ## dref-dkms, dref-tools and dref-doc for Debian
	$(Q)$(script) tools/package/build deb

rpm: ## the same for distributions with rpm
	$(Q)$(script) tools/package/build rpm

dkms: ## the sources for DKMS, into /usr/src (DESTDIR)
	$(Q)tools/package/install-dkms $(abspath $(DESTDIR))

check-packages: ## install, upgrade and purge them in Debian 12 and 13, and load the modules
	$(Q)$(script) scripts/check packages

##@ And
clean: ## remove everything that was built
	$(Q)scripts/remove-modules built
	$(Q)$(MAKE) -C tools clean
	$(Q)$(MAKE) -C selftests clean
	$(Q)rm -rf $(installed) $(broken) $(site) packages

help: ## this table
	@sed -n -e 's/^##@ /\n/p' -e 's/^\([a-z-]*\):[^#]*## */  \1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 14

.PHONY: all modules kdir copy elsewhere stress-broken tools native selftests demo check check-quick check-all stress wireguard bench htmldocs style sparse intree coccicheck convert-drivers apparmor analyze install uninstall deb rpm dkms check-packages clean help
