#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# dref-stress passes in each scenario and with each disturber for a few seconds, handles its
# options, output and end as documented, and shows the life of one object.
#
#	stress.sh [SECONDS]	for each scenario and disturber (2)

. ./common.sh

seconds=${1:-2}
out=$(mktemp) || exit
trap 'rm -f "$out" "$out".*' EXIT

dref=/sys/kernel/debug/dref
parameters=/sys/module/dref/parameters
stress=$(tool stress/dref-stress)

# Runs dref-stress; its output is in $out.
run() {
	"$stress" "$@" >"$out" 2>&1
}

# A release is late after DREF_STRESS_LATE, where other machines share the CPUs and dead
# objects queue up, and by default after what dref-stress takes for late.
late=${DREF_STRESS_LATE:+--late $DREF_STRESS_LATE}

passes() {
	# shellcheck disable=SC2086 # two words, or none
	case $* in
	*--life*)	run "$@" ;;
	*)		run $late "$@" ;;
	esac && tail -n 1 "$out" | grep -q '^PASS' || show
}

# refused OPTION...: exit status 2, and one line that says why.
refused() {
	run "$@"
	[ $? -eq 2 ] && [ "$(wc -l <"$out")" -eq 1 ] && grep -q '^dref-stress: ' "$out" ||
		show
}

all_refused() {
	refused --scenario nonsense && refused --duration 0 && refused --duration 5x &&
	refused --duration -1 && refused --ops 0 && refused --ops 10q &&
	refused --ops 99999999999999999999 && refused --cpus 0-,1 &&
	refused --cpus 1-0 && refused --cpus 99999 && refused --cpus , &&
	refused --workers 0 && refused --workers 1025 && refused --objects 0 &&
	refused --objects 1048577 && refused --class none && refused --class sleep, &&
	refused --seed x && refused --seed && refused --nonsense && refused -x &&
	refused --late x && refused --late 25h && refused --break nonsense && refused --break &&
	refused --json /nonsense/file && refused --csv /nonsense/file && refused --json &&
	refused --life --reconcile && refused --life --scenario mix && refused something
}

# operations: print the numbers of operations of the last run, without the rates
operations() {
	grep -E '^(steps|gets|puts|trygets|handovers)' "$out" | sed 's/ in .*//'
}

same_seed_same_operations() {
	set -- --quiet --scenario shared --class plain --workers 1 --ops 300000
	passes "$@" --seed 1 && operations >"$out.2" || return
	passes "$@" --seed 1 && [ "$(operations)" = "$(cat "$out.2")" ] || return
	passes "$@" --seed 2 && [ "$(operations)" != "$(cat "$out.2")" ]
}

# listed TITLE: print the names under this title of --list
listed() {
	"$stress" --list | sed -n "/^$1/,/^\$/s/^  \([a-z-]*\) .*/\1/p"
}

# disturbs NAME: the disturber works; or --list says what it needs, and it is refused.
disturbs() {
	"$stress" --list | grep -q "^  $1 .*(needs " && refused "--$1" && return
	passes "--$1" --duration "${seconds}s" &&
	awk -v name="$1" '$1 == name && $3 == "times" { n = $2 } END { exit !n }' "$out" ||
		show
}

# Only the build with faults on demand can be broken.
not_breakable() {
	[ -e /sys/module/dref/parameters/break ] || refused --break lost-put
}

# Each line of the table has all columns, and the times increase.
writes_records() {
	passes --quiet --scenario shared --duration 5s --json "$out.json" --csv "$out.csv" &&
	awk -F, 'NR == 1 { columns = NF; next }
		 NF != columns || $1 <= time { exit 1 }
		 { time = $1; lines++ }
		 END { exit lines < 2 || columns < 5 }' "$out.csv" &&
	grep -q '"result": "PASS"' "$out.json" && grep -q '"histogram": ' "$out.json"
}

# has_given_back: at the end of the run memory is within 1 % of that at its start, or
# within 0.2 MiB, which other users of memory can need.
has_given_back() {
	grep -E '^(slab|percpu) ' "$out" | tr -d '(+' |
		awk '$14 >= 1 && $10 > $2 + 0.2 { bad = 1 } END { exit bad || NR != 2 }'
}

