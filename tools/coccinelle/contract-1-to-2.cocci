// SPDX-License-Identifier: GPL-2.0
/// Take a module from contract 1 of dref to contract 2.
///
/// As a patch, it makes each DEFINE_DREF_CLASS() static, as the macro did itself in
/// contract 1. If a function initialises an object, and frees it on an error path on which
/// no other code can have seen the object, the patch adds the dref_exit() that contract 2
/// requires there. Run it once, because a class without "static" is global in contract 2:
///
/// spatch --sp-file tools/coccinelle/contract-1-to-2.cocci -D patch --in-place FILE.c
///
/// As a check, it reports a count that is cleared before dref_init(). Contract 1 required
/// that where an object had become immortal, or had been freed without its last put. In
/// contract 2, dref_init() reads nothing of the old memory. free-without-exit.cocci reports
/// the error paths that the patch leaves alone.
//
// Options: --no-includes

virtual patch
virtual report

// ---- classes ----

@private depends on patch@
declarer name DEFINE_DREF_CLASS;
identifier var, release;
expression label, flags;
position p;
@@
static DEFINE_DREF_CLASS@p(var, label, release, flags);

@depends on patch@
identifier var, release;
expression label, flags;
position p != private.p;
@@
- DEFINE_DREF_CLASS@p(var, label, release, flags);
+ static DEFINE_DREF_CLASS(var, label, release, flags);

// ---- error paths ----

@made depends on patch@
expression object;
identifier member;
@@
dref_init(&object->member, ...)

// A path leads here that has not initialised the object.
@early depends on patch exists@
expression made.object;
identifier made.member, function;
position free;
@@
function(...)
{
... when != dref_init(&object->member, ...)
\(kfree@free\|kvfree@free\|kfree_sensitive@free\|kmem_cache_free@free\)(..., object)
... when any
}

// A path leads here on which other code may have seen the object, or the count was used.
@seen depends on patch exists@
expression made.object, other;
identifier made.member, part, call, no_setup !~ "init|INIT|timer_setup";
position free;
@@
dref_init(&object->member, ...)
... when any
(
object = other
|
other = object
|
other = &object->part
|
call(..., object, ...)
|
no_setup(..., &object->part, ...)
)
... when any
\(kfree@free\|kvfree@free\|kfree_sensitive@free\|kmem_cache_free@free\)(..., object)

@unseen depends on patch exists@
expression made.object;
identifier made.member;
position free != { early.free, seen.free };
@@
dref_init(&object->member, ...)
...
\(kfree@free\|kvfree@free\|kfree_sensitive@free\|kmem_cache_free@free\)(..., object)

@depends on patch@
expression made.object;
identifier made.member, release =~ "free";
position unseen.free;
@@
+ dref_exit(&object->member);
release@free(..., object);

// ---- memory that is cleared ----

@cleared depends on report exists@
expression ref;
position p;
@@
memset@p(ref, 0, ...)
... when != ref
dref_init(ref, ...)

@script:python depends on report@
p << cleared.p;
ref << cleared.ref;
@@
coccilib.report.print_report(p[0], "%s need not be cleared for dref_init()" % ref)
