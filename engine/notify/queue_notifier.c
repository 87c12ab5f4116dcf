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

struct notified_queue { /* a queue that is open or being opened */
    struct list link;
    struct queue_notifier *notifier;
    char *name;
    struct queue *queue; /* NULL: being opened */
    struct list requests;
};

struct queued_notice {
    struct notify_request seam; /* done NULL: cancelled */
    struct list link;           /* in target->requests */
    struct notified_queue *target;
    bool sent;
    char *body, *id, *group, *type, *pipeline;
    struct trace_context trace;
};

/* ---- memory ---- */

static void request_free(struct queued_notice *request)
{
    list_remove(&request->link);
    free(request->body);
    free(request->id);
    free(request->group);
    free(request->type);
    free(request->pipeline);
    free(request);
}

static struct queued_notice *request_new(struct notified_queue *target,
                                         const struct notify_message *what)
{
    struct queued_notice *request = calloc(1, sizeof *request);
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

static void target_free(struct notified_queue *target)
{
    list_remove(&target->link);
    for (struct list *link; (link = list_shift(&target->requests));)
        request_free(container_of(link, struct queued_notice, link));
    free(target->name);
    free(target);
}

static void request_finish(struct queued_notice *request, const struct error *error)
{
    const struct notify_request seam = request->seam;
    request_free(request);
    if (seam.done)
        seam.done(error, seam.user);
}

/* ---- sending ---- */

static void on_sent(const char *message_id, const struct error *error, void *user)
{
    (void)message_id;
    request_finish(user, error);
}

static bool is_too_long(const struct queue_facts *facts, const struct queued_notice *request)
{
    return facts->message_max && strlen(request->body) > facts->message_max;
}

/* Fails at once only where the caller of the notifier still waits for the result. */
static int request_send(struct queued_notice *request)
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

static void requests_fail(struct notified_queue *target, const struct error *error)
{
    struct list waiting;
    list_init(&waiting);
    list_move_all(&waiting, &target->requests);
    target_free(target); /* the next notification opens it again */
    for (struct list *link; (link = list_shift(&waiting));)
        request_finish(container_of(link, struct queued_notice, link), error);
}

/* The callback of one may cancel others, which leave the list of those that wait. */
static void requests_send(struct notified_queue *target)
{
    struct list waiting;
    list_init(&waiting);
    list_move_all(&waiting, &target->requests);
    for (struct list *link; (link = list_shift(&waiting));) {
        struct queued_notice *request = container_of(link, struct queued_notice, link);
        struct error error = {0};
        list_push(&target->requests, link);
        int code = request_send(request);
        if (code) {
            error_set(&error, code, "the message could not be sent (%s)", error_name(code));
            request_finish(request, &error);
        }
    }
}

/* ---- opening ---- */

static void on_opened(struct queue *queue, const struct error *error, void *user)
{
    struct notified_queue *target = user;
    if (error->code) {
        requests_fail(target, error);
        return;
    }
    target->queue = queue;
    requests_send(target);
}

static struct notified_queue *target_find(const struct queue_notifier *notifier, const char *name)
{
    for (struct list *l = notifier->targets.next; l != &notifier->targets; l = l->next) {
        struct notified_queue *target = container_of(l, struct notified_queue, link);
        if (strcmp(target->name, name) == 0)
            return target;
    }
    return NULL;
}

static int target_open(struct queue_notifier *notifier, const char *name,
                       struct notified_queue **out)
{
    struct notified_queue *target = *out = calloc(1, sizeof *target);
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
    struct notified_queue *target = target_find(notifier, what->target);
    int code = target ? 0 : target_open(notifier, what->target, &target);
    if (code)
        return code;
    struct queued_notice *request = request_new(target, what);
    if (!request)
        return ERR_MEMORY;
    request->seam = (struct notify_request){done, user};
    code = target->queue ? request_send(request) : 0;
    if (code)
        request_free(request);
    else
        *out = &request->seam;
    return code;
}

static void queue_notify_cancel(struct notify_request *seam)
{
    struct queued_notice *request = container_of(seam, struct queued_notice, seam);
    request->seam.done = NULL;
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
    for (struct list *link; (link = list_shift(&notifier->targets));) {
        struct notified_queue *target = container_of(link, struct notified_queue, link);
        if (target->queue)
            notifier->queues->ops->close(target->queue);
        else
            notifier->queues->ops->open_cancel(notifier->queues, target);
        target_free(target);
    }
}
