/*
 * PUT /api/photos/BUCKET/KEY/tags: the tags of people.
 *
 * S3 replaces all tags of an object at once, so they are read first, and what belongs to the labeler
 * stays. If the object's tags are not those that the index has shown, or the person's tags not those
 * that the page has ("was"), somebody else has changed them: 409, and the page is told of the new
 * ones. S3 has no condition for writing tags: between reading and writing here, which takes
 * milliseconds, a change by another program would be lost. Changes of one photo by this process come
 * one after the other.
 *
 * There is room for ten tags. Those of people come first; labels with the lowest confidence, which
 * come last, make room for them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "container_of.h"
#include "gallery_photos.h"
#include "label_document.h"
#include "photo_db.h"
#include "photo_rows.h"
#include "utf8.h"

struct person_tags {
    struct object_pair pairs[OBJECT_TAGS_MAX]; /* owned strings */
    size_t count;
};

struct gallery_tags_change {
    struct gallery_task task;
    struct list link; /* in the list of changes under way */
    struct gallery *gallery;
    char *bucket, *key;
    struct person_tags wanted, was, shown, stored, written;
    bool compares; /* with `was` */
    bool known;    /* the photo is in the index */
    bool wrote;    /* `written` is in the store */
    struct object_request *request;
};

static void set_clear(struct person_tags *set)
{
    for (size_t i = 0; i < set->count; i++) {
        free((char *)(uintptr_t)set->pairs[i].name);
        free((char *)(uintptr_t)set->pairs[i].value);
    }
    set->count = 0;
}

static int set_add(struct person_tags *set, const char *name, const char *value)
{
    if (set->count == OBJECT_TAGS_MAX)
        return ERR_LIMIT;
    const struct object_pair pair = {strdup(name), strdup(value)};
    set->pairs[set->count++] = pair;
    return pair.name && pair.value ? 0 : ERR_MEMORY;
}

static const char *set_find(const struct person_tags *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++) {
        if (strcmp(set->pairs[i].name, name) == 0)
            return set->pairs[i].value;
    }
    return NULL;
}

static bool is_of_people(const struct object_pair *tag)
{
    return !label_tag_is_label(tag->name, tag->value);
}

/* Whether each tag of a is in b; only those of people. */
static bool set_within(const struct person_tags *a, const struct person_tags *b, bool of_people)
{
    for (size_t i = 0; i < a->count; i++) {
        const char *value = set_find(b, a->pairs[i].name);
        if ((!of_people || is_of_people(&a->pairs[i])) &&
            (!value || strcmp(value, a->pairs[i].value) != 0))
            return false;
    }
    return true;
}

static bool set_equal(const struct person_tags *a, const struct person_tags *b, bool of_people)
{
    return set_within(a, b, of_people) && set_within(b, a, of_people);
}

static void change_free(struct gallery_tags_change *change)
{
    gallery_call_unbind(&change->task.call);
    set_clear(&change->wanted);
    set_clear(&change->was);
    set_clear(&change->shown);
    set_clear(&change->stored);
    set_clear(&change->written);
    list_remove(&change->link);
    free(change->bucket);
    free(change->key);
    free(change);
}

/* ---- what a person asks for ---- */

static bool tag_check(struct gallery_call *call, const char *name, const char *value)
{
    const char *why = NULL;
    if (!name || !value || !*name || utf8_length(name) > OBJECT_TAG_KEY_MAX ||
        utf8_length(value) > OBJECT_TAG_VALUE_MAX)
        why = "each tag needs a name of 1 to 128 characters, and a value of at most 256";
    else if (!label_tag_fits(name) || !label_tag_fits(value))
        why = "tags may have letters, digits, spaces and + - = . _ : / @";
    else if (strncasecmp(name, "aws:", strlen("aws:")) == 0)
        why = "names that begin with aws: belong to AWS";
    else if (label_tag_is_label(name, value))
        why =
            "this looks like a tag of the labeler, which writes names such as \"Dominant Colour\" "
            "and values such as 97.3: choose another name or value";
    if (!why)
        return true;
    gallery_refuse(call, 400, "invalid_tag", "\"%.200s\": %s", name ? name : "", why);
    return false;
}

