#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# tools/gdb/dref-gdb.py shows the specimens of dref_test.ko, on a virtual machine that is
# stopped, as debugfs does, and in the state that dref_test.ko has brought them to.

. ../common.sh

vm_run=../../scripts/vm/vm-run
script=../../tools/gdb/dref-gdb.py
modules=$(realpath ../../module)

# need has printed what is missing and cannot be installed.
../../scripts/need debugger || exit $KSFT_SKIP
[ -e "$modules/test/dref_test.ko" ] || skip_all "needs module/test/dref_test.ko"
work=$(mktemp -d) || exit
vm=

cleanup() {
	[ -z "$vm" ] || { kill -TERM "$vm"; wait "$vm"; }
	rm -rf "$work"
}
trap cleanup EXIT

# ---- the guest ----

# Only the pass of a reconcile changes what is shown: it takes the slot of the immortal object
# away and finds no object dead. The guest continues when gdb sets demote_passes.
cat >"$work/guest" <<'END'
dref=/sys/kernel/debug/dref
insmod /dref/module/dref.ko && insmod /dref/module/dref_test.ko || exit
echo 60000 >$dref/pass_max_ms && echo 60000 >$dref/pass_min_ms || exit
part() { echo "== $1"; shift; "$@"; }
part specimens cat /sys/kernel/debug/dref_test/specimens
echo 1 >$dref/reconcile
part sections grep . /sys/module/dref*/sections/.[a-z]*
part stats cat $dref/classes/test-specimens/stats
part objects cat $dref/classes/test-specimens/objects
part cpus cat $dref/cpus
part ready
while [ "$(cat $dref/demote_passes)" != 4711 ]; do sleep 0.2; done
rmmod dref_test && rmmod dref && part gone
END

# part NAME: print what the guest has printed under this title
part() {
	awk -v name="$1" '/^== / { on = $2 == name; next } on' "$work/out"
}

start_guest() {
	$vm_run --smp 4 --mem 192M --timeout 300 --gdb "$work/gdb" --append "no_hash_pointers nopti" \
		--file "$work/guest" -- sh guest >"$work/out" 2>"$work/err" &
	vm=$!
	for _ in $(seq 600); do
		grep -q '^== ready' "$work/out" && break
		kill -0 "$vm" 2>/dev/null || break
		sleep 0.2
	done
	part sections >"$work/sections"
	grep -q '^== ready' "$work/out" || sed 's/^/# /' "$work/out" "$work/err"
	grep -q '^== ready' "$work/out"
}

# ---- the debugger ----

# gdb_with COMMAND...: run gdb; its output is in $work/said.
gdb_with() {
	for command; do
		set -- "$@" -ex "$command"
		shift
	done
	timeout 100 gdb -nx -batch -ex "set remotetimeout 90" -ex "source $script" "$@" \
		>"$work/said" 2>&1
}

# look TARGET: have gdb show all objects and classes, with a title each.
look() {
	set -- "$1" "dref-symbols $work/sections $modules" \
		"echo == class\n" "dref-class test-specimens" \
		"echo == classes\n" dref-class "echo == objects\n" dref-objects \
		"echo == eternal\n" "dref &eternal"
	for name in $(part specimens | cut -d: -f1); do
		set -- "$@" "echo == $name\n" "dref &specimens[$(index "$name")]"
	done
	gdb_with "$@"
}

index() {
	echo "SPECIMEN_$1" | tr '[:lower:]' '[:upper:]'
}

# said NAME: print what gdb has printed under this title
said() {
	awk -v name="$1" '/^== / { on = $2 == name; next } on' "$work/said"
}

# says NAME LINE...: each is a line under this title, without the number of the mode word.
says() {
	name=$1
	shift
	for line; do
		said "$name" | sed -E '/^mode/s/ \(0x[0-9a-f]+\)$//' | grep -qx -- "$line" && continue
		echo "# $name does not say: $line"
		sed 's/^/# /' "$work/said"
		return 1
	done
}

# same WHAT FILE FILE
same() {
	[ -s "$2" ] && diff "$2" "$3" >"$work/diff" && return
	echo "# $1: debugfs and gdb"
	sed 's/^/# /' "$work/diff"
	return 1
}

# Exact objects were counted on the first CPU, and some then on the last one.
heat=", heat 1 in window [0-9]*"

modes() {
	last=$(part cpus | sed -n '$s/^cpu\([0-9]*\):.*/\1/p')
	says exact "mode: exact on CPU $last$heat" "flags: sleep rcu" \
		"class: test-specimens" "count: 3" &&
	says exact_killed "mode: exact on CPU 0, killed" "count: 2" &&
	says deferred "mode: deferred" "count: 1" "gets: 1000" "puts: 7" \
		"cpu0: gets 1000 puts 0" "cpu1: gets 0 puts 0" "cpu$last: gets 0 puts 7" &&
	says deferred_killed "mode: deferred, killed" "count: 1" "gets: 50" "puts: 1" \
		"cpu0: gets 50 puts 0" "cpu$last: gets 0 puts 1" &&
	says immortal "mode: immortal" && says dead "mode: dead" &&
	says eternal "mode: immortal" "class: test-static" "references: not counted"
}

