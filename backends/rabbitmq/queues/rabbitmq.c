/* The backend: brokers and their connections, opening queues, depths. Loop thread. */
#include "rabbitmq.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "rabbit_private.h"
#include "rabbit_settle.h"

/* RabbitMQ's default of consumer_timeout ("Consumers", Delivery Acknowledgement Timeout). */
enum { HEARTBEAT_S = 30, CONSUMER_TIMEOUT_S = 30 * 60, MAX_RECEIVES = 3 };

/* The seam has one type for the open queues of all backends, which only its backend looks into. */
struct queue *rabbit_handle(struct rabbit_queue *queue)
{
    return (struct queue *)(void *)queue;
}

struct rabbit_queue *rabbit_of(struct queue *queue)
{
    return (struct rabbit_queue *)(void *)queue;
}

const struct rabbit_queue *rabbit_of_const(const struct queue *queue)
{
    return (const struct rabbit_queue *)(const void *)queue;
}

/* ---- brokers ---- */

static struct rabbit_broker *broker_find(const struct rabbitmq *rabbitmq,
                                         const struct amqp_address *address)
{
    for (struct list *l = rabbitmq->brokers.next; l != &rabbitmq->brokers; l = l->next) {
        struct rabbit_broker *broker = container_of(l, struct rabbit_broker, link);
        if (amqp_address_shares(&broker->address, address))
            return broker;
    }
    return NULL;
}

static int broker_connect(struct rabbit_broker *broker, bool consuming, struct error *error)
{
    const struct amqp_connection_options options = {
        .address = &broker->address,
        .settings = &broker->rabbitmq->settings,
        .purpose = consuming ? "thumbwheel: receives" : "thumbwheel: sends",
        .events = consuming ? &rabbit_consumer_events : &rabbit_publisher_events,
        .user = consuming ? (void *)&broker->consumers : (void *)&broker->publisher,
    };
    return amqp_connection_create(broker->rabbitmq->loop, &options,
                                  consuming ? &broker->consuming : &broker->publishing, error);
}

int rabbit_broker_publishing(struct rabbit_broker *broker, struct amqp_connection **out,
                             struct error *error)
{
    int code = broker->publishing ? 0 : broker_connect(broker, false, error);
    *out = broker->publishing;
    return code;
}

static void broker_free(struct rabbit_broker *broker)
{
    list_remove(&broker->link);
    amqp_address_clear(&broker->address);
    free(broker);
}

static int broker_make(struct rabbitmq *rabbitmq, const struct amqp_address *address,
                       struct rabbit_broker **out, struct error *error)
{
    *out = broker_find(rabbitmq, address);
    if (*out)
        return 0;
    struct rabbit_broker *broker = calloc(1, sizeof *broker);
    if (!broker || amqp_address_copy(&broker->address, address)) {
        free(broker);
        return ERR_MEMORY;
    }
    broker->rabbitmq = rabbitmq;
    list_init(&broker->consumers.channels);
    list_init(&broker->publisher.pending);
    list_push(&rabbitmq->brokers, &broker->link);
    int code = broker_connect(broker, true, error);
    if (code)
        broker_free(broker);
    else
        *out = broker;
    return code;
}

/* ---- queues ---- */

static void rabbitmq_free_if_done(struct rabbitmq *rabbitmq)
{
    if (rabbitmq->destroyed && list_empty(&rabbitmq->brokers) && list_empty(&rabbitmq->queues))
        free(rabbitmq);
}

void rabbit_queue_free(struct rabbit_queue *queue)
{
    struct rabbitmq *rabbitmq = queue->rabbitmq;
    list_remove(&queue->link);
    id_table_free(&queue->receipts);
    free(queue->name);
    free((char *)queue->facts.url);
    free((char *)queue->facts.dead_letter_arn);
    free(queue);
    rabbitmq_free_if_done(rabbitmq);
}

static void attached(struct amqp_task *task)
{
    rabbit_queue_release(container_of(task, struct rabbit_queue, attach));
}

