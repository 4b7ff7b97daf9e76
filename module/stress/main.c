// SPDX-License-Identifier: GPL-2.0
/*
 * dref_stress.ko: puts dref under load, and checks it from outside.
 *
 * The module is a client like any other: it uses dref only as <linux/dref.h>
 * allows.  dref-stress(8) has one thread for each CPU.  These threads call the
 * module through /dev/dref_stress, and take and drop references here.  The
 * oracle (oracle.c) keeps its own record of all references, and reports objects
 * that are released too early, twice, or not at all.
 *
 * This file is the device.  It copies the arguments of a call, checks them and
 * passes them on.  include/uapi/linux/dref_stress.h documents the interface.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "stress.h"

#define STRESS_CLASS_FLAGS	(DREF_STRESS_SLEEP | DREF_STRESS_RCU | \
				 DREF_STRESS_EXACT)
#define STRESS_CONTEXTS		(DREF_STRESS_KTHREAD | DREF_STRESS_SOFTIRQ | \
				 DREF_STRESS_HARDIRQ | DREF_STRESS_IRQ_WORK)

union stress_argument {
	struct dref_stress_setup	setup;
	struct dref_stress_run		run;
	struct dref_stress_drop		drop;
	struct dref_stress_state	state;
	struct dref_stress_report	report;
};

static int call_setup(struct stress_session *session, union stress_argument *arg)
{
	const struct dref_stress_setup *setup = &arg->setup;

	if (setup->contexts & ~STRESS_CONTEXTS ||
	    setup->scenario >= DREF_STRESS_NR_SCENARIOS ||
	    !setup->objects || setup->objects > DREF_STRESS_MAX_OBJECTS ||
	    !setup->workers || setup->workers > DREF_STRESS_MAX_WORKERS)
		return -EINVAL;
	if (setup->flags & ~STRESS_CLASS_FLAGS &&
	    setup->flags != DREF_STRESS_ANY_CLASS)
		return -EINVAL;
	return stress_session_setup(session, setup);
}

static int call_run(struct stress_session *session, union stress_argument *arg)
{
	struct dref_stress_run *run = &arg->run;

	if (run->reserved || run->flags & ~DREF_STRESS_LET_GO ||
	    run->ops > DREF_STRESS_MAX_OPS ||
	    run->scenario >= DREF_STRESS_NR_SCENARIOS)
		return -EINVAL;
	return stress_session_run(session, run);
}

static int call_drop(struct stress_session *session, union stress_argument *arg)
{
	if (arg->drop.reserved || arg->drop.kill > 1)
		return -EINVAL;
	return stress_session_drop(session, &arg->drop);
}

static int call_state(struct stress_session *session, union stress_argument *arg)
{
	return stress_session_state(session, &arg->state);
}

static int call_finish(struct stress_session *session, union stress_argument *arg)
{
	if (memchr_inv(arg->report.reserved, 0, sizeof(arg->report.reserved)))
		return -EINVAL;
	return stress_session_finish(session, &arg->report);
}

static const struct stress_call {
	unsigned int	cmd;
	int		(*call)(struct stress_session *session,
				union stress_argument *arg);
} stress_calls[] = {
	{ DREF_STRESS_SETUP,	call_setup },
	{ DREF_STRESS_RUN,	call_run },
	{ DREF_STRESS_DROP,	call_drop },
	{ DREF_STRESS_STATE,	call_state },
	{ DREF_STRESS_FINISH,	call_finish },
};

static long stress_ioctl(struct file *file, unsigned int cmd, unsigned long user)
{
	const struct stress_call *call;
	union stress_argument arg;
	int err;

	for (call = stress_calls; call->cmd != cmd; call++) {
		if (call == &stress_calls[ARRAY_SIZE(stress_calls) - 1])
			return -ENOTTY;
	}
	if (copy_from_user(&arg, (void __user *)user, _IOC_SIZE(cmd)))
		return -EFAULT;
	err = call->call(file->private_data, &arg);
	if (err)
		return err;
	if (_IOC_DIR(cmd) & _IOC_READ &&
	    copy_to_user((void __user *)user, &arg, _IOC_SIZE(cmd)))
		return -EFAULT;
	return 0;
}

static int stress_open(struct inode *inode, struct file *file)
{
	struct stress_session *session = stress_session_new();

	if (!session)
		return -ENOMEM;
	file->private_data = session;
	return 0;
}

static int stress_close(struct inode *inode, struct file *file)
{
	stress_session_free(file->private_data);
	return 0;
}

static const struct file_operations stress_fops = {
	.owner		= THIS_MODULE,
	.open		= stress_open,
	.release	= stress_close,
	.unlocked_ioctl	= stress_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};

static struct miscdevice stress_device = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "dref_stress",
	.fops	= &stress_fops,
	.mode	= 0600,
};

static int __init stress_init(void)
{
	int err;

	err = stress_classes_register();
	if (err)
		return err;
	err = misc_register(&stress_device);
	if (err)
		stress_classes_drain();
	return err;
}

/* No file is open any more.  Closing a file has removed all objects of its session. */
static void __exit stress_exit(void)
{
	misc_deregister(&stress_device);
	stress_classes_drain();
}

module_init(stress_init);
module_exit(stress_exit);
MODULE_LICENSE("GPL");
MODULE_AUTHOR("The dref developers");
MODULE_DESCRIPTION("Stress test for deferred reference counts");
MODULE_VERSION(DREF_VERSION);
