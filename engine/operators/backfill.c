#include "backfill.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "container_of.h"
#include "event_record.h"
#include "key_pattern.h"

enum {
    CHECKS_MAX = 32,    /* objects whose outputs are being looked for */
    MESSAGES_MAX = 100, /* that are not confirmed */
    AHEAD_MIN = 200,    /* keys that wait; with fewer the next page is listed */
    CATCH_UP_US = 100 * 1000,
};

enum backfill_state { ITEM_LISTED, ITEM_CHECKING, ITEM_DECIDED, ITEM_SENDING, ITEM_SETTLED };

struct item { /* an object */
    struct list link;
    struct backfill *backfill;
    enum backfill_state state;
    char *key;
    char *etag; /* NULL: unknown */
    uint64_t size;
    int64_t modified_ms;
    size_t pipeline, output; /* the output that is being looked for */
    bool looked;             /* the pipeline has outputs that can be looked for */
    char *pattern;           /* of its key */
    size_t pending;          /* messages */
    bool failed;             /* one of them */
    char deduplication[DEDUPLICATION_SIZE];
    bool needs[]; /* the event, by pipeline */
};

struct backfill {
    struct backfill_options options;
    struct message_sender *senders;
    uv_timer_t turn;
    struct list items;                      /* in the order of their keys */
    struct item *next_check, *next_send;    /* the first that is not begun; NULL: none */
    size_t held, ahead, checking, messages; /* items; listed; being checked; unconfirmed */
    char *listed_to;                        /* last key of the last page; NULL: none */
    bool listing, listed;                   /* a page is pending; it was the last */
    bool stopped;
    uint64_t due_us; /* of the next object to send */
    char *after;
    struct backfill_counts counts;
    struct error error;
    size_t handles;
    void (*closed)(void *user);
    void *closed_user;
};

/* ---- ends ---- */

static void on_turn(uv_timer_t *turn);

static void schedule(struct backfill *b)
{
    uv_timer_start(&b->turn, on_turn, 0, 0);
}

static void fail(struct backfill *b, int code, const char *why)
{
    if (!b->error.code)
        error_set(&b->error, code, "%s", why);
    b->stopped = true;
    schedule(b);
}

static void item_free(struct item *item)
{
    list_remove(&item->link);
    item->backfill->held--;
    free(item->key);
    free(item->etag);
    free(item->pattern);
    free(item);
}

static struct item *item_next(const struct backfill *b, const struct item *item)
{
    struct list *next = item->link.next;
    return next == &b->items ? NULL : container_of(next, struct item, link);
}

/* ---- looking for outputs ---- */

static void item_check(struct item *item);

static void item_decide(struct item *item)
{
    struct backfill *b = item->backfill;
    bool needed = false;
    b->checking--;
    for (size_t i = 0; i < b->options.pipeline_count; i++)
        needed |= item->needs[i];
    b->counts.complete += !needed;
    item->state = needed ? ITEM_DECIDED : ITEM_SETTLED;
    schedule(b);
}

static void pipeline_next(struct item *item)
{
    item->pipeline++;
    item->output = 0;
    item->looked = false;
}

static void output_judge(struct item *item, bool is_there)
{
    free(item->pattern);
    item->pattern = NULL;
    if (is_there) {
        item->output++;
    } else {
        item->needs[item->pipeline] = true;
        pipeline_next(item);
    }
    item_check(item);
}

static void check_failed(struct item *item, int code, const char *why)
{
    struct backfill *b = item->backfill;
    b->checking--;
    item->state = ITEM_LISTED; /* it is not begun again, because all work stops */
    fail(b, code, why);
}

/* In seconds, as Last-Modified is. */
static bool is_fresh(const struct item *item, int64_t modified_s)
{
    return modified_s >= item->modified_ms / 1000;
}

static void on_head(const struct object_facts *facts, const struct error *error, void *user)
{
    struct item *item = user;
    if (error->code == 0)
        output_judge(item, is_fresh(item, facts->modified_s));
    else if (error->code == ERR_NOT_FOUND)
        output_judge(item, false);
    else
        check_failed(item, error->code, error->text);
}

