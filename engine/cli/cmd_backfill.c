/* thumbwheel backfill: events for the objects that a bucket already has. */
#include "command.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backfill.h"
#include "checkpoint.h"
#include "container_of.h"
#include "core_files.h"
#include "json_line.h"
#include "object_address.h"
#include "progress.h"
#include "send_targets.h"

enum { SAVE_EVERY_MS = 1000 };

struct saving { /* writes the checkpoint on a pool thread */
    uv_work_t work;
    bool busy;
    char *after; /* the pool thread's while busy */
    const char *path;
    struct error error;
};

struct backfilling {
    const struct assembly *assembly;
    const struct config *config;
    struct pipeline_set pipelines;
    struct send_targets targets;
    struct object_address place; /* the bucket, and the prefix as key */
    char *path;                  /* of the checkpoint */
    char *after;                 /* where it continues; NULL: at the first object */
    struct backfill *backfill;
    struct progress progress;
    struct saving saving;
    uint64_t started_ms, saved_ms;
    uv_loop_t *loop;
};

/* ---- the argument ---- */

static int argument_read(struct backfilling *b, struct error *error)
{
    const struct text_list *paths = &b->config->paths;
    if (paths->count != 1)
        return error_set(error, ERR_INVALID,
                         "backfill takes one bucket, with or without a prefix: s3://BUCKET/PREFIX");
    return object_address_read(paths->items[0], &b->place, error);
}

/* ---- the checkpoint ---- */

static const char *endpoint_of(const struct config *config)
{
    const char *variable = getenv("AWS_ENDPOINT_URL");
    if (config->backend.endpoint)
        return config->backend.endpoint;
    return variable ? variable : "";
}

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

/* What another backfill differs in. */
static int path_make(struct backfilling *b, struct error *error)
{
    enum { FIXED = 6, EACH = 2 };
    const struct send_settings *send = &b->config->send;
    const struct pipeline_set *set = &b->pipelines;
    const char **parts = calloc(FIXED + EACH * set->count, sizeof *parts);
    size_t count = 0;
    if (!parts)
        return error_set(error, ERR_MEMORY, "out of memory");
    parts[count++] = endpoint_of(b->config);
    parts[count++] = b->place.bucket;
    parts[count++] = b->place.key;
    parts[count++] = or_empty(b->config->queue);
    parts[count++] = or_empty(send->topic);
    parts[count++] = send->force ? "force" : "";
    for (size_t i = 0; i < set->count; i++) {
        parts[count++] = set->ops->facts(set->items[i])->name;
        parts[count++] = set->ops->facts(set->items[i])->queue;
    }
    b->path = checkpoint_path(parts, count);
    free(parts);
    if (!b->path)
        return error_set(error, ERR_INVALID,
                         "there is no place for the checkpoint; set XDG_STATE_HOME or HOME");
    return 0;
}

static int checkpoint_open(struct backfilling *b, struct error *error)
{
    int code = path_make(b, error);
    if (code || b->config->dry_run)
        return code;
    if (b->config->send.restart)
        checkpoint_remove(b->path);
    code = checkpoint_read(b->path, &b->after, error);
    if (b->after)
        command_note("continuing after s3://%s/%s; --restart begins again", b->place.bucket,
                     b->after);
    return code;
}

static void save(uv_work_t *work)
{
    struct saving *saving = container_of(work, struct saving, work);
    checkpoint_write(saving->path, saving->after, &saving->error);
}

static void on_saved(uv_work_t *work, int code)
{
    struct saving *saving = container_of(work, struct saving, work);
    (void)code;
    saving->busy = false;
}

/* What is lost by a kill is about a second. */
static void save_sometimes(struct backfilling *b)
{
    struct saving *saving = &b->saving;
    const char *after = backfill_after(b->backfill);
    if (b->config->dry_run || saving->busy || !after ||
        uv_now(b->loop) < b->saved_ms + SAVE_EVERY_MS ||
        (saving->after && strcmp(saving->after, after) == 0))
        return;
    free(saving->after);
    saving->after = strdup(after);
    saving->path = b->path;
    saving->error = (struct error){0};
    b->saved_ms = uv_now(b->loop);
    if (!saving->after)
        return;
    saving->busy = true;
    uv_queue_work(b->loop, &saving->work, save, on_saved);
}

static int save_at_end(struct backfilling *b, bool finished, struct error *error)
{
    const char *after = backfill_after(b->backfill);
    if (b->config->dry_run)
        return 0;
    if (finished)
        checkpoint_remove(b->path);
    return finished || !after ? 0 : checkpoint_write(b->path, after, error);
}

/* ---- progress and result ---- */

/* The last key that is done, now or earlier; NULL: none. */
static const char *after_of(const struct backfilling *b)
{
    const char *after = backfill_after(b->backfill);
    return after ? after : b->after;
}

static void on_tick(void *user)
{
    struct backfilling *b = user;
    const struct backfill_counts *counts = backfill_counts(b->backfill);
    const size_t done = (size_t)counts->listed - backfill_held(b->backfill);
    const struct progress_facts facts = {.what = "objects",
                                         .count = (size_t)counts->listed,
                                         .done = done,
                                         .parts = (size_t)counts->listed,
                                         .parts_done = done,
                                         .elapsed_ms = uv_now(b->loop) - b->started_ms};
    progress_show(&b->progress, &facts);
    save_sometimes(b);
}

