// SPDX-License-Identifier: GPL-2.0
/// Convert a user of struct kref to struct dref. Name all sources and headers of the user at
/// once, because a count is converted in all of them or in none:
///
/// spatch --sp-file tools/coccinelle/kref-to-dref.cocci -D patch --recursive-includes \
///	--include-headers-for-types --no-show-diff --in-place *.c *.h
///
/// It says of each count whether it is converted, and if not, why: a line per use that
/// has no meaning with dref. Documentation/conversions.rst explains the reasons.
///
/// The class of a struct session is session_class, and its name is "session". The following
/// remains to be done by hand:
///
/// - Include <linux/dref.h> where <linux/kref.h> is still needed, or was not included.
/// - Call dref_class_register(&STRUCTURE_class) in module_init() and dref_class_drain()
///   in module_exit(), and choose the flags of the class (see include/linux/dref.h).
/// - Objects that are looked up with kref_get_unless_zero() must be freed by RCU, or
///   belong to a DREF_RCU class.
/// - Call dref_exit() where an error path frees an object that was never published;
///   free-without-exit.cocci finds such paths.
/// - Test with the module parameter delay_release of dref.ko, which makes each release()
///   run late and in a worker, as that of a deferred object does.
//
// Options: --recursive-includes --include-headers-for-types

virtual patch

// ---- what is refused: a count is converted in all files that are named, or in none ----

@initialize:python@
@@
lock = "the last put takes a lock"
reasons = {
	"kref_put_lock": lock, "kref_put_mutex": lock,
}

krefs = {}		# (structure, member): the position of the member
releases = {}		# (structure, member): its release functions
inits = {}		# (structure, member): { (file, line, function) }
definitions = {}	# release function: the position of its definition
static = set()		# release functions that are static
known = set()		# positions of uses that are dealt with
typed = set()		# positions of uses of an object whose type is known
refusals = {}		# (structure, member): { (file, line, reason) }
strays = {}		# object and member: the position of a use, if the structure is elsewhere
classes = {}		# (structure, member): the name of its class

# A name that no function or structure has keeps a rule from matching.
def name_if(condition, name):
	return cocci.make_ident(name if condition else "no_such_name")

def place(p):
	return (p[0].file, int(p[0].line), int(p[0].column))

def refuse(structure, member, p, reason):
	refusals.setdefault((structure, member), set()).add((p[0].file, int(p[0].line), reason))

@kref@
declarer name DEFINE_DREF_CLASS;
identifier structure, member;
position p;
@@
struct structure {
	...
	struct kref member@p;
	...
};

@script:python@
structure << kref.structure;
member << kref.member;
p << kref.p;
@@
krefs.setdefault((structure, member), p)
releases.setdefault((structure, member), set())

@kref_user@
identifier kref.structure, kref.member;
struct structure *object;
struct structure embedded;
identifier operation = { kref_init, kref_get, kref_get_unless_zero };
position p;
@@
operation(&\(object->member@p\|embedded.member@p\))

@script:python@
p << kref_user.p;
@@
known.add(place(p))

@kref_put_alone@
identifier kref.structure, kref.member, release;
struct structure *object;
struct structure embedded;
position p;
@@
kref_put(&\(object->member@p\|embedded.member@p\), \(release\|&release\));

@script:python@
structure << kref.structure;
member << kref.member;
release << kref_put_alone.release;
p << kref_put_alone.p;
@@
known.add(place(p))
releases[(structure, member)].add(release)

@kref_put_used@
identifier kref.structure, kref.member;
struct structure *object;
struct structure embedded;
position p != kref_put_alone.p;
@@
kref_put(&\(object->member@p\|embedded.member@p\), ...)

@script:python@
structure << kref.structure;
member << kref.member;
p << kref_put_used.p;
@@
known.add(place(p))
refuse(structure, member, p, "the result of kref_put() is used")

@kref_printed@
identifier kref.structure, kref.member;
struct structure *object;
struct structure embedded;
identifier print =~ "(?i)print|^(pr|dev|netdev|seq|trace)_|dbg|debug|emit";
position p;
@@
print(..., <+... kref_read(&\(object->member@p\|embedded.member@p\)) ...+>, ...)

@script:python@
p << kref_printed.p;
@@
known.add(place(p))

@kref_called@
identifier kref.structure, kref.member, operation =~ "^(kref|refcount)_";
struct structure *object;
struct structure embedded;
position p;
@@
operation(&\(object->member@p\|embedded.member@p\), ...)

@script:python@
structure << kref.structure;
member << kref.member;
operation << kref_called.operation;
p << kref_called.p;
@@
if place(p) not in known:
	known.add(place(p))
	refuse(structure, member, p, "%s(): %s" % (operation, reasons.get(operation, "its value is looked at")))

@kref_devm exists@
identifier kref.structure, kref.member, allocate =~ "^devm_k";
struct structure *object;
expression other;
position p;
@@
object = allocate(...)
... when != object = other
kref_init(&object->member@p)

@script:python@
structure << kref.structure;
member << kref.member;
p << kref_devm.p;
@@
refuse(structure, member, p, "the device frees its memory")

@kref_used@
identifier kref.structure, kref.member;
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
structure << kref.structure;
member << kref.member;
p << kref_used.p;
@@
if place(p) not in known:
	refuse(structure, member, p, "it is used otherwise")

@any_type@
type T;
T *object;
T embedded;
identifier kref.member, operation =~ "^kref_";
position p;
@@
operation(&\(object->member@p\|embedded.member@p\), ...)

@script:python@
p << any_type.p;
@@
typed.add(place(p))

