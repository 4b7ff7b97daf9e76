#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# dref-stress detects each way to break the algorithm. It does so within minutes, most
# often within seconds, on 4 CPUs: it exits with 1, and one line says what it expected of
# which object and what it saw. The same build without a fault survives three
# scenarios for a minute each.
#
#	broken.sh [FAULT]...	only these faults
#	broken.sh --quick	five faults, each of which is detected within seconds, and one
#				scenario without a fault

cd "$(dirname "$0")/../.." || exit
seconds=60
caught_seconds=180		# the run ends as soon as it has detected the fault
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

# stress OPTION...: run it on the build with faults. Warnings of the kernel are errors,
# but for those of dref where it is broken.
stress() {
	scripts/vm/vm-run --modules tools/stress/broken/module --smp 4 \
		--append preempt=full --timeout $((caught_seconds + 240)) "${allowed[@]}" -- \
		sh -c 'modprobe dref_stress && exec dref-stress "$@"' dref-stress \
		--quiet --preempt "$@" >"$out" 2>&1
}

# Some faults show only at the end, when all objects must be gone: several short runs find
# them rather than a long one. A fault that frees an object in use can also stop the whole
# guest, before dref-stress has looked at the object, so that is tried once more.
caught() {
	local duration=${caught_seconds}s runs=1 again=1 status=0 allowed=(--allow-warn '^dref: class stress')

	case $1 in
	lost-put | free-slot-early)	duration=20s runs=6 ;;
	esac
	while [ $status -eq 0 ] && [ $((runs--)) -gt 0 ]; do
		stress --break "$1" --duration $duration
		status=$?
		[ $status -ne 124 ] || [ $((again--)) -eq 0 ] || { sed 's/^/# /' "$out"; runs=1 status=0; }
	done
	[ $status -eq 1 ] && grep -q '^first error  object [0-9].*expected .*s[ae][ey]' "$out" &&
		tail -n 1 "$out" | grep -q '^FAIL'
}

# A release is late after two minutes. On a busy machine it has come later than the limit
# that dref-stress chooses by itself, which is enough to detect the fault late-release.
survives() {
	local allowed=()

	stress --scenario "$1" --late 2m --duration ${seconds}s
}

kdir=${KDIR:-$(scripts/stock-kdir)} || exit
make KDIR="$kdir" stress-broken tools >"$out" 2>&1 || { cat "$out"; exit 1; }
scenarios="mix weak flap"
if [ "${1-}" = --quick ]; then
	seconds=20 scenarios=mix caught_seconds=60
	set -- early-release double-release gets-before-puts lost-kill late-write
fi
# shellcheck disable=SC2046 # one a word
[ $# -gt 0 ] || set -- $(tools/stress/dref-stress --list | sed -n '/^Faults/,$s/^  \([a-z-]*\) .*/\1/p')

echo TAP version 13
echo "1..$(($# + $(wc -w <<<"$scenarios")))"
for fault; do
	caught "$fault"
	result $? "dref-stress detects $fault$(sed -n -e 's/^steps .* in \([0-9.]* s\),.*/ after \1/p' \
		-e 's/^first error  /: /p' "$out" | tr -d '\n')"
done
for scenario in $scenarios; do
	survives "$scenario"
	result $? "without a fault, $scenario survives"
done
exit $failed
