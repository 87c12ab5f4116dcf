#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "fake_services.h"
#include <cmocka.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output_mark.h"

/* ---- replies: each callback is called from the loop ---- */

struct reply {
    struct list link;
    uv_timer_t timer;
    bool cancelled;
    void (*run)(struct reply *reply);
    void (*dispose)(struct reply *reply);
};

static void reply_closed(uv_handle_t *handle)
{
    struct reply *reply = container_of(handle, struct reply, timer);
    if (reply->dispose)
        reply->dispose(reply);
    free(reply);
}

static void reply_end(struct reply *reply)
{
    list_remove(&reply->link);
    uv_close((uv_handle_t *)&reply->timer, reply_closed);
}

static void reply_fire(uv_timer_t *timer)
{
    struct reply *reply = container_of(timer, struct reply, timer);
    if (!reply->cancelled)
        reply->run(reply);
    reply_end(reply);
}

static void reply_after(uv_loop_t *loop, struct list *list, struct reply *reply, uint64_t ms,
                        void (*run)(struct reply *))
{
    reply->run = run;
    list_push(list, &reply->link);
    uv_timer_init(loop, &reply->timer);
    uv_timer_start(&reply->timer, reply_fire, ms, 0);
}

static void replies_drop(struct list *list)
{
    while (!list_empty(list))
        reply_end(container_of(list->next, struct reply, link));
}

/* ---- queues ---- */

struct open_reply {
    struct reply reply;
    struct queue *queue;
    char name[64];
    queue_opened *done;
    void *user;
};

struct queue_request {
    struct reply reply;
    struct queue *queue;
    struct queue_receive what;
    queue_received *done;
    void *user;
    struct list waiting; /* in queue->polls */
};

struct batch_reply {
    struct reply reply;
    size_t count;
    int codes[QUEUE_BATCH_MAX];
    queue_batch_done *done;
    void *user;
};

struct sent_reply {
    struct reply reply;
    queue_sent *done;
    void *user;
};

static struct fake_queues *service_of(struct queue_backend *backend)
{
    return container_of(backend, struct fake_queues, backend);
}

static void open_run(struct reply *reply)
{
    struct open_reply *open = container_of(reply, struct open_reply, reply);
    struct error error = {0};
    if (open->queue)
        open->queue->opened++;
    else
        error_set(&error, ERR_NO_CONTAINER, "the queue \"%s\" does not exist", open->name);
    open->done(open->queue, &error, open->user);
}

static int fake_open(struct queue_backend *backend, const char *name, queue_opened *done,
                     void *user)
{
    struct fake_queues *service = service_of(backend);
    struct open_reply *open = calloc(1, sizeof *open);
    open->queue = fake_queue_find(service, name);
    snprintf(open->name, sizeof open->name, "%s", name);
    open->done = done;
    open->user = user;
    reply_after(service->loop, &service->replies, &open->reply, 0, open_run);
    return 0;
}

static void fake_open_cancel(struct queue_backend *backend, void *user)
{
    struct list *replies = &service_of(backend)->replies, *next;
    for (struct list *l = replies->next; l != replies; l = next) {
        struct reply *reply = container_of(l, struct reply, link);
        next = l->next;
        if (reply->run == open_run && container_of(reply, struct open_reply, reply)->user == user)
            reply_end(reply);
    }
}

static char *fake_service(const struct queue_backend *backend, const char *name)
{
    (void)backend, (void)name;
    return strdup("queues.test");
}

static void fake_close(struct queue *queue)
{
    queue->opened--;
}

static const struct queue_facts *fake_facts(const struct queue *queue)
{
    return &queue->facts;
}

static enum queue_relation fake_compare(const char *name, const char *other)
{
    return strcmp(name, other) == 0 ? QUEUES_ARE_ONE : QUEUES_DIFFER;
}

static bool fake_same(const struct queue *queue, const struct queue *other)
{
    return queue == other;
}

static char *text_or_none(const char *text)
{
    return *text ? strdup(text) : NULL;
}

