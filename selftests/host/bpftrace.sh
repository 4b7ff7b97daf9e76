#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The scripts in tools/bpftrace report what dref does.
#
# bpftrace and its libraries are copied into a virtual machine with a stock kernel, and so
# is this script, which does its first part there. All scripts watch while some tests of
# dref_test.ko run. What these tests do is known, and each script must report exactly that.
#
# The newest bpftrace of Debian, which is too slow in such a machine, only reads the scripts
# here. It must have nothing to say about them.

if [ "$1" = inside ]; then
	. ./common.sh
else
	. ../common.sh
fi

debugfs=/sys/kernel/debug/dref
stories=/sys/kernel/debug/dref_test
scripts="hot latency promoters passes failures faults"

# ---- in the virtual machine ----

stat() {
	sed -n "s/^$1: //p" $debugfs/stats
}

settle() {
	for _ in $(seq 200); do
		[ "$(stat slots_used)" -ne 0 ] || return 0
		sleep 0.1
	done
	return 1
}

watch() {
	for script in $scripts; do
		./bpftrace/ld-linux-x86-64.so.2 --library-path bpftrace bpftrace/bpftrace \
			"$(command -v dref-$script.bt)" >$script 2>&1 &
		eval "pid_$script=$!"
	done
	for script in $scripts; do
		for _ in $(seq 600); do
			grep -q '^Tracing' $script && break
			sleep 0.2
		done
	done
	sleep 2		# they attach their last probes after they have printed that
}

# bpftrace 0.17 misses a Ctrl-C that comes while it does not wait for events, and prints
# less if one comes while it prints. So it gets another one only if it has not ended for
# long; at last it is killed, as the other scripts must be judged.
unwatch() {
	for try in 1 2 3 4 5 6; do
		for script in $scripts; do
			eval "kill -INT \$pid_$script" 2>/dev/null
		done
		for _ in $(seq 20); do
			sleep 1
			left=
			for script in $scripts; do
				eval "kill -0 \$pid_$script" 2>/dev/null && left="$left $script"
			done
			[ -n "$left" ] || return 0
		done
		echo "#$left: told $try times to end"
	done
	for script in $left; do
		eval "kill -KILL \$pid_$script"
	done
}

# story NAME: run this test and print its class.
story() {
	saved=$(tunables)
	# shellcheck disable=SC2046
	tune $(needs "$1")
	told=$(cat $stories/run/"$1")
	# shellcheck disable=SC2086
	tune $saved
	echo "$told" | sed -n 's/^# \([^ ]*\).*/\1/p'
	settle && echo "$told" | grep -q '^ok'
}

run_stories() {
	passes=$(stat passes)
	hurried=$(stat passes_expedited)
	dead=$(stat released_deferred)
	echo 1500 >/sys/module/dref_test/parameters/duration_ms
	life=$(story traced_life) && late=$(story traced_late) && hot=$(story traced_hot) && failed=$(story traced_promote_failed) &&
		underflow=$(story traced_underflow) && overflow=$(story traced_overflow) &&
		story flapping_by_defer >/dev/null
	told=$?
	passes=$(($(stat passes) - passes))
	hurried=$(($(stat passes_expedited) - hurried))
	dead=$(($(stat released_deferred) - dead))
	[ $told -eq 0 ]
}

# says SCRIPT AWK: the awk program succeeds on the output of the script.
says() {
	awk "$2" "$1" && return
	sed 's/^/# /' "$1"
	return 1
}

# sum SCRIPT MAP: of a histogram.
sum() {
	awk -v map="@$2:" '
	/^@/ { in_it = $1 == map; next }
	in_it && sub(/ *\|.*/, "") { sum += $NF }
	END { print sum + 0 }' "$1"
}

# total SCRIPT MAP: of a map of stats().
total() {
	sed -n "s/^@$2: .*total //p" "$1"
}

hot_says() {
	says hot '
	/^Promotions/ { table = 1 }
	/^Puts/ { table = 2 }
	/^@promotions\[test-[0-9]+, -?[0-9a-fx]+\]: / {
		rows++
		bad += table != 1 || $NF < last
		last = $NF
	}
	/^@puts\['"$life"', -?[0-9a-fx]+\]: 4$/ { life++ }
	END { exit !(!bad && rows > 1 && rows <= 20 && last > 1 && life == 1) }'
}

