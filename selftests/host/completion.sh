#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# bash completes the options of dref-stress, and what goes with them, as dref-stress
# itself lists them; and its manual page names each of them.

cd "$(dirname "$0")/../../tools/stress" || exit
make -s || exit
. ./dref-stress.bash-completion
status=0

# completes "WORDS" WHAT: after WORDS, WHAT is all there is.
completes() {
	COMP_WORDS=($1)
	[ "${1% }" = "$1" ] || COMP_WORDS+=("")
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	_dref_stress ./dref-stress
	[ "${COMPREPLY[*]}" = "$2" ] && return
	echo "after \"$1\": expected \"$2\", seen \"${COMPREPLY[*]}\""
	status=1
}

completes "dref-stress --scen" "--scenario"
completes "dref-stress --hot" "--hotplug"
completes "dref-stress --scenario mi" "mix"
completes "dref-stress -s im" "immortal"
completes "dref-stress --break no" "no-cmpxchg"
completes "dref-stress --class " "plain sleep rcu exact any"
completes "dref-stress --ops " ""

# Everything that --help and --list name.
for word in $(./dref-stress --help | grep -o -e '--[a-z]*' | sort -u) \
	    $(./dref-stress --list | sed -n 's/^  \([a-z-]*\) .*/\1/p'); do
	grep -q -e "[ {]${word#--}\( \|$\)" dref-stress.8 && continue
	echo "dref-stress.8 does not name $word"
	status=1
done
exit $status