static size_t collect_visible(struct queue *queue, unsigned max, struct queue_message *out)
{
    uint64_t now = uv_now(queue->service->loop);
    size_t count = 0;
    for (struct list *l = queue->messages.next; l != &queue->messages && count < max; l = l->next) {
        struct fake_message *message = container_of(l, struct fake_message, link);
        if (message->visible_at_ms > now)
            continue;
        message->receives++;
        snprintf(message->receipt, sizeof message->receipt, "%s-%u", message->id,
                 message->receives);
        struct queue_message *to = &out[count++];
        *to = (struct queue_message){.id = strdup(message->id),
                                     .receipt = strdup(message->receipt),
                                     .body = strdup(message->body),
                                     .body_size = strlen(message->body),
                                     .receive_count = message->receives,
                                     .sent_ms = message->sent_ms,
                                     .group = text_or_none(message->group),
                                     .deduplication = text_or_none(message->deduplication),
                                     .source_arn = text_or_none(message->source_arn)};
        to->attributes = calloc(message->attribute_count + 1, sizeof *to->attributes);
        for (size_t i = 0; i < message->attribute_count; i++)
            to->attributes[to->attribute_count++] = (struct queue_attribute){
                strdup(message->attributes[i].name), strdup(message->attributes[i].type),
                strdup(message->attributes[i].value)};
    }
    return count;
}

static void hide(struct queue *queue, const struct queue_message *messages, size_t count,
                 unsigned visibility_s)
{
    for (size_t i = 0; i < count; i++) {
        for (struct list *l = queue->messages.next; l != &queue->messages; l = l->next) {
            struct fake_message *message = container_of(l, struct fake_message, link);
            if (strcmp(message->id, messages[i].id) == 0)
                message->visible_at_ms = uv_now(queue->service->loop) + visibility_s * 1000ull;
        }
    }
}

static void receive_run(struct reply *reply)
{
    struct queue_request *request = container_of(reply, struct queue_request, reply);
    struct queue_message messages[QUEUE_BATCH_MAX];
    struct error error = {0};
    list_remove(&request->waiting);
    size_t count = collect_visible(request->queue, request->what.max, messages);
    hide(request->queue, messages, count, request->what.visibility_s);
    request->done(messages, count, &error, request->user);
    for (size_t i = 0; i < count; i++)
        queue_message_clear(&messages[i]);
}

static uint64_t next_visible_ms(const struct queue *queue, uint64_t longest)
{
    uint64_t now = uv_now(queue->service->loop);
    uint64_t wait = longest;
    for (struct list *l = queue->messages.next; l != &queue->messages; l = l->next) {
        struct fake_message *message = container_of(l, struct fake_message, link);
        uint64_t due = message->visible_at_ms > now ? message->visible_at_ms - now : 0;
        if (due < wait)
            wait = due;
    }
    return wait;
}

static int fake_receive(struct queue *queue, const struct queue_receive *what, queue_received *done,
                        void *user, struct queue_request **out)
{
    struct queue_request *request = calloc(1, sizeof *request);
    assert_in_range(what->max, 1, QUEUE_BATCH_MAX);
    assert_true(what->visibility_s > 0); /* the seam: always sent */
    queue->receive_calls++;
    request->queue = queue;
    request->what = *what;
    request->done = done;
    request->user = user;
    list_push(&queue->polls, &request->waiting);
    reply_after(queue->service->loop, &queue->service->replies, &request->reply,
                next_visible_ms(queue, what->wait_s * 1000ull), receive_run);
    *out = request;
    return 0;
}

static void fake_receive_cancel(struct queue *queue, struct queue_request *request)
{
    (void)queue;
    list_remove(&request->waiting);
    reply_end(&request->reply);
}

static struct fake_message *find_receipt(struct queue *queue, const char *receipt)
{
    for (struct list *l = queue->messages.next; l != &queue->messages; l = l->next) {
        struct fake_message *message = container_of(l, struct fake_message, link);
        if (strcmp(message->receipt, receipt) == 0)
            return message;
    }
    return NULL;
}

