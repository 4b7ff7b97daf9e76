#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Allocations of dref.ko fail: all of them, one, and at random. dref.ko does not crash,
# loses no release and makes none too early (dref-stress checks both), and leaks nothing.
#
#	faults.sh [SECONDS]	for each run of dref-stress (10)
#
# The kernel's fault injection makes those allocations fail that have dref.ko on the
# stack. It has no faults for per-CPU memory, but for the pages and the slab objects of which
# per-CPU memory is made. kmemleak finds leaks.

. ./common.sh

seconds=${1:-10}
debugfs=/sys/kernel/debug
dref=$debugfs/dref

for file in failslab/require-start fail_page_alloc/require-start kmemleak; do
	[ -e $debugfs/$file ] || skip_all "no $debugfs/$file"
done

plenty=1000000

# "START END" of the addresses of modules
modules="0xffffffffa0000000 0xffffffffff000000"

# text_of FUNCTION: print "START END" of a function of dref.ko
text_of() {
	sort /proc/kallsyms | awk -v name="$1" '
	from { print from, "0x" $1; exit }
	$3 == name && $4 == "[dref]" { from = "0x" $1 }'
}

# dref.ko allocates all memory for slots in this function.
text_of_pool() {
	text_of dref_slot_get
}

# faults KINDS PERCENT TIMES START END
faults() {
	kinds=$1
	shift
	for kind in $kinds; do
		echo "$3" >$debugfs/$kind/require-start
		echo "$4" >$debugfs/$kind/require-end
		echo 32 >$debugfs/$kind/stacktrace-depth
		echo N >$debugfs/$kind/ignore-gfp-wait
		echo "$2" >$debugfs/$kind/times
		echo 0 >$debugfs/$kind/verbose
		echo "$1" >$debugfs/$kind/probability
	done
	echo N >$debugfs/fail_page_alloc/ignore-gfp-highmem
	echo 0 >$debugfs/fail_page_alloc/min-order
}

no_faults() {
	for kind in failslab fail_page_alloc; do
		echo 0 >$debugfs/$kind/probability
	done
}

# used KIND: print how many of the failures that faults() allowed have occurred
used() {
	echo $((plenty - $(cat "$debugfs/$1/times")))
}

value() {
	sed -n "s/^$2: //p" "$dref/$1"
}

# leaks: print what kmemleak finds in two scans, as it reports no young objects. Only the
# leaks of these modules are printed. The code that allocated is gone, so the stack has an
# address where modules are in the place of its name.
leaks() {
	echo scan >$debugfs/kmemleak
	sleep 6
	echo scan >$debugfs/kmemleak
	grep -A 20 '^unreferenced object' $debugfs/kmemleak | grep -E '\[dref| 0xffffffff[a-f]'
}

# A kernel with these debugging options is slow, so a release is late after two minutes.
stress() {
	dref-stress --quiet --late 2m --scenario "$1" --duration "${seconds}s" >/tmp/faults.out 2>&1
	status=$?
	[ $status -eq 0 ] || sed 's/^/# /' /tmp/faults.out
	return $status
}

# ---- the tests ----

# loading: each attempt either succeeds or fails, and a failed one leaves nothing behind.
loading() {
	failed=0 loaded=0
	for percent in 100 50 20 10 5 2 1 50 20 10 5 2 1; do
		# shellcheck disable=SC2086
		faults "$both" $percent $plenty $modules
		if load dref 2>/dev/null; then
			loaded=$((loaded + 1))
		else
			failed=$((failed + 1))
		fi
		no_faults
		[ ! -e /sys/module/dref ] || unload_all || return
	done
	echo "# failed $failed times, loaded $loaded times"
	[ $failed -gt 0 ] && load dref && [ -e $dref/stats ]
}

# slots KINDS PERCENT TIMES SCENARIO: run dref-stress, from an empty pool, with these
# faults in the allocation of slots. Sets promoted and refused.
slots() {
	unload_all && load dref_stress || return
	# shellcheck disable=SC2046
	faults "$1" "$2" "$3" $(text_of_pool)
	stress "$4"
	status=$?
	no_faults
	promoted=$(value stats promotions) refused=$(value stats promotions_failed)
	echo "# $promoted promotions, $refused failed"
	return $status
}

# All objects stay exact; they are counted and released as always.
never() {
	slots "$both" 100 $plenty mix && [ "$refused" -gt 0 ] && [ "$promoted" -eq 0 ]
}

# The descriptions of slots are slab objects. The counters are per-CPU memory, which takes
# pages.
no_objects() {
	slots failslab 100 $plenty mix && echo "# used $(used failslab)" &&
		[ "$(used failslab)" -gt 0 ]
}

no_pages() {
	slots fail_page_alloc 100 $plenty mix && echo "# used $(used fail_page_alloc)" &&
		[ "$(used fail_page_alloc)" -gt 0 ] && [ "$refused" -gt 0 ]
}

# dref.ko repeats an allocation that has failed.
once() {
	slots "$1" 100 1 mix && [ "$(cat "$debugfs/$1/times")" -eq 0 ] && [ "$promoted" -gt 0 ]
}

at_random() {
	slots "$both" 50 $plenty "$1" && [ "$refused" -gt 0 ]
}

unloading() {
	# shellcheck disable=SC2086
	faults "$both" 50 $plenty $modules
	unload_all
	status=$?
	no_faults
	return $status
}

# run NAME FUNCTION [ARGUMENT]...
run() {
	what=$1
	shift
	"$@"
	result $? "$what"
}

both="failslab fail_page_alloc"
unload_all || skip_all "dref.ko is in use"
trap no_faults EXIT
echo clear >$debugfs/kmemleak
plan 9
run "loading fails or succeeds, and leaves nothing behind if it fails" loading
run "without slots all objects stay exact" never
run "slab objects for slots fail" no_objects
run "pages, hence per-CPU memory, for slots fail" no_pages
run "one slab object fails" once failslab
run "one page fails" once fail_page_alloc
run "allocations for slots fail at random" at_random mix
run "unloading succeeds while allocations fail" unloading
found=$(leaks)
[ -z "$found" ]
result $? "nothing leaked"
[ -z "$found" ] || sed 's/^/# /' $debugfs/kmemleak | head -n 60
finish
