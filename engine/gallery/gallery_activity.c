/* The engine's last work: GET /api/activity, and the event "activity" for each record. */
#include "gallery_system.h"
#include "wall_clock.h"

void gallery_activity_show(struct gallery_call *call)
{
    const struct gallery_system *system = call->gallery->system;
    gallery_respond_json(call, 200,
                         json_pack("{s:o}", "activity",
                                   activity_json(&system->activity, uv_hrtime(), wall_clock_ms())));
}

void gallery_activity_step(struct gallery *gallery, const struct engine_step *step)
{
    if (gallery->system)
        activity_step(&gallery->system->activity, step);
}

void gallery_activity_record(struct gallery *gallery, const struct engine_record *record)
{
    if (!gallery->system)
        return; /* it is closing */
    json_t *settled =
        activity_settle(&gallery->system->activity, record, uv_hrtime(), wall_clock_ms());
    if (gallery_watchers(gallery))
        gallery_publish(gallery, "activity", settled);
    else
        json_decref(settled);
}
