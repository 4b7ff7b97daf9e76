#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The Linux kernel memory model allows no order that dref excludes. Each line of code whose
# order is critical names its litmus test ("litmus: NAME"), each test that is named exists,
# and each test is named.

cd "$(dirname "$0")/../.." || exit
. selftests/common.sh

# The names after "litmus:", separated by commas
named=$(grep -ho 'litmus: [A-Za-z0-9, -]*' include/linux/dref.h module/*/*.[ch] |
	sed 's/^litmus: //; s/, */\n/g' | sed 's/ *$//' | sort -u)
tests=$(cd proof/litmus && ls | sed -n '/--/d; s/\.litmus$//p' | sort -u)
documented=$(sed -n 's/^``\([A-Za-z-]*\)`` .*/\1/p' Documentation/proof.rst)

unknown() {
	local name

	for name in $1; do
		grep -qx -e "$name" <<<"$2" || echo "# $name"
	done
}

plan 4
proof/litmus/run | sed 's/^/    /'
result "${PIPESTATUS[0]}" "the memory model agrees"

strangers=$(unknown "$named" "$tests")
[ -z "$strangers" ] || echo "$strangers"
[ -n "$named" ] && [ -z "$strangers" ]
result $? "every litmus test that the code names exists"

strangers=$(unknown "$tests" "$named")
[ -z "$strangers" ] || echo "$strangers"
[ -z "$strangers" ]
result $? "every litmus test is named in the code"

strangers=$(unknown "$tests" "$documented")
[ -z "$strangers" ] || echo "$strangers"
[ -z "$strangers" ]
result $? "every litmus test is in the table of Documentation/proof.rst"
finish
