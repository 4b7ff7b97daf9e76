#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The report on the cost of dref has each figure in its place, judges bounds by the measured
# figures and names missing ones; and the page in Documentation has the text of the
# template.

. ../common.sh

# need has printed what is missing and cannot be installed.
../../scripts/need plot || exit $KSFT_SKIP
bench=../../scripts/bench
work=$(mktemp -d) || exit
trap 'rm -rf "$work"' EXIT

# ---- a folder of invented figures ----

make_figures() {
	rm -rf "$work/figures"
	mkdir "$work/figures"
	python3 - "$work/figures" <<-'END'
	import json, sys
	def write(name, record):
	    with open(f"{sys.argv[1]}/{name}.json", "w", encoding="utf-8") as file:
	        json.dump(record, file)
	def machine(cpus, unit):
	    return {"machine": {"kernel": "9.9.9-made-up", "cpus_possible": cpus, "unit": unit,
	                        "cpu": "Emulated"},
	            "tunables": {"pass_min_ms": 20, "pass_max_ms": 100, "demote_passes": 32}}
	def figure(counter, operation, number, value, name="threads"):
	    return {"counter": counter, "operation": operation, name: number, "ns": value,
	            "min": value / 2, "p90": value * 2, "max": value * 3}
	counters = ["loop alone", "refcount_t", "kref", "percpu_ref", "rcu_read_lock",
	            "dref exact", "dref deferred", "dref immortal"]
	# of instructions the least counts; 26.84 / 80 is 0.34, to two digits
	costs = [4, 30, 32, 80, 36, 44, 26.84, 28]
	sizes = [("refcount_t", 4, 0), ("kref", 4, 0), ("percpu_ref", 72, 8), ("dref exact", 32, 0),
	         ("dref immortal", 32, 0), ("dref deferred", 152, 16)]
	write("instructions", {**machine(1, "instructions"),
	    "scaling": [figure(*row, 1, cost) for row, cost in
	                zip([(name, "get+put") for name in counters], costs)] +
	               [figure("kref", "tryget+put", 1, 70)],
	    "life": [figure(name, operation, 1, value * factor)
	             for operation, factor in (("create+destroy", 1), ("until released", 10))
	             for name, value in (("kref", 80), ("percpu_ref", 8000), ("dref exact", 240),
	                                 ("dref deferred", 2000))],
	    "memory": [{"counter": name, "bytes": size, "bytes_per_cpu": each}
	               for name, size, each in sizes]})
	for cpus in (1, 16):
	    write(f"passes-{cpus}", {**machine(cpus, "instructions"), "pass": [
	        figure("dref deferred", operation, objects, objects * (200 + 100 * cpus) * factor, "objects")
	        for operation, factor in (("walk", 1), ("find dead", 3))
	        for objects in (1000, 10000)]})
	write("scaling", {**machine(4, "ns"), "scaling": [
	    figure(name, "get+put", threads, value * threads) for threads in (1, 2, 4)
	    for name, value in (("refcount_t", 20), ("dref deferred", 9))]})
	write("waits", {**machine(4, "ns"),
	    "promotion": [figure("dref", "until deferred", 2, 5000000)],
	    "release": [figure("dref exact", "last put", 50, 1000, "objects"),
	                figure("dref deferred", "kill", 40, 12000000, "objects")]})
	write("native", {"figures": [
	    {"scenario": scenario, "counter": counter, "threads": threads, "ns": value * threads + more,
	     "on_cpu": [0.5, 0.9, 0.8]}
	    for more, scenario in enumerate(("one_object", "own_object", "lookup", "handover", "lives"))
	    for counter, value in (("refcount_t", 4.25), ("dref, deferred", 0.5))
	    for threads in (1, 2)],
	    "bounds": [{"figure": "met", "bound": 1.3, "seen": 1.3042},
	               {"figure": "missed", "bound": 1.3, "seen": 1.3058},
	               {"figure": "unknown", "bound": 1, "seen": None}]})
	write("native-passes", {"cpus_possible": 16, "passes": [
	    {"caches": caches, "objects": objects, "ns": objects * ns}
	    for objects in (1000, 10000) for caches, ns in (("warm", 12), ("hot", 40), ("cold", 250))],
	    "promotion": {"objects": 500, "ns": 70000}})
	write("machine", {"date": "2001-02-03", "source": "abc123", "cpu": "A CPU", "cpus": 2, "virtual": 1,
	    "machine": "x86_64", "kernel": "1.2.3", "compiler": "cc 1", "qemu": "7", "quick": 0,
	    "steps": [{"file": "native.json", "command": "tools/native/dref-native", "seconds": 1}]})
	END
}

# reports: make the report from the figures in the folder.
reports() {
	"$bench/report" "$work/figures" >"$work/out" 2>&1 && return
	sed 's/^/# /' "$work/out"
	return 1
}

