// SPDX-License-Identifier: GPL-2.0
/// Count the labels of AppArmor with dref, in a tree that has lib/dref:
///
/// spatch --sp-file apparmor.cocci --in-place --include-headers --no-includes \
///	security/apparmor/*.c security/apparmor/include/*.h
///
/// What is counted is struct aa_label, and with it profiles and namespaces, which have the
/// count of a label. Proxies and policy data keep their kref: they are not hot.
///
/// - The class has DREF_RCU, so dref waits for the grace period, and label->rcu goes.
/// - An unpublished label is freed without a last put. Its proxy holds a reference on it, so
///   that is put before dref_exit(). Only such a label still has references when it is
///   destroyed.
/// - The label "unconfined" of the root namespace is immortal: it is there until the machine
///   stops, and most tasks have it.
//
// Options: --no-includes

virtual patch

// ---- the structures ----

@@
@@
struct aa_common_ref {
-	struct kref count;
+	union {
+		struct kref count;
+		struct dref dref;
+	};
	...
};

@@
@@
struct aa_label {
	...
-	struct rcu_head rcu;
	...
};

@@
@@
struct aa_label { ... };
+
+extern struct dref_class aa_label_class;

// ---- references ----

@@
struct aa_label *l;
struct aa_profile *p;
@@
(
- kref_get_unless_zero(&l->count.count)
+ dref_tryget(&l->count.dref)
|
- kref_get_unless_zero(&p->label.count.count)
+ dref_tryget(&p->label.count.dref)
|
- kref_get(&(l->count.count))
+ dref_get(&l->count.dref)
|
- kref_get(&(p->label.count.count))
+ dref_get(&p->label.count.dref)
|
- kref_put(&l->count.count, aa_label_kref)
+ dref_put(&l->count.dref)
|
- kref_put(&p->label.count.count, aa_label_kref)
+ dref_put(&p->label.count.dref)
|
- kref_init(&l->count.count)
+ dref_init(&l->count.dref, &aa_label_class)
)

// Files of apparmorfs hold a label, a proxy or policy data.

@@
struct aa_common_ref *ref;
@@
aa_get_common_ref(...)
{
-	kref_get(&ref->count);
+	if (ref->reftype == REF_NS)
+		dref_get(&ref->dref);
+	else
+		kref_get(&ref->count);
}

// ---- the end ----

@@
@@
- void aa_label_kref(struct kref *kref);

@@
identifier head, label;
@@
- static void label_free_rcu(struct rcu_head *head)
- {
-	struct aa_label *label = ...;
-
-	if (label->flags & FLAG_IN_TREE)
-		(void) aa_label_remove(label);
-	label_free_switch(label);
- }

@@
identifier kref, label, ns;
expression cast;
@@
- void aa_label_kref(struct kref *kref)
+ static void aa_label_release(struct dref *ref)
 {
-	struct aa_label *label = cast;
-	struct aa_ns *ns = labels_ns(label);
+	struct aa_label *label = container_of(ref, struct aa_label, count.dref);

-	if (!ns) {
-		...
-		return;
-	}
	... when any
-	call_rcu(&label->rcu, label_free_rcu);
+	if (label->flags & FLAG_IN_TREE)
+		(void)aa_label_remove(label);
+	label_free_switch(label);
 }
+
+DEFINE_DREF_CLASS(aa_label_class, "aa_label", aa_label_release, DREF_RCU);

@@
identifier label;
@@
aa_label_destroy(struct aa_label *label)
{
	...
	if (label->proxy) {
-		if (rcu_dereference_protected(label->proxy->label, true) == label)
-			rcu_assign_pointer(label->proxy->label, NULL);
+		if (rcu_dereference_protected(label->proxy->label, true) == label) {
+			/* never published; the proxy holds it */
+			rcu_assign_pointer(label->proxy->label, NULL);
+			dref_put(&label->count.dref);
+		}
		...
	}
+	if (dref_read(&label->count.dref))
+		dref_exit(&label->count.dref);
	aa_free_secid(label->secid);
	...
}

// ---- the beginning ----

@@
@@
aa_alloc_root_ns(void)
{
	struct aa_profile *kernel_p;
+	int error = dref_class_register(&aa_label_class);
+
+	if (error)
+		return error;
	...
	root_ns->unconfined->ns = aa_get_ns(root_ns);
+	dref_immortalize(&root_ns->unconfined->label.count.dref);
	...
}
