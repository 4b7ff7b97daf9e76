#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Tests of the build: it installs no packages, "make -n" changes nothing, the build
# supports systems that lack one thing or another, and clean and uninstall remove
# exactly the files that were built or installed.
#
# The tests run in a copy of the tree. The kernel's build folder is a Makefile of a few
# lines, and scripts stand in for apt-get, compilers and other programs. Only the last
# two tests build modules for a real kernel; the sources of these modules are empty.

. ../common.sh

top=$(realpath ../..)
command -v git >/dev/null && git -C "$top" rev-parse >/dev/null 2>&1 || skip_all "needs git"
work=$(mktemp -d) || exit
trap 'rm -rf "$work"' EXIT
out=$work/out
tree=$work/tree
kernel=$work/kernel
bin=$work/bin
system_path=$PATH
unset KDIR KSRC LLVM CC CFLAGS LDFLAGS STATIC V DESTDIR PREFIX MAKEFLAGS MAKELEVEL
export DREF_CACHE="$work/cache" PATH="$bin:$PATH"

# ---- a tree, a kernel and a system for the tests ----

git -C "$top" ls-files -z --cached --others --exclude-standard >"$work/files"
mkdir "$tree" "$bin" "$work/packages"
tar -C "$top" --null -T "$work/files" --ignore-failed-read -cf - 2>/dev/null | tar -C "$tree" -xf -
# kselftest-get searches an empty folder for kernel sources.
mkdir "$work/src"
sed -i "s,/usr/src,$work/src,g" "$tree/scripts/kselftest-get"

# "modules" prints its variables. With TOGETHER=FOLDER it succeeds only if two jobs run
# at the same time.
mkdir -p "$kernel/include/config" "$kernel/include/generated"
echo '#define UTS_RELEASE "1.2.3-fake"' >"$kernel/include/generated/utsrelease.h"
echo 'CONFIG_CC_IS_GCC=y' >"$kernel/include/config/auto.conf"
cat >"$kernel/Makefile" <<'END'
modules modules_install: one two
	@echo "$@: LLVM=$(LLVM) CC=$(if $(filter command,$(origin CC)),$(CC)) M=$(M)"
ifneq ($(TOGETHER),)
one two:
	@touch $(TOGETHER)/$@; for _ in $$(seq 50); do \
		[ ! -e $(TOGETHER)/one ] || [ ! -e $(TOGETHER)/two ] || exit 0; sleep 0.1; \
	done; exit 1
else
one two:
endif
.PHONY: modules modules_install one two
END

# as NAME: make standard input the program NAME.
as() {
	cat >"$bin/$1" && chmod +x "$bin/$1"
}

# apt has the packages in the file "known". Like the real one, it takes a name that it
# does not have for a regular expression. It does not install those in "broken".
as apt-get <<END
#!/bin/sh
echo "\$*" >>"$work/packages/asked"
for word; do
	[ "\$word" != update ] || exit 0
	[ "\$word" != install ] || install=1
	[ -n "\$install" ] || continue
	grep -xF -e "\$word" "$work/packages/known" || grep -e "\$word" "$work/packages/known"
done | grep -vxF -f "$work/packages/broken" >>"$work/packages/installed"
exit 0
END
as apt-cache <<END
#!/bin/sh
grep "^\$2" "$work/packages/known"
END
as dpkg-query <<END
#!/bin/sh
for word; do :; done
grep -qxF -e "\$word" "$work/packages/installed" && printf installed
END
as id <<END
#!/bin/sh
cat "$work/packages/id"
END

# packages KNOWN BROKEN USER: set up apt with no installed package, and the user ID.
packages() {
	printf '%s\n' $1 >"$work/packages/known"
	printf '%s\n' $2 >"$work/packages/broken"
	echo "$3" >"$work/packages/id"
	: >"$work/packages/installed"
	: >"$work/packages/asked"
}

# The compilers fail if they are given the argument $lacks.
for name in cc gcc; do
	as $name <<-END
	#!/bin/sh
	case " \$* " in
	*" \${lacks:-nothing} "*) echo "cc: no \$lacks" >&2; exit 1 ;;
	esac
	PATH=$system_path exec $name "\$@"
	END
done

# ---- assertions ----

# builds STATUS ARGUMENT...: run make in the tree and compare its exit status. The output
# is in $out.
builds() {
	expected=$1
	shift
	folder=$tree
	[ "$1" != -C ] || { folder=$tree/$2; shift 2; }
	make -C "$folder" --no-print-directory "$@" >"$out" 2>&1
	status=$?
	[ $status -eq "$expected" ] && return
	echo "# make $*: exit status $status, not $expected"
	show
}

