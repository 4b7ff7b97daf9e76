// SPDX-License-Identifier: GPL-2.0
/*
 * Users of struct percpu_ref, which tools/coccinelle/percpu_ref-to-dref.cocci turns into
 * percpu_ref-after.c.
 */
#include <linux/completion.h>
#include <linux/module.h>
#include <linux/percpu-refcount.h>
#include <linux/slab.h>

struct queue {
	struct percpu_ref ref;
	struct completion idle;
	int depth;
};

struct port {
	struct percpu_ref users;
	struct queue queue;
};

static void queue_idle(struct percpu_ref *ref)
{
	struct queue *queue = container_of(ref, struct queue, ref);

	percpu_ref_exit(&queue->ref);
	complete(&queue->idle);
}

static int queue_init(struct queue *queue)
{
	int ret;

	ret = percpu_ref_init(&queue->ref, queue_idle, PERCPU_REF_INIT_ATOMIC, GFP_KERNEL);
	if (ret)
		return ret;
	init_completion(&queue->idle);
	return ret;
}

static bool queue_enter(struct queue *queue, unsigned int requests)
{
	if (!percpu_ref_tryget_live(&queue->ref) && !percpu_ref_tryget_live_rcu(&queue->ref))
		return false;
	if (requests > 1)
		percpu_ref_get_many(&queue->ref, requests - 1);
	return true;
}

static void queue_leave(struct queue *queue, unsigned int requests)
{
	percpu_ref_put_many(&queue->ref, requests);
}

static void queue_end(struct queue *queue)
{
	percpu_ref_kill(&queue->ref);
	wait_for_completion(&queue->idle);
}

static void port_release(struct percpu_ref *ref);

static int port_start(struct port *port)
{
	return percpu_ref_init(&port->users, port_release, 0, GFP_KERNEL);
}

static struct port *port_new(int depth)
{
	struct port *port = kzalloc(sizeof(*port), GFP_KERNEL);

	if (!port)
		return NULL;
	if (percpu_ref_init(&port->users, &port_release, 0, GFP_KERNEL))
		goto free;
	if (depth < 0)
		goto exit;
	port->queue.depth = depth;
	return port;
exit:
	percpu_ref_exit(&port->users);
free:
	kfree(port);
	return NULL;
}

static void port_release(struct percpu_ref *ref)
{
	kfree(container_of(ref, struct port, users));
}

static bool port_get(struct port *port, struct port *next)
{
	percpu_ref_get(&port->users);
	return percpu_ref_tryget(&next->users);
}

static void port_put(struct port *port)
{
	percpu_ref_put(&port->users);
}
