#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of the packages that take no system to install them in: what is in them, and what
# dkms and the build of another module read. scripts/check-packages installs them.

. ../common.sh

top=$(realpath ../..)
work=$(mktemp -d) || exit
trap 'rm -rf "$work"' EXIT
out=$work/out
version=$(cat "$top/VERSION")
unset DESTDIR PREFIX MAKEFLAGS MAKELEVEL DREF

# ---- the version ----

version_is_in_the_news() {
	[ "$(sed -n '1s/ (20[0-9-]*)$//p' "$top/NEWS")" = "$version" ] &&
		! grep -n '.\{81\}' "$top/NEWS"
}

modules_have_version() {
	find "$top/module" -name '*.ko' | while read -r module; do
		[ "$(modinfo -F version "$module")" = "$version" ] || { echo "# $module"; exit 1; }
	done
}

# ---- dkms ----

# setting NAME: what dkms.conf says, for a kernel
setting() (
	# shellcheck disable=SC2034 # dkms.conf uses them
	kernel_source_dir=/lib/modules/K/build dkms_tree=/var/lib/dkms kernelver=K arch=x86_64
	set -u
	# shellcheck source=/dev/null
	. "$installed/dkms.conf" && eval "echo \"\${$1}\""
)

# The regular expression is that of bash, as in dkms.
kernels_are_known() {
	local name regex

	regex=$(setting BUILD_EXCLUSIVE_KERNEL)
	for name in 6.1.0-57-amd64 6.1 6.10.3 6.19 7.0.1 7.3.4+deb13-amd64 10.0; do
		[[ $name =~ $regex ]] || { echo "# refused: $name"; return 1; }
	done
	for name in 6.0.9 5.10.0-30-amd64 4.19 2.6.32 5.16.1; do
		[[ ! $name =~ $regex ]] || { echo "# accepted: $name"; return 1; }
	done
	regex=$(setting BUILD_EXCLUSIVE_ARCH)
	[[ x86_64 =~ $regex && aarch64 =~ $regex && ! i686 =~ $regex && ! ppc64le =~ $regex ]]
}

dkms_finds_modules() {
	local i name

	[ "$(setting PACKAGE_VERSION)" = "$version" ] && [ "$(cat "$installed/VERSION")" = "$version" ] || return
	for i in 0 1 2; do
		name=$(setting "BUILT_MODULE_NAME[$i]")
		grep -q "^obj-m += $name\.o" "$installed/$(setting "BUILT_MODULE_LOCATION[$i]")/Kbuild" || return
	done
	[ -z "$(setting 'BUILT_MODULE_NAME[3]-')" ] && ! setting MAKE | grep uname &&
		[ -x "$installed/$(setting POST_BUILD | cut -d ' ' -f 1)" ] &&
		[ "$(setting 'MAKE[0]' | xargs)" = "make -C /lib/modules/K/build CONFIG_DREF_TEST=n M=/var/lib/dkms/dref/$version/build modules" ]
}

# All files that the compiler reads, and no others but the four for dkms and Kbuild
dkms_has_sources() {
	local file name

	(cd "$top" && git ls-files -co --exclude-standard include module/{core,inspect,stress,scale,Kbuild}) |
		sort >"$work/sources"
	(cd "$installed" && find include module -type f) | sort | diff "$work/sources" - >"$out" || show || return
	[ "$(ls "$installed")" = "$(printf '%s\n' Kbuild VERSION dkms.conf include keep-symvers module)" ] || return
	find "$installed" -name '*.[ch]' | while read -r file; do
		sed -n 's/^#include "\(.*\)"/\1/p' "$file" | while read -r name; do
			[ -e "${file%/*}/$name" ] || { echo "# $file includes $name"; exit 1; }
		done || exit
	done
}

# mk ARGUMENT...: what dref.mk adds to the build of another module
mk() {
	make -s -f "$work/mk" dkms_tree="$work/dkms" KERNELRELEASE=6.1.0-57-amd64 "$@" >"$out" 2>&1
}

client_finds_dref() {
	mkdir -p "$work/dkms/dref/1.5/6.1.0-57-amd64-dbg/x86_64" "$work/dkms/dref/2.0/6.1.0-57-amd64/x86_64"
	printf 'include %s\nall:\n\t@echo $(subdir-ccflags-y) $(KBUILD_EXTRA_SYMBOLS)\n' \
		"$work/root/usr/share/dref/dref.mk" >"$work/mk"
	ln -s 1.5/6.1.0-57-amd64-dbg/x86_64 "$work/dkms/dref/kernel-6.1.0-57-amd64-dbg-x86_64"
	! mk && grep -q 'no dref.ko for the kernel 6.1.0-57-amd64' "$out" || show || return
	ln -s 2.0/6.1.0-57-amd64/x86_64 "$work/dkms/dref/kernel-6.1.0-57-amd64-x86_64"
	link=$work/dkms/dref/kernel-6.1.0-57-amd64-x86_64
	mk && [ "$(cat "$out")" = "-I$link/../../source/include $link/module/Module.symvers" ] &&
	mk DREF=/a && [ "$(cat "$out")" = "-I/a/include /a/Module.symvers" ] || show
}

