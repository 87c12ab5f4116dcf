/* The supported operations and the errors of Rekognition. */
#ifndef THUMBWHEEL_LOCAL_REKOGNITION_API_H
#define THUMBWHEEL_LOCAL_REKOGNITION_API_H

#include "cloud_service.h"
#include "detector.h"
#include "label_filter.h"
#include "service_call.h"

enum rekognition_code {
    REKOGNITION_INVALID_PARAMETER = SERVICE_OWN,
    REKOGNITION_INVALID_OBJECT,
    REKOGNITION_IMAGE_TOO_LARGE,
    REKOGNITION_INVALID_IMAGE,
    REKOGNITION_CODE_COUNT
};

struct detect_call {
    struct service_call call; /* first */
    struct detection detection;
    struct label_filter filter;
};

service_run rekognition_detect_labels;
/* The peer is gone: cancels what it waits for. */
void rekognition_detect_labels_ended(struct service_call *call, bool completed);

extern const struct cloud_service cloud_rekognition;

#endif
