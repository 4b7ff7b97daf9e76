#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Every event goes through perf script, the scripts that perf generates, and trace-cmd, whole and
# with the right values.
#
# In a virtual machine with a stock kernel tracefs, trace-cmd and perf record the same tests of
# dref_test.ko. Here the records are read, and compared with the text of tracefs, whose values
# selftests/trace.sh has compared with what has happened.

case $1 in
inside | told)	. ./common.sh ;;
*)		. ../common.sh ;;
esac

# ---- in the virtual machine ----

debugfs=/sys/kernel/debug/dref
stories=/sys/kernel/debug/dref_test
tracing=/sys/kernel/tracing
instance=$tracing/instances/perf

# tell STORY...: run these tests.
tell() {
	for story; do
		saved=$(tunables)
		# shellcheck disable=SC2046
		tune $(needs "$story")
		cat $stories/run/"$story"
		# shellcheck disable=SC2086
		tune $saved
	done | grep -c '^ok'
}

# Gets and puts of a tracked class, as in selftests/trace.sh
track() {
	for line in open track "create 0" "here 0" "there 0 3" "put 0 2" "put 0 3" close; do
		case $line in
		track)	echo 1 >$debugfs/classes/test-hands/track ;;
		*)	echo "$line" >$stories/hands ;;
		esac
	done
}

tell_all() {
	told=$(tell traced_life traced_resurrect traced_demote traced_hot traced_promote_failed \
		traced_immortalize traced_late traced_underflow traced_overflow)
	[ "$told" -eq 9 ] && track
}

# send NAME FILE: print the file as text.
send() {
	echo "begin $1"
	gzip -c "$2" | base64
	echo "end $1"
}

inside() {
	load dref && load dref_test || exit
	mkdir $instance && echo 1 >$instance/events/dref/enable || exit
	export LD_LIBRARY_PATH="$PWD/programs"
	programs/trace-cmd record -q -e dref -o trace.dat programs/perf record -q -a -e 'dref:*' -o perf.data \
		sh perf.sh told >record.log 2>&1
	[ -e told ] || { sed 's/^/# /' record.log; exit 1; }
	echo 0 >$instance/events/dref/enable
	send text $instance/trace
	send perf perf.data
	send trace-cmd trace.dat
	cat $instance/per_cpu/cpu*/stats | grep -q '^overrun: [1-9]' && exit 1
	exit 0
}

case $1 in
inside)	inside ;;
told)	tell_all && : >told
	exit ;;
esac

# ---- outside ----

# take PROGRAM...: copy the programs and the libraries that they are linked with.
take() {
	mkdir "$work/programs" && cp "$@" "$work/programs" &&
	ldd "$@" | awk '$2 == "=>" { print $3 }' | sort -u | xargs cp -L -t "$work/programs"
}

receive() {
	sed "0,/^begin $1\$/d; /^end $1\$/,\$d" "$work/sent" | base64 -d | gzip -dc >"$work/$1"
}

# events FILE: print "EVENT FIELD=VALUE..." for each line, in any order. An object is printed as
# a hash by the kernel, and as an address by the others. Some print the module of a caller, and
# some its offset; perf, without the module's symbols, has an address. How long something has taken
# is computed for each record.
events() {
	sed -n -e 's/.*[ :]\([a-z_]*\): *\(\(class_name\|epoch\)=\)/\1 \2/' -e T \
		-e 's/object=[0-9a-fx]*/object/' -e 's/\(latency_us\|age_ms\)=[0-9]*/\1/' -e 's/\(caller=[a-z_.0-9]*\).*/\1/' -e 's/ *$//' -e p "$1" |
		sort
}

# same_events FILE [EDIT]: the events are those of the text, if sed edits both alike.
same_events() {
	sed "$2" "$work/text.events" | sort >"$work/expected"
	events "$work/$1" | sed "$2" | sort >"$work/seen"
	diff "$work/expected" "$work/seen" >"$work/diff" && return
	sed 's/^/# /' "$work/diff" | head -n 20
	return 1
}

