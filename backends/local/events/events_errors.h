/* The errors of EventBridge. Source: the Errors sections of the EventBridge API Reference. */
#ifndef THUMBWHEEL_EVENTS_ERRORS_H
#define THUMBWHEEL_EVENTS_ERRORS_H

#include "service_error.h"

enum events_code {
    EVENTS_VALIDATION = SERVICE_OWN,
    EVENTS_NOT_FOUND,
    EVENTS_LIMIT_EXCEEDED,
    EVENTS_CONCURRENT,
    EVENTS_EXISTS,
    EVENTS_POLICY_LENGTH,
    EVENTS_ACCESS_DENIED,
    EVENTS_INVALID_PATTERN,
    EVENTS_CODE_COUNT
};

#endif