static void message_free(struct fake_message *message)
{
    list_remove(&message->link);
    for (size_t i = 0; i < message->attribute_count; i++) {
        free(message->attributes[i].name);
        free(message->attributes[i].type);
        free(message->attributes[i].value);
    }
    free(message->body);
    free(message);
}

static void batch_run(struct reply *reply)
{
    struct batch_reply *batch = container_of(reply, struct batch_reply, reply);
    struct error error = {0};
    batch->done(batch->codes, batch->count, &error, batch->user);
}

static void poke_polls(struct queue *queue)
{
    for (struct list *l = queue->polls.next; l != &queue->polls; l = l->next) {
        struct queue_request *request = container_of(l, struct queue_request, waiting);
        uv_timer_start(&request->reply.timer, reply_fire,
                       next_visible_ms(queue, request->what.wait_s * 1000ull), 0);
    }
}

static int fake_batch(struct queue *queue, const struct queue_entry *entries, size_t count,
                      queue_batch_done *done, void *user, bool removing)
{
    struct batch_reply *batch = calloc(1, sizeof *batch);
    assert_in_range(count, 1, QUEUE_BATCH_MAX);
    batch->count = count;
    batch->done = done;
    batch->user = user;
    for (size_t i = 0; i < count; i++) {
        struct fake_message *message = find_receipt(queue, entries[i].receipt);
        if (!message) {
            batch->codes[i] = ERR_RECEIPT;
        } else if (removing) {
            message_free(message);
        } else {
            queue->last_visibility_s = entries[i].visibility_s;
            message->visible_at_ms =
                uv_now(queue->service->loop) + entries[i].visibility_s * 1000ull;
        }
    }
    poke_polls(queue);
    reply_after(queue->service->loop, &queue->service->replies, &batch->reply, 0, batch_run);
    return 0;
}

static int fake_delete(struct queue *queue, const struct queue_entry *entries, size_t count,
                       queue_batch_done *done, void *user)
{
    queue->delete_calls++;
    return fake_batch(queue, entries, count, done, user, true);
}

static int fake_extend(struct queue *queue, const struct queue_entry *entries, size_t count,
                       queue_batch_done *done, void *user)
{
    queue->extend_calls++;
    return fake_batch(queue, entries, count, done, user, false);
}

static void sent_run(struct reply *reply)
{
    struct sent_reply *sent = container_of(reply, struct sent_reply, reply);
    struct error error = {0};
    sent->done("sent", &error, sent->user);
}

static int fake_send(struct queue *queue, const struct queue_send *message, queue_sent *done,
                     void *user)
{
    struct fake_message *copy = fake_queue_put(queue, message->body);
    assert_in_range(message->attribute_count, 0, QUEUE_ATTRIBUTES_MAX);
    for (size_t i = 0; i < message->attribute_count; i++)
        copy->attributes[copy->attribute_count++] = (struct queue_attribute){
            strdup(message->attributes[i].name), strdup(message->attributes[i].type),
            strdup(message->attributes[i].value)};
    snprintf(copy->group, sizeof copy->group, "%s", message->group ? message->group : "");
    snprintf(copy->deduplication, sizeof copy->deduplication, "%s",
             message->deduplication ? message->deduplication : "");
    struct sent_reply *sent = calloc(1, sizeof *sent);
    sent->done = done;
    sent->user = user;
    reply_after(queue->service->loop, &queue->service->replies, &sent->reply, 0, sent_run);
    return 0;
}

struct depth_reply {
    struct reply reply;
    struct queue *queue;
    queue_depth_known *done;
    void *user;
};

static void depth_run(struct reply *reply)
{
    const struct depth_reply *depth = container_of(reply, struct depth_reply, reply);
    const struct error none = {0};
    const uint64_t now = uv_now(depth->queue->service->loop);
    uint64_t visible = 0, in_flight = 0;
    for (struct list *l = depth->queue->messages.next; l != &depth->queue->messages; l = l->next) {
        const bool hidden = container_of(l, struct fake_message, link)->visible_at_ms > now;
        visible += !hidden;
        in_flight += hidden;
    }
    depth->done(visible, in_flight, 0, &none, depth->user);
}

