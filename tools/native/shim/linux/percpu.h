/* SPDX-License-Identifier: GPL-2.0 */
/*
 * CPUs, per-CPU data and the preemption count.
 *
 * A thread that has called shim_cpu_online() is a CPU.  No other thread is the same CPU at
 * the same time, so all that a thread does to its area is as undisturbed as a single
 * instruction in a kernel.  As in the kernel, a per-CPU pointer is an address within
 * the section, and the area of each CPU is at an offset from the section.  On x86-64
 * this offset is the base of the segment %gs, which user space does not use otherwise.
 * Therefore the operations are those of the kernel, byte for byte:
 *
 *	this_cpu_inc(p->gets)		incq %gs:(%rax)
 *	preempt_disable()		incl %gs:__preempt_count(%rip)
 *	preempt_enable()		decl %gs:__preempt_count(%rip), je
 *
 * preempt_enable() is that of a preemptible kernel: one bit of the count is clear if
 * another task wants to run, and the scheduler is called when the count is zero.  In
 * this shim the bit is always set.  As in the kernel, a grace period waits for code that
 * runs with preemption disabled (rcu.c).
 *
 * On other architectures, and for the sanitizers, which do not analyse assembler, the
 * operations are relaxed atomics on the area.  Each of them is an RCU read-side section
 * of its own, as the proof of dref assumes for a single instruction, and so is code
 * that runs with preemption disabled.
 */
#ifndef SHIM_PERCPU_H
#define SHIM_PERCPU_H

#include <linux/kernel.h>
#include <linux/rcupdate.h>

#define NR_CPUS			1024
#define CONFIG_NR_CPUS		NR_CPUS

#define __percpu_section	__attribute__((section("percpu")))
#define DECLARE_PER_CPU(type, name)	extern __percpu_section typeof(type) name
#define DEFINE_PER_CPU(type, name)	__percpu_section typeof(type) name

extern unsigned int nr_cpu_ids;
extern unsigned long __per_cpu_offset[NR_CPUS];

#define prefetch(address)	__builtin_prefetch(address)

#define num_possible_cpus()	nr_cpu_ids
#define cpu_possible(cpu)	((cpu) < nr_cpu_ids)
#define for_each_possible_cpu(cpu) \
	for ((cpu) = 0; (cpu) < (int)nr_cpu_ids; (cpu)++)

#define per_cpu_ptr(ptr, cpu)	((typeof(ptr))((unsigned long)(ptr) + __per_cpu_offset[cpu]))
#define per_cpu(var, cpu)	(*per_cpu_ptr(&(var), cpu))
#define raw_cpu_ptr(ptr)	((typeof(ptr))((unsigned long)(ptr) + shim_cpu_offset()))
#define this_cpu_ptr(ptr)	raw_cpu_ptr(ptr)

DECLARE_PER_CPU(unsigned int, cpu_number);
DECLARE_PER_CPU(int, __preempt_count);

/* As in the kernel, an inverted bit: it is clear if another task wants to run */
#define PREEMPT_ENABLED		INT_MIN

void preempt_schedule(void);

#ifdef CONFIG_X86_64

DECLARE_PER_CPU(unsigned long, this_cpu_off);

/* %q is a 64-bit register, %k its low half; clang 14 does not support gcc's %z */
#define raw_cpu_read(var) ({						\
	typeof(var) __value;						\
									\
	if (sizeof(var) == 8)						\
		asm("movq %%gs:%1, %q0" : "=r" (__value) : "m" (var));	\
	else								\
		asm("movl %%gs:%1, %k0" : "=r" (__value) : "m" (var));	\
	__value;							\
})
#define raw_cpu_write(var, value) do {					\
	typeof(var) __value = (value);					\
									\
	if (sizeof(var) == 8)						\
		asm("movq %q1, %%gs:%0" : "=m" (var) : "re" (__value));	\
	else								\
		asm("movl %k1, %%gs:%0" : "=m" (var) : "re" (__value));	\
} while (0)
#define shim_cpu_op(op, var) do {					\
	if (sizeof(var) == 8)						\
		asm volatile(op "q %%gs:%0" : "+m" (var));		\
	else								\
		asm volatile(op "l %%gs:%0" : "+m" (var));		\
} while (0)
#define shim_cpu_inc(var)	shim_cpu_op("inc", var)
#define shim_cpu_dec(var)	shim_cpu_op("dec", var)
#define shim_cpu_add(var, n) do {					\
	typeof(var) __n = (n);						\
									\
	if (sizeof(var) == 8)						\
		asm volatile("addq %q1, %%gs:%0" : "+m" (var) : "re" (__n)); \
	else								\
		asm volatile("addl %k1, %%gs:%0" : "+m" (var) : "re" (__n)); \
} while (0)
#define shim_cpu_offset()	raw_cpu_read(this_cpu_off)

