#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# vm-run is believed by every other test: it must give back what the command
# gave, and nothing else may be taken for success.

. ../common.sh

vm_run=../../scripts/vm/vm-run
out=$(mktemp) || exit
trap 'rm -f "$out"' EXIT

# ends STATUS ARGUMENT...: vm-run must exit with that.
ends() {
	expected=$1
	shift
	$vm_run --timeout 200 "$@" >"$out" 2>"$out.err"
	status=$?
	[ $status -eq "$expected" ] && return
	echo "# vm-run $*: exit status $status, not $expected"
	sed 's/^/# /' "$out" "$out.err"
	return 1
}

[ -e ../../module/test/dref_test.ko ] || skip_all "needs module/test/dref_test.ko"

plan 14
ends 0 -- true && ends 7 -- sh -c 'exit 7' && ends 255 -- sh -c 'exit 255'
result $? "the command's exit status"
ends 0 -- printf '%s|' 'a  b' "c'd" '$HOME' '' && [ "$(cat "$out")" = "a  b|c'd|\$HOME||" ]
result $? "arguments and output arrive as they are"
ends 0 --file vm-run.sh -- cat vm-run.sh && cmp -s "$out" vm-run.sh
result $? "--file"
ends 0 --smp 3 --append dref_word=1 -- sh -c 'nproc; cat /proc/cmdline; id -u' &&
	[ "$(head -n 1 "$out")" = 3 ] && grep -q 'dref_word=1' "$out" &&
	[ "$(tail -n 1 "$out")" = 0 ]
result $? "--smp, --append, and root"
ends 0 --kernel "$(../../scripts/vm/get-kernel 6.1)" -- uname -r && grep -q '^6\.1\.' "$out"
result $? "--kernel with a folder of headers"
ends 0 --icount --smp 4 -- sh -c 'nproc; echo $DREF_ICOUNT' && [ "$(tr '\n' ' ' <"$out")" = "1 1 " ]
result $? "--icount has one CPU"
ends 0 --icount --smp 2,maxcpus=40 -- cat /sys/devices/system/cpu/possible && [ "$(cat "$out")" = 0-39 ] &&
	ends 0 --smp 2,maxcpus=3 -- sh -c 'nproc; cat /sys/devices/system/cpu/possible' &&
	[ "$(tr '\n' ' ' <"$out")" = "2 0-2 " ]
result $? "--smp with maxcpus"
ends 124 --timeout 40 -- sh -c 'echo begun; sleep 1000' && grep -q begun "$out"
result $? "124 when the time limit is hit, and what was said before"
ends 125 -- sh -c 'echo c >/proc/sysrq-trigger' && grep -q 'Kernel panic' "$out.err"
result $? "125 and the kernel log after a panic"
ends 125 -- sh -c 'insmod /dref/module/dref.ko; insmod /dref/module/dref_test.ko
	cat /sys/kernel/debug/dref_test/run/kill_twice' && grep -q 'WARNING: ' "$out.err" &&
	[ "$(cat "$out")" = ok ]
result $? "125 after a warning, though the command was content"
ends 0 --allow-warn 'second kill' -- sh -c 'insmod /dref/module/dref.ko
	insmod /dref/module/dref_test.ko; cat /sys/kernel/debug/dref_test/run/kill_twice'
result $? "--allow-warn"
ends 0 --allow-warn '^known' -- sh -c 'for line in "-[ cut here ]-" "from elsewhere" "-[ cut here ]-" \
	"known" "WARNING: one" "WARNING: another"; do echo "<1>$line" >/dev/kmsg; done' &&
	ends 125 --allow-warn '^known' -- sh -c 'for line in "-[ cut here ]-" "known" "WARNING: one" \
	"-[ cut here ]-" "unknown" "WARNING: another"; do echo "<1>$line" >/dev/kmsg; done' &&
	grep -q 'complained: WARNING: another' "$out.err"
result $? "--allow-warn where two CPUs warn at once"
ends 125 --kernel "$out" -- true
result $? "125 when it does not boot"
ends 2 && ends 2 --smp 0 -- true && ends 2 --smp 4,maxcpus=3 -- true &&
	ends 2 --smp 4,cores=4 -- true && ends 2 --mem much -- true && ends 2 --timeout 1h -- true &&
	ends 2 --nonsense -- true && ends 2 --file /nonsense -- true && ends 2 --smp
result $? "2 and no boot for a wrong command line"
rm -f "$out.err"
finish
