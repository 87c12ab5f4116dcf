/*
 * Loops: pipelines are nodes, and an output that another pipeline's filter (or its own) may accept
 * is an edge. Pipelines that reach each other form one loop, which is reported at its first output,
 * with all of its files; an output that is its own pipeline's input is a separate problem.
 */
#include "pipeline_check.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"

enum { NAMED_MAX = 8, TEXT_MAX_BYTES = 16 * 1024 };

struct check {
    const struct pipeline_rules *rules;
    struct pipeline *const *pipelines;
    size_t count;
    struct problem_list *problems;
    bool *feeds;       /* [from * count + to] */
    size_t *loop;      /* for each pipeline: the first one of its loop */
    bool *seen, *back; /* used by one search */
};

static const struct pipeline_facts *facts_of(const struct check *check, size_t index)
{
    return check->rules->ops->facts(check->pipelines[index]);
}

static struct problem_place place_in(const struct pipeline_facts *facts,
                                     struct pipeline_place place, const char *key)
{
    return (struct problem_place){
        .file = facts->file, .line = place.line, .column = place.column, .key = key};
}

/* ---- each on its own, and in pairs ---- */

static enum queue_relation relation_of(const struct check *check, const char *one,
                                       const char *other)
{
    if (strcmp(one, other) == 0)
        return QUEUES_ARE_ONE;
    return check->rules->compare_queues ? check->rules->compare_queues(one, other) : QUEUES_DIFFER;
}

/* A pipeline would take notifications for events, and reject them. */
static void check_notified(const struct check *check, const struct pipeline_facts *notifies,
                           const struct pipeline_facts *reads)
{
    const struct pipeline_notify *notify = notifies->notify;
    const struct problem_place place = place_in(notifies, notifies->notify_place, "notify.queue");
    if (!notify || notify->kind != NOTIFY_QUEUE)
        return;
    const enum queue_relation relation = relation_of(check, notify->target, reads->queue);
    if (relation == QUEUES_ARE_ONE)
        problem_add(check->problems, &place, ERR_INVALID,
                    "the queue \"%s\" is read by %s, which would take notifications for events; "
                    "use a queue that no pipeline reads",
                    notify->target, reads->file);
    else if (relation == QUEUES_MAY_BE_ONE)
        problem_add(check->problems, &place, 0,
                    "the queue \"%s\" is read by %s if both are in the same account and region; "
                    "use a queue that no pipeline reads",
                    notify->target, reads->file);
}

/* A missing secret is only a warning: the file may be checked on another machine. */
static void check_secret(const struct check *check, const struct pipeline_facts *facts)
{
    static const char variable[] = "env:";
    const struct problem_place place = place_in(facts, facts->notify_place, "notify.secret");
    const char *secret = facts->notify->secret;
    if (strncmp(secret, variable, sizeof variable - 1) == 0 &&
        !getenv(secret + sizeof variable - 1))
        problem_add(check->problems, &place, 0,
                    "the environment variable %s is not set here; without it every notification "
                    "fails, and its message is retried",
                    secret + sizeof variable - 1);
}

static void check_notify(const struct check *check, const struct pipeline_facts *facts)
{
    const struct pipeline_notify *notify = facts->notify;
    const struct problem_place place = place_in(facts, facts->notify_place, "notify.queue");
    struct error error = {0};
    if (notify && notify->kind == NOTIFY_URL && notify->secret)
        check_secret(check, facts);
    if (notify && notify->kind == NOTIFY_QUEUE && check->rules->check_queue &&
        check->rules->check_queue(notify->target, &error))
        problem_add(check->problems, &place, error.code, "%s", error.text);
}

static void check_one(const struct check *check, size_t index)
{
    const struct pipeline_facts *facts = facts_of(check, index);
    const struct problem_place queue = place_in(facts, facts->queue_place, "queue");
    struct error error = {0};
    if (check->rules->check_queue && check->rules->check_queue(facts->queue, &error))
        problem_add(check->problems, &queue, error.code, "%s", error.text);
    check_notify(check, facts);
    check_notified(check, facts, facts);
}

