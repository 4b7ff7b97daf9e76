#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# How many instructions everything takes, and that dref takes no more than it did.
#
# Nanoseconds are instructions where the clock advances with them, as under "vm-run
# --icount", which sets DREF_ICOUNT.  dref_scale.ko measures, the loop included, and
# the least of its runs counts, as an interrupt may be in the others.  What dref has
# needed before is in instructions.ref, beside its peers in the same kernel, which
# are only shown.
#
#	instructions.sh --write	what has been measured, for instructions.ref

. ./common.sh

debugfs=/sys/kernel/debug/dref_scale
events=/sys/kernel/tracing/events/dref/enable
reference=instructions.ref
kernel=$(uname -r)

# A clock that is read once for thousands of operations; and what is no loop in
# which interrupts are off varies by a little.
tolerance="0.1 + 0.002 * old"

measure() {
	# What has been traced, and is no more, costs as little as what never was.
	for value in 1 0; do
		[ ! -e $events ] || echo $value >$events || return
	done
	echo scaling,life,pass >/sys/module/dref_scale/parameters/measure &&
	echo 1000 >/sys/module/dref_scale/parameters/objects &&
	echo 1 >$debugfs/run || return
	while grep -q '^state: running' $debugfs/run; do
		sleep 0.2
	done
	grep -q '^state: done' $debugfs/run
}

# One CPU says it all: MEASURED  COUNTER  OPERATION  OBJECTS  INSTRUCTIONS.  When the
# last one is released is a matter of when passes and grace periods are due.
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

# A line for each test: its status and its name.
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
plan $(($(echo "$results" | wc -l) + 1))
result $status "everything is measured"
while read -r status name; do
	result "$status" "$name"
done <<END
$results
END
finish