static void on_outputs_listed(const struct object_entry *entries, size_t count, bool more,
                              const struct error *error, void *user)
{
    struct item *item = user;
    bool found = false;
    (void)more; /* an output beyond the first page is made again, which is harmless */
    for (size_t i = 0; i < count && !found; i++)
        found = key_pattern_matches(item->pattern, entries[i].key) &&
                is_fresh(item, entries[i].modified_ms / 1000);
    if (error->code)
        check_failed(item, error->code, error->text);
    else
        output_judge(item, found);
}

/* Begins to look for an output whose key is the item's pattern. */
static int output_look(struct item *item, const char *bucket)
{
    struct object_store *store = item->backfill->options.store;
    const struct object_name name = {.bucket = bucket, .key = item->pattern};
    struct object_request *request;
    size_t literal = key_pattern_literal(item->pattern);
    if (!item->pattern[literal])
        return store->ops->head(store, &name, on_head, item, &request);
    char *prefix = strndup(item->pattern, literal);
    int code =
        prefix ? store->ops->list(store, bucket, prefix, NULL, on_outputs_listed, item, &request)
               : ERR_MEMORY;
    free(prefix);
    return code;
}

enum look { LOOK_PENDING, LOOK_NONE, LOOK_MISSING, LOOK_FAILED };

static enum look output_begin(struct item *item)
{
    const struct backfill_options *options = &item->backfill->options;
    const struct pipeline *pipeline = options->pipelines[item->pipeline];
    const struct pipeline_output output = options->pipeline_ops->output(pipeline, item->output);
    if (!output.key)
        return LOOK_NONE;
    item->looked = true;
    int code = options->pipeline_ops->output_key(pipeline, item->output, options->bucket, item->key,
                                                 &item->pattern);
    if (!code)
        code = output_look(item, output.bucket ? output.bucket : options->bucket);
    if (!code)
        return LOOK_PENDING;
    if (code != ERR_MEMORY && !item->pattern)
        return LOOK_MISSING; /* a key that is too long: the engine rejects it with a reason */
    check_failed(item, code, "an output could not be looked for");
    return LOOK_FAILED;
}

/* Looks for the next output of the item's pipeline. */
static enum look outputs_look(struct item *item)
{
    const struct backfill_options *options = &item->backfill->options;
    const struct pipeline *pipeline = options->pipelines[item->pipeline];
    const size_t count = options->pipeline_ops->facts(pipeline)->output_count;
    for (; item->output <= count; item->output++) { /* the last one is the sidecar */
        enum look look = output_begin(item);
        if (look != LOOK_NONE)
            return look;
    }
    /* A pipeline that stores nothing but tags leaves no trace that is cheap to find. */
    return item->looked ? LOOK_NONE : LOOK_MISSING;
}

/* Goes on with the next output, until a request is pending or the item is decided. */
static void item_check(struct item *item)
{
    const struct backfill_options *options = &item->backfill->options;
    while (item->pipeline < options->pipeline_count) {
        struct pipeline *pipeline = options->pipelines[item->pipeline];
        enum look look = LOOK_NONE;
        if (options->pipeline_ops->matches(pipeline, options->bucket, item->key))
            look = options->force ? LOOK_MISSING : outputs_look(item);
        if (look == LOOK_PENDING || look == LOOK_FAILED)
            return;
        item->needs[item->pipeline] = look == LOOK_MISSING;
        pipeline_next(item);
    }
    item_decide(item);
}

static void checks_begin(struct backfill *b)
{
    while (b->next_check) {
        struct item *item = b->next_check;
        if (item->state == ITEM_LISTED) {
            if (b->stopped || b->checking >= CHECKS_MAX)
                return;
            item->state = ITEM_CHECKING;
            b->ahead--;
            b->checking++;
            b->counts.matched++;
            b->next_check = item_next(b, item);
            item_check(item);
        } else {
            b->next_check = item_next(b, item);
        }
    }
}

/* ---- sending ---- */