# Each version of dkms runs with folders of its own. The build of the kernel is a Makefile
# of a few lines, which reads the Kbuild file as a kernel does, and writes empty modules.

# dkms_of SUITE: get the dkms of this suite of Debian, and set up its folders.
dkms_of() {
	local cache=${DREF_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dref}/dkms/$1 kernel

	[ -e "$cache/usr/sbin/dkms" ] || "$top/scripts/debian-unpack" --suite "$1" "$cache" dkms >"$out" 2>&1 || return
	life=$work/$1
	mkdir -p "$life"/{tree,src,build/include/config}
	sed "s,/lib/modules,$life/modules,g" "$cache/usr/sbin/dkms" >"$life/dkms"
	printf '%s\n' CONFIG_64BIT=y CONFIG_SMP=y | tee "$life/build/.config" >"$life/build/include/config/auto.conf"
	for kernel in 6.0.0 6.5.0 6.6.0; do
		mkdir -p "$life/modules/$kernel"
		ln -s "$life/build" "$life/modules/$kernel/build"
	done
	echo | cc -x c -c - -o "$life/build/empty.o"
	cat >"$life/build/Makefile" <<-'END'
	src := $(M)
	include $(M)/Kbuild
	objects = $(if $(filter module/,$(obj-m)),module/dref.o module/stress/dref_stress.o \
		module/scale/dref_scale.o,$(obj-m))
	.RECIPEPREFIX = >
	modules:
	> $(foreach object,$(objects),cp empty.o $(M)/$(object:.o=.ko) &&) true
	> $(if $(KBUILD_EXTRA_SYMBOLS),cat $(KBUILD_EXTRA_SYMBOLS) $(subdir-ccflags-y:-I%=%/linux/dref.h))
	> echo $(M) $(KERNELRELEASE) $(CONFIG_DREF_TEST) >$(M)/Module.symvers
	clean:
	END
}

# dkms ARGUMENT...
dkms() {
	bash "$life/dkms" "$@" --dkmstree "$life/tree" --sourcetree "$life/src" --installtree "$life/modules" \
		--no-depmod >"$out" 2>&1
}

# status_is LINE...
status_is() {
	dkms status && grep / "$out" | diff - <(printf '%s\n' "$@") >"$out.diff" || { cat "$out.diff" >>"$out"; show; }
}

# add_dref VERSION
add_dref() {
	cp -R "$installed" "$life/src/dref-$1" && echo "$1" >"$life/src/dref-$1/VERSION" &&
		sed -i "s/^PACKAGE_VERSION=.*/PACKAGE_VERSION=$1/" "$life/src/dref-$1/dkms.conf" && dkms add "dref/$1"
}

# refused MESSAGE ARGUMENT...: dkms says so. The status of dkms 3.2 is 77, which scripts take
# for success.
refused() {
	! dkms "${@:2}" && grep -q -e "$1" "$out" || show
}

