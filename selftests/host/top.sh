#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# dref-top reads a folder of files like those of dref: its figures are right, it handles
# junk, missing files and a dref that is unloaded and loaded, and its screen follows the
# terminal and the keys.

. ../common.sh

# need has printed what is missing and cannot be installed.
../../scripts/need python3 tmux util-linux || exit $KSFT_SKIP
make -s -C ../../tools/top || exit
top=$(realpath ../../tools/top/dref-top)
work=$(mktemp -d) || exit
dref=$work/dref
records=$work/records
tmux="tmux -L dref-top-$$ -f /dev/null"
pid=

cleanup() {
	[ -z "$pid" ] || { kill -TERM "$pid"; wait "$pid"; }
	$tmux kill-server 2>/dev/null
	rm -rf "$work"
}
trap cleanup EXIT

# ---- a folder like that of dref ----

# stats N: print a file stats with N for every counter and 7 for every gauge.
stats() {
	for name in epoch passes passes_expedited immortal promotions demotions \
		    promotions_failed released_exact released_deferred exited resurrected \
		    underflows overflows; do
		echo "$name: $1"
	done
	for name in deferred exact_live dying slots_total slots_used slot_bytes gp_ns_last \
		    gp_ns_max pass_ns_last pass_ns_max; do
		echo "$name: 7"
	done
}

# class NAME N FLAGS
class() {
	mkdir -p "$dref/classes/$1"
	{ echo "flags: $3"; stats "$2"; } >"$dref/classes/$1/stats"
}

# object ID COUNT GETS PUTS AGE IDLE
object() {
	printf '%016x: mode deferred count %d gets %d puts %d age_ms %d idle_passes %d\n' "$@"
}

# all N: write the folder with N for all counters, without stats and latency.
all() {
	mkdir -p "$dref"
	echo 65536 >"$dref/max_deferred"
	class mount "$1" "none"
	class label-of-a-security-module "$1" "sleep rcu"
	for id in 1 2 3; do
		object $id 1 $(($1 * id)) $(($1 * id - id)) $((5000 - id)) $id
	done >"$dref/classes/mount/objects"
	{
		object 4 -1 $((1000000 + $1)) $((1000000 + $1)) 4000 9
		# another object each time, with fewer gets than the one before
		object 8 1 $((1000 - $1)) "$1" 1 0
	} >"$dref/classes/label-of-a-security-module/objects"
	printf 'cpu0: gets %d puts 5 net %d\ncpu1: gets 5 puts %d net %d\n' \
		"$1" $(($1 - 5)) "$1" $((5 - $1)) >"$dref/cpus"
}

# latency N: print a file latency for 100 N objects.
latency() {
	us=0
	while [ $us -le 1073741824 ]; do
		case $us in
		4)	echo "$us: $(($1 * 50))" ;;
		1024)	echo "$us: $(($1 * 49))" ;;
		*)	echo "$us: $((us == 65536 ? $1 : 0))" ;;
		esac
		us=$((us ? us * 2 : 1))
	done
}

new_dref() {
	rm -rf "$dref"
	all "$1"
	latency "$1" >"$dref/latency"
	stats "$1" >"$dref/stats"
}

# ---- looking ----

once() {
	timeout 20 "$top" --debugfs "$work" --once --interval 50ms "$@" >"$work/out" 2>&1 &&
		return
	sed 's/^/# /' "$work/out"
	return 1
}

# shown REGEX...: each matches a line of $work/out, however wide the columns are.
shown() {
	for regex; do
		tr -s ' ' <"$work/out" | grep -qx -e "$regex" && continue
		echo "# no line \"$regex\" in:"
		sed 's/^/# /' "$work/out"
		return 1
	done
}

# soon COMMAND...: it succeeds within 20 seconds.
soon() {
	for _ in $(seq 200); do
		"$@" && return
		sleep 0.1
	done
	echo "# not within 20 seconds: $*"
	return 1
}

# record EXPRESSION...: each is true of r, the last record that was written.
record() {
	python3 - "$records" "$@" <<-'END'
	import json, sys
	records = [json.loads(line) for line in open(sys.argv[1]) if line.endswith("\n")]
	r = records[-1] if records else {}
	def grown(rates, name):		# in the interval, from the rate
	    return round(rates[name] * r["interval_s"], 1)
	def row(table, key, value):
	    return [row for row in r[table] if row[key] == value][0]
	for expression in sys.argv[2:]:
	    if not eval(expression):
	        print("# not so:", expression)
	        sys.exit(1)
	END
}

