// SPDX-License-Identifier: GPL-2.0
/*
 * What intree adds to kernel/rcu/refscale.c, from the next comment on.
 */

// Definitions for percpu_ref, in percpu mode
static struct percpu_ref test_percpu_ref;

static void test_percpu_ref_release(struct percpu_ref *ref)
{
}

static bool ref_percpu_ref_init(void)
{
	return !percpu_ref_init(&test_percpu_ref, test_percpu_ref_release, 0, GFP_KERNEL);
}

static void ref_percpu_ref_section(const int nloops)
{
	int i;

	for (i = nloops; i >= 0; i--) {
		percpu_ref_get(&test_percpu_ref);
		percpu_ref_put(&test_percpu_ref);
	}
}

static void ref_percpu_ref_delay_section(const int nloops, const int udl, const int ndl)
{
	int i;

	for (i = nloops; i >= 0; i--) {
		percpu_ref_get(&test_percpu_ref);
		un_delay(udl, ndl);
		percpu_ref_put(&test_percpu_ref);
	}
}

static void ref_percpu_ref_cleanup(void)
{
	percpu_ref_exit(&test_percpu_ref);
}

static const struct ref_scale_ops percpu_ref_ops = {
	.init		= ref_percpu_ref_init,
	.cleanup	= ref_percpu_ref_cleanup,
	.readsection	= ref_percpu_ref_section,
	.delaysection	= ref_percpu_ref_delay_section,
	.name		= "percpu-ref"
};

// Definitions for rcuref_t; its first reference is never dropped
static rcuref_t test_rcuref = RCUREF_INIT(1);

static void ref_rcuref_section(const int nloops)
{
	int i;

	for (i = nloops; i >= 0; i--) {
		WARN_ON_ONCE(!rcuref_get(&test_rcuref));
		WARN_ON_ONCE(rcuref_put(&test_rcuref));
	}
}

static void ref_rcuref_delay_section(const int nloops, const int udl, const int ndl)
{
	int i;

	for (i = nloops; i >= 0; i--) {
		WARN_ON_ONCE(!rcuref_get(&test_rcuref));
		un_delay(udl, ndl);
		WARN_ON_ONCE(rcuref_put(&test_rcuref));
	}
}

static const struct ref_scale_ops rcuref_ops = {
	.init		= rcu_sync_scale_init,
	.readsection	= ref_rcuref_section,
	.delaysection	= ref_rcuref_delay_section,
	.name		= "rcuref"
};
