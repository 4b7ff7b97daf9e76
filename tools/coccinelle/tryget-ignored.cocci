// SPDX-License-Identifier: GPL-2.0
/// dref_tryget() may fail to take a reference. A caller that ignores the result either
/// leaks a reference or uses a dead object. The same holds for dref_tryget_live().
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
coccilib.report.print_report(p[0], "the result of the tryget of %s is ignored" % ref)