static __always_inline void preempt_disable(void)
{
	shim_cpu_inc(__preempt_count);
	barrier();
}

static __always_inline void preempt_enable(void)
{
	bool zero;

	barrier();
	asm volatile("decl %%gs:%0" : "+m" (__preempt_count), "=@cce" (zero));
	if (unlikely(zero))
		preempt_schedule();
}

#else

extern __thread unsigned long shim_this_cpu_offset;

#define shim_cpu_offset()		shim_this_cpu_offset
#define shim_this_cpu(var)		raw_cpu_ptr(&(var))
#define raw_cpu_read(var)		READ_ONCE(*shim_this_cpu(var))
#define raw_cpu_write(var, value)	WRITE_ONCE(*shim_this_cpu(var), value)
#define shim_cpu_inc(var)		shim_cpu_add(var, 1)
#define shim_cpu_dec(var)		shim_cpu_add(var, -1)
#define shim_cpu_add(var, n) do {					\
	rcu_read_lock();						\
	__atomic_fetch_add(shim_this_cpu(var), n, __ATOMIC_RELAXED);	\
	rcu_read_unlock();						\
} while (0)

static inline void preempt_disable(void)
{
	shim_cpu_inc(__preempt_count);
	rcu_read_lock();
}

static inline void preempt_enable(void)
{
	rcu_read_unlock();
	shim_cpu_dec(__preempt_count);
}

#endif /* CONFIG_X86_64 */

#define this_cpu_inc(var)	shim_cpu_inc(var)
#define raw_cpu_dec(var)	shim_cpu_dec(var)
/* As in the kernel, adding a constant 1 is an increment */
#define this_cpu_add(var, n) do {			\
	if (__builtin_constant_p(n) && (n) == 1)	\
		shim_cpu_inc(var);			\
	else if (__builtin_constant_p(n) && (n) == -1UL) \
		shim_cpu_dec(var);			\
	else						\
		shim_cpu_add(var, n);			\
} while (0)
#define this_cpu_sub(var, n)	this_cpu_add(var, -(typeof(var))(n))
#define raw_smp_processor_id()	raw_cpu_read(cpu_number)
#define smp_processor_id()	raw_smp_processor_id()
#define in_nmi()		false
#define in_task()		true
#define preemptible()		(raw_cpu_read(__preempt_count) == PREEMPT_ENABLED)

void __percpu *__alloc_percpu_gfp(size_t size, size_t align, gfp_t gfp);
void __percpu *__alloc_percpu(size_t size, size_t align);
void free_percpu(void __percpu *ptr);

#define alloc_percpu(type) \
	((type __percpu *)__alloc_percpu(sizeof(type), __alignof__(type)))

/* A CPU is dying from shim_cpu_down() on, until its thread has ended */
bool cpu_online(unsigned int cpu);
bool cpu_dying(unsigned int cpu);

enum cpuhp_state { CPUHP_BP_PREPARE_DYN = 1 };

int cpuhp_setup_state_nocalls(enum cpuhp_state state, const char *name,
			      int (*startup)(unsigned int cpu),
			      int (*teardown)(unsigned int cpu));
void cpuhp_remove_state_nocalls(enum cpuhp_state state);

#endif /* SHIM_PERCPU_H */
