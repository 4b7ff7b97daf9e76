#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The proof that dref-stress can fail: each way to break the algorithm is found out
# in minutes, most in seconds, on 4 CPUs, with exit status 1 and one line that says what was
# expected of which object and what was seen. The same build, not broken, survives
# a minute, in each of three scenarios.
#
#	broken.sh [WHAT]...	only these

cd "$(dirname "$0")/../.." || exit
seconds=60
caught_seconds=180		# a fault that is seen ends the run
limit=$((caught_seconds + 240))
out=$(mktemp) || exit
trap 'rm -f "$out"' EXIT

number=0
failed=0

result() {
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $number $2"
	else
		sed 's/^/# /' "$out"
		echo "not ok $number $2"
		failed=1
	fi
}

# dref's own warnings are allowed where dref is broken, and nothing else ever is.
stress() {
	scripts/vm/vm-run --modules tools/stress/broken/module --smp 4 \
		--append preempt=full --timeout $limit "${allowed[@]}" -- \
		sh -c 'modprobe dref_stress && exec dref-stress "$@"' dref-stress \
		--quiet --preempt "$@" >"$out" 2>&1
}

# Some faults show only at the end, when everything must be gone.
caught() {
	local duration=${caught_seconds}s allowed=(--allow-warn '^dref: class stress')

	case $1 in
	lost-put | free-slot-early)	duration=20s ;;
	esac
	stress --break "$1" --duration $duration
	[ $? -eq 1 ] && grep -q '^first error  object [0-9].*expected .*s[ae][ey]' "$out" &&
		tail -n 1 "$out" | grep -q '^FAIL'
}

survives() {
	local allowed=()

	stress --scenario "$1" --duration ${seconds}s
}

kdir=${KDIR:-$(scripts/stock-kdir)} || exit
make KDIR="$kdir" stress-broken tools >"$out" 2>&1 || { cat "$out"; exit 1; }
# shellcheck disable=SC2046 # one a word
[ $# -gt 0 ] || set -- $(tools/stress/dref-stress --list | sed -n '/^Faults/,$s/^  \([a-z-]*\) .*/\1/p')

echo TAP version 13
echo "1..$(($# + 3))"
for what; do
	caught "$what"
	result $? "$what is caught$(sed -n -e 's/^steps .* in \([0-9.]* s\),.*/ after \1/p' \
		-e 's/^first error  /: /p' "$out" | tr -d '\n')"
done
for scenario in mix weak flap; do
	survives $scenario
	result $? "$scenario, not broken, survives"
done
exit $failed
