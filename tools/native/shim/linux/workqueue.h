/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Workqueues, each with two threads, and one timer thread for all (workqueue.c).
 *
 * irq_work_queue() calls the function directly.  In a kernel, too, the interrupt comes
 * at this point if interrupts are enabled.  On a CPU that is going down it would not come
 * any more, so a call there ends the program.
 */
#ifndef SHIM_WORKQUEUE_H
#define SHIM_WORKQUEUE_H

#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/wait.h>

struct work_struct;
struct workqueue_struct;
typedef void (*work_func_t)(struct work_struct *work);

/**
 * struct work_struct - a function to be called by a workqueue
 * @func: the function
 * @wq: the workqueue on which the item is queued, or was queued last
 * @entry: in the list of the workqueue
 * @pending: the item is queued, or waits for a timer or a grace period
 * @queued: the item is queued
 * @ticket: number of the item in the order of queueing
 *
 * As in the kernel, the workqueue does not access an item once its function runs, so the
 * function may have it freed.
 */
struct work_struct {
	work_func_t		func;
	struct workqueue_struct	*wq;
	struct list_head	entry;
	bool			pending;
	bool			queued;
	unsigned long		ticket;
};

struct delayed_work {
	struct work_struct	work;
	struct list_head	timer;
	u64			expires;	/* 0: not armed */
};

struct rcu_work {
	struct work_struct	work;
	struct rcu_head		rcu;
};

#define __WORK_INITIALIZER(name, function)	{ .func = (function) }
#define DECLARE_WORK(name, function) \
	struct work_struct name = __WORK_INITIALIZER(name, function)
#define DECLARE_DELAYED_WORK(name, function) \
	struct delayed_work name = { .work.func = (function) }
#define INIT_WORK(work, function)	(*(work) = (struct work_struct) { .func = (function) })
#define INIT_DELAYED_WORK(dwork, function) \
	(*(dwork) = (struct delayed_work) { .work.func = (function) })
#define INIT_RCU_WORK(rwork, function)	INIT_WORK(&(rwork)->work, function)

#define WQ_UNBOUND	0
#define WQ_MEM_RECLAIM	0
#define WQ_MAX_ACTIVE	0

extern struct workqueue_struct *system_unbound_wq;

struct workqueue_struct *alloc_workqueue(const char *name, unsigned int flags, int max_active);
void destroy_workqueue(struct workqueue_struct *wq);
bool queue_work(struct workqueue_struct *wq, struct work_struct *work);
bool queue_delayed_work(struct workqueue_struct *wq, struct delayed_work *work,
			unsigned long delay);
bool mod_delayed_work(struct workqueue_struct *wq, struct delayed_work *work,
		      unsigned long delay);
bool queue_rcu_work(struct workqueue_struct *wq, struct rcu_work *work);
bool cancel_delayed_work(struct delayed_work *work);
void cancel_delayed_work_sync(struct delayed_work *work);
bool flush_work(struct work_struct *work);
bool flush_delayed_work(struct delayed_work *work);
bool flush_rcu_work(struct rcu_work *work);
void flush_workqueue(struct workqueue_struct *wq);
struct work_struct *current_work(void);

#define schedule_delayed_work(work, delay) \
	queue_delayed_work(system_unbound_wq, work, delay)

struct irq_work {
	void		(*func)(struct irq_work *work);
	atomic_long_t	busy;
};

#define IRQ_WORK_INIT_HARD(function)	(struct irq_work) { .func = (function) }

void irq_work_queue(struct irq_work *work);
void irq_work_sync(struct irq_work *work);

#endif /* SHIM_WORKQUEUE_H */
