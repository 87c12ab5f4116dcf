#ifndef THUMBWHEEL_SQS_QUEUE_H
#define THUMBWHEEL_SQS_QUEUE_H

#include "error.h"
#include "queue_backend.h"

/* Checks whether the name, URL or ARN of a queue is valid, without opening it. ERR_INVALID. */
int aws_queue_check(const char *name, struct error *error);
enum queue_relation aws_queue_compare(const char *name, const char *other);

#endif
