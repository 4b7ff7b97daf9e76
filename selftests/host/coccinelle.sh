#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The semantic patches in tools/coccinelle find the mistakes in a sample and nothing else,
# and convert samples that use kref and refcount_t to dref.

cd "$(dirname "$0")" || exit
. ../common.sh
tools=../../tools
../../scripts/need coccinelle || exit
out=$(mktemp) || exit
trap 'rm -f "$out" "$out".*' EXIT

checks=$(cd "$tools/coccinelle" && grep -l '^virtual report' -- *.cocci)
conversions=$(cd "$tools/coccinelle" && grep -l '^virtual patch' -- *.cocci)

# same NAME FILE FILE: a test that passes if the files are equal
same() {
	diff "$2" "$3" >"$out.diff"
	status=$?
	sed 's/^/# /' "$out.diff"
	result $status "$1"
}

plan $(($(wc -w <<<"$checks") + $(wc -w <<<"$conversions") + 2))
"$tools/coccinelle/coccicheck" --ktap coccinelle/misuse.c >"$out"
[ $? -eq 1 ]
result $? "coccicheck exits with 1 if it has found a mistake"
for check in $checks; do
	# The lines that are marked with its name are those that it reports.
	grep -n "/\* ${check%.cocci} \*/\$" coccinelle/misuse.c | cut -d : -f 1 | sort -n >"$out.marked"
	sed -n "/^# /H; /^\(not \)*ok /{ /$check/{ g; p; }; s/.*//; h; }" "$out" |
		sed -n 's/^# [^:]*:\([0-9]*\):.*/\1/p' | sort -nu >"$out.found"
	[ -s "$out.marked" ] || echo 0 >"$out.marked"	# no sample
	same "$check finds $(wc -l <"$out.marked") mistakes, and no other" "$out.marked" "$out.found"
done
for conversion in $conversions; do
	sample=coccinelle/${conversion%-to-dref.cocci}
	spatch -D patch --very-quiet --cocci-file "$tools/coccinelle/$conversion" --no-includes \
		"$sample.c" -o "$out.c" >"$out" 2>&1 || cat "$out"
	same "$conversion" "$sample-after.c" "$out.c"
done
"$tools/coccinelle/coccicheck" coccinelle/kref-after.c coccinelle/refcount-after.c | sed 's/^/# /'
[ "${PIPESTATUS[0]}" -eq 0 ]
result $? "coccicheck reports nothing in the converted samples"
finish
