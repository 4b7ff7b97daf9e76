// SPDX-License-Identifier: GPL-2.0
/// dref_tryget() takes a reference, or it does not: who does not ask has either lost
/// one or uses an object that is dead. Also of dref_tryget_live().
//
// Options: --no-includes

virtual report

@ignored@
expression ref;
position p;
@@
(
 dref_tryget@p(ref);
|
 dref_tryget_live@p(ref);
|
 (void)dref_tryget@p(ref);
|
 (void)dref_tryget_live@p(ref);
)

@script:python depends on report@
p << ignored.p;
ref << ignored.ref;
@@
coccilib.report.print_report(p[0], "nobody asks if there is a reference to %s" % ref)
