// SPDX-License-Identifier: GPL-2.0
/// Convert a user of struct percpu_ref to struct dref. Name all sources and headers of the
/// user at once, because a count is converted in all of them or in none:
///
/// spatch --sp-file tools/coccinelle/percpu_ref-to-dref.cocci -D patch --recursive-includes \
///	--include-headers-for-types --no-show-diff --in-place *.c *.h
///
/// It says of each count whether it is converted, and if not, why: a line per use that
/// has no meaning with dref. Documentation/conversions.rst explains the reasons.
///
/// dref_init() cannot fail, so the error path of percpu_ref_init() goes. percpu_ref_exit()
/// becomes dref_exit() on the error path of the function that initialises the count, and
/// goes where the count is dead. percpu_ref_kill() becomes dref_kill().
///
/// The following remains to be done by hand:
///
/// - Call dref_class_register(&STRUCTURE_class) in module_init() and dref_class_drain()
///   in module_exit(), and choose the flags of the class (see include/linux/dref.h).
/// - Remove labels and variables that only the error path of percpu_ref_init() used.
/// - Include <linux/dref.h> where <linux/percpu-refcount.h> is still needed, or was not
///   included.
/// - Check that nothing relies on the grace period that percpu_ref_kill() begins. After
///   dref_kill(), release() may come at once, also while readers have found the object under
///   RCU. percpu_ref_get() of an object that was looked up in the same function is refused;
///   other such gets must become a dref_tryget().
/// - Test with the module parameter delay_release of dref.ko, which makes each release()
///   run late and in a worker, as that of a deferred object does.
//
// Options: --recursive-includes --include-headers-for-types

virtual patch

// ---- what there is: each count, and each use of it ----

@initialize:python@
@@
converted = {"get", "get_many", "put", "put_many", "tryget", "tryget_live", "tryget_live_rcu",
	     "kill", "init", "exit"}
reasons = {
	"is_zero": "its value is looked at",
	"is_dying": "dref does not tell",
	"kill_and_confirm": "dref_kill() confirms nothing",
	"tryget_many": "dref has no such operation",
	"reinit": "zero is not the end of the object",
	"resurrect": "zero is not the end of the object",
	"switch_to_atomic": "it is made exact to look at its value",
	"switch_to_atomic_sync": "it is made exact to look at its value",
	"switch_to_percpu": "dref chooses the mode",
}
flags_refused = {
	"PERCPU_REF_INIT_DEAD": "it begins at zero",
	"PERCPU_REF_ALLOW_REINIT": "zero is not the end of the object",
}

counts = {}		# (structure, member): the position of the member
refusals = {}		# (structure, member): { (file, line, reason) }
static = set()		# release functions that are static
known = set()		# positions of uses that are dealt with
typed = set()		# positions of uses of an object whose type is known
inits = {}		# (structure, member): { (file, line, function, release) }
releases = {}		# function: position of its definition
strays = {}		# object and member: the position of a use, if the structure is elsewhere
classes = {}		# (structure, member): the name of its class

def place(p):
	return (p[0].file, int(p[0].line), int(p[0].column))

def refuse(structure, member, p, reason):
	refusals.setdefault((structure, member), set()).add((p[0].file, int(p[0].line), reason))

# A name that no function or structure has keeps a rule from matching.
def name_if(condition, name):
	return cocci.make_ident(name if condition else "no_such_name")

def the_release(key):
	return next(iter(inits[key]))[3]

def is_shared(key):
	return any(init[0] != releases[the_release(key)][0].file for init in inits[key])

@counted@
declarer name DEFINE_DREF_CLASS;
identifier structure, member;
position p;
@@
struct structure {
	...
	struct percpu_ref member@p;
	...
};

@script:python@
structure << counted.structure;
member << counted.member;
p << counted.p;
@@
counts.setdefault((structure, member), p)

@called@
identifier counted.structure, counted.member, operation =~ "^percpu_ref_";
struct structure *object;
struct structure embedded;
position p;
@@
operation(&\(object->member@p\|embedded.member@p\), ...)

@script:python@
structure << counted.structure;
member << counted.member;
operation << called.operation;
p << called.p;
@@
name = operation.replace("percpu_ref_", "", 1)
known.add(place(p))
if name not in converted:
	refuse(structure, member, p, "%s(): %s" % (operation, reasons.get(name, "dref has no such operation")))