# has SECTION ROW...: the section has these rows, however many spaces are in them.
has() {
	awk -v section="$1" '
	{ text[NR] = $0 }
	/^[=]+$/ && text[NR - 1] !~ /^[= ]*$/ { on = text[NR - 1] == section }
	on { gsub(/ +/, " "); print }' "$work/figures/performance.rst" >"$work/section"
	shift
	for row; do
		grep -qxF -e "$row" "$work/section" && continue
		echo "# no such row: $row"
		sed 's/^/# /' "$work/section"
		return 1
	done
}

# ---- the tests ----

bounds_judged() {
	has Bounds "met, ns 1.30 1.304 met" \
		"missed, ns 1.30 1.306 **NOT MET**" "unknown, ns 1.00 not measured" \
		"dref deferred / percpu_ref, get+put, instructions 0.33 0.336 **NOT MET**" &&
	grep -q "1 of 4 bounds are met" "$work/section" && grep -q '^1 of 4 bounds are met' "$work/out"
}

counts_placed() {
	has Instructions "\`\`refcount_t\`\` 15" "\`\`kref\`\` 16 35" "dref deferred 13" \
		"The RCU read-side section takes 16 of the instructions of a tryget." &&
	has "Create and destroy" "\`\`kref\`\` 40 1.0 400" "dref exact 120 3.0 1200" \
		"\`\`percpu_ref\`\` 4000 100.0 40000"
}

times_placed() {
	has "Real CPUs" "\`\`refcount_t\`\` 4.25 8.50 80 %" "dref, deferred 3.50 4.00 80 %" &&
	has "Emulated CPUs" "\`\`refcount_t\`\` 20.0 40.0 80.0 4.0 250 %" \
		"counter 1 thread 2 threads 4 threads 4 / 1 spread" &&
	has "Create and destroy" "2 threads 5.00 2.50 10.0 15.0" "dref, deferred 4.50 5.00 80 %" &&
	has "Release latency" "dref exact: last put 50 0.0010 0.0005 0.0020 0.0030" \
		"dref deferred: kill 40 12.0 6.00 24.0 36.0"
}

# 10000 objects: 0.12, 0.4 and 2.5 ms a pass, and then a pause of 100, or of 20 or a hundred
# times as long
passes_placed() {
	has Passes "objects 1 CPU 16 CPUs" "1000 150 900" "10000 450 2700" \
		"Each possible CPU adds 50 instructions per object (with 10000 objects)." "objects warm hot cold" \
		"1000 12.0 40.0 250" "A promotion takes 140 ns there (with 10000 objects), with the memory for its slot." \
		"warm 0.12 100 ms 0.12 % 20 ms 0.60 %" "hot 0.40 100 ms 0.40 % 40 ms 0.99 %" \
		"cold 2.50 100 ms 2.44 % 100 ms 2.44 %"
}

memory_placed() {
	has Memory "bytes 4 CPUs 16 CPUs 64 CPUs 128 CPUs 256 CPUs 512 CPUs" \
		"\`\`percpu_ref\`\` 104 200 584 1096 2120 4168" \
		"dref deferred 216 408 1176 2200 4248 8344" \
		"first dref deferred 47136 96288 292896 555040 1079328 2127904"
}

machine_named() {
	has Machine "real CPUs 2 of A CPU, x86_64, Linux 1.2.3, in a virtual machine" \
		"emulated CPUs QEMU 7, Emulated, Linux 9.9.9-made-up" "source abc123" \
		"share of CPU time at least 80 %, for each counter on one object"
}

# The report has plots, the page has none, and docutils accepts both.
pages_whole() {
	for name in $(sed -n 's/^\.\. image:: //p' "$work/figures/report.rst"); do
		grep -q '</svg>' "$work/figures/$name" || return
	done
	[ "$(grep -c '^\.\. image::' "$work/figures/report.rst")" -eq 5 ] &&
	! grep -q -e '^\.\. image::' -e '@' "$work/figures/performance.rst" || return
	python3 -c 'import docutils' 2>/dev/null || return 0
	for page in report performance; do
		python3 -m docutils --report=info --halt=info "$work/figures/$page.rst" >/dev/null ||
			return
	done
}

