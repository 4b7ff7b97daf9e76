#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Documentation/numbers.rst explains every number that debugfs shows, says what is normal,
# and explains nothing else.
#
# A section of that page is about the file that it is named after; in it, a line of
# ``names`` begins their explanation. Files that hold no more than a number are all
# in the section "Tunables".

. ./common.sh

debugfs=/sys/kernel/debug/dref
page=numbers.rst
[ -e $page ] || page=$(in_tree Documentation/numbers.rst)
out=$(mktemp) || exit
trap 'rm -f "$out" "$out".*' EXIT

# "FILE NAME" for each that is explained, and "FILE" for each section
explained() {
	awk '
	/^(=+|-+)$/ && last != "" { section = last; if (section ~ /^[a-zA-Z_\/]+$/) print section }
	/^``[a-z_, `]+``$/ {
		gsub(/[`,]/, "")
		for (i = 1; i <= NF; i++)
			print section, $i
	}
	{ last = $0 }' "$page"
}

# Names without a word on what is normal
not_judged() {
	awk '
	function ends() { if (open != "" && !normal) print open; open = "" }
	/^``[a-z_, `]+``$/ { ends(); open = $0; normal = 0; next }
	/^[^\t]/ { ends() }
	/Normal:/ { normal = 1 }
	END { ends() }' "$page"
}

# The same for what there is: NAME stands for any class
shown() {
	find $debugfs -type f | while read -r file; do
		path=${file#$debugfs/}
		case $path in
		classes/*)	path=classes/NAME/${path##*/} ;;
		esac
		awk -v path="$path" '
		/^-?[0-9]+$/ && NR == 1 { value = 1; next }
		value { value = 0 }
		NR == 1 { print path }
		/^ / || ($1 ~ /^[0-9]+$/ && NF > 1) { next }	# stacks, and words
		{ key = $1; sub(/:$/, "", key) }
		NF == 2 || key == "flags" { if (key !~ /^[0-9]+$/) print path, key; next }
		{ for (i = path ~ /leaks$/ ? 3 : 2; i < NF; i += 2) print path, $i }
		END {
			if (value) {
				sub(/.*\//, "", path)
				print "Tunables", path
			} else if (!NR) {
				print path	# empty
			}
		}' "$file"
	done
	echo Tunables
}

# What is explained for all classes together needs no word more for one of them, and
# what holders and leaks both say none for the second.
of_a_class() {
	sort -u "$out.all" >"$out.known"
	while read -r path name; do
		case $path in
		classes/NAME/stats)	elsewhere="stats $name" ;;
		classes/NAME/leaks)	elsewhere="classes/NAME/holders $name" ;;
		*)			elsewhere= ;;
		esac
		[ -n "$name" ] && grep -qx "$elsewhere" "$out.known" ||
			echo "$path${name:+ $name}"
	done
}

# nothing FILE WHY: it is empty
nothing() {
	[ ! -s "$1" ] && return
	sed "s|^|# $2: |" "$1"
	return 1
}

[ "$(id -u)" -eq 0 ] || skip_all "needs root"
# Objects of before may be exact by now
[ ! -e /sys/module/dref_test ] || rmmod dref_test
load dref && load dref_test || skip_all "needs dref.ko and dref_test.ko"
[ -e $debugfs/stats ] || skip_all "needs debugfs"
[ -e "$page" ] || skip_all "needs Documentation/numbers.rst"

# for a class, and objects in it, which stay deferred
demote_passes=$(cat $debugfs/demote_passes)
trap 'echo "$demote_passes" >$debugfs/demote_passes; rm -f "$out" "$out".*' EXIT
echo 1000000 >$debugfs/demote_passes
cat /sys/kernel/debug/dref_test/specimens >/dev/null || skip_all "no objects to be had"
explained >"$out.all"
{
	shown
	# holders has objects of a class that is tracked; objects then has none for long
	class=$(grep -l . $debugfs/classes/*/objects | head -n 1)
	echo 1 >"${class%objects}track"
	shown
	echo 0 >"${class%objects}track"
} | sort -u >"$out.shown"
sort -u "$out.all" >"$out.explained"

plan 4
of_a_class <"$out.shown" | grep -vxFf "$out.explained" >"$out"
nothing "$out" "not explained"
result $? "every number that debugfs shows is explained"
sort "$out.all" | uniq -d >"$out"
grep -vxFf "$out.shown" "$out.explained" >>"$out"
nothing "$out" "explained, and not there, or twice"
result $? "nothing is explained that is not there"
not_judged >"$out"
nothing "$out" "not said what is normal"
result $? "of each it is said what is normal"
[ "$(grep -c ' ' "$out.shown")" -ge 40 ] && [ "$(wc -l <"$out.explained")" -ge 40 ]
result $? "there is something to explain: $(grep -c ' ' "$out.shown") numbers"
finish