records_are() {
	[ "$(wc -l <"$records")" -eq "$1" ]
}

start_records() {
	: >"$records"
	timeout -k 1 60 "$top" --debugfs "$work" --json "$records" "$@" &
	pid=$!
}

stop_records() {
	kill -TERM "$pid" && wait_records
}

# Each look reads stats first and latency last. Here these are pipes, so dref-top waits until
# a test writes them, and reads exactly the files that the test has prepared.
pipes() {
	rm -rf "$dref"
	mkdir "$dref"
	mkfifo "$dref/stats" "$dref/latency"
}

# Without a reader a write would wait for ever.
into_pipe() {
	timeout 20 dd status=none of="$dref/$1"
}

# let_look N: let dref-top look once, and return when it has read all other files.
let_look() {
	stats "$1" | into_pipe stats && latency "$1" | into_pipe latency
}

wait_records() {
	wait "$pid"
	status=$?
	pid=
	return $status
}

# looks N...: let it look once for each N; $records has a record for each but the first.
looks() {
	pipes
	start_records --interval 10ms --count $(($# - 1))
	for counters; do
		all "$counters"
		let_look "$counters" || return
	done
	wait_records
}

# ---- the tests ----

# refused OPTION...: the exit status is 2, and one line says why.
refused() {
	timeout 20 "$top" "$@" >"$work/out" 2>&1 </dev/null
	[ $? -eq 2 ] && [ "$(wc -l <"$work/out")" -eq 1 ] && grep -q '^dref-top: ' "$work/out" &&
		return
	echo "# not refused: $*"
	sed 's/^/# /' "$work/out"
	return 1
}

help() {
	"$top" --help >"$work/out" && grep -q '^Usage: dref-top' "$work/out" &&
	[ "$(wc -L <"$work/out")" -le 80 ]
}

all_refused() {
	new_dref 1
	set -- --debugfs "$work"
	refused "$@" --nonsense && refused "$@" -x && refused "$@" something &&
	refused "$@" --interval 0 && refused "$@" --interval 1x && refused "$@" --interval 9ms &&
	refused "$@" --interval 25h && refused "$@" --interval && refused "$@" --count 0 &&
	refused "$@" --count -1 && refused "$@" --sort size && refused "$@" --class ../mount &&
	refused "$@" --class '' && refused "$@" --once --json && refused "$@" --once --count 2 &&
	refused "$@" --json /nonsense/file && refused "$@" && grep -q terminal "$work/out" &&
	refused --debugfs "$work/nonsense" --json
}

nobody_else() {
	chmod 711 "$work"
	chmod 700 "$dref"
	# the user nobody may have no access to the folder of the program
	cp "$top" "$work/dref-top"
	timeout 20 setpriv --reuid 65534 --clear-groups "$work/dref-top" --debugfs "$work" --json \
		>"$work/out" 2>&1
	status=$?
	rm "$work/dref-top"
	[ $status -eq 2 ] && grep -q 'you must be root$' "$work/out"
}

# Without --debugfs the files must be in debugfs.
no_debugfs() {
	[ -e /sys/kernel/debug/dref ] && return
	refused --once
}

not_written() {
	timeout 20 "$top" --debugfs "$work" --json /dev/full --interval 10ms 2>"$work/out"
	[ $? -eq 1 ] && grep -q '^dref-top: cannot write /dev/full: ' "$work/out" &&
	timeout 20 "$top" --debugfs "$work" --once --interval 10ms >/dev/full 2>"$work/out"
	[ $? -eq 1 ] && grep -q '^dref-top: cannot write ' "$work/out"
}

rates() {
	looks 100 130 &&
	record 'len(records) == 1 and r["loaded"] and r["stats"]["passes"] == 130' \
		'all(grown(r["per_second"], n) == 30 for n in r["per_second"])' \
		'len(r["per_second"]) == 13 and r["stats"]["gp_ns_max"] == 7' \
		'[grown(c["per_second"], "demotions") for c in r["classes"]] == [30, 30]' \
		'row("classes", "name", "mount")["flags"] == "none"' \
		'grown(row("cpus", "cpu", 0), "gets_per_second") == 30' \
		'grown(row("cpus", "cpu", 0), "puts_per_second") == 0' \
		'row("cpus", "cpu", 1)["net"] == -125 and r["max_deferred"] == 65536' \
		'r["junk"] == 0 and r["program"] == "dref-top"'
}

# The object that was used most in the interval comes first, not the one with most gets.
hottest() {
	looks 100 130 &&
	record '[int(o["id"], 16) for o in r["objects"]] == [3, 2, 1, 4, 8]' \
		'r["objects"][4]["gets_per_second"] is r["objects"][4]["puts_per_second"] is None' \
		'grown(r["objects"][0], "gets_per_second") == 90' \
		'r["objects"][0]["references"] == 4 and r["objects"][3]["references"] == -1' \
		'r["objects"][0]["class"] == "mount" and r["objects"][0]["idle_passes"] == 3'
}

# first KEY ID: sorted by KEY, the object with this ID comes first.
first() {
	once --sort "$1" && tr -s ' ' <"$work/out" | grep -A1 '^OBJECT' | tail -n 1 |
		grep -q "^000000000000000$2 " || { echo "# $1: not $2"; shown nothing; }
}

sorted() {
	new_dref 100
	first refs 8 && first age 1 && first idle 4 && first name 1
}

many() {
	pipes
	mkdir -p "$dref/classes/mount"
	start_records --interval 10ms --count 1
	for round in 0 1; do
		awk -v round=$round 'BEGIN { for (i = 1; i <= 100000; i++) {
			gets = i * 1000 + round
			if (round && i == 77777)
				gets += 1000
			printf "%016x: mode deferred count 0 gets %d puts 5 age_ms 9 idle_passes 0\n", i, gets
		} }' >"$dref/classes/mount/objects"
		let_look 1 || return
	done
	wait_records &&
	record 'len(r["objects"]) == 64 and int(r["objects"][0]["id"], 16) == 77777' \
		'grown(r["objects"][0], "gets_per_second") == 1001' \
		'all(grown(o, "gets_per_second") == 1 for o in r["objects"][1:])'
}