has() {
	grep -q -e "$1" "$out" && return
	echo "# not in the output: $1"
	show
}

has_not() {
	grep -q -e "$1" "$out" || return 0
	echo "# in the output: $1"
	show
}

# one_line REGEX: the output is one line that matches, apart from make's own messages.
one_line() {
	[ "$(grep -vc '^make.*\*\*\* \[\|^make.*Error [0-9]' "$out")" -eq 1 ] && has "$1" || show
}

asked_nothing() {
	[ ! -s "$work/packages/asked" ] && return
	sed 's/^/# apt-get /' "$work/packages/asked"
	return 1
}

# Print all files of the tree and of the cache, with their times of modification.
snapshot() {
	find "$tree" "$DREF_CACHE" -printf '%p %y %s %T@\n' 2>/dev/null | sort
}

names() {
	find "$1" ! -type d -printf '%P\n' | sort
}

same() {
	diff "$work/before" "$work/after" >"$out" || show
}

# ---- packages ----

need_is_exact() {
	packages "linux-source-6.12 xyz" "" 0
	! "$tree/scripts/need" linux-source-6.1 >"$out" 2>&1 && has 'has no package linux-source-6.1' &&
		[ ! -s "$work/packages/installed" ] || return
	"$tree/scripts/need" linux-source-6.12 >"$out" 2>&1 && has 'done$' || return
	packages "linux-source-6.12 xyz" xyz 0
	! "$tree/scripts/need" xyz >"$out" 2>&1 && has 'xyz was not installed'
}

need_takes_any_source() {
	packages "linux-source linux-source-6.12" "" 0
	# apt has no other package
	"$tree/scripts/need" native 2>"$out" && return 1
	packages "linux-source linux-source-6.12 xz-utils" "" 0
	"$tree/scripts/need" linux-source xz-utils >"$out" 2>&1 &&
		grep -qx linux-source "$work/packages/installed" || { show; return; }
	packages "xz-utils" "" 0
	touch "$work/src/linux-source-6.12.tar.xz"
	"$tree/scripts/need" linux-source >"$out" 2>&1 && asked_nothing
	status=$?
	rm "$work/src/linux-source-6.12.tar.xz"
	return $status
}

need_tells_others() {
	packages "xyz" "" 1000
	"$tree/scripts/need" xyz >"$out" 2>&1
	[ $? -eq 2 ] && asked_nothing && has 'sudo apt-get install .* xyz$'
}

source_is_chosen() (
	choose() {
		[ "$(KSRC=$1 "$tree/scripts/kselftest-get" --source 2>"$out")" = "$2" ]
	}
	! choose "" "" || one_line 'package linux-source' || return
	touch "$work/src/linux-source-6.9.tar.xz" "$work/src/linux-source-6.12.tar.xz"
	choose "" "$work/src/linux-source-6.12.tar.xz" || return
	touch "$work/src/linux-source-6.1.tar.xz"
	choose "" "$work/src/linux-source-6.1.tar.xz" || return
	mkdir -p "$work/linux/tools/testing/selftests"
	touch "$work/linux/tools/testing/selftests/lib.mk"
	choose "$work/linux" "$work/linux" && choose /nonsense "" && one_line 'KSRC=/nonsense'
	status=$?
	rm "$work/src"/*
	exit $status
)

builds_install_nothing() {
	packages "linux-source linux-headers-amd64 libjson-c-dev" "" 0
	builds 0 -j2 KDIR="$kernel" && has 'LD *tools/top/dref-top' && [ ! -e "$tree/tools/native/build" ] &&
		builds 2 native && one_line 'package linux-source' &&
		builds 2 selftests -o need && has 'need: ' || return
	: >"$work/packages/asked"
	make -C "$tree/selftests" >"$out" 2>&1
	has 'package linux-source' && asked_nothing
}

# ---- make ----

# With files of the user in the folders that the targets overwrite
dry_runs() {
	packages "" "" 0
	mkdir -p "$tree/selftests/kselftest_install" "$tree/tools/stress/broken"
	touch "$tree/selftests/kselftest_install/MINE" "$tree/tools/stress/broken/MINE"
	snapshot >"$work/before"
	for target in $(make -s -C "$tree" help | sed -n 's/^  \([a-z-]*\) .*/\1/p'); do
		builds 0 -n "$target" KDIR="$kernel" DESTDIR="$work/dest" || return
	done
	snapshot >"$work/after"
	rm -rf "$tree/selftests/kselftest_install" "$tree/tools/stress/broken"
	same && asked_nothing && [ ! -e "$work/dest" ]
}

