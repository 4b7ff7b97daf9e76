// SPDX-License-Identifier: GPL-2.0
/*
 * Workqueues.
 *
 * A workqueue is a list and two threads, so two items of it can run at a time, but
 * never an item concurrently with itself.  One lock protects all workqueues and the
 * timers.  An item gets a ticket when it is queued; a flush waits until no item is left
 * whose ticket is older than the flush.
 */
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "shim.h"

#define WORKERS	2
#define POLL_MS	1

/* What a thread runs; the item is compared with others only, as it may be freed */
struct running {
	const struct work_struct *work;
	unsigned long		ticket;		/* of the item, when it was queued */
};

struct workqueue_struct {
	struct list_head	queued;
	struct running		running[WORKERS];
	pthread_t		workers[WORKERS];
	pthread_cond_t		wanted;		/* an item was queued, or stop was set */
	bool			stop;
};

struct worker {
	struct workqueue_struct	*wq;
	unsigned int		number;
};

struct workqueue_struct *system_unbound_wq;

static DEFINE_MUTEX(wq_lock);
static pthread_cond_t done = PTHREAD_COND_INITIALIZER;	/* an item has run */
static unsigned long ticket;

/* ---- queue and run items, under the lock ---- */

static void work_insert(struct workqueue_struct *wq, struct work_struct *work)
{
	work->wq = wq;
	work->ticket = ++ticket;
	work->queued = true;
	list_add_tail(&work->entry, &wq->queued);
	pthread_cond_signal(&wq->wanted);
}

static void work_remove(struct work_struct *work)
{
	list_del(&work->entry);
	work->queued = false;
	work->pending = false;
}

/* Test whether a thread runs @work, queued with @until or an earlier ticket */
static bool work_running(const struct workqueue_struct *wq, const struct work_struct *work,
			 unsigned long until)
{
	int i;

	for (i = 0; i < WORKERS; i++) {
		if (wq->running[i].work == work && wq->running[i].ticket <= until)
			return true;
	}
	return false;
}

/* The first item that is not running */
static struct work_struct *work_next(struct workqueue_struct *wq)
{
	struct work_struct *work;

	list_for_each_entry(work, &wq->queued, entry) {
		if (!work_running(wq, work, ULONG_MAX))
			return work;
	}
	return NULL;
}

static void work_run(struct worker *worker, struct work_struct *work)
{
	struct workqueue_struct *wq = worker->wq;
	struct running *running = &wq->running[worker->number];
	work_func_t func = work->func;

	work_remove(work);
	*running = (struct running) { work, work->ticket };
	current->work = work;
	mutex_unlock(&wq_lock);

	func(work);

	mutex_lock(&wq_lock);
	current->work = NULL;
	running->work = NULL;
	pthread_cond_broadcast(&done);
	/* It may have queued itself; the other worker does not take an item that runs */
	pthread_cond_signal(&wq->wanted);
}

static void wait_for(pthread_cond_t *cond)
{
	schedule_begin();
	pthread_cond_wait(cond, &wq_lock.lock);
	schedule_end();
}

static void worker_run(void *arg)
{
	struct worker worker = *(struct worker *)arg;
	struct work_struct *work;

	free(arg);
	mutex_lock(&wq_lock);
	while ((work = work_next(worker.wq)) || !worker.wq->stop) {
		if (work)
			work_run(&worker, work);
		else
			wait_for(&worker.wq->wanted);
	}
	mutex_unlock(&wq_lock);
}

/* ---- work ---- */

bool queue_work(struct workqueue_struct *wq, struct work_struct *work)
{
	bool queued;

	mutex_lock(&wq_lock);
	queued = !work->pending;
	if (queued) {
		work->pending = true;
		work_insert(wq, work);
	}
	mutex_unlock(&wq_lock);
	return queued;
}

struct work_struct *current_work(void)
{
	return current->work;
}

/* Test whether @work, if queued up to @until, is still queued or running */
static bool work_busy(const struct work_struct *work, unsigned long until)
{
	return (work->queued && work->ticket <= until) ||
	       (work->wq && work_running(work->wq, work, until));
}

