#include "events_rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud.h"
#include "container_of.h"
#include "json_text.h"
#include "statement.h"

const char events_schema[] = "CREATE TABLE IF NOT EXISTS event_rules (name TEXT PRIMARY KEY, "
                             "document TEXT NOT NULL);";

struct events_rules {
    struct cloud *cloud;
    struct name_index index;
};

struct rule_content { /* the state that a change replaces */
    json_t *document;
    struct event_pattern *pattern;
};

struct rule_task {
    struct storage_task task;
    struct events_rule *rule;     /* retained */
    char *name, *text;            /* text NULL: delete */
    struct rule_content previous; /* the state that a change replaced; empty: none */
    struct list change;           /* in the rule's changes */
    events_written *done;
    void *user;
};

/* Rules. */

static void content_free(struct rule_content *content)
{
    json_decref(content->document);
    event_pattern_free(content->pattern);
    *content = (struct rule_content){0};
}

static int content_make(json_t *document, struct rule_content *out)
{
    const char *text = json_string_value(json_object_get(document, "EventPattern"));
    *out = (struct rule_content){.document = json_incref(document)};
    int code = text ? event_pattern_parse(slice_of(text), &out->pattern, NULL) : ERR_INVALID;
    if (code)
        content_free(out);
    return code;
}

/* Returns the replaced content. */
static struct rule_content content_swap(struct events_rule *rule, struct rule_content content)
{
    struct rule_content previous = {rule->document, rule->pattern};
    const char *state = json_string_value(json_object_get(content.document, "State"));
    rule->document = content.document;
    rule->pattern = content.pattern;
    rule->enabled = !state || strcmp(state, "ENABLED") == 0;
    return previous;
}

static void rule_release(struct events_rule *rule)
{
    if (--rule->refs > 0)
        return;
    json_decref(rule->document);
    event_pattern_free(rule->pattern);
    free(rule->named.name);
    free(rule);
}

static void rule_vanish(struct events_rule *rule)
{
    if (rule->gone)
        return;
    rule->gone = true;
    name_index_remove(&rule->rules->index, &rule->named);
    rule_release(rule);
}

/* Takes the content, even if it fails. */
static int rule_add(struct events_rules *rules, const char *name, struct rule_content content,
                    struct events_rule **out)
{
    struct events_rule *rule = calloc(1, sizeof *rule);
    if (!rule) {
        content_free(&content);
        return ERR_MEMORY;
    }
    rule->rules = rules;
    rule->refs = 1;
    list_init(&rule->changes);
    rule->named.name = strdup(name);
    content_swap(rule, content);
    int code = rule->named.name ? name_index_add(&rules->index, &rule->named) : ERR_MEMORY;
    if (code)
        rule_release(rule);
    else
        *out = rule;
    return code;
}

static struct events_rule *rule_named(const struct events_rules *rules, const char *name)
{
    struct named *named = name_index_find(&rules->index, name);
    return named ? container_of(named, struct events_rule, named) : NULL;
}

struct events_rule *events_find(struct events_rules *rules, const char *name)
{
    struct events_rule *rule = rule_named(rules, name);
    return rule && !rule->deleting ? rule : NULL;
}

size_t events_count(const struct events_rules *rules)
{
    return rules->index.count;
}

struct events_rule *events_at(const struct events_rules *rules, size_t place)
{
    struct events_rule *rule = container_of(rules->index.items[place], struct events_rule, named);
    return rule->deleting ? NULL : rule;
}

static bool has_target(const struct events_rule *rule, const char *arn)
{
    const json_t *targets = json_object_get(rule->document, "Targets");
    for (size_t i = 0; i < json_array_size(targets); i++) {
        if (strcmp(json_text_in(json_array_get(targets, i), "Arn"), arn) == 0)
            return true;
    }
    return false;
}

static bool shows_rule(const struct named *item, const void *target_arn)
{
    const struct events_rule *rule = container_of(item, const struct events_rule, named);
    return !rule->deleting && (!target_arn || has_target(rule, target_arn));
}

void events_page_start(const struct events_rules *rules, const char *target_arn,
                       struct name_page *page)
{
    page->shows = shows_rule;
    page->user = target_arn;
    name_page_start(page, &rules->index);
}

struct events_rule *events_page_next(struct name_page *page)
{
    struct named *item = name_page_next(page);
    return item ? container_of(item, struct events_rule, named) : NULL;
}

void events_rule_arn(const struct cloud *cloud, const char *name, char out[EVENTS_ARN_SIZE])
{
    snprintf(out, EVENTS_ARN_SIZE, "arn:aws:events:%s:%s:rule/%s", cloud->region, cloud->account,
             name);
}

/* Rows. */

static int row_run(struct storage_task *task, struct storage *storage)
{
    static const char put_sql[] = "INSERT OR REPLACE INTO event_rules (name, document) "
                                  "VALUES (?1, ?2)";
    static const char delete_sql[] = "DELETE FROM event_rules WHERE name = ?1";
    struct rule_task *t = container_of(task, struct rule_task, task);
    struct statement statement = statement_prepare(storage, t->text ? put_sql : delete_sql);
    bind_text(&statement, t->name);
    if (t->text)
        bind_text(&statement, t->text);
    return statement_execute(&statement, &task->error);
}

