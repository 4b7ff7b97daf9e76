#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The KUnit suites of dref_kunit.ko pass, where the kernel has KUnit. Loading the module
# runs them, and debugfs has the results of each suite.

. ./common.sh

suites="dref_mode dref_slot dref_worklist dref_heat dref_pass dref_stats"
results=/sys/kernel/debug/kunit

[ "$(id -u)" -eq 0 ] || skip_all "needs root"
modprobe -q kunit 2>/dev/null	# if it is one
[ -d $results ] || skip_all "needs a kernel with CONFIG_KUNIT and CONFIG_KUNIT_DEBUGFS"
in_tree module/kunit/dref_kunit.ko >/dev/null ||
	find /lib/modules/"$(uname -r)"/ -name 'dref_kunit.ko*' | grep -q . ||
	skip_all "needs dref_kunit.ko: built without CONFIG_KUNIT"
[ ! -e /sys/module/dref_kunit ] || rmmod dref_kunit || exit

load dref_kunit
loaded=$?
if [ $loaded -eq 0 ] && dmesg | grep -q 'kunit: disabled'; then
	rmmod dref_kunit
	skip_all "needs kunit.enable=1 on the kernel's command line"
fi

plan 8
result $loaded "dref_kunit.ko loads"
for suite in $suites; do
	# Their lines are indented: they are parts of one result.
	sed '/^\(not \)\{0,1\}ok\|^KTAP\|^1\.\./d' $results/"$suite"/results
	grep -q "^ok 1 $suite\$" $results/"$suite"/results &&
		! grep -q 'not ok' $results/"$suite"/results &&
		grep -q '^ *ok [1-9]' $results/"$suite"/results
	result $? "$suite"
done
rmmod dref_kunit && [ ! -e /sys/module/dref_kunit ]
result $? "dref_kunit.ko unloads"
finish
