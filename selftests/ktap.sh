# SPDX-License-Identifier: GPL-2.0
#
# KTAP for the shell tests: source it, say "plan N", then "result STATUS WHAT"
# for each test, and "finish" at the end.

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

finish() {
	[ $test_failures -eq 0 ]
	exit
}
