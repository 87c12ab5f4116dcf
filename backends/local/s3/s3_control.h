/*
 * Requests of S3 Control, which has paths of its own ("AWS S3 Control", S3 API Reference) and the
 * account in the host name. Of its operations those on the tags of a resource are implemented,
 * whose paths are /v20180820/tags/arn:aws:s3:::BUCKET. Loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_S3_CONTROL_H
#define THUMBWHEEL_LOCAL_S3_CONTROL_H

#include "s3_request.h"

#define S3_CONTROL_NAMESPACE "http://awss3control.amazonaws.com/doc/2018-08-20/"

/* Recognises such a request by its bucket and key as they were parsed, and replaces them by those
 * of the resource; request->bucket is empty if the resource is no bucket. ERR_MEMORY. */
int s3_control_address(struct s3_request *request);

/* Whether its x-amz-account-id is the signer's; false: an error was sent. */
bool s3_control_check_account(struct s3_request *request);
/* Its errors have another document than those of S3; message NULL: the error's own. */
void s3_control_write_error(const struct s3_request *request, const struct s3_error_facts *facts,
                            const char *message, struct buffer *out);

#endif
