/* Whether a call is attempted again, and when: each reason in its order. */
#include "aws_retry.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "http_date.h"
#include "jitter.h"
#include "log.h"

int64_t aws_service_now(const struct aws *aws)
{
    return (int64_t)time(NULL) + aws->clock_offset_s;
}

static bool is_transient(int code)
{
    return code == ERR_NETWORK || code == ERR_TIMEOUT || code == ERR_SERVER ||
           code == ERR_THROTTLED || code == ERR_PROTOCOL;
}

/* Retry-After in seconds. AWS does not use its other form, a date. */
static uint64_t delay_ms(const struct aws_request *request, const struct http_response *response)
{
    uint64_t delay = jitter_full(AWS_RETRY_BASE_MS, AWS_RETRY_CAP_MS, request->attempts - 1);
    const char *after = response->error ? NULL : http_response_header(response, "retry-after");
    if (after && after[0] >= '0' && after[0] <= '9') {
        uint64_t asked = strtoull(after, NULL, 10);
        asked = asked > AWS_RETRY_AFTER_MAX_MS / 1000 ? AWS_RETRY_AFTER_MAX_MS : asked * 1000;
        if (asked > delay)
            delay = asked;
    }
    return delay;
}

/* True if signing again makes sense: our clock differs from the service's, or the request arrived
 * too late. */
static bool clock_correct(struct aws_request *request, const struct http_response *response,
                          bool late)
{
    const char *date = http_response_header(response, "date");
    int64_t theirs = 0;
    if (request->clock_corrected || !date || http_date_parse(date, &theirs))
        return false;
    int64_t difference = theirs - aws_service_now(request->aws);
    bool agree = difference > -60 && difference < 60;
    if (agree && !late)
        return false;
    request->clock_corrected = true;
    if (agree)
        return true;
    request->aws->clock_offset_s += difference;
    log_warn("clock differs from that of the service",
             LOG_TEXT("service", aws_service_name(request->call.service)),
             LOG_INT("seconds", request->aws->clock_offset_s));
    return true;
}

/* For some seconds SQS and SNS may not find a resource that they have just created, and S3 rejects
 * a notification target whose policy has not propagated. */
static bool is_settling(const struct aws_request *request, const struct aws_reply *reply)
{
    return request->call.settling && request->attempts < AWS_SETTLE_ATTEMPTS_MAX &&
           (reply->error.code == ERR_NO_CONTAINER ||
            strcmp(reply->fault.code, "InvalidArgument") == 0 ||
            strcasestr(reply->fault.message, "target does not exist") ||
            strcmp(reply->fault.code, "OperationAborted") == 0);
}

/* Whether new keys may arrive soon. A refused request had no effect, so repeating it is safe. A
 * plain "access denied" may be caused by the keys too (HEAD gives no details), but rarely is. */
static bool keys_refused(struct aws_request *request, int code)
{
    struct credential_chain *chain = request->aws->chain;
    bool refused = code == ERR_EXPIRED || code == ERR_CREDENTIALS;
    if (refused)
        credential_chain_reject(chain, request->generation);
    else if (code == ERR_DENIED)
        credential_chain_doubt(chain);
    return refused && credential_chain_renews(chain) && request->renewals++ < AWS_RENEWALS_MAX;
}

bool aws_retry_wanted(struct aws_request *request, const struct http_response *response,
                      const struct aws_reply *reply, uint64_t *delay)
{
    *delay = 0;
    if (reply->error.code == 0)
        return false;
    if (reply->response && aws_fault_is_clock(&reply->fault) &&
        clock_correct(request, response, strcmp(reply->fault.code, "RequestTimeTooSkewed") == 0))
        return true;
    if (reply->response && bucket_region_follow(request, response))
        return true;
    if (keys_refused(request, reply->error.code)) {
        /* The first time, a refresh follows at once. */
        *delay = request->renewals > 1 ? AWS_RENEWAL_RETRY_MS : 0;
        return true;
    }
    if (is_settling(request, reply)) {
        *delay = AWS_SETTLE_DELAY_MS;
        return true;
    }
    *delay = delay_ms(request, response);
    return is_transient(reply->error.code) && !request->call.once &&
           request->attempts < AWS_ATTEMPTS_MAX;
}
