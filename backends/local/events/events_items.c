#include "events_items.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud.h"
#include "container_of.h"
#include "json_text.h"
#include "storage.h"
#include "storage_statement.h"

struct item_task {
    struct storage_task task;
    struct events_item *item;       /* retained */
    char *name, *text;              /* text NULL: delete */
    struct events_content previous; /* the state that a change replaced; empty: none */
    struct list change;             /* in the item's changes */
    events_written *done;
    void *user;
};

/* Items. */

static void content_free(struct events_content *content)
{
    json_decref(content->document);
    event_pattern_free(content->pattern);
    policy_release(content->policy);
    *content = (struct events_content){0};
}

static int content_make(const struct events_items *items, json_t *document,
                        struct events_content *out)
{
    *out = (struct events_content){.document = json_incref(document)};
    int code = items->kind->parse(out);
    if (code)
        content_free(out);
    return code;
}

/* Returns the replaced content. */
static struct events_content content_swap(struct events_item *item, struct events_content content)
{
    struct events_content previous = item->content;
    item->content = content;
    return previous;
}

static void item_release(struct events_item *item)
{
    if (--item->refs > 0)
        return;
    content_free(&item->content);
    free(item->named.name);
    free(item);
}

static void item_vanish(struct events_item *item)
{
    if (item->gone)
        return;
    item->gone = true;
    name_index_remove(&item->items->index, &item->named);
    item_release(item);
}

/* Takes the content, even if it fails. */
static int item_add(struct events_items *items, const char *name, struct events_content content,
                    struct events_item **out)
{
    struct events_item *item = calloc(1, sizeof *item);
    if (!item) {
        content_free(&content);
        return ERR_MEMORY;
    }
    item->items = items;
    item->refs = 1;
    list_init(&item->changes);
    item->named.name = strdup(name);
    content_swap(item, content);
    int code = item->named.name ? name_index_add(&items->index, &item->named) : ERR_MEMORY;
    if (code)
        item_release(item);
    else
        *out = item;
    return code;
}

static struct events_item *item_named(const struct events_items *items, const char *name)
{
    struct named *named = name_index_find(&items->index, name);
    return named ? container_of(named, struct events_item, named) : NULL;
}

struct events_item *events_items_find(const struct events_items *items, const char *name)
{
    struct events_item *item = item_named(items, name);
    return item && !item->deleting ? item : NULL;
}

bool events_items_has(const struct events_items *items, const char *name)
{
    return item_named(items, name) != NULL;
}

struct events_item *events_items_at(const struct events_items *items, size_t place)
{
    return container_of(items->index.items[place], struct events_item, named);
}

bool events_item_shown(const struct events_item *item)
{
    return !item->deleting;
}

int events_items_add(struct events_items *items, const char *name, json_t *document,
                     struct events_item **out)
{
    struct events_content content;
    int code = content_make(items, document, &content);
    return code ? code : item_add(items, name, content, out);
}

/* Rows. */

static int row_run(struct storage_task *task, struct storage *storage)
{
    struct item_task *t = container_of(task, struct item_task, task);
    const struct events_kind *kind = t->item->items->kind;
    struct statement statement =
        statement_prepare(storage, t->text ? kind->put_sql : kind->delete_sql);
    bind_text(&statement, t->name);
    if (t->text)
        bind_text(&statement, t->text);
    return statement_execute(&statement, &task->error);
}

/* Rolls back a change that could not be stored. If another change followed, the state before it was
 * never stored either, so that change inherits the state that this one replaced. */
static void content_undo(struct item_task *t, struct list *after)
{
    if (after) {
        struct item_task *next = container_of(after, struct item_task, change);
        struct events_content unstored = next->previous;
        next->previous = t->previous;
        t->previous = unstored;
    } else if (t->previous.document) {
        t->previous = content_swap(t->item, t->previous);
    } else {
        item_vanish(t->item);
    }
}

