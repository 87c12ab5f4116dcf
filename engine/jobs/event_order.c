#include "event_order.h"

#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "error.h"

enum { KEY_MAX = 4096 };

struct order_key {
    struct lru_entry entry;
    char newest[SEQUENCER_MAX + 1]; /* newest sequencer stored or removed; "": none yet */
    struct order_claim *writer;     /* the current writer */
    struct list waiting;            /* claims waiting for their turn */
};

static struct order_key *key_of(struct lru_entry *entry)
{
    return container_of(entry, struct order_key, entry);
}

/* ---- sequencers ---- */

bool sequencer_valid(const char *text)
{
    size_t size = text ? strlen(text) : 0;
    return size > 0 && size <= SEQUENCER_MAX && strspn(text, "0123456789ABCDEFabcdef") == size;
}

static char digit_at(const char *text, size_t size, size_t i)
{
    char c = i < size ? text[i] : '0';
    return c >= 'a' ? (char)(c - 'a' + 'A') : c;
}

int sequencer_compare(const char *a, const char *b)
{
    size_t a_size = strlen(a), b_size = strlen(b);
    for (size_t i = 0; i < a_size || i < b_size; i++) {
        char x = digit_at(a, a_size, i), y = digit_at(b, b_size, i);
        if (x != y)
            return x < y ? -1 : 1;
    }
    return 0;
}

static bool is_newer(const char *a, const char *b)
{
    return *a && (!*b || sequencer_compare(a, b) > 0);
}

static void newest_set(struct order_key *key, const char *sequencer)
{
    if (is_newer(sequencer, key->newest))
        memcpy(key->newest, sequencer, strlen(sequencer) + 1);
}

/* ---- keys ---- */

static void key_drop(struct lru_entry *entry)
{
    free(key_of(entry));
}

/* Removals concern all pipelines, so they are stored under an empty name. */
static int key_name(const char *pipeline, const struct envelope_record *record, struct buffer *name)
{
    buffer_init(name, KEY_MAX);
    buffer_append(name, pipeline, strlen(pipeline) + 1);
    buffer_append(name, record->bucket, strlen(record->bucket) + 1);
    return buffer_text(name, record->key);
}

static struct order_key *key_find(struct event_order *order, const struct buffer *name)
{
    struct lru_entry *entry = lru_find(&order->keys, name->data, name->size);
    return entry ? key_of(entry) : NULL;
}

static struct order_key *key_find_or_add(struct event_order *order, const struct buffer *name)
{
    struct order_key *key = key_find(order, name);
    if (key)
        return key;
    key = calloc(1, sizeof *key);
    if (!key)
        return NULL;
    list_init(&key->waiting);
    if (lru_add(&order->keys, &key->entry, name->data, name->size, sizeof *key)) {
        free(key);
        return NULL;
    }
    return key;
}

static struct order_key *key_obtain(struct event_order *order, const char *pipeline,
                                    const struct envelope_record *record)
{
    struct buffer name;
    struct order_key *key = NULL;
    if (key_name(pipeline, record, &name) == 0)
        key = key_find_or_add(order, &name);
    buffer_free(&name);
    return key;
}

/* ---- claims ---- */

enum order_verdict event_order_join(struct event_order *order, const char *pipeline,
                                    const struct envelope_record *record, struct order_claim *claim)
{
    if (!sequencer_valid(record->sequencer))
        return ORDER_GO;
    struct order_key *key = key_obtain(order, pipeline, record);
    if (!key)
        return ORDER_GO;
    if (is_newer(key->newest, record->sequencer))
        return ORDER_OLD;
    list_init(&claim->link);
    memcpy(claim->sequencer, record->sequencer, strlen(record->sequencer) + 1);
    claim->key = key;
    lru_pin(&key->entry);
    return ORDER_GO;
}

enum order_verdict event_order_turn(struct order_claim *claim)
{
    struct order_key *key = claim->key;
    if (!key)
        return ORDER_GO;
    if (is_newer(key->newest, claim->sequencer))
        return ORDER_OLD;
    if (key->writer && key->writer != claim) {
        list_push(&key->waiting, &claim->link);
        return ORDER_WAIT;
    }
    key->writer = claim;
    return ORDER_GO;
}

void event_order_learn(struct order_claim *claim, const char *sequencer)
{
    if (claim->key && sequencer_valid(sequencer))
        newest_set(claim->key, sequencer);
}

static struct order_claim *newest_waiting(const struct order_key *key)
{
    struct order_claim *newest = NULL;
    for (struct list *l = key->waiting.next; l != &key->waiting; l = l->next) {
        struct order_claim *claim = container_of(l, struct order_claim, link);
        if (!newest || sequencer_compare(claim->sequencer, newest->sequencer) > 0)
            newest = claim;
    }
    return newest;
}

static void on_turn(uv_timer_t *timer)
{
    struct event_order *order = container_of(timer, struct event_order, turn);
    struct list woken, *l;
    list_init(&woken);
    list_move_all(&woken, &order->waiting);
    while ((l = list_shift(&woken))) {
        struct order_claim *claim = container_of(l, struct order_claim, link);
        claim->wake(claim);
    }
}

/* The newest claim gets the turn at once, so that no other can get in between; it is notified from
 * the loop. */
static void turn_pass(struct event_order *order, struct order_key *key)
{
    key->writer = newest_waiting(key);
    if (!key->writer)
        return;
    list_remove(&key->writer->link);
    list_push(&order->waiting, &key->writer->link);
    uv_timer_start(&order->turn, on_turn, 0, 0);
}

void event_order_leave(struct event_order *order, struct order_claim *claim, bool stored)
{
    struct order_key *key = claim->key;
    if (!key)
        return;
    claim->key = NULL;
    list_remove(&claim->link);
    if (stored)
        newest_set(key, claim->sequencer);
    if (key->writer == claim)
        turn_pass(order, key);
    lru_unpin(&order->keys, &key->entry);
}

/* ---- removals ---- */

void event_order_removed(struct event_order *order, const struct envelope_record *record)
{
    if (!sequencer_valid(record->sequencer))
        return;
    struct order_key *key = key_obtain(order, "", record);
    if (key)
        newest_set(key, record->sequencer);
}

bool event_order_is_removed(struct event_order *order, const struct envelope_record *record)
{
    struct buffer name;
    struct order_key *key = NULL;
    if (!sequencer_valid(record->sequencer))
        return false;
    if (key_name("", record, &name) == 0)
        key = key_find(order, &name);
    buffer_free(&name);
    return key && is_newer(key->newest, record->sequencer);
}

/* ---- lifetime ---- */

void event_order_init(struct event_order *order, uv_loop_t *loop)
{
    list_init(&order->waiting);
    lru_init(&order->keys, ORDER_BYTES_MAX, key_drop);
    uv_timer_init(loop, &order->turn);
}

void event_order_close(struct event_order *order, uv_close_cb closed)
{
    lru_clear(&order->keys);
    uv_close((uv_handle_t *)&order->turn, closed);
}
