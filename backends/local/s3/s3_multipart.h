/* Shared by the operations on multipart uploads. Loop thread. */
#ifndef THUMBWHEEL_LOCAL_S3_MULTIPART_H
#define THUMBWHEEL_LOCAL_S3_MULTIPART_H

#include <stdbool.h>
#include <stdint.h>

#include "s3_request.h"

enum { S3_UPLOAD_ID_SIZE = 17 };

void s3_upload_id_write(uint64_t id, char out[S3_UPLOAD_ID_SIZE]);
/* 0: not one of our ids. */
uint64_t s3_upload_id_read(const char *text);

/* Reads the parameters. False: an error was sent. */
bool s3_multipart_upload_id(struct s3_request *request, uint64_t *id);
bool s3_multipart_part_number(struct s3_request *request, unsigned *number);
/* The target of a part. */
struct s3_part_place {
    int64_t bucket;
    uint64_t upload;
    unsigned number;
};
bool s3_multipart_part_place(struct s3_request *request, struct s3_part_place *place);
/* A count such as max-parts, at most and by default `most`; a marker.
 */
bool s3_multipart_number(struct s3_request *request, const char *name, unsigned most,
                         unsigned *number);

/* For the code of a task on an upload, where ERR_NOT_FOUND means NoSuchUpload. */
void s3_multipart_respond_failure(struct s3_request *request, int code, const struct error *error);

#endif
