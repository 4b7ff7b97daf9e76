#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The programs hold wherever they are started: with closed standard streams, where output cannot
# be written, with limits, in another locale, on a terminal that can do little, on CPUs that
# others have chosen. What they cannot do they say, and their exit status is not 0.
#
# dref-scale runs with files like those of its module, in a mount namespace of its own. These
# begin and end no session, so the lines that do are left out of it. native.sh has the same tests
# of dref-native, and ../stress.sh has what needs a kernel with dref.

. ../common.sh

# need has printed what is missing and cannot be installed.
../../scripts/need build plot python3 util-linux libc-bin locales >&2 || exit $KSFT_SKIP
tools=$(realpath ../../tools)
make -s -C "$tools" || exit
version=$(cat ../../VERSION)
stress=$tools/stress/dref-stress
top=$tools/top/dref-top
plot=$tools/plot/dref-plot
scale=$tools/scale/dref-scale
work=$(mktemp -d) || exit
out=$work/out
trap 'rm -rf "$work"' EXIT

# ---- what the programs read ----

mkdir -p "$work/dref/classes/mount"
printf 'passes: 7\nslots_used: 1\n' >"$work/dref/stats"
printf 'passes: 7\n' >"$work/dref/classes/mount/stats"
echo '{"scaling": [{"counter": "zähler", "threads": 1, "ns": 4.5},
	{"counter": "zähler", "threads": 2, "ns": 5.5}]}' >"$work/record"

top_once() { "$top" --debugfs "$work" --once --interval 20ms; }
top_json() { "$top" --debugfs "$work" --json "$1" --interval 20ms --count 2; }
plot_svg() { "$plot" "$work/record" -o "$1"; }

# A folder like that of dref_scale.ko, whose session has ended
scale_files() {
	mount -t tmpfs none /sys/kernel/debug && mount -t tmpfs none /sys/module &&
	mount -t tmpfs none /run || exit
	mkdir -p /sys/kernel/debug/dref_scale /sys/kernel/debug/dref /sys/module/dref \
		/sys/module/dref_scale/parameters
	for name in pass_min_ms pass_max_ms promote_threshold demote_passes max_deferred; do
		echo 65536 >/sys/kernel/debug/dref/$name
	done
	for name in measure cpus runs ops objects seconds; do
		echo 1000 >/sys/module/dref_scale/parameters/$name
	done
	cd /sys/kernel/debug/dref_scale || exit
	printf 'state: done\npoints: 1\n' >run
	printf 'title\nlife  kref  create+destroy  1  12.5  12.5  12.5  12.5\n' >results
	echo '{"list":"machine","kernel":"6","machine":"x","preempt":"full","cpus":"0"}' >json
}

# with_scale COMMAND: a shell command, where dref_scale.ko seems to be loaded
with_scale() {
	export work
	sed 's/echo [01] .*>$debugfs.run/:/' "$tools/scale/dref-scale" >"$work/dref-scale"
	unshare --mount sh -c ". '$work/scale_files'; scale_files; cd '$work'; scale='sh $work/dref-scale'; $1"
}

# ---- the tests ----

# is_json FILE: it has JSON, and nothing else.
is_json() {
	[ -s "$1" ] && python3 -c 'import json, sys
[json.loads(line) for line in open(sys.argv[1])] if sys.argv[2:] else json.load(open(sys.argv[1]))' "$@" &&
		return
	sed 's/^/# /' "$1" | head -n 20
	return 1
}

versions() {
	for program in "$stress" "$top" "$plot" "$scale"; do
		[ "$("$program" --version)" = "${program##*/} $version" ] || return
	done
	make -s -C "$tools" install DESTDIR="$work/to" PREFIX=/usr >&2 || return
	for program in sbin/dref-stress sbin/dref-top bin/dref-plot sbin/dref-scale; do
		[ "$("$work/to/usr/$program" --version)" = "${program##*/} $version" ] || return
	done
}

