/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Functions that a program calls to act as a kernel.
 *
 *	shim_boot()	set up per-CPU areas, RCU, and the system workqueue
 *	shim_thread()	start a thread that is a CPU as long as it runs
 *	schedule()	report a voluntary context switch to Tasks RCU
 *	shim_halt()	stop the threads that shim_boot() started
 */
#ifndef SHIM_H
#define SHIM_H

#include <linux/types.h>

/* CPUs for the threads of the shim, and for two threads of each of dref's two workqueues */
#define SHIM_CPUS	10

/* cpu.c; the linker defines the ends of the section */
extern char __start_percpu[], __stop_percpu[];
void shim_boot(unsigned int cpus);
void shim_halt(void);
void shim_cpu_online(void);
void shim_cpu_down(void);
void shim_cpu_offline(void);
void shim_thread(pthread_t *thread, void (*run)(void *arg), void *arg);

/* rcu.c */
extern unsigned int shim_rcu_rest_us;
void shim_rcu_start(void);
void shim_rcu_stop(void);
void shim_rcu_cpu_online(void);
void shim_rcu_cpu_offline(void);
void schedule(void);
void schedule_begin(void);
void schedule_end(void);

/* workqueue.c */
void shim_workqueues_start(void);
void shim_workqueues_stop(void);

/* kernel.c */
extern bool shim_silent;
unsigned long shim_warnings(void);
void shim_shrink(void);
void shim_die(const char *what, int err);

#endif /* SHIM_H */
