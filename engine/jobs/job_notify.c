#include "job_notify.h"

#include <string.h>

#include "delivery.h"
#include "job_trace.h"
#include "log.h"
#include "notify_content.h"
#include "wall_clock.h"

static const struct pipeline_facts *facts_of(const struct job *job)
{
    return job->msg.runner->options.pipeline_ops->facts(job->msg.pipeline);
}

static bool announces(const struct job *job)
{
    const struct pipeline_notify *notify = facts_of(job)->notify;
    return notify && (job->loop.rejection.reason ? notify->rejected : notify->done);
}

static void on_notified(const struct error *error, void *user)
{
    struct job *job = user;
    job->loop.notify_request = NULL;
    job->loop.pending--;
    job->loop.error = *error;
    job_trace_notified(job, job->loop.asked_ns, error);
    job_resume(job);
}

/* Without the query of a URL. */
static int shown_size(const struct job *job)
{
    enum { SHOWN_MAX = 160 };
    const size_t size = strcspn(facts_of(job)->notify->target, "?#");
    return size < SHOWN_MAX ? (int)size : SHOWN_MAX;
}

static int content_send(struct job *job, struct notify_content *content)
{
    const char *reason = job->loop.rejection.reason;
    struct error *error = &job->loop.error;
    const struct notify_facts facts = {.notify = facts_of(job)->notify,
                                       .pipeline = facts_of(job)->name,
                                       .record = job->msg.record,
                                       .etag = source_etag(&job->work.claim),
                                       .item = &job->work.claim.item,
                                       .store = job->msg.runner->options.store,
                                       .reason = reason,
                                       .detail = job->loop.rejection.error.text,
                                       .now_s = wall_clock_ms() / 1000};
    int code = notify_content_write(&facts, content, error);
    if (code)
        return code;
    struct notifier *notifier = job_notifier(job);
    if (!notifier)
        return error_set(error, ERR_UNSUPPORTED, "there is no client for this kind of target");
    content->parts.trace = &job->msg.delivery->trace;
    code =
        notifier->ops->send(notifier, &content->parts, on_notified, job, &job->loop.notify_request);
    return code ? error_set(error, code, "it could not be sent (%s)", error_name(code)) : 0;
}

static void start(struct job *job)
{
    struct notify_content content;
    job->loop.asked = true;
    job->loop.asked_ns = uv_hrtime();
    if (content_send(job, &content) == 0)
        job->loop.pending = 1;
    notify_content_clear(&content);
    source_leave(&job->work.claim); /* a slow target does not keep pixels in memory */
}

/* What can never be announced is rejected all the same, for its own reason. */
static enum step_result failed(struct job *job)
{
    job->msg.runner->stats.notify_failed++;
    error_prefix(&job->loop.error, "the notification to %.*s failed", shown_size(job),
                 facts_of(job)->notify->target);
    if (!job->loop.rejection.reason ||
        outcome_of(STAGE_NOTIFY, job->loop.error.code) != OUTCOME_REJECT)
        return STEP_FAIL;
    log_error("rejection could not be announced", LOG_TEXT("job", job->msg.delivery->message.id),
              LOG_TEXT("pipeline", facts_of(job)->name),
              LOG_TEXT("bucket", job->msg.record->bucket), LOG_TEXT("key", job->msg.record->key),
              LOG_TRACE(&job->msg.delivery->trace), LOG_TEXT("error", job->loop.error.text));
    return STEP_NEXT;
}

enum step_result step_notify(struct job *job)
{
    if (!announces(job))
        return STEP_NEXT;
    if (!job->loop.asked)
        start(job);
    if (job->loop.pending)
        return STEP_WAIT;
    if (job->loop.error.code)
        return failed(job);
    job->msg.runner->stats.notified++;
    return STEP_NEXT;
}
