#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What the compiler has made of a client's dref_get() and dref_put(), in
# dref_test.ko: the way through a deferred object must have no lock prefix and
# no call, and be as short as it was designed to be.

. ../common.sh

module=../../module/test/dref_test.ko
longest=5	# mov, test, jne, incq, ret

[ -e $module ] || skip_all "needs $module"
command -v objdump >/dev/null || skip_all "needs objdump"

# The deferred path: it falls through all conditional jumps. A call at the entry
# is ftrace's, and a nop unless somebody traces.
deferred_path() {
	objdump -d --no-show-raw-insn --disassemble="$1" $module | awk '
		/>:$/ { in_function = 1; next }
		!in_function { next }
		{ sub(/^ *[0-9a-f]+:[ \t]*/, "") }
		!n && /^call/ { next }
		{ print; n++ }
		/^(ret|jmp)/ { exit }'
}

plan 6
for function in dref_probe_get dref_probe_put; do
	path=$(deferred_path $function)
	echo "$path" | sed 's/^/# /'
	echo "$path" | grep -q '^inc.*%gs:'
	result $? "$function counts on its CPU"
	! echo "$path" | grep -Eq '^(lock|call)|xchg'
	result $? "$function: no lock prefix, no call"
	[ "$(echo "$path" | wc -l)" -le $longest ]
	result $? "$function: at most $longest instructions"
done
finish