# The object was released after 60 ms or more, or after some seconds on a busy machine. Exact
# objects are not in the histogram.
latency_says() {
	says latency '
	/^@us/ { class = $1; next }
	class == "@us['"$late"']:" { bad = 1 }
	class == "@us['"$life"']:" && NF {
		bad += $1 !~ /^\[((32|64|128|256|512)K|[124]M),$/
		sub(/ *\|.*/, "")
		sum += $NF
	}
	END { exit !(sum == 1 && !bad) }'
}

promoters_says() {
	says promoters '
	BEGIN { RS = "\n@" }
	/^@?hot\['"$hot"',.*get_in_turn.*\]: 1/ { hot++ }
	/^@?asked\['"$life"',.*traced_life.*\]: 1/ { asked++ }
	/^@?asked\['"$hot"',/ { bad = 1 }
	/^@?hot\['"$life"',/ { bad = 1 }
	/^@?queued/ { bad = 1 }
	END { exit !(hot == 1 && asked == 1 && !bad) }'
}

passes_says() {
	expedited=$(sum passes expedited_work_us)
	periodic=$(sum passes periodic_work_us)
	echo "# $expedited expedited and $periodic periodic passes, $dead objects dead"
	[ "$expedited" -eq "$hurried" ] && [ $((expedited + periodic)) -eq "$passes" ] &&
		[ "$expedited" -gt 0 ] && [ "$periodic" -gt 0 ] && [ "$dead" -gt 0 ] &&
		[ $(($(total passes expedited_dead) + $(total passes periodic_dead))) -eq "$dead" ] &&
		[ "$(sum passes expedited_grace_us)" -gt 0 ] &&
		[ "$(sum passes expedited_grace_us)" -lt "$expedited" ] &&
		[ "$(total passes expedited_slots)" -gt 0 ] && return
	echo "# $passes passes in the statistics"
	sed 's/^/# /' passes
	return 1
}

failures_says() {
	says failures '
	/^@failed/ { failed++ }
	/^@failed\['"$failed"', max_deferred\]: 1$/ { right++ }
	/^@promoted\['"$life"'\]: 1$/ { promoted++ }
	/^@slots_in_use: [1-9]/ { slots++ }
	END { exit !(failed == 1 && right == 1 && promoted == 1 && slots == 1) }'
}

faults_says() {
	says faults '
	/ '"$underflow"' +put below zero +traced_underflow$/ { lines++ }
	/ '"$underflow"' +sum below zero +dref_[a-z_.0-9]+$/ { lines++ }
	/ '"$overflow"' +get past the limit +traced_overflow$/ { lines++ }
	/^@faults/ { faults++ }
	/^@faults\['"$underflow"', traced_underflow\]: 1$/ { right++ }
	/^@faults\['"$overflow"', traced_overflow\]: 1$/ { right++ }
	END { exit !(lines == 3 && faults == 3 && right == 2) }'
}

inside() {
	load dref && load dref_test || exit
	watch
	run_stories
	status=$?
	unwatch
	plan 9
	result $status "the tests that are watched pass"
	for script in $scripts; do
		${script}_says
		result $? "dref-$script.bt reports what happened"
	done
	finish
}

[ "$1" != inside ] || inside

# ---- outside ----

# take_bpftrace: copy the program and the libraries that it is linked with.
take_bpftrace() {
	mkdir "$work/bpftrace" && cp "$(command -v bpftrace)" "$work/bpftrace" &&
	ldd "$work/bpftrace/bpftrace" | awk '$2 == "=>" { print $3 } $1 ~ /^\// { print $1 }' |
		xargs cp -L -t "$work/bpftrace"
}

installs() {
	make -s -C ../../tools/bpftrace install DESTDIR="$work/to" PREFIX=/usr || return
	for script in $scripts; do
		[ -x "$work/to/usr/sbin/dref-$script.bt" ] || return
	done
	[ "$(ls "$work/to/usr/sbin" | wc -l)" -eq "$(echo $scripts | wc -w)" ] &&
		make -s -C ../../tools/bpftrace uninstall DESTDIR="$work/to" PREFIX=/usr &&
		[ -z "$(ls "$work/to/usr/sbin")" ]
}

# formats FOLDER: write there what tracefs has about the fields of each event.
formats() {
	python3 - ../../include/trace/events/dref.h "$1" <<-'END'
	import os, re, sys
	sizes = {"DREF_CLASS_NAME_SIZE": 32, "DREF_TRACE_WHAT_SIZE": 24, "int": 4, "bool": 1}
	text = open(sys.argv[1]).read()
	classes, events = {}, {}
	for kind, name, body in re.findall(r"(?ms)^(TRACE_EVENT|DECLARE_EVENT_CLASS)\((\w+),(.*?)^\);", text):
	    lines, at = [], 8
	    for of, what, field, nr in re.findall(r"__(array|field)\(([^,]+),\s*(\w+)(?:,\s*(\w+))?\)", body):
	        size = sizes[nr] if nr else sizes.get(what, 8)
	        lines.append(f"\tfield:{what} {field}{'[%d]' % size if nr else ''};"
	                     f"\toffset:{at};\tsize:{size};\tsigned:{int(what in ('int', 'long'))};\n")
	        at += -(-size // 8) * 8
	    (events if kind == "TRACE_EVENT" else classes)[name] = lines
	for of, name in re.findall(r"(?m)^DEFINE_EVENT\((\w+), (\w+)", text):
	    events[name] = classes[of]
	common = "".join(f"\tfield:{what};\toffset:{at};\tsize:{size};\tsigned:0;\n" for what, at, size in [
	    ("unsigned short common_type", 0, 2), ("unsigned char common_flags", 2, 1),
	    ("unsigned char common_preempt_count", 3, 1), ("int common_pid", 4, 4)])
	for number, (name, lines) in enumerate(events.items(), 1000):
	    os.makedirs(f"{sys.argv[2]}/events/dref/{name}")
	    with open(f"{sys.argv[2]}/events/dref/{name}/id", "w") as file:
	        file.write(f"{number}\n")
	    with open(f"{sys.argv[2]}/events/dref/{name}/format", "w") as file:
	        file.write(f"name: {name}\nID: {number}\nformat:\n{common}\n{''.join(lines)}\nprint fmt: \"\"\n")
	with open(f"{sys.argv[2]}/available_events", "w") as file:
	    file.writelines(f"dref:{name}\n" for name in events)
	open(f"{sys.argv[2]}/available_filter_functions", "w").close()
	END
}

# read_by_newest SCRIPT: print what the newest bpftrace has to say about it; fail if that is
# nothing. The kernel here has no such events to attach to.
read_by_newest() {
	unshare --mount sh -c 'mount --bind "$1" /sys/kernel/tracing 2>/dev/null || exit
		shift; exec "$@"' sh "$work/tracing" "$newest/ld-linux-x86-64.so.2" \
		--library-path "$newest" "$unpacked/usr/bin/bpftrace" --dry-run "$1" 2>&1 |
		grep -v 'RLIMIT_MEMLOCK\|^Attach\|Unable to attach probe: tracepoint:dref:' | grep .
}

newest_has_nothing_to_say() {
	unpacked=${DREF_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dref}/bpftrace-newest
	newest=$unpacked/usr/lib/x86_64-linux-gnu
	[ -e "$unpacked/complete" ] || {
		rm -rf "$unpacked"
		../../scripts/debian-unpack --suite sid --with '(bpftrace|lib.*|zlib1g)$' "$unpacked" \
			bpftrace >&2 && touch "$unpacked/complete" || return
	}
	mkdir "$work/tracing" && formats "$work/tracing" || return
	# without this, nothing that it says would be seen
	echo 'tracepoint:dref:hot { @heat[args->nonsense] = 1; }' >"$work/wrong.bt"
	read_by_newest "$work/wrong.bt" | grep -q nonsense || return
	for script in $scripts; do
		! read_by_newest "../../tools/bpftrace/dref-$script.bt" >"$work/out" ||
			{ sed 's/^/# /' "$work/out"; return 1; }
	done
}

../../scripts/need bpftrace python3 util-linux >&2 || skip_all "bpftrace cannot be installed"
[ "$(uname -m)" = x86_64 ] || skip_all "needs x86-64"
[ -e ../../module/test/dref_test.ko ] || skip_all "needs module/test/dref_test.ko"
work=$(mktemp -d) || exit
trap 'rm -rf "$work"' EXIT

take_bpftrace || exit
../../scripts/vm/vm-run --smp 4 --mem 2G --timeout 600 --allow-warn '^dref: class test-' \
	--file ../common.sh --file bpftrace.sh --file "$work/bpftrace" \
	-- sh bpftrace.sh inside >"$work/out"
status=$?
cat "$work/out"
test_number=$(grep -Ec '^(not )?ok ' "$work/out")
[ $test_number -eq 7 ] && [ $status -eq 0 ] && ! grep -q '^not ok' "$work/out"
test_failures=$?
[ $test_number -gt 0 ] || plan 1
installs
result $? "make install and uninstall"
if [ "$(id -u)" -ne 0 ]; then
	skip "the newest bpftrace has nothing to say about the scripts: needs root"
else
	newest_has_nothing_to_say
	result $? "the newest bpftrace has nothing to say about the scripts"
fi
finish
