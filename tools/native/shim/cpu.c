// SPDX-License-Identifier: GPL-2.0
/*
 * CPUs and their per-CPU areas.
 *
 * shim_boot() allocates an area for each possible CPU.  A thread that comes online
 * takes the first CPU that is free.  The counters in its area keep their values when
 * the thread goes offline, as on a real CPU.  A CPU goes down when its thread ends, or
 * before that, with shim_cpu_down().  From then on it handles no interrupts; and the last
 * that the thread does is to call the callback that cpuhp_setup_state_nocalls() has
 * registered, which in a kernel another CPU does.  An area begins with a copy of the section
 * "percpu".  __alloc_percpu() allocates from the rest of the area: sizes are rounded up
 * to powers of two, and a block comes from the free list of its size, or from the part
 * that has never been used.
 */
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#ifdef CONFIG_X86_64
#include <asm/prctl.h>
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size)	((void)0)
#define ASAN_UNPOISON_MEMORY_REGION(address, size)	((void)0)
#endif

#include <linux/percpu.h>
#include <linux/spinlock.h>

#include "shim.h"

#define AREA_SIZE	(4UL << 20)
#define MIN_SHIFT	4
#define SIZES		16

unsigned int nr_cpu_ids;
unsigned long __per_cpu_offset[NR_CPUS];

DEFINE_PER_CPU(unsigned int, cpu_number);
DEFINE_PER_CPU(int, __preempt_count) = PREEMPT_ENABLED;
#ifdef CONFIG_X86_64
DEFINE_PER_CPU(unsigned long, this_cpu_off);
#else
__thread unsigned long shim_this_cpu_offset;
#endif

/* ---- areas ---- */

static pthread_mutex_t alloc_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long unused;		/* the first address that was never allocated */
static unsigned long section;		/* start of the page of the section */

/*
 * The order of each block, by its address.  A free block has the address of the next
 * free one in the area of CPU 0.
 */
static unsigned char *sizes;
static unsigned long free_lists[SIZES];

static unsigned int alloc_order(size_t size)
{
	unsigned int order = 0;

	while ((1UL << MIN_SHIFT << order) < size)
		order++;
	return order;
}

static unsigned char *size_of(unsigned long address)
{
	return &sizes[(address - section) >> MIN_SHIFT];
}

static void *area_of(unsigned long address, unsigned int cpu)
{
	return (void *)(address + __per_cpu_offset[cpu]);
}

static unsigned long alloc_address(unsigned int order)
{
	unsigned long address = free_lists[order], size = 1UL << MIN_SHIFT << order;

	if (address) {
		ASAN_UNPOISON_MEMORY_REGION(area_of(address, 0), size);
		free_lists[order] = *(unsigned long *)area_of(address, 0);
		return address;
	}
	address = (unused + size - 1) & -size;
	if (address + size > section + AREA_SIZE)
		return 0;
	unused = address + size;
	return address;
}

void __percpu *__alloc_percpu_gfp(size_t size, size_t align, gfp_t gfp)
{
	unsigned int order = alloc_order(max(size, align)), cpu;
	unsigned long address;

	if (order >= SIZES)
		return NULL;
	pthread_mutex_lock(&alloc_lock);
	address = alloc_address(order);
	if (address)
		*size_of(address) = order;
	pthread_mutex_unlock(&alloc_lock);
	if (!address)
		return NULL;
	for (cpu = 0; cpu < nr_cpu_ids; cpu++) {
		ASAN_UNPOISON_MEMORY_REGION(area_of(address, cpu), size);
		memset(area_of(address, cpu), 0, size);
	}
	return (void __percpu *)address;
}

void __percpu *__alloc_percpu(size_t size, size_t align)
{
	return __alloc_percpu_gfp(size, align, 0);
}

void free_percpu(void __percpu *ptr)
{
	unsigned long address = (unsigned long)ptr;
	unsigned int order, cpu;

	if (!ptr)
		return;
	pthread_mutex_lock(&alloc_lock);
	order = *size_of(address);
	*(unsigned long *)area_of(address, 0) = free_lists[order];
	free_lists[order] = address;
	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		ASAN_POISON_MEMORY_REGION(area_of(address, cpu), 1UL << MIN_SHIFT << order);
	pthread_mutex_unlock(&alloc_lock);
}

static void *map(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		shim_die("no memory for per-CPU areas", errno);
	return memory;
}