# The scenario churn returns its memory. The caches of the allocators grow for a while, and
# a leak recurs in every run, so one of a few runs must leave nothing behind.
churn_gives_back() {
	passes --quiet --scenario churn --duration "${seconds}s" || return
	for _ in 1 2 3 4 5 6; do
		passes --quiet --scenario churn --duration 10s || return
		has_given_back && return
	done
	show
}

# It stops long before its time, and prints its result.
stops_when_told() {
	# shellcheck disable=SC2086 # two words, or none
	"$stress" $late --duration 1h >"$out" 2>&1 &
	sleep 3
	kill -TERM $!
	wait $!
	[ $? -eq 0 ] && tail -n 1 "$out" | grep -q '^PASS (interrupted)' || show
}

no_module() {
	rmmod dref_stress || return
	refused --duration 1
	status=$?
	load dref_stress
	return $status
}

# The times of a life begin at 0 and grow, however the clock of this program differs.
life_elsewhere() {
	./in_time_namespace "$1" "$stress" --life --duration 1s >"$out" 2>&1
	status=$?
	[ $status -ne $KSFT_SKIP ] || return $KSFT_SKIP
	[ $status -eq 0 ] && awk '$2 == "s" {
		bad += $1 < last || $1 > 300
		last = $1
		lines++
	}
	END { exit bad || lines < 5 }' "$out" || show
}

in_time_namespaces() {
	life_elsewhere 100000 && life_elsewhere -1
}

# A CPU outside of the affinity of the program can be used.
other_cpus() {
	taskset 1 "$stress" --quiet --scenario shared --duration 1s --cpus 1 >"$out" 2>&1 &&
		grep -q 'on CPUs 1,' "$out" && tail -n 1 "$out" | grep -q '^PASS' || show
}

# The next run does not take for normal what a killed one has left changed.
killed_run_is_restored() {
	before=$(tunables)
	"$stress" --scenario flap --duration 1h >/dev/null 2>&1 &
	soon eval '[ "$(tunables)" != "$before" ]'
	kill -KILL $!
	wait $! 2>/dev/null
	changed=$(tunables)
	refused --duration 1 && grep -q -e '--restore' "$out" && [ "$(tunables)" = "$changed" ] &&
		run --restore && [ "$(tunables)" = "$before" ] || show || return
	passes --quiet --scenario flap --duration "${seconds}s" && [ "$(tunables)" = "$before" ]
}

# elsewhere COMMAND OPTION...: run it after this shell command in a mount namespace of its own.
elsewhere() {
	command=$1
	shift
	unshare -m sh -c "$command"' && exec "$@"' sh "$stress" "$@" >"$out" 2>&1
}

# dref can be tuned without debugfs. What cannot be done is said, and is no PASS if it was asked
# for by name.
without_debugfs() {
	elsewhere 'umount -l /sys/kernel/debug' --disturb --scenario flap --duration 5s --json "$out.json"
	[ $? -eq 0 ] && grep -q '^left out *reconcile, which needs debugfs' "$out" &&
		grep -q '^tunables *[1-9][0-9]* times' "$out" && grep -q '^deferred *unknown' "$out" &&
		grep -q '"reconcile": null' "$out.json" && grep -q '"passes": null' "$out.json" &&
		tail -n 1 "$out" | grep -q '^PASS' || show || return
	elsewhere 'umount -l /sys/kernel/debug' --reconcile
	[ $? -eq 2 ] || show
}

# not_done WORDS: the last run found no error, and did not do all.
not_done() {
	[ "$1" -eq 3 ] && grep -q "^not done *.*$2" "$out" && [ "$(tail -n 1 "$out")" = INCOMPLETE ] &&
		grep -q '"result": "INCOMPLETE"' "$out.json" && grep -q "\"not_done\": \".*$2" "$out.json" || show
}

incomplete() {
	elsewhere "mount --bind /dev/full $dref/reconcile" --reconcile --scenario shared --duration 1s \
		--quiet --json "$out.json"
	not_done $? 'reconcile could not disturb' || return
	elsewhere "mount --bind /dev/full $parameters/demote_passes && mount --bind /dev/full $parameters/pass_max_ms" \
		--scenario flap --duration 1s --quiet --json "$out.json"
	not_done $? 'dref could not be tuned'
}

