#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The tracepoints record all events, in order and with the right values.
#
# dref_test.ko has a story for each event (module/test/trace.c), and this file has all
# lines that must be in the trace after it.  An epoch is written as its distance from the
# last one before the story, and a number that cannot be known as the range in which it
# must be.  Where many things happen at once, the events add up to the statistics.
# Tracepoints that are off record nothing.
#
#	trace.sh [STORY]...	only these

. ./common.sh

debugfs=/sys/kernel/debug/dref
stories=/sys/kernel/debug/dref_test
tracing=/sys/kernel/tracing
events=$tracing/events/dref
names="dead demote dying get hot immortalize overflow pass_begin pass_end promote
	promote_failed put release resurrect underflow"
tunables=
work=$(mktemp -d) || exit
trap 'clean_up; rm -rf "$work"' EXIT

# ---- the trace ----

record() {
	echo nop >$tracing/current_tracer && echo >$tracing/trace && echo 1 >$tracing/tracing_on &&
		echo 1 >$events/enable
}

clean_up() {
	[ ! -e $events ] || echo 0 >$events/enable
	for name in $names; do
		[ ! -e "$work/$name" ] || echo "!hist:$(cat "$work/$name")" >$events/"$name"/trigger
		rm -f "$work/$name"
	done
	# shellcheck disable=SC2086
	tune $tunables
}

stat() {
	sed -n "s/^$1: //p" $debugfs/stats
}

# events_of EPOCH [IDLE]: print "EVENT FIELD=VALUE..." for each event, without the values
# that differ from run to run.  A release goes to another CPU while the pass continues, so it
# is printed after the pass.  With IDLE, passes that have found nothing are left out.
events_of() {
	grep -v '^#' $tracing/trace | sed -e 's/^.* [0-9.]*: \([a-z_]*\): /\1 /' \
		-e 's/ \[\([a-z_]*\)\]$/@\1/' -e ':again' -e "s/\('[^' ]*\) \(.*'\)/\1_\2/" -e 't again' \
		-e 's/+0x[0-9a-f/x]*//' |
	awk -v base="$1" -v idle="$2" '
	function relative(name) {
		for (i = 2; i <= NF; i++)
			if (sub("^" name "=", "", $i))
				$i = name "=+" $i - base
	}
	{ relative("epoch"); relative("since_epoch") }
	/^pass_begin/ { begin = $0; in_pass = 1; if (idle) next }
	/^pass_end/ && idle && begin { begin = ""; in_pass = 0; next }
	idle && begin && in_pass { print begin; begin = "" }
	/^release/ && in_pass { late = late $0 "\n"; next }
	{ print }
	/^pass_end/ { printf "%s", late; late = ""; in_pass = 0 }
	END { printf "%s", late }'
}

# as_expected: the lines of $work/seen are those of $work/expected, where LOW..HIGH is any
# number of this range, HIGH can be "max", and a last * is any end of a word.
as_expected() {
	awk '
	function fits(is, wanted,	at, range, key) {
		if (is == wanted)
			return 1
		at = index(wanted, "=")
		key = substr(wanted, 1, at)
		if (wanted ~ /\*$/)
			return index(is, substr(wanted, 1, length(wanted) - 1)) == 1
		if (substr(is, 1, at) != key || split(substr(wanted, at + 1), range, "\\.\\.") != 2)
			return 0
		is = substr(is, at + 1)
		return is ~ /^\+?[0-9]+$/ && is + 0 >= range[1] + 0 &&
			(range[2] == "max" || is + 0 <= range[2] + 0)
	}
	FNR == NR { expected[FNR] = $0; lines = FNR; next }
	{
		good = FNR <= lines && split(expected[FNR], wanted) == NF
		for (i = 1; good && i <= NF; i++)
			good = fits($i, wanted[i])
		seen = FNR
		if (good)
			next
		bad = 1
		print "# expected: " expected[FNR]
		print "#     seen: " $0
	}
	END {
		for (i = seen + 1; i <= lines; i++) {
			bad = 1
			print "#  missing: " expected[i]
		}
		exit bad
	}' "$work/expected" "$work/seen"
}

