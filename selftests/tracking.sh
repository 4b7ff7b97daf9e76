#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Tracking can be switched on and off under dref-stress, and at the registration of a
# class; and the command in Documentation/tracking.rst finds a leak.
#
#	tracking.sh [SECONDS]	of stress, each time (8)

. ./common.sh

seconds=${1:-8}
debugfs=/sys/kernel/debug
classes=$debugfs/dref/classes
hands=$debugfs/dref_test/hands
out=$(mktemp) || exit
trap 'rm -f "$out"' EXIT

stress=$(tool stress/dref-stress)

# switch: until the file is gone, track all classes, some not, and read everything.
switch() {
	n=0
	while [ -e "$out.on" ]; do
		for class in "$classes"/stress*; do
			n=$((n + 1))
			echo $((n % 3 > 0)) >"$class"/track
			cat "$class"/holders "$class"/leaks >/dev/null
		done 2>/dev/null	# a class can be gone by now
		echo "$n" >"$out.new" && mv "$out.new" "$out.switched"
	done
}

# stressed OPTION...: dref-stress finds no error. A release is late after a minute, as
# tracking is slow, and so are the kernels that look for errors.
stressed() {
	"$stress" --quiet --late 1m --duration "${seconds}s" "$@" >"$out" 2>&1 &&
		tail -n 1 "$out" | grep -q '^PASS' || show
}

# On a kernel that looks for errors one switch can take seconds, so there are up to five
# runs until there were ten switches.
switched_under_stress() {
	touch "$out.on"
	echo 0 >"$out.switched"
	switch &
	for round in 1 2 3 4 5; do
		stressed "$@"
		status=$?
		[ $status -eq 0 ] && [ "$(cat "$out.switched")" -lt 10 ] || break
	done
	rm "$out.on"
	wait $!
	echo "# switched $(cat "$out.switched") times, in $round times $seconds s"
	[ "$(cat "$out.switched")" -ge 10 ] || status=1
	rm "$out.switched"
	return $status
}

# track 0|1: switch tracking of all classes of dref-stress.
track() {
	for class in "$classes"/stress*; do
		echo "$1" >"$class"/track || return
	done
}

# number NAME [CLASS]: print the number after this name in holders.
number() {
	sed -n "s/^$1: //p" "$classes/${2:-stress}"/holders
}

nothing_left() {
	echo "# $(number records) records, $(number objects) objects, $(number dropped) dropped"
	[ "$(number records)" -eq 0 ] && [ "$(number objects)" -eq 0 ]
}

from_registration_on() {
	unload_all && load dref track=nobody,test-hands track_max=100 && load dref_test || return
	echo open >$hands && echo create 0 >$hands || return
	[ "$(cat $classes/test-hands/track)" -eq 1 ] &&
		[ "$(number track_max test-hands)" -eq 100 ] &&
		grep -q 'hands_create+' $classes/test-hands/holders
	status=$?
	echo put 0 >$hands && echo close >$hands && return $status
}

# The command is that of Documentation/tracking.rst.
leak_is_found() {
	echo open >$hands && echo 1 >$classes/test-hands/track || return
	echo 1 >$debugfs/dref/leak_age_s
	for object in 0 1 2; do
		echo create $object >$hands
		[ $object -ne 1 ] || sh -c "echo session 1 >$hands"
		echo put $object >$hands
	done
	sleep 1.2
	cat $classes/*/leaks >"$out"
	show
	echo put 1 >$hands && echo close >$hands
	echo 10 >$debugfs/dref/leak_age_s
	[ "$(grep -c ': held ' "$out")" -eq 1 ] && grep -q 'hands_session+' "$out"
}

# A module unloads while its classes are tracked.
unloaded_while_tracked() {
	echo open >$hands && echo 1 >$classes/test-hands/track &&
		echo create 0 >$hands && echo here 0 >$hands &&
		rmmod dref_test && load dref_test
}

[ "$(id -u)" -eq 0 ] || skip_all "needs root"
[ -x "$stress" ] || skip_all "needs dref-stress"
unload_all 2>/dev/null || skip_all "dref.ko is in use"
load dref && load dref_test || skip_all "needs dref.ko and dref_test.ko"
[ -e $hands ] || skip_all "needs debugfs"
has_tracking || skip_all "needs a dref.ko with tracking"

plan 10
from_registration_on
result $? "a class is tracked from its registration on"
leak_is_found
result $? "a leak is found"
unloaded_while_tracked
result $? "a module unloads while its class is tracked"

unload_all && load dref && load dref_stress
switched_under_stress --scenario mix --disturb
result $? "tracking is switched on and off under stress"
switched_under_stress --scenario churn --workers 8
result $? "tracking is switched on and off while objects are created and released"
track 1
stressed --scenario mix --disturb
result $? "all classes are tracked under stress"
nothing_left
result $? "no record is left"
track 0
echo 50 >/sys/module/dref/parameters/track_max
track 1
stressed --scenario mix
result $? "records are limited to 50 under stress"
[ "$(number dropped)" -gt 0 ] && nothing_left
result $? "dropped records are counted"
track 0
echo 65536 >/sys/module/dref/parameters/track_max
stressed --scenario mix
result $? "tracking is off again under stress"
finish