# "make -n" executes recipe lines that contain $(MAKE).
sub_makes_alone() {
	find "$tree" \( -name Makefile -o -name '*.mk' \) -exec sed -e :a -e '/\\$/N; s/\\\n//; ta' {} + |
		grep '^	.*\$[({]MAKE[)}]' | grep '[;&|<>]\|\$\$' >"$out"
	[ $? -eq 1 ] || show
}

jobs_run_together() {
	for target in modules stress-broken; do
		mkdir "$work/together"
		builds 0 -j4 $target KDIR="$kernel" TOGETHER="$work/together" && has_not jobserver
		status=$?
		rm -r "$work/together"
		[ $status -eq 0 ] || return
	done
	rm -rf "$tree/tools/stress/broken"
}

no_space() {
	mkdir "$work/a b" && cp "$tree/Makefile" "$work/a b" &&
	! make -C "$work/a b" --no-print-directory >"$out" 2>&1 && one_line 'has a space' &&
	make -C "$work/a b" help >/dev/null || return
	for name in KDIR KSRC DESTDIR PREFIX; do
		builds 2 "$name=/a b" && one_line "$name has a space" || return
	done
	mkdir "$work/a b/selftests" && cp "$tree/selftests/Makefile" "$work/a b/selftests" &&
		! make -C "$work/a b/selftests" KSFT="$work" --no-print-directory >"$out" 2>&1 &&
		one_line 'has a space'
}

headers_missing() {
	builds 2 KDIR=/nonsense && one_line 'KDIR=/nonsense' || return
	as uname <<-END
	#!/bin/sh
	echo 1.2.3-none
	END
	builds 2 && one_line 'Debian: linux-headers-1.2.3-none'
	status=$?
	rm "$bin/uname"
	return $status
}

# The output of make goes to a log, unless the build fails or V=1 is set.
vm_builds_are_logged() (
	cd "$tree" && KDIR=$kernel scripts/build-for-vm modules >"$out" 2>&1 &&
		one_line '^building for' && grep -q '^modules:' "$DREF_CACHE/build.log" || return
	KDIR=$kernel V=1 scripts/build-for-vm modules >"$out" 2>&1 && has '^modules:' || return
	! KDIR=/nonsense scripts/build-for-vm modules >"$out" 2>&1 && has 'no kernel headers in KDIR=/nonsense'
)

# ---- compilers ----

# config LINE...: set the configuration of the kernel.
config() {
	printf '%s\n' "$@" >"$kernel/include/config/auto.conf"
}

# clang SUFFIX RELEASE [lld]: add a compiler, and a linker.
clang() {
	as "clang$1" <<-END
	#!/bin/sh
	echo "Debian clang version $2.1.0"
	END
	[ -z "$3" ] || as "ld.lld$1" </dev/null
}

no_clang() {
	rm -f "$bin"/clang* "$bin"/ld.lld*
}

takes_clang() {
	config CONFIG_CC_IS_CLANG=y CONFIG_CLANG_VERSION=990102 CONFIG_LD_IS_LLD=y CONFIG_LTO_CLANG_THIN=y
	builds 2 modules KDIR="$kernel" && one_line 'clang 99.*Debian: clang-99 lld-99' || return
	clang -99 99 lld
	builds 0 modules KDIR="$kernel" && has 'modules: LLVM=-99 CC= ' &&
		builds 0 stress-broken KDIR="$kernel" && has 'modules: LLVM=-99 CC= ' &&
		builds 0 modules KDIR="$kernel" LLVM=1 && has 'modules: LLVM=1 CC= ' &&
		builds 0 modules KDIR="$kernel" CC=mine && has 'modules: LLVM= CC=mine ' || return
	rm "$bin/ld.lld-99"
	builds 2 modules KDIR="$kernel" && one_line 'lld-99' || return
	no_clang
	clang "" 100 lld
	builds 0 modules KDIR="$kernel" && has 'modules: LLVM=1 CC= ' || return
	config CONFIG_CC_IS_CLANG=y CONFIG_CLANG_VERSION=990102
	builds 0 modules KDIR="$kernel" && has 'modules: LLVM= CC=clang ' || return
	config CONFIG_CC_IS_GCC=y CONFIG_GCC_VERSION=120200
	builds 0 modules KDIR="$kernel" && has 'modules: LLVM= CC= '
}

