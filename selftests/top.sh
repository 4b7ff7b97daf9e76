#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# dref-top reads everything that this dref.ko shows, sees it change under load, and waits
# while dref.ko is unloaded and loaded. host/top.sh tests what dref-top computes.

. ./common.sh

debugfs=/sys/kernel/debug/dref
out=$(mktemp) || exit
trap 'rm -f "$out"' EXIT

top=$(tool top/dref-top)
stress=$(tool stress/dref-stress)

# While objects are created, promoted and released
sees_a_load() {
	"$stress" --quiet --scenario shared --class plain --duration 1h >/dev/null 2>&1 &
	sleep 3
	"$top" --once --interval 3s >"$out"
	status=$?
	kill -TERM $!
	wait $!
	[ $status -eq 0 ] && ! grep 'could not be parsed' "$out" &&
		awk '$1 == "objects" { deferred = $2 }
		     $1 == "stress" { in_class = $2; flags = $NF }
		     $2 == "stress" && $3 == "deferred" && $5 > 0 { objects++ }
		     /^CPU/ { in_cpus = 1 }
		     /LATENCY/ { in_cpus = 0 }
		     in_cpus && NF >= 4 && $2 > 0 { cpus++ }
		     END { exit !(deferred > 0 && in_class > 0 && flags == "none" &&
				  objects > 0 && cpus > 0) }' "$out" &&
		! sed -n '/^passes/,/^latency/p' "$out" | grep -e ' -[ /,;]' || show
}

# dref-top knows each name in stats.
knows_all() {
	"$top" --json --count 1 --interval 100ms >"$out" || return
	for name in $(sed 's/:.*//' $debugfs/stats); do
		grep -q "\"stats\": {[^}]*\"$name\": [0-9]" "$out" && continue
		echo "# $name is not known"
		return 1
	done
}

# soon REGEX: within 20 seconds the last record matches.
soon() {
	for _ in $(seq 100); do
		tail -n 1 "$out" | grep -q "$1" && return
		sleep 0.2
	done
	echo "# never seen: $1"
	return 1
}

# The module cannot be unloaded while dref-top has one of its files open.
unload_soon() {
	for _ in $(seq 100); do
		unload_all 2>/dev/null && return
		sleep 0.2
	done
	unload_all
}

waits_for_dref() {
	"$top" --json "$out" --interval 100ms &
	soon '"passes": [0-9]' && unload_soon && soon '"loaded": false' &&
	load dref && load dref_stress && soon '"interval_s": [0-9]'
	status=$?
	kill -TERM $!
	wait $! && [ $status -eq 0 ] && ! grep -q '"per_second": {[^}]*-' "$out"
}

[ "$(id -u)" -eq 0 ] || skip_all "needs root"
[ -x "$top" ] && [ -x "$stress" ] || skip_all "needs dref-top and dref-stress"
load dref && load dref_stress || skip_all "needs dref.ko and dref_stress.ko"
[ -e $debugfs/stats ] || skip_all "needs debugfs"

plan 3
sees_a_load
result $? "dref-top sees a load"
knows_all
result $? "dref-top knows all statistics"
waits_for_dref
result $? "dref-top waits for dref.ko"
finish