static bool tags_read(struct gallery_call *call, const char *member, struct person_tags *out)
{
    const json_t *list = json_object_get(call->body, member);
    if (!json_is_array(list) || json_array_size(list) > OBJECT_TAGS_MAX) {
        gallery_refuse(call, 400, "invalid_parameter",
                       "\"%s\" must be a list of at most %d tags, each with name and value", member,
                       (int)OBJECT_TAGS_MAX);
        return false;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *tag = json_array_get(list, i);
        const char *name = json_string_value(json_object_get(tag, "name"));
        const char *value = json_string_value(json_object_get(tag, "value"));
        if (!tag_check(call, name, value ? value : ""))
            return false;
        if (set_find(out, name)) {
            gallery_refuse(call, 400, "invalid_tag", "\"%.200s\": two tags have this name", name);
            return false;
        }
        if (set_add(out, name, value ? value : "")) {
            gallery_refuse_error(call, &(struct error){ERR_MEMORY, "out of memory"});
            return false;
        }
    }
    return true;
}

/* ---- the steps: index, read, write, index ---- */

static void refuse_and_end(struct gallery_tags_change *change, const struct error *error)
{
    if (change->task.call)
        gallery_refuse_error(change->task.call, error);
    change_free(change);
}

static int store_run(struct index_task *task, struct photo_db *db)
{
    struct gallery_tags_change *change = container_of(task, struct gallery_tags_change, task.task);
    const struct person_tags *now = change->wrote ? &change->written : &change->stored;
    const struct photo_details details = {.tags = now->pairs, .tag_count = now->count};
    int64_t id;
    const int code = row_find(db, change->bucket, change->key, &id, &task->error);
    return code || !id ? code : row_details(db, id, &details, &task->error);
}

/* The tags are in the store; an index that could not be written reads them again. */
static void store_done(struct index_task *task, int code)
{
    struct gallery_tags_change *change = container_of(task, struct gallery_tags_change, task.task);
    struct gallery_call *call = change->task.call;
    (void)code;
    if (change->gallery->photos)
        photo_library_touched(gallery_photos(change->gallery), change->bucket, change->key);
    if (call)
        gallery_respond_done(call);
    change_free(change);
}

static void index_update(struct gallery_tags_change *change)
{
    change->task.task.run = store_run;
    change->task.task.done = store_done;
    photo_index_submit(photo_library_index(gallery_photos(change->gallery)), &change->task.task);
}

static void on_written(const struct error *error, void *user)
{
    struct gallery_tags_change *change = user;
    change->request = NULL;
    change->wrote = !error->code;
    if (error->code)
        refuse_and_end(change, error);
    else
        index_update(change);
}

static int written_make(struct gallery_tags_change *change)
{
    int code = 0;
    for (size_t i = 0; !code && i < change->wanted.count; i++)
        code =
            set_add(&change->written, change->wanted.pairs[i].name, change->wanted.pairs[i].value);
    for (size_t i = 0; !code && i < change->stored.count; i++) {
        const struct object_pair *tag = &change->stored.pairs[i];
        if (!is_of_people(tag) && !set_find(&change->written, tag->name) &&
            change->written.count < OBJECT_TAGS_MAX)
            code = set_add(&change->written, tag->name, tag->value);
    }
    return code;
}

static void tags_write(struct gallery_tags_change *change)
{
    struct object_store *store = change->gallery->options.store;
    const struct object_name name = {.bucket = change->bucket, .key = change->key};
    struct error error = {0};
    int code = written_make(change);
    if (!code)
        code = store->ops->put_tags(store, &name, change->written.pairs, change->written.count,
                                    on_written, change, &change->request);
    if (!code)
        return;
    change->request = NULL;
    error_set(&error, code, "the tags could not be written (%s)", error_name(code));
    refuse_and_end(change, &error);
}

/* The page shows the new ones when it is told, and the person decides again. */
static void conflict(struct gallery_tags_change *change)
{
    if (change->task.call)
        gallery_refuse(change->task.call, 409, "tags_changed",
                       "the photo's tags were changed meanwhile: look at them and try again");
    gallery_call_unbind(&change->task.call);
    index_update(change);
}