static int print_json(const struct backfilling *b, bool finished, const struct error *error)
{
    const struct backfill_counts *counts = backfill_counts(b->backfill);
    json_t *tree =
        json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:s?, s:s?}", "finished", finished, "listed",
                  (json_int_t)counts->listed, "matched", (json_int_t)counts->matched, "complete",
                  (json_int_t)counts->complete, "sent", (json_int_t)counts->sent, "messages",
                  (json_int_t)counts->messages, "after", after_of(b), "error",
                  error->code ? error->text : NULL);
    return json_line_print(tree, stdout);
}

static void print_text(const struct backfilling *b)
{
    const struct backfill_counts *counts = backfill_counts(b->backfill);
    printf("%" PRIu64 " objects listed, %" PRIu64 " of them match; %" PRIu64
           " are complete, %" PRIu64 " %s",
           counts->listed, counts->matched, counts->complete, counts->sent,
           b->config->dry_run ? "would be sent" : "sent");
    if (counts->messages)
        printf(" (%" PRIu64 " messages)", counts->messages);
    putchar('\n');
}

/* ---- the command ---- */

static bool is_done(void *user)
{
    return backfill_done(((struct backfilling *)user)->backfill);
}

static bool is_saved(void *user)
{
    return !((struct backfilling *)user)->saving.busy;
}

static void set(void *flag)
{
    *(bool *)flag = true;
}

static bool is_set(void *flag)
{
    return *(bool *)flag;
}

/* Runs it to its end, or until it is interrupted. */
static bool work(struct backfilling *b, struct service *service)
{
    service_tick(service, on_tick, b);
    bool finished = service_wait(service, is_done, b);
    if (!finished) {
        backfill_stop(b->backfill);
        service_finish(service, is_done, b);
    }
    service_tick(service, NULL, NULL);
    service_finish(service, is_saved, b);
    progress_clear(&b->progress);
    return finished;
}

static int end(struct backfilling *b, bool finished, struct error *error)
{
    struct error failure = {0};
    const char *after = after_of(b);
    *error = *backfill_error(b->backfill);
    if (!error->code && !finished)
        error_set(error, ERR_CANCELLED, "interrupted; the same command continues%s%s",
                  after ? " after " : "", after ? after : "");
    if (save_at_end(b, !error->code, &failure))
        command_error("the checkpoint could not be written: %s", failure.text);
    if (b->config->json)
        print_json(b, !error->code, error);
    else
        print_text(b);
    return error->code;
}

static int backfill(struct backfilling *b, struct service *service, struct error *error)
{
    const struct send_settings *send = &b->config->send;
    const struct backfill_options options = {.loop = &service->loop,
                                             .store = service->backend.store,
                                             .pipeline_ops = b->pipelines.ops,
                                             .pipelines = b->pipelines.items,
                                             .pipeline_count = b->pipelines.count,
                                             .targets = b->targets.items,
                                             .target_count = b->targets.count,
                                             .bucket = b->place.bucket,
                                             .prefix = b->place.key,
                                             .after = b->after,
                                             .group = send->group,
                                             .force = send->force,
                                             .dry_run = b->config->dry_run,
                                             .rate = send->rate};
    bool closed = false;
    b->loop = &service->loop;
    b->started_ms = b->saved_ms = uv_now(b->loop);
    progress_init(&b->progress, STDERR_FILENO);
    int code = backfill_start(&options, &b->backfill);
    if (code)
        return error_set(error, code, "out of memory");
    code = end(b, work(b, service), error);
    backfill_close(b->backfill, set, &closed);
    service_finish(service, is_set, &closed);
    return code;
}

static int open_and_backfill(struct backfilling *b, struct service *service, struct error *error)
{
    int code =
        b->config->dry_run ? 0 : send_targets_open(&b->targets, service, &b->pipelines, error);
    return code ? code : backfill(b, service, error);
}

static int run(struct backfilling *b)
{
    struct service service;
    struct error error = {0};
    const struct service_options options = {.assembly = b->assembly, .config = b->config};
    int code = service_open(&service, &options, &error);
    if (!code)
        code = open_and_backfill(b, &service, &error);
    send_targets_close(&b->targets);
    service_close(&service);
    if (code)
        command_error("%s", error.code ? error.text : error_name(code));
    return (int)command_status(code);
}

static int prepare(struct backfilling *b, struct error *error)
{
    int code = send_targets_check(b->assembly, b->config, error);
    return code ? code : argument_read(b, error);
}

int cmd_backfill(const struct assembly *assembly, const struct config *config)
{
    struct backfilling b = {.assembly = assembly, .config = config};
    struct error error = {0};
    core_files_forbid();
    int code = prepare(&b, &error);
    int exit_status =
        code ? (int)command_status(code) : command_load_pipelines(assembly, config, &b.pipelines);
    if (!code && exit_status == STATUS_OK && (code = checkpoint_open(&b, &error)))
        exit_status = (int)command_status(code);
    if (code)
        command_error("%s", error.text);
    else if (exit_status == STATUS_OK)
        exit_status = run(&b);
    pipeline_set_clear(&b.pipelines);
    free(b.saving.after);
    object_address_free(&b.place);
    free(b.path);
    free(b.after);
    return exit_status;
}
