/* What the files with a job's steps (job_steps.c, label_steps.c) share. Loop thread. */
#ifndef THUMBWHEEL_JOB_ACCESS_H
#define THUMBWHEEL_JOB_ACCESS_H

#include "delivery.h"
#include "job.h"

static inline const struct pipeline_ops *ops_of(const struct job *job)
{
    return job->msg.runner->options.pipeline_ops;
}

static inline struct object_store *store_of(const struct job *job)
{
    return job->msg.runner->options.store;
}

static inline struct render_item *item_of(struct job *job)
{
    return &job->work.claim.item;
}

static inline struct object_name source_name(const struct job *job)
{
    const struct envelope_record *record = job->msg.record;
    return (struct object_name){record->bucket, record->key, record->version,
                                &job->msg.delivery->trace};
}

static inline void record_error(struct job *job, const struct error *error)
{
    if (error->code && !job->loop.error.code)
        job->loop.error = *error;
}

static inline const char *pipeline_name(const struct job *job)
{
    return ops_of(job)->facts(job->msg.pipeline)->name;
}

/* ---- job_outputs.c ---- */
/* Ends a job whose outputs would be older than those that exist. */
enum step_result job_skip_older(struct job *job);
/* Sets what all outputs of a job have in common. */
void job_output_prepare(struct job *job, struct upload *upload);
/* The result of a step whose outputs have been written or have failed. */
enum step_result job_written(struct job *job);

/* ---- label_steps.c ---- */
enum step_result step_label(struct job *job);
enum step_result step_compare(struct job *job);
enum step_result step_describe(struct job *job);
enum step_result step_tag(struct job *job);

#endif