# 50 below 8 us, 49 below 2.05 ms and one below 131 ms.
percentiles() {
	looks 1 2 &&
	record 'r["latency"]["p50_below_us"] == 8 and r["latency"]["p99_below_us"] == 2048' \
		'r["latency"]["p90_below_us"] == 2048 and len(r["latency"]["histogram"]) == 32' \
		'[b["objects"] for b in r["latency"]["histogram"] if b["objects"]] == [100, 98, 2]' \
		'r["latency"]["histogram"][31]["below_us"] is None' \
		'grown(r["latency"]["histogram"][3], "objects_per_second") == 50' &&
	new_dref 1 && once && shown 'latency 50 % < 8.00 us 90 % < 2.05 ms 99 % < 2.05 ms all < 131 ms' \
		' 8.00 us 50 0.00 #*' ' 131 ms 1 0.00 #'
}

backwards() {
	looks 100 130 20 &&
	record 'r["per_second"]["passes"] is None and records[0]["per_second"]["passes"] > 0' \
		'r["stats"]["passes"] == 20 and r["objects"][0]["gets_per_second"] is None' \
		'row("cpus", "cpu", 0)["gets_per_second"] is None' \
		'r["latency"]["histogram"][3]["objects_per_second"] is None'
}

last_record() {
	record "$1" >/dev/null
}

# loaded_again N: a folder with other counters, in place at once
loaded_again() {
	dref=$work/new
	new_dref "$1"
	dref=$work/dref
	mv "$work/new" "$dref"
}

# dref is unloaded and loaded, and its counters are greater then.
reload() {
	new_dref 100
	start_records --interval 20ms
	soon last_record 'r["loaded"] and r["interval_s"]' && mv "$dref" "$work/gone" &&
	soon last_record 'not r["loaded"]' && loaded_again 200 &&
	soon last_record 'r["loaded"] and r["interval_s"]' &&
	stop_records || return
	rm -rf "$work/gone"
	record 'records[-1]["stats"]["passes"] == 200' \
		'[n["interval_s"] for o, n in zip(records, records[1:]) if n["loaded"] > o["loaded"]].count(None)' \
		'not any((a.get("per_second") or {}).get("passes") for a in records)'
}

