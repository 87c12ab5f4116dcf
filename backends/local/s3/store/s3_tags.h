/* Tags of objects and buckets: parsing, rules ("Categorizing your storage using tags", S3 User
 * Guide), and their stored form. Any thread. */
#ifndef THUMBWHEEL_LOCAL_S3_TAGS_H
#define THUMBWHEEL_LOCAL_S3_TAGS_H

#include <stdbool.h>
#include <stddef.h>

#include "bytes.h"
#include "error.h"
#include "s3_xml.h"

/* A tag that breaks a rule. The strings are owned; NULL: they are not part of the error. */
struct s3_tag_problem {
    bool too_many;
    char *key, *value;
};
void s3_tag_problem_clear(struct s3_tag_problem *problem);

/* Parses "a=b&c=d", form-encoded (x-amz-tagging), into the stored form, which is the same but
 * normalised. ERR_INVALID: the message says which rule was broken; ERR_MEMORY. *tags is for
 * free(). */
int s3_tags_from_query(struct slice query, char **tags, struct error *error);
/* Parses a Tagging document with at most `max` tags; ERR_PROTOCOL: not such a document. */
enum { S3_BUCKET_TAGS_MAX = 50 };
int s3_tags_from_xml(struct slice document, size_t max, char **tags, struct s3_tag_problem *problem,
                     struct error *error);
/* The same for the Tag children of an element. */
int s3_tags_from_list(const struct s3_xml_node *list, size_t max, char **tags, struct error *error);
/* Adds the tags of `more` to `tags`, replacing those with the same key; both are stored forms. */
int s3_tags_merge(const char *tags, const char *more, size_t max, char **merged,
                  struct error *error);
/* Removes the tags with these keys. */
int s3_tags_without(const char *tags, const char *const *keys, size_t count, char **left,
                    struct error *error);
/* Appends the content of the TagSet element. */
int s3_tags_to_xml(const char *tags, struct buffer *out);
size_t s3_tags_count(const char *tags);

#endif
