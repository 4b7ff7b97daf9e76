// SPDX-License-Identifier: GPL-2.0
/*
 * Users of struct percpu_ref, which tools/coccinelle/percpu_ref-to-dref.cocci turns into
 * percpu_ref-after.c.
 */
#include <linux/completion.h>
#include <linux/module.h>
#include <linux/dref.h>
#include <linux/slab.h>

struct queue {
	struct dref ref;
	struct completion idle;
	int depth;
};

struct port {
	struct dref users;
	struct queue queue;
};

static void queue_idle(struct dref *ref)
{
	struct queue *queue = container_of(ref, struct queue, ref);

	complete(&queue->idle);
}
static DEFINE_DREF_CLASS(queue_class, "queue", queue_idle, 0);

static int queue_init(struct queue *queue)
{
	int ret;

	dref_init(&queue->ref, &queue_class);
	ret = 0;
	init_completion(&queue->idle);
	return ret;
}

static bool queue_enter(struct queue *queue, unsigned int requests)
{
	if (!dref_tryget_live(&queue->ref) && !dref_tryget_live(&queue->ref))
		return false;
	if (requests > 1)
		dref_get_many(&queue->ref, requests - 1);
	return true;
}

static void queue_leave(struct queue *queue, unsigned int requests)
{
	dref_put_many(&queue->ref, requests);
}

static void queue_end(struct queue *queue)
{
	dref_kill(&queue->ref);
	wait_for_completion(&queue->idle);
}

static void port_release(struct dref *ref);

static void port_release(struct dref *ref);
static DEFINE_DREF_CLASS(port_class, "port", port_release, 0);

static int port_start(struct port *port)
{
	dref_init(&port->users, &port_class);
	return 0;
}

static struct port *port_new(int depth)
{
	struct port *port = kzalloc(sizeof(*port), GFP_KERNEL);

	if (!port)
		return NULL;
	dref_init(&port->users, &port_class);
	if (depth < 0)
		goto exit;
	port->queue.depth = depth;
	return port;
exit:
	dref_exit(&port->users);
free:
	kfree(port);
	return NULL;
}

static void port_release(struct dref *ref)
{
	kfree(container_of(ref, struct port, users));
}

static bool port_get(struct port *port, struct port *next)
{
	dref_get(&port->users);
	return dref_tryget(&next->users);
}

static void port_put(struct port *port)
{
	dref_put(&port->users);
}