# ---- stories ----

# settle: wait until no slot of an earlier story is left, as each would cause passes.
settle() {
	for _ in $(seq 200); do
		[ "$(stat slots_used)" -ne 0 ] || return 0
		echo 1 >$debugfs/reconcile
		sleep 0.1
	done
	echo "# slots are left"
	return 1
}

# tell STORY: run and record it. Sets class, object, object2, other and epoch, and ns, us
# and ms, which no time in the story can exceed.
tell() {
	# shellcheck disable=SC2086
	tune $tunables
	settle || return
	# shellcheck disable=SC2046
	tune $(needs "$1")
	sleep 0.1	# until passes that this has caused are over
	record
	epoch=$(stat epoch)
	begin=$(cut -d ' ' -f 1 /proc/uptime | tr -d .)
	answer=$(cat $stories/run/"$1")
	echo 0 >$events/enable
	ms=$((($(cut -d ' ' -f 1 /proc/uptime | tr -d .) - begin + 1) * 10))
	us=$((ms * 1000))
	ns=$((us * 1000))
	case $answer in
	skip*)	return $KSFT_SKIP ;;
	*ok)	;;
	*)	echo "# $answer"; return 1 ;;
	esac
	# shellcheck disable=SC2046
	set -- $(echo "$answer" | sed -n 's/^# //p')
	class=$1 object=$2 object2=$3 other=$4
}

# pass EPOCH SLOTS: the events of a pass that found nothing
pass() {
	echo "pass_begin epoch=+$1 expedited=1 slots=$2"
	echo "pass_end epoch=+$1 dying=0 dead=0 pass_ns=1..$ns gp_ns=0"
}

# finds EPOCH SLOTS DEAD PUTS AGE SINCE: the events of a pass that found one object
finds() {
	dead=$3
	[ "$dead" -eq 1 ] && becomes=dead || becomes=resurrect
	cat <<-END
	pass_begin epoch=+$1 expedited=1 slots=$2
	dying class_name=$class object=$object since_epoch=+$6 age_ms=$5..$ms puts=$4
	$becomes class_name=$class object=$object since_epoch=+$6 age_ms=$5..$ms puts=$4
	pass_end epoch=+$1 dying=1 dead=$3 pass_ns=1..$ns gp_ns=1..$ns
	END
}

# 60 ms, less two jiffies of 10 ms
a_while=40

traced_exact() {
	pass 1 0
	pass 2 0
}

traced_life() {
	echo "promote class_name=$class object=$object count=3"
	pass 1 1
	finds 2 1 1 4 $((2 * a_while)) 0
	echo "release class_name=$class object=$object deferred=1 latency_us=60000..$us"
	pass 3 0
	pass 4 0
	pass 5 0
}

traced_resurrect() {
	echo "promote class_name=$class object=$object count=1"
	finds 1 1 0 1 0 0
	finds 2 1 1 2 0 0
	echo "release class_name=$class object=$object deferred=1 latency_us=1..$us"
	pass 3 0
}

traced_demote() {
	cat <<-END
	promote class_name=$class object=$object count=1
	pass_begin epoch=+2..max expedited=0 slots=1
	demote class_name=$class object=$object since_epoch=+0 age_ms=1..$ms puts=5
	pass_end epoch=+2..max dying=0 dead=0 pass_ns=1..$ns gp_ns=0
	END
}

# count is the number of gets, the first reference, and that of the queue. A pass follows
# each get.
traced_hot() {
	for i in $(seq $((object2 - 1))); do
		pass "$i" 0
	done
	echo "hot class_name=$class object=$object heat=3"
	echo "promote class_name=$class object=$object count=$((object2 + 2))"
	pass "$object2" 1
	finds $((object2 + 1)) 1 1 $((object2 + 2)) 0 $((object2 - 1))
	echo "release class_name=$class object=$object deferred=1 latency_us=1..$us"
	pass $((object2 + 2)) 0
}