# dref is unloaded and loaded between two looks.
replaced() {
	pipes
	all 100
	start_records --interval 2s --count 1
	let_look 100 || return
	mv "$dref" "$work/gone" && loaded_again 200 && wait_records || return
	rm -rf "$work/gone"
	record 'r["stats"]["passes"] == 200 and r["interval_s"] is None' \
		'r["per_second"]["passes"] is None and r["objects"][0]["gets_per_second"] is None'
}

not_loaded() {
	rm -rf "$dref"
	refused --debugfs "$work" --once && grep -q 'dref is not loaded' "$work/out" &&
	"$top" --debugfs "$work" --json --interval 10ms --count 2 >"$records" && records_are 2 &&
	record 'not r["loaded"]'
}

# 11 lines are junk, and the others are not.
junk() {
	new_dref 100
	printf 'nonsense\npasses: -3\ndying: 8x\nnewer: 1\nnewer_too: a b\n' >>"$dref/stats"
	object 5 1 7 6 1 1 >>"$dref/classes/mount/objects"
	printf '%s\n' '0000000000000006: mode deferred count 1 gets -7 puts 6 age_ms 1 idle_passes 1' \
		'0000000000000006: mode deferred count 1 gets 99999999999999999999 puts 6 age_ms 1 idle_passes 1' \
		'0000000000000006: mode of-more-than-a-dozen-letters count 1 gets 7 puts 6 age_ms 1 idle_passes 1' \
		'0000000000000006: mode deferred count 1 gets 7' \
		'0000000000000007: mode deferred count 1 gets 7 puts 6 age_ms 1 idle_passes 1 newer 5' \
		>>"$dref/classes/mount/objects"
	head -c 100000 /dev/zero | tr '\0' x >>"$dref/cpus"
	printf '\n3: 5\n' | tee -a "$dref/latency" >>"$dref/cpus"
	mkdir "$dref/classes/no class" "$dref/classes/$(printf '\033[31m')"
	once --sort name && shown 'objects 7 deferred 7 exact 7 dying 100 immortal' \
		'11 lines could not be parsed and were ignored' \
		'0000000000000005 mount deferred 2 0.00 0.00 1.00 ms 1' \
		'0000000000000007 mount deferred 2 0.00 0.00 1.00 ms 1' \
		'1 0.00 0.00 -95' && ! grep -Eq '0000000006|no class|\[31m' "$work/out"
}

