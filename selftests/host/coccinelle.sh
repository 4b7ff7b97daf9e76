#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The semantic patches in tools/coccinelle find the mistakes in the samples and nothing
# else. They convert samples that use kref, refcount_t, percpu_ref and contract 1 of dref, and
# samples without dref_exit(), and leave alone the samples of which they say why they cannot
# be converted.

cd "$(dirname "$0")" || exit
. ../common.sh
tools=../../tools
../../scripts/need coccinelle || exit
out=$(mktemp) || exit
trap 'rm -f "$out" "$out".*' EXIT

checks=$(cd "$tools/coccinelle" && grep -l '^virtual report' -- *.cocci)
conversions=$(cd "$tools/coccinelle" && grep -l '^virtual patch' -- *.cocci)
# contract-1-to-2.cocci leaves alone what free-without-exit.cocci then reports.
samples="coccinelle/misuse.c coccinelle/contract-1-after.c"

# same NAME FILE FILE: a test that passes if the files are equal
same() {
	diff "$2" "$3" >"$out.diff"
	status=$?
	sed 's/^/# /' "$out.diff"
	result $status "$1"
}

refused=$(cd coccinelle && ls -- *-refused.c)
plan $(($(wc -w <<<"$checks") + $(wc -w <<<"$conversions") + $(wc -w <<<"$refused") + 2))
# shellcheck disable=SC2086 # names
"$tools/coccinelle/coccicheck" --ktap $samples >"$out"
[ $? -eq 1 ]
result $? "coccicheck exits with 1 if it has found a mistake"
for check in $checks; do
	# The lines that are marked with its name are those that it reports.
	# shellcheck disable=SC2086 # names
	grep -n "/\* ${check%.cocci} \*/\$" $samples | cut -d : -f 1,2 | sort >"$out.marked"
	sed -n "/^# /H; /^\(not \)*ok /{ /$check/{ g; p; }; s/.*//; h; }" "$out" |
		sed -n 's/^# \([^:]*:[0-9]*\):.*/\1/p' | sort -u >"$out.found"
	[ -s "$out.marked" ] || echo "no sample" >"$out.marked"
	same "$check finds $(wc -l <"$out.marked") mistakes, and no other" "$out.marked" "$out.found"
done
for conversion in $conversions; do
	sample=coccinelle/${conversion%-to-*}
	spatch -D patch --very-quiet --cocci-file "$tools/coccinelle/$conversion" --no-includes \
		"$sample.c" -o "$out.c" >"$out" 2>&1 || cat "$out"
	same "$conversion" "$sample-after.c" "$out.c"
done
for sample in $refused; do
	conversion=${sample%-refused.c}-to-dref.cocci
	# A comment at the end of a line is the reason, without the name of a function.
	sed -n '=; s,.*[^[:space:]]\t/\* \(.*\) \*/$,: \1,p' "coccinelle/$sample" |
		sed -n '/^[0-9]/{ h; d; }; H; g; s/\n//p' >"$out.marked"
	rm -f "$out.c"
	spatch -D patch --very-quiet --cocci-file "$tools/coccinelle/$conversion" --no-includes \
		"coccinelle/$sample" -o "$out.c" >"$out" 2>&1
	[ ! -e "$out.c" ] || diff "coccinelle/$sample" "$out.c" | sed 's/^/changed: /' >>"$out"
	sed 's/^[^:]*:\([0-9]*: \)[^ ]* is not converted: /\1/; s/: [A-Za-z_]*\(()\)*: /: /' "$out" |
		sort -n >"$out.found"
	same "$conversion refuses $(wc -l <"$out.marked") uses" "$out.marked" "$out.found"
done
"$tools/coccinelle/coccicheck" coccinelle/{kref,percpu_ref,refcount}-after.c | sed 's/^/# /'
[ "${PIPESTATUS[0]}" -eq 0 ]
result $? "coccicheck reports nothing in the converted samples"
finish
