/* The supported operations of Rekognition. */
#ifndef THUMBWHEEL_LOCAL_REKOGNITION_API_H
#define THUMBWHEEL_LOCAL_REKOGNITION_API_H

#include "cloud_service.h"
#include "json_call.h"

json_call_run rekognition_detect_labels;

extern const struct cloud_service cloud_rekognition;

#endif