/* Rolls back a change that could not be stored. If another change followed, the state before it was
 * never stored either, so that change inherits the state that this one replaced. */
static void content_undo(struct rule_task *t, struct list *after)
{
    if (after) {
        struct rule_task *next = container_of(after, struct rule_task, change);
        struct rule_content unstored = next->previous;
        next->previous = t->previous;
        t->previous = unstored;
    } else if (t->previous.document) {
        t->previous = content_swap(t->rule, t->previous);
    } else {
        rule_vanish(t->rule);
    }
}

static void change_settle(struct rule_task *t, int code)
{
    struct events_rule *rule = t->rule;
    if (t->text) {
        struct list *after = list_take(&rule->changes, &t->change);
        if (code)
            content_undo(t, after);
        return;
    }
    rule->deleting = false;
    if (!code)
        rule_vanish(rule);
}

static void task_free(struct rule_task *t)
{
    content_free(&t->previous);
    rule_release(t->rule);
    free(t->name);
    free(t->text);
    free(t);
}

static void row_done(struct storage_task *task, int code)
{
    struct rule_task *t = container_of(task, struct rule_task, task);
    if (code)
        log_error("event rule not stored", LOG_TEXT("rule", t->name),
                  LOG_TEXT("error", task->error.text));
    change_settle(t, code);
    if (t->done)
        t->done(code, t->user);
    task_free(t);
}

/* document NULL: a deletion. */
static struct rule_task *task_new(struct events_rule *rule, json_t *document, events_written *done,
                                  void *user)
{
    struct rule_task *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    *t = (struct rule_task){.task = {.run = row_run, .done = row_done},
                            .rule = rule,
                            .name = strdup(rule->named.name),
                            .text = document ? json_dumps(document, JSON_COMPACT) : NULL,
                            .done = done,
                            .user = user};
    rule->refs++;
    if (t->name && (t->text || !document))
        return t;
    task_free(t);
    return NULL;
}

/* Changes. */

static int rule_replace(struct events_rule *rule, struct rule_content content, bool fresh,
                        events_written *done, void *user)
{
    struct rule_task *task = task_new(rule, content.document, done, user);
    if (!task)
        return ERR_MEMORY;
    if (!fresh)
        task->previous = content_swap(rule, content);
    list_push(&rule->changes, &task->change);
    storage_submit(rule->rules->cloud->storage, &task->task);
    return 0;
}

int events_put(struct events_rules *rules, const char *name, json_t *document, events_written *done,
               void *user)
{
    struct events_rule *rule = rule_named(rules, name);
    struct rule_content content;
    bool fresh = !rule;
    if (rule && rule->deleting)
        return ERR_CONFLICT;
    int code = content_make(document, &content);
    if (code)
        return code;
    if (fresh)
        code = rule_add(rules, name, content, &rule);
    if (code)
        return code;
    code = rule_replace(rule, content, fresh, done, user);
    if (code && fresh)
        rule_vanish(rule);
    else if (code)
        content_free(&content);
    return code;
}

int events_delete(struct events_rule *rule, events_written *done, void *user)
{
    struct rule_task *task = task_new(rule, NULL, done, user);
    if (!task)
        return ERR_MEMORY;
    rule->deleting = true;
    storage_submit(rule->rules->cloud->storage, &task->task);
    return 0;
}

/* Opening and closing. */

static int row_load(struct events_rules *rules, struct statement *row, struct error *error)
{
    const char *name = column_text(row, 0);
    const char *text = column_text(row, 1);
    json_t *document = name && text ? json_text_read(slice_of(text), 0, NULL) : NULL;
    struct rule_content content;
    struct events_rule *rule;
    int code = document ? content_make(document, &content) : ERR_CORRUPT;
    if (!code)
        code = rule_add(rules, name, content, &rule);
    json_decref(document);
    if (!code)
        return 0;
    return code == ERR_MEMORY ? error_set(error, code, "out of memory while loading event rules")
                              : error_set(error, ERR_CORRUPT, "the stored event rule %s is damaged",
                                          name ? name : "");
}

int events_open(struct cloud *cloud, struct events_rules **out, struct error *error)
{
    static const char sql[] = "SELECT name, document FROM event_rules";
    struct events_rules *rules = *out = calloc(1, sizeof *rules);
    if (!rules)
        return error_set(error, ERR_MEMORY, "out of memory");
    rules->cloud = cloud;
    struct statement row = statement_prepare(cloud->storage, sql);
    int code;
    while ((code = statement_step(&row, error)) == 1) {
        code = row_load(rules, &row, error);
        if (code) {
            statement_reset(&row);
            break;
        }
    }
    return code;
}

void events_close(struct events_rules *rules)
{
    while (rules->index.count)
        rule_vanish(container_of(rules->index.items[0], struct events_rule, named));
    name_index_free(&rules->index);
    free(rules);
}
