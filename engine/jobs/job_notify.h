/* The step of a job that announces its end (`notify` of a pipeline file). Loop thread. */
#ifndef THUMBWHEEL_JOB_NOTIFY_H
#define THUMBWHEEL_JOB_NOTIFY_H

#include "job.h"

enum step_result step_notify(struct job *job);
/* Whether a job that is about to be rejected announces that first. */
bool job_announces_rejection(const struct job *job);
/* Cancels a pending notification. */
void job_notify_cancel(struct job *job);

#endif