dkms_lives() {
	dkms_of "$1" || show || return
	cp -R "$top/Documentation/session" "$life/src/session-1.0" &&
		sed -i "s,/usr/share,$work/root&," "$life/src/session-1.0/Kbuild" && dkms add session/1.0 || show || return
	refused 'Error!' build session/1.0 -k 6.5.0 &&
	add_dref 1.0 && refused BUILD_EXCLUSIVE build dref/1.0 -k 6.0.0 &&
		refused BUILD_EXCLUSIVE build dref/1.0 -k 6.5.0 -a riscv64 &&
		refused 'headers for kernel 6.7.0 cannot be found' build dref/1.0 -k 6.7.0 || return
	dkms install dref/1.0 -k 6.5.0 || show || return
	[ "$(cat "$life/tree/dref/kernel-6.5.0-x86_64/module/Module.symvers")" = "$life/tree/dref/1.0/build 6.5.0 n" ] &&
		[ "$(find "$life/modules/6.5.0" -name '*.ko' | wc -l)" -eq 3 ] || return
	dkms install session/1.0 -k 6.5.0 && dkms autoinstall -k 6.6.0 || show || return
	status_is "dref/1.0, 6.5.0, x86_64: installed" "dref/1.0, 6.6.0, x86_64: installed" \
		"session/1.0, 6.5.0, x86_64: installed" "session/1.0, 6.6.0, x86_64: installed" || return
	# What the packages do in an upgrade
	dkms remove dref/1.0 --all && add_dref 1.1 && touch "$work/before" &&
		dkms install dref/1.1 -k 6.5.0 || show || return
	if ! grep -q BUILD_DEPENDS_REBUILD "$life/dkms"; then
		dkms unbuild session/1.0 -k 6.5.0 && dkms install session/1.0 -k 6.5.0 || show || return
	fi
	[ "$life/tree/session/1.0/6.5.0/x86_64/module/session.ko" -nt "$work/before" ] &&
	status_is "dref/1.1, 6.5.0, x86_64: installed" "session/1.0, 6.5.0, x86_64: installed" \
		"session/1.0, 6.6.0, x86_64: installed" || return
	dkms remove session/1.0 --all && dkms remove dref/1.1 --all || show || return
	! find "$life/tree" "$life/modules" ! -type d ! -name build ! -name 'mok*' ! -name dkms_dbversion | grep . >"$out" || show
}

# ---- Debian ----

# contents PACKAGE: print the files in it.
contents() {
	dpkg-deb --fsys-tarfile "$work"/packages/"$1"_"${version}"_*.deb | tar -t | sed -n 's,^\./\(.*[^/]\)$,\1,p' | sort
}

deb_is_built() {
	DEBFULLNAME="A Person" DEBEMAIL=person@example.org \
		"$top/tools/package/build" deb "$work/packages" >"$out" 2>&1 && grep -q dref-dkms "$out" || show
}

# Everything that "make install" installs, the sources for dkms, and all pages
deb_is_complete() {
	make -s -C "$top/tools" install DESTDIR="$work/tools" PREFIX=/usr >"$out" 2>&1 || show || return
	(cd "$work/tools" && find . -type f -printf '%P\n' | sed 's,/man/.*[0-9]$,&.gz,' | sort) >"$work/expected"
	contents dref-tools | grep -v '^usr/share/doc\|^usr/share/lintian\|\.bt\.8\.gz$' | diff "$work/expected" - >"$out" || show || return
	(cd "$work/root" && find . -type f -printf '%P\n' | sort) >"$work/expected"
	contents dref-dkms | grep -v '^usr/share/doc' | diff "$work/expected" - >"$out" || show || return
	{
		(cd "$top/Documentation" && ls ./*.rst ./man/*.rst ./*.svg session/*) |
			sed 's,^\./\(.*\)\.rst,html/\1.html,; s,^\./\(.*\.svg\),html/_images/\1,; s,^session,examples/&,'
		printf 'html/%s\n' genindex.html search.html searchindex.js
	} | sort >"$work/expected"
	contents dref-doc | sed -n 's,^usr/share/doc/dref-doc/,,p' |
		grep -v '^changelog\|^copyright\|^README\|^html/_static/' | diff "$work/expected" - >"$out" || show
}

lintian_is_silent() {
	lintian --allow-root "$work"/packages/*.changes >"$out" 2>&1 && [ ! -s "$out" ] || show
}

make -s -C "$top" dkms DESTDIR="$work/root"
installed=$work/root/usr/src/dref-$version
plan 11
version_is_in_the_news
result $? "NEWS begins with the version, in lines for a change log"
modules_have_version
result $? "the modules show the version"
kernels_are_known
result $? "dkms builds for Linux 6.1 and later, on x86-64 and arm64"
dkms_finds_modules
result $? "dkms.conf names the modules, and no kernel"
dkms_has_sources
result $? "the sources for dkms are complete"
client_finds_dref
result $? "dref.mk finds the header and the symbols"
for suite in bookworm trixie; do
	name="dkms of $suite: install, other module, other kernel, upgrade, remove"
	if command -v apt-get >/dev/null && [ "$(uname -m)" = x86_64 ] && [ "$(id -u)" -eq 0 ]; then
		dkms_lives $suite
		result $? "$name"
	else
		skip "$name: needs root and apt"
	fi
done
if "$top/scripts/need" package; then
	deb_is_built
	result $? "make deb builds the packages"
	deb_is_complete
	result $? "the packages have all files"
	lintian_is_silent
	result $? "lintian does not complain"
else
	for name in "make deb builds the packages" "the packages have all files" "lintian does not complain"; do
		skip "$name: needs Debian's packages"
	done
fi
finish