missing() {
	new_dref 1
	rm -r "$dref/cpus" "$dref/latency" "$dref/max_deferred" "$dref"/classes/*/objects
	once && shown 'latency not available in this dref' 'this dref does not list its objects' \
		'this dref has no figures per CPU' '.*max_deferred -' 'mount 7 7 0.00 .*' &&
	timeout 20 "$top" --debugfs "$work" -j -i 10ms -n 1 >"$records" &&
	record 'r["cpus"] is None and r["latency"] is None and r["objects"] is None' &&
	rm -r "$dref/classes" "$dref/stats" && once &&
	shown 'no class is registered' 'passes -/s expedited -/s epoch -'
}

# The summary is of all classes, the tables are of one.
one_class() {
	new_dref 1
	once --class mount && shown 'mount 7 7 .* none' '0000000000000001 mount .*' &&
	! grep -q label "$work/out" && once --class other &&
	shown 'no class other is registered' 'objects 7 deferred .*'
}

# nohup(1) starts a program so.
ignores_hangup() {
	new_dref 1
	: >"$records"
	(trap '' HUP; exec "$top" --debugfs "$work" --json "$records" -i 20ms -n 100) &
	pid=$!
	soon test -s "$records" && kill -HUP $pid && wait_records && records_are 100
}

# ---- the screen ----

start_screen() {
	$tmux new-session -d -x 80 -y 24 "$top --debugfs $work --interval 100ms $*; echo ended: \$?; cat"
}

stop_screen() {
	$tmux kill-server
	soon screen_gone
}

screen_gone() {
	! $tmux has-session 2>/dev/null
}

screen() {
	$tmux capture-pane -p >"$work/out"
}

# screen_has REGEX...: each matches a line of the screen.
screen_has() {
	screen
	for regex; do
		tr -s ' ' <"$work/out" | grep -Eqx -e "$regex" || return
	done
}

# soon_screen REGEX...
soon_screen() {
	soon screen_has "$@" && return
	sed 's/^/# /' "$work/out"
	return 1
}

# size_is COLUMNS LINES: the last line is the line of keys, and no line is longer.
size_is() {
	screen
	[ "$(sed -n "$2p" "$work/out" | cut -c 1-6)" = "q quit" ] && [ "$(wc -L <"$work/out")" -le "$1" ]
}

shows() {
	start_screen
	soon_screen 'dref-top .*' 'passes 0.00/s .*' 'mount 7 7 0.00 .*' 'CPU GETS/s .* LATENCY .*' \
		'0000000000000004 label-of-a-secu deferred -1 .*' '.* 8.00 us 50 0.00 #+' &&
	size_is 80 24
}

resize() {
	$tmux resize-window -x 120 -y 40 && soon size_is 120 40 &&
	soon_screen 'label-of-a-security-module 7 .*' &&
	$tmux resize-window -x 40 -y 8 && soon size_is 40 8 &&
	# a table needs two lines, a head and a row
	$tmux resize-window -x 80 -y 11 && soon size_is 80 11 && ! grep '^CLASS' "$work/out" &&
	$tmux resize-window -x 80 -y 12 && soon size_is 80 12 && grep -q '^label' "$work/out" &&
	$tmux resize-window -x 80 -y 14 && soon size_is 80 14 && grep -q '^0000' "$work/out" &&
	$tmux resize-window -x 3 -y 2 && sleep 0.3 && $tmux resize-window -x 1 -y 1 && sleep 0.3 &&
	$tmux resize-window -x 80 -y 24 && soon size_is 80 24 && soon_screen 'mount 7 .*'
}

# press KEY REGEX: after the key a line of the screen matches.
press() {
	key=$1
	$tmux send-keys "$key"
	soon_screen "$2"
}

keys() {
	press '?' ' H heat .*' && press '?' 'mount 7 .*' && press h ' q quit' && press h 'mount .*' &&
	press R '.* sort: refs .*' && press s '.* sort: age .*' && press Up '.* sort: age .*' &&
	press c '.* class: label-of-a-security-module' && soon_screen '000.*4 label.*' &&
	! grep -q '^mount\|0000 mount' "$work/out" &&
	press c '.* class: mount' && press c '.* class: all' && press Space 'mount 7 .*'
}

# dref-top waits, and a counter that starts again from zero has no negative rate.
screen_reload() {
	mv "$dref" "$work/gone" && soon_screen ' dref is not loaded: waiting for it' &&
	mv "$work/gone" "$dref" && soon_screen 'passes 0.00/s .*' &&
	! grep -q -e '-[0-9.]* [kM]*/s' "$work/out"
}

quits() {
	press q 'ended: 0' && ! grep -q passes "$work/out" && stop_screen &&
	start_screen && soon_screen 'passes .*' &&
	kill -TERM "$(pgrep -f "^$top --debugfs $work ")" && soon_screen 'ended: 0' && stop_screen &&
	start_screen --count 2 && soon_screen 'ended: 0'
}

plan 23
help
result $? "--help"
all_refused
result $? "bad options are refused"
nobody_else
result $? "without permission a message says so"
no_debugfs
result $? "without dref in debugfs a message says so"
not_written
result $? "a full disk is an error"
rates
result $? "rates are right"
hottest
result $? "the hottest object comes first"
sorted
result $? "objects are sorted by other keys"
many
result $? "the hottest of 100000 objects comes first"
percentiles
result $? "percentiles and histogram are right"
backwards
result $? "counters that went backwards have no rate"
reload
result $? "records continue while dref is unloaded and loaded"
replaced
result $? "a dref that was loaded between two looks has no rates"
not_loaded
result $? "without dref, --once fails and records say so"
junk
result $? "junk is counted and left out"
missing
result $? "missing files are reported"
one_class
result $? "--class shows one class"
ignores_hangup
result $? "records continue under nohup"
new_dref 1
shows
result $? "the screen shows all tables"
resize
result $? "the screen follows the terminal"
keys
result $? "keys work"
screen_reload
result $? "the screen waits for dref"
quits
result $? "the screen ends with q, with SIGTERM and with --count"
finish
