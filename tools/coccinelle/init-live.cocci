// SPDX-License-Identifier: GPL-2.0
/// dref_init() of an object that is alive forgets who has references: each object
/// is initialised once, before anybody else can see it.
//
// Options: --no-includes

virtual report

@alive@
expression ref;
identifier maker = { dref_init, dref_get, dref_get_many, dref_tryget, dref_tryget_live,
	dref_defer };
position before;
@@
maker@before(ref, ...)

@live exists@
expression alive.ref, part <= alive.ref, other;
identifier alive.maker;
iterator walk;
statement S;
position alive.before, p;
@@
maker@before(ref, ...)
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
 \(dref_put\|dref_put_many\|dref_kill\)(ref, ...)
|
 dref_init@p(ref, ...)
)

@script:python depends on report@
before << alive.before;
p << live.p;
ref << alive.ref;
@@
if before[0].line != p[0].line:
	coccilib.report.print_report(p[0], "%s has been alive since line %s" % (ref, before[0].line))
