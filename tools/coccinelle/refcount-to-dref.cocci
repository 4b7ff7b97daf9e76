// SPDX-License-Identifier: GPL-2.0
/// Convert a user of refcount_t to struct dref, if the last put frees the object with
/// "if (refcount_dec_and_test(&object->member)) destroy(object);".
/// Documentation/conversions.rst says which users cannot be converted. The following remains
/// to be done by hand:
///
/// - Include <linux/dref.h>.
/// - Call dref_class_register(&DESTROY_class) in module_init() and dref_class_drain()
///   in module_exit(), and choose the flags of the class (see include/linux/dref.h).
/// - Replace other uses of refcount_dec_and_test(), refcount_dec_and_lock() and the
///   like. A put of dref does not know whether it was the last one, so the code that
///   depends on the result must move to destroy().
/// - Objects that are looked up with refcount_inc_not_zero() must be freed by RCU, or
///   belong to a DREF_RCU class.
/// - Call dref_exit() where an error path frees an object that was never published;
///   free-without-exit.cocci finds such paths.
/// - Test with the module parameter delay_release of dref.ko, which makes each release()
///   run late and in a worker, as that of a deferred object does.
///
/// spatch --sp-file tools/coccinelle/refcount-to-dref.cocci --in-place FILE.c
//
// Options: --no-includes

virtual patch

@put@
declarer name DEFINE_DREF_CLASS;
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
+ static DEFINE_DREF_CLASS(class, text, release, 0);

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