# References are what dref_read() has returned.
references() {
	part specimens | sed 's/9223372036854775807/not counted/' | while IFS=: read -r name n; do
		says "$name" "references:$n" || { echo "$name"; break; }
	done >"$work/wrong"
	[ ! -s "$work/wrong" ] || { cat "$work/wrong"; false; }
}

objects() {
	part objects | sed 's/age_ms [0-9]* //' >"$work/1"
	said objects | sed 's/ class test-specimens$//' >"$work/2"
	[ "$(wc -l <"$work/1")" -eq 2 ] && same objects "$work/1" "$work/2"
}

# The counts of these two objects are all that was counted in slots.
cpus() {
	part cpus | sed 's/ net.*//' >"$work/1"
	for name in deferred deferred_killed; do
		said $name
	done | awk '/^cpu/ { gets[$1] += $3; puts[$1] += $5; if (!seen[$1]++) name[n++] = $1 }
		END { for (i = 0; i < n; i++) print name[i], "gets", gets[name[i]], "puts", puts[name[i]] }' \
		>"$work/2"
	same cpus "$work/1" "$work/2"
}

class() {
	part stats | sort >"$work/1"
	said class | grep -v -e '^class:' -e '^release:' | sort >"$work/2"
	same class "$work/1" "$work/2" && says class "release: .* <specimen_release>" &&
	says classes test-specimens
}

# No object is in these modes for long, so gdb sets them in the specimens, and undoes it.
passing() {
	deferred="specimens[SPECIMEN_DEFERRED]" exact="specimens[SPECIMEN_EXACT]"
	gdb_with "$live" "dref-symbols $work/sections $modules" \
		"set var $deferred.mode -= 2" "echo == demoting\n" "dref &$deferred" \
		"set var $deferred.mode += 1" "echo == dying\n" "dref &$deferred" "dref-objects" \
		"set var $deferred.mode += 8" "echo == dying_killed\n" "dref &$deferred" \
		"set var $deferred.mode -= 7" \
		"set \$was = $exact.mode" "set var $exact.mode |= 0x10" \
		"echo == queued\n" "dref &$exact" "set var $exact.mode = 0x5103000141" \
		"echo == cold\n" "dref &$exact" "set var $exact.mode = 0" \
		"echo == none\n" "dref &$exact" "set var $exact.mode = 0x6b6b6b6b6b6b6b6b" \
		"echo == poison\n" "dref &$exact" "set var $exact.mode = \$was" &&
	says demoting "mode: demoting" "references: 994" "gets: 1000" &&
	says dying "mode: dying" "references: 994" ".*: mode dying count 1 gets 1000 puts 7 .*" &&
	says dying_killed "mode: dying, killed" "references: 994" &&
	says queued "mode: exact on CPU $last, queued for promotion$heat" &&
	says cold "mode: exact on CPU 1, tracked, cold until window 5" "references: 3" &&
	says none "mode: none" "references: 0" && says poison "mode: none"
}

# refused MESSAGE COMMAND...: the last command prints just this message.
refused() {
	message=$1
	shift
	gdb_with "$live" "echo == before\n" "$@" "echo == after\n"
	! grep -q 'Traceback\|Error occurred' "$work/said" && said before | grep -q "$message" &&
		grep -q '^== after' "$work/said" && return
	sed 's/^/# /' "$work/said"
	return 1
}

all_refused() {
	load="dref-symbols $work/sections $modules"
	refused 'no symbols of dref.ko' 'dref 1' && refused 'no symbols of dref.ko' dref-objects &&
	refused 'no symbols of dref.ko' 'dref-class x' && refused 'usage' dref-symbols &&
	refused 'No such file' 'dref-symbols /nonsense' &&
	refused 'does not say' "dref-symbols $work/guest" &&
	refused 'cannot read' "dref-symbols $work/sections /nonsense" &&
	refused 'usage' "$load" dref && refused 'Cannot access memory' "$load" 'dref 16' &&
	refused 'No symbol "nonsense"' "$load" 'dref nonsense' &&
	refused 'no class nonsense' "$load" 'dref-class nonsense'
}

# The same from a dump of the memory, without the machine
dumps() {
	gdb_with "$live" "monitor dump-guest-memory -p $work/core" &&
	[ -s "$work/core" ] && look "core-file $work/core" && modes && references && objects
}

# The guest is not disturbed: the objects are released as always, without a warning.
goes_on() {
	gdb_with "$live" "dref-symbols $work/sections $modules" "set var dref_demote_passes = 4711"
	wait $vm
	status=$?
	vm=
	grep -q '^== gone' "$work/out" && [ $status -eq 0 ] || { sed 's/^/# /' "$work/err"; false; }
}

plan 10
start_guest
result $? "vm-run --gdb starts a guest"
live="target remote $work/gdb"
look "$live" && modes
result $? "modes, counts and slots are shown in words"
references
result $? "the number of references is that of dref_read()"
objects
result $? "objects are those of debugfs"
cpus
result $? "the counts of each CPU are those of debugfs"
class
result $? "the statistics of a class are those of debugfs"
passing
result $? "modes that do not last are shown"
all_refused
result $? "wrong commands print a message"
dumps
result $? "a dump of the memory shows the same"
goes_on
result $? "the machine continues"
finish
