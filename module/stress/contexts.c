// SPDX-License-Identifier: GPL-2.0
/*
 * The module's own workers: the same steps in the other contexts.
 *
 * On each CPU that the caller may use there is one kernel thread and, for each
 * context asked for, one worker:
 *
 *	KTHREAD		the thread itself, a batch after the other
 *	SOFTIRQ		an hrtimer that expires in softirq context
 *	HARDIRQ		one that expires in hardirq context, on PREEMPT_RT too
 *	IRQ_WORK	another of these, which queues an irq_work
 *
 * They take the same objects, through the same queue, as the caller's workers do,
 * and interrupt them while they do it.  They work when a batch of the caller's is
 * in progress, and else look on: who stops calling has it quiet.
 *
 * A timer that finds itself on another CPU than its own, which has gone off line,
 * stops.  The thread is on its CPU whenever that is on line, and starts those of
 * its timers that stand still.
 */
#include <linux/cpumask.h>
#include <linux/hrtimer.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "../core/compat.h"
#include "stress.h"

#define STRESS_THREAD_STEPS	256	/* in a row */
#define STRESS_IRQ_STEPS	16
#define STRESS_IRQ_MAX_MS	8U	/* between two expiries; 1 at least, */
#define STRESS_IRQ_REST		10	/* and so many times what the steps took */

static const unsigned int irq_contexts[] = {
	DREF_STRESS_SOFTIRQ, DREF_STRESS_HARDIRQ, DREF_STRESS_IRQ_WORK,
};

/**
 * struct stress_timer - an interrupt that a worker works in
 * @hrtimer: begins it
 * @irq_work: does it, if that is the context
 * @cpu: where it is at home
 * @worker: who works; NULL: this context is not asked for
 * @steps: so far
 * @took: time that the last ones took
 */
struct stress_timer {
	struct hrtimer		hrtimer;
	struct irq_work		irq_work;
	struct stress_cpu	*cpu;
	struct stress_worker	*worker;
	u64			steps;
	ktime_t			took;
};

/**
 * struct stress_cpu - what drives the workers of one CPU
 * @number: of the CPU
 * @thread: the thread
 * @worker: the thread's worker; NULL: it only starts timers
 * @steps: of that, so far
 * @timers: by irq_contexts
 */
struct stress_cpu {
	unsigned int		number;
	struct task_struct	*thread;
	struct stress_worker	*worker;
	u64			steps;
	struct stress_timer	timers[ARRAY_SIZE(irq_contexts)];
};

/* How many workers there will be: on the CPUs that the caller may use */
unsigned int stress_contexts_workers(struct stress_session *session)
{
	cpumask_copy(&session->cpumask, current->cpus_ptr);
	return cpumask_weight(&session->cpumask) * hweight32(session->setup.contexts);
}

/* Without "hard", PREEMPT_RT would have them in threads */
static enum hrtimer_mode stress_timer_mode(unsigned int context)
{
	if (context == DREF_STRESS_SOFTIRQ)
		return HRTIMER_MODE_REL_PINNED_SOFT;
	return IS_ENABLED(CONFIG_PREEMPT_RT) ? HRTIMER_MODE_REL_PINNED_HARD :
					       HRTIMER_MODE_REL_PINNED;
}

/* Do @steps steps, if anybody works; returns how many */
static unsigned int stress_work(struct stress_worker *worker, unsigned int steps)
{
	struct stress_session *session = worker->session;
	unsigned int i;

	if (!atomic_read(&session->nr_batches))
		return 0;
	for (i = 0; i < steps && !READ_ONCE(session->failed); i++)
		stress_step(worker, session->setup.scenario);
	return i;
}

static void stress_interrupt(struct stress_timer *timer)
{
	ktime_t begin = ktime_get();

	timer->steps += stress_work(timer->worker, STRESS_IRQ_STEPS);
	WRITE_ONCE(timer->took, ktime_sub(ktime_get(), begin));
}

static void stress_irq_work(struct irq_work *work)
{
	stress_interrupt(container_of(work, struct stress_timer, irq_work));
}

/*
 * Often, but where a step takes long, because the CPU is a virtual one that seldom
 * gets its turn, not so often that tasks do not get theirs.
 */
static ktime_t stress_pause(const struct stress_timer *timer)
{
	u64 turn = READ_ONCE(timer->steps) / STRESS_IRQ_STEPS + timer->cpu->number;

	return max(ms_to_ktime(1 + turn % STRESS_IRQ_MAX_MS),
		   READ_ONCE(timer->took) * STRESS_IRQ_REST);
}

static enum hrtimer_restart stress_expired(struct hrtimer *hrtimer)
{
	struct stress_timer *timer = container_of(hrtimer, struct stress_timer, hrtimer);

	if (raw_smp_processor_id() != timer->cpu->number)
		return HRTIMER_NORESTART;
	if (timer->worker->context == DREF_STRESS_IRQ_WORK)
		irq_work_queue(&timer->irq_work);
	else
		stress_interrupt(timer);
	hrtimer_forward_now(hrtimer, stress_pause(timer));
	return HRTIMER_RESTART;
}

