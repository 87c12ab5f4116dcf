#include "job.h"

#include <jansson.h>
#include <stdlib.h>

#include "consumer.h"
#include "delivery.h"
#include "engine.h"
#include "log.h"

static void claim_woken(struct source_claim *claim)
{
    job_resume(container_of(claim, struct job, work.claim));
}

static void turn_has_come(struct order_claim *claim)
{
    job_resume(container_of(claim, struct job, loop.order));
}

static void overlay_woken(struct overlay_wait *wait)
{
    job_resume(container_of(wait, struct job, loop.overlay));
}

static void label_turn_has_come(struct label_turn *turn)
{
    job_resume(container_of(turn, struct job, loop.turn));
}

void job_runner_init(struct job_runner *runner, uv_loop_t *loop,
                     const struct job_runner_options *options)
{
    *runner = (struct job_runner){.loop = loop, .options = *options, .moved_ms = uv_now(loop)};
    histogram_of_work(&runner->stats.upload_s);
}

struct job *job_new(struct job_runner *runner, struct delivery *delivery, struct pipeline *pipeline,
                    struct envelope_record *record, void (*finished)(struct delivery *delivery))
{
    struct job *job = calloc(1, sizeof *job);
    if (!job)
        return NULL;
    job->msg.runner = runner;
    job->msg.finished = finished;
    job->msg.delivery = delivery;
    job->msg.pipeline = runner->options.pipeline_ops->retain(pipeline);
    job->msg.record = record;
    job->loop.reason = "";
    job->loop.order.wake = turn_has_come;
    job->loop.turn.granted = label_turn_has_come;
    overlay_wait_init(&job->loop.overlay, overlay_woken);
    job->work.claim.wake = claim_woken;
    job->work.claim.item.pipeline = job->msg.pipeline;
    job->work.claim.share = &delivery->consumer->share;
    job->msg.consumer = delivery->consumer;
    job->msg.consumer->jobs++;
    runner->count++;
    return job;
}

const char *job_state_name(enum job_state state)
{
    static const char *const names[] = {"matching", "fetching",  "rendering", "ordering",
                                        "storing",  "labelling", "comparing", "describing",
                                        "tagging",  "notifying", "finished"};
    return names[state];
}

static void observers_tell(const struct job *job)
{
    const struct engine_observer *observer = job->msg.runner->options.observer;
    struct engine_step step = {.step = NULL};
    for (; observer; observer = observer->next) {
        if (!observer->step_entered)
            continue;
        if (!step.step)
            step = (struct engine_step){
                .pipeline = job->msg.delivery->consumer->home.name,
                .message = job->msg.delivery->message.id,
                .bucket = job->msg.record->bucket,
                .key = job->msg.record->key,
                .step = job_state_name(job->loop.state),
                .at_ns = uv_hrtime(),
                .received_ns = job->msg.delivery->received_us * 1000,
                .sent_ms = job->msg.delivery->message.sent_ms,
            };
        observer->step_entered(&step, observer->user);
    }
}

/* The one state setter. */
static void job_enter(struct job *job, enum job_state state)
{
    job->loop.state = state;
    job->loop.asked = false;
    log_debug("job state", LOG_TEXT("job", job->msg.delivery->message.id),
              LOG_TEXT("pipeline", job->msg.delivery->consumer->home.name),
              LOG_TEXT("bucket", job->msg.record->bucket), LOG_TEXT("key", job->msg.record->key),
              LOG_TRACE(&job->msg.delivery->trace), LOG_TEXT("state", job_state_name(state)));
    if (state != JOB_FINISHED)
        observers_tell(job);
}

static const struct job_step *step_of(const struct job *job)
{
    const struct job_step *step = job->msg.runner->options.steps;
    while (step->state != job->loop.state)
        step++;
    return step;
}

static const struct pipeline_notify *notify_of(const struct job *job)
{
    return job->msg.runner->options.pipeline_ops->facts(job->msg.pipeline)->notify;
}

struct notifier *job_notifier(const struct job *job)
{
    return job->msg.runner->options.notifiers[notify_of(job)->kind];
}

/* Cancels all operations, so that no callback is called any more. */
static void operations_cancel(struct job *job)
{
    const struct job_runner_options *options = &job->msg.runner->options;
    if (job->loop.request)
        options->store->ops->cancel(job->loop.request);
    job->loop.request = NULL;
    for (size_t i = 0; job->loop.uploads && i < job->work.claim.item.rendition_count; i++) {
        output_upload_end(&job->loop.uploads[i].output);
    }
    output_upload_end(&job->loop.sidecar.output);
    if (job->loop.label_request)
        job->loop.label_request->labeler->ops->cancel(job->loop.label_request);
    job->loop.label_request = NULL;
    if (job->loop.notify_request)
        job_notifier(job)->ops->cancel(job->loop.notify_request);
    job->loop.notify_request = NULL;
    label_turn_end(&job->loop.turn);
    overlay_wait_end(&job->loop.overlay);
    job->loop.pending = 0;
}