static int fake_depth(struct queue *queue, queue_depth_known *done, void *user)
{
    struct depth_reply *depth = calloc(1, sizeof *depth);
    depth->queue = queue;
    depth->done = done;
    depth->user = user;
    reply_after(queue->service->loop, &queue->service->replies, &depth->reply, 0, depth_run);
    return 0;
}

void fake_queues_init(struct fake_queues *service, uv_loop_t *loop)
{
    *service = (struct fake_queues){.loop = loop};
    service->ops = (struct queue_backend_ops){
        .open = fake_open,
        .service = fake_service,
        .open_cancel = fake_open_cancel,
        .close = fake_close,
        .facts = fake_facts,
        .compare = fake_compare,
        .same = fake_same,
        .receive = fake_receive,
        .receive_cancel = fake_receive_cancel,
        .delete_batch = fake_delete,
        .extend_batch = fake_extend,
        .send = fake_send,
        .depth = fake_depth,
    };
    service->backend.ops = &service->ops;
    list_init(&service->queues);
    list_init(&service->replies);
}

void fake_queues_clear(struct fake_queues *service)
{
    replies_drop(&service->replies);
    struct list *l;
    while ((l = list_shift(&service->queues))) {
        struct queue *queue = container_of(l, struct queue, link);
        assert_int_equal(queue->opened, 0);
        while (!list_empty(&queue->messages))
            message_free(container_of(queue->messages.next, struct fake_message, link));
        free(queue);
    }
}

struct queue *fake_queue_add(struct fake_queues *service, const char *name, const char *dlq)
{
    struct queue *queue = calloc(1, sizeof *queue);
    snprintf(queue->name, sizeof queue->name, "%s", name);
    queue->service = service;
    queue->facts = (struct queue_facts){.name = queue->name,
                                        .url = queue->name,
                                        .arn = queue->name,
                                        .dead_letter_arn = dlq,
                                        .visibility_s = 30};
    list_init(&queue->messages);
    list_init(&queue->polls);
    list_push(&service->queues, &queue->link);
    return queue;
}

struct queue *fake_queue_find(struct fake_queues *service, const char *name)
{
    for (struct list *l = service->queues.next; l != &service->queues; l = l->next) {
        struct queue *queue = container_of(l, struct queue, link);
        if (strcmp(queue->name, name) == 0)
            return queue;
    }
    return NULL;
}

struct fake_message *fake_queue_put(struct queue *queue, const char *body)
{
    struct fake_message *message = calloc(1, sizeof *message);
    snprintf(message->id, sizeof message->id, "m%u", ++queue->service->serial);
    message->body = strdup(body);
    list_push(&queue->messages, &message->link);
    poke_polls(queue);
    return message;
}

size_t fake_queue_count(const struct queue *queue)
{
    size_t count = 0;
    for (const struct list *l = queue->messages.next; l != &queue->messages; l = l->next)
        count++;
    return count;
}

struct fake_message *fake_queue_first(const struct queue *queue)
{
    return list_empty(&queue->messages)
               ? NULL
               : container_of(queue->messages.next, struct fake_message, link);
}

const char *fake_attribute(const struct fake_message *message, const char *name)
{
    for (size_t i = 0; i < message->attribute_count; i++) {
        if (strcmp(message->attributes[i].name, name) == 0)
            return message->attributes[i].value;
    }
    return NULL;
}

/* ---- objects ---- */

struct object_request {
    struct reply reply;
    struct fake_store *store;
    char *bucket, *key;
    void *body;
    size_t body_size, max_size;
    bool marked, only_new, replaces;
    struct object_pair tags[OBJECT_TAGS_MAX];
    size_t tag_count;
    struct object_pair metadata[FAKE_METADATA_MAX];
    size_t metadata_count;
    object_got *got;
    object_head_done *headed;
    object_done *done;
    object_tags_got *tags_got;
    object_listed *listed;
    void *user;
};

static void pairs_free(struct object_pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free((char *)(uintptr_t)pairs[i].name);
        free((char *)(uintptr_t)pairs[i].value);
    }
}