// percpu_ref_kill() waits for a grace period before the count can become zero. So code that
// has found the object under RCU may call percpu_ref_get() although the owner has killed it.
@found exists@
identifier counted.structure, counted.member;
struct structure *object;
identifier lookup =~ "^(rcu_(dereference|access)|srcu_dereference|READ_ONCE|smp_load_acquire|xa_(load|find)|idr_find|radix_tree_lookup|rhashtable_lookup|rhltable_lookup|list_(first|next|entry)|hlist_entry|llist_entry|rb_entry)";
position p;
@@
object = lookup(...)
... when != object = ...
\(percpu_ref_get\|percpu_ref_get_many\)(&object->member@p, ...)

@walked exists@
identifier counted.structure, counted.member;
struct structure *object;
iterator walk =~ "^h?(l|list|hlist|hash)(_nulls|_bl)?_for_each.*rcu";
position p;
@@
walk(...)
{
<+...
\(percpu_ref_get\|percpu_ref_get_many\)(&object->member@p, ...)
...+>
}

@script:python@
structure << counted.structure;
member << counted.member;
p << found.p;
@@
refuse(structure, member, p, "percpu_ref_get(): the object was looked up")

@script:python@
structure << counted.structure;
member << counted.member;
p << walked.p;
@@
refuse(structure, member, p, "percpu_ref_get(): the object was looked up")

// ---- the first reference ----

@init@
identifier counted.structure, counted.member, release;
struct structure *object;
struct structure embedded;
expression flags;
position p;
@@
percpu_ref_init(&\(object->member@p\|embedded.member@p\), \(release\|&release\), flags, ...)

@script:python@
structure << counted.structure;
member << counted.member;
release << init.release;
flags << init.flags;
p << init.p;
@@
inits.setdefault((structure, member), set()).add((p[0].file, int(p[0].line), p[0].current_element, release))
for flag in flags.replace("|", " ").split():
	if flag in flags_refused:
		refuse(structure, member, p, "%s: %s" % (flag, flags_refused[flag]))
	elif flag not in ("0", "PERCPU_REF_INIT_ATOMIC"):
		refuse(structure, member, p, "percpu_ref_init(): its flags are not constant")

@init_tested@
identifier counted.structure, counted.member;
struct structure *object;
struct structure embedded;
idexpression int error;
statement S;
position p;
@@
(
 error = percpu_ref_init(&\(object->member@p\|embedded.member@p\), ...);
 if (\(error\|error < 0\|error != 0\)) S
|
 if (percpu_ref_init(&\(object->member@p\|embedded.member@p\), ...)) S
|
 return percpu_ref_init(&\(object->member@p\|embedded.member@p\), ...);
)

@script:python tested@
p << init_tested.p;
@@
typed.add(("tested",) + place(p))

@script:python@
structure << counted.structure;
member << counted.member;
p << init.p;
@@
if ("tested",) + place(p) not in typed:
	refuse(structure, member, p, "percpu_ref_init(): an unknown use of its result")

@released@
identifier init.release, ref;
position p;
@@
release@p(struct percpu_ref *ref)
{ ... }

@script:python@
release << init.release;
p << released.p;
@@
releases.setdefault(release, p)

@released_static@
identifier init.release, ref;
@@
static void release(struct percpu_ref *ref)
{ ... }

@script:python@
release << init.release;
ref << released_static.ref;
@@
static.add(release)

@released_otherwise@
identifier init.release, ref, operation =~ "^percpu_ref_";
position p;
@@
release(struct percpu_ref *ref)
{
<+...
operation@p(..., ref, ...)
...+>
}

@script:python@
release << init.release;
operation << released_otherwise.operation;
p << released_otherwise.p;
@@
for structure, member in inits if operation != "percpu_ref_exit" else ():
	if the_release((structure, member)) == release:
		refuse(structure, member, p, "release() calls %s()" % operation)

// ---- the end ----

@exit_dead exists@
identifier counted.structure, counted.member;
struct structure *object;
struct structure embedded;
position p;
@@
\(percpu_ref_kill\|percpu_ref_kill_and_confirm\)(&\(object->member\|embedded.member\), ...)
... when any
percpu_ref_exit(&\(object->member@p\|embedded.member@p\));

