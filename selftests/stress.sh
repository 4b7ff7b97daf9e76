#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# dref-stress: every scenario and every disturber for a few seconds, its manners,
# and the life of one object from creation to release.
#
#	stress.sh [SECONDS]	for each scenario and disturber (2)

. ./common.sh

seconds=${1:-2}
out=$(mktemp) || exit
trap 'rm -f "$out" "$out".*' EXIT

stress=$(tool stress/dref-stress)

# Runs dref-stress; its output is in $out.
run() {
	"$stress" "$@" >"$out" 2>&1
}

passes() {
	run "$@" && tail -n 1 "$out" | grep -q '^PASS' || show
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

# What a run's operations were, without what depends on time.
operations() {
	grep -E '^(steps|gets|puts|trygets|handovers)' "$out" | sed 's/ in .*//'
}

same_seed_same_operations() {
	set -- --quiet --scenario shared --class plain --workers 1 --ops 300000
	passes "$@" --seed 1 && operations >"$out.2" || return
	passes "$@" --seed 1 && [ "$(operations)" = "$(cat "$out.2")" ] || return
	passes "$@" --seed 2 && [ "$(operations)" != "$(cat "$out.2")" ]
}

# The names that --list has under the title.
listed() {
	"$stress" --list | sed -n "/^$1/,/^\$/s/^  \([a-z-]*\) .*/\1/p"
}

# A disturber that lacks something here says so, and is refused.
disturbs() {
	"$stress" --list | grep -q "^  $1 .*(needs " && refused "--$1" && return
	passes "--$1" --duration "${seconds}s" &&
	awk -v name="$1" '$1 == name && $3 == "times" { n = $2 } END { exit !n }' "$out" ||
		show
}

# Only the build that is made for it can be broken.
not_breakable() {
	[ -e /sys/module/dref/parameters/break ] || refused --break lost-put
}

# In an orderly way: every line of the table has all its columns, and time goes on.
writes_records() {
	passes --quiet --scenario shared --duration 5s --json "$out.json" --csv "$out.csv" &&
	awk -F, 'NR == 1 { columns = NF; next }
		 NF != columns || $1 <= time { exit 1 }
		 { time = $1; lines++ }
		 END { exit lines < 2 || columns < 5 }' "$out.csv" &&
	grep -q '"result": "PASS"' "$out.json" && grep -q '"histogram": ' "$out.json"
}

# Whether memory at the end is within 1 % of that at the start, or 0.2 MiB where others
# need that much to begin with.
has_given_back() {
	grep -E '^(slab|percpu) ' "$out" | tr -d '(+' |
		awk '$14 >= 1 && $10 > $2 + 0.2 { bad = 1 } END { exit bad || NR != 2 }'
}

# What churn has used it gives back. The allocators' caches grow for a while, what is
# lost is lost in every run: so one of a few runs must leave nothing behind.
churn_gives_back() {
	passes --quiet --scenario churn --duration "${seconds}s" || return
	for _ in 1 2 3 4 5 6; do
		passes --quiet --scenario churn --duration 10s || return
		has_given_back && return
	done
	show
}

# In an orderly way, with its result, and long before its time.
stops_when_told() {
	"$stress" --duration 1h >"$out" 2>&1 &
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

# How many objects are alive.
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

# What is left of a session whose program was killed: nothing.
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
plan $(($(echo "$scenarios" "$disturbers" | wc -w) + 13))
run --help && grep -q '^Usage: dref-stress' "$out"
result $? "--help"
all_refused
result $? "bad options are refused"
no_module
result $? "it says that the module is not loaded"
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
result $? "nothing can be broken"
writes_records
result $? "JSON and CSV"
churn_gives_back
result $? "churn gives its memory back"
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
finish