# Of each event there is a function, which prints the values, and the event as dref__EVENT (python)
# or dref::EVENT (perl).
generated_script() {
	cd "$work" || return
	perf script -i perf -g "$1" >"$out" 2>&1 &&
		perf script -i perf -s "perf-script.$2" >"$work/script" 2>"$out" &&
		{ [ "$2" != py ] || python3 -W error -m py_compile perf-script.py; } || { show; return; }
	for event in $names; do
		grep -q "^$event " text.events || { echo "# no event $event"; return 1; }
		grep -q "dref\(__\|::\)$event " script || { echo "# $event is not printed"; return 1; }
	done
}

# The numbers that the script prints are those of the text.
same_numbers() {
	for field in count heat puts n references slots gp_ns; do
		sed -n "s/.* $field=\([0-9]*\).*/\1/p" "$work/text.events" | sort >"$work/expected"
		sed -n "s/^\(.*[ ,]\)*$field=\([0-9]*\).*/\2/p" "$work/script" | sort >"$work/seen"
		cmp -s "$work/expected" "$work/seen" && continue
		echo "# $field differs"
		diff "$work/expected" "$work/seen" | sed 's/^/# /' | head -n 20
		return 1
	done
}

# no_keywords: no field has a name that is a keyword of C, C++ or python.
no_keywords() {
	python3 - ../../include/trace/events/dref.h <<-'END'
	import keyword, re, sys
	other = """alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t
	    char16_t char32_t class compl concept const consteval constexpr constinit const_cast continue
	    co_await co_return co_yield decltype default delete do double dynamic_cast else enum explicit
	    export extern false float for friend goto if inline int long mutable namespace new noexcept
	    not not_eq nullptr operator or or_eq private protected public register reinterpret_cast
	    requires restrict return short signed sizeof static static_assert static_cast struct switch
	    template this thread_local throw true try typedef typeid typename typeof union unsigned using
	    virtual void volatile wchar_t while xor xor_eq""".split()
	text = open(sys.argv[1]).read()
	names = set(re.findall(r"__(?:array|field|string|dynamic_array)\([^,]*,\s*(\w+)", text))
	bad = names & (set(other) | set(keyword.kwlist) | set(keyword.softkwlist))
	for name in bad:
	    print("# a field is called", name)
	sys.exit(not names or bool(bad))
	END
}

out=$(mktemp) || exit
work=$(mktemp -d) || exit
trap 'rm -rf "$work" "$out"' EXIT

plan 6
no_keywords
result $? "no field is called like a keyword of C, C++ or python"
names=$(sed -n -e 's/^TRACE_EVENT(\([a-z_]*\),/\1/p' -e 's/^DEFINE_EVENT([a-z_]*, \([a-z_]*\),/\1/p' \
	../../include/trace/events/dref.h)
if ! ../../scripts/need perf vm >&2 || [ "$(uname -m)" != x86_64 ]; then
	for _ in 1 2 3 4 5; do
		skip "needs x86-64, perf and trace-cmd"
	done
	finish
fi
[ -e ../../module/test/dref_test.ko ] || { echo "# needs module/test/dref_test.ko"; exit 1; }

take "$(command -v perf)" "$(command -v trace-cmd)" || exit
../../scripts/vm/vm-run --smp 4 --mem 2G --timeout 300 --allow-warn '^dref: class test-' \
	--file ../common.sh --file perf.sh --file "$work/programs" \
	-- sh perf.sh inside >"$work/sent"
recorded=$?
[ $recorded -eq 0 ] || sed 's/^/# /' "$work/sent" | head -n 40
for name in text perf trace-cmd; do
	receive $name
done
events "$work/text" >"$work/text.events"
[ $recorded -eq 0 ] && [ "$(cut -d ' ' -f 1 "$work/text.events" | uniq | wc -l)" -eq "$(echo "$names" | wc -w)" ]
result $? "tracefs, perf and trace-cmd record every event"
trace-cmd report -i "$work/trace-cmd" >"$work/report" 2>"$out" && same_events report
result $? "trace-cmd report prints what tracefs does"
perf script -i "$work/perf" >"$work/perf-script" 2>"$out" &&
	same_events perf-script 's/caller=[0-9a-z_.]\+$/caller/'
result $? "perf script prints what tracefs does"
(generated_script python py && same_numbers)
result $? "perf's python script prints all"
(generated_script perl pl && same_numbers)
result $? "perf's perl script prints all"
finish