/* Frees what the observer does not need. The first call frees the pixels. */
static void buffers_free(struct job *job)
{
    free(job->loop.uploads);
    job->loop.uploads = NULL;
    bytes_free(&job->loop.document);
    json_decref(job->loop.label_details);
    job->loop.label_details = NULL;
    for (size_t i = 0; i < job->loop.tag_count; i++) {
        free((char *)(uintptr_t)job->loop.tags[i].name);
        free((char *)(uintptr_t)job->loop.tags[i].value);
    }
    free(job->loop.tags);
    job->loop.tags = NULL;
    job->loop.tag_count = 0;
}

/* The only exit. The delivery may free the job at once. */
static void job_finish(struct job *job, enum outcome outcome, const char *reason)
{
    operations_cancel(job);
    buffers_free(job);
    event_order_leave(job->msg.runner->options.order, &job->loop.order, outcome == OUTCOME_ACK);
    source_leave(&job->work.claim);
    job->loop.state = JOB_FINISHED;
    job->loop.outcome = outcome;
    job->loop.reason = reason;
    job->msg.finished(job->msg.delivery);
}

/* If the object does not exist, and either an event reports its deletion or the operator chose to
 * ignore missing objects, there is nothing to do. */
static bool is_moot(const struct job *job, const struct job_step *step)
{
    if (job->loop.error.code != ERR_NOT_FOUND || step->stage == STAGE_STORE ||
        step->stage == STAGE_NOTIFY)
        return false;
    bool removed = event_order_is_removed(job->msg.runner->options.order, job->msg.record);
    if (!removed && !job->msg.runner->options.drop_missing)
        return false;
    log_info(removed ? "event skipped: a later event says that the object was deleted"
                     : "event skipped: the object does not exist",
             LOG_TEXT("job", job->msg.delivery->message.id),
             LOG_TEXT("pipeline", job->msg.delivery->consumer->home.name),
             LOG_TEXT("bucket", job->msg.record->bucket), LOG_TEXT("key", job->msg.record->key),
             LOG_TRACE(&job->msg.delivery->trace), LOG_TEXT("error", job->loop.error.text));
    return true;
}

/* Returns to the first step, without the state of the record's previous key. */
static void job_go_back(struct job *job)
{
    event_order_leave(job->msg.runner->options.order, &job->loop.order, false);
    source_leave(&job->work.claim);
    job->loop.error = (struct error){0};
    job_enter(job, JOB_MATCHING);
}

void job_progressed(struct job *job)
{
    job->loop.moved_ms = job->msg.runner->moved_ms = uv_now(job->msg.runner->loop);
}

static bool announces_rejection(const struct job *job)
{
    const struct pipeline_notify *notify = notify_of(job);
    return notify && notify->rejected && job->loop.state != JOB_NOTIFYING;
}

/* Ends a job whose step has failed, or lets it announce its rejection first. False: it goes on. */
static bool job_failed(struct job *job, const struct job_step *step)
{
    int code = job->loop.error.code;
    enum outcome outcome = outcome_of(step->stage, code);
    const char *reason = outcome_reason(step->stage, code);
    if (outcome == OUTCOME_REJECT && announces_rejection(job)) {
        job->loop.rejection.reason = reason;
        job->loop.rejection.error = job->loop.error;
        job->loop.error = (struct error){0};
        job_enter(job, JOB_NOTIFYING);
        return false;
    }
    job_finish(job, outcome, reason);
    return true;
}

static void job_complete(struct job *job)
{
    const char *reason = job->loop.rejection.reason;
    if (reason)
        job->loop.error = job->loop.rejection.error;
    job_finish(job, reason ? OUTCOME_REJECT : OUTCOME_ACK, reason ? reason : "");
}

/* Runs steps until one waits or the job has finished. */
static void job_run(struct job *job)
{
    job_progressed(job);
    for (;;) {
        const struct job_step *step = step_of(job);
        if (step->state == JOB_FINISHED) {
            job_complete(job);
            return;
        }
        enum step_result result = step->run(job);
        if (result == STEP_WAIT)
            return;
        if (result == STEP_FAIL && is_moot(job, step)) {
            result = STEP_DONE;
        } else if (result == STEP_FAIL) {
            if (job_failed(job, step))
                return;
            continue;
        }
        if (result == STEP_BACK) {
            job_go_back(job);
            continue;
        }
        job_enter(job, result == STEP_DONE ? JOB_FINISHED : (step + 1)->state);
    }
}

void job_start(struct job *job)
{
    job_enter(job, JOB_MATCHING);
    job_run(job);
}

void job_resume(struct job *job)
{
    job_run(job);
}

static void job_free(struct source_claim *claim)
{
    struct job *job = container_of(claim, struct job, work.claim);
    struct job_runner *runner = job->msg.runner;
    render_item_clear(&claim->item);
    buffers_free(job);
    if (job->loop.dressed)
        runner->options.pipeline_ops->release(job->loop.dressed);
    runner->options.pipeline_ops->release(job->msg.pipeline);
    job->msg.consumer->jobs--;
    free(job);
    runner->count--;
    runner->options.freed(runner->options.user);
}

bool job_under_way(const struct job *job)
{
    return job->work.claim.rendering ||
           (job->loop.state >= JOB_ORDERING && job->loop.state < JOB_FINISHED);
}

void job_drop(struct job *job)
{
    operations_cancel(job);
    event_order_leave(job->msg.runner->options.order, &job->loop.order, false);
    job->msg.delivery = NULL;
    source_release(&job->work.claim, job_free);
}