# unwritten COMMAND...: it fails if standard output cannot be written, and says so in one line.
unwritten() {
	"$@" 2>"$out" >/dev/full
	[ $? -eq 1 ] && [ "$(wc -l <"$out")" -eq 1 ] && grep -q '^dref-[a-z]*: cannot write ' "$out" && return
	echo "# $*:"
	show
}

full() {
	unwritten "$stress" --help && unwritten "$stress" --list && unwritten "$stress" --version &&
	unwritten "$top" --help && unwritten top_once && unwritten top_json - && unwritten top_json /dev/full &&
	unwritten "$plot" "$work/record"
}

full_scale() {
	with_scale '$scale >/dev/full 2>out && exit 1; grep -q "^dref-scale: cannot write" out || exit
		$scale --json - >/dev/full 2>out && exit 1; grep -q "^dref-scale: cannot write" out || exit
		$scale --json /dev/full >/dev/null 2>out && exit 1; grep -q "^dref-scale: cannot write" out' || show
}

closed() {
	top_json "$work/json" <&- >&- 2>&- && is_json "$work/json" lines &&
	plot_svg "$work/svg" <&- >&- && head -c 5 "$work/svg" | grep -q '<?xml' &&
	"$stress" --list <&- >&- 2>&- &&
	with_scale '$scale --json json <&- >&- 2>&-' && is_json "$work/json"
}

# The file grows beyond the limit of 512 or 1024 bytes, in any shell.
limited() {
	(ulimit -f 1; "$top" --debugfs "$work" --json "$work/json" --interval 10ms) 2>&1 |
		grep -q 'dref-top: cannot write .*: File too large'
}

few_files() {
	"$top" --debugfs "$work" --once --interval 10ms >"$out" 2>&1 || { show; return; }
	# shellcheck disable=SC3045 # every sh has it
	(ulimit -n 5; exec "$top" --debugfs "$work" --once --interval 10ms) >"$out" 2>&1 &&
		! grep -q 'mount ' "$out" && { show; return; }
	# shellcheck disable=SC3045
	(ulimit -n 4; exec "$top" --debugfs "$work" --once --interval 10ms) >"$out" 2>&1
	[ $? -eq 1 ] && grep -q 'Too many open files' "$out" || show
}

# on_terminal TERM COMMAND: the output of the command on a terminal of this type
on_terminal() {
	TERM=$1 timeout 20 script -qec "$2" /dev/null </dev/null >"$out"
}

terminals() {
	for term in dumb '' nonsense; do
		on_terminal "$term" "'$top' --debugfs '$work' --count 1 --interval 10ms"
		grep -q 'set TERM' "$out" || { show; return; }
	done
	on_terminal dumb "$(command -v unshare) --mount sh -c '. $work/scale_files; scale_files; sh $work/dref-scale'" &&
		! tr '\r' R <"$out" | grep -q 'R.*%' || show
}

# A reader that goes away ends the program.
pipes() {
	timeout 20 sh -c '"$1" --debugfs "$2" --json --interval 10ms | head -n 1' sh "$top" "$work" |
		grep -q '^{' &&
	with_scale 'echo 77 >/sys/kernel/debug/dref/max_deferred
		$scale 2>/dev/null | true
		[ "$(cat /sys/kernel/debug/dref/max_deferred)" = 77 ]'
}

# The decimal point of this locale is a comma.
comma() {
	mkdir -p "$work/locale" &&
	localedef -i de_DE -f UTF-8 "$work/locale/de_DE.UTF-8" >"$out" 2>&1 || [ $? -eq 1 ] || show
	export LOCPATH="$work/locale" LC_ALL=de_DE.UTF-8
	[ "$(locale decimal_point)" = , ] && top_json "$work/json" && is_json "$work/json" lines &&
	! top_once | grep -q '[0-9],[0-9]' &&
	plot_svg "$work/svg" && grep -q zähler "$work/svg" &&
	with_scale '$scale --json json >out' && is_json "$work/json" && grep -q ' 12 \| 12.5' "$out"
}

# cpus LIST: the program takes the CPUs, and then does not find the device.
cpus() {
	"$@" >"$out" 2>&1
	[ $? -eq 2 ] && grep -q 'load dref_stress.ko first$' "$out" || show
}