static void on_settled(struct outgoing *message, const char *id, const struct error *error,
                       void *user)
{
    struct backfill *b = user;
    struct item *item = message->user;
    (void)id;
    outgoing_free(message);
    b->messages--;
    item->pending--;
    b->counts.messages += !error->code;
    item->failed |= error->code != 0; /* then it stays unsettled */
    if (error->code)
        fail(b, error->code, error->text);
    else if (item->pending == 0 && !item->failed) {
        item->state = ITEM_SETTLED;
        b->counts.sent++;
    }
    schedule(b);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int event_send(struct item *item, size_t target)
{
    struct backfill *b = item->backfill;
    const struct event_object object = {
        .bucket = b->options.bucket, .key = item->key, .size = item->size, .etag = item->etag};
    char region[SEND_REGION_SIZE];
    struct outgoing *message = calloc(1, sizeof *message);
    if (!message)
        return ERR_MEMORY;
    send_target_region(&b->options.targets[target], region);
    message->body = event_record_make(&object, region, now_ms());
    if (!message->body) {
        free(message);
        return ERR_MEMORY;
    }
    message->body_size = strlen(message->body);
    message->user = item;
    message->group = b->options.group;
    if (send_target_is_fifo(&b->options.targets[target])) {
        event_deduplication(&object, item->deduplication);
        message->deduplication = item->deduplication;
    }
    item->pending++;
    b->messages++;
    message_sender_add(&b->senders[target], message);
    return 0;
}

static void item_send(struct item *item)
{
    struct backfill *b = item->backfill;
    int code = 0;
    item->state = ITEM_SENDING;
    if (b->options.target_count == 1 && b->options.pipeline_count > 1) {
        code = event_send(item, 0);
    } else {
        for (size_t i = 0; i < b->options.pipeline_count && !code; i++) {
            if (item->needs[i])
                code = event_send(item, i);
        }
    }
    if (code)
        fail(b, code, "out of memory");
}

/* Whether the rate allows another one now. It does not catch up after a pause. */
static bool pace(struct backfill *b)
{
    const uint64_t now_us = uv_now(b->options.loop) * 1000;
    if (!b->options.rate)
        return true;
    if (b->due_us > now_us) {
        uv_timer_start(&b->turn, on_turn, (b->due_us - now_us + 999) / 1000, 0);
        return false;
    }
    const uint64_t step = 1000000 / b->options.rate;
    if (b->due_us + CATCH_UP_US < now_us)
        b->due_us = now_us;
    b->due_us += step;
    return true;
}

static void sends_begin(struct backfill *b)
{
    while (b->next_send) {
        struct item *item = b->next_send;
        if (item->state == ITEM_DECIDED && b->options.dry_run) {
            item->state = ITEM_SETTLED;
            b->counts.sent++;
        } else if (item->state == ITEM_DECIDED) {
            if (b->stopped || b->messages >= MESSAGES_MAX || !pace(b))
                return;
            item_send(item);
        } else if (item->state != ITEM_SETTLED) {
            return; /* events are sent in the order of the keys */
        }
        b->next_send = item_next(b, item);
    }
}

/* ---- the checkpoint ---- */

/* The first object. */
static bool is_settled(const struct backfill *b)
{
    const struct item *item = container_of(b->items.next, struct item, link);
    return !list_empty(&b->items) && item->state == ITEM_SETTLED && item != b->next_check &&
           item != b->next_send;
}

static void checkpoint_move(struct backfill *b)
{
    while (is_settled(b)) {
        struct item *item = container_of(list_shift(&b->items), struct item, link);
        free(b->after);
        b->after = item->key;
        item->key = NULL;
        item_free(item);
    }
}

/* ---- pages ---- */

static struct item *item_add(struct backfill *b, const struct object_entry *entry)
{
    struct item *item = calloc(1, sizeof *item + b->options.pipeline_count);
    if (!item)
        return NULL;
    item->backfill = b;
    item->key = strdup(entry->key);
    item->etag = entry->etag ? strdup(entry->etag) : NULL;
    item->size = entry->size;
    item->modified_ms = entry->modified_ms;
    list_push(&b->items, &item->link);
    b->held++;
    if (!item->key || (entry->etag && !item->etag)) {
        item_free(item);
        return NULL;
    }
    if (!b->next_check)
        b->next_check = item;
    if (!b->next_send)
        b->next_send = item;
    return item;
}

static bool any_matches(const struct backfill *b, const char *key)
{
    const struct backfill_options *options = &b->options;
    for (size_t i = 0; i < options->pipeline_count; i++) {
        if (options->pipeline_ops->matches(options->pipelines[i], options->bucket, key))
            return true;
    }
    return false;
}

/* Of the keys that no pipeline wants only the last one of a page is kept, for the checkpoint. */
static int page_add(struct backfill *b, const struct object_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const bool wanted = any_matches(b, entries[i].key);
        if (!wanted && i + 1 < count)
            continue;
        struct item *item = item_add(b, &entries[i]);
        if (!item)
            return ERR_MEMORY;
        item->state = wanted ? ITEM_LISTED : ITEM_SETTLED;
        b->ahead += wanted;
    }
    b->counts.listed += count;
    return 0;
}

