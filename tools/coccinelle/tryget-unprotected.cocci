// SPDX-License-Identifier: GPL-2.0
/// dref_tryget() requires that the object cannot be freed meanwhile: call it inside
/// rcu_read_lock(), or under the lock that keeps the object where it was found.
///
/// This check is a heuristic. It reports only objects that the function itself has
/// looked up, not objects that were passed to it, and it accepts any lock. Most
/// reports are an rcu_read_unlock() that comes too early.
//
// Options: --no-includes

virtual report

@locked exists@
identifier lock =~ "^(rcu_read_lock|srcu_read_lock|preempt_disable|mutex_lock|(raw_)?spin_(lock|trylock)|read_lock|write_lock|down_(read|write)|guard|scoped_guard)";
identifier unlock =~ "^(rcu_read_unlock|srcu_read_unlock|preempt_enable|mutex_unlock|(raw_)?spin_unlock|read_unlock|write_unlock|up_(read|write))";
position p;
@@
lock(...)
... when != unlock(...)
\(dref_tryget@p\|dref_tryget_live@p\)(...)

@found exists@
expression object;
identifier member;
identifier lookup =~ "^(rcu_(dereference|access)|srcu_dereference|READ_ONCE|smp_load_acquire|xa_(load|find)|idr_find|radix_tree_lookup|rhashtable_lookup|rhltable_lookup|list_(first|next|entry)|hlist_entry|llist_entry|rb_entry)";
position p != locked.p;
@@
object = lookup(...)
... when != object = ...
\(dref_tryget@p\|dref_tryget_live@p\)(\(object\|&object->member\))

@walked@
iterator walk =~ "^h?(l|list|hlist|hash)(_nulls|_bl)?_for_each";
expression object;
identifier member;
position p != locked.p;
@@
walk(...)
{
<...
\(dref_tryget@p\|dref_tryget_live@p\)(&object->member)
...>
}

@script:python depends on report@
p << found.p;
ref << found.object;
@@
coccilib.report.print_report(p[0], "%s may be freed here: there is no RCU section and no lock" % ref)

@script:python depends on report@
p << walked.p;
ref << walked.object;
@@
coccilib.report.print_report(p[0], "%s may be freed here: there is no RCU section and no lock" % ref)