static void request_dispose(struct reply *reply)
{
    struct object_request *request = container_of(reply, struct object_request, reply);
    pairs_free(request->tags, request->tag_count);
    pairs_free(request->metadata, request->metadata_count);
    free(request->bucket);
    free(request->key);
    free(request->body);
}

static struct object_request *request_new(struct object_store *seam, const char *bucket,
                                          const char *key, void *user, void (*run)(struct reply *),
                                          struct object_request **out)
{
    struct fake_store *store = container_of(seam, struct fake_store, store);
    struct object_request *request = calloc(1, sizeof *request);
    request->store = store;
    request->bucket = strdup(bucket);
    request->key = strdup(key);
    request->user = user;
    request->reply.dispose = request_dispose;
    reply_after(store->loop, &store->replies, &request->reply, 0, run);
    *out = request;
    return request;
}

static void missing(struct error *error, const struct object_request *request)
{
    error_set(error, ERR_NOT_FOUND, "s3://%s/%s does not exist", request->bucket, request->key);
}

static void get_run(struct reply *reply)
{
    struct object_request *request = container_of(reply, struct object_request, reply);
    struct fake_object *object = fake_store_find(request->store, request->bucket, request->key);
    struct error error = {0};
    struct bytes body = {0};
    static const struct object_pair mark = {OUTPUT_MARK_PIPELINE, "web"};
    struct object_facts facts = {.etag = object && object->etag ? object->etag : "etag"};
    const char *forbidden = request->store->forbidden;
    if ((!object && request->store->hides) || (forbidden && !strcmp(request->key, forbidden))) {
        error_set(&error, ERR_DENIED, "Access Denied");
    } else if (!object) {
        missing(&error, request);
    } else if (object->size > request->max_size) {
        error_set(&error, ERR_LIMIT, "it is larger than %zu bytes", request->max_size);
    } else {
        body = bytes_give(malloc(object->size + 1), object->size);
        memcpy(body.data, object->data, object->size);
        facts.size = object->size;
        facts.metadata = &mark;
        facts.metadata_count = object->marked;
    }
    request->got(&body, &facts, &error, request->user);
    bytes_free(&body);
}

static int fake_get(struct object_store *seam, const struct object_name *name, size_t max_size,
                    object_got *done, void *user, struct object_request **out)
{
    struct object_request *request = request_new(seam, name->bucket, name->key, user, get_run, out);
    request->max_size = max_size;
    request->store->last_cap = max_size;
    request->got = done;
    request->store->gets++;
    return 0;
}

static void head_run(struct reply *reply)
{
    struct object_request *request = container_of(reply, struct object_request, reply);
    struct fake_object *object = fake_store_find(request->store, request->bucket, request->key);
    struct error error = {0};
    struct object_facts facts = {.etag = object && object->etag ? object->etag : "etag"};
    if (object) {
        facts.metadata = object->metadata;
        facts.metadata_count = object->metadata_count;
    } else {
        missing(&error, request);
    }
    request->headed(&facts, &error, request->user);
}

static int fake_head(struct object_store *seam, const struct object_name *name,
                     object_head_done *done, void *user, struct object_request **out)
{
    request_new(seam, name->bucket, name->key, user, head_run, out)->headed = done;
    container_of(seam, struct fake_store, store)->heads++;
    return 0;
}

static void put_run(struct reply *reply)
{
    struct object_request *request = container_of(reply, struct object_request, reply);
    struct error error = {0};
    struct fake_store *store = request->store;
    if (store->before_put)
        store->before_put(store);
    if (store->put_code) {
        error_set(&error, store->put_code, "refused");
        request->done(&error, request->user);
        return;
    }
    bool there = fake_store_find(store, request->bucket, request->key) != NULL;
    if (store->conditional && request->only_new == there &&
        (request->only_new || request->replaces)) {
        error_set(&error, ERR_CONFLICT, "PreconditionFailed");
        request->done(&error, request->user);
        return;
    }
    char *text = strndup(request->body, request->body_size);
    struct fake_object *object =
        fake_store_put(request->store, request->bucket, request->key, text);
    object->marked = request->marked;
    memcpy(object->metadata, request->metadata, sizeof object->metadata);
    object->metadata_count = request->metadata_count;
    request->metadata_count = 0;
    free(text);
    request->done(&error, request->user);
}