static void on_page(const struct object_entry *entries, size_t count, bool more,
                    const struct error *error, void *user)
{
    struct backfill *b = user;
    b->listing = false;
    if (error->code) {
        fail(b, error->code, error->text);
        return;
    }
    char *last = count ? strdup(entries[count - 1].key) : NULL;
    b->listed = !more || !count;
    if ((count && !last) || page_add(b, entries, count))
        fail(b, ERR_MEMORY, "out of memory");
    if (last) {
        free(b->listed_to);
        b->listed_to = last;
    }
    schedule(b);
}

static void page_begin(struct backfill *b)
{
    struct object_request *request;
    struct object_store *store = b->options.store;
    const char *after = b->listed_to ? b->listed_to : b->options.after;
    if (b->listing || b->listed || b->stopped || b->ahead >= AHEAD_MIN)
        return;
    b->listing = true;
    int code =
        store->ops->list(store, b->options.bucket, b->options.prefix, after, on_page, b, &request);
    if (!code)
        return;
    b->listing = false;
    fail(b, code,
         code == ERR_INVALID ? "this bucket and prefix cannot be listed" : "out of memory");
}

/* Decides what happens next. */
static void on_turn(uv_timer_t *turn)
{
    struct backfill *b = container_of(turn, struct backfill, turn);
    checks_begin(b);
    sends_begin(b);
    checkpoint_move(b);
    page_begin(b);
}

/* ---- interface ---- */

int backfill_start(const struct backfill_options *options, struct backfill **out)
{
    struct backfill *b = calloc(1, sizeof *b);
    *out = b;
    if (!b)
        return ERR_MEMORY;
    b->options = *options;
    b->senders = calloc(options->target_count + 1, sizeof *b->senders);
    if (!b->senders) {
        free(b);
        *out = NULL;
        return ERR_MEMORY;
    }
    list_init(&b->items);
    b->due_us = uv_now(options->loop) * 1000;
    uv_timer_init(options->loop, &b->turn);
    for (size_t i = 0; i < options->target_count; i++)
        message_sender_init(&b->senders[i], options->loop, &options->targets[i], on_settled, b);
    schedule(b);
    return 0;
}

void backfill_stop(struct backfill *b)
{
    b->stopped = true;
    schedule(b);
}

bool backfill_done(const struct backfill *b)
{
    if (b->listing || b->checking || b->messages)
        return false;
    return b->stopped || (b->listed && list_empty(&b->items));
}

const struct backfill_counts *backfill_counts(const struct backfill *b)
{
    return &b->counts;
}

const struct error *backfill_error(const struct backfill *b)
{
    return &b->error;
}

const char *backfill_after(const struct backfill *b)
{
    return b->after;
}

size_t backfill_held(const struct backfill *b)
{
    return b->held;
}

static void handle_closed(struct backfill *b)
{
    if (--b->handles)
        return;
    void (*closed)(void *user) = b->closed;
    void *user = b->closed_user;
    struct list *link;
    while ((link = list_shift(&b->items)))
        item_free(container_of(link, struct item, link));
    free(b->senders);
    free(b->listed_to);
    free(b->after);
    free(b);
    closed(user);
}

static void on_turn_closed(uv_handle_t *handle)
{
    handle_closed(container_of((uv_timer_t *)handle, struct backfill, turn));
}

static void on_sender_closed(uv_handle_t *handle)
{
    handle_closed(container_of((uv_timer_t *)handle, struct message_sender, timer)->user);
}

void backfill_close(struct backfill *b, void (*closed)(void *user), void *user)
{
    b->closed = closed;
    b->closed_user = user;
    b->handles = 1 + b->options.target_count;
    uv_close((uv_handle_t *)&b->turn, on_turn_closed);
    for (size_t i = 0; i < b->options.target_count; i++)
        message_sender_close(&b->senders[i], on_sender_closed);
}