static void check_queues(const struct check *check, const struct pipeline_facts *one,
                         const struct pipeline_facts *other)
{
    const struct problem_place queue = place_in(other, other->queue_place, "queue");
    const enum queue_relation relation = relation_of(check, one->queue, other->queue);
    const bool same_text = strcmp(one->queue, other->queue) == 0;
    if (relation == QUEUES_ARE_ONE)
        problem_add(check->problems, &queue, ERR_INVALID,
                    "the queue \"%s\" is also read by %s%s%s%s, and each message would reach only "
                    "one of them; give each pipeline its own queue, or list their outputs in one "
                    "file",
                    other->queue, one->file, same_text ? "" : " as \"", same_text ? "" : one->queue,
                    same_text ? "" : "\"");
    else if (relation == QUEUES_MAY_BE_ONE)
        problem_add(check->problems, &queue, 0,
                    "the queue \"%s\" is also read by %s as \"%s\" if both are in the same account "
                    "and region; run refuses to start then",
                    other->queue, one->file, one->queue);
}

/* The later of two files is the one to change. */
static void check_pair(const struct check *check, size_t earlier, size_t later)
{
    const struct pipeline_facts *one = facts_of(check, earlier);
    const struct pipeline_facts *other = facts_of(check, later);
    const struct problem_place name = place_in(other, other->name_place, "name");
    if (strcmp(one->name, other->name) == 0)
        problem_add(check->problems, &name, ERR_INVALID,
                    "the name \"%s\" is already used by %s; give each pipeline its own",
                    other->name, one->file);
    check_queues(check, one, other);
    check_notified(check, one, other);
    check_notified(check, other, one);
}

/* ---- loops ---- */

static bool output_feeds(const struct check *check, size_t from, size_t output, size_t to,
                         struct error *error)
{
    const struct pipeline_ops *ops = check->rules->ops;
    return ops->check_loop(check->pipelines[from], output, check->pipelines[to], error) != 0;
}

static bool pipeline_feeds(const struct check *check, size_t from, size_t to)
{
    for (size_t output = 0; output <= facts_of(check, from)->output_count; output++)
        if (output_feeds(check, from, output, to, NULL))
            return true;
    return false;
}

static bool find_edges(const struct check *check)
{
    bool any = false;
    for (size_t from = 0; from < check->count; from++) {
        for (size_t to = 0; to < check->count; to++) {
            if (pipeline_feeds(check, from, to))
                any = check->feeds[from * check->count + to] = true;
        }
    }
    return any;
}

/* Marks the pipelines that can be reached from a pipeline, along or against the edges; itself only
 * if it can be reached again. The stack has room for all: each is pushed once, and the start
 * twice. */
static void reach(const struct check *check, size_t start, bool against, bool *seen, size_t *stack)
{
    size_t depth = 0;
    memset(seen, 0, check->count * sizeof *seen);
    stack[depth++] = start;
    while (depth) {
        size_t at = stack[--depth];
        for (size_t next = 0; next < check->count; next++) {
            bool edge = against ? check->feeds[next * check->count + at]
                                : check->feeds[at * check->count + next];
            if (edge && !seen[next]) {
                seen[next] = true;
                stack[depth++] = next;
            }
        }
    }
}

static void find_loops(const struct check *check, size_t *stack)
{
    for (size_t i = 0; i < check->count; i++)
        check->loop[i] = SIZE_MAX;
    for (size_t i = 0; i < check->count; i++) {
        if (check->loop[i] != SIZE_MAX)
            continue;
        check->loop[i] = i;
        reach(check, i, false, check->seen, stack);
        if (!check->seen[i])
            continue;
        reach(check, i, true, check->back, stack);
        for (size_t j = i + 1; j < check->count; j++)
            if (check->seen[j] && check->back[j])
                check->loop[j] = i;
    }
}

static bool is_told(const struct check *check, size_t from, size_t output)
{
    for (size_t to = 0; to < check->count; to++) {
        if (output_feeds(check, from, output, to, NULL) &&
            (to == from || check->loop[to] != check->loop[from]))
            return false;
    }
    return check->loop[from] != from;
}

