#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The tests of the core pass in user space, also under the sanitizers, and fail where dref is
# broken. dref-native measures the fast path of the kernel. MemorySanitizer needs clang.

. ../common.sh

# One who may not install what is missing has been told what it is.
../../scripts/need native || exit $KSFT_SKIP
cd ../../tools/native || exit
out=$(mktemp) || exit
trap 'rm -f "$out"' EXIT

if ! make dref-native tests >"$out" 2>&1; then
	plan 1
	sed 's/^/# /' "$out"
	result 1 "dref-native and its tests build"
	finish
fi

# says STATUS COMMAND...: the command exits with this status, or print its output.
says() {
	expected=$1
	shift
	timeout 120 "$@" >"$out" 2>&1
	status=$?
	[ $status -eq "$expected" ] && return
	echo "# $*: exit status $status, not $expected"
	sed 's/^/# /' "$out"
	return 1
}

# caught FAULT TEST...: a test reports the fault, and does not just crash. It ends as soon
# as it does.
caught() {
	says 1 build/broken/dref-native-test --ms 5000 --break "$@" && grep -q '^# .*expected .*seen' "$out"
}

# turn FUNCTION: print one turn of its loop, up to the conditional jump back.
turn() {
	objdump -d --no-show-raw-insn --disassemble="$1" dref-native | awk '
		/^ *[0-9a-f]+:\t/ {
			sub(/^ */, "")
			address = $1
			sub(/:.*/, "", address)
			at[++n] = address
			sub(/^[0-9a-f]+:[ \t]*/, "")
			line[n] = $0
			for (i = 1; /^jne/ && i < n; i++) {
				if (at[i] != $2)
					continue
				for (; i <= n; i++)
					print line[i]
				exit
			}
		}'
}

# measures OPTION...: a short run. A bound can be missed then.
measures() {
	timeout 60 ./dref-native --threads 1 --runs 1 --ms 1 "$@" || [ $? -eq 1 ]
}

# unwritten NAME COMMAND...: the last line says that the command cannot write this.
unwritten() {
	name=$1
	shift
	"$@" 2>&1 >/dev/full | tail -n 1 | grep -q "^dref-native: cannot write $name: "
}

# Like surroundings.sh, where the other programs are tested
holds_anywhere() {
	[ "$(./dref-native --version)" = "dref-native $(cat ../../VERSION)" ] &&
	unwritten "standard output" ./dref-native --help && ! ./dref-native --help >/dev/full 2>"$out" &&
	unwritten "standard output" measures --json - && unwritten /dev/full measures --json /dev/full &&
	(ulimit -f 1; unwritten "$out" measures --json "$out") &&
	measures --json "$out" <&- >&- 2>&- &&
	python3 -c 'import json, sys; json.load(open(sys.argv[1]))["bounds"]' "$out"
}

plan 23
for build in plain broken tsan asan msan; do
	if [ ! -e build/$build ]; then
		skip "the tests pass: $build: needs clang"
		continue
	fi
	says 0 build/$build/dref-native-test
	result $? "the tests pass: $build"
done
if [ -e build/msan ]; then
	says 1 build/msan-reads/dref-native-test old_memory &&
		grep -q 'use-of-uninitialized-value' "$out"
	result $? "a dref_init() that reads old memory is caught"
else
	skip "a dref_init() that reads old memory is caught: needs clang"
fi
caught lost-put weak
result $? "lost-put is caught"
caught skip-grace-period weak
result $? "skip-grace-period is caught"
caught no-cmpxchg weak
result $? "no-cmpxchg is caught"
caught missed-resurrect weak
result $? "missed-resurrect is caught"
caught gets-before-puts ring churn
result $? "gets-before-puts is caught"
caught early-release ring
result $? "early-release is caught"
caught free-slot-early flap
result $? "free-slot-early is caught"
caught skip-rcu churn
result $? "skip-rcu is caught"
caught double-release exact
result $? "double-release is caught"
caught late-write exact
result $? "late-write is caught"
says 1 build/broken/dref-native-test --break lost-kill kill
result $? "lost-kill is caught"

if [ "$(uname -m)" = x86_64 ] && command -v objdump >/dev/null; then
	turn deferred_pairs >"$out"
	sed 's/^/# /' "$out"
	[ "$(wc -l <"$out")" -eq 10 ] && [ "$(grep -c '^incq.*%gs:' "$out")" -eq 2 ] &&
		! grep -Eq '^(lock|call)' "$out"
	result $? "a deferred get and put are the kernel's 10 instructions"
else
	skip "a deferred get and put are the kernel's 10 instructions: needs x86-64, objdump"
fi

# A bound can be missed on a busy machine, or on one of another kind.
./dref-native --threads 1 --runs 1 --ms 2 --json "$out" >/dev/null 2>&1
[ $? -le 1 ] && grep -q '"counter": "dref, deferred"' "$out" && grep -q '"bounds"' "$out" &&
	./dref-native --threads 1 --runs 1 --ms 2 --json - | python3 -c 'import json, sys; json.load(sys.stdin)["bounds"]'
result $? "dref-native measures"
says 0 ./dref-native --passes 16 --runs 9 --json - &&
	python3 -c 'import json, sys
record = json.load(open(sys.argv[1]))
walks = {(walk["caches"], walk["objects"]): min(walk["ns_runs"]) for walk in record["passes"]}
sys.exit(record["cpus_possible"] != 16 or not 0 < record["promotion"]["ns"] or
	not walks["warm", 100] * 5 < walks["warm", 1000] * 2 < walks["warm", 10000] or
	len(walks) != (9 if record["cpus"] > 1 else 6) or
	not all(walks[caches, 1000] > 1.2 * walks["warm", 1000] for caches, _ in walks if caches != "warm"))' "$out"
result $? "dref-native measures passes"
says 2 ./dref-native --threads 0 && says 2 ./dref-native --threads 2,1 &&
	says 2 ./dref-native --threads 1, && says 2 ./dref-native --threads 100000 &&
	says 2 ./dref-native --runs 0 && says 2 ./dref-native --passes 10 &&
	says 2 ./dref-native --passes 513 && says 2 ./dref-native --ms 1s &&
	says 2 ./dref-native --json /nonsense/file && says 2 ./dref-native --nonsense &&
	says 2 ./dref-native nonsense && says 2 ./dref-native --runs &&
	says 2 build/plain/dref-native-test --break lost-put && [ "$(wc -l <"$out")" -eq 1 ]
result $? "2 and one line for a wrong command line"
holds_anywhere
result $? "--version, closed standard streams, and output that cannot be written"
missing=
for word in $(./dref-native --help | grep -o -e '--[a-z]*' | sort -u); do
	grep -q -e "Fl ${word#--}\( \|$\)" dref-native.1 || missing="$missing $word"
done
[ -z "$missing" ]
result $? "dref-native.1 names every option$missing"
finish
