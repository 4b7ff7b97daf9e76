// SPDX-License-Identifier: GPL-2.0
/// Convert a user of refcount_t to struct dref. Name all sources and headers of the user at
/// once, because a count is converted in all of them or in none:
///
/// spatch --sp-file tools/coccinelle/refcount-to-dref.cocci -D patch --recursive-includes \
///	--include-headers-for-types --no-show-diff --in-place *.c *.h
///
/// It says of each count whether it is converted, and if not, why: a line per use that
/// has no meaning with dref. Documentation/conversions.rst explains the reasons.
///
/// After "if (refcount_dec_and_test(&object->member))", the patch knows destroy(object) with
/// a destroy() in these files, kfree() and the like, kfree_rcu(), call_rcu(), complete(),
/// schedule_work() and queue_work(). They move to release(), which the patch adds.
///
/// The following remains to be done by hand:
///
/// - Include <linux/dref.h> where no <linux/refcount.h> was included.
/// - Call dref_class_register(&STRUCTURE_class) in module_init() and dref_class_drain()
///   in module_exit(), and choose the flags of the class (see include/linux/dref.h).
/// - Objects that are looked up with refcount_inc_not_zero() must be freed by RCU, or
///   belong to a DREF_RCU class.
/// - Call dref_exit() where an error path frees an object that was never published;
///   free-without-exit.cocci finds such paths.
/// - Test with the module parameter delay_release of dref.ko, which makes each release()
///   run late and in a worker, as that of a deferred object does.
//
// Options: --recursive-includes --include-headers-for-types

virtual patch

// ---- what there is: each count, and each use of it ----

@initialize:python@
@@
converted = {"inc", "add", "inc_not_zero", "dec", "dec_and_test", "set", "read"}
lock = "the last put takes a lock"
value = "its value is looked at"
reasons = {
	"dec_and_lock": lock, "dec_and_lock_irqsave": lock, "dec_and_mutex_lock": lock,
	"dec_and_rtnl_lock": lock,
	"dec_if_one": value, "dec_not_one": value,
	"sub_and_test": "it may not count references",
	"warn_saturate": value,
}

counts = {}		# (structure, member): the position of the member
refusals = {}		# (structure, member): { (file, line, reason) }
known = set()		# positions of uses that are dealt with
typed = set()		# positions of uses of an object whose type is known
inits = {}		# (structure, member): { (file, line, function) }
puts = {}		# (structure, member): { position: (what is done at zero, file, line, function) }
destroyers = {}		# (function, structure): position of its definition
functions = set()	# names that end in _release
strays = {}		# object and member: the position of a use, if the structure is elsewhere
classes = {}		# (structure, member): the name of its class

def place(p):
	return (p[0].file, int(p[0].line), int(p[0].column))

def refuse(structure, member, p, reason):
	refusals.setdefault((structure, member), set()).add((p[0].file, int(p[0].line), reason))

def note_put(structure, member, p, *action):
	puts.setdefault((structure, member), {})[place(p)] = \
		(action, p[0].file, int(p[0].line), p[0].current_element)

def action_of(key):
	return next(iter(puts[key].values()))[0]

# What release() does
def end_of(key):
	action = action_of(key)
	owner = "container_of(ref, struct %s, %s)" % key
	if action[0] in ("free", "destroy"):
		return "%s(%s);" % (action[1], owner)
	if action[0] == "free_rcu":
		return "%s(%s, %s);" % (action[1], owner, action[2])
	if action[0] == "call_rcu":
		return "call_rcu(&%s->%s, %s);" % (owner, *action[1:])
	if action[0] == "queue_work":
		return "queue_work(%s, &%s->%s);" % (action[1], owner, action[2])
	return "%s(&%s->%s);" % (action[1], owner, action[2])

# A name that no function or structure has keeps a rule from matching.
def name_if(condition, name):
	return cocci.make_ident(name if condition else "no_such_name")

# Where the class is defined: after destroy(), or before the first function with a put
def home(key):
	action = action_of(key)
	if action[0] == "destroy":
		p = destroyers.get((action[1], key[0]))
		return p and (p[0].file, int(p[0].line), action[1])
	sites = sorted(put[1:] for put in puts[key].values() if put[1].endswith(".c"))
	return sites[0] if sites else None