/* "it can match the filter of pipeline web (web.yaml: prefix "in/", suffix ""); …" */
static size_t append_targets(const struct check *check, size_t from, size_t output,
                             struct buffer *text)
{
    size_t count = 0;
    for (size_t to = 0; to < check->count; to++) {
        struct error error = {0};
        if (!output_feeds(check, from, output, to, &error))
            continue;
        if (count < NAMED_MAX)
            buffer_format(text, "%s%s", count ? "; " : "", error.text);
        count++;
    }
    if (count > NAMED_MAX)
        buffer_format(text, "; and %zu more", count - NAMED_MAX);
    return count;
}

static void append_loop(const struct check *check, size_t from, struct buffer *text)
{
    size_t count = 0;
    for (size_t i = 0; i < check->count; i++)
        count += check->loop[i] == check->loop[from];
    if (count < 2)
        return;
    buffer_text(text, "; the pipelines of the loop are ");
    for (size_t i = 0, named = 0; i < check->count && named < NAMED_MAX; i++) {
        if (check->loop[i] == check->loop[from])
            buffer_format(text, "%s%s (%s)", named++ ? ", " : "", facts_of(check, i)->name,
                          facts_of(check, i)->file);
    }
    if (count > NAMED_MAX)
        buffer_format(text, " and %zu more", count - NAMED_MAX);
}

static int tell_output(const struct check *check, size_t from, size_t output)
{
    const struct pipeline_facts *facts = facts_of(check, from);
    const struct pipeline_output what = check->rules->ops->output(check->pipelines[from], output);
    char key[48] = "labels.sidecar";
    struct buffer text;
    if (what.repeated || is_told(check, from, output))
        return 0;
    buffer_init(&text, TEXT_MAX_BYTES);
    if (append_targets(check, from, output, &text)) {
        append_loop(check, from, &text);
        if (!what.sidecar)
            snprintf(key, sizeof key, "outputs[%zu].%s", what.entry,
                     what.manifest ? "manifest" : "key");
        const struct problem_place place = place_in(facts, what.place, key);
        problem_add(check->problems, &place, ERR_LOOP,
                    "\"%.80s\" would be processed again: %.*s; "
                    "write it under a prefix that the filter excludes, or into another bucket and "
                    "name the source's bucket in match",
                    what.key, (int)text.size, (const char *)text.data);
    }
    int code = text.error;
    buffer_free(&text);
    return code;
}

static int tell_loops(const struct check *check)
{
    int code = 0;
    for (size_t from = 0; from < check->count && !code; from++)
        for (size_t i = 0; i <= facts_of(check, from)->output_count && !code; i++)
            code = tell_output(check, from, i);
    return code;
}

static int check_loops(struct check *check)
{
    size_t *stack = calloc(check->count + 1, sizeof *stack);
    check->feeds = calloc(check->count * check->count + 1, sizeof *check->feeds);
    check->loop = calloc(check->count + 1, sizeof *check->loop);
    check->seen = calloc(check->count + 1, sizeof *check->seen);
    check->back = calloc(check->count + 1, sizeof *check->back);
    int code = stack && check->feeds && check->loop && check->seen && check->back ? 0 : ERR_MEMORY;
    if (!code && find_edges(check)) {
        find_loops(check, stack);
        code = tell_loops(check);
    }
    free(stack);
    free(check->feeds);
    free(check->loop);
    free(check->seen);
    free(check->back);
    return code;
}

int pipelines_check(const struct pipeline_rules *rules, struct pipeline *const *pipelines,
                    size_t count, struct problem_list *problems)
{
    struct check check = {
        .rules = rules, .pipelines = pipelines, .count = count, .problems = problems};
    for (size_t i = 0; i < count; i++) {
        check_one(&check, i);
        for (size_t j = 0; j < i; j++)
            check_pair(&check, j, i);
    }
    int code = check_loops(&check);
    return problems->out_of_memory ? ERR_MEMORY : code;
}
