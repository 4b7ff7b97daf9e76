// SPDX-License-Identifier: GPL-2.0
/// A user of refcount_t becomes one of struct dref, where the last put frees the object
/// by "if (refcount_dec_and_test(&object->member)) destroy(object);". What is left to
/// do by hand:
///
/// - #include <linux/dref.h>;
/// - dref_class_register(&DESTROY_class) in module_init(), dref_class_drain() in
///   module_exit(), and flags for the class (see include/linux/dref.h);
/// - refcount_dec_and_test() elsewhere, refcount_dec_and_lock() and the like: a put of
///   dref's does not know whether it was the last one. What follows it goes to destroy();
/// - objects that refcount_inc_not_zero() looks up must be freed by RCU, or have a
///   DREF_RCU class.
///
/// spatch --sp-file tools/coccinelle/refcount-to-dref.cocci --in-place FILE.c
//
// Options: --no-includes

virtual patch

@put@
expression object;
identifier member, destroy;
@@
- if (refcount_dec_and_test(&object->member))
- 	destroy(object);
+ dref_put(&object->member);

@script:python label@
destroy << put.destroy;
text;
@@
coccinelle.text = cocci.make_expr('"%s"' % destroy.lower()[:31])

@released@
identifier put.destroy, put.member, object;
expression label.text;
type T;
fresh identifier release = destroy ## "_release";
fresh identifier class = destroy ## "_class";
@@
  destroy(T *object)
  { ... }
+ static void release(struct dref *ref)
+ {
+ 	destroy(container_of(ref, T, member));
+ }
+ DEFINE_DREF_CLASS(class, text, release, 0);

@initialised depends on released@
expression object;
identifier put.member, put.destroy;
fresh identifier class = destroy ## "_class";
@@
- refcount_set(&object->member, 1);
+ dref_init(&object->member, &class);

@embedded depends on released@
identifier structure, put.member;
@@
struct structure {
	...
-	refcount_t member;
+	struct dref member;
	...
};

@used depends on released@
expression object, n;
identifier put.member;
@@
(
- refcount_inc(&object->member)
+ dref_get(&object->member)
|
- refcount_add(n, &object->member)
+ dref_get_many(&object->member, n)
|
- refcount_inc_not_zero(&object->member)
+ dref_tryget(&object->member)
|
- refcount_read(&object->member)
+ dref_read(&object->member)
)