# A system with Debian's kernel headers has a gcc-14 or similar, but may have no cc.
finds_compiler() {
	mkdir "$work/few"
	ln -s /bin/sh /bin/ls /bin/echo "$work/few"
	make=$(command -v make)
	printf 'include ../build.mk\nprint-cc:\n\t@echo $(CC)\n' >"$tree/tools/scale/print.mk"
	seen=$(PATH=$work/few "$make" -s -C "$tree/tools/scale" -f print.mk print-cc)
	rm "$tree/tools/scale/print.mk"
	case $seen in
	gcc-[0-9]* | clang-[0-9]*)	;;
	cc)	! ls /usr/bin/gcc-[0-9]* >/dev/null 2>&1 ;;
	*)	echo "# CC is $seen"; return 1 ;;
	esac
}

native_by_clang() {
	sed -i "s,$work/src,/usr/src,g" "$tree/scripts/kselftest-get"
	builds 0 -C tools/native CC=clang build/plain/core/count.o build/plain/shim/cpu.o build/tsan/shim/rcu.o \
		build/plain/kernel/percpu-refcount.o && has_not 'warning\|error' &&
		has 'CC *tools/native/build/plain/core/count.o'
	status=$?
	sed -i "s,/usr/src,$work/src,g" "$tree/scripts/kselftest-get"
	rm -rf "$tree/tools/native/build"
	return $status
}

# User-Mode Linux sets CONFIG_X86_64, but has no per-CPU base in %gs.
no_assembler_in_uml() {
	header=$tree/include/linux/dref.h
	for name in $(sed -n 's/^#include <\(.*\)>/\1/p' "$header"); do
		mkdir -p "$work/stubs/${name%/*}" && : >"$work/stubs/$name"
	done
	{ cat "$header"; echo 'fast = DREF_IMMORTAL_IS_FAST;'; } >"$work/uml.c"
	set -- -E -P -DCONFIG_64BIT -DCONFIG_SMP -DCONFIG_X86_64 -I"$work/stubs" "$work/uml.c"
	cc "$@" >"$out" && has '%%gs' && has '^fast = true;' &&
		cc -DCONFIG_UML "$@" >"$out" && has_not '%%gs' && has '^fast = false;' || return
	! grep -rnE --include='*.[ch]' '^#.*CONFIG_X86|IS_ENABLED.CONFIG_X86' "$tree/include" "$tree/module" |
		grep -v CONFIG_UML >"$out" ||
		{ show; return 1; }
}

# ---- libraries, and the output ----

links_dynamically() {
	make -s -C "$tree/tools" clean
	lacks=-static builds 0 tools && ldd "$tree/tools/stress/dref-stress" | grep -q libjson-c &&
		! grep -v '^  \(CC\|LD\)  *tools/[a-z]*/[a-z-]*\(\.o\)*$' "$out" >"$out.other" ||
		{ show; return 1; }
	lacks=-static builds 0 tools && [ ! -s "$out" ]
}

links_statically() {
	builds 0 -C tools/stress STATIC=1 V=1 && has '^cc .*-static .*-ljson-c' &&
		! ldd "$tree/tools/stress/dref-stress" >"$out" 2>&1
}

# "make" and "make install" skip a program whose library is missing. In the folder of the
# program, make fails.
library_missing() {
	make -s -C "$tree/tools" clean
	lacks=-lncurses builds 0 tools && has 'dref-top is not built.*libncurses-dev' &&
		has_not json-c && [ -x "$tree/tools/stress/dref-stress" ] &&
	lacks=-lncurses builds 0 -C tools install DESTDIR="$work/dest" &&
		[ "$(grep -c libncurses-dev "$out")" -eq 1 ] && [ -e "$work/dest/usr/local/sbin/dref-stress" ] &&
		[ ! -e "$work/dest/usr/local/sbin/dref-top" ] &&
	lacks=-lncurses builds 2 -C tools/top && one_line 'libncurses-dev' &&
	lacks=-ljson-c builds 0 tools && has 'dref-top is not built.*libjson-c-dev' &&
		has 'dref-stress is not built.*libjson-c-dev'
	status=$?
	rm -rf "$work/dest"
	return $status
}