@exit_unborn exists@
identifier counted.structure, counted.member;
struct structure *object;
struct structure embedded;
position p != exit_dead.p;
@@
percpu_ref_init(&\(object->member\|embedded.member\), ...)
... when any
percpu_ref_exit(&\(object->member@p\|embedded.member@p\));

@exit_in_release@
identifier init.release, counted.structure, counted.member, ref;
struct structure *object;
position p;
@@
release(struct percpu_ref *ref)
{
<+...
percpu_ref_exit(&object->member@p);
...+>
}

@exit_elsewhere@
identifier counted.structure, counted.member;
struct structure *object;
struct structure embedded;
position p != { exit_dead.p, exit_unborn.p, exit_in_release.p };
@@
percpu_ref_exit(&\(object->member@p\|embedded.member@p\))

@script:python@
structure << counted.structure;
member << counted.member;
p << exit_elsewhere.p;
@@
refuse(structure, member, p, "percpu_ref_exit(): it is not known whether the object is dead")

// ---- uses that are not calls, and calls that are not about these counts ----

@used@
identifier counted.structure, counted.member;
struct structure *object;
struct structure embedded;
position p;
@@
(
 object->member@p
|
 embedded.member@p
)

@script:python@
structure << counted.structure;
member << counted.member;
p << used.p;
@@
if place(p) not in known:
	refuse(structure, member, p, "it is used otherwise")

@any_type@
type T;
T *object;
T embedded;
identifier counted.member, operation =~ "^percpu_ref_";
position p;
@@
operation(&\(object->member@p\|embedded.member@p\), ...)

@script:python@
p << any_type.p;
@@
typed.add(place(p))

@no_type@
expression object;
identifier counted.member, operation =~ "^percpu_ref_";
position p;
@@
operation(&\(object->member@p\|object.member@p\), ...)

@script:python@
member << counted.member;
object << no_type.object;
p << no_type.p;
@@
for key in counts if place(p) not in typed else ():
	if key[1] == member:
		refuse(*key, p, "the type of %s is not known" % object.replace(" ", ""))

@stray@
expression object;
identifier member;
position p;
@@
\(percpu_ref_put\|percpu_ref_kill\)(&\(object->member@p\|object.member@p\))

@script:python@
object << stray.object;
member << stray.member;
p << stray.p;
@@
if place(p) not in known and member not in [count[1] for count in counts]:
	strays.setdefault(object.replace(" ", "") + " " + member, p)

// ---- what is refused ----

@script:python accepted@
structure << counted.structure;
member << counted.member;
count;
release;
class_name;
label;
own_release;
early_init;
early_public_init;
shared_release;
shared_structure;
@@
key = (structure, member)
others = [other for other in inits if other != key and inits[other] and key in inits and
	  the_release(other) == the_release(key)]
if key in refusals:
	pass
elif key not in inits:
	refuse(structure, member, counts[key], "percpu_ref_init() is not in these files")
elif len({init[3] for init in inits[key]}) > 1:
	refuse(structure, member, counts[key], "it has several release functions")
elif the_release(key) not in releases:
	refuse(structure, member, counts[key], "%s() is not in these files" % the_release(key))
elif others:
	refuse(structure, member, counts[key], "%s() is also the release function of %s.%s" %
	       (the_release(key), *others[0]))
elif is_shared(key) and not counts[key][0].file.endswith(".h"):
	refuse(structure, member, counts[key], "several files share it without a header")
if key in refusals:
	cocci.include_match(False)
else:
	name = the_release(key)
	shared = is_shared(key)
	first = min(inits[key], key=lambda init: init[1])
	early = not shared and first[1] < int(releases[name][0].line)
	owner = structure if len([1 for other in counts if other[0] == structure]) == 1 else \
		structure + "_" + member
	classes[key] = owner + "_class"
	coccinelle.count = cocci.make_ident(member)
	coccinelle.release = cocci.make_ident(name)
	coccinelle.class_name = cocci.make_ident(classes[key])
	coccinelle.label = cocci.make_expr('"%s"' % owner.lower()[:31])
	coccinelle.own_release = name_if(not shared and not early, name)
	coccinelle.shared_release = name_if(shared, name)
	coccinelle.shared_structure = name_if(shared, structure)
	coccinelle.early_init = name_if(early and name in static, first[2])
	coccinelle.early_public_init = name_if(early and name not in static, first[2])

