/* A PostObject request. Loop thread. */
#ifndef THUMBWHEEL_S3_POST_H
#define THUMBWHEEL_S3_POST_H

#include <stdbool.h>
#include <stdint.h>

#include "s3_form.h"
#include "s3_intake.h"
#include "s3_post_policy.h"
#include "signature_check.h"

struct post {
    struct s3_intake intake;
    int64_t bucket;
    enum versioning versioning;
    struct s3_form form;
    bool judged; /* the file has begun */
    struct s3_post_policy policy;
    struct signature_claim signer; /* of the policy */
    struct object object;
};

/* Checks the fields before the file, and takes over key, caller and metadata. An error may have its
 * message in post->policy. */
enum s3_error s3_post_fields_take(struct post *post);

#endif