static int fake_put(struct object_store *seam, const struct object_put *put, object_done *done,
                    void *user, struct object_request **out)
{
    struct object_request *request = request_new(seam, put->bucket, put->key, user, put_run, out);
    request->body = malloc(put->body_size + 1);
    memcpy(request->body, put->body, put->body_size);
    request->body_size = put->body_size;
    request->marked = put->metadata_count > 0;
    request->only_new = put->only_new;
    request->replaces = put->replaces != NULL;
    assert_in_range(put->metadata_count, 0, FAKE_METADATA_MAX);
    for (size_t i = 0; i < put->metadata_count; i++)
        request->metadata[request->metadata_count++] =
            (struct object_pair){strdup(put->metadata[i].name), strdup(put->metadata[i].value)};
    request->done = done;
    request->store->puts++;
    return 0;
}

static void tags_got_run(struct reply *reply)
{
    struct object_request *request = container_of(reply, struct object_request, reply);
    struct fake_object *object = fake_store_find(request->store, request->bucket, request->key);
    struct error error = {0};
    if (!object)
        missing(&error, request);
    request->tags_got(object ? object->tags : NULL, object ? object->tag_count : 0, &error,
                      request->user);
}

static int fake_get_tags(struct object_store *seam, const struct object_name *name,
                         object_tags_got *done, void *user, struct object_request **out)
{
    request_new(seam, name->bucket, name->key, user, tags_got_run, out)->tags_got = done;
    return 0;
}

static void tags_put_run(struct reply *reply)
{
    struct object_request *request = container_of(reply, struct object_request, reply);
    struct fake_object *object = fake_store_find(request->store, request->bucket, request->key);
    struct error error = {0};
    assert_non_null(object);
    pairs_free(object->tags, object->tag_count);
    memcpy(object->tags, request->tags, sizeof object->tags);
    object->tag_count = request->tag_count;
    request->tag_count = 0;
    request->done(&error, request->user);
}

static int fake_put_tags(struct object_store *seam, const struct object_name *name,
                         const struct object_pair *tags, size_t count, object_done *done,
                         void *user, struct object_request **out)
{
    struct object_request *request =
        request_new(seam, name->bucket, name->key, user, tags_put_run, out);
    assert_in_range(count, 0, OBJECT_TAGS_MAX);
    for (size_t i = 0; i < count; i++)
        request->tags[request->tag_count++] =
            (struct object_pair){strdup(tags[i].name), strdup(tags[i].value)};
    request->done = done;
    request->store->tag_puts++;
    return 0;
}

/* Returns at most the first key, which is sufficient. */
static void list_run(struct reply *reply)
{
    struct object_request *request = container_of(reply, struct object_request, reply);
    struct error error = {0};
    struct object_entry first = {0};
    const struct list *objects = &request->store->objects;
    if (request->store->unlisted)
        error_set(&error, ERR_DENIED, "Access Denied");
    for (const struct list *l = objects->next; !error.code && l != objects; l = l->next) {
        const struct fake_object *object = container_of(l, struct fake_object, link);
        if (strcmp(object->bucket, request->bucket) == 0 &&
            strncmp(object->key, request->key, strlen(request->key)) == 0 &&
            (!first.key || strcmp(object->key, first.key) < 0))
            first = (struct object_entry){.key = object->key, .size = object->size};
    }
    request->listed(&first, first.key ? 1 : 0, false, &error, request->user);
}

static int fake_list(struct object_store *seam, const char *bucket, const char *prefix,
                     const char *start_after, object_listed *done, void *user,
                     struct object_request **out)
{
    assert_null(start_after);
    request_new(seam, bucket, prefix, user, list_run, out)->listed = done;
    container_of(seam, struct fake_store, store)->lists++;
    return 0;
}

static void object_free(struct fake_object *object);

