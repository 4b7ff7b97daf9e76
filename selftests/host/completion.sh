#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# bash completes the options of the programs and their values as the programs list them,
# and the manual pages name each of them.

cd "$(dirname "$0")/../../tools" || exit
../scripts/need python3 && make -s || exit
status=0

# program NAME FOLDER: the following lines test this program.
program() {
	name=$1
	folder=$2
	# shellcheck source=/dev/null # of each of them
	. "$folder/$name.bash-completion"
}

# completes "WORDS" "CHOICES": bash offers these choices after WORDS, and no others.
completes() {
	read -ra COMP_WORDS <<<"$1"
	[ "${1% }" = "$1" ] || COMP_WORDS+=("")
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	"_${name//-/_}" "$folder/$name"
	[ "${COMPREPLY[*]}" = "$2" ] && return
	echo "after \"$1\": expected \"$2\", seen \"${COMPREPLY[*]}\""
	status=1
}

# documented WORD...: the manual page names these words and all options.
documented() {
	local word

	for word in $(options; echo "$@"); do
		grep -q -e "[ {]${word#--}\( \|$\)" "$folder/$name".[18] && continue
		echo "the manual page of $name does not name $word"
		status=1
	done
}

options() {
	"$folder/$name" --help | grep -o -e '--[a-z]*' | sort -u
}

program dref-stress stress
completes "dref-stress --scen" "--scenario"
completes "dref-stress --hot" "--hotplug"
completes "dref-stress --scenario mi" "mix"
completes "dref-stress -s im" "immortal"
completes "dref-stress --break no" "no-cmpxchg"
completes "dref-stress --class " "plain sleep rcu exact any"
completes "dref-stress --ops " ""
documented "$(stress/dref-stress --list | sed -n 's/^  \([a-z-]*\) .*/\1/p')"

program dref-top top
completes "dref-top --in" "--interval"
completes "dref-top --sort " "heat refs age idle name"
completes "dref-top -s h" "heat"
completes "dref-top --count " ""
completes "dref-top --debugfs sele" ""
completes "dref-top --json --on" "--once"
completes "dref-top --json Make" "Makefile"
documented heat refs age idle name

program dref-plot plot
completes "dref-plot --on" "--only"
completes "dref-plot --plot " "latency memory rates scaling release"
completes "dref-plot -p me" "memory"
completes "dref-plot --only " ""
completes "dref-plot --da" "--dark"
completes "dref-plot -o Make" "Makefile"
completes "dref-plot Make" "Makefile"
documented latency memory rates scaling release

program dref-scale scale
completes "dref-scale --ob" "--objects"
completes "dref-scale --measure " "scaling life promotion pass release churn"
completes "dref-scale -m life,p" "life,promotion life,pass"
completes "dref-scale --runs " ""
completes "dref-scale --json Make" "Makefile"
documented scaling life promotion pass release churn
exit $status
