// SPDX-License-Identifier: GPL-2.0
/*
 * A team: threads, each bound to a CPU of its own, that begin together.
 *
 * A team does not keep CPUs from going off line, as that would delay the task
 * that takes one down.  If a CPU goes off line, the scheduler moves its thread
 * to another CPU.  The thread checks, with preemption off, on which CPU it
 * runs, and ends the session if that is the wrong one, as its times would be of
 * no use.
 */
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/topology.h>

#include "scale.h"

static int scale_thread(void *arg)
{
	struct scale_thread *thread = arg;

	thread->team->work(thread);
	/* no code of this module runs after the completion, so it may be unloaded */
	kthread_complete_and_exit(&thread->team->gone, 0);
}

static struct task_struct *scale_thread_new(struct scale_thread *thread)
{
	struct task_struct *task;

	task = kthread_create_on_node(scale_thread, thread, cpu_to_node(thread->cpu),
				      "dref_scale/%u", thread->cpu);
	if (!IS_ERR(task))
		kthread_bind(task, thread->cpu);
	return task;
}

static int scale_threads_start(struct scale_team *team)
{
	struct task_struct **tasks;
	unsigned int i, nr;
	int err = 0;

	tasks = kcalloc(team->nr, sizeof(*tasks), GFP_KERNEL);
	if (!tasks)
		return -ENOMEM;
	for (nr = 0; nr < team->nr; nr++) {
		tasks[nr] = scale_thread_new(&team->threads[nr]);
		if (IS_ERR(tasks[nr])) {
			err = PTR_ERR(tasks[nr]);
			break;
		}
	}
	for (i = 0; i < nr; i++) {
		if (err)
			kthread_stop(tasks[i]);	/* before it has begun */
		else
			wake_up_process(tasks[i]);
	}
	kfree(tasks);
	return err;
}

/*
 * Run @team->work in @team->nr threads on the first CPUs of the session, and
 * wait until all have returned.  On success the caller reads @team->threads and
 * then calls scale_team_free().
 */
int scale_team_run(struct scale_team *team)
{
	unsigned int i, cpu = cpumask_first(&team->session->cpumask);
	struct scale_thread *thread;
	int err;

	team->threads = kcalloc(team->nr, sizeof(*team->threads), GFP_KERNEL);
	if (!team->threads)
		return -ENOMEM;
	atomic_set(&team->started, 0);
	atomic_set(&team->finished, 0);
	init_completion(&team->gone);
	for (i = 0; i < team->nr; i++) {
		thread = &team->threads[i];
		thread->team = team;
		thread->prev = &team->threads[i ? i - 1 : team->nr - 1];
		thread->index = i;
		thread->cpu = cpu;
		cpu = cpumask_next(cpu, &team->session->cpumask);
	}

	err = scale_threads_start(team);
	if (err) {
		scale_team_free(team);
		return err;
	}
	for (i = 0; i < team->nr; i++)
		wait_for_completion(&team->gone);
	return 0;
}

void scale_team_free(struct scale_team *team)
{
	kfree(team->threads);
	team->threads = NULL;
}

/* Returns when all threads of the team have called it, or the session must end */
void scale_team_start(struct scale_thread *thread)
{
	struct scale_team *team = thread->team;

	atomic_inc(&team->started);
	while (atomic_read(&team->started) < team->nr && !scale_must_end(team->session)) {
		cpu_relax();
		cond_resched();
	}
}

/* Test whether a thread runs on another CPU than its own; called with preemption off */
bool scale_thread_moved(struct scale_thread *thread)
{
	if (likely(smp_processor_id() == thread->cpu))
		return false;
	WRITE_ONCE(thread->team->session->offline_cpu, thread->cpu);
	return true;
}

/*
 * Returns the number of threads to measure after @nr: one more up to 8, then
 * twice as many, and at last the number of CPUs; UINT_MAX after that.
 */
unsigned int scale_next_nr_threads(const struct scale_session *session, unsigned int nr)
{
	if (nr >= session->nr_cpus)
		return UINT_MAX;
	return min(nr < 8 ? nr + 1 : nr * 2, session->nr_cpus);
}
