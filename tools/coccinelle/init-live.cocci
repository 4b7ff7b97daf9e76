// SPDX-License-Identifier: GPL-2.0
/// dref_init() of a live object discards its references, and what happens then is undefined.
/// dref_init() reads nothing of the old memory, so it cannot notice that. A kernel with
/// CONFIG_DEBUG_OBJECTS does, when the code runs. An object must be initialised once, before
/// it is visible to other code; an immortal object is alive for ever.
//
// Options: --no-includes

virtual report

@alive@
expression ref;
identifier maker = { dref_init, dref_get, dref_get_many, dref_tryget, dref_tryget_live,
	dref_defer, dref_immortalize };
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
 \(dref_put\|dref_put_many\|dref_kill\|dref_exit\)(ref, ...)
|
 dref_init@p(ref, ...)
)

@script:python depends on report@
before << alive.before;
p << live.p;
ref << alive.ref;
@@
if before[0].line != p[0].line:
	coccilib.report.print_report(p[0], "dref_init() of %s, which has been alive since line %s" % (ref, before[0].line))