static int attach(struct amqp_task *task, struct amqp_session *session)
{
    struct rabbit_queue *queue = container_of(task, struct rabbit_queue, attach);
    (void)session;
    rabbit_channel_attach(&queue->broker->consumers, &queue->channel);
    return 0;
}

static int queue_name(struct rabbit_queue *queue, const struct amqp_address *address,
                      const char *dead)
{
    queue->name = slice_dup(slice_of(address->queue));
    queue->facts.url = amqp_address_text(address, NULL);
    queue->facts.dead_letter_arn = dead ? amqp_address_text(address, dead) : NULL;
    queue->facts.arn = queue->facts.url;
    queue->facts.name = queue->channel.name = queue->name;
    queue->channel.queue = queue;
    queue->facts.max_receives = dead ? queue->rabbitmq->settings.max_receives : 0;
    queue->facts.message_max = RABBIT_BODY_MAX;
    queue->facts.visibility_s =
        queue->life_s < RABBIT_VISIBILITY_S ? queue->life_s : RABBIT_VISIBILITY_S;
    return queue->name && queue->facts.url && (queue->facts.dead_letter_arn || !dead) ? 0
                                                                                      : ERR_MEMORY;
}

static struct rabbit_queue *queue_new(struct rabbit_broker *broker,
                                      const struct amqp_address *address, const char *dead)
{
    struct rabbit_queue *queue = calloc(1, sizeof *queue);
    if (!queue)
        return NULL;
    queue->broker = broker;
    queue->rabbitmq = broker->rabbitmq;
    queue->life_s = rabbit_life(broker->rabbitmq->settings.consumer_timeout_s);
    list_init(&queue->link);
    list_init(&queue->sends);
    if (queue_name(queue, address, dead) || id_table_prepare(&queue->receipts)) {
        free(queue->name);
        free((char *)queue->facts.url);
        free((char *)queue->facts.dead_letter_arn);
        id_table_free(&queue->receipts);
        free(queue);
        return NULL;
    }
    rabbit_queue_begin(queue, broker->rabbitmq->loop);
    list_push(&broker->rabbitmq->queues, &queue->link);
    queue->attach = (struct amqp_task){.run = attach, .done = attached, .always = true};
    queue->refs++;
    amqp_connection_submit(broker->consuming, &queue->attach);
    return queue;
}

/* ---- opening ---- */

struct rabbit_opening {
    struct amqp_task task;
    struct list link; /* in rabbitmq->openings */
    struct rabbit_broker *broker;
    struct amqp_address address;
    char dead[AMQP_NAME_SIZE]; /* its dead-letter queue; "": none */
    queue_opened *done;        /* NULL: cancelled */
    void *user;
};

/* Asks whether the queue and its dead-letter queue exist. */
static int opening_run(struct amqp_task *task, struct amqp_session *session)
{
    struct rabbit_opening *opening = container_of(task, struct rabbit_opening, task);
    const char *name = opening->address.queue;
    uint64_t count;
    int code = amqp_session_count(session, name, &count, &task->error);
    if (code || amqp_is_dead_name(name, NULL) || strlen(name) > AMQP_WORK_NAME_MAX)
        return code;
    snprintf(opening->dead, sizeof opening->dead, "%s.dead", name);
    code = amqp_session_count(session, opening->dead, &count, &task->error);
    if (code == ERR_NO_CONTAINER) {
        opening->dead[0] = '\0';
        code = 0;
    }
    return code;
}

static void opening_done(struct amqp_task *task)
{
    struct rabbit_opening *opening = container_of(task, struct rabbit_opening, task);
    struct error error = task->error;
    struct rabbit_queue *queue = NULL;
    list_remove(&opening->link);
    if (opening->done && !task->code) {
        error = (struct error){0};
        queue =
            queue_new(opening->broker, &opening->address, opening->dead[0] ? opening->dead : NULL);
        if (!queue)
            error_set(&error, ERR_MEMORY, "out of memory");
    }
    if (opening->done)
        opening->done(queue ? rabbit_handle(queue) : NULL, &error, opening->user);
    amqp_address_clear(&opening->address);
    free(opening);
}

