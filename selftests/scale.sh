#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# dref_scale.ko and dref-scale measure everything and write it in a form that programs can
# read. They refuse bad parameters, and a session ends whenever it is told to.

. ./common.sh

module=/sys/module/dref_scale
debugfs=/sys/kernel/debug/dref_scale
dref=/sys/kernel/debug/dref
max_deferred=$dref/max_deferred
cpu_online=/sys/devices/system/cpu/cpu1/online
out=$(mktemp) || exit
trap 'rm -f "$out" "$out".*' EXIT

scale=$(tool scale/dref-scale)

# Runs dref-scale; its output is in $out.
run() {
	"$scale" "$@" >"$out" 2>&1
}

# refused OPTION...: exit status 2, and one line that says why.
refused() {
	run "$@"
	[ $? -eq 2 ] && [ "$(wc -l <"$out")" -eq 1 ] && grep -q '^dref-scale: ' "$out" || show
}

all_refused() {
	refused --runs 0 && refused --runs 102 && refused --runs x && refused --runs -1 &&
	refused --ops 999 && refused --ops 1000001 && refused --ops 99999999999 &&
	refused --objects 9 && refused --objects 1000001 && refused --seconds 0 &&
	refused --duration 9 && refused --duration 3600001 && refused --limit 999 &&
	refused --cpus 0-,1 && refused --cpus 99999 && refused --cpus x &&
	refused --measure none && refused --measure scaling, && refused --measure ,life &&
	refused --runs && refused --runs= && refused --nonsense && refused -x &&
	refused --json /nonsense/file && refused something
}

# keeps PARAMETER VALUE...: writing each value fails with EINVAL and leaves the parameter.
keeps() {
	file=$module/parameters/$1
	before=$(cat "$file")
	shift
	for value; do
		(echo "$value" >"$file") 2>&1 | grep -q "Invalid argument" || return
		[ "$(cat "$file")" = "$before" ] || return
	done
}

parameters_keep() {
	keeps runs 0 102 -1 x '' '1 2' 4294967297 && keeps ops 999 1000001 &&
	keeps objects 9 1000001 && keeps duration 9 3600001 && keeps limit 999 100000001 &&
	keeps seconds 0 86401 && keeps cpus 99999 3-1 0-x &&
	keeps measure '' x scaling,, scalinglife
}

not_loaded_with() {
	rmmod dref_scale || return
	! load dref_scale "$1" 2>/dev/null && [ ! -e $module ]
	status=$?
	load dref_scale
	return $status
}

state() {
	sed -n "s/^$1: //p" $debugfs/run
}

set_parameter() {
	echo "$2" >$module/parameters/"$1"
}

# begin: start a session that takes long.
begin() {
	set_parameter measure scaling && set_parameter runs 101 && set_parameter ops 1000000 &&
	echo 1 >$debugfs/run && sleep 1 && [ "$(state state)" = running ]
}

# ends STATE [SECONDS]: the session ends in this state.
ends() {
	for _ in $(seq $((${2:-10} * 10))); do
		[ "$(state state)" = running ] || break
		sleep 0.1
	done
	[ "$(state state)" = "$1" ] && return
	sed 's/^/# /' $debugfs/run
	return 1
}

run_takes_0_and_1() {
	for value in 2 x '' 11 -1; do
		(echo "$value" >$debugfs/run) 2>&1 | grep -q "Invalid argument" || return
	done
	[ "$(state state)" = idle ]
}

for_root_only() {
	[ -z "$(find $debugfs $module/parameters -type f -perm -4 -o -type f -perm -40)" ]
}

