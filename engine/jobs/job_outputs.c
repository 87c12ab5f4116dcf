/* What the steps that store something have in common. */
#include "job_access.h"
#include "log.h"

enum step_result job_skip_older(struct job *job)
{
    render_item_clear(item_of(job)); /* none of it is stored */
    log_info("event skipped: the outputs of a newer event are stored",
             LOG_TEXT("pipeline", pipeline_name(job)), LOG_TEXT("bucket", job->msg.record->bucket),
             LOG_TEXT("key", job->msg.record->key), LOG_TRACE(&job->msg.delivery->trace),
             LOG_TEXT("sequencer", job->msg.record->sequencer));
    job->msg.runner->stats.superseded++;
    return STEP_DONE;
}

void job_output_prepare(struct job *job, struct upload *upload)
{
    upload->job = job;
    upload->output.store = store_of(job);
    upload->output.record = job->msg.record;
    upload->output.pipeline = pipeline_name(job);
    upload->output.source_etag = source_etag(&job->work.claim);
}

enum step_result job_written(struct job *job)
{
    if (job->loop.error.code)
        return STEP_FAIL;
    return job->loop.superseded ? job_skip_older(job) : STEP_NEXT;
}