static int rabbit_open(struct queue_backend *backend, const char *name, queue_opened *done,
                       void *user)
{
    struct rabbitmq *rabbitmq = container_of(backend, struct rabbitmq, backend);
    struct error error;
    struct rabbit_opening *opening = calloc(1, sizeof *opening);
    if (!opening)
        return ERR_MEMORY;
    int code = amqp_address_parse(name, &opening->address, &error);
    if (!code)
        code = broker_make(rabbitmq, &opening->address, &opening->broker, &error);
    if (code) {
        amqp_address_clear(&opening->address);
        free(opening);
        return code;
    }
    opening->done = done;
    opening->user = user;
    opening->task = (struct amqp_task){.run = opening_run, .done = opening_done};
    list_push(&rabbitmq->openings, &opening->link);
    amqp_connection_submit(opening->broker->consuming, &opening->task);
    return 0;
}

static void rabbit_open_cancel(struct queue_backend *backend, void *user)
{
    struct rabbitmq *rabbitmq = container_of(backend, struct rabbitmq, backend);
    for (struct list *l = rabbitmq->openings.next; l != &rabbitmq->openings; l = l->next) {
        struct rabbit_opening *opening = container_of(l, struct rabbit_opening, link);
        if (opening->user == user)
            opening->done = NULL;
    }
}

/* ---- facts ---- */

static char *rabbit_service(const struct queue_backend *backend, const char *name)
{
    struct amqp_address address;
    (void)backend;
    if (amqp_address_parse(name, &address, NULL))
        return NULL;
    char *service = amqp_address_service(&address);
    amqp_address_clear(&address);
    return service;
}

static const struct queue_facts *rabbit_facts(const struct queue *queue)
{
    return &rabbit_of_const(queue)->facts;
}

static bool rabbit_same(const struct queue *queue, const struct queue *other)
{
    return amqp_address_compare(rabbit_of_const(queue)->facts.url,
                                rabbit_of_const(other)->facts.url) == QUEUES_ARE_ONE;
}

int rabbitmq_queue_check(const char *name, struct error *error)
{
    struct amqp_address address;
    int code = amqp_address_parse(name, &address, error);
    if (code)
        return code;
    /* the names of its retry queues are longer */
    const bool is_dead = amqp_is_dead_name(address.queue, NULL);
    code = amqp_name_check("queue", address.queue, is_dead ? AMQP_NAME_MAX : AMQP_WORK_NAME_MAX,
                           error);
    amqp_address_clear(&address);
    return code;
}

/* ---- depth ---- */

struct depth_task {
    struct amqp_task task;
    struct rabbit_queue *queue;
    uint64_t visible, delayed, in_flight;
    queue_depth_known *done;
    void *user;
};

static int depth_run(struct amqp_task *task, struct amqp_session *session)
{
    struct depth_task *depth = container_of(task, struct depth_task, task);
    const char *name = depth->queue->name;
    int code = amqp_session_count(session, name, &depth->visible, &task->error);
    if (code || amqp_is_dead_name(name, NULL) || strlen(name) > AMQP_WORK_NAME_MAX)
        return code;
    for (size_t i = 0; i < AMQP_RETRY_STEPS; i++) {
        char retry[AMQP_NAME_SIZE];
        uint64_t count = 0;
        snprintf(retry, sizeof retry, "%s%s", name, amqp_retries[i].suffix);
        code = amqp_session_count(session, retry, &count, &task->error);
        if (code && code != ERR_NO_CONTAINER)
            return code;
        depth->delayed += count;
    }
    return 0;
}

static void depth_done(struct amqp_task *task)
{
    struct depth_task *depth = container_of(task, struct depth_task, task);
    struct rabbit_queue *queue = depth->queue;
    const struct error fine = {0};
    if (!queue->closed)
        depth->done(depth->visible, depth->in_flight, depth->delayed,
                    task->code ? &task->error : &fine, depth->user);
    free(depth);
    rabbit_queue_release(queue);
}

