/* The elements of S3's errors about tags. Loop thread. */
#ifndef THUMBWHEEL_LOCAL_S3_TAG_DETAILS_H
#define THUMBWHEEL_LOCAL_S3_TAG_DETAILS_H

#include "s3_request.h"
#include "s3_tags.h"

/* Adds the tag that breaks a rule to the error that follows, and clears *problem. */
void s3_tag_details(struct s3_request *request, struct s3_tag_problem *problem);

#endif
