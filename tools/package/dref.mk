# SPDX-License-Identifier: GPL-2.0
#
# dref.mk: for the Kbuild file of a module that uses dref:
#
#	include /usr/share/dref/dref.mk
#
# It adds the folder of linux/dref.h, and the symbols of the dref.ko that DKMS has installed
# for the kernel that is built for. With DREF=FOLDER as an argument of make, it takes those
# of a source tree of dref, in which "make modules" has been run.

dkms_tree ?= /var/lib/dkms

ifneq ($(DREF),)
dref_include := $(DREF)/include
dref_symbols := $(DREF)/Module.symvers
else
# This is a link to VERSION/KERNEL/ARCH, and VERSION/source to the sources.
dref_installed := $(firstword $(wildcard $(foreach arch,x86_64 aarch64, \
	$(dkms_tree)/dref/kernel-$(KERNELRELEASE)-$(arch))))
dref_include := $(dref_installed)/../../source/include
dref_symbols := $(dref_installed)/module/Module.symvers
# "make clean" needs no dref.
ifeq ($(dref_installed)$(filter %/Makefile.clean,$(MAKEFILE_LIST)),)
$(error DKMS has installed no dref.ko for the kernel $(KERNELRELEASE): see "dkms status dref", \
	or name a source tree that was built, DREF=FOLDER)
endif
endif

subdir-ccflags-y += -I$(dref_include)
KBUILD_EXTRA_SYMBOLS += $(dref_symbols)
