/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Modules, module parameters, module notifiers, tasks, shrinkers, and seq_files.
 */
#ifndef SHIM_MODULE_H
#define SHIM_MODULE_H

#include <linux/kernel.h>

struct module {
	const char *name;
};

#define THIS_MODULE			NULL
#define MODULE_LICENSE(text)		_Static_assert(sizeof(text), "")
#define MODULE_AUTHOR(text)		_Static_assert(sizeof(text), "")
#define MODULE_DESCRIPTION(text)	_Static_assert(sizeof(text), "")
#define MODULE_VERSION(text)		_Static_assert(true, "")
#define MODULE_PARM_DESC(name, text)	_Static_assert(sizeof(text), "")

int shim_module_init(void);
void shim_module_exit(void);

#define module_init(function)	int shim_module_init(void) { return function(); }
#define module_exit(function)	void shim_module_exit(void) { function(); }

/* A variable describes each parameter, or points to it, so that tests can set it */
struct kernel_param;

struct kernel_param_ops {
	int (*set)(const char *value, const struct kernel_param *param);
	int (*get)(char *value, const struct kernel_param *param);
};

struct kernel_param {
	const struct kernel_param_ops	*ops;
	void				*arg;
};

#define module_param(name, type, mode)		unsigned int * const shim_param_##name = &(name)
#define module_param_cb(name, ops, arg, mode) \
	const struct kernel_param shim_param_##name = { ops, arg }

int param_set_bool(const char *value, const struct kernel_param *param);
int param_get_bool(char *value, const struct kernel_param *param);
int param_get_uint(char *value, const struct kernel_param *param);

int shim_match_string(const char * const *array, size_t nr, const char *string);

#define sysfs_match_string(array, string) \
	shim_match_string(array, ARRAY_SIZE(array), string)

/* No module is ever unloaded, so a notifier is never called */
struct notifier_block {
	int (*notifier_call)(struct notifier_block *nb, unsigned long state, void *data);
};

#define MODULE_STATE_GOING		2
#define NOTIFY_DONE			0
#define NOTIFY_OK			1
#define register_module_notifier(nb)	((void)(nb), 0)
#define unregister_module_notifier(nb)	((void)(nb))

struct task_struct {
	struct work_struct *work;	/* item that the task runs */
};

extern __thread struct task_struct shim_task;

#define current				(&shim_task)
/* No task is ever frozen, and a task in schedule_timeout() is woken by its timer only */
#define TASK_UNINTERRUPTIBLE		0x2
#define TASK_FREEZABLE			0x2000
#define set_current_state(state)	((void)(state))
long schedule_timeout(long timeout);
#define fatal_signal_pending(task)	((void)(task), false)
#define might_sleep()			((void)0)
#define cond_resched()			((void)0)

struct shrink_control;

struct shrinker {
	unsigned long	(*count_objects)(struct shrinker *shrinker, struct shrink_control *sc);
	unsigned long	(*scan_objects)(struct shrinker *shrinker, struct shrink_control *sc);
	int		seeks;
};

#define SHRINK_STOP		(~0UL)
#define DEFAULT_SEEKS		2

int register_shrinker(struct shrinker *shrinker, const char *name);
void unregister_shrinker(struct shrinker *shrinker);

struct seq_file {
	FILE *file;
};

#define seq_printf(seq, ...)	fprintf((seq)->file, __VA_ARGS__)

#endif /* SHIM_MODULE_H */
