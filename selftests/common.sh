# SPDX-License-Identifier: GPL-2.0
#
# What the shell tests have in common: KTAP (source this, say "plan N", then
# "result STATUS WHAT" for each test, and "finish" at the end), and modules.

KSFT_SKIP=4
test_number=0
test_failures=0

plan() {
	echo "TAP version 13"
	echo "1..$1"
}

skip_all() {
	echo "TAP version 13"
	echo "1..0 # SKIP $*"
	exit $KSFT_SKIP
}

result() {
	test_number=$((test_number + 1))
	if [ "$1" -eq 0 ]; then
		shift
		echo "ok $test_number $*"
	else
		shift
		test_failures=$((test_failures + 1))
		echo "not ok $test_number $*"
	fi
}

skip() {
	test_number=$((test_number + 1))
	echo "ok $test_number # SKIP $*"
}

finish() {
	[ $test_failures -eq 0 ]
	exit
}

# The first of these that is there: in the tree, or in what was installed from it.
in_tree() {
	for path in ../"$1" ../../../"$1"; do
		[ -e "$path" ] && echo "$path" && return
	done
	return 1
}

# load MODULE [PARAMETER]...: from modprobe's folders, or from the tree.
load() {
	name=$1
	shift
	[ ! -e /sys/module/"$name" ] || return 0
	modprobe -q "$name" "$@" 2>/dev/null ||
		insmod "$(in_tree module/"$name".ko)" "$@"
}

# unload_all: dref.ko, and the modules of this tree that use it. Fails if others do.
unload_all() {
	for name in dref_scale dref_stress dref_test dref_test_leave dref; do
		[ ! -e /sys/module/$name ] || rmmod $name || return
	done
}