# The program ends before its time if nobody reads its output, with the next line: it prints ten.
# It says what it cannot write, and restores dref's tunables.
output_fails() {
	before=$(tunables)
	{
		timeout 30 "$stress" --scenario flap --duration 40 2>"$out"
		echo $? >"$out.status"
	} | head -n 1 >/dev/null
	[ "$(cat "$out.status")" -eq 1 ] && grep -q 'cannot write standard output' "$out" || show || return
	"$stress" --scenario flap --duration 1 >/dev/full 2>"$out"
	[ $? -eq 1 ] && grep -q 'cannot write standard output' "$out" || show || return
	(ulimit -f 1; "$stress" --quiet --scenario flap --duration 1 --json "$out.json") 2>&1 >/dev/null |
		grep -q 'cannot write .*File too large' ||
		{ echo "# a limit on the size of files"; return 1; }
	"$stress" --scenario flap --duration 1 --json "$out.json" <&- >&- 2>&- &&
		[ "$(head -n 1 "$out.json")" = '{' ] && [ "$(tail -n 1 "$out.json")" = '}' ] ||
		{ echo "# no standard streams"; return 1; }
	[ "$(tunables)" = "$before" ] || { echo "# the tunables differ"; return 1; }
}

# live: print how many objects are alive.
live() {
	awk '/^(exact_live|deferred):/ { n += $2 } END { print n + 0 }' \
		/sys/kernel/debug/dref/stats
}

# soon COMMAND...: it succeeds within 20 seconds.
soon() {
	for _ in $(seq 20); do
		"$@" && return
		sleep 1
	done
	echo "# $(live) objects are alive"
	return 1
}

live_at_least() { [ "$(live)" -ge "$1" ]; }
live_at_most() { [ "$(live)" -le "$1" ]; }

# A session whose program was killed leaves no objects.
killed_leaves_nothing() {
	before=$(live)
	"$stress" --scenario shared --duration 1h --objects 1000 >/dev/null 2>&1 &
	soon live_at_least $((before + 1000))
	status=$?
	kill -KILL $!
	wait $! 2>/dev/null
	soon live_at_most "$before" && return $status
}

[ "$(id -u)" -eq 0 ] || skip_all "needs root"
[ -x "$stress" ] || skip_all "needs dref-stress"
load dref && load dref_stress || skip_all "needs dref.ko and dref_stress.ko"
[ -e /sys/kernel/debug/dref/stats ] || skip_all "needs debugfs"

scenarios=$(listed Scenarios)
disturbers=$(listed Disturbers)
plan $(($(echo "$scenarios" "$disturbers" | wc -w) + 19))
run --help && grep -q '^Usage: dref-stress' "$out"
result $? "--help"
all_refused
result $? "bad options are refused"
no_module
result $? "without the module it says so and exits with 2"
for scenario in $scenarios; do
	passes --scenario "$scenario" --duration "${seconds}s"
	result $? "scenario $scenario"
done
for disturber in $disturbers; do
	disturbs "$disturber"
	result $? "disturber $disturber"
done
passes --disturb --duration "${seconds}s"
result $? "all disturbers"
not_breakable
result $? "--break is refused without faults on demand"
writes_records
result $? "JSON and CSV"
churn_gives_back
result $? "churn returns its memory"
passes --scenario mix --duration "${seconds}s" --workers 8 --objects 3 --class rcu,sleep
result $? "more workers than CPUs, few objects"
passes --scenario churn --duration "${seconds}s" --cpus 0 --class exact --quiet
result $? "one CPU, exact"
same_seed_same_operations
result $? "the same seed, the same operations"
passes --life --duration "${seconds}s"
result $? "the life of an object"
stops_when_told
result $? "it stops when told to"
killed_leaves_nothing
result $? "a session that was killed leaves nothing"
killed_run_is_restored
result $? "--restore restores what a killed run has changed"
in_time_namespaces
status=$?
if [ $status -eq $KSFT_SKIP ]; then
	skip "the life of an object in a time namespace: needs CONFIG_TIME_NS"
else
	result $status "the life of an object in a time namespace"
fi
if [ "$(nproc)" -ge 2 ]; then
	other_cpus
	result $? "CPUs outside of the affinity"
else
	skip "CPUs outside of the affinity: needs two CPUs"
fi
without_debugfs
result $? "without debugfs"
incomplete
result $? "what did not happen is no PASS"
output_fails
result $? "an output that cannot be written"
finish
