#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Loading and unloading the modules many times leaves nothing behind.
#
#	load.sh [LOADS [LOADS-WITH-CLIENTS]]	(1000 and 100)
#
# With clients: tests of dref_test.ko leave objects that are dying, demoting or
# immortal, and the modules are unloaded at once. The test looks for what is left in
# debugfs, in the list of threads and, where nothing else runs, in the memory of the
# kernel.

. ./common.sh

loads=${1:-1000}
client_loads=${2:-100}
debugfs=/sys/kernel/debug
clients="hopping flapping_by_defer immortalize_against_all all_contexts
	classes_come_and_go tryget_interrupted barriers_together"

unload() {
	rmmod "$1"
}

meminfo() {
	sed -n "s/^$1: *\([0-9]*\) kB/\1/p" /proc/meminfo
}

# memory: print the memory, in KiB, that kernel code has and does not return when asked to
memory() {
	sync
	sleep 3		# for RCU callbacks and queued work
	for cache in /sys/kernel/slab/*/shrink; do
		echo 1 >"$cache"
	done 2>/dev/null
	echo $(($(meminfo SUnreclaim) + $(meminfo Percpu) + $(meminfo VmallocUsed)))
}

plain() {
	for i in $(seq "$1"); do
		load dref && unload dref || return
	done
}

with_clients() {
	for i in $(seq "$1"); do
		# shellcheck disable=SC2086
		set -- $clients
		shift $((i % $#))
		load dref && load dref_test duration_ms=30 || return
		echo 1 >$debugfs/dref/pass_min_ms
		echo 1 >$debugfs/dref/demote_passes
		verdict=$(grep -v '^#' $debugfs/dref_test/run/"$1")
		case $verdict in
		ok)	;;
		# Some tests need more time to see something.
		*"only "* | *"nothing found"* | "skip "*) ;;
		*)	echo "# $1: $verdict"
			return 1 ;;
		esac
		unload dref_test && unload dref || return
	done
}

# dref forgets the classes, and says how many objects they had. The releases that are queued
# run while the code of the module is there: a later one would be an oops.
leave_a_class() {
	load dref && load dref_test_leave || return
	echo 10000 >$debugfs/dref/pass_max_ms	# only reconcile makes passes
	echo 10000 >$debugfs/dref/pass_min_ms
	unload dref_test_leave || return
	for name in test-leave test-leave-rcu; do
		said=$(dmesg | grep -o "goes and leaves class $name with .*" | tail -n 1)
		echo "# $said"
		case $said in
		*" with "[1-9]*" objects") ;;
		*)	return 1 ;;
		esac
		[ -e $debugfs/dref/classes/$name ] || continue
		echo "# class $name is still there"
		return 1
	done
	echo 1 >$debugfs/dref/reconcile		# it finds none of them
	load dref_test_leave && unload dref_test_leave && unload dref
}

# tuned PARAMETER=VALUE...: these are the values that dref.ko has.
tuned() {
	for setting; do
		value=$(cat /sys/module/dref/parameters/"${setting%=*}")
		[ "$value" = "${setting#*=}" ] || { echo "# ${setting%=*} is $value"; return 1; }
	done
}

# The tunables on the command line, in any order; one out of its range is refused.
with_tunables() {
	load dref pass_min_ms=500 pass_max_ms=1000 max_deferred=0 &&
		tuned pass_min_ms=500 pass_max_ms=1000 max_deferred=0 &&
		unload dref && load dref pass_max_ms=5 pass_min_ms=2 promote_threshold=4095 &&
		tuned pass_max_ms=5 pass_min_ms=2 promote_threshold=4095 &&
		unload dref && load dref pass_min_ms=500 &&
		tuned pass_min_ms=500 pass_max_ms=500 && unload dref || return
	for setting in pass_min_ms=0 pass_max_ms=60001 promote_threshold=4096 demote_passes=0 \
		max_deferred=x; do
		load dref $setting 2>/dev/null || continue
		echo "# $setting was accepted"
		unload dref
		return 1
	done
}

left_behind() {
	if [ -e /sys/module/dref ] || [ -e $debugfs/dref ] || [ -e $debugfs/dref_test ]; then
		echo "# a module or its folder in debugfs is still there"
		return 1
	fi
	for comm in /proc/[0-9]*/comm; do
		read -r name 2>/dev/null <"$comm" || continue
		case $name in
		dref | dref_test*)
			echo "# thread $name is still there"
			return 1 ;;
		esac
	done
	return 0
}

# no_growth BEFORE RUN ROUNDS: after RUN ROUNDS the memory has grown by less than 256 bytes
# a round, and by some noise, as the caches of each CPU fill up. Memory that is lost is
# lost again in another run, memory in a cache is not, so up to three runs may do.
no_growth() {
	if [ -z "$DREF_VM" ] || [ -e $debugfs/kmemleak ]; then
		skip "memory: this machine or its kernel has other uses for it"
		return
	fi
	before=$1
	for _ in 1 2 3; do
		after=$(memory)
		echo "# memory: $before KiB before, $after KiB after $3 rounds"
		if [ $((after - before)) -le $((512 + $3 / 4)) ]; then
			result 0 "no memory is lost"
			return
		fi
		before=$after
		"$2" "$3"
	done
	result 1 "no memory is lost"
}

# While a task runs in the kernel for long and does not sleep, as one that reads much from
# /dev/urandom, no Tasks RCU grace period ends, and dref.ko cannot be unloaded. It says so
# after 10 seconds.
late_unload() {
	load dref && load dref_test duration_ms=30 || return
	dd if=/dev/urandom of=/dev/null bs=384M count=1 2>/dev/null &
	hog=$!
	sleep 1
	cat $debugfs/dref_test/run/immortalize_against_all >/dev/null	# leaves slots behind
	echo 1 >$debugfs/dref/reconcile
	unload dref_test || return
	begin=$(cut -d. -f1 /proc/uptime)
	unload dref || return
	took=$(($(cut -d. -f1 /proc/uptime) - begin))
	wait $hog
	if [ $took -lt 11 ]; then
		skip "unloading that waits for Tasks RCU says so: it took $took s"
		return
	fi
	dmesg | grep -q "dref: still waiting for Tasks RCU"
	result $? "unloading that waits for Tasks RCU says so, after $took s"
}

[ "$(id -u)" -eq 0 ] || skip_all "needs root"
[ -d $debugfs ] || skip_all "needs debugfs"
[ ! -e /sys/module/dref ] || [ -e /sys/module/dref/initstate ] ||
	skip_all "needs dref as a module"
unload_all 2>/dev/null || skip_all "dref.ko is in use"
load dref && load dref_test && unload dref_test && unload dref ||
	skip_all "needs dref.ko and dref_test.ko"

plan 11
with_clients 7		# memory that is allocated only once is no leak
plain 20

before=$(memory)
plain "$loads"
result $? "$loads loads and unloads"
left_behind
result $? "nothing is left of them"
no_growth "$before" plain "$loads"

before=$(memory)
with_clients "$client_loads"
result $? "$client_loads loads and unloads with clients"
left_behind
result $? "nothing is left of them"
no_growth "$before" with_clients "$client_loads"

with_tunables
result $? "tunables are set on the command line"
left_behind
result $? "nothing is left of that"

late_unload

leave_a_class
result $? "a module unloads without unregistering its class"
left_behind
result $? "nothing is left of it but objects that were never released"
finish