static void areas_init(unsigned int cpus)
{
	size_t size = __stop_percpu - __start_percpu;
	unsigned int cpu;
	char *areas;

	nr_cpu_ids = cpus;
	section = (unsigned long)__start_percpu & -4096UL;
	unused = (unsigned long)__stop_percpu;
	sizes = map(AREA_SIZE >> MIN_SHIFT);
	areas = map(cpus * AREA_SIZE);
	for (cpu = 0; cpu < cpus; cpu++) {
		__per_cpu_offset[cpu] = (unsigned long)areas + cpu * AREA_SIZE - section;
		memcpy(per_cpu_ptr(&__start_percpu[0], cpu), __start_percpu, size);
		per_cpu(cpu_number, cpu) = cpu;
#ifdef CONFIG_X86_64
		per_cpu(this_cpu_off, cpu) = __per_cpu_offset[cpu];
#endif
	}
}

/* ---- CPUs ---- */

static void set_cpu(unsigned int cpu)
{
#ifdef CONFIG_X86_64
	if (syscall(SYS_arch_prctl, ARCH_SET_GS, __per_cpu_offset[cpu]))
		shim_die("cannot set the base of %gs", errno);
#else
	shim_this_cpu_offset = __per_cpu_offset[cpu];
#endif
}

static enum cpu_state { OFFLINE, ONLINE, DYING } states[NR_CPUS];
static pthread_mutex_t states_lock = PTHREAD_MUTEX_INITIALIZER;
static DEFINE_MUTEX(hotplug_lock);
static int (*dead_callback)(unsigned int cpu);

bool cpu_online(unsigned int cpu)
{
	return READ_ONCE(states[cpu]) == ONLINE;
}

bool cpu_dying(unsigned int cpu)
{
	return READ_ONCE(states[cpu]) == DYING;
}

void shim_cpu_online(void)
{
	unsigned int cpu;

	pthread_mutex_lock(&states_lock);
	for (cpu = 0; cpu < nr_cpu_ids && (cpu_online(cpu) || cpu_dying(cpu)); cpu++)
		;
	if (cpu == nr_cpu_ids)
		shim_die("more threads than CPUs", ENOSPC);
	WRITE_ONCE(states[cpu], ONLINE);
	pthread_mutex_unlock(&states_lock);
	set_cpu(cpu);
	shim_rcu_cpu_online();
}

void shim_cpu_down(void)
{
	WRITE_ONCE(states[raw_smp_processor_id()], DYING);
}

void shim_cpu_offline(void)
{
	unsigned int cpu = raw_smp_processor_id();

	shim_cpu_down();
	mutex_lock(&hotplug_lock);
	if (dead_callback)
		dead_callback(cpu);
	mutex_unlock(&hotplug_lock);
	shim_rcu_cpu_offline();
	pthread_mutex_lock(&states_lock);
	WRITE_ONCE(states[cpu], OFFLINE);
	pthread_mutex_unlock(&states_lock);
}

int cpuhp_setup_state_nocalls(enum cpuhp_state state, const char *name,
			      int (*startup)(unsigned int cpu),
			      int (*teardown)(unsigned int cpu))
{
	if (startup || dead_callback)
		shim_die("only one callback, for CPUs that are dead, is supported", EINVAL);
	mutex_lock(&hotplug_lock);
	dead_callback = teardown;
	mutex_unlock(&hotplug_lock);
	return state;
}

void cpuhp_remove_state_nocalls(enum cpuhp_state state)
{
	mutex_lock(&hotplug_lock);
	dead_callback = NULL;
	mutex_unlock(&hotplug_lock);
}

struct start {
	void (*run)(void *arg);
	void *arg;
};

static void *thread_main(void *arg)
{
	struct start start = *(struct start *)arg;

	free(arg);
	shim_cpu_online();
	start.run(start.arg);
	shim_cpu_offline();
	return NULL;
}

/* Start a thread that is a CPU as long as it runs */
void shim_thread(pthread_t *thread, void (*run)(void *arg), void *arg)
{
	struct start *start = malloc(sizeof(*start));
	int err;

	if (!start)
		shim_die("cannot start a thread", ENOMEM);
	start->run = run;
	start->arg = arg;
	err = pthread_create(thread, NULL, thread_main, start);
	if (err)
		shim_die("cannot start a thread", err);
}

/* @cpus: the number of CPUs that the program itself has online at a time */
void shim_boot(unsigned int cpus)
{
	areas_init(min(cpus + SHIM_CPUS, (unsigned int)ARRAY_SIZE(states)));
	shim_cpu_online();
	shim_rcu_start();
	shim_workqueues_start();
}

void shim_halt(void)
{
	shim_workqueues_stop();
	shim_rcu_stop();
	shim_cpu_offline();
}