bool flush_work(struct work_struct *work)
{
	unsigned long until;
	bool waited = false;

	mutex_lock(&wq_lock);
	until = ticket;
	while (work_busy(work, until)) {
		waited = true;
		wait_for(&done);
	}
	mutex_unlock(&wq_lock);
	return waited;
}

static bool wq_busy(const struct workqueue_struct *wq, unsigned long until)
{
	const struct work_struct *work;
	int i;

	for (i = 0; i < WORKERS; i++) {
		if (wq->running[i].work && wq->running[i].ticket <= until)
			return true;
	}
	list_for_each_entry(work, &wq->queued, entry) {
		if (work->ticket <= until)
			return true;
	}
	return false;
}

void flush_workqueue(struct workqueue_struct *wq)
{
	unsigned long until;

	mutex_lock(&wq_lock);
	until = ticket;
	while (wq_busy(wq, until))
		wait_for(&done);
	mutex_unlock(&wq_lock);
}

/* ---- delayed work: one thread waits for the next timer that expires ---- */

static LIST_HEAD(timers);
static pthread_cond_t timers_changed;	/* on the monotonic clock */
static pthread_t timer_thread;
static bool timer_stop;

static void timer_disarm(struct delayed_work *dwork)
{
	if (!dwork->expires)
		return;
	list_del(&dwork->timer);
	dwork->expires = 0;
}

static void timer_arm(struct workqueue_struct *wq, struct delayed_work *dwork,
		      unsigned long delay)
{
	dwork->work.pending = true;
	if (!delay) {
		work_insert(wq, &dwork->work);
		return;
	}
	dwork->work.wq = wq;
	dwork->expires = ktime_get_ns() + delay * (NSEC_PER_SEC / HZ);
	list_add(&dwork->timer, &timers);
	pthread_cond_signal(&timers_changed);
}

/* Queue the items whose timers have expired; returns the time of the next expiry */
static u64 timers_expire(void)
{
	u64 now = ktime_get_ns(), first = now + 3600 * NSEC_PER_SEC;
	struct delayed_work *dwork, *next;

	list_for_each_entry_safe(dwork, next, &timers, timer) {
		if (dwork->expires > now) {
			first = min(first, dwork->expires);
			continue;
		}
		timer_disarm(dwork);
		work_insert(dwork->work.wq, &dwork->work);
	}
	return first;
}

static void timer_run(void *unused)
{
	struct timespec until;
	u64 first;

	mutex_lock(&wq_lock);
	while (!timer_stop) {
		first = timers_expire();
		until.tv_sec = first / NSEC_PER_SEC;
		until.tv_nsec = first % NSEC_PER_SEC;
		schedule_begin();
		pthread_cond_timedwait(&timers_changed, &wq_lock.lock, &until);
		schedule_end();
	}
	mutex_unlock(&wq_lock);
}

bool queue_delayed_work(struct workqueue_struct *wq, struct delayed_work *dwork,
			unsigned long delay)
{
	bool queued;

	mutex_lock(&wq_lock);
	queued = !dwork->work.pending;
	if (queued)
		timer_arm(wq, dwork, delay);
	mutex_unlock(&wq_lock);
	return queued;
}

/* Cancel @dwork if it is pending, under the lock */
static bool dwork_cancel(struct delayed_work *dwork)
{
	bool pending = dwork->work.pending;

	timer_disarm(dwork);
	if (dwork->work.queued)
		work_remove(&dwork->work);
	dwork->work.pending = false;
	return pending;
}

bool mod_delayed_work(struct workqueue_struct *wq, struct delayed_work *dwork,
		      unsigned long delay)
{
	bool pending;

	mutex_lock(&wq_lock);
	pending = dwork_cancel(dwork);
	timer_arm(wq, dwork, delay);
	mutex_unlock(&wq_lock);
	return pending;
}

bool cancel_delayed_work(struct delayed_work *dwork)
{
	bool pending;

	mutex_lock(&wq_lock);
	pending = dwork_cancel(dwork);
	mutex_unlock(&wq_lock);
	return pending;
}

