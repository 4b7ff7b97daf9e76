#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# In the dref_get() and dref_put() that the compiler has generated for a client,
# dref_test.ko, the path of a deferred object has no lock prefix and no call, and is as
# short as designed.

. ../common.sh

module=../../module/test/dref_test.ko
longest=5	# mov, test, jne, incq, ret

[ -e $module ] || skip_all "needs $module"
command -v objdump >/dev/null || skip_all "needs objdump"

# deferred_path FUNCTION: print the path that falls through all conditional jumps. A call
# at the entry is that of ftrace, and a nop while nothing is traced.
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