/* On the thread's own CPU: start what stands still */
static void stress_start_timers(struct stress_cpu *cpu)
{
	struct stress_timer *timer;
	int i;

	for (i = 0; i < ARRAY_SIZE(irq_contexts); i++) {
		timer = &cpu->timers[i];
		if (!timer->worker || hrtimer_active(&timer->hrtimer))
			continue;
		hrtimer_start(&timer->hrtimer, ms_to_ktime(1),
			      stress_timer_mode(irq_contexts[i]));
	}
}

static int stress_thread(void *data)
{
	struct stress_cpu *cpu = data;
	unsigned int steps;

	while (!kthread_should_stop()) {
		/* fails while the CPU is off line */
		if (set_cpus_allowed_ptr(current, cpumask_of(cpu->number))) {
			schedule_timeout_idle(HZ / 20);
			continue;
		}
		stress_start_timers(cpu);
		steps = cpu->worker ? stress_work(cpu->worker, STRESS_THREAD_STEPS) : 0;
		cpu->steps += steps;
		if (steps)
			cond_resched_tasks_rcu_qs();
		else
			schedule_timeout_idle(cpu->worker ? 1 : HZ / 20);
	}
	return 0;
}

static void stress_worker_init(struct stress_worker *worker, unsigned int context)
{
	worker->context = context;
	memset(worker->counts, 0, sizeof(worker->counts));	/* of the set-up */
	prandom_seed_state(&worker->rnd, worker->session->setup.seed ^
			   (worker->number + 1) * 0x9e3779b97f4a7c15ULL);
}

/* @worker is the first of those that this CPU has; returns the next CPU's */
static struct stress_worker *stress_cpu_init(struct stress_session *session,
					     struct stress_cpu *cpu,
					     struct stress_worker *worker)
{
	unsigned int contexts = session->setup.contexts;
	struct stress_timer *timer;
	int i;

	if (contexts & DREF_STRESS_KTHREAD) {
		stress_worker_init(worker, DREF_STRESS_KTHREAD);
		cpu->worker = worker++;
	}
	for (i = 0; i < ARRAY_SIZE(irq_contexts); i++) {
		timer = &cpu->timers[i];
		timer->cpu = cpu;
		if (!(contexts & irq_contexts[i]))
			continue;
		stress_worker_init(worker, irq_contexts[i]);
		timer->worker = worker++;
		timer->irq_work = IS_ENABLED(CONFIG_PREEMPT_RT) ?
				  IRQ_WORK_INIT_HARD(stress_irq_work) :
				  IRQ_WORK_INIT(stress_irq_work);
		dref_hrtimer_setup(&timer->hrtimer, stress_expired, CLOCK_MONOTONIC,
				   stress_timer_mode(irq_contexts[i]));
	}
	return worker;
}

int stress_contexts_start(struct stress_session *session)
{
	struct stress_worker *worker = session->workers + session->setup.workers;
	struct task_struct *thread;
	struct stress_cpu *cpu;
	unsigned int i;

	if (!session->setup.contexts)
		return 0;
	session->cpus = kvcalloc(nr_cpu_ids, sizeof(*session->cpus),
				 GFP_KERNEL_ACCOUNT);
	if (!session->cpus)
		return -ENOMEM;
	for (i = 0; i < nr_cpu_ids; i++) {
		if (!cpumask_test_cpu(i, &session->cpumask))
			continue;
		cpu = &session->cpus[i];
		cpu->number = i;
		worker = stress_cpu_init(session, cpu, worker);
		thread = kthread_run(stress_thread, cpu, "dref_stress/%u", i);
		if (IS_ERR(thread))
			return PTR_ERR(thread);
		cpu->thread = thread;
	}
	return 0;
}

static void stress_count_up(struct dref_stress_report *report,
			    const struct stress_worker *worker, u64 steps)
{
	int i;

	report->kernel_steps += steps;
	for (i = 0; i < DREF_STRESS_NR_COUNTS; i++)
		report->kernel_counts[i] += worker->counts[i];
}

static void stress_timer_stop(struct stress_timer *timer,
			      struct dref_stress_report *report)
{
	if (!timer->worker)
		return;
	hrtimer_cancel(&timer->hrtimer);
	irq_work_sync(&timer->irq_work);
	stress_count_up(report, timer->worker, timer->steps);
}

/* Nobody of the caller's works any more: see to it that nobody of ours does */
void stress_contexts_stop(struct stress_session *session,
			  struct dref_stress_report *report)
{
	struct stress_cpu *cpu;
	unsigned int i, j;

	if (!session->cpus)
		return;
	for (i = 0; i < nr_cpu_ids; i++) {
		if (session->cpus[i].thread)
			kthread_stop(session->cpus[i].thread);
	}
	for (i = 0; i < nr_cpu_ids; i++) {
		cpu = &session->cpus[i];
		if (cpu->worker)
			stress_count_up(report, cpu->worker, cpu->steps);
		for (j = 0; j < ARRAY_SIZE(irq_contexts); j++)
			stress_timer_stop(&cpu->timers[j], report);
	}
	kvfree(session->cpus);
	session->cpus = NULL;
}
