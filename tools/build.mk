# SPDX-License-Identifier: GPL-2.0
#
# The common part of the Makefiles of the tools. Before it includes this file, a Makefile
# sets:
#
#	program    the name of the program, or of one or several scripts
#	objects    the object files of the program; empty for a script
#	libraries  the libraries that the program needs, from the table below
#	bin        the folder to install to: bin or sbin
#	flags      compiler flags; the CFLAGS of the user follow them
#	pages      manual pages, besides those that are called like a program
#
# Files of ../lib may be among the objects. Each program compiles its own, because make -j may
# build several programs at once.

PREFIX ?= /usr/local
INSTALL ?= install
CFLAGS ?= -O2 -g

# Debian's kernel headers depend on gcc-14 or similar, which installs no cc and no gcc.
ifeq ($(origin CC),default)
CC := $(notdir $(firstword $(shell command -v cc || command -v gcc || command -v clang || \
	ls -rv /usr/bin/gcc-[0-9]* /usr/bin/clang-[0-9]* 2>/dev/null) cc))
endif

# Output like that of the kernel's build: V=1 prints whole commands, -s prints nothing.
Q := $(if $(filter 1,$(V)),,@)
silent := $(findstring s,$(filter-out --%,$(firstword -$(MAKEFLAGS))))
here := tools/$(lastword $(subst /, ,$(CURDIR)))
say = $(if $(Q),$(if $(silent),,@printf '  %-7s %s\n' $(1) $(2)))

# Each library: its Debian package, a header, and the arguments that link it. A static
# libncurses needs libtinfo as well.
package_json-c := libjson-c-dev
header_json-c := json-c/json.h
link_json-c := -ljson-c
package_ncurses := libncurses-dev
header_ncurses := ncurses.h
link_ncurses := -lncurses $(if $(STATIC),-ltinfo)
package_urcu := liburcu-dev
header_urcu := urcu/urcu-memb.h
link_urcu := -lurcu-memb -lurcu-qsbr -lurcu-common

# The version of all that is installed
version := $(file <../../VERSION)
override CPPFLAGS += -DDREF_VERSION='"$(version)"'
# As in the headers of the kernel
override CPPFLAGS += -D'__printf(a, b)=__attribute__((format(printf, a, b)))' \
	-D'__noreturn=__attribute__((noreturn))'

# STATIC=1 links statically, for a system without the libraries.
static := $(if $(STATIC),-static)
libs = $(foreach library,$(libraries),$(link_$(library))) $(LDLIBS)

# A library is missing if a program that includes its header does not link, and a program
# without it does.
links = $(shell echo 'int main(void) { return 0; }' | $(CC) $(CFLAGS) $(LDFLAGS) $(static) \
	$(1) -x c - -o /dev/null $(2) 2>/dev/null && echo y)
lacks = $(if $(call links,-include $(header_$(1)),$(link_$(1))),,$(if $(call links),$(1)))
ifneq ($(filter-out clean uninstall analyze-% print-%,$(or $(MAKECMDGOALS),all)),)
missing := $(strip $(foreach library,$(libraries),$(call lacks,$(library))))
endif
ifneq ($(missing),)
sentence := $(program) is not built: it needs $(missing) \
	(Debian: $(foreach library,$(missing),$(package_$(library))))
# tools/Makefile sets "optional": it skips a program that cannot be built.
ifeq ($(optional),)
$(error $(sentence))
endif
$(info $(sentence))
built :=
else
built := $(program)
endif

all: $(built)
	@:

ifneq ($(objects),)
$(program): $(objects)
	$(call say,LD,$(here)/$@)
	$(Q)$(CC) $(flags) $(CFLAGS) $(LDFLAGS) $(static) -o $@ $(filter %.o,$^) $(libs)

vpath %.c ../lib
$(objects): $(wildcard ../lib/*.h)

%.o: %.c
	$(call say,CC,$(here)/$@)
	$(Q)$(CC) $(CPPFLAGS) $(flags) $(CFLAGS) -c -o $@ $<

# If the compiler or the flags have changed, all objects are rebuilt.
built_with = $(CC) $(CPPFLAGS) $(flags) $(CFLAGS) $(LDFLAGS) $(static)
quoted = $(subst ','\'',$(strip $(built_with)))
$(program) $(objects): .built-with
.built-with: force
	@[ "$$(cat $@ 2>/dev/null)" = '$(quoted)' ] || echo '$(quoted)' >$@
endif

# The folders that the files are installed to
share := $(DESTDIR)$(PREFIX)/share
programs_to := $(DESTDIR)$(PREFIX)/$(bin)
page_to = $(share)/man/man$(subst .,,$(suffix $(1)))
completions_to := $(share)/bash-completion/completions
pages := $(pages) $(wildcard $(program:%=%.[18]))
completions := $(wildcard $(program:%=%.bash-completion))

# install_file FILE,PATH,MODE
define install_file
	$(call say,INSTALL,$(2))
	$(Q)$(INSTALL) -D -m $(3) $(1) '$(2)'

endef

install: all
	$(foreach file,$(built),$(call install_file,$(file),$(programs_to)/$(file),755))
	$(if $(objects),,$(Q)sed -i 's/@VERSION@/$(version)/' $(foreach file,$(built),'$(programs_to)/$(file)'))
	$(if $(built),$(foreach file,$(pages),$(call install_file,$(file),$(call page_to,$(file))/$(file),644)))
	$(if $(built),$(foreach file,$(completions),$(call \
		install_file,$(file),$(completions_to)/$(basename $(file)),644)))

uninstall:
	$(Q)rm -f $(foreach file,$(program),'$(programs_to)/$(file)') \
		$(foreach file,$(pages),'$(call page_to,$(file))/$(file)') \
		$(foreach file,$(completions),'$(completions_to)/$(basename $(file))')

clean:
	$(Q)rm -f $(if $(objects),$(program) $(objects) .built-with)

.PHONY: all install uninstall clean force
