/* Conditional deletes: what a request says that the deleted object is ("How to perform conditional
 * deletes", S3 User Guide). Loop thread. */
#ifndef THUMBWHEEL_LOCAL_S3_DELETE_CONDITION_H
#define THUMBWHEEL_LOCAL_S3_DELETE_CONDITION_H

#include "objects.h"
#include "s3_request.h"
#include "s3_xml.h"

struct s3_delete_condition { /* zeroed: none */
    bool given;
    struct object_expectation expected;
    char *etag; /* what expected.etag refers to */
};

/* Reads If-Match, x-amz-if-match-size and x-amz-if-match-last-modified-time. S3_OK, or an error
 * with a message for the response (static; NULL: the default). */
enum s3_error s3_delete_condition_read(const struct s3_request *request,
                                       struct s3_delete_condition *out, const char **message);
/* Reads ETag, Size and LastModifiedTime of an Object in a Delete document. */
enum s3_error s3_delete_condition_read_entry(const struct s3_xml_node *entry,
                                             struct s3_delete_condition *out, const char **message);
void s3_delete_condition_clear(struct s3_delete_condition *condition);

#endif
