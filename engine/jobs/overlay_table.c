#include "overlay_table.h"

#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "log.h"

enum {
    OVERLAYS_OF_PIPELINE_MAX = 32,
    OBJECTS_MAX = 256, /* their names may come from messages: buckets */
};

struct overlay_object {
    struct overlay_table *table;
    struct list link;
    char *bucket, *key;
    struct bytes body;
    char *etag;        /* NULL: unknown */
    uint64_t state;    /* another number for each content; 0: none yet */
    uint64_t known_ms; /* when the content was found to be this */
    struct object_request *request;
    struct list waits;
};

struct overlay_dressed {
    struct list link;
    struct pipeline *plain, *made; /* references: no other pipeline gets the address meanwhile */
    size_t bytes;
    size_t count;
    uint64_t states[OVERLAYS_OF_PIPELINE_MAX]; /* of the objects */
};

/* ---- memory ---- */

static void count_bytes(struct overlay_table *table, size_t more, size_t less)
{
    size_t now = table->bytes + more - less;
    memory_change(table->options.memory, MEMORY_PHOTOS, table->bytes, now);
    table->bytes = now;
}

static void object_free(struct overlay_object *object)
{
    struct overlay_table *table = object->table;
    list_remove(&object->link);
    table->count--;
    count_bytes(table, 0, object->body.size);
    bytes_free(&object->body);
    free(object->bucket);
    free(object->key);
    free(object->etag);
    free(object);
}

static void dressed_free(struct overlay_table *table, struct overlay_dressed *dressed)
{
    list_remove(&dressed->link);
    count_bytes(table, 0, dressed->bytes);
    table->options.pipeline_ops->release(dressed->made);
    table->options.pipeline_ops->release(dressed->plain);
    free(dressed);
}

static bool is_too_much(const struct overlay_table *table)
{
    return table->bytes > OVERLAYS_KEPT_MAX || table->count > OBJECTS_MAX;
}

/* The most recently used ones stay: one pipeline, and the objects that somebody waits for. */
static void trim(struct overlay_table *table)
{
    struct list *next;
    while (table->bytes > OVERLAYS_KEPT_MAX && table->dressed.prev != table->dressed.next)
        dressed_free(table,
                     container_of(list_shift(&table->dressed), struct overlay_dressed, link));
    for (struct list *l = table->objects.next; l != &table->objects && is_too_much(table);
         l = next) {
        struct overlay_object *object = container_of(l, struct overlay_object, link);
        next = l->next;
        if (!object->request && list_empty(&object->waits))
            object_free(object);
    }
}

/* ---- waits ---- */

void overlay_wait_init(struct overlay_wait *wait, void (*wake)(struct overlay_wait *wait))
{
    wait->wake = wake;
    list_init(&wait->link);
}

void overlay_wait_end(struct overlay_wait *wait)
{
    list_remove(&wait->link);
    wait->error = (struct error){0};
}

/* A woken job may end others, or wait again. */
static void wake_all(struct overlay_object *object, const struct error *error)
{
    struct list woken, *l;
    list_init(&woken);
    list_move_all(&woken, &object->waits);
    while ((l = list_shift(&woken))) {
        struct overlay_wait *wait = container_of(l, struct overlay_wait, link);
        wait->error = *error;
        wait->wake(wait);
    }
}

/* ---- requests ---- */

static void object_fail(struct overlay_object *object, const struct error *error)
{
    struct overlay_table *table = object->table;
    struct error failed;
    error_set(&failed, ERR_OVERLAY, "the overlay s3://%s/%s can't be used: %s", object->bucket,
              object->key, error->text);
    count_bytes(table, 0, object->body.size);
    bytes_free(&object->body);
    object->state = 0;
    wake_all(object, &failed);
    trim(table);
}

static void object_keep(struct overlay_object *object, struct bytes *body,
                        const struct object_facts *facts)
{
    static uint64_t last_state;
    count_bytes(object->table, body->size, object->body.size);
    bytes_free(&object->body);
    free(object->etag);
    object->body = bytes_take(body);
    object->etag = facts->etag ? strdup(facts->etag) : NULL;
    object->state = ++last_state;
}

static void object_wake(struct overlay_object *object)
{
    struct overlay_table *table = object->table;
    object->known_ms = uv_now(table->loop);
    wake_all(object, &(struct error){0}); /* which may free it */
    trim(table);
}