// ---- what is converted ----

@@
identifier accepted.release, counted.structure, accepted.count, ref;
struct structure *object;
@@
release(struct percpu_ref *ref)
{
<...
(
- percpu_ref_exit(&object->count);
|
- percpu_ref_exit(ref);
)
...>
}

@exists@
identifier counted.structure, accepted.count;
struct structure *object;
struct structure embedded;
@@
percpu_ref_kill(&\(object->count\|embedded.count\))
... when any
- percpu_ref_exit(&\(object->count\|embedded.count\));

@@
identifier accepted.class_name, counted.structure, accepted.count;
struct structure *object;
struct structure embedded;
expression error;
statement S;
@@
(
- error = percpu_ref_init(
+ dref_init(
  &\(object->count\|embedded.count\)
- , ...
+ , &class_name
  );
- if (\(error\|error < 0\|error != 0\)) S
+ error = 0;
|
- if (percpu_ref_init(
+ dref_init(
  &\(object->count\|embedded.count\)
- , ...)) S
+ , &class_name);
|
- return percpu_ref_init(
+ dref_init(
  &\(object->count\|embedded.count\)
- , ...
+ , &class_name
  );
+ return 0;
)

@@
identifier counted.structure, accepted.count;
struct structure *object;
struct structure embedded;
@@
(
- percpu_ref_get
+ dref_get
|
- percpu_ref_get_many
+ dref_get_many
|
- percpu_ref_put
+ dref_put
|
- percpu_ref_put_many
+ dref_put_many
|
- percpu_ref_tryget
+ dref_tryget
|
- percpu_ref_tryget_live
+ dref_tryget_live
|
- percpu_ref_tryget_live_rcu
+ dref_tryget_live
|
- percpu_ref_kill
+ dref_kill
|
- percpu_ref_exit
+ dref_exit
)
  (&\(object->count\|embedded.count\), ...)

// ---- the class; spatch changes the prototypes of release(), too ----

@@
identifier accepted.release, ref;
@@
- release(struct percpu_ref *ref)
+ release(struct dref *ref)
  { ... }

@@
identifier accepted.own_release, accepted.class_name, ref;
expression accepted.label;
@@
  own_release(struct dref *ref)
  { ... }
++ static DEFINE_DREF_CLASS(class_name, label, own_release, 0);

@@
identifier accepted.shared_release, accepted.class_name, ref;
expression accepted.label;
@@
  shared_release(struct dref *ref)
  { ... }
++ DEFINE_DREF_CLASS(class_name, label, shared_release, 0);

// The first function that initialises such objects, if release() is below it
@@
identifier accepted.early_init, accepted.release, accepted.class_name;
expression accepted.label;
@@
++ static void release(struct dref *ref);
++ static DEFINE_DREF_CLASS(class_name, label, release, 0);
++
  early_init(...)
  { ... }

@@
identifier accepted.early_public_init, accepted.release, accepted.class_name;
expression accepted.label;
@@
++ static DEFINE_DREF_CLASS(class_name, label, release, 0);
++
  early_public_init(...)
  { ... }

@@
identifier accepted.shared_structure, accepted.class_name;
@@
  struct shared_structure { ... };
++ extern struct dref_class class_name;

@@
identifier counted.structure, accepted.count;
@@
struct structure {
	...
-	struct percpu_ref count;
+	struct dref count;
	...
};

@script:python whole@
p << counted.p;
@@
if refusals:
	cocci.include_match(False)

@depends on whole@
@@
- #include <linux/percpu-refcount.h>
+ #include <linux/dref.h>

@finalize:python@
@@
for key in sorted(counts, key=lambda key: place(counts[key])):
	file, line, column = place(counts[key])
	if key in classes:
		print("%s:%d: %s.%s is converted, class %s" % (file, line, *key, classes[key]))
	for file, line, reason in sorted(refusals.get(key, ())):
		print("%s:%d: %s.%s is not converted: %s" % (file, line, *key, reason))
for name in sorted(strays):
	print("%s:%d: %s is not converted: its structure is not in these files" %
	      (strays[name][0].file, int(strays[name][0].line), name.replace(" ", ".")))