# refused [FOLDER]: the exit status is 2, one line says why, and there is no page.
refused() {
	rm -f "$work/figures"/*.rst
	"$bench/report" "${1-$work/figures}" >"$work/out" 2>&1
	[ $? -eq 2 ] && [ "$(wc -l <"$work/out")" -eq 1 ] && grep -q '^report: ' "$work/out" &&
		[ ! -e "$work/figures/performance.rst" ] && return
	sed 's/^/# /' "$work/out"
	return 1
}

# Each of these has one error, in figures that are right otherwise.
refuses_gaps() {
	refused "$work/none" &&
	for file in machine native native-passes instructions scaling waits passes-1 passes-16; do
		make_figures && rm "$work/figures/$file.json" && refused || return
		make_figures && echo '{' >"$work/figures/$file.json" && refused || return
		make_figures && echo '{}' >"$work/figures/$file.json" && refused || return
	done
	for wrong in 's/"counter": "percpu_ref"/"counter": "other"/' 's/"operation": "get+put"/"operation": "x"/' \
		     's/instructions/ns/' 's/"min"/"mean"/g' 's/"demote_passes"/"x"/' 's/152/"x"/'; do
		make_figures && sed -i "$wrong" "$work/figures/instructions.json" && refused || return
	done
	make_figures && cp "$work/figures/passes-1.json" "$work/figures/passes-2.json" && refused
}

# make_tree: a source tree whose programs print given figures and measure nothing
make_tree() {
	mkdir -p "$work/tree/scripts/vm" "$work/tree/tools/native" &&
	cp -R "$bench" "$work/tree/scripts" && ln -s "$(realpath ../../tools/plot)" "$work/tree/tools/plot" &&
	cat >"$work/tree/tools/native/dref-native" <<-END &&
	#!/bin/sh
	case \$* in
	*--passes*)	cat "$work/figures/native-passes.json"; exit ;;
	*)		cat "$work/figures/native.json"; exit 1 ;; # a bound is not met
	esac
	END
	cat >"$work/tree/scripts/vm/vm-run" <<-END &&
	#!/bin/sh
	case \$* in
	*maxcpus=1\ *)	file=passes-1 ;;
	*maxcpus=16*)	file=passes-16 ;;
	*scaling,life*)	file=instructions ;;
	*scaling*)	file=scaling ;;
	*)		file=waits ;;
	esac
	[ -e "$work/broken" ] && echo "does not boot" >&2 && exit 125
	cat "$work/figures/\$file.json"
	END
	chmod +x "$work/tree/tools/native/dref-native" "$work/tree/scripts/vm/vm-run"
}

# bench runs all steps and describes the machine; if a step fails, there is no page.
bench_measures() {
	make_figures && make_tree && "$work/tree/scripts/bench/bench" --quick "$work/new" >"$work/out" 2>&1 ||
		{ sed 's/^/# /' "$work/out"; return 1; }
	[ "$(grep -c '^\[ [1-7]/7\] ' "$work/out")" -eq 7 ] && [ ! -e "$work/new/log" ] &&
	grep -q '^1 of 4 bounds are met' "$work/out" && grep -q '^QUICK RUN' "$work/new/report.rst" &&
	grep -q "vm-run .*maxcpus=16 .*pass.* >passes-16.json" "$work/new/performance.rst" &&
	grep -q "Linux $(uname -r)" "$work/new/performance.rst" || return
	touch "$work/broken"
	"$work/tree/scripts/bench/bench" --quick "$work/newer" >"$work/out" 2>&1
	[ $? -eq 1 ] && tail -n 1 "$work/out" | grep -q 'status 125: does not boot' &&
		[ ! -e "$work/newer/performance.rst" ]
}

bench_refuses() {
	mkdir "$work/full" && echo >"$work/full/file" &&
	for arguments in "$work/full" --nonsense "$work/a $work/b" /proc/none; do
		"$bench/bench" $arguments >"$work/out" 2>&1
		[ $? -eq 2 ] && [ "$(wc -l <"$work/out")" -eq 1 ] || return
	done
	"$bench/bench" --help | grep -q '^Usage: bench'
}

# Each line of the template without a figure is in the page, in the same order.
page_in_step() {
	python3 - "$bench/performance.rst.in" ../../Documentation/performance.rst <<-'END'
	import sys
	template, page = (open(name, encoding="utf-8").read().splitlines() for name in sys.argv[1:])
	lines = iter(page)
	for line in template:
	    if "@" not in line and line and line not in lines:
	        print("# not in the page, or not there:", line)
	        sys.exit(1)
	END
}

plan 12
make_figures && reports
result $? "a report is made"
bounds_judged
result $? "bounds are judged"
counts_placed
result $? "instructions are in their cells"
times_placed
result $? "times are in their cells"
passes_placed
result $? "passes and their share of a CPU are in their cells"
memory_placed
result $? "memory is in its cells"
machine_named
result $? "the report describes the machine"
pages_whole
result $? "the report has plots, the page has none"
refuses_gaps
result $? "missing and wrong figures are refused"
bench_measures
result $? "bench makes a page if all steps succeed, and none otherwise"
bench_refuses
result $? "bench: 2 and one line for a wrong command line"
page_in_step
result $? "the page has the text of its template"
finish
