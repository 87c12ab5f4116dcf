/* The labeler that calls Amazon Rekognition's DetectLabels. Loop thread. */
#ifndef THUMBWHEEL_AWS_REKOGNITION_H
#define THUMBWHEEL_AWS_REKOGNITION_H

#include "labeler.h"

extern const struct labeler_ops rekognition_ops; /* of struct aws's member rekognition */

#endif
