#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# vm-run returns the status and the output of its command, and reports success only if the
# command succeeded and the kernel did not complain. Every other test in a virtual machine
# relies on that. A boot takes longer than what is looked at, so one boot has several
# options where they do not depend on each other.

. ../common.sh

vm_run=../../scripts/vm/vm-run
out=$(mktemp) || exit
trap 'rm -f "$out" "$out".*' EXIT

# ends STATUS ARGUMENT...: vm-run exits with that status. Its output is in $out, its
# messages are in $out.err.
ends() {
	expected=$1
	shift
	$vm_run --timeout 300 "$@" >"$out" 2>"$out.err"
	status=$?
	[ $status -eq "$expected" ] && return
	echo "# vm-run $*: exit status $status, not $expected"
	sed 's/^/# /' "$out" "$out.err"
	return 1
}

# line NUMBER: of the output
line() {
	sed -n "$1p" "$out"
}

[ -e ../../module/test/dref_test.ko ] || skip_all "needs module/test/dref_test.ko"

plan 14

# This one sleeps most of the time, so the others run meanwhile.
$vm_run --timeout 70 --smp 1 -- sh -c 'echo begun; sleep 1000' >"$out.limit" 2>&1 &
limited=$!

ends 7 --smp 3 --append dref_word=1 --file vm-run.sh -- sh -c 'nproc; id -u; cat /proc/cmdline
	printf "%s|" "$@"; echo; cat vm-run.sh; exit 7' 'sh' 'a  b' "c'd" '$HOME' ''
seven=$?
cp "$out" "$out.all"
ends 255 --kernel "$(../../scripts/vm/get-kernel 6.1)" --smp 2,maxcpus=3 -- \
	sh -c 'uname -r; nproc; cat /sys/devices/system/cpu/possible; exit 255'
booted=$?
cp "$out" "$out.booted"
[ $booted -eq 0 ] && [ $seven -eq 0 ]
result $? "the exit status is that of the command"
cp "$out.all" "$out"
[ $seven -eq 0 ] && [ "$(line 4)" = "a  b|c'd|\$HOME||" ]
result $? "arguments and output arrive unchanged"
[ $seven -eq 0 ] && sed 1,4d "$out" >"$out.file" && cmp -s "$out.file" vm-run.sh
result $? "--file"
[ $seven -eq 0 ] && [ "$(line 1)" = 3 ] && [ "$(line 2)" = 0 ] && line 3 | grep -q 'dref_word=1'
result $? "--smp, --append, and root"
cp "$out.booted" "$out"
[ $booted -eq 0 ] && line 1 | grep -q '^6\.1\.'
result $? "--kernel with a folder of headers"
possible="$(line 2) $(line 3)"
ends 0 --icount --smp 4,maxcpus=40 -- sh -c 'nproc; echo $DREF_ICOUNT
	cat /sys/devices/system/cpu/possible'
icount=$?
[ $icount -eq 0 ] && [ "$(line 1) $(line 2)" = "1 1" ]
result $? "--icount has one CPU"
[ $icount -eq 0 ] && [ "$(line 3)" = 0-39 ] && [ $booted -eq 0 ] && [ "$possible" = "2 0-2" ]
result $? "--smp with maxcpus"
ends 125 --smp 1 -- sh -c 'echo c >/proc/sysrq-trigger' && grep -q 'Kernel panic' "$out.err"
result $? "125 and the kernel log after a panic"
ends 125 -- sh -c 'insmod /dref/module/dref.ko; insmod /dref/module/dref_test.ko
	cat /sys/kernel/debug/dref_test/run/kill_twice' && grep -q 'WARNING: ' "$out.err" &&
	[ "$(cat "$out")" = ok ]
result $? "125 after a warning, though the command succeeded"
ends 0 --allow-warn 'second kill' --allow-warn '^known' -- sh -c 'insmod /dref/module/dref.ko
	insmod /dref/module/dref_test.ko; cat /sys/kernel/debug/dref_test/run/kill_twice
	for line in "-[ cut here ]-" "from elsewhere" "-[ cut here ]-" \
		"known" "WARNING: one" "WARNING: another"; do echo "<1>$line" >/dev/kmsg; done'
allowed=$?
[ $allowed -eq 0 ] && [ "$(cat "$out")" = ok ]
result $? "--allow-warn"
ends 125 --smp 1 --allow-warn '^known' -- sh -c 'for line in "-[ cut here ]-" "known" "WARNING: one" \
	"-[ cut here ]-" "unknown" "WARNING: another"; do echo "<1>$line" >/dev/kmsg; done' &&
	grep -q 'complained: WARNING: another' "$out.err" && [ $allowed -eq 0 ]
result $? "--allow-warn where two CPUs warn at once"
wait $limited
[ $? -eq 124 ] && grep -q begun "$out.limit" || { sed 's/^/# /' "$out.limit"; false; }
result $? "124 at the time limit, and the output until then"
ends 125 --kernel "$out" -- true
result $? "125 when it does not boot"
ends 2 && ends 2 --smp 0 -- true && ends 2 --smp 4,maxcpus=3 -- true &&
	ends 2 --smp 4,cores=4 -- true && ends 2 --mem much -- true && ends 2 --timeout 1h -- true &&
	ends 2 --nonsense -- true && ends 2 --file /nonsense -- true && ends 2 --smp
result $? "2 and no boot for a wrong command line"
finish
