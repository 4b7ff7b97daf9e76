#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The operations of dref take no more instructions than they did before.
#
# Under "vm-run --icount", which sets DREF_ICOUNT, the clock advances by a nanosecond per
# instruction.  dref_scale.ko measures, the loop included.  The least of its runs counts, as
# the others can contain an interrupt.  The numbers of before are in instructions.ref,
# beside those of other counters of the same kernel, which are shown and not compared.
#
#	instructions.sh --write	print instructions.ref as it is measured now

. ./common.sh

debugfs=/sys/kernel/debug/dref_scale
parameters=/sys/module/dref_scale/parameters
events=/sys/kernel/tracing/events/dref/enable
reference=instructions.ref
kernel=$(uname -r)

# The clock is read once for thousands of operations, and loops in which interrupts are
# on vary by a little.
tolerance="0.1 + 0.002 * old"

session() {
	echo 1 >$debugfs/run || return
	while grep -q '^state: running' $debugfs/run; do
		sleep 0.2
	done
	grep -q '^state: done' $debugfs/run
}

measure() {
	# After tracing is off again, it costs nothing.
	for value in 1 0; do
		[ ! -e $events ] || echo $value >$events || return
	done
	echo scaling,life,pass >$parameters/measure &&
	echo 1000 >$parameters/objects && session
}

# keeps_pace FLAG: a CPU creates and drops objects of a class with this flag at least 0.8
# times as fast as objects of kref and call_rcu().  Ticks and grace periods are part of these
# figures, so they vary, and there is no reference.
keeps_pace() {
	awk -F '  +' -v flag="$1" '
	$3 == "create+drop" { instructions[$2] = $5 }
	END {
		call_rcu = instructions["kref, call_rcu"]
		dref = instructions["dref " flag]
		print "# " dref " instructions an object, " call_rcu " with call_rcu()"
		exit !dref || 0.8 * dref > call_rcu
	}' $debugfs/results
}

churn() {
	echo churn >$parameters/measure && echo 1 >$parameters/runs &&
	echo 200 >$parameters/duration && session
}

# measured: print MEASURED  COUNTER  OPERATION  OBJECTS  INSTRUCTIONS, as measured on one
# CPU.  The time of the last release depends on when passes and grace periods are due, so it
# is left out.
measured() {
	awk -F '  +' '
	NR == 1 || $3 == "until released" || $3 == "find dead" { next }
	{ printf "%-9s  %-14s  %-14s  %6d  %.1f\n", $1, $2, $3, $4, $6 }' $debugfs/results
}

write_reference() {
	cat <<-END
	# SPDX-License-Identifier: GPL-2.0
	# Linux $kernel
	#
	# Instructions, the loop included.  A pass is one walk over so many objects, where
	# one CPU is possible.  Taken by
	#	scripts/vm/vm-run --icount -- sh -c "cd /dref/selftests/dref && ./instructions.sh --write"
	#
	# measured, counter, operation, threads or objects, instructions
	END
	measured
}

# compare: print a line for each test, its status and its name.
compare() {
	measured | awk -F '  +' '
	/^#/ { next }
	FILENAME != "-" { reference[$1, $2, $3, $4] = $5; next }
	{
		name = $2 ", " $3 ($1 == "pass" ? " over " $4 : "") ": " $5 " instructions"
		old = reference[$1, $2, $3, $4]
		seen[$1, $2, $3, $4]
		if ($2 !~ /^dref/)
			print 0, name
		else if (old == "")
			print 1, name ", none in the reference"
		else
			print ($5 > old + '"$tolerance"'), name ", " old " in the reference"
	}
	END {
		for (key in reference) {
			if (key in seen || key !~ /dref/)
				continue
			gsub(SUBSEP, ", ", key)
			print 1, key ": in the reference, and not measured"
		}
	}' $reference -
}

[ -n "$DREF_ICOUNT" ] || skip_all "needs vm-run --icount"
load dref && load dref_scale || skip_all "needs dref.ko and dref_scale.ko"
[ -e $debugfs/run ] || skip_all "needs debugfs"

if [ "$1" = --write ]; then
	measure && write_reference
	exit
fi
series=$(echo "$kernel" | cut -d. -f1,2)
grep -q "^# Linux $series\." $reference ||
	skip_all "the reference is of another kernel: $(sed -n 's/^# Linux //p' $reference)"

measure
status=$?
results=$(compare)
plan $(($(echo "$results" | wc -l) + 4))
result $status "everything is measured"
while read -r status name; do
	result "$status" "$name"
done <<END
$results
END
churn
for flag in DREF_ASYNC DREF_SLEEP DREF_RCU; do
	keeps_pace $flag
	result $? "$flag releases keep pace"
done
finish