static void on_got(struct bytes *body, const struct object_facts *facts, const struct error *error,
                   void *user)
{
    struct overlay_object *object = user;
    object->request = NULL;
    if (error->code) {
        object_fail(object, error);
        return;
    }
    object_keep(object, body, facts);
    object_wake(object);
}

static int get(struct overlay_object *object)
{
    struct object_store *store = object->table->options.store;
    const struct object_name name = {object->bucket, object->key, NULL, NULL};
    return store->ops->get(store, &name, OVERLAY_OBJECT_MAX, on_got, object, &object->request);
}

/* The service, not the object, is the reason. */
static bool is_passing(int code)
{
    static const int passing[] = {ERR_TIMEOUT, ERR_NETWORK,  ERR_THROTTLED,
                                  ERR_SERVER,  ERR_PROTOCOL, ERR_CREDENTIALS};
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++) {
        if (code == passing[i])
            return true;
    }
    return false;
}

static void on_seen(const struct object_facts *facts, const struct error *error, void *user)
{
    struct overlay_object *object = user;
    object->request = NULL;
    if (is_passing(error->code)) {
        log_warn("an overlay can't be compared with its object; it is used as it was",
                 LOG_TEXT("bucket", object->bucket), LOG_TEXT("key", object->key),
                 LOG_TEXT("error", error->text));
        object_wake(object);
        return;
    }
    if (error->code) {
        object_fail(object, error);
        return;
    }
    if (facts->etag && object->etag && strcmp(facts->etag, object->etag) == 0) {
        object_wake(object);
        return;
    }
    int code = get(object);
    if (code)
        object_fail(object,
                    &(struct error){.code = code, .text = "the request could not be started"});
}

static int look(struct overlay_object *object)
{
    struct object_store *store = object->table->options.store;
    const struct object_name name = {object->bucket, object->key, NULL, NULL};
    return store->ops->head(store, &name, on_seen, object, &object->request);
}

/* ---- objects ---- */

static struct overlay_object *object_new(struct overlay_table *table, const char *bucket,
                                         const char *key)
{
    struct overlay_object *object = calloc(1, sizeof *object);
    if (!object)
        return NULL;
    object->table = table;
    table->count++;
    list_init(&object->waits);
    list_init(&object->link);
    object->bucket = strdup(bucket);
    object->key = strdup(key);
    if (object->bucket && object->key)
        return object;
    object_free(object);
    return NULL;
}

/* The object, which becomes the most recently used one; NULL: out of memory. */
static struct overlay_object *object_find(struct overlay_table *table, const char *bucket,
                                          const char *key)
{
    struct overlay_object *object = NULL;
    for (struct list *l = table->objects.next; l != &table->objects && !object; l = l->next) {
        struct overlay_object *other = container_of(l, struct overlay_object, link);
        if (strcmp(other->bucket, bucket) == 0 && strcmp(other->key, key) == 0)
            object = other;
    }
    if (!object)
        object = object_new(table, bucket, key);
    if (!object)
        return NULL;
    list_remove(&object->link);
    list_push(&table->objects, &object->link);
    return object;
}

static bool is_fresh(const struct overlay_object *object)
{
    return object->state && uv_now(object->table->loop) - object->known_ms < OVERLAY_RECHECK_MS;
}

/* Starts what is missing. */
static int object_need(struct overlay_object *object, struct overlay_wait *wait)
{
    int code = 0;
    if (!object->request)
        code = object->state ? look(object) : get(object);
    if (!code)
        list_push(&object->waits, &wait->link);
    return code;
}

/* ---- pipelines with pictures ---- */

struct overlay_wish {
    size_t count, bytes;
    const struct overlay_object *objects[OVERLAYS_OF_PIPELINE_MAX];
};

static bool is_made_of(const struct overlay_dressed *dressed, const struct pipeline *plain,
                       const struct overlay_wish *wanted)
{
    if (dressed->plain != plain || dressed->count != wanted->count)
        return false;
    for (size_t i = 0; i < wanted->count; i++) {
        if (dressed->states[i] != wanted->objects[i]->state)
            return false;
    }
    return true;
}

static struct overlay_dressed *dressed_find(struct overlay_table *table,
                                            const struct pipeline *plain,
                                            const struct overlay_wish *wanted)
{
    for (struct list *l = table->dressed.next; l != &table->dressed; l = l->next) {
        struct overlay_dressed *dressed = container_of(l, struct overlay_dressed, link);
        if (is_made_of(dressed, plain, wanted))
            return dressed;
    }
    return NULL;
}