static void on_read(const struct object_pair *tags, size_t count, const struct error *error,
                    void *user)
{
    struct gallery_tags_change *change = user;
    int code = 0;
    change->request = NULL;
    if (error->code) {
        refuse_and_end(change, error);
        return;
    }
    for (size_t i = 0; i < count && !code; i++)
        code = set_add(&change->stored, tags[i].name, tags[i].value);
    if (code)
        refuse_and_end(change, &(struct error){code, "the photo's tags could not be read"});
    else if (!set_equal(&change->shown, &change->stored, true) ||
             (change->compares && !set_equal(&change->was, &change->stored, true)))
        conflict(change);
    else
        tags_write(change);
}

static int shown_run(struct index_task *task, struct photo_db *db)
{
    struct gallery_tags_change *change = container_of(task, struct gallery_tags_change, task.task);
    int64_t id;
    int code = row_find(db, change->bucket, change->key, &id, &task->error);
    change->known = !code && id;
    struct statement select =
        database_prepare(&db->database, "SELECT name, value FROM tag WHERE photo = ?");
    bind_int(&select, id);
    while (!code && (code = statement_step(&select, &task->error)) > 0) {
        const char *name = column_text(&select, 0), *value = column_text(&select, 1);
        code = set_add(&change->shown, name ? name : "", value ? value : "");
    }
    statement_reset(&select);
    return code;
}

static void shown_done(struct index_task *task, int code)
{
    struct gallery_tags_change *change = container_of(task, struct gallery_tags_change, task.task);
    struct object_store *store = change->gallery->options.store;
    const struct object_name name = {.bucket = change->bucket, .key = change->key};
    if (code) {
        refuse_and_end(change, &task->error);
        return;
    }
    if (!change->known || !change->task.call) {
        refuse_and_end(change, &(struct error){ERR_NOT_FOUND, "there is no such photo"});
        return;
    }
    code = store->ops->get_tags(store, &name, on_read, change, &change->request);
    if (!code)
        return;
    change->request = NULL;
    refuse_and_end(change, &(struct error){code, "the photo's tags could not be read"});
}

/* ---- the request ---- */

static bool is_changing(const struct list *changes, const char *bucket, const char *key)
{
    for (const struct list *link = changes->next; link != changes; link = link->next) {
        const struct gallery_tags_change *change =
            container_of(link, struct gallery_tags_change, link);
        if (strcmp(change->bucket, bucket) == 0 && strcmp(change->key, key) == 0)
            return true;
    }
    return false;
}

static struct gallery_tags_change *change_make(struct gallery_call *call, const char *bucket,
                                               const char *key)
{
    struct gallery_tags_change *change = calloc(1, sizeof *change);
    if (!change) {
        gallery_refuse_error(call, &(struct error){ERR_MEMORY, "out of memory"});
        return NULL;
    }
    list_init(&change->link);
    change->gallery = call->gallery;
    change->bucket = strdup(bucket);
    change->key = strdup(key);
    change->compares = json_object_get(call->body, "was") != NULL;
    if (change->bucket && change->key && tags_read(call, "tags", &change->wanted) &&
        (!change->compares || tags_read(call, "was", &change->was)))
        return change;
    change_free(change);
    return NULL;
}

void gallery_tags_write(struct gallery_call *call)
{
    struct list *changes = gallery_photos_tag_changes(call->gallery);
    const char *bucket = gallery_segment(call, 0), *key = gallery_segment(call, 1);
    if (!gallery_is_photo(call->gallery, bucket, key)) {
        gallery_refuse(call, 404, "not_found", "there is no such photo");
        return;
    }
    if (is_changing(changes, bucket, key)) {
        gallery_refuse(call, 409, "tags_changed",
                       "the photo's tags are being changed: look at them and try again");
        return;
    }
    struct gallery_tags_change *change = change_make(call, bucket, key);
    if (!change)
        return;
    list_push(changes, &change->link);
    gallery_task_submit(&change->task, call, shown_run, shown_done);
}

void gallery_tags_end(struct list *changes)
{
    struct list *next;
    for (struct list *link = changes->next; link != changes; link = next) {
        struct gallery_tags_change *change = container_of(link, struct gallery_tags_change, link);
        next = link->next;
        gallery_call_unbind(&change->task.call);
        if (!change->request)
            continue; /* a task has it, and frees it */
        change->gallery->options.store->ops->cancel(change->request);
        change_free(change);
    }
}