/* Repeat the cancellation while @dwork runs, as it may queue itself again */
void cancel_delayed_work_sync(struct delayed_work *dwork)
{
	mutex_lock(&wq_lock);
	while (dwork_cancel(dwork), work_busy(&dwork->work, ULONG_MAX))
		wait_for(&done);
	mutex_unlock(&wq_lock);
}

bool flush_delayed_work(struct delayed_work *dwork)
{
	mutex_lock(&wq_lock);
	if (dwork->expires) {
		timer_disarm(dwork);
		work_insert(dwork->work.wq, &dwork->work);
	}
	mutex_unlock(&wq_lock);
	return flush_work(&dwork->work);
}

/* ---- work after a grace period ---- */

static void rcu_work_due(struct rcu_head *head)
{
	struct work_struct *work = &container_of(head, struct rcu_work, rcu)->work;

	mutex_lock(&wq_lock);
	work_insert(work->wq, work);
	mutex_unlock(&wq_lock);
}

bool queue_rcu_work(struct workqueue_struct *wq, struct rcu_work *rwork)
{
	bool queued;

	mutex_lock(&wq_lock);
	queued = !rwork->work.pending;
	if (queued) {
		rwork->work.pending = true;
		rwork->work.wq = wq;
	}
	mutex_unlock(&wq_lock);
	if (queued)
		call_rcu(&rwork->rcu, rcu_work_due);
	return queued;
}

bool flush_rcu_work(struct rcu_work *rwork)
{
	bool pending;

	mutex_lock(&wq_lock);
	pending = rwork->work.pending;
	mutex_unlock(&wq_lock);
	if (pending)
		rcu_barrier();
	return flush_work(&rwork->work) || pending;
}

/* ---- irq_work ---- */

void irq_work_queue(struct irq_work *work)
{
	if (!cpu_online(raw_smp_processor_id()))
		shim_die("an irq_work is queued on a CPU that is going down", EINVAL);
	atomic_long_inc(&work->busy);
	work->func(work);
	atomic_long_add_return(-1, &work->busy);	/* fully ordered */
}

void irq_work_sync(struct irq_work *work)
{
	/* Acquire: the accesses of the function happen before the caller frees @work */
	while (smp_load_acquire(&work->busy.counter))
		msleep(POLL_MS);
}

/* ---- queues ---- */

struct workqueue_struct *alloc_workqueue(const char *name, unsigned int flags, int max_active)
{
	struct workqueue_struct *wq = calloc(1, sizeof(*wq));
	struct worker *worker;
	int i;

	if (!wq)
		return NULL;
	INIT_LIST_HEAD(&wq->queued);
	pthread_cond_init(&wq->wanted, NULL);
	for (i = 0; i < WORKERS; i++) {
		worker = malloc(sizeof(*worker));
		if (!worker)
			shim_die("cannot start a work queue", ENOMEM);
		worker->wq = wq;
		worker->number = i;
		shim_thread(&wq->workers[i], worker_run, worker);
	}
	return wq;
}

void destroy_workqueue(struct workqueue_struct *wq)
{
	int i;

	mutex_lock(&wq_lock);
	wq->stop = true;
	pthread_cond_broadcast(&wq->wanted);
	mutex_unlock(&wq_lock);
	schedule_begin();
	for (i = 0; i < WORKERS; i++)
		pthread_join(wq->workers[i], NULL);
	schedule_end();
	free(wq);
}

void shim_workqueues_start(void)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&timers_changed, &attr);
	shim_thread(&timer_thread, timer_run, NULL);
	system_unbound_wq = alloc_workqueue("system", 0, 0);
	if (!system_unbound_wq)
		shim_die("cannot start a work queue", ENOMEM);
}

void shim_workqueues_stop(void)
{
	destroy_workqueue(system_unbound_wq);
	mutex_lock(&wq_lock);
	timer_stop = true;
	pthread_cond_signal(&timers_changed);
	mutex_unlock(&wq_lock);
	schedule_begin();
	pthread_join(timer_thread, NULL);
	schedule_end();
}