static void change_settle(struct item_task *t, int code)
{
    struct events_item *item = t->item;
    if (t->text) {
        struct list *after = list_take(&item->changes, &t->change);
        if (code)
            content_undo(t, after);
        return;
    }
    item->deleting = false;
    if (!code)
        item_vanish(item);
}

static void task_free(struct item_task *t)
{
    content_free(&t->previous);
    item_release(t->item);
    free(t->name);
    free(t->text);
    free(t);
}

static void row_done(struct storage_task *task, int code)
{
    struct item_task *t = container_of(task, struct item_task, task);
    if (code)
        log_error("change of EventBridge not stored", LOG_TEXT("what", t->item->items->kind->what),
                  LOG_TEXT("name", t->name), LOG_TEXT("error", task->error.text));
    else
        t->item->stored = true;
    change_settle(t, code);
    if (t->done)
        t->done(code, t->user);
    task_free(t);
}

/* document NULL: a deletion. */
static struct item_task *task_new(struct events_item *item, json_t *document, events_written *done,
                                  void *user)
{
    struct item_task *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    *t = (struct item_task){.task = {.run = row_run, .done = row_done},
                            .item = item,
                            .name = strdup(item->named.name),
                            .text = document ? json_dumps(document, JSON_COMPACT) : NULL,
                            .done = done,
                            .user = user};
    item->refs++;
    if (t->name && (t->text || !document))
        return t;
    task_free(t);
    return NULL;
}

/* Changes. */

static int item_replace(struct events_item *item, struct events_content content, bool fresh,
                        events_written *done, void *user)
{
    struct item_task *task = task_new(item, content.document, done, user);
    if (!task)
        return ERR_MEMORY;
    if (!fresh)
        task->previous = content_swap(item, content);
    list_push(&item->changes, &task->change);
    storage_submit(item->items->cloud->storage, &task->task);
    return 0;
}

int events_items_put(struct events_items *items, const char *name, json_t *document,
                     events_written *done, void *user)
{
    struct events_item *item = item_named(items, name);
    struct events_content content;
    bool fresh = !item;
    if (item && item->deleting)
        return ERR_CONFLICT;
    int code = content_make(items, document, &content);
    if (code)
        return code;
    if (fresh)
        code = item_add(items, name, content, &item);
    if (code)
        return code;
    code = item_replace(item, content, fresh, done, user);
    if (code && fresh)
        item_vanish(item);
    else if (code)
        content_free(&content);
    return code;
}

int events_item_delete(struct events_item *item, events_written *done, void *user)
{
    struct item_task *task = task_new(item, NULL, done, user);
    if (!task)
        return ERR_MEMORY;
    item->deleting = true;
    storage_submit(item->items->cloud->storage, &task->task);
    return 0;
}

/* Opening and closing. */

static int row_load(struct events_items *items, struct statement *row, struct error *error)
{
    const char *name = column_text(row, 0);
    const char *text = column_text(row, 1);
    json_t *document = name && text ? json_text_read(slice_of(text), 0, NULL) : NULL;
    struct events_content content;
    struct events_item *item;
    int code = document ? content_make(items, document, &content) : ERR_CORRUPT;
    if (!code)
        code = item_add(items, name, content, &item);
    json_decref(document);
    if (code == ERR_MEMORY)
        return error_set(error, code, "out of memory while loading the state of EventBridge");
    if (code)
        return error_set(error, ERR_CORRUPT, "the stored %s %s is damaged", items->kind->what,
                         name ? name : "");
    item->stored = true;
    return 0;
}

int events_items_open(struct events_items *items, struct cloud *cloud,
                      const struct events_kind *kind, struct error *error)
{
    items->cloud = cloud;
    items->kind = kind;
    struct statement row = statement_prepare(cloud->storage, kind->load_sql);
    int code;
    while ((code = statement_step(&row, error)) == 1) {
        code = row_load(items, &row, error);
        if (code) {
            statement_reset(&row);
            break;
        }
    }
    return code;
}

void events_items_close(struct events_items *items)
{
    while (items->index.count)
        item_vanish(events_items_at(items, 0));
    name_index_free(&items->index);
}
