// SPDX-License-Identifier: GPL-2.0
/// Convert a user of struct kref to struct dref. Documentation/conversions.rst says which
/// users cannot be converted. The following remains to be done by hand:
///
/// - Call dref_class_register(&RELEASE_class) in module_init() and dref_class_drain()
///   in module_exit(), and choose the flags of the class (see include/linux/dref.h).
/// - Change the prototypes of the release functions.
/// - Replace kref_put_mutex(), kref_put_lock(), and each kref_put() whose result is
///   used. dref has no such functions, because a put does not know whether it was the
///   last one. Hold the lock from the lookup until dref_tryget() instead, and take it
///   in release().
/// - Objects that are looked up with kref_get_unless_zero() must be freed by RCU, or
///   belong to a DREF_RCU class.
/// - Call dref_exit() where an error path frees an object that was never published;
///   free-without-exit.cocci finds such paths.
/// - Test with the module parameter delay_release of dref.ko, which makes each release()
///   run late and in a worker, as that of a deferred object does.
///
/// spatch --sp-file tools/coccinelle/kref-to-dref.cocci --in-place FILE.c
//
// Options: --no-includes

virtual patch

@put@
declarer name DEFINE_DREF_CLASS;
expression object;
identifier member, release;
@@
- kref_put(&object->member, release);
+ dref_put(&object->member);

@script:python label@
release << put.release;
text;
@@
coccinelle.text = cocci.make_expr('"%s"' % release.lower().removesuffix("_release")[:31])

@released@
identifier put.release, ref;
expression label.text;
fresh identifier class = release ## "_class";
@@
- release(struct kref *ref)
+ release(struct dref *ref)
  { ... }
+ static DEFINE_DREF_CLASS(class, text, release, 0);

@initialised@
expression object;
identifier put.member, put.release;
fresh identifier class = release ## "_class";
@@
- kref_init(&object->member);
+ dref_init(&object->member, &class);

@embedded depends on released@
identifier structure, put.member;
@@
struct structure {
	...
-	struct kref member;
+	struct dref member;
	...
};

@used depends on released@
expression object;
identifier put.member;
@@
(
- kref_get(&object->member)
+ dref_get(&object->member)
|
- kref_get_unless_zero(&object->member)
+ dref_tryget(&object->member)
|
- kref_read(&object->member)
+ dref_read(&object->member)
)

@included depends on released@
@@
- #include <linux/kref.h>
+ #include <linux/dref.h>
