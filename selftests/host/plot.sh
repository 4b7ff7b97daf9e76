#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# dref-plot draws well-formed SVG with a title, and with a curve or bar for each record, at
# the right place. It refuses bad input.

. ../common.sh

# need has printed what is missing and cannot be installed.
../../scripts/need plot || exit $KSFT_SKIP
plot=$(realpath ../../tools/plot/dref-plot)
work=$(mktemp -d) || exit
trap 'rm -rf "$work"' EXIT

# ---- records ----

scaling='{"scaling": [
	{"counter": "ref & <count>", "threads": 1, "ns": 4}, {"counter": "ref & <count>", "threads": 2, "ns": 20},
	{"counter": "ref & <count>", "threads": 8, "ns": 90.5},
	{"counter": "dref_deferred", "threads": 8, "ns": 1.25}, {"counter": "dref_deferred", "threads": 1, "ns": 1.2}
]}'
native='{"program": "dref-native", "figures": [
	{"scenario": "one", "counter": "a", "threads": 1, "ns": 4}, {"scenario": "own", "counter": "a", "threads": 1, "ns": 4},
	{"scenario": "own", "counter": "b", "threads": 1, "ns": 5}
]}'

releases='{"machine": {"kernel": "6.1.0-test", "machine": "x86_64"}, "release": [
	{"counter": "dref exact", "operation": "last put", "min": 1000, "ns": 2000, "p90": 3000, "max": 100000},
	{"counter": "dref deferred", "operation": "kill", "min": 1000000, "ns": 2000000, "p90": 4000000, "max": 8000000}
]}'

# sample SECONDS STEPS PASSES SLAB
sample() {
	echo "{\"seconds\": $1, \"steps\": $2, \"passes\": $3, \"slab_bytes\": $4, \"percpu_bytes\": 1048576}"
}

# stress: a record of dref-stress, on many lines: 20 objects below 2 ms, 0 below 4, 10 below 8
stress() {
	cat <<-END
	{ "program": "dref-stress", "kernel": "6.1.0-test", "machine": "x86_64",
	  "latency": { "histogram": [
	    { "below_ms": 1, "objects": 0 }, { "below_ms": 2, "objects": 20 },
	    { "below_ms": 4, "objects": 0 }, { "below_ms": 8, "objects": 10 },
	    { "below_ms": 16, "objects": 0 }, { "below_ms": null, "objects": 0 } ] },
	  "begin": $(sample 0.000 0 5 8388608),
	  "samples": [ $(sample 1.0 1000 6 20971520), $(sample 3.0 5000 14 20971520) ],
	  "end": $(sample 5.0 5000 14 8388608) }
	END
}

# top SECONDS RATE: a record of dref-top, on one line
top() {
	printf '{"program": "dref-top", "kernel": "6.1.0-test", "machine": "x86_64", "seconds": %s, ' "$1"
	printf '"loaded": true, "stats": {"slot_bytes": 2097152, "slots_total": 100, "slots_used": 50}, '
	printf '"per_second": {"passes": %s, "promotions": 2, "demotions": 3, "released_exact": 4, ' "$2"
	printf '"released_deferred": 5, "resurrected": 6}, "latency": {"histogram": ['
	printf '{"below_us": 1, "objects": 7}, {"below_us": 2, "objects": 8000}, {"below_us": null, "objects": 1}]}}\n'
}

unloaded() {
	echo '{"program": "dref-top", "seconds": 3.000, "loaded": false}'
}

# ---- pictures ----

# plots OPTION...: dref-plot draws a picture, $work/svg, and prints nothing.
plots() {
	"$plot" --output "$work/svg" "$@" >"$work/out" 2>&1 && [ ! -s "$work/out" ] && return
	sed 's/^/# /' "$work/out"
	return 1
}

# is EXPRESSION...: each is true of the picture. names: of the curves and bars. points: the
# places of the points of each, in pixels from the left and the top. stretches: into how
# many pieces gaps cut each. bars: the heights of those of each that are not zero. The first
# bar of each is the sample in the key, and so is the last point.
is() {
	python3 - "$work/svg" "$@" <<-'END'
	import math, re, sys
	import xml.etree.ElementTree as tree
	svg = "{http://www.w3.org/2000/svg}"
	root = tree.parse(sys.argv[1]).getroot()
	def all_of(node, name):
	    return list(node.iter(svg + name))
	def numbers(text):
	    return [float(number) for number in re.findall(r"-?[0-9.]+", text)]
	texts = ["".join(text.itertext()).strip() for text in all_of(root, "text")]
	plots = [g for g in all_of(root, "g") if g.get("id", "").startswith("gnuplot_plot_")]
	names = ["".join(all_of(g, "text")[0].itertext()) for g in plots]
	points = [[tuple(numbers(use.get("transform"))[:2]) for use in all_of(g, "use")[:-1]]
	          for g in plots]
	stretches = [sum(path.get("d").count("M") for path in all_of(g, "path")) - 1
	             for g in plots]
	corners = [[numbers(bar.get("points")) for bar in all_of(g, "polygon")[1:]] for g in plots]
	bars = [[max(c[1::2]) - min(c[1::2]) for c in bars] for bars in corners]
	def near(a, b):
	    return abs(a - b) < 0.01 * abs(b)
	def up(plot, a, b):		# from one point to another
	    return points[plot][a][1] - points[plot][b][1]
	def right(plot, a, b):
	    return points[plot][b][0] - points[plot][a][0]
	for expression in sys.argv[2:]:
	    if not eval(expression):
	        print("# not so:", expression, texts, names, points, stretches, bars)
	        sys.exit(1)
	END
}

