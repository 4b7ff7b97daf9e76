# SPDX-License-Identifier: GPL-2.0
#
# Functions that the shell tests share: KTAP, and modules. A test sources this file,
# calls "plan N", "result STATUS NAME" for each result, and "finish" at the end.

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

# in_tree PATH: print where it is, in the source tree or from a folder installed in it.
in_tree() {
	for path in ../"$1" ../../../"$1"; do
		[ -e "$path" ] && echo "$path" && return
	done
	return 1
}

# tool FOLDER/NAME: print the path of a program of tools/, in the source tree or in PATH.
tool() {
	in_tree tools/"$1" || command -v "${1##*/}"
}

# show: print the file $out as diagnostics, and fail.
show() {
	sed 's/^/# /' "$out"
	return 1
}

# load MODULE [PARAMETER]...: from modprobe's folders, or from the source tree.
load() {
	name=$1
	shift
	[ ! -e /sys/module/"$name" ] || return 0
	modprobe -q "$name" "$@" 2>/dev/null ||
		insmod "$(find ../module ../../../module -name "$name.ko" 2>/dev/null)" "$@"
}

# tune TUNABLE=VALUE...: set them. One can be the limit of another, so this takes two
# rounds.
tune() {
	for _ in 1 2; do
		for setting; do
			echo "${setting#*=}" >/sys/kernel/debug/dref/"${setting%=*}"
		done
	done 2>/dev/null
}

# tunables: print the present values, as arguments of tune.
tunables() {
	for name in pass_min_ms pass_max_ms demote_passes promote_threshold max_deferred; do
		echo "$name=$(cat /sys/kernel/debug/dref/$name)"
	done
}

# needs TEST: print what this test of dref_test.ko needs, as arguments of tune.
needs() {
	sed -n "s/.* $1 needs: \(.*\) expects:.*/\1/p" /sys/kernel/debug/dref_test/list
}

# has_tracking: dref.ko, which is loaded, was built with CONFIG_DREF_TRACKING.
has_tracking() {
	[ -e /sys/module/dref/parameters/track_max ]
}

# unload_all: unload dref.ko and the modules of this tree that use it. It fails if another
# module uses dref.ko.
unload_all() {
	for name in dref_scale dref_stress dref_test dref_test_leave dref; do
		[ ! -e /sys/module/$name ] || rmmod $name || return
	done
}