@no_type@
expression object;
identifier kref.member, operation =~ "^kref_";
position p;
@@
operation(&\(object->member@p\|object.member@p\), ...)

@script:python@
member << kref.member;
object << no_type.object;
p << no_type.p;
@@
for key in krefs if place(p) not in typed else ():
	if key[1] == member:
		refuse(*key, p, "the type of %s is not known" % object.replace(" ", ""))

@stray@
expression object;
identifier member;
position p;
@@
kref_put(&\(object->member@p\|object.member@p\), ...)

@script:python@
object << stray.object;
member << stray.member;
p << stray.p;
@@
if place(p) not in known and member not in [count[1] for count in krefs]:
	strays.setdefault(object.replace(" ", "") + " " + member, p)

@kref_init@
identifier kref.structure, kref.member;
struct structure *object;
struct structure embedded;
position p;
@@
kref_init(&\(object->member@p\|embedded.member@p\))

@script:python@
structure << kref.structure;
member << kref.member;
p << kref_init.p;
@@
inits.setdefault((structure, member), set()).add((p[0].file, int(p[0].line), p[0].current_element))

@defined@
identifier kref_put_alone.release, ref;
position p;
@@
release@p(struct kref *ref)
{ ... }

@script:python@
release << kref_put_alone.release;
p << defined.p;
@@
definitions.setdefault(release, p)

@defined_static@
identifier kref_put_alone.release, ref;
@@
static void release(struct kref *ref)
{ ... }

@script:python@
release << kref_put_alone.release;
ref << defined_static.ref;
@@
static.add(release)

@script:python accepted@
structure << kref.structure;
member << kref.member;
count;
release;
class_name;
label;
own_release;
shared_release;
early_init;
early_public_init;
shared_structure;
@@
key = (structure, member)
names = sorted(releases[key])
others = [other for other in krefs if other != key and releases[key] & releases[other]]
shared = False
if key in refusals:
	pass
elif not names:
	refuse(*key, krefs[key], "its last put is not in these files")
elif len(names) > 1:
	refuse(*key, krefs[key], "it has several release functions: " + ", ".join(names))
elif others:
	refuse(*key, krefs[key], "%s() also releases %s.%s" % (names[0], *others[0]))
elif names[0] not in definitions:
	refuse(*key, krefs[key], "%s() is not in these files" % names[0])
elif key not in inits:
	refuse(*key, krefs[key], "kref_init() is not in these files")
else:
	shared = any(init[0] != definitions[names[0]][0].file for init in inits[key])
	if shared and not krefs[key][0].file.endswith(".h"):
		refuse(*key, krefs[key], "several files share it without a header")
if key in refusals:
	cocci.include_match(False)
else:
	name = structure if len([1 for other in krefs if other[0] == structure]) == 1 else \
		structure + "_" + member
	first = min(inits[key], key=lambda init: init[1])
	early = not shared and first[1] < int(definitions[names[0]][0].line)
	classes[key] = name + "_class"
	coccinelle.count = cocci.make_ident(member)
	coccinelle.release = cocci.make_ident(names[0])
	coccinelle.class_name = cocci.make_ident(classes[key])
	coccinelle.label = cocci.make_expr('"%s"' % name.lower()[:31])
	coccinelle.own_release = name_if(not shared and not early, names[0])
	coccinelle.shared_release = name_if(shared, names[0])
	coccinelle.early_init = name_if(early and names[0] in static, first[2])
	coccinelle.early_public_init = name_if(early and names[0] not in static, first[2])
	coccinelle.shared_structure = name_if(shared, structure)

// ---- what is converted ----

@@
identifier kref.structure, accepted.count, accepted.class_name;
struct structure *object;
struct structure embedded;
@@
(
- kref_init(&object->count);
+ dref_init(&object->count, &class_name);
|
- kref_init(&embedded.count);
+ dref_init(&embedded.count, &class_name);
)

@@
identifier kref.structure, accepted.count;
struct structure *object;
struct structure embedded;
@@
(
- kref_put(&object->count, ...)
+ dref_put(&object->count)
|
- kref_put(&embedded.count, ...)
+ dref_put(&embedded.count)
|
- kref_get(&object->count)
+ dref_get(&object->count)
|
- kref_get(&embedded.count)
+ dref_get(&embedded.count)
|
- kref_get_unless_zero(&object->count)
+ dref_tryget(&object->count)
|
- kref_get_unless_zero(&embedded.count)
+ dref_tryget(&embedded.count)
|
- kref_read(&object->count)
+ dref_read(&object->count)
|
- kref_read(&embedded.count)
+ dref_read(&embedded.count)
)

// ---- the class; spatch changes the prototypes of release(), too ----

@@
identifier accepted.release, ref;
@@
- release(struct kref *ref)
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
identifier kref.structure, accepted.count;
@@
struct structure {
	...
-	struct kref count;
+	struct dref count;
	...
};

@script:python whole@
p << kref.p;
@@
if refusals:
	cocci.include_match(False)

@depends on whole@
@@
- #include <linux/kref.h>
+ #include <linux/dref.h>

@finalize:python@
@@
for key in sorted(krefs, key=lambda key: place(krefs[key])):
	file, line, column = place(krefs[key])
	if key in classes:
		print("%s:%d: %s.%s is converted, class %s" % (file, line, *key, classes[key]))
	for file, line, reason in sorted(refusals.get(key, ())):
		print("%s:%d: %s.%s is not converted: %s" % (file, line, *key, reason))
for name in sorted(strays):
	print("%s:%d: %s is not converted: its structure is not in these files" %
	      (strays[name][0].file, int(strays[name][0].line), name.replace(" ", ".")))
