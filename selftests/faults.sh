#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Every allocation of dref.ko fails, for good, once, and at random: no crash, no
# release lost or too early (dref-stress looks after them), and nothing leaked.
#
#	faults.sh [SECONDS]	for each run of dref-stress (10)
#
# The kernel's own fault injection does it, for allocations that come from dref.ko
# alone, which it tells by the stack. Per-CPU memory has no fault of its own: it is
# made of pages and of slab objects, which have. Leaks are kmemleak's to find.

. ./common.sh

seconds=${1:-10}
debugfs=/sys/kernel/debug
dref=$debugfs/dref

for file in failslab/require-start fail_page_alloc/require-start kmemleak; do
	[ -e $debugfs/$file ] || skip_all "no $debugfs/$file"
done

plenty=1000000

# Where modules may be: "START END"
modules="0xffffffffa0000000 0xffffffffff000000"

# A function of dref.ko, up to the next one
text_of() {
	sort /proc/kallsyms | awk -v name="$1" '
	from { print from, "0x" $1; exit }
	$3 == name && $4 == "[dref]" { from = "0x" $1 }'
}

# Where dref.ko allocates all that it does while it works
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

# How many of the failures of KIND that faults() was told of have been used up
used() {
	echo $((plenty - $(cat "$debugfs/$1/times")))
}

value() {
	sed -n "s/^$2: //p" "$dref/$1"
}

# What kmemleak finds in two looks, as young objects are none, and of ours only: the
# code that allocated it is gone, so all that is left of its name is an address where
# modules are.
leaks() {
	echo scan >$debugfs/kmemleak
	sleep 6
	echo scan >$debugfs/kmemleak
	grep -A 20 '^unreferenced object' $debugfs/kmemleak | grep -E '\[dref| 0xffffffff[a-f]'
}

# A kernel that can do all of this is slow: two minutes are late enough.
stress() {
	dref-stress --quiet --late 2m --scenario "$1" --duration "${seconds}s" >/tmp/faults.out 2>&1
	status=$?
	[ $status -eq 0 ] || sed 's/^/# /' /tmp/faults.out
	return $status
}

# ---- the tests ----

# Loading either works or does not: half of an attempt stays behind of neither.
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

# slots KINDS PERCENT TIMES SCENARIO: dref-stress, from an empty pool, with these
# faults when slots are taken. Sets promoted and refused.
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

# All objects stay exact, and are counted and released as ever.
never() {
	slots "$both" 100 $plenty mix && [ "$refused" -gt 0 ] && [ "$promoted" -eq 0 ]
}

# The descriptions of slots are slab objects, the counters are per-CPU memory, for
# which pages are taken.
no_objects() {
	slots failslab 100 $plenty mix && echo "# used $(used failslab)" &&
		[ "$(used failslab)" -gt 0 ]
}

no_pages() {
	slots fail_page_alloc 100 $plenty mix && echo "# used $(used fail_page_alloc)" &&
		[ "$(used fail_page_alloc)" -gt 0 ] && [ "$refused" -gt 0 ]
}

# What was not to be had is asked for again.
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

# run WHAT FUNCTION [ARGUMENT]...
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
run "loading, or not" loading
run "no slots: all stay exact" never
run "no slab objects for slots" no_objects
run "no pages, hence no per-CPU memory, for slots" no_pages
run "no slab object once" once failslab
run "no page once" once fail_page_alloc
run "at random" at_random mix
run "unloading" unloading
found=$(leaks)
[ -z "$found" ]
result $? "nothing leaked"
[ -z "$found" ] || sed 's/^/# /' $debugfs/kmemleak | head -n 60
finish
