#include "queue_watch.h"

#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "text_list.h"

enum { LETTERS_UNKNOWN = -1 };

enum watch_stage {
    WATCH_IDLE,
    WATCH_OPENING_SOURCES,
    WATCH_OPENING_LETTERS,
    WATCH_ASKING_SOURCES,
    WATCH_ASKING_LETTERS,
};

struct queue_watch {
    struct queue_backend *backend;
    struct text_list names;              /* of the pipelines */
    struct queue_group sources, letters; /* each with one item for each pipeline */
    int *letters_of; /* by pipeline: the item of its dead-letter queue, or LETTERS_UNKNOWN */
    enum watch_stage stage;
    uv_timer_t turn; /* zero delay */
    void (*looked)(void *user);
    void *user;
    void (*closed)(void *user);
    void *closed_user;
};

/* ---- the dead-letter queues ---- */

static const char *dead_letter_arn(const struct queue_watch *watch, size_t index)
{
    const struct queue *source = watch->sources.items[index].queue;
    return source ? watch->backend->ops->facts(source)->dead_letter_arn : NULL;
}

/* The item that has this queue, or else a new one of its own. */
static void letters_find(struct queue_watch *watch, size_t index, const char *arn)
{
    for (size_t i = 0; i < watch->letters.count; i++) {
        const char *name = watch->letters.items[i].name;
        if (name && strcmp(name, arn) == 0) {
            watch->letters_of[index] = (int)i;
            return;
        }
    }
    if (!queue_group_name(&watch->letters, index, arn)) /* else at the next look */
        watch->letters_of[index] = (int)index;
}

static void letters_find_all(struct queue_watch *watch)
{
    for (size_t i = 0; i < watch->sources.count; i++) {
        const char *arn = dead_letter_arn(watch, i);
        if (arn && watch->letters_of[i] == LETTERS_UNKNOWN)
            letters_find(watch, i, arn);
    }
}

/* ---- a look ---- */

static void conclude(struct queue_watch *watch)
{
    watch->stage = WATCH_IDLE;
    watch->looked(watch->user);
}

static void on_turn(uv_timer_t *turn)
{
    struct queue_watch *watch = container_of(turn, struct queue_watch, turn);
    switch (watch->stage++) {
    case WATCH_IDLE:
        queue_group_open(&watch->sources);
        return;
    case WATCH_OPENING_SOURCES:
        letters_find_all(watch);
        queue_group_open(&watch->letters);
        return;
    case WATCH_OPENING_LETTERS:
        queue_group_ask(&watch->sources);
        return;
    case WATCH_ASKING_SOURCES:
        queue_group_ask(&watch->letters);
        return;
    case WATCH_ASKING_LETTERS:
        conclude(watch);
    }
}

static void on_sources_idle(struct queue_group *group)
{
    uv_timer_start(&container_of(group, struct queue_watch, sources)->turn, on_turn, 0, 0);
}

static void on_letters_idle(struct queue_group *group)
{
    uv_timer_start(&container_of(group, struct queue_watch, letters)->turn, on_turn, 0, 0);
}

int queue_watch_look(struct queue_watch *watch, void (*looked)(void *user), void *user)
{
    if (watch->stage != WATCH_IDLE || uv_is_active((uv_handle_t *)&watch->turn))
        return ERR_BUSY;
    watch->looked = looked;
    watch->user = user;
    uv_timer_start(&watch->turn, on_turn, 0, 0);
    return 0;
}

/* ---- facts ---- */

size_t queue_watch_count(const struct queue_watch *watch)
{
    return watch->names.count;
}

const char *queue_watch_name(const struct queue_watch *watch, size_t index)
{
    return watch->names.items[index];
}

const struct group_queue *queue_watch_source(const struct queue_watch *watch, size_t index)
{
    return &watch->sources.items[index];
}

const struct group_queue *queue_watch_letters(const struct queue_watch *watch, size_t index)
{
    const int at = watch->letters_of[index];
    return at == LETTERS_UNKNOWN ? NULL : &watch->letters.items[at];
}

/* ---- the watch ---- */

static int names_take(struct queue_watch *watch, const struct queue_watch_pipeline *pipelines,
                      size_t count)
{
    int code = 0;
    for (size_t i = 0; i < count && !code; i++)
        code = text_list_take(&watch->names, strdup(pipelines[i].name));
    return code;
}

static int groups_init(struct queue_watch *watch, const struct queue_watch_pipeline *pipelines,
                       size_t count)
{
    const char **queues = calloc(count + 1, sizeof *queues);
    const char **unknown = calloc(count + 1, sizeof *unknown);
    int code = queues && unknown ? names_take(watch, pipelines, count) : ERR_MEMORY;
    if (code)
        goto out;
    for (size_t i = 0; i < count; i++) {
        queues[i] = pipelines[i].queue;
        watch->letters_of[i] = LETTERS_UNKNOWN;
    }
    code = queue_group_init(&watch->sources, watch->backend, queues, count);
    if (code)
        goto out;
    code = queue_group_init(&watch->letters, watch->backend, unknown, count);
out:
    free(queues);
    free(unknown);
    return code;
}

static void watch_free(struct queue_watch *watch)
{
    queue_group_close(&watch->letters);
    queue_group_close(&watch->sources);
    text_list_clear(&watch->names);
    free(watch->letters_of);
    free(watch);
}

int queue_watch_open(uv_loop_t *loop, struct queue_backend *backend,
                     const struct queue_watch_pipeline *pipelines, size_t count,
                     struct queue_watch **out)
{
    struct queue_watch *watch = calloc(1, sizeof *watch);
    *out = NULL;
    if (!watch)
        return ERR_MEMORY;
    watch->backend = backend;
    watch->letters_of = calloc(count + 1, sizeof *watch->letters_of);
    int code = watch->letters_of ? groups_init(watch, pipelines, count) : ERR_MEMORY;
    if (code) {
        watch_free(watch);
        return code;
    }
    watch->sources.idle = on_sources_idle;
    watch->letters.idle = on_letters_idle;
    uv_timer_init(loop, &watch->turn);
    *out = watch;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    struct queue_watch *watch = container_of((uv_timer_t *)handle, struct queue_watch, turn);
    void (*closed)(void *user) = watch->closed;
    void *user = watch->closed_user;
    free(watch);
    closed(user);
}

void queue_watch_close(struct queue_watch *watch, void (*closed)(void *user), void *user)
{
    watch->closed = closed;
    watch->closed_user = user;
    queue_group_close(&watch->letters);
    queue_group_close(&watch->sources);
    text_list_clear(&watch->names);
    free(watch->letters_of);
    uv_close((uv_handle_t *)&watch->turn, on_closed);
}
