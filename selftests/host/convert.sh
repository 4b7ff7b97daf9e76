#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The semantic patches still convert WireGuard, from the kernel's sources, as "make
# wireguard" needs it. That builds and runs the result, which this test does not.

cd "$(dirname "$0")" || exit
. ../common.sh
convert=../../tools/convert/wireguard
../../scripts/need coccinelle linux-source xz-utils >&2 || exit
work=$(mktemp -d) || exit
trap 'rm -rf "$work"' EXIT

# is NAME EXPECTED FOUND
is() {
	[ "$2" = "$3" ] || echo "# expected $2, found $3"
	[ "$2" = "$3" ]
	result $? "$1"
}

# added PATTERN: the lines with it that were added
added() {
	grep -c "^+.*$1" "$work/diff"
}

plan 5
sources=$(../../scripts/kselftest-get drivers/net/wireguard) && cp -R "$sources/drivers/net/wireguard" "$work/new" || exit
$convert/convert "$work/new" >"$work/out" 2>&1
status=$?
sed 's/^/# /' "$work/out"
result $status "WireGuard is converted, and no kref is left"
diff -urN "$sources/drivers/net/wireguard" "$work/new" >"$work/diff"
is "lines and files that change" "69 lines, 6 files" \
	"$(grep -c -e '^[-+][^-+]' -e '^[-+]$' "$work/diff") lines, $(grep -c '^+++' "$work/diff") files"
is "the classes are called as the structures" "noise_keypair wg_peer " \
	"$(sed -n 's/^+DEFINE_DREF_CLASS(.*, "\(.*\)", .*/\1/p' "$work/diff" | sort | tr '\n' ' ')"
is "an object that was never put ends with dref_exit()" 1 "$(added 'dref_exit(')"
is "what waits until all objects are freed waits for their classes" "3 2" \
	"$(added 'dref_class_barrier(') $(added 'dref_class_drain(')"
finish
