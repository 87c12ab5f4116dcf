/*
 * The parts of the gallery that have a state of their own. Each row is a part: `open` starts it;
 * `drain` ends its streams and waiting requests; `close`, called after the last request has ended,
 * begins its end, after which it calls gallery_part_closed once, from the loop or at once. A part
 * without a function has nothing to do.
 */
#include "gallery_accounts.h"
#include "gallery_events.h"
#include "gallery_password.h"
#include "gallery_photos.h"
#include "gallery_private.h"
#include "gallery_system.h"
#include "gallery_trial.h"
#include "gallery_work.h"

#include <stdlib.h>

struct gallery_part {
    int (*open)(struct gallery *gallery, struct error *error);
    void (*drain)(struct gallery *gallery);
    void (*close)(struct gallery *gallery);
    void (*record)(struct gallery *gallery, const struct engine_record *record);
    void (*step)(struct gallery *gallery, const struct engine_step *step);
    void (*reload)(struct gallery *gallery); /* the pipelines and places have changed */
};

static const struct gallery_part parts[] = {
    {gallery_accounts_open, NULL, gallery_accounts_close, NULL, NULL, NULL},
    {gallery_passwords_open, NULL, gallery_passwords_close, NULL, NULL, NULL},
    {gallery_trials_open, NULL, gallery_trials_close, NULL, NULL, NULL},
    {gallery_work_open, NULL, gallery_work_close, NULL, NULL, NULL},
    /* Those that publish come after it, and close before it. */
    {gallery_events_open, gallery_events_drain, gallery_events_close, NULL, NULL, NULL},
    {gallery_photos_open, gallery_photos_drain, gallery_photos_close, gallery_photos_record,
     gallery_photos_step, gallery_photos_reload},
    {gallery_system_open, gallery_system_drain, gallery_system_close, gallery_activity_record,
     gallery_activity_step, gallery_system_reload},
};

enum { PARTS = sizeof parts / sizeof *parts };

static void close_first(struct gallery *gallery, size_t count)
{
    for (size_t i = count; i-- > 0;)
        if (parts[i].close)
            parts[i].close(gallery);
}

int gallery_parts_open(struct gallery *gallery, struct error *error)
{
    for (size_t i = 0; i < PARTS; i++) {
        const int code = parts[i].open ? parts[i].open(gallery, error) : 0;
        if (!code && parts[i].close)
            gallery->open++;
        if (!code)
            continue;
        close_first(gallery, i);
        return code;
    }
    gallery->parts_open = true;
    return 0;
}

void gallery_parts_drain(struct gallery *gallery)
{
    for (size_t i = 0; i < PARTS; i++)
        if (parts[i].drain && gallery->parts_open)
            parts[i].drain(gallery);
}

void gallery_parts_close(struct gallery *gallery)
{
    if (gallery->parts_open)
        close_first(gallery, PARTS);
    gallery->parts_open = false;
}

void gallery_record_finished(struct gallery *gallery, const struct engine_record *record)
{
    for (size_t i = 0; i < PARTS; i++)
        if (parts[i].record && gallery->parts_open)
            parts[i].record(gallery, record);
}

void gallery_step_entered(struct gallery *gallery, const struct engine_step *step)
{
    for (size_t i = 0; i < PARTS; i++)
        if (parts[i].step && gallery->parts_open)
            parts[i].step(gallery, step);
}

void gallery_parts_reload(struct gallery *gallery)
{
    for (size_t i = 0; i < PARTS; i++)
        if (parts[i].reload && gallery->parts_open)
            parts[i].reload(gallery);
}

void gallery_part_closed(struct gallery *gallery)
{
    if (--gallery->open == 0)
        gallery->all_closed(gallery);
}
