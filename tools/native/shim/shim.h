/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a program does to be a kernel.
 *
 *	shim_boot()	areas for so many CPUs, RCU, the system's work queue
 *	cpu_online()	the calling thread is a CPU from now on
 *	schedule()	it switches voluntarily, as Tasks RCU has it
 *	shim_halt()	the threads that boot has started are gone
 */
#ifndef SHIM_H
#define SHIM_H

#include <linux/types.h>

/* CPUs that the shim and dref's two work queues take for their own threads */
#define SHIM_CPUS	8

/* cpu.c; the section's ends are set by the linker */
extern char __start_percpu[], __stop_percpu[];
void shim_boot(unsigned int cpus);
void shim_halt(void);
void cpu_online(void);
void cpu_offline(void);
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
