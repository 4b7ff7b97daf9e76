// SPDX-License-Identifier: GPL-2.0
/*
 * The module's own workers: the same steps in other contexts.
 *
 * Each CPU that the caller may use has one kernel thread and, for each requested
 * context, one worker:
 *
 *	KTHREAD		runs in the thread itself, batch after batch
 *	SOFTIRQ		runs in an hrtimer that expires in softirq context
 *	HARDIRQ		runs in an hrtimer that expires in hardirq context, also on
 *			PREEMPT_RT
 *	IRQ_WORK	runs in an irq_work that such an hrtimer queues
 *
 * These workers use the same objects and the same queue as the caller's workers,
 * and interrupt them.  They run only while a batch of the caller is in progress,
 * so they rest when the caller does.
 *
 * When a CPU goes off line, its timers move to another CPU, notice that and
 * stop.  The thread runs on its CPU whenever that is on line, and restarts the
 * timers that have stopped.
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

#define STRESS_THREAD_STEPS	256	/* steps of a thread in a row */
#define STRESS_IRQ_STEPS	16	/* steps of an interrupt in a row */
#define STRESS_IRQ_MAX_MS	8U	/* pauses of a timer are 1 ms to this long, */
#define STRESS_IRQ_REST		10	/* or this many times as long as its steps */

static const unsigned int irq_contexts[] = {
	DREF_STRESS_SOFTIRQ, DREF_STRESS_HARDIRQ, DREF_STRESS_IRQ_WORK,
};

/**
 * struct stress_timer - runs the steps of a worker in an interrupt
 * @hrtimer: causes the interrupt
 * @irq_work: runs the steps, if the context is DREF_STRESS_IRQ_WORK
 * @cpu: the CPU that it belongs to
 * @worker: the worker, or NULL if this context was not requested
 * @steps: number of steps so far
 * @took: time that the last steps took
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
 * struct stress_cpu - runs the workers of one CPU
 * @number: number of the CPU
 * @thread: the kernel thread
 * @worker: the worker of the thread, or NULL if that only starts timers
 * @steps: number of steps of @worker so far
 * @timers: one for each of irq_contexts
 */
struct stress_cpu {
	unsigned int		number;
	struct task_struct	*thread;
	struct stress_worker	*worker;
	u64			steps;
	struct stress_timer	timers[ARRAY_SIZE(irq_contexts)];
};

/* Returns the number of own workers, on the CPUs that the caller may use */
unsigned int stress_contexts_nr_workers(struct stress_session *session)
{
	cpumask_copy(&session->cpumask, current->cpus_ptr);
	return cpumask_weight(&session->cpumask) * hweight32(session->setup.contexts);
}

/* PREEMPT_RT runs timers in threads, unless their mode is "soft" or "hard" */
static enum hrtimer_mode stress_timer_mode(unsigned int context)
{
	if (context == DREF_STRESS_SOFTIRQ)
		return HRTIMER_MODE_REL_PINNED_SOFT;
	return IS_ENABLED(CONFIG_PREEMPT_RT) ? HRTIMER_MODE_REL_PINNED_HARD :
					       HRTIMER_MODE_REL_PINNED;
}

/* Do @steps steps, if a batch of the caller is in progress; returns how many it did */
static unsigned int stress_do_steps(struct stress_worker *worker, unsigned int steps)
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

	timer->steps += stress_do_steps(timer->worker, STRESS_IRQ_STEPS);
	WRITE_ONCE(timer->took, ktime_sub(ktime_get(), begin));
}

static void stress_irq_work(struct irq_work *work)
{
	stress_interrupt(container_of(work, struct stress_timer, irq_work));
}

/*
 * Timers expire often.  But where steps take long, as on a virtual CPU that
 * rarely runs, the pause is long enough for tasks to run, too.
 */
static ktime_t stress_next_pause(const struct stress_timer *timer)
{
	u64 turn = READ_ONCE(timer->steps) / STRESS_IRQ_STEPS + timer->cpu->number;

	return max(ms_to_ktime(1 + turn % STRESS_IRQ_MAX_MS),
		   READ_ONCE(timer->took) * STRESS_IRQ_REST);
}

static enum hrtimer_restart stress_timer_expired(struct hrtimer *hrtimer)
{
	struct stress_timer *timer = container_of(hrtimer, struct stress_timer, hrtimer);

	if (raw_smp_processor_id() != timer->cpu->number)
		return HRTIMER_NORESTART;
	if (timer->worker->context == DREF_STRESS_IRQ_WORK)
		irq_work_queue(&timer->irq_work);
	else
		stress_interrupt(timer);
	hrtimer_forward_now(hrtimer, stress_next_pause(timer));
	return HRTIMER_RESTART;
}

/* Start the timers that have stopped; called on the thread's own CPU */
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
		steps = cpu->worker ? stress_do_steps(cpu->worker, STRESS_THREAD_STEPS) : 0;
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
	memset(worker->counts, 0, sizeof(worker->counts));	/* forget the set-up */
	prandom_seed_state(&worker->rnd, worker->session->setup.seed ^
			   (worker->number + 1) * 0x9e3779b97f4a7c15ULL);
}

/* @worker is the first worker of this CPU; returns the first of the next CPU */
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
		dref_hrtimer_setup(&timer->hrtimer, stress_timer_expired, CLOCK_MONOTONIC,
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

static void stress_add_counts(struct dref_stress_report *report,
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
	stress_add_counts(report, timer->worker, timer->steps);
}

/* Stop the module's own workers; those of the caller have stopped already */
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
			stress_add_counts(report, cpu->worker, cpu->steps);
		for (j = 0; j < ARRAY_SIZE(irq_contexts); j++)
			stress_timer_stop(&cpu->timers[j], report);
	}
	kvfree(session->cpus);
	session->cpus = NULL;
}