traced_promote_failed() {
	echo "promote_failed class_name=$class object=$object error=max_deferred"
	pass 1 0
	pass 2 0
}

traced_immortalize() {
	echo "promote class_name=$class object=$object2 count=1"
	echo "immortalize class_name=$class object=$object"
	echo "immortalize class_name=$class object=$object2"
	pass 1 1
	pass 2 1
}

traced_late() {
	echo "release class_name=$class object=$object deferred=0 latency_us=0"
	echo "release class_name=$other object=$object2 deferred=0 latency_us=0"
	pass 1 0
	pass 2 0
	pass 3 0
}

traced_underflow() {
	fault="what='put_below_zero' caller=traced_underflow@dref_test"
	cat <<-END
	promote class_name=$class object=$object2 count=1
	immortalize class_name=$class object=$object
	underflow class_name=$class object=$object $fault
	pass_begin epoch=+1 expedited=1 slots=1
	dying class_name=$class object=$object2 since_epoch=+0 age_ms=0..$ms puts=2
	immortalize class_name=$class object=$object2
	underflow class_name=$class object=$object2 what='sum_below_zero' caller=dref_*
	pass_end epoch=+1 dying=1 dead=0 pass_ns=1..$ns gp_ns=1..$ns
	END
	pass 2 1
	pass 3 1
}

traced_overflow() {
	echo "immortalize class_name=$class object=$object"
	echo "overflow class_name=$class object=$object what='get_past_the_limit'" \
		"caller=traced_overflow@dref_test"
	pass 1 0
	pass 2 0
}

# story NAME: its events are exactly as expected. In traced_demote periodic passes can come
# at any time.
story() {
	tell "$1"
	told=$?
	if [ $told -eq $KSFT_SKIP ]; then
		skip "$1: ${answer#skip }"
		return
	fi
	idle=
	[ "$1" != traced_demote ] || idle=1
	[ $told -eq 0 ] && events_of "$epoch" $idle >"$work/seen" && "$1" >"$work/expected" &&
		as_expected
	result $? "$1"
}

# Gets and puts of a class while it is tracked and then is not, through module/test/hands.c
by_hand() {
	for line; do
		echo "$line" >$stories/hands || return
	done
}

tracked() {
	hands=$debugfs/classes/test-hands
	by_hand open && echo 1 >$hands/track && by_hand "create 0" || return
	object=$(sed -n 's/^\([0-9a-f]*\): mode exact .*/\1/p' $hands/holders)
	# A reconcile waits for the releases
	record && by_hand "here 0" "there 0 3" "look-up 0" "put 0 2" "put 0 4" &&
		echo 1 >$debugfs/reconcile && echo 0 >$hands/track &&
		by_hand "create 1" "here 1" "put 1 2" && echo 1 >$debugfs/reconcile
	told=$?
	echo 0 >$events/enable
	by_hand close && [ $told -eq 0 ] || return
	events_of 0 1 >"$work/seen"
	cat >"$work/expected" <<-END
	get class_name=test-hands object=$object n=1 references=2
	get class_name=test-hands object=$object n=3 references=5
	get class_name=test-hands object=$object n=1 references=6
	put class_name=test-hands object=$object n=2 references=4
	put class_name=test-hands object=$object n=4 references=0
	release class_name=test-hands object=$object deferred=0 latency_us=0
	release class_name=test-hands object=* deferred=0 latency_us=0
	END
	as_expected
}

# ---- all together ----

all_are_there() {
	for name in $events/*/; do
		name=${name%/}
		case " $(echo $names) " in
		*" ${name##*/} "*)	;;
		*)	echo "# ${name##*/} is not tested"; return 1 ;;
		esac
	done
	for name in $names; do
		[ -e $events/"$name" ] || return
	done
}

# After the tracepoints are off, the same stories leave no event.
off_again() {
	echo >$tracing/trace
	for name in traced_life traced_late traced_immortalize; do
		cat $stories/run/$name || return
	done >"$work/out"
	[ "$(grep -c '^ok' "$work/out")" -eq 3 ] &&
	[ "$(grep -vc '^#' $tracing/trace)" -eq 0 ]
}

