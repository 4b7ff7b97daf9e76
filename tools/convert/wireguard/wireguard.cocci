// SPDX-License-Identifier: GPL-2.0
/// What WireGuard needs beyond kref-to-dref.cocci and unpublished-to-exit.cocci in
/// tools/coccinelle, and after them. The classes have no flags: both release functions only
/// take spinlocks, and run in the context of a put with kref, too.
///
/// spatch --sp-file wireguard.cocci --in-place FILE.c... FILE.h...
//
// Options: --no-includes

virtual patch

// device.c waits for both classes, so they are global.

@@
declarer name DEFINE_DREF_CLASS;
identifier class = {wg_peer_class, noise_keypair_class};
expression name, release, flags;
@@
- static DEFINE_DREF_CLASS(class, name, release, flags);
+ DEFINE_DREF_CLASS(class, name, release, flags);

@@
identifier class = {wg_peer_class, noise_keypair_class};
@@
- static struct dref_class class;

@peer_declared@
symbol wg_peer_class;
@@
extern struct dref_class wg_peer_class;

@depends on !peer_declared@
@@
struct wg_peer { ... };
+
+ extern struct dref_class wg_peer_class;

@keypair_declared@
symbol noise_keypair_class;
@@
extern struct dref_class noise_keypair_class;

@depends on !keypair_declared@
@@
struct noise_keypair { ... };
+
+ extern struct dref_class noise_keypair_class;

// The release function of a keypair reads the peer. With kref, the last put of a keypair
// comes before that of its peer. With dref, the release of a keypair may be later than its
// last put, so a keypair holds its peer.

@@
identifier keypair, peer;
@@
keypair_create(struct wg_peer *peer)
{
	...
-	keypair->entry.peer = peer;
+	keypair->entry.peer = wg_peer_get(peer);
	...
}

@@
identifier ref, keypair;
expression container;
@@
keypair_free_kref(struct dref *ref)
{
	struct noise_keypair *keypair = container;
+	struct wg_peer *peer = keypair->entry.peer;
	...
	call_rcu(...);
+	wg_peer_put(peer);
}

@@
expression keypair;
@@
wg_noise_handshake_begin_session(...)
{
	<...
+	wg_peer_put(keypair->entry.peer);
	dref_exit(&keypair->refcount);
	...>
}

// rcu_barrier() waits for what release functions gave to call_rcu(), but not for the
// release functions. Those of keypairs drop references to peers.

@@
@@
wg_pm_notification(...)
{
	<...
+	dref_class_barrier(&noise_keypair_class);
	rcu_barrier();
	...>
}

@@
@@
wg_destruct(...)
{
	...
+	dref_class_barrier(&noise_keypair_class);
+	dref_class_barrier(&wg_peer_class);
	rcu_barrier();
	...
}

@@
expression cache;
@@
wg_peer_init(void)
{
+	int ret;
+
	cache = KMEM_CACHE(...);
-	return cache ? 0 : -ENOMEM;
+	if (!cache)
+		return -ENOMEM;
+	ret = dref_class_register(&wg_peer_class);
+	if (ret)
+		goto err_cache;
+	ret = dref_class_register(&noise_keypair_class);
+	if (ret)
+		goto err_class;
+	return 0;
+
+err_class:
+	dref_class_unregister(&wg_peer_class);
+err_cache:
+	kmem_cache_destroy(cache);
+	return ret;
}

@@
expression cache;
@@
wg_peer_uninit(void)
{
+	dref_class_drain(&noise_keypair_class);
+	dref_class_drain(&wg_peer_class);
+	rcu_barrier();
	kmem_cache_destroy(cache);
}

// The peers of the self-test are freed while references to them are left. Static immortal
// objects have no class, and dref does not know how many there are.

@@
symbol wg_peer_class;
expression peer;
identifier test = {init_peer, randomized_test};
@@
test(...)
{
	<...
-	dref_init(&peer->refcount, &wg_peer_class);
+	peer->refcount = (struct dref)DREF_INIT_IMMORTAL(NULL);
	...>
}