# A CPU that is not in the present affinity can be used; one that is not there cannot.
affinity() {
	last=$(($(nproc --all) - 1))
	cpus taskset -c 0 "$stress" --cpus $last &&
	"$stress" --cpus 60000 >"$out" 2>&1
	[ $? -eq 2 ] && grep -q 'cannot run on CPU 60000: absent' "$out" || show
}

# A kernel of 4096 CPUs fills in no mask of 1024.
many_cpus() {
	cat >"$work/many.c" <<-'END'
	#define _GNU_SOURCE
	#include <errno.h>
	#include <sched.h>
	#include <string.h>
	int sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set)
	{
		if (size < 512) {
			errno = EINVAL;
			return -1;
		}
		memset(set, 0xff, 512);
		return 0;
	}
	int sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *set)
	{
		errno = EINVAL;
		return CPU_ISSET_S(4096, size, set) ? -1 : 0;
	}
	END
	cc -shared -fPIC -o "$work/many.so" "$work/many.c" || return
	(export LD_PRELOAD="$work/many.so"
	 cpus "$stress" && cpus "$stress" --cpus 4095 &&
	 ! "$stress" --cpus 4096 >"$out" 2>&1 && grep -q 'cannot run on CPU 4096' "$out" || show)
}

# A run that was killed has left a file, from which --restore restores what is still changed.
restores() {
	mkdir "$work/run" && echo 5 >"$work/one" && echo 6 >"$work/two" || return
	unshare --mount sh -c 'mount --bind "$2/run" /run || exit
		printf "%s 3\n%s 6\n/nonsense 1\n" "$2/one" "$2/two" >/run/dref-stress.changes
		"$1" --restore; [ $? -eq 1 ] && echo kept
		printf "%s 4\n" "$2/one" >/run/dref-stress.changes
		"$1" --restore && ls /run && "$1" --restore' sh "$stress" "$work" >"$out" 2>&1 &&
	cat >"$work/expected" <<-END
	dref-stress: cannot restore /nonsense to 1
	restored $work/one to 3
	kept
	restored $work/one to 4
	nothing to restore
	END
	sort "$work/expected" >"$work/1" && sort "$out" | cmp -s "$work/1" - && [ "$(cat "$work/one")" = 4 ] || show
}

restores_scale() {
	with_scale 'cd /sys/kernel/debug/dref
		echo 99 >max_deferred
		echo "/sys/kernel/debug/dref/max_deferred 77" >/run/dref-scale.changes
		$scale 2>"$work/out" && exit 1; grep -q "type dref-scale --restore" "$work/out" || exit
		[ "$(cat max_deferred)" = 99 ] || exit
		$scale --restore >"$work/out" && grep -q "^restored .*max_deferred to 77" "$work/out" || exit
		[ "$(cat max_deferred)" = 77 ] && [ ! -e /run/dref-scale.changes ] && $scale >/dev/null' || show
}

# What was asked for and not measured
incomplete() {
	with_scale '$scale --measure pass >out; [ $? -eq 3 ] && grep -q "^note: not measured: pass" out' || show
}

sed -n '/^scale_files() {/,/^}/p' "$0" >"$work/scale_files"
plan 14
versions
result $? "--version"
full
result $? "a full disk is an error"
full_scale
result $? "a full disk is an error of dref-scale"
closed
result $? "closed standard streams get no text into a file"
limited
result $? "a limit on the size of files is an error"
few_files
result $? "a limit on open files is an error"
terminals
result $? "no control codes for a terminal that has none"
pipes
result $? "a reader that goes away ends a program, and settings are restored"
(comma)
result $? "numbers have a decimal point in every locale"
affinity
result $? "CPUs outside of the present affinity can be used"
many_cpus
result $? "more than 1024 CPUs"
restores
result $? "--restore restores what a killed dref-stress has changed"
restores_scale
result $? "--restore restores what a killed dref-scale has changed"
incomplete
result $? "dref-scale says what was not measured"
finish
