/* The queues in memory: finding, describing and listing them, opening and closing. */
#include "queues.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "name_page.h"
#include "queue_rows.h"
#include "secret.h"

enum { REGION_MAX = 64, ACCOUNT_MAX = 12 }; /* in an ARN */

struct local_queue *queue_new(struct queues *queues, uint64_t id, const char *arn)
{
    struct local_queue *q = calloc(1, sizeof *q);
    if (!q)
        return NULL;
    q->queues = queues;
    q->id = id;
    q->refs = 1;
    list_init(&q->changes);
    list_init(&q->tag_changes);
    q->named.name = strdup(arn);
    for (int i = 0; i < MESSAGE_STATES; i++)
        list_init(&q->lists[i]);
    list_init(&q->open_groups);
    list_init(&q->waiters);
    list_init(&q->ready);
    q->tags = json_object();
    if (q->named.name && q->tags && !queue_attributes_init(&q->attributes, local_queue_name(q)))
        return q;
    queue_release(q);
    return NULL;
}

void queue_retain(struct local_queue *q)
{
    q->refs++;
}

void queue_release(struct local_queue *q)
{
    if (--q->refs > 0)
        return;
    list_remove(&q->ready);
    queue_attributes_free(&q->attributes);
    json_decref(q->tags);
    free(q->named.name);
    free(q);
}

void queue_vanish(struct local_queue *q)
{
    q->gone = true;
    queue_fail_polls(q);
    queue_moves_end(q);
    queue_purge_below(q, UINT64_MAX);
    name_index_remove(&q->queues->names, &q->named);
    queue_release(q);
}

void queues_stop(struct queues *queues)
{
    queues->stopped = true;
    uv_idle_stop(&queues->idle);
    if (queues->deadlines)
        deadlines_stop(queues->deadlines);
}

static void idle_closed(uv_handle_t *handle)
{
    struct queues *queues = container_of((uv_idle_t *)handle, struct queues, idle);
    void (*closed)(void *user) = queues->closed;
    void *user = queues->user;
    free(queues);
    if (closed)
        closed(user);
}

struct local_queue *queues_find_arn(struct queues *queues, const char *arn)
{
    struct named *named = name_index_find(&queues->names, arn);
    struct local_queue *q = named ? container_of(named, struct local_queue, named) : NULL;
    return q && !q->deleting ? q : NULL;
}

void queue_arn_write(struct arn_home home, const char *name, char out[QUEUE_ARN_SIZE])
{
    char *at = mempcpy(out, "arn:aws:sqs:", strlen("arn:aws:sqs:"));
    at = mempcpy(at, home.region, strnlen(home.region, REGION_MAX));
    *at++ = ':';
    at = mempcpy(at, home.account, strnlen(home.account, ACCOUNT_MAX));
    *at++ = ':';
    at = mempcpy(at, name, strnlen(name, QUEUE_NAME_MAX));
    *at = '\0';
}

struct local_queue *queues_find(struct queues *queues, struct arn_home home, const char *name)
{
    char arn[QUEUE_ARN_SIZE];
    queue_arn_write(home, name, arn);
    return queues_find_arn(queues, arn);
}

bool queue_name_valid(const char *name)
{
    size_t size = strlen(name), plain = queue_name_is_fifo(name) ? size - 5 : size;
    for (size_t i = 0; i < plain; i++) {
        if (!isalnum((unsigned char)name[i]) && name[i] != '-' && name[i] != '_')
            return false;
    }
    return size > 0 && size <= QUEUE_NAME_MAX;
}

const char *local_queue_name(const struct local_queue *q)
{
    return strrchr(q->named.name, ':') + 1;
}

const char *local_queue_arn(const struct local_queue *q)
{
    return q->named.name;
}

struct slice local_queue_account(const struct local_queue *q)
{
    return arn_account(q->named.name);
}

const struct queue_attributes *local_queue_attributes(const struct local_queue *q)
{
    return &q->attributes;
}

struct log_gate *local_queue_refusals(struct local_queue *q)
{
    return &q->refusals;
}