static int dressed_make(struct overlay_table *table, struct pipeline *plain,
                        const struct overlay_wish *wanted, struct overlay_dressed **out,
                        struct error *error)
{
    const struct pipeline_ops *ops = table->options.pipeline_ops;
    struct slice pictures[OVERLAYS_OF_PIPELINE_MAX];
    struct overlay_dressed *dressed = calloc(1, sizeof *dressed);
    if (!dressed)
        return error_set(error, ERR_MEMORY, "out of memory");
    list_init(&dressed->link);
    dressed->count = wanted->count;
    for (size_t i = 0; i < wanted->count; i++) {
        const struct overlay_object *object = wanted->objects[i];
        pictures[i] = (struct slice){object->body.data, object->body.size};
        dressed->states[i] = object->state;
        dressed->bytes += object->body.size;
    }
    int code = ops->with_pictures(plain, pictures, &dressed->made, error);
    if (code) {
        free(dressed);
        return code;
    }
    dressed->plain = ops->retain(plain);
    count_bytes(table, dressed->bytes, 0);
    *out = dressed;
    return 0;
}

static enum overlay_state dress(struct overlay_table *table, struct pipeline *plain,
                                const struct overlay_wish *wanted, struct pipeline **out,
                                struct error *error)
{
    struct overlay_dressed *dressed = dressed_find(table, plain, wanted);
    if (!dressed && dressed_make(table, plain, wanted, &dressed, error))
        return OVERLAY_FAILED;
    list_remove(&dressed->link);
    list_push(&table->dressed, &dressed->link);
    *out = table->options.pipeline_ops->retain(dressed->made);
    trim(table);
    return OVERLAY_READY;
}

/* ---- the table ---- */

static enum overlay_state fail_large(struct error *error)
{
    error_set(error, ERR_OVERLAY, "the overlays of a pipeline have more than %d bytes",
              OVERLAYS_OF_PIPELINE_BYTES);
    return OVERLAY_FAILED;
}

/* The object, if its content is known; else the wait has begun. */
static int object_get(struct overlay_table *table, const struct pipeline_overlay *overlay,
                      const char *bucket, struct overlay_wait *wait, struct overlay_object **out)
{
    *out = object_find(table, overlay->bucket ? overlay->bucket : bucket, overlay->key);
    if (!*out)
        return ERR_MEMORY;
    return is_fresh(*out) ? 0 : object_need(*out, wait);
}

enum overlay_state overlay_table_get(struct overlay_table *table, struct pipeline *pipeline,
                                     const char *bucket, struct overlay_wait *wait,
                                     struct pipeline **out, struct error *error)
{
    const struct pipeline_facts *facts = table->options.pipeline_ops->facts(pipeline);
    struct overlay_wish wanted = {.count = 0};
    if (wait->error.code) {
        *error = wait->error;
        overlay_wait_end(wait);
        return OVERLAY_FAILED;
    }
    for (; wanted.count < facts->overlay_count && wanted.bytes <= OVERLAYS_OF_PIPELINE_BYTES;
         wanted.count++) {
        const struct pipeline_overlay *overlay = &facts->overlays[wanted.count];
        struct overlay_object *object = NULL;
        int code = object_get(table, overlay, bucket, wait, &object);
        if (code) {
            error_set(error, code == ERR_MEMORY ? code : ERR_OVERLAY,
                      "the overlay %s can't be fetched (%s)", overlay->key, error_name(code));
            return OVERLAY_FAILED;
        }
        if (!is_fresh(object))
            return OVERLAY_WAITS;
        wanted.objects[wanted.count] = object;
        wanted.bytes += object->body.size;
    }
    if (wanted.bytes > OVERLAYS_OF_PIPELINE_BYTES)
        return fail_large(error);
    return dress(table, pipeline, &wanted, out, error);
}

void overlay_table_init(struct overlay_table *table, uv_loop_t *loop,
                        const struct overlay_table_options *options)
{
    *table = (struct overlay_table){.loop = loop, .options = *options};
    list_init(&table->objects);
    list_init(&table->dressed);
}

void overlay_table_close(struct overlay_table *table)
{
    struct list *l;
    while ((l = list_shift(&table->dressed)))
        dressed_free(table, container_of(l, struct overlay_dressed, link));
    while ((l = list_shift(&table->objects))) {
        struct overlay_object *object = container_of(l, struct overlay_object, link);
        if (object->request)
            table->options.store->ops->cancel(object->request);
        object_free(object);
    }
}
