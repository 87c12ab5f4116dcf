#include "credential_renewal.h"

#include <stdlib.h>
#include <string.h>

#include "aws_private.h"
#include "container_of.h"

enum { LOOK_EVERY_MS = 30000, LOOK_SOON_MS = 1000, LOG_EVERY_MS = 60000 };

struct credential_look {
    uv_work_t work;
    struct aws *aws; /* NULL: freed meanwhile */
    char *profile;
    /* used by the worker, then by the loop */
    struct credentials found;
    struct error error;
    int code;
    bool settled;
};

static void look_run(uv_work_t *work)
{
    struct credential_look *look = container_of(work, struct credential_look, work);
    const struct backend_settings options = {.profile = look->profile};
    struct profile profile;
    look->code = profile_load(&profile, look->profile, false, &look->error);
    if (!look->code)
        look->code = credentials_find(&look->found, &options, &profile, &look->error);
    look->settled = profile_is_settled(&profile);
    profile_free(&profile);
}

static bool same(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool are_known(const struct credentials *ours, const struct credentials *found)
{
    return same(ours->access_key, found->access_key) && same(ours->secret_key, found->secret_key) &&
           same(ours->session_token, found->session_token);
}

static void keep(struct aws *aws, const struct error *error)
{
    if (log_gate_open(&aws->renewal.unreadable, uv_now(aws->loop), LOG_EVERY_MS))
        log_warn("credentials could not be read again; the previous ones remain in use",
                 LOG_TEXT("error", error->text), LOG_SUPPRESSED(&aws->renewal.unreadable));
}

static void adopt(struct aws *aws, struct credential_look *look)
{
    if (look->code) {
        keep(aws, &look->error);
        return;
    }
    if (!credentials_are_of_file(&look->found) || are_known(&aws->credentials, &look->found))
        return;
    if (!look->settled) {
        aws->renewal.due_ms = uv_now(aws->loop) + LOOK_SOON_MS;
        return;
    }
    credentials_free(&aws->credentials);
    aws->credentials = look->found;
    look->found = (struct credentials){0};
    log_info("credentials have changed", LOG_TEXT("source", aws->credentials.source));
}

static void look_free(struct credential_look *look)
{
    credentials_free(&look->found);
    free(look->profile);
    free(look);
}

static void look_end(uv_work_t *work, int status)
{
    struct credential_look *look = container_of(work, struct credential_look, work);
    struct aws *aws = look->aws;
    if (aws)
        aws->renewal.look = NULL;
    if (aws && status == 0)
        adopt(aws, look);
    look_free(look);
}

static struct credential_look *look_new(struct aws *aws)
{
    struct credential_look *look = calloc(1, sizeof *look);
    if (!look)
        return NULL;
    look->aws = aws;
    look->profile = aws->renewal.profile ? strdup(aws->renewal.profile) : NULL;
    if (look->profile || !aws->renewal.profile)
        return look;
    free(look);
    return NULL;
}

void credential_renewal_check(struct aws *aws, bool refused)
{
    struct credential_renewal *renewal = &aws->renewal;
    uint64_t now_ms = uv_now(aws->loop), due_ms = renewal->due_ms;
    if (refused && due_ms > renewal->last_ms + LOOK_SOON_MS)
        due_ms = renewal->last_ms + LOOK_SOON_MS;
    if (!renewal->possible || renewal->look || now_ms < due_ms)
        return;
    struct credential_look *look = look_new(aws);
    if (!look)
        return; /* the next request retries */
    if (uv_queue_work(aws->loop, &look->work, look_run, look_end)) {
        look_free(look);
        return;
    }
    renewal->look = look;
    renewal->last_ms = now_ms;
    renewal->due_ms = now_ms + LOOK_EVERY_MS;
}

int credential_renewal_init(struct aws *aws, const char *profile)
{
    struct credential_renewal *renewal = &aws->renewal;
    renewal->possible = credentials_are_of_file(&aws->credentials);
    renewal->due_ms = uv_now(aws->loop) + LOOK_EVERY_MS;
    renewal->profile = profile ? strdup(profile) : NULL;
    return profile && !renewal->profile ? ERR_MEMORY : 0;
}

void credential_renewal_close(struct aws *aws)
{
    struct credential_look *look = aws->renewal.look;
    if (look) {
        look->aws = NULL;
        uv_cancel((uv_req_t *)&look->work); /* unless it has begun */
    }
    free(aws->renewal.profile);
}