json_t *local_queue_arn_json(const struct local_queue *q)
{
    return json_string(q->named.name);
}

json_t *local_queue_describe(const struct local_queue *q)
{
    json_t *object = json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o}", "QueueArn", local_queue_arn_json(q),
        "ApproximateNumberOfMessages", json_sprintf("%zu", q->counts[MESSAGE_VISIBLE]),
        "ApproximateNumberOfMessagesNotVisible", json_sprintf("%zu", q->counts[MESSAGE_IN_FLIGHT]),
        "ApproximateNumberOfMessagesDelayed", json_sprintf("%zu", q->counts[MESSAGE_DELAYED]),
        "CreatedTimestamp", json_sprintf("%lld", (long long)(q->created_ms / 1000)),
        "LastModifiedTimestamp", json_sprintf("%lld", (long long)(q->modified_ms / 1000)));
    if (object && !queue_attributes_add(&q->attributes, object))
        return object;
    json_decref(object);
    return NULL;
}

static bool redrives_to(const struct local_queue *q, const struct local_queue *target)
{
    return q->attributes.dead_letter_arn &&
           queues_find_arn(q->queues, q->attributes.dead_letter_arn) == target;
}

static bool shows_queue(const struct named *item, const void *source_of)
{
    const struct local_queue *q = container_of(item, const struct local_queue, named);
    return !q->deleting && (!source_of || redrives_to(q, source_of));
}

size_t queues_list(struct queues *queues, struct arn_home home, const char *prefix,
                   const char *after, const struct local_queue *source_of, struct local_queue **out,
                   size_t max, bool *more)
{
    char first[QUEUE_ARN_SIZE], last[QUEUE_ARN_SIZE];
    queue_arn_write(home, prefix, first);
    queue_arn_write(home, after ? after : "", last);
    struct name_page page = {.prefix = first,
                             .after = after ? last : NULL,
                             .shows = shows_queue,
                             .user = source_of,
                             .part = {.limit = max}};
    struct named *item;
    size_t count = 0;
    name_page_start(&page, &queues->names);
    while ((item = name_page_next(&page)))
        out[count++] = container_of(item, struct local_queue, named);
    *more = page.part.next != NULL;
    return count;
}

void queues_receipt_text(const struct queues *queues, const struct receipt *receipt,
                         char out[RECEIPT_TEXT_SIZE])
{
    receipt_write(queues->receipt_key, receipt, out);
}

int queues_open(struct cloud *cloud, struct queues **out, struct error *error)
{
    struct queues *queues = calloc(1, sizeof *queues);
    if (!queues)
        return error_set(error, ERR_MEMORY, "out of memory");
    queues->cloud = cloud;
    queues->next_queue = queues->next_message = 1;
    list_init(&queues->ready);
    list_init(&queues->moves);
    sweep_open(&queues->sweep);
    uv_idle_init(cloud->loop, &queues->idle);
    *out = queues;
    if (id_table_init(&queues->messages) || id_table_init(&queues->groups) ||
        dedup_open(&queues->history) || attempts_open(&queues->attempts))
        return error_set(error, ERR_MEMORY, "out of memory");
    int code = deadlines_create(cloud->loop, &queues->deadlines, error);
    return code ? code : queues_load(queues, error);
}

static void deadlines_closed(void *user)
{
    struct queues *queues = user;
    uv_close((uv_handle_t *)&queues->idle, idle_closed);
}

void queues_close(struct queues *queues, void (*closed)(void *user), void *user)
{
    while (queues->names.count > 0) {
        struct named *last = queues->names.items[queues->names.count - 1];
        queue_vanish(container_of(last, struct local_queue, named));
    }
    sweep_close(queues);
    dedup_close(queues);
    attempts_close(&queues->attempts);
    name_index_free(&queues->names);
    id_table_free(&queues->messages);
    id_table_free(&queues->groups);
    secret_wipe(queues->receipt_key, sizeof queues->receipt_key);
    queues->closed = closed;
    queues->user = user;
    if (queues->deadlines)
        deadlines_close(queues->deadlines, deadlines_closed, queues);
    else
        deadlines_closed(queues);
}