# ---- the tests ----

help() {
	"$plot" --help >"$work/out" && grep -q '^usage: dref-plot' "$work/out"
}

# On logarithmic axes
plots_scaling() {
	echo "$scaling" >"$work/in"
	plots "$work/in" &&
	is 'names == ["ref & <count>", "dref_deferred"] and "Cost by threads" in texts' \
		'{"threads", "ns per operation, logarithmic", "1", "2", "8"} <= set(texts)' \
		'[len(p) for p in points] == [3, 2] and stretches == [1, 1]' \
		'near(up(0, 0, 1) / up(0, 0, 2), math.log(20 / 4) / math.log(90.5 / 4))' \
		'near(right(0, 0, 1) / right(0, 0, 2), math.log(2) / math.log(8))' \
		'near(right(1, 0, 1), right(0, 0, 2))'
}

# On linear axes, with a curve for each counter and scenario, or for one scenario
plots_native() {
	echo "$native" >"$work/in"
	plots --plot scaling "$work/in" && is 'names == ["one, a", "own, a", "own, b"]' \
		'"ns per operation" in texts and near(up(1, 0, 0) + up(2, 0, 0) + 1, 1)' &&
	plots --only own "$work/in" && is 'names == ["a", "b"] and "Cost by threads: own" in texts' &&
	echo '{"machine": {"unit": "instructions", "axis": "possible CPUs"}, "scaling": [
		{"counter": "c", "operation": "get and put", "threads": 1, "ns": 10}]}' >"$work/more" &&
	plots "$work/more" && is '"instructions per operation" in texts and names == ["c"]' \
		'"possible CPUs" in texts and "Cost by possible CPUs: get and put" in texts' &&
	plots "$work/in" "$work/more" && is 'len(names) == 4'
}

plots_latency() {
	stress >"$work/in"
	plots "$work/in" &&
	is 'names == ["objects", "so far"] and "Release of 30 objects, 6.1.0-test, x86_64" in texts' \
		'[text for text in texts if "<" in text] == ["< 2 ms", "< 4 ms", "< 8 ms"]' \
		'{"time from the last put to release()", "released so far, percent"} <= set(texts)' \
		'len(bars[0]) == 2 and near(bars[0][0], 2 * bars[0][1])' \
		'len(points[1]) == 3 and up(1, 0, 1) == 0 and up(1, 1, 2) > 0' &&
	top 1 5 >"$work/in" && plots - <"$work/in" &&
	is '[text for text in texts if "<" in text] == ["< 1 us", "< 2 us"] and "more" in texts' \
		'"objects, logarithmic" in texts and len(bars[0]) == 3' \
		'near((bars[0][1] - bars[0][2]) / (bars[0][0] - bars[0][2]), math.log(8000) / math.log(7))'
}

plots_memory() {
	stress >"$work/in"
	plots --plot memory "$work/in" &&
	is 'names == ["unreclaimable slab", "per-CPU memory"] and {"MiB", "seconds"} <= set(texts)' \
		'"Memory of the machine, 6.1.0-test, x86_64" in texts and stretches == [1, 1]' \
		'[len(p) for p in points] == [4, 4] and near(right(0, 0, 1) * 5, right(0, 0, 3))' \
		'near(12 / 7, up(0, 0, 1) / (points[1][0][1] - points[0][0][1]))' &&
	{ top 1 5; top 2 5; unloaded; top 4 5; } >"$work/in" && plots -p memory "$work/in" &&
	is 'names == ["all slots", "slots in use"] and len(points[0]) == 3 and stretches[0] >= 2' \
		'points[1][0][1] - points[0][0][1] > 100'
}

plots_rates() {
	stress >"$work/in"
	plots --plot rates "$work/in" &&
	is 'names == ["steps", "passes"] and "per second, logarithmic" in texts' \
		'[len(p) for p in points] == [2, 2] and near(up(1, 0, 1), 2 * up(0, 0, 1))' &&
	{ top 1 5; top 2 10; unloaded; top 4 null; top 5 0; top 6 5; } >"$work/in" &&
	plots "$work/in" &&
	is 'len(names) == 6 and "Activity of dref per second, 6.1.0-test, x86_64" in texts' \
		'"per second" in texts and [len(p) for p in points] == [4, 5, 5, 5, 5, 5]' \
		'near(up(0, 0, 1), up(0, 2, 3)) and near(up(0, 2, 0), up(0, 0, 1))' &&
	{ top 1 50000; top 2 0; top 3 40000; } >"$work/in" && plots "$work/in" &&
	is '"per second, logarithmic, zero left out" in texts and len(points[0]) == 2'
}

