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

# tool FOLDER/NAME: a program of tools/, from the tree that this is a part of, or from PATH.
tool() {
	in_tree tools/"$1" || command -v "${1##*/}"
}

# What $out has, where a test has failed: fails, too.
show() {
	sed 's/^/# /' "$out"
	return 1
}

# load MODULE [PARAMETER]...: from modprobe's folders, or from the tree.
load() {
	name=$1
	shift
	[ ! -e /sys/module/"$name" ] || return 0
	modprobe -q "$name" "$@" 2>/dev/null ||
		insmod "$(find ../module ../../../module -name "$name.ko" 2>/dev/null)" "$@"
}

# tune TUNABLE=VALUE...: one may be the limit of another, so it takes two rounds.
tune() {
	for _ in 1 2; do
		for setting; do
			echo "${setting#*=}" >/sys/kernel/debug/dref/"${setting%=*}"
		done
	done 2>/dev/null
}

# What the tunables are now, for tune.
tunables() {
	for name in pass_min_ms pass_max_ms demote_passes promote_threshold max_deferred; do
		echo "$name=$(cat /sys/kernel/debug/dref/$name)"
	done
}

# What a test of dref_test.ko needs, for tune.
needs() {
	sed -n "s/.* $1 needs: \(.*\) expects:.*/\1/p" /sys/kernel/debug/dref_test/list
}

# unload_all: dref.ko, and the modules of this tree that use it. Fails if others do.
unload_all() {
	for name in dref_scale dref_stress dref_test dref_test_leave dref; do
		[ ! -e /sys/module/$name ] || rmmod $name || return
	done
}
