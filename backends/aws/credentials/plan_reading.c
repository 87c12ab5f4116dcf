#include "plan_reading.h"

#include <stdlib.h>
#include <string.h>

#include "container_of.h"

static void reading_free(struct plan_reading *reading)
{
    credential_plan_free(&reading->plan);
    free(reading->profile);
    free(reading);
}

static void reading_run(uv_work_t *work)
{
    struct plan_reading *reading = container_of(work, struct plan_reading, work);
    const struct backend_settings options = {.profile = reading->profile};
    struct profile profile;
    reading->code = profile_load(&profile, reading->profile, false, &reading->error);
    if (!reading->code)
        reading->code = credential_plan_make(&reading->plan, &options, &profile, &reading->error);
    reading->settled = profile_is_settled(&profile);
    profile_free(&profile);
}

static void reading_end(uv_work_t *work, int code)
{
    struct plan_reading *reading = container_of(work, struct plan_reading, work);
    if (code)
        reading->code = error_set(&reading->error, ERR_CANCELLED, "the AWS files were not read");
    if (reading->done)
        reading->done(reading, reading->user);
    reading_free(reading);
}

struct plan_reading *plan_reading_start(uv_loop_t *loop, const char *profile,
                                        void (*done)(struct plan_reading *reading, void *user),
                                        void *user)
{
    struct plan_reading *reading = calloc(1, sizeof *reading);
    if (!reading)
        return NULL;
    reading->done = done;
    reading->user = user;
    reading->profile = profile ? strdup(profile) : NULL;
    if ((profile && !reading->profile) ||
        uv_queue_work(loop, &reading->work, reading_run, reading_end)) {
        reading_free(reading);
        return NULL;
    }
    return reading;
}

void plan_reading_cancel(struct plan_reading *reading)
{
    if (!reading)
        return;
    reading->done = NULL;
    uv_cancel((uv_req_t *)&reading->work); /* where it has not begun */
}
