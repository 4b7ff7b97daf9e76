// SPDX-License-Identifier: GPL-2.0
/// After dref_put() or dref_kill(), the object may be gone: neither its count nor any
/// other member may be used. After dref_exit(), the count has ended.
///
/// Some cases are not reported: the function has taken a reference itself, as it may
/// hold another one; and the put is inside rcu_read_lock(), where the object can still
/// be read. A pointer that is assigned again points to another object. A completion of the
/// object that is waited for is one that release() completes, so the memory is still there.
//
// Options: --no-includes

virtual report

@got exists@
expression ref;
position put;
@@
(
dref_get(ref)
|
dref_get_many(ref, ...)
|
dref_tryget(ref)
|
dref_tryget_live(ref)
)
...
\(dref_put@put\|dref_put_many@put\|dref_kill@put\)(ref, ...)

@readable exists@
position put;
@@
rcu_read_lock(...)
... when != rcu_read_unlock(...)
\(dref_put@put\|dref_put_many@put\|dref_kill@put\)(...)

@dropped@
expression ref;
position put != { got.put, readable.put };
@@
\(dref_put@put\|dref_put_many@put\|dref_kill@put\|dref_exit@put\)(ref, ...)

@count exists@
expression dropped.ref, part <= dropped.ref, other;
iterator walk;
statement S;
position dropped.put, use;
identifier uses = { dref_get, dref_get_many, dref_put, dref_put_many, dref_tryget,
	dref_tryget_live, dref_kill, dref_exit, dref_read, dref_defer, dref_immortalize,
	dref_is_deferred, dref_is_dying, dref_is_immortal };
@@
\(dref_put@put\|dref_put_many@put\|dref_kill@put\|dref_exit@put\)(ref, ...)
...
(
 walk(..., part, ...) S
|
 part = other
|
 part++
|
 part--
|
 ++part
|
 --part
|
 dref_init(ref, ...)
|
 uses@use(ref, ...)
)

@dropped_object@
expression object;
identifier member;
position put != { got.put, readable.put };
@@
\(dref_put@put\|dref_put_many@put\|dref_kill@put\)(&object->member, ...)

@count_of@
expression dropped_object.object;
identifier dropped_object.member;
position p;
@@
 &object@p->member

@rest exists@
expression dropped_object.object, part <= dropped_object.object, other;
identifier dropped_object.member, used;
iterator walk;
statement S;
position dropped_object.put, use != count_of.p;
@@
\(dref_put@put\|dref_put_many@put\|dref_kill@put\)(&object->member, ...)
...
(
 walk(..., part, ...) S
|
 part = other
|
 part++
|
 part--
|
 ++part
|
 --part
|
 wait_for_completion(&object->used)
|
 object@use->used
)

@script:python depends on report && count@
put << dropped.put;
use << count.use;
ref << dropped.ref;
@@
coccilib.report.print_report(use[0], "%s is used after its reference was dropped on line %s" % (ref, put[0].line))

@script:python depends on report@
put << dropped_object.put;
use << rest.use;
object << dropped_object.object;
@@
coccilib.report.print_report(use[0], "%s is used after its reference was dropped on line %s" % (object, put[0].line))
