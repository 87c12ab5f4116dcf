/* The step of a job that announces its end (`notify` of a pipeline file). Loop thread. */
#ifndef THUMBWHEEL_JOB_NOTIFY_H
#define THUMBWHEEL_JOB_NOTIFY_H

#include "job.h"

enum step_result step_notify(struct job *job);

#endif
