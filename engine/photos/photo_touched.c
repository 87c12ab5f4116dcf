/* Collects the names of photos that have changed, and loads them. See photo_touched.h. */
#include "photo_touched.h"

#include <stdlib.h>

#include "container_of.h"
#include "photo_db.h"
#include "photo_query.h"

enum {
    FLUSH_MS = 100,
    FLUSH_MAX = 64,     /* photos that a task loads */
    TOUCHED_MAX = 5000, /* names that wait */
};

struct photo_load {
    struct index_task task;
    struct touched_photos *touched;
    struct named_photo *names[FLUSH_MAX];
    json_t *found[FLUSH_MAX];
    size_t count;
};

static int load_run(struct index_task *task, struct photo_db *db)
{
    struct photo_load *load = container_of(task, struct photo_load, task);
    for (size_t i = 0; i < load->count; i++) {
        const int code = query_photo(db, load->names[i]->bucket, load->names[i]->key,
                                     &load->found[i], &task->error);
        if (code)
            return code;
    }
    return 0;
}

static void flush_arm(struct touched_photos *touched);

static void load_done(struct index_task *task, int code)
{
    struct photo_load *load = container_of(task, struct photo_load, task);
    struct touched_photos *touched = load->touched;
    touched->loading = false;
    for (size_t i = 0; i < load->count; i++) {
        if (!code && load->found[i] && !touched->closing)
            touched->options.found(load->found[i], touched->options.user);
        json_decref(load->found[i]);
        named_photo_free(load->names[i]);
    }
    free(load);
    flush_arm(touched);
}

static void on_flush(uv_timer_t *timer)
{
    struct touched_photos *touched = container_of(timer, struct touched_photos, timer);
    struct photo_load *load = touched->loading ? NULL : calloc(1, sizeof *load);
    if (!load)
        return;
    load->task = (struct index_task){.run = load_run, .done = load_done};
    load->touched = touched;
    while (touched->names.count && load->count < FLUSH_MAX) {
        struct named_photo *photo =
            container_of(touched->names.order.next, struct named_photo, link);
        name_set_take(&touched->names, photo);
        load->names[load->count++] = photo;
    }
    touched->loading = true;
    photo_index_submit(touched->options.index, &load->task);
}

static void flush_arm(struct touched_photos *touched)
{
    if (touched->names.count && !touched->loading && !touched->closing &&
        !uv_is_active((uv_handle_t *)&touched->timer))
        uv_timer_start(&touched->timer, on_flush, FLUSH_MS, 0);
}

void touched_photos_add(struct touched_photos *touched, const char *bucket, const char *key)
{
    if (touched->closing || touched->names.count >= TOUCHED_MAX)
        return;
    name_set_add(&touched->names, bucket, key);
    flush_arm(touched);
}

int touched_photos_init(struct touched_photos *touched)
{
    return name_set_init(&touched->names);
}

void touched_photos_clear(struct touched_photos *touched)
{
    name_set_clear(&touched->names);
}

void touched_photos_begin(struct touched_photos *touched,
                          const struct touched_photos_options *options)
{
    touched->options = *options;
    uv_timer_init(options->loop, &touched->timer);
}

void touched_photos_end(struct touched_photos *touched)
{
    touched->closing = true;
    uv_timer_stop(&touched->timer);
}
