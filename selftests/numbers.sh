#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Documentation/numbers.rst explains every number that debugfs shows, says which values are
# normal, and explains no number that is not there.
#
# A section of that page is about the file of the same name. In it, a line of ``names``
# begins their explanation. Files that contain just a number are in the section "Tunables".

. ./common.sh

debugfs=/sys/kernel/debug/dref
page=numbers.rst
[ -e $page ] || page=$(in_tree Documentation/numbers.rst)
out=$(mktemp) || exit
trap 'rm -f "$out" "$out".*' EXIT

# explained: print "FILE NAME" for each number that is explained, and "FILE" for each section
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

# not_judged: print the names whose explanation does not say which values are normal
not_judged() {
	awk '
	function ends() { if (open != "" && !normal) print open; open = "" }
	/^``[a-z_, `]+``$/ { ends(); open = $0; normal = 0; next }
	/^[^\t]/ { ends() }
	/Normal:/ { normal = 1 }
	END { ends() }' "$page"
}

# shown: print the same for the numbers in debugfs; NAME stands for any class
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

# A number of one class needs no explanation if the same number of all classes has one, and
# a number in leaks needs none if the same number in holders has one.
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

# nothing FILE WHY: the file is empty, or print its lines with the reason.
nothing() {
	[ ! -s "$1" ] && return
	sed "s|^|# $2: |" "$1"
	return 1
}

[ "$(id -u)" -eq 0 ] || skip_all "needs root"
# Objects of an earlier test can be exact by now.
[ ! -e /sys/module/dref_test ] || rmmod dref_test
load dref && load dref_test || skip_all "needs dref.ko and dref_test.ko"
[ -e $debugfs/stats ] || skip_all "needs debugfs"
has_tracking || skip_all "needs a dref.ko with tracking"
[ -e "$page" ] || skip_all "needs Documentation/numbers.rst"

# One class is needed, with objects that stay deferred.
demote_passes=$(cat $debugfs/demote_passes)
trap 'echo "$demote_passes" >$debugfs/demote_passes; rm -f "$out" "$out".*' EXIT
echo 1000000 >$debugfs/demote_passes
cat /sys/kernel/debug/dref_test/specimens >/dev/null || skip_all "no objects to be had"
explained >"$out.all"
{
	shown
	# holders has objects only of a class that is tracked, and objects soon has none then.
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
nothing "$out" "explained, but not in debugfs, or explained twice"
result $? "every number that is explained is in debugfs"
not_judged >"$out"
nothing "$out" "the normal values are missing"
result $? "every explanation says which values are normal"
[ "$(grep -c ' ' "$out.shown")" -ge 40 ] && [ "$(wc -l <"$out.explained")" -ge 40 ]
result $? "debugfs shows numbers: $(grep -c ' ' "$out.shown")"
finish
