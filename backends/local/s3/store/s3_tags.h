/* Tags of objects and buckets: parsing, rules ("Categorizing your storage using tags", S3 User
 * Guide), and the form they are kept in. Any thread. */
#ifndef THUMBWHEEL_LOCAL_S3_TAGS_H
#define THUMBWHEEL_LOCAL_S3_TAGS_H

#include <stddef.h>

#include "bytes.h"
#include "error.h"

/* From "a=b&c=d", form-encoded (x-amz-tagging), to the kept form, which is the same with one way of
 * writing. ERR_INVALID with a text that says which rule was broken; ERR_MEMORY. *tags is for
 * free(). */
int s3_tags_from_query(struct slice query, char **tags, struct error *error);
/* From a Tagging document of at most `max` tags; ERR_PROTOCOL where it is no such document. */
enum { S3_BUCKET_TAGS_MAX = 50 };
int s3_tags_from_xml(struct slice document, size_t max, char **tags, struct error *error);
/* Appends the TagSet element's content. */
int s3_tags_to_xml(const char *tags, struct buffer *out);
size_t s3_tags_count(const char *tags);

#endif