# On a logarithmic axis
plots_release() {
	echo "$releases" >"$work/in"
	plots "$work/in" &&
	is 'names == ["min to p90, max", "median"] and "Release, 6.1.0-test, x86_64" in texts' \
		'{"dref exact: last put", "dref deferred: kill"} <= set(texts)' \
		'"ms from the last put to release(), logarithmic" in texts and len(points[1]) == 2' \
		'near(bars[0][0] / bars[0][1], math.log(3) / math.log(4))' \
		'near(up(1, 0, 1) / bars[0][1], math.log(1000) / math.log(4))' &&
	echo "${releases%\}}, \"scaling\": []}" >"$work/in" && plots --plot release "$work/in" &&
	is 'len(points[1]) == 2'
}

writes_where_told() {
	echo "$scaling" | "$plot" >"$work/piped" && echo "$scaling" >"$work/in" &&
	plots "$work/in" && cmp "$work/svg" "$work/piped"
}

# refused OPTION...: the exit status is 2, one line says why, and there is no picture.
refused() {
	rm -f "$work/svg"
	"$plot" -o "$work/svg" "$@" >"$work/out" 2>&1 </dev/null
	[ $? -eq 2 ] && [ "$(wc -l <"$work/out")" -eq 1 ] && grep -q '^dref-plot: ' "$work/out" &&
		[ ! -e "$work/svg" ] && return
	echo "# not refused: $*"
	sed 's/^/# /' "$work/out"
	return 1
}

# refused_input TEXT [OPTION...]
refused_input() {
	printf '%s\n' "$1" >"$work/in"
	shift
	refused "$work/in" "$@" || { sed 's/^/# /' "$work/in"; false; }
}

options_refused() {
	echo "$scaling" >"$work/in"
	refused --nonsense "$work/in" && refused --plot pie "$work/in" && refused --plot &&
	refused --plot rates "$work/in" && refused --only nonsense "$work/in" &&
	refused /nonsense/file && refused "$work" && refused "$work/in" -o /nonsense/svg &&
	stress >"$work/in" && refused --plot scaling "$work/in" && refused "$work/in" "$work/in" &&
	refused --only steps "$work/in"
}

no_gnuplot() {
	echo "$scaling" >"$work/in"
	python=$(python3 -c 'import sys; print(sys.executable)')
	PATH=$work "$python" "$plot" "$work/in" >"$work/out" 2>&1
	[ $? -eq 2 ] && grep -qx 'dref-plot: gnuplot not found: install the package gnuplot-nox' "$work/out"
}

# Each of these has one error, in input that is right otherwise.
input_refused() {
	refused_input '' && refused_input nonsense && refused_input '[1, 2]' &&
	refused_input '{}' && refused_input '{"program": "top"}' && refused_input "$scaling {" &&
	refused_input "$scaling $(top 1 1)" && refused_input '{"scaling": []}' &&
	refused_input '{"scaling": 7}' && refused_input "$(printf '\377')" &&
	for wrong in 's/4}/-4}/' 's/4}/NaN}/' 's/4}/"4"}/' 's/4}/null}/' 's/4}/true}/' 's/4}/1e999}/' \
		     's/"threads": 8/"threads": 0/' 's/"threads": 8/"threads": 1.5/' \
		     's/"threads": 2/"threads": 1/' 's/"ns"/"us"/' 's/"ref & <count>"/7/'; do
		refused_input "$(echo "$scaling" | sed "$wrong")" || return
	done
	for wrong in 's/"objects": 20/"objects": -20/' 's/"below_ms": 2/"below_ms": 9/' \
		     's/"latency"/"late"/' 's/"objects": [12]0/"objects": 0/' \
		     's/"below_ms": 1,/"below_ms": null,/'; do
		refused_input "$(stress | sed "$wrong")" || return
	done
	for wrong in 's/"seconds": 3.0/"seconds": 1.0/' 's/"steps"/"stops"/' 's/"begin"/"began"/'; do
		refused_input "$(stress | sed "$wrong")" --plot rates || return
	done
	for wrong in 's/"min": 1000,/"min": 0,/' 's/"min": 1000,/"min": 2500,/' 's/"p90": 3/"p90": 1/' \
		     's/"operation": "kill"/"operation": 7/' 's/"machine"/"man"/' 's/"max"/"most"/'; do
		refused_input "$(echo "$releases" | sed "$wrong")" || return
	done
	refused_input "$(top 1 null | sed 's/: [2-6]\([,}]\)/: null\1/g')" --plot rates
}

plan 11
help
result $? "--help"
plots_scaling
result $? "scaling is plotted"
plots_native
result $? "scaling is plotted from records of other programs"
plots_latency
result $? "latency is plotted"
plots_memory
result $? "memory is plotted"
plots_rates
result $? "rates are plotted"
plots_release
result $? "releases are plotted"
writes_where_told
result $? "standard input and output are used by default"
options_refused
result $? "bad options are refused"
no_gnuplot
result $? "without gnuplot a message names its package"
input_refused
result $? "bad input is refused"
finish