static void remove_run(struct reply *reply)
{
    struct object_request *request = container_of(reply, struct object_request, reply);
    struct fake_object *object = fake_store_find(request->store, request->bucket, request->key);
    struct error error = {0};
    if (object)
        object_free(object);
    request->done(&error, request->user);
}

static int fake_remove(struct object_store *seam, const struct object_name *name, object_done *done,
                       void *user, struct object_request **out)
{
    request_new(seam, name->bucket, name->key, user, remove_run, out)->done = done;
    container_of(seam, struct fake_store, store)->removes++;
    return 0;
}

static void fake_cancel(struct object_request *request)
{
    reply_end(&request->reply);
}

void fake_store_init(struct fake_store *store, uv_loop_t *loop)
{
    *store = (struct fake_store){.loop = loop};
    store->ops = (struct object_store_ops){
        .get = fake_get,
        .head = fake_head,
        .put = fake_put,
        .get_tags = fake_get_tags,
        .put_tags = fake_put_tags,
        .list = fake_list,
        .remove = fake_remove,
        .cancel = fake_cancel,
    };
    store->store.ops = &store->ops;
    list_init(&store->objects);
    list_init(&store->replies);
}

static void object_free(struct fake_object *object)
{
    list_remove(&object->link);
    pairs_free(object->tags, object->tag_count);
    pairs_free(object->metadata, object->metadata_count);
    free(object->bucket);
    free(object->key);
    free(object->data);
    free(object);
}

void fake_store_clear(struct fake_store *store)
{
    replies_drop(&store->replies);
    while (!list_empty(&store->objects))
        object_free(container_of(store->objects.next, struct fake_object, link));
}

struct fake_object *fake_store_find(struct fake_store *store, const char *bucket, const char *key)
{
    for (struct list *l = store->objects.next; l != &store->objects; l = l->next) {
        struct fake_object *object = container_of(l, struct fake_object, link);
        if (strcmp(object->bucket, bucket) == 0 && strcmp(object->key, key) == 0)
            return object;
    }
    return NULL;
}

struct fake_object *fake_store_put(struct fake_store *store, const char *bucket, const char *key,
                                   const char *text)
{
    struct fake_object *object = fake_store_find(store, bucket, key);
    if (object)
        object_free(object);
    object = calloc(1, sizeof *object);
    object->bucket = strdup(bucket);
    object->key = strdup(key);
    object->size = strlen(text);
    object->data = strdup(text);
    list_push(&store->objects, &object->link);
    return object;
}

/* ---- the codec ---- */

static struct {
    uv_mutex_t mutex;
    uv_cond_t changed;
    bool closed;
    unsigned waiting;
    unsigned renders;
} gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0, 0};

void stub_gate_close(void)
{
    uv_mutex_lock(&gate.mutex);
    gate.closed = true;
    uv_mutex_unlock(&gate.mutex);
}

void stub_gate_open(void)
{
    uv_mutex_lock(&gate.mutex);
    gate.closed = false;
    uv_cond_broadcast(&gate.changed);
    uv_mutex_unlock(&gate.mutex);
}

static unsigned gate_read(const unsigned *counter)
{
    uv_mutex_lock(&gate.mutex);
    unsigned value = *counter;
    uv_mutex_unlock(&gate.mutex);
    return value;
}

unsigned stub_renders(void)
{
    return gate_read(&gate.renders);
}

unsigned stub_waiting(void)
{
    return gate_read(&gate.waiting);
}

static void gate_pass(bool slow)
{
    uv_mutex_lock(&gate.mutex);
    gate.renders++;
    gate.waiting++;
    while (slow && gate.closed)
        uv_cond_wait(&gate.changed, &gate.mutex);
    gate.waiting--;
    uv_mutex_unlock(&gate.mutex);
}

static struct pipeline *stub_retain(struct pipeline *pipeline)
{
    pipeline->references++;
    return pipeline;
}

static void stub_release(struct pipeline *pipeline)
{
    if (--pipeline->references == 0)
        free(pipeline);
}

static const struct pipeline_facts *stub_facts(const struct pipeline *pipeline)
{
    return &pipeline->facts;
}

