/* Rekognition's operations that are here. */
#ifndef THUMBWHEEL_LOCAL_REKOGNITION_API_H
#define THUMBWHEEL_LOCAL_REKOGNITION_API_H

#include "json11_call.h"

json11_run rekognition_detect_labels;

#endif