# is_json FILE: it is well-formed, according to a program that reads JSON if there is one,
# or else according to its brackets and lines.
is_json() {
	if command -v jq >/dev/null; then
		jq -e .scaling "$1" >/dev/null
	elif command -v python3 >/dev/null; then
		python3 -c 'import json, sys; json.load(open(sys.argv[1]))["scaling"]' "$1"
	else
		awk '
		NR == 1 { bad = $0 != "{"; next }
		ended { bad = 1 }
		$0 == "}" { ended = 1; next }
		/^"(machine|tunables)": [{]("[a-z_0-9]+":("[^"]*"|[0-9]+),?)*[}],$/ { next }
		/^"[a-z]+": \[$/ { open++; next }
		/^\],?$/ { open--; next }
		!/^  [{]("[A-Za-z_0-9]+":("[^"]*"|[0-9.]+),?)*[}],?$/ || open != 1 { print "# " $0; bad = 1 }
		/,[}]/ { bad = 1 }
		END { exit bad || open || !ended }' "$1"
	fi
}

# Each counter is measured in each operation that it has, with 1 to all CPUs, and
# min <= median <= p90 <= max.  Only numbers of churn can be 0.
all_measured() {
	awk -F '  +' -v cpus="$cpus" '
	NR == 1 { next }
	NF != 9 || $6 > $5 || $5 > $8 || $8 > $7 || ($9 == "ns" && $5 <= 0) {
		print "# " $0
		bad = 1
	}
	$1 == "scaling" { points[$3 ", " $2]++; n++ }
	$1 == "scaling" && $4 == cpus { all[$3 ", " $2] }
	{ lines[$1]++ }
	END {
		steps = cpus < 8 ? cpus : 8
		for (i = 8; i < cpus; i *= 2)
			steps++
		for (point in points) {
			nr++
			if (points[point] != steps || !(point in all)) {
				print "# " point ": " points[point] " of " steps
				bad = 1
			}
		}
		if (nr < 31 || lines["life"] != 10 || lines["pass"] != 6 ||
		    lines["promotion"] != steps - 1 || lines["release"] != 6 ||
		    lines["churn"] != 32) {
			print "# " nr, lines["life"], lines["pass"], lines["promotion"],
				lines["release"], lines["churn"]
			bad = 1
		}
		exit bad
	}' $debugfs/results
}

measures_everything() {
	run --runs 1 --ops 1000 --objects 1000 --duration 100 --json "$out.json" ||
		{ show; return; }
	is_json "$out.json" && all_measured || show
}

# Every row of the table is in the file.
json_has_all() {
	[ "$(grep -c '"counter":.*"operation":' "$out.json")" -eq \
	  $(($(wc -l <$debugfs/results) - 1)) ] &&
	grep -q '"counter":"dref deferred","operation":"get+put","threads":1,"ns":[0-9.]*,' \
		"$out.json" &&
	grep -q '"counter":"percpu_ref","bytes":72,"bytes_per_cpu":8,' "$out.json" &&
	grep -q '"machine": {"kernel":"'"$(uname -r)"'"' "$out.json" &&
	grep -q '"tunables": {"pass_min_ms":'"$(cat $dref/pass_min_ms),"'.*}' "$out.json"
}

# Nothing but JSON is printed.
json_to_stdout() {
	run --measure scaling --runs 1 --ops 1000 --cpus 0 --json - &&
	[ "$(head -n 1 "$out")" = "{" ] && [ "$(tail -n 1 "$out")" = "}" ] && is_json "$out" || show
}

# The median of five runs differs from the least and the most, if no two times are equal.
median_of_runs() {
	run --runs 5 --measure life,pass --objects 100 &&
	awk -F '  +' 'NR > 1 && $6 < $5 && $5 < $7 { n++ } END { exit n < 7 }' \
		$debugfs/results || show
}

# When passes are far apart, the times show which releases wait for one.
tells_triggers_apart() {
	min=$(cat $dref/pass_min_ms) max=$(cat $dref/pass_max_ms)
	echo 1500 >$dref/pass_max_ms && echo 1500 >$dref/pass_min_ms || return
	run --measure release --runs 1 && awk -F '  +' '
	$1 == "release" { median[$3] = $5 / 1e6; n++ }
	END {
		exit n != 6 || median["last put"] > 500 || median["reconcile"] > 500 ||
			median["periodic pass"] < 1200 || median["quiet pass"] < 600
	}' $debugfs/results
	status=$?
	echo "$min" >$dref/pass_min_ms
	echo "$max" >$dref/pass_max_ms
	[ $status -eq 0 ] || show
}

# All that is created is freed.  If there is much more than the limit at a time, because the
# thread that looks has to wait for a CPU, creations are refused from then on.
churns() {
	run --measure churn --runs 1 --duration 1000 --limit 20000 &&
	awk -F '  +' -v cpus="$cpus" '
	$1 != "churn" { next }
	$4 != cpus { bad = 1 }
	$3 == "create+drop" && $5 > 0 { created++; peak = 0 }
	$3 == "until freed" { freed++ }
	$3 == "peak" { peaks++; peak = $5 }
	$3 == "refused" && $5 == 0 && peak > 40000 { print "# " $2 ", peak: " peak; bad = 1 }
	END { exit bad || created != 7 || freed != 5 || peaks != 6 }' $debugfs/results &&
	[ "$(live)" -eq 0 ] || show
}

one_at_a_time() {
	begin || return
	(echo 1 >$debugfs/run) 2>&1 | grep -q "busy" && ! run && [ "$(wc -l <"$out")" -eq 1 ]
	status=$?
	echo 0 >$debugfs/run
	[ $status -eq 0 ] || show
}

# A session that is stopped keeps the results that it has.
stops_when_told() {
	begin && echo 0 >$debugfs/run && [ "$(state state)" = stopped ]
}

tool_stops_when_told() {
	"$scale" --runs 101 --ops 1000000 --measure scaling >"$out" 2>&1 &
	for _ in $(seq 100); do
		[ "$(state state)" != running ] || break
		sleep 0.1
	done
	kill -TERM $!
	wait $!
	[ $? -eq 0 ] && tail -n 1 "$out" | grep -q '^stopped' || show
}

ends_in_time() {
	run --runs 101 --ops 1000000 --seconds 1
	[ $? -eq 1 ] && tail -n 1 "$out" | grep -q 'out of time' || show
}

live() {
	awk '/^(exact_live|deferred):/ { n += $2 } END { print n + 0 }' \
		/sys/kernel/debug/dref/stats
}

# unloads MEASURE SECONDS: unload the module during that session; no object is left alive.
unloads() {
	set_parameter measure "$1" && set_parameter runs 101 &&
	set_parameter ops 1000000 && echo 1 >$debugfs/run && sleep "$2" || return
	[ "$(state state)" = running ] && rmmod dref_scale && [ "$(live)" -eq 0 ]
	status=$?
	load dref_scale
	return $status
}

# A session ends with an error when one of its CPUs goes offline, and none can begin with a
# CPU that is offline.
cpu_goes() {
	begin || return
	echo 0 >$cpu_online
	ends failed 60 && state note | grep -q 'CPU 1 went off line' &&
	set_parameter cpus 0-1 &&
	(echo 1 >$debugfs/run) 2>&1 | grep -q "Invalid argument" &&
	[ "$(state state)" = idle ] && set_parameter cpus '' &&
	run --measure life --runs 1
	status=$?
	echo 0 >$debugfs/run
	set_parameter cpus ''
	echo 1 >$cpu_online
	[ $status -eq 0 ] || show
}

# Objects that cannot be deferred are left out, and the note says so.
respects_max_deferred() {
	before=$(cat $max_deferred)
	echo 100 >$max_deferred
	set_parameter measure pass && set_parameter objects 1000 && set_parameter runs 1 &&
	echo 1 >$debugfs/run && ends "done" && state note | grep -q '1000 objects' &&
	[ "$(grep -c '^pass' $debugfs/results)" -eq 4 ]
	status=$?
	echo "$before" >$max_deferred
	return $status
}

# dref-scale undoes its changes when it ends.
puts_back() {
	rmmod dref_scale || return
	before=$(cat $max_deferred)
	run --measure pass --runs 1 --objects 65000 && [ ! -e $module ] &&
	[ "$(cat $max_deferred)" = "$before" ]
	status=$?
	load dref_scale && [ $status -eq 0 ] || show
}

[ "$(id -u)" -eq 0 ] || skip_all "needs root"
[ -x "$scale" ] || skip_all "needs dref-scale"
load dref && load dref_scale || skip_all "needs dref.ko and dref_scale.ko"
[ -e $debugfs/run ] || skip_all "needs debugfs"
cpus=$(grep -c ^processor /proc/cpuinfo)

plan 23
run --help && grep -q '^Usage: dref-scale' "$out"
result $? "--help"
all_refused
result $? "bad options are refused"
parameters_keep
result $? "bad parameters are refused, and nothing changes"
not_loaded_with runs=0 && not_loaded_with measure=x && not_loaded_with cpus=99999
result $? "the module does not load with bad parameters"
run_takes_0_and_1
result $? "1 begins a session, and no other value does"
for_root_only
result $? "only root can read the files"
measures_everything
result $? "everything is measured"
json_has_all
result $? "the JSON has all of it"
json_to_stdout
result $? "the JSON can go to stdout alone"
median_of_runs
result $? "several runs have a median, a least and a most"
tells_triggers_apart
result $? "the times show which releases wait for a pass"
churns
result $? "what churn creates is freed, and the limit is obeyed"
one_at_a_time
result $? "one session runs at a time"
stops_when_told
result $? "a session stops when told to"
tool_stops_when_told
result $? "dref-scale stops when told to"
ends_in_time
result $? "a session ends when its time is over"
unloads scaling 1
result $? "the module unloads while it counts"
unloads life,promotion,pass 1
result $? "the module unloads while it creates and destroys"
unloads release 1
result $? "the module unloads while it waits for a release"
unloads churn 1
result $? "the module unloads while objects wait for a grace period"
if [ -w $cpu_online ]; then
	cpu_goes
	result $? "a CPU that goes offline ends a session"
else
	skip "a CPU that goes offline ends a session: needs one that can"
fi
respects_max_deferred
result $? "max_deferred is respected"
puts_back
result $? "dref-scale undoes its changes"
finish