# ---- install, uninstall, clean ----

# Replace the sources of the modules by empty ones, which compile fast.
empty_modules() {
	for file in "$tree"/module/*/*.c; do
		: >"$file"
	done
	for file in "$tree"/module/core/main.c "$tree"/module/*/main.c "$tree/module/test/leave.c"; do
		printf '#include <linux/module.h>\nMODULE_LICENSE("GPL");\n' >"$file"
	done
}

# as_user COMMAND...: as root, run the command as an ordinary user.
as_user() {
	if [ "$("$real_id" -u)" -eq 0 ]; then
		chown -R 65534:65534 "$work" && chmod 755 "$work" &&
			setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
	else
		"$@"
	fi
}

# Into a folder that has other files, some with similar names
installs_and_uninstalls() {
	updates=$work/dest/lib/modules/$(basename "$(dirname "$kdir")")/updates
	mkdir -p "$updates/module" "$updates/../extra" "$work/dest/usr/local/sbin"
	touch "$updates/module/mine.ko" "$updates/../extra/dref.ko" "$work/dest/usr/local/sbin/dref-mine"
	names "$work/dest" >"$work/before"
	as_user make -C "$tree" --no-print-directory -j2 install KDIR="$kdir" DESTDIR="$work/dest" >"$out" 2>&1 &&
		has_not 'depmod:' && [ -x "$work/dest/usr/local/sbin/dref-top" ] &&
		find "$work/dest" -name 'dref_test_leave.ko*' | grep -q . || { show; return; }
	# without headers
	modules=$work/dest/lib/modules/none/updates/module
	as_user mkdir -p "$modules/test" && as_user touch "$modules/dref.ko.xz" "$modules/test/dref_test.ko" &&
	as_user make -C "$tree" --no-print-directory uninstall KDIR=/lib/modules/none/build DESTDIR="$work/dest" \
		>"$out" 2>&1 && has_not . && [ ! -e "$modules" ] || return
	as_user make -C "$tree" --no-print-directory uninstall KDIR="$kdir" DESTDIR="$work/dest" >"$out" 2>&1 || show
	names "$work/dest" >"$work/after"
	same
}

cleans() {
	builds 0 clean KDIR=/nonsense && has_not . || return
	names "$tree" >"$work/after"
	same
}

real_id=$(PATH=$system_path command -v id)
kdir=$("$top/scripts/stock-kdir" 2>/dev/null)

plan 20
need_is_exact
result $? "need matches package names exactly, and reports failure"
need_takes_any_source
result $? "need accepts any version of the kernel source"
need_tells_others
result $? "need prints the command to type if it is not root"
source_is_chosen
result $? "the preferred kernel source is used"
builds_install_nothing
result $? "make installs no packages"
dry_runs
result $? "make -n changes nothing"
sub_makes_alone
result $? "a recipe line with \$(MAKE) has no other command"
jobs_run_together
result $? "the kernel's build runs the jobs of make -j"
no_space
result $? "a path with a space is refused in one sentence"
headers_missing
result $? "missing headers are reported in one sentence"
vm_builds_are_logged
result $? "the output of builds for the virtual machine goes to a log"
takes_clang
result $? "modules for a kernel built by clang are compiled by clang"
no_clang
finds_compiler
result $? "a compiler is found that is not called cc"
if PATH=$system_path command -v clang >/dev/null && "$top/scripts/kselftest-get" --source >/dev/null 2>&1; then
	native_by_clang
	result $? "clang compiles dref-native"
else
	skip "clang compiles dref-native: needs clang and kernel sources"
fi
no_assembler_in_uml
result $? "no x86 assembler in User-Mode Linux"
links_dynamically
result $? "the tools are linked dynamically, with one line of output per file"
links_statically
result $? "STATIC=1 links statically, V=1 prints commands"
library_missing
result $? "a missing library is reported in one line, and the rest is built"
if [ -n "$kdir" ]; then
	make -s -C "$tree" clean
	empty_modules
	touch "$tree/module/core/mine.o" "$tree/tools/top/mine.o" "$tree/mine.cmd"
	names "$tree" >"$work/clean"
	installs_and_uninstalls
	result $? "an ordinary user installs, and uninstalls without headers"
	cp "$work/clean" "$work/before"
	cleans
	result $? "clean removes what was built"
else
	skip "an ordinary user installs, and uninstalls: needs kernel headers"
	skip "clean removes what was built: needs kernel headers"
fi
finish
