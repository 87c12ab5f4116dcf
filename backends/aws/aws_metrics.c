#include <math.h>

#include "aws.h"
#include "aws_private.h"
#include "metric_text.h"

/* ---- requests ---- */

enum counter { REQUESTS, RETRIES, THROTTLED };

static uint64_t value_of(const struct request_count *count, enum counter counter)
{
    switch (counter) {
    case REQUESTS:
        return count->requests;
    case RETRIES:
        return count->retries;
    default:
        return count->throttled;
    }
}

static void write_counter(struct buffer *out, const struct request_stats *stats,
                          enum counter counter, const char *family, const char *help)
{
    metric_family(out, METRIC_COUNTER, family, help);
    for (size_t i = 0; i < stats->count; i++) {
        const struct request_count *count = &stats->counts[i];
        const struct metric_label labels[] = {{"service", aws_service_id(count->service)},
                                              {"operation", count->operation}};
        metric_sample(out, family, labels, 2, (double)value_of(count, counter));
    }
}

static void write_requests(struct buffer *out, const struct request_stats *stats)
{
    write_counter(out, stats, REQUESTS, "thumbwheel_requests_total",
                  "Requests sent to a service, with retries.");
    write_counter(out, stats, RETRIES, "thumbwheel_request_retries_total",
                  "Requests sent again after a temporary failure.");
    write_counter(out, stats, THROTTLED, "thumbwheel_requests_throttled_total",
                  "Responses by which a service limits the rate of requests.");
}

/* ---- credentials ---- */

static void write_refreshes(struct buffer *out, const struct credential_state *state)
{
    static const char family[] = "thumbwheel_credential_refreshes_total";
    const struct metric_label success = {"outcome", "success"}, failure = {"outcome", "failure"};
    metric_family(out, METRIC_COUNTER, family, "Attempts to obtain credentials, by outcome.");
    metric_sample(out, family, &success, 1, (double)state->refreshes);
    metric_sample(out, family, &failure, 1, (double)state->failures);
}

static void write_expiry(struct buffer *out, const struct credential_state *state)
{
    static const char family[] = "thumbwheel_credentials_expiry_timestamp_seconds";
    metric_family(out, METRIC_GAUGE, family,
                  "Time at which the credentials expire; +Inf: never; missing: there are none.");
    if (state->known)
        metric_sample(out, family, NULL, 0,
                      state->expires_s ? (double)state->expires_s : (double)INFINITY);
}

void aws_write_metrics(const struct aws *aws, struct buffer *out)
{
    struct credential_state state;
    credential_chain_look(aws->chain, &state);
    write_requests(out, &aws->stats);
    write_refreshes(out, &state);
    write_expiry(out, &state);
}

/* ---- readiness ---- */

bool aws_is_ready(struct aws *aws, struct buffer *reasons)
{
    struct credential_state state;
    credential_chain_use(aws->chain); /* the credentials of an idle engine are renewed too */
    credential_chain_look(aws->chain, &state);
    const char *flaw = !state.known    ? "no credentials have been obtained"
                       : !state.usable ? "the credentials have expired"
                       : state.refused ? "a service rejected the credentials"
                                       : NULL;
    if (flaw)
        buffer_format(reasons, "%s%s%s\n", flaw, state.error[0] ? ": " : "", state.error);
    return !flaw;
}
