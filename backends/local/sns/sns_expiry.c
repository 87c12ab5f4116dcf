#include "sns_expiry.h"

#include <stdlib.h>
#include <string.h>

#include "cloud.h"
#include "container_of.h"
#include "deadlines.h"
#include "log.h"
#include "sns_confirmation.h"
#include "sns_endpoint.h"

enum { PAGE = 256, PAUSE_MS = 1000 };

struct sns_expiry {
    struct cloud *cloud;
    struct deadlines *deadlines;
    struct deadline look;
    char *after;     /* where the current scan continues; NULL: at the beginning */
    int64_t next_ms; /* the earliest known expiry; 0: none */
};

static void expect(struct sns_expiry *expiry, int64_t end_ms)
{
    if (end_ms && (!expiry->next_ms || end_ms < expiry->next_ms))
        expiry->next_ms = end_ms;
}

static void deletion_log(const struct subscription *s)
{
    char *endpoint = sns_endpoint_shown(s->endpoint);
    log_info("unconfirmed subscription deleted", LOG_TEXT("subscription", s->record.named.name),
             LOG_TEXT("endpoint", endpoint ? endpoint : ""));
    free(endpoint);
}

/* If a deletion fails, the next scan retries it. */
static void subscription_look(struct sns_expiry *expiry, struct subscription *s)
{
    int64_t end = confirmation_end_ms(s);
    expect(expiry, end);
    if (!end || end > deadlines_now(expiry->deadlines))
        return;
    if (s->pending)
        deletion_log(s);
    if (subscription_delete(s, NULL, NULL))
        log_error("cannot delete an unconfirmed subscription",
                  LOG_TEXT("subscription", s->record.named.name),
                  LOG_TEXT("error", "out of memory"));
}

/* Schedules the next scan: at once for the next page, else at the earliest expiry. */
static void look_plan(struct sns_expiry *expiry, int64_t now)
{
    if (expiry->after)
        deadline_set(expiry->deadlines, &expiry->look, now);
    else if (expiry->next_ms)
        deadline_set(expiry->deadlines, &expiry->look,
                     expiry->next_ms > now + PAUSE_MS ? expiry->next_ms : now + PAUSE_MS);
}

static void look(struct deadline *deadline)
{
    struct sns_expiry *expiry = container_of(deadline, struct sns_expiry, look);
    struct subscription *page[PAGE];
    bool more;
    if (!expiry->after)
        expiry->next_ms = 0;
    size_t count = topics_list_all_subscriptions(expiry->cloud->topics, NULL, expiry->after, page,
                                                 PAGE, &more);
    char *after = more && count > 0 ? strdup(page[count - 1]->record.named.name) : NULL;
    for (size_t i = 0; i < count; i++)
        subscription_look(expiry, page[i]);
    free(expiry->after);
    expiry->after = after;
    int64_t now = deadlines_now(expiry->deadlines);
    if (more && !after) /* memory is short: start again */
        expect(expiry, now);
    look_plan(expiry, now);
}

void sns_expiry_expect(struct sns_expiry *expiry, int64_t end_ms)
{
    expect(expiry, end_ms);
    if (!deadline_is_set(&expiry->look) || end_ms < expiry->look.entry.at_ms)
        deadline_set(expiry->deadlines, &expiry->look, end_ms);
}

int sns_expiry_open(struct cloud *cloud, struct sns_expiry **out, struct error *error)
{
    struct sns_expiry *expiry = calloc(1, sizeof *expiry);
    if (!expiry)
        return error_set(error, ERR_MEMORY, "out of memory");
    expiry->cloud = cloud;
    expiry->look.expired = look;
    int code = deadlines_create(cloud->loop, &expiry->deadlines, error);
    if (code) {
        free(expiry);
        return code;
    }
    *out = expiry;
    code = deadlines_reserve(expiry->deadlines, 1);
    if (code)
        return error_set(error, code, "out of memory");
    deadline_set(expiry->deadlines, &expiry->look, deadlines_now(expiry->deadlines));
    return 0;
}

void sns_expiry_stop(struct sns_expiry *expiry)
{
    deadlines_stop(expiry->deadlines);
}

void sns_expiry_close(struct sns_expiry *expiry, void (*closed)(void *user), void *user)
{
    deadlines_close(expiry->deadlines, closed, user);
    free(expiry->after);
    free(expiry);
}
