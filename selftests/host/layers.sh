#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The core is read in one direction: a file of module/core calls only files above it
# in the table of module/core/internal.h, and the interface in dref.h.  And inspection is optional: without
# CONFIG_DREF_DEBUGFS, even with CONFIG_DREF_TRACKING=y, the core builds where module/inspect
# does not exist, and what clients include does not depend on the configuration.

cd "$(dirname "$0")/../.." || exit
. selftests/common.sh

out=$(mktemp -d) || exit
trap 'rm -rf "$out"' EXIT

# The files of the table in internal.h, from the bottom up
table() {
	sed -n '/^ \*\tevent\.c/,/^ \*$/s/^ \*\t\([a-z_]*\)\.c.*/\1/p' module/core/internal.h
}

# symbols TYPE FILE: the names of that type in an object file
symbols() {
	nm "$2" | awk -v type="$1" '$(NF - 1) == type { print $NF }' | sort
}

# Prints each call of a file to one that the table has below it
upward_calls() {
	local folder=$1 name

	grep -o 'dref_[a-z_]*(' include/linux/dref.h | tr -d '(' | sort -u >"$out/interface"
	for name in $(table); do
		symbols T "$folder/$name.o" >>"$out/above"
		symbols T "$folder/$name.o" >"$out/$name.defines"
		symbols U "$folder/$name.o" >"$out/$name.calls"
	done
	cat "$out"/*.defines | sort >"$out/all"
	: >"$out/above"
	for name in $(table); do
		sort -o "$out/above" "$out/above" "$out/$name.defines"
		comm -12 "$out/$name.calls" "$out/all" | comm -23 - "$out/above" |
			comm -23 - "$out/interface" |
			sed "s/^/# $name.c calls /"
	done
}

listed() {
	local file

	for file in module/core/*.c; do
		file=${file##*/}
		case $file in
		trace.c | *.mod.c)	continue ;;
		esac
		table | grep -qx "${file%.c}" || { echo "# $file is not in the table"; return 1; }
	done
}

kdir=${KDIR:-$(scripts/stock-kdir)} || exit
plan 4
listed
result $? "the table in internal.h has every file of the core"

make --no-print-directory copy INTO="$out/tree" >/dev/null &&
	rm -rf "$out"/tree/module/{inspect,kunit,test,stress,scale} &&
	sed -i '/^obj-.*\//d' "$out/tree/module/Kbuild" &&
	make -C "$kdir" M="$out/tree" CONFIG_DREF_DEBUGFS=n CONFIG_DREF_TRACKING=y \
		CONFIG_DEBUG_INFO_BTF_MODULES= \
		modules >"$out/log" 2>&1 || { tail -n 20 "$out/log" | sed 's/^/# /'; false; }
result $? "the core builds without inspection, and without its folder"

calls=$(upward_calls "$out/tree/module/core")
[ -z "$calls" ] || echo "$calls"
[ -s "$out/all" ] && [ -z "$calls" ]
result $? "each file of the core calls only files above it in the table"

! grep -rn 'CONFIG_DREF' include
result $? "what clients include is the same in every build"
finish