static bool stub_matches(const struct pipeline *pipeline, const char *bucket, const char *key)
{
    (void)bucket;
    const char *prefix = pipeline->prefix ? pipeline->prefix : "ingest/";
    return strncmp(key, prefix, strlen(prefix)) == 0;
}

static struct pipeline_output stub_output(const struct pipeline *pipeline, size_t index)
{
    return (struct pipeline_output){.key = index == 0 ? pipeline->facts.name : NULL};
}

static int stub_check_loop(const struct pipeline *from, size_t index, const struct pipeline *to,
                           struct error *error)
{
    (void)from;
    (void)index;
    (void)to;
    (void)error;
    return 0;
}

static void render_one(const struct render_source *source, struct render_item *item)
{
    const char *base = strrchr(source->key, '/');
    base = base ? base + 1 : source->key;
    if (slice_starts_with(source->image, "corrupt")) {
        error_set(&item->error, ERR_CORRUPT, "the image is corrupt");
        return;
    }
    struct buffer key, body;
    buffer_init(&key, OBJECT_KEY_MAX);
    buffer_init(&body, 4096);
    buffer_format(&key, "%s/%s", item->pipeline->facts.name, base);
    buffer_format(&body, "%s:%.*s", item->pipeline->says, (int)source->image.size,
                  source->image.data);
    if (key.error || body.error) {
        buffer_free(&key);
        buffer_free(&body);
        error_set(&item->error, ERR_MEMORY, "out of memory");
        return;
    }
    item->renditions = calloc(1, sizeof *item->renditions);
    item->rendition_count = 1;
    item->facts = (struct image_facts){.width = 20, .height = 30, .orientation = 6};
    item->renditions[0] = (struct rendition){.key = buffer_take_text(&key),
                                             .content_type = "image/jpeg",
                                             .settings = item->pipeline->settings,
                                             .body = buffer_take(&body),
                                             .width = 1,
                                             .height = 1};
    if (item->pipeline->facts.labels) {
        item->labels.entries[0] = (struct label){"Landscape", "", 100};
        item->labels.entries[1] = (struct label){"Colour", "Blue", 71.25};
        item->labels.count = 2;
        item->write_tags = true;
        item->sidecar_key = strdup("tags/labels.json");
    }
}

/* The memory that the image states. */
static int memory_pass(const struct render_source *source)
{
    unsigned long long bytes = 0;
    char *text = strndup(source->image.data, source->image.size);
    const char *needs = strstr(text, "needs ");
    if (needs)
        bytes = strtoull(needs + strlen("needs "), NULL, 10);
    bool again = strstr(text, "again;") != NULL;
    free(text);
    if (!bytes || !source->gate)
        return 0;
    int code = source->gate->pass(source->gate, bytes);
    return !code && again ? source->gate->pass(source->gate, bytes) : code;
}

static void stub_render(const struct render_source *source, const struct pipeline_limits *limits,
                        struct render_item *items, size_t count)
{
    (void)limits;
    if (memory_pass(source)) {
        for (size_t i = 0; i < count; i++)
            error_set(&items[i].error, ERR_CANCELLED, "cancelled");
        return;
    }
    gate_pass(slice_starts_with(source->image, "slow"));
    for (size_t i = 0; i < count; i++)
        render_one(source, &items[i]);
}

static void stub_thread_end(void) {}

const struct pipeline_ops stub_pipeline_ops = {
    .retain = stub_retain,
    .release = stub_release,
    .facts = stub_facts,
    .matches = stub_matches,
    .output = stub_output,
    .check_loop = stub_check_loop,
    .render = stub_render,
    .thread_end = stub_thread_end,
};

struct pipeline *stub_pipeline(const char *name, const char *queue)
{
    struct pipeline *pipeline = calloc(1, sizeof *pipeline);
    pipeline->references = 1;
    pipeline->says = name;
    pipeline->facts = (struct pipeline_facts){
        .name = name, .file = name, .queue = queue, .weight = 1, .output_count = 1};
    return pipeline;
}