@counted@
declarer name DEFINE_DREF_CLASS;
identifier structure, member;
position p;
@@
struct structure {
	...
	refcount_t member@p;
	...
};

@script:python@
structure << counted.structure;
member << counted.member;
p << counted.p;
@@
counts.setdefault((structure, member), p)

@called@
identifier counted.structure, counted.member, operation =~ "^(__)?refcount_";
struct structure *object;
struct structure embedded;
position p;
@@
(
 operation(&\(object->member@p\|embedded.member@p\), ...)
|
 operation(..., &\(object->member@p\|embedded.member@p\))
)

@script:python@
structure << counted.structure;
member << counted.member;
operation << called.operation;
p << called.p;
@@
known.add(place(p))
name = operation.replace("refcount_", "", 1)
if name.startswith("__"):
	refuse(structure, member, p, "%s(): its value is looked at" % operation)
elif name not in converted:
	refuse(structure, member, p, "%s(): %s" % (operation, reasons.get(name, "dref has no such operation")))

// ---- the first reference ----

@set@
identifier counted.structure, counted.member;
struct structure *object;
struct structure embedded;
expression number;
position p;
@@
refcount_set(&\(object->member@p\|embedded.member@p\), number)

@script:python@
structure << counted.structure;
member << counted.member;
number << set.number;
p << set.p;
@@
inits.setdefault((structure, member), set()).add((p[0].file, int(p[0].line), p[0].current_element))
if number == "0":
	refuse(structure, member, p, "it begins at zero")
elif number != "1":
	refuse(structure, member, p, "it begins with %s references" % number)

@set_again exists@
identifier counted.structure, counted.member;
struct structure *object;
expression other;
position p;
@@
\(refcount_inc_not_zero\|refcount_read\)(&object->member)
... when != object = other
refcount_set(&object->member@p, ...)

@script:python@
structure << counted.structure;
member << counted.member;
p << set_again.p;
@@
refuse(structure, member, p, "zero is not the end of the object")

@devm exists@
identifier counted.structure, counted.member, allocate =~ "^devm_k";
struct structure *object;
expression other;
position p;
@@
object = allocate(...)
... when != object = other
refcount_set(&object->member@p, ...)

@script:python@
structure << counted.structure;
member << counted.member;
p << devm.p;
@@
refuse(structure, member, p, "the device frees its memory")

@static_initialised@
identifier counted.structure, counted.member, object;
expression number;
position p;
@@
struct structure object = { .member = REFCOUNT_INIT@p(number), };

@script:python@
structure << counted.structure;
member << counted.member;
p << static_initialised.p;
@@
refuse(structure, member, p, "it is initialised statically")

// ---- the value ----

@printed@
identifier counted.structure, counted.member;
struct structure *object;
struct structure embedded;
identifier print =~ "(?i)print|^(pr|dev|netdev|seq|trace)_|dbg|debug|emit|^_(enter|leave|debug)";
position p;
@@
print(..., <+... refcount_read(&\(object->member@p\|embedded.member@p\)) ...+>, ...)

@looked_at@
identifier counted.structure, counted.member;
struct structure *object;
struct structure embedded;
position p != printed.p;
@@
refcount_read(&\(object->member@p\|embedded.member@p\))

@script:python@
structure << counted.structure;
member << counted.member;
p << looked_at.p;
@@
refuse(structure, member, p, "refcount_read(): its value is looked at")

// ---- the last put ----

@freed@
identifier counted.structure, counted.member;
struct structure *object;
identifier free = { kfree, kvfree, kfree_sensitive, vfree };
position p;
@@
if (refcount_dec_and_test(&object->member@p))
	free(object);

@script:python@
structure << counted.structure;
member << counted.member;
free << freed.free;
p << freed.p;
@@
note_put(structure, member, p, "free", free)

@freed_rcu@
identifier counted.structure, counted.member, rcu;
struct structure *object;
identifier free = { kfree_rcu, kvfree_rcu };
position p;
@@
if (refcount_dec_and_test(&object->member@p))
	free(object, rcu);

@script:python@
structure << counted.structure;
member << counted.member;
free << freed_rcu.free;
rcu << freed_rcu.rcu;
p << freed_rcu.p;
@@
note_put(structure, member, p, "free_rcu", free, rcu)

@called_rcu@
identifier counted.structure, counted.member, rcu, callback;
struct structure *object;
position p;
@@
if (refcount_dec_and_test(&object->member@p))
	call_rcu(&object->rcu, callback);