/* The messages in flight are only those of this process: AMQP does not tell the others'. */
static int rabbit_depth(struct queue *handle, queue_depth_known *done, void *user)
{
    struct rabbit_queue *queue = rabbit_of(handle);
    struct depth_task *depth = calloc(1, sizeof *depth);
    if (!depth)
        return ERR_MEMORY;
    depth->task = (struct amqp_task){.run = depth_run, .done = depth_done};
    depth->queue = queue;
    for (struct list *l = queue->held.next; l != &queue->held; l = l->next)
        depth->in_flight++;
    depth->done = done;
    depth->user = user;
    queue->refs++;
    amqp_connection_submit(queue->broker->consuming, &depth->task);
    return 0;
}

/* ---- life ---- */

static const struct queue_backend_ops ops = {
    .open = rabbit_open,
    .service = rabbit_service,
    .open_cancel = rabbit_open_cancel,
    .close = rabbit_close,
    .facts = rabbit_facts,
    .compare = amqp_address_compare,
    .same = rabbit_same,
    .receive = rabbit_receive,
    .receive_cancel = rabbit_receive_cancel,
    .delete_batch = rabbit_delete_batch,
    .extend_batch = rabbit_extend_batch,
    .send = rabbit_send,
    .send_batch = rabbit_send_batch,
    .depth = rabbit_depth,
};

struct rabbitmq *rabbitmq_create(uv_loop_t *loop, const struct amqp_settings *settings)
{
    struct rabbitmq *rabbitmq = calloc(1, sizeof *rabbitmq);
    if (!rabbitmq)
        return NULL;
    rabbitmq->backend = (struct queue_backend){.ops = &ops, .admin = &rabbit_admin_ops};
    rabbitmq->loop = loop;
    rabbitmq->settings = *settings;
    if (!rabbitmq->settings.heartbeat_s)
        rabbitmq->settings.heartbeat_s = HEARTBEAT_S;
    if (!rabbitmq->settings.max_receives)
        rabbitmq->settings.max_receives = MAX_RECEIVES;
    if (!rabbitmq->settings.consumer_timeout_s)
        rabbitmq->settings.consumer_timeout_s = CONSUMER_TIMEOUT_S;
    list_init(&rabbitmq->brokers);
    list_init(&rabbitmq->openings);
    list_init(&rabbitmq->queues);
    return rabbitmq;
}

static void connection_closed(void *user)
{
    struct rabbit_broker *broker = user;
    struct rabbitmq *rabbitmq = broker->rabbitmq;
    if (--broker->closing)
        return;
    broker_free(broker);
    rabbitmq_free_if_done(rabbitmq);
}

static void broker_close(struct rabbit_broker *broker)
{
    broker->closing = 1 + (broker->publishing != NULL);
    amqp_connection_destroy(broker->consuming, connection_closed, broker);
    if (broker->publishing)
        amqp_connection_destroy(broker->publishing, connection_closed, broker);
}

void rabbitmq_destroy(struct rabbitmq *rabbitmq)
{
    if (!rabbitmq)
        return;
    rabbitmq->destroyed = true;
    for (struct list *l = rabbitmq->openings.next; l != &rabbitmq->openings; l = l->next)
        container_of(l, struct rabbit_opening, link)->done = NULL;
    for (struct list *l = rabbitmq->queues.next; l != &rabbitmq->queues; l = l->next) {
        struct rabbit_queue *queue = container_of(l, struct rabbit_queue, link);
        if (!queue->closed)
            rabbit_close(rabbit_handle(queue));
    }
    for (struct list *l = rabbitmq->brokers.next; l != &rabbitmq->brokers; l = l->next)
        broker_close(container_of(l, struct rabbit_broker, link));
    rabbitmq_free_if_done(rabbitmq);
}

struct queue_backend *rabbitmq_queues(struct rabbitmq *rabbitmq)
{
    return &rabbitmq->backend;
}