# count EVENT KEYS: have the kernel count it, as there are too many events for the trace.
count() {
	echo "hist:$2" >$events/"$1"/trigger && echo "$2" >"$work/$1"
}

# hits EVENT [WORDS]: print how many were counted, all or those with these words.
hits() {
	awk -v words="$2" '
	/hitcount:/ && (words == "" || index($0, words)) {
		sub(/.*hitcount: */, "")
		sum += $1
	}
	/Dropped: [1-9]/ { sum = "dropped" }
	END { print sum + 0 }' $events/"$1"/hist
}

# adds_up WHAT EVENTS STATISTICS
adds_up() {
	[ "$2" -eq "$3" ] && return
	echo "# $1: $2 events, $3 in the statistics"
	return 1
}

# moved STATISTIC: print how much it has grown since the statistics were saved.
moved() {
	echo $(($(stat "$1") - $(sed -n "s/^$1: //p" "$work/stats")))
}

adds_up_to_statistics() {
	# shellcheck disable=SC2086
	tune $tunables
	settle || return
	cp $debugfs/stats "$work/stats"
	for name in $names; do
		case $name in
		pass_*)		keys=keys=common_pid ;;
		release)	keys=keys=deferred ;;
		*)		keys=keys=class_name ;;
		esac
		count "$name" $keys || return
	done
	"$stress" --quiet --disturb --duration 3s >/dev/null 2>"$work/out" ||
		{ sed 's/^/# /' "$work/out"; return 1; }
	settle || return
	tune pass_max_ms=60000 pass_min_ms=60000
	[ "$(hits promote)" -gt 0 ] && [ "$(hits dead)" -gt 0 ] && [ "$(hits resurrect)" -gt 0 ] ||
		{ echo "# too little has happened"; return 1; }
	adds_up promotions "$(hits promote)" "$(moved promotions)" &&
	adds_up promotions_failed "$(hits promote_failed)" "$(moved promotions_failed)" &&
	adds_up demotions "$(hits demote)" "$(moved demotions)" &&
	adds_up resurrected "$(hits resurrect)" "$(moved resurrected)" &&
	adds_up released_deferred "$(hits release 'deferred:          1')" "$(moved released_deferred)" &&
	adds_up dead "$(hits dead)" "$(moved released_deferred)" &&
	adds_up immortal "$(hits immortalize)" "$(moved immortal)" &&
	adds_up underflows "$(hits underflow)" "$(moved underflows)" &&
	adds_up overflows "$(hits overflow)" "$(moved overflows)" &&
	adds_up "gets of classes that are not tracked" "$(hits get)" 0 &&
	adds_up "puts likewise" "$(hits put)" 0 &&
	adds_up passes "$(hits pass_begin)" "$(moved passes)" &&
	adds_up passes "$(hits pass_end)" "$(moved passes)"
}

# ---- the tests ----

stress=$(tool stress/dref-stress)

[ "$(id -u)" -eq 0 ] || skip_all "needs root"
load dref && load dref_test && load dref_stress ||
	skip_all "needs dref.ko, dref_test.ko and dref_stress.ko"
[ -e $debugfs/stats ] || skip_all "needs debugfs"
[ -e $events ] || skip_all "needs tracefs, at $tracing, and CONFIG_EVENT_TRACING"
tunables=$(tunables)

if [ $# -gt 0 ]; then
	plan $#
	for name; do
		story "$name"
	done
	finish
fi

plan 14
all_are_there
result $? "each event is tested"
for name in exact life resurrect demote hot promote_failed immortalize late underflow overflow; do
	story traced_$name
done
if has_tracking; then
	tracked
	result $? "gets and puts of a tracked class"
else
	skip "gets and puts of a tracked class: dref.ko has no tracking"
fi
off_again
result $? "tracepoints that are off again record nothing"
if [ -e $events/promote/hist ]; then
	adds_up_to_statistics
	result $? "under stress, events add up to the statistics"
else
	skip "under stress, events add up to the statistics: needs CONFIG_HIST_TRIGGERS"
fi
finish