@script:python@
structure << counted.structure;
member << counted.member;
rcu << called_rcu.rcu;
callback << called_rcu.callback;
p << called_rcu.p;
@@
note_put(structure, member, p, "call_rcu", rcu, callback)

@completed@
identifier counted.structure, counted.member, part;
struct structure *object;
identifier complete = { complete, complete_all, schedule_work };
position p;
@@
if (refcount_dec_and_test(&object->member@p))
	complete(&object->part);

@script:python@
structure << counted.structure;
member << counted.member;
complete << completed.complete;
part << completed.part;
p << completed.p;
@@
note_put(structure, member, p, "complete", complete, part)

@queued@
identifier counted.structure, counted.member, part;
struct structure *object;
global idexpression queue;
position p;
@@
if (refcount_dec_and_test(&object->member@p))
	queue_work(queue, &object->part);

@script:python@
structure << counted.structure;
member << counted.member;
queue << queued.queue;
part << queued.part;
p << queued.p;
@@
note_put(structure, member, p, "queue_work", queue, part)

@destroyed@
identifier counted.structure, counted.member;
struct structure *object;
identifier destroy != { kfree, kvfree, kfree_sensitive, vfree };
position p;
@@
if (refcount_dec_and_test(&object->member@p))
	destroy(object);

@script:python@
structure << counted.structure;
member << counted.member;
destroy << destroyed.destroy;
p << destroyed.p;
@@
note_put(structure, member, p, "destroy", destroy)

@destroyer@
identifier destroyed.destroy, counted.structure, object;
position p;
@@
destroy@p(struct structure *object)
{ ... }

@script:python@
destroy << destroyed.destroy;
structure << counted.structure;
p << destroyer.p;
@@
destroyers.setdefault((destroy, structure), p)

@tested@
identifier counted.structure, counted.member;
struct structure *object;
struct structure embedded;
position p;
@@
refcount_dec_and_test(&\(object->member@p\|embedded.member@p\))

@script:python@
structure << counted.structure;
member << counted.member;
p << tested.p;
@@
if place(p) not in puts.get((structure, member), {}):
	refuse(structure, member, p, "the caller of the last put goes on")

@named@
identifier release =~ "_release$";
@@
release(...)
{ ... }

@script:python@
release << named.release;
@@
functions.add(release)

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
identifier counted.member, operation =~ "^(__)?refcount_";
position p;
@@
operation(..., &\(object->member@p\|embedded.member@p\), ...)

@script:python@
p << any_type.p;
@@
typed.add(place(p))

@no_type@
expression object;
identifier counted.member, operation =~ "^(__)?refcount_";
position p;
@@
operation(..., &\(object->member@p\|object.member@p\), ...)

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
refcount_dec_and_test(&\(object->member@p\|object.member@p\))

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
end;
class_name;
label;
own_destroy;
shared_destroy;
early_destroy;
own_put;
shared_put;
early_put;
early_init;
shared_structure;
@@
key = (structure, member)
actions = {put[0] for put in puts.get(key, {}).values()}
if key in refusals:
	pass
elif key not in inits:
	refuse(structure, member, counts[key], "refcount_set() is not in these files")
elif not actions:
	refuse(structure, member, counts[key], "its last put is not in these files")
elif len(actions) > 1:
	refuse(structure, member, counts[key], "several things happen at zero")
elif not home(key):
	action = action_of(key)
	refuse(structure, member, counts[key], "%s(struct %s *) is not in these files" % (action[1], structure)
	       if action[0] == "destroy" else "its puts are in headers only")
elif any(init[0] != home(key)[0] for init in inits[key]) and not counts[key][0].file.endswith(".h"):
	refuse(structure, member, counts[key], "several files share it without a header")
if key in refusals:
	cocci.include_match(False)
