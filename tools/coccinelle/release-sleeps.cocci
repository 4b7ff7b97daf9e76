// SPDX-License-Identifier: GPL-2.0
/// release() of a class without DREF_SLEEP must not sleep. Without a flag, it may run in the
/// context of the last put, which may be an interrupt. With DREF_RCU or DREF_ASYNC, it runs
/// in a worker, but dref does not allow it to sleep there either. No release() may wait for
/// releases, because it would wait for itself.
///
/// Only functions that release() calls directly are checked.
//
// Options: --no-includes

virtual report

@class@
declarer name DEFINE_DREF_CLASS;
identifier var, release;
expression label, flags;
@@
(
 static DEFINE_DREF_CLASS(var, label, release, flags);
|
 DEFINE_DREF_CLASS(var, label, release, flags);
)

@waits@
identifier class.release, ref;
identifier waiter = { dref_reconcile, dref_barrier, dref_class_barrier, dref_class_unregister,
	dref_class_drain };
position p;
@@
release(struct dref *ref)
{
<+...
waiter@p(...)
...+>
}

@script:python depends on report@
p << waits.p;
waiter << waits.waiter;
label << class.label;
@@
coccilib.report.print_report(p[0], "release() of class %s calls %s(), which waits for releases" % (label, waiter))

@script:python@
flags << class.flags;
@@
if "DREF_SLEEP" in flags:
	cocci.include_match(False)

@sleeps@
identifier class.release, ref;
identifier sleeper =~ "^(mutex_lock|down$|down_read|down_write|msleep|ssleep|fsleep|usleep_range|schedule$|schedule_(timeout|hrtimeout)|wait_event|wait_for|synchronize_|rcu_barrier|flush_work|flush_delayed_work|cancel_work_sync|cancel_delayed_work_sync|kthread_stop|free_irq|vunmap|might_sleep|cond_resched)";
position p;
@@
release(struct dref *ref)
{
<+...
sleeper@p(...)
...+>
}

@allocates@
identifier class.release, ref;
identifier sleeper;
position p;
@@
release(struct dref *ref)
{
<+...
sleeper@p(..., \(GFP_KERNEL\|GFP_KERNEL_ACCOUNT\|GFP_NOFS\|GFP_NOIO\), ...)
...+>
}

@script:python depends on report@
p << sleeps.p;
sleeper << sleeps.sleeper;
label << class.label;
@@
coccilib.report.print_report(p[0], "release() of class %s calls %s(), which may sleep, but the class lacks DREF_SLEEP" % (label, sleeper))

@script:python depends on report@
p << allocates.p;
sleeper << allocates.sleeper;
label << class.label;
@@
coccilib.report.print_report(p[0], "release() of class %s calls %s(), which may sleep, but the class lacks DREF_SLEEP" % (label, sleeper))
