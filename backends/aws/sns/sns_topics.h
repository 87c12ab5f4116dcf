/* The topic service over SNS. Loop thread. */
#ifndef THUMBWHEEL_AWS_SNS_TOPICS_H
#define THUMBWHEEL_AWS_SNS_TOPICS_H

#include "topic_backend.h"

extern const struct topic_backend_ops sns_ops;

#endif