else:
	action = action_of(key)
	where = home(key)
	shared = any(init[0] != where[0] for init in inits[key])
	first = min(inits[key], key=lambda init: init[1])
	early = not shared and first[1] < where[1]
	name = structure if len([1 for other in counts if other[0] == structure]) == 1 else \
		structure + "_" + member
	release = (action[1] if action[0] == "destroy" else name) + "_release"
	if release in functions:
		release = name + "_dref_release"
	classes[key] = name + "_class"
	coccinelle.count = cocci.make_ident(member)
	coccinelle.release = cocci.make_ident(release)
	coccinelle.end = cocci.make_stmt(end_of(key))
	coccinelle.class_name = cocci.make_ident(classes[key])
	coccinelle.label = cocci.make_expr('"%s"' % name.lower()[:31])
	after = action[0] == "destroy"
	coccinelle.own_destroy = name_if(after and not shared and not early, where[2])
	coccinelle.shared_destroy = name_if(after and shared, where[2])
	coccinelle.early_destroy = name_if(after and early, where[2])
	coccinelle.own_put = name_if(not after and not shared and not early, where[2])
	coccinelle.shared_put = name_if(not after and shared, where[2])
	coccinelle.early_put = name_if(not after and early, where[2])
	coccinelle.early_init = name_if(early, first[2])
	coccinelle.shared_structure = name_if(shared, structure)

// ---- what is converted ----

@@
identifier counted.structure, accepted.count;
struct structure *object;
statement S;
@@
- if (refcount_dec_and_test(&object->count)) S
+ dref_put(&object->count);

@@
identifier counted.structure, accepted.count, accepted.class_name;
struct structure *object;
struct structure embedded;
@@
(
- refcount_set(&object->count, 1);
+ dref_init(&object->count, &class_name);
|
- refcount_set(&embedded.count, 1);
+ dref_init(&embedded.count, &class_name);
)

@@
identifier counted.structure, accepted.count;
struct structure *object;
struct structure embedded;
expression number;
@@
(
- refcount_inc(&object->count)
+ dref_get(&object->count)
|
- refcount_inc(&embedded.count)
+ dref_get(&embedded.count)
|
- refcount_add(number, &object->count)
+ dref_get_many(&object->count, number)
|
- refcount_add(number, &embedded.count)
+ dref_get_many(&embedded.count, number)
|
- refcount_inc_not_zero(&object->count)
+ dref_tryget(&object->count)
|
- refcount_inc_not_zero(&embedded.count)
+ dref_tryget(&embedded.count)
|
- refcount_dec(&object->count)
+ dref_put(&object->count)
|
- refcount_dec(&embedded.count)
+ dref_put(&embedded.count)
|
- refcount_read(&object->count)
+ dref_read(&object->count)
|
- refcount_read(&embedded.count)
+ dref_read(&embedded.count)
)

// ---- the class ----

// release() and the class follow destroy(), or precede the first function with a put.
@@
identifier accepted.own_destroy, accepted.release, accepted.class_name;
expression accepted.label;
statement accepted.end;
@@
  own_destroy(...)
  { ... }
++ static void release(struct dref *ref)
++ {
++ end
++ }
++ static DEFINE_DREF_CLASS(class_name, label, release, 0);

@@
identifier accepted.own_put, accepted.release, accepted.class_name;
expression accepted.label;
statement accepted.end;
@@
++ static void release(struct dref *ref)
++ {
++ end
++ }
++ static DEFINE_DREF_CLASS(class_name, label, release, 0);
++
  own_put(...)
  { ... }

@@
identifier accepted.shared_destroy, accepted.release, accepted.class_name;
expression accepted.label;
statement accepted.end;
@@
  shared_destroy(...)
  { ... }
++ static void release(struct dref *ref)
++ {
++ end
++ }
++ DEFINE_DREF_CLASS(class_name, label, release, 0);

@@
identifier accepted.shared_put, accepted.release, accepted.class_name;
expression accepted.label;
statement accepted.end;
@@
++ static void release(struct dref *ref)
++ {
++ end
++ }
++ DEFINE_DREF_CLASS(class_name, label, release, 0);
++
  shared_put(...)
  { ... }

@@
identifier accepted.early_destroy, accepted.release;
statement accepted.end;
@@
  early_destroy(...)
  { ... }
++ static void release(struct dref *ref)
++ {
++ end
++ }

@@
identifier accepted.early_put, accepted.release;
statement accepted.end;
@@
++ static void release(struct dref *ref)
++ {
++ end
++ }
++
  early_put(...)
  { ... }

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
identifier accepted.shared_structure, accepted.class_name;
@@
  struct shared_structure { ... };
++ extern struct dref_class class_name;

@@
identifier counted.structure, accepted.count;
@@
struct structure {
	...
-	refcount_t count;
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
- #include <linux/refcount.h>
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
