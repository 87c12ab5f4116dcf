/*
 * A request waits until its queue is open, then for the response to its send. A send cannot be
 * cancelled: a cancelled request stays in its target's list without an owner until the response
 * arrives.
 */
#include "queue_notifier.h"

#include <stdlib.h>
#include <string.h>

#include "container_of.h"

enum { ATTRIBUTES = 2 };

struct target { /* a queue that is open or being opened */
    struct list link;
    struct queue_notifier *notifier;
    char *name;
    struct queue *queue; /* NULL: being opened */
    struct list requests;
};

struct notify_request {
    struct list link; /* in target->requests */
    struct target *target;
    bool sent;
    char *body, *id, *group, *type, *pipeline;
    struct trace_context trace;
    notified *done; /* NULL: cancelled */
    void *user;
};

/* ---- memory ---- */

static void request_free(struct notify_request *request)
{
    list_remove(&request->link);
    free(request->body);
    free(request->id);
    free(request->group);
    free(request->type);
    free(request->pipeline);
    free(request);
}

static struct notify_request *request_new(struct target *target, const struct notify_message *what)
{
    struct notify_request *request = calloc(1, sizeof *request);
    if (!request)
        return NULL;
    list_push(&target->requests, &request->link);
    request->target = target;
    request->body = slice_dup(what->document);
    request->id = strdup(what->id);
    request->group = strdup(what->group);
    request->type = strdup(what->type);
    request->pipeline = strdup(what->pipeline);
    if (what->trace)
        request->trace = *what->trace;
    if (request->body && request->id && request->group && request->type && request->pipeline)
        return request;
    request_free(request);
    return NULL;
}

static void target_free(struct target *target)
{
    list_remove(&target->link);
    while (!list_empty(&target->requests))
        request_free(container_of(target->requests.next, struct notify_request, link));
    free(target->name);
    free(target);
}

static void request_finish(struct notify_request *request, const struct error *error)
{
    notified *done = request->done;
    void *user = request->user;
    request_free(request);
    if (done)
        done(error, user);
}

/* ---- sending ---- */

static void on_sent(const char *message_id, const struct error *error, void *user)
{
    (void)message_id;
    request_finish(user, error);
}

static bool is_too_long(const struct queue_facts *facts, const struct notify_request *request)
{
    return facts->message_max && strlen(request->body) > facts->message_max;
}

/* Fails at once only where the caller of the notifier still waits for the result. */
static int request_send(struct notify_request *request)
{
    static char text_type[] = "String", event[] = "event", pipeline[] = "pipeline";
    struct queue *queue = request->target->queue;
    const struct queue_backend_ops *ops = request->target->notifier->queues->ops;
    const bool fifo = queue_is_fifo(ops->facts(queue));
    const struct queue_attribute attributes[ATTRIBUTES] = {
        {event, text_type, request->type}, {pipeline, text_type, request->pipeline}};
    const struct queue_send message = {.body = request->body,
                                       .body_size = strlen(request->body),
                                       .attributes = attributes,
                                       .attribute_count = ATTRIBUTES,
                                       .group = fifo ? request->group : NULL,
                                       .deduplication = fifo ? request->id : NULL,
                                       .trace = &request->trace};
    if (is_too_long(ops->facts(queue), request))
        return ERR_LIMIT;
    request->sent = true;
    return ops->send(queue, &message, on_sent, request);
}

static void requests_fail(struct target *target, const struct error *error)
{
    struct list waiting;
    list_init(&waiting);
    while (!list_empty(&target->requests)) {
        struct list *link = list_shift(&target->requests);
        list_push(&waiting, link);
    }
    target_free(target); /* the next notification opens it again */
    while (!list_empty(&waiting))
        request_finish(container_of(waiting.next, struct notify_request, link), error);
}

static struct notify_request *first_unsent(const struct target *target)
{
    for (struct list *l = target->requests.next; l != &target->requests; l = l->next) {
        struct notify_request *request = container_of(l, struct notify_request, link);
        if (!request->sent)
            return request;
    }
    return NULL;
}

/* The callback of one may cancel others. */
static void requests_send(struct target *target)
{
    struct notify_request *request;
    while ((request = first_unsent(target))) {
        int code = request_send(request);
        struct error error = {0};
        if (code) {
            error_set(&error, code, "the message could not be sent (%s)", error_name(code));
            request_finish(request, &error);
        }
    }
}

/* ---- opening ---- */

static void on_opened(struct queue *queue, const struct error *error, void *user)
{
    struct target *target = user;
    if (error->code) {
        requests_fail(target, error);
        return;
    }
    target->queue = queue;
    requests_send(target);
}

static struct target *target_find(const struct queue_notifier *notifier, const char *name)
{
    for (struct list *l = notifier->targets.next; l != &notifier->targets; l = l->next) {
        struct target *target = container_of(l, struct target, link);
        if (strcmp(target->name, name) == 0)
            return target;
    }
    return NULL;
}

static int target_open(struct queue_notifier *notifier, const char *name, struct target **out)
{
    struct target *target = *out = calloc(1, sizeof *target);
    if (!target)
        return ERR_MEMORY;
    target->notifier = notifier;
    list_init(&target->requests);
    list_push(&notifier->targets, &target->link);
    target->name = strdup(name);
    int code = target->name ? notifier->queues->ops->open(notifier->queues, name, on_opened, target)
                            : ERR_MEMORY;
    if (code)
        target_free(target);
    return code;
}

/* ---- the seam ---- */

static int queue_notify(struct notifier *base, const struct notify_message *what, notified *done,
                        void *user, struct notify_request **out)
{
    struct queue_notifier *notifier = container_of(base, struct queue_notifier, notifier);
    struct target *target = target_find(notifier, what->target);
    int code = target ? 0 : target_open(notifier, what->target, &target);
    if (code)
        return code;
    struct notify_request *request = request_new(target, what);
    if (!request)
        return ERR_MEMORY;
    request->done = done;
    request->user = user;
    code = target->queue ? request_send(request) : 0;
    if (code)
        request_free(request);
    else
        *out = request;
    return code;
}

static void queue_notify_cancel(struct notify_request *request)
{
    request->done = NULL;
    if (!request->sent)
        request_free(request);
}

void queue_notifier_init(struct queue_notifier *notifier, struct queue_backend *queues)
{
    static const struct notifier_ops ops = {.send = queue_notify, .cancel = queue_notify_cancel};
    notifier->notifier.ops = &ops;
    notifier->queues = queues;
    list_init(&notifier->targets);
}

void queue_notifier_close(struct queue_notifier *notifier)
{
    while (!list_empty(&notifier->targets)) {
        struct target *target = container_of(notifier->targets.next, struct target, link);
        if (target->queue)
            notifier->queues->ops->close(target->queue);
        else
            notifier->queues->ops->open_cancel(notifier->queues, target);
        target_free(target);
    }
}
