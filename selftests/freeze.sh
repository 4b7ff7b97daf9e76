#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A task that waits in dref_class_drain(), as rmmod does, does not keep the system from
# being suspended: it freezes with all other tasks, and continues to wait when it is thawed.
# Meanwhile the kernel log says what it waits for.
#
# Only the first step of a suspend is done: all tasks are frozen for a second.

. ./common.sh

power=/sys/power
hands=/sys/kernel/debug/dref_test/hands
seconds=/sys/module/suspend/parameters/pm_test_delay

[ "$(id -u)" -eq 0 ] || skip_all "needs root"
for file in $power/pm_test $power/pm_freeze_timeout $seconds; do
	[ -e "$file" ] || skip_all "needs $file: CONFIG_SUSPEND, CONFIG_PM_SLEEP_DEBUG"
done
grep -qw freeze $power/state || skip_all "needs suspend-to-idle"
load dref && load dref_test || skip_all "needs dref.ko and dref_test.ko"
[ -e $hands ] && [ -e /sys/kernel/debug/dref/classes ] || skip_all "needs debugfs"

old_delay=$(cat $seconds) old_timeout=$(cat $power/pm_freeze_timeout)
# shellcheck disable=SC2317 # the trap calls it
restore() {
	echo none >$power/pm_test
	echo "$old_delay" >$seconds
	echo "$old_timeout" >$power/pm_freeze_timeout
}
trap restore EXIT

hand() {
	echo "$*" >$hands
}

# begin_drain: set drain to the process that waits.
begin_drain() {
	hand drain &
	drain=$!
	sleep 1
	waits
}

waits() {
	kill -0 "$drain" 2>/dev/null && [ -e /sys/kernel/debug/dref/classes/test-hands ]
}

freeze_all() {
	echo freeze >$power/state
}

# ends: the process has ended, and its class is gone.
ends() {
	for _ in $(seq 100); do
		kill -0 "$drain" 2>/dev/null || break
		sleep 0.1
	done
	! kill -0 "$drain" 2>/dev/null && wait "$drain" &&
		[ ! -e /sys/kernel/debug/dref/classes/test-hands ]
}

# in_log REGEX: wait for a line of the kernel log, and print it.
in_log() {
	for _ in $(seq 150); do
		dmesg | sed -n "/$mark/,\$p" | sed -n "/$1/{s/^/# /p;q}" | grep . && return
		sleep 0.1
	done
	return 1
}

echo freezer >$power/pm_test
echo 1 >$seconds
echo 5000 >$power/pm_freeze_timeout

mark="freeze.sh begins in process $$"
echo "$mark" >/dev/kmsg
plan 8
hand open && hand create 0 && begin_drain
result $? "drain waits for an object"
freeze_all
result $? "the system freezes meanwhile"
waits
result $? "drain waits on"
in_log 'dref: class test-hands: waiting: 1 objects.*freed without dref_put() or dref_exit()'
result $? "the log says what it waits for, and what the cause may be"
hand put 0 && ends
result $? "drain ends after the last put"

hand open && hand create 0 && hand hang && hand put 0 && begin_drain
result $? "drain waits for a release() that hangs"
freeze_all
result $? "the system freezes meanwhile"
waits && hand go-on && ends
result $? "drain ends after the release()"
finish
