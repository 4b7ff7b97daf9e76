// SPDX-License-Identifier: GPL-2.0
/// An object that has been initialised must not be freed while it is alive: another CPU may
/// use it, and dref_class_drain() waits for a put that never comes. If the object was never
/// published, an error path calls dref_exit() before it frees the object. Otherwise it drops
/// the reference with dref_put() or dref_kill(), and release() frees the object.
///
/// Only objects that the same function has initialised are checked. A kernel with
/// CONFIG_DEBUG_OBJECTS_FREE finds the others when they are freed.
//
// Options: --no-includes

virtual report

@made@
expression object;
identifier member;
position init;
@@
dref_init@init(&object->member, ...)

@freed exists@
expression made.object;
identifier made.member;
position made.init, p;
@@
dref_init@init(&object->member, ...)
... when != \(dref_put\|dref_put_many\|dref_kill\|dref_exit\)(&object->member, ...)
    when != object = ...
\(kfree@p\|kvfree@p\|kfree_sensitive@p\|kmem_cache_free@p\|kfree_rcu@p\)(..., object, ...)

@script:python depends on report@
init << made.init;
p << freed.p;
object << made.object;
@@
coccilib.report.print_report(p[0], "%s is freed without a dref_put(), dref_kill() or dref_exit() since line %s" % (object, init[0].line))
