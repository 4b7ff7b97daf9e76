#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# tools/intree puts dref into a kernel tree as commits, and refuses what is no kernel tree,
# one that is too old, has changes, or has dref already. The tree of this test has only
# the files that the series changes, and the headers that tell which functions the kernel
# has. checkpatch looks at the files that differ most from those of this repository;
# "intree --check" looks at all.

cd "$(dirname "$0")/../.." || exit
. selftests/common.sh
scripts/need intree || exit
parts=$(scripts/kselftest-get) || exit
intree=tools/intree/intree
out=$(mktemp -d) || exit
trap 'rm -rf "$out"' EXIT
tree=$out/linux
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null

# put PATH: a file of the tree, from standard input
put() {
	mkdir -p "$tree/$(dirname "$1")" && cat >"$tree/$1"
}

# A tree of this version of Linux, with the functions of 6.12 or those of a newer one
new_tree() {
	rm -rf "$tree"
	printf 'VERSION = %s\nPATCHLEVEL = %s\nSUBLEVEL = 0\n' "$1" "$2" | put Makefile
	put Kbuild </dev/null
	printf 'config CLOSURES\n\tbool\n' | sed '1i\\n' | put lib/Kconfig
	# shellcheck disable=SC2016 # make expands it
	echo 'obj-$(CONFIG_CLOSURES) += closure.o' | put lib/Makefile
	printf 'TARGETS += dma\nTARGETS += drivers/net\nTARGETS += dt\n' |
		put tools/testing/selftests/Makefile
	printf '.. toctree::\n\n   refcount-vs-atomic\n' | put Documentation/core-api/index.rst
	printf 'LITMUS TESTS\n' | put Documentation/litmus-tests/README
	printf '%s\n' 'Maintainers List' '' 'DEBUGOBJECTS:' '' 'DEBUG' $'M:\tA' '' 'DT' $'M:\tB' '' |
		put MAINTAINERS
	printf '%s\n' '#include <linux/percpu.h>' '#include <linux/rcupdate_trace.h>' \
		'static struct ref_scale_ops refcnt_ops = {' $'\t.name = "refcnt"' '};' \
		'static struct ref_scale_ops *scale_ops[] = {' $'\t\tRCU_TRACE_OPS RCU_TASKS_OPS' \
		$'\t\t&refcnt_ops, &rwlock_ops,' '};' | put kernel/rcu/refscale.c
	echo '#define STACK_DEPOT_FLAG_CAN_ALLOC 1' | put include/linux/stackdepot.h
	echo "void ${3:-}();" | put include/linux/hrtimer.h
	echo 'enum { WQ_UNBOUND_MAX_ACTIVE };' | put include/linux/workqueue.h
	echo 'struct lsm_info { const char *name; };' | put include/linux/lsm_hooks.h
	git -C "$tree" init -q && git -C "$tree" config user.name dref &&
		git -C "$tree" config user.email dref@example.org && git -C "$tree" add -A &&
		git -C "$tree" commit -q -m "Linux $1.$2"
}

# state: the commit, the branches and the changes of the tree
state() {
	git -C "$tree" rev-parse HEAD 2>&1
	git -C "$tree" branch --list 2>&1
	git -C "$tree" status --porcelain --ignored 2>&1
}

# refuses TEXT [OPTION]...: intree fails with this message, and changes nothing
refuses() {
	local text=$1 before

	shift
	before=$(state)
	! "$intree" "$@" "$tree" >"$out/log" 2>&1 && grep -qF "$text" "$out/log" &&
		[ "$before" = "$(state)" ] && return
	sed 's/^/# /' "$out/log"
	return 1
}

plan 12
new_tree 6 12
"$intree" --patches "$out/patches" "$tree" >"$out/log" 2>&1 &&
	[ "$(git -C "$tree" rev-list --count HEAD)" -eq 8 ] &&
	[ -z "$(git -C "$tree" status --porcelain)" ]
status=$?
[ $status -eq 0 ] || sed 's/^/# /' "$out/log"
result $status "7 commits for Linux 6.12"

grep -q '^Subject: \[PATCH 0/7\] lib: dref' "$out"/patches/0000-*.patch &&
	[ "$(find "$out/patches" -type f | wc -l)" -eq 8 ]
result $? "the patches have a cover letter"

! grep -rnE 'dref_broken|DREF_HAVE|compat\.h|dref_abi' "$tree/lib" "$tree/include" >"$out/log"
status=$?
sed 's/^/# /' "$out/log"
result $status "nothing is left of other kernels, of faults on demand and of the ABI guard"

perl "$parts/scripts/checkpatch.pl" --no-tree --strict --terse --quiet --no-summary --show-types \
	--color=never -f "$tree"/lib/dref/{optional.h,main.c,slot.c,promote.c,tests/early.c} \
	"$tree"/include/linux/dref.h >"$out/log" 2>&1
sed "s,^$tree,#," "$out/log"
[ ! -s "$out/log" ]
result $? "checkpatch accepts what was changed"

# index.rst has directives of the kernel's own.
for page in "$tree"/Documentation/core-api/dref/[!i]*.rst; do
	rst2html --report=info "$page" 2>&1 >"$out/html" | sed "s,^$tree,#,"
done >"$out/log"
cat "$out/log"
[ -s "$out/html" ] && [ ! -s "$out/log" ]
result $? "the pages of the manual are still well-formed"

refuses "has dref already"
result $? "a tree that has dref is refused"

new_tree 7 3 hrtimer_setup
echo >>"$tree/lib/Kconfig"
refuses "has uncommitted changes: M lib/Kconfig"
result $? "a tree with changes is refused"

git -C "$tree" checkout -q . && sed -i 's/&refcnt_ops/\&other_ops/' "$tree/kernel/rcu/refscale.c" &&
	git -C "$tree" commit -q -a -m other
refuses "refscale.c: expected once, found 0 times"
result $? "a tree that the series does not fit stays as it was"

git -C "$tree" reset -q --hard HEAD~1
refuses "security/apparmor has no struct aa_common_ref as that of Linux 7.3" --apparmor
result $? "a tree whose AppArmor is another one stays as it was"

new_tree 6 1
refuses "is Linux 6.1; 6.12 is needed"
result $? "an older kernel is refused"

rm "$tree/lib/Kconfig"
refuses "is not a kernel tree: it has no lib/Kconfig"
result $? "a folder that is no kernel tree is refused"

new_tree 7 3 hrtimer_setup
rm -rf "$tree/.git"
! "$intree" "$tree" >"$out/log" 2>&1 && grep -q -- '--init makes it one' "$out/log" &&
	GIT_CONFIG_COUNT=2 GIT_CONFIG_KEY_0=user.name \
	GIT_CONFIG_VALUE_0=dref GIT_CONFIG_KEY_1=user.email GIT_CONFIG_VALUE_1=dref@example.org \
	"$intree" --init "$tree" >"$out/log" 2>&1
status=$?
[ $status -eq 0 ] || sed 's/^/# /' "$out/log"
result $status "--init makes a git tree of an unpacked source"
finish
