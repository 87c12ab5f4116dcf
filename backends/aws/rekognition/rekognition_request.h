/* The body of a DetectLabels request (AWS JSON 1.1; "DetectLabels", Rekognition API Reference). */
#ifndef THUMBWHEEL_REKOGNITION_REQUEST_H
#define THUMBWHEEL_REKOGNITION_REQUEST_H

#include "bytes.h"
#include "labeler.h"

/* image: sent in base64; empty: the object is named instead, with its version if one is known.
 * ERR_MEMORY; ERR_LIMIT: the image is larger than REKOGNITION_BYTES_MAX. */
int rekognition_request_write(const struct label_input *input, struct slice image,
                              struct buffer *out);

#endif
