/* CORSConfiguration ("PutBucketCors", S3 API Reference): parsed into a struct cors. Any thread. */
#ifndef THUMBWHEEL_LOCAL_BUCKET_CORS_H
#define THUMBWHEEL_LOCAL_BUCKET_CORS_H

#include "bucket_settings.h"

enum { CORS_RULES_MAX = 100 };

struct cors_texts {
    char **texts;
    size_t count;
};

struct cors_rule {
    struct cors_texts origins; /* "*" matches any text, also in the headers */
    struct cors_texts methods;
    struct cors_texts headers;
    struct cors_texts exposed;
    char *methods_line, *exposed_line; /* in the format of the response: "GET, PUT" */
    int max_age_s;                     /* -1: none */
};

struct cors {
    struct cors_rule rules[CORS_RULES_MAX];
    size_t count;
};

bucket_setting_reader bucket_cors_read;
void bucket_cors_free(void *cors);

/* The first rule for an origin, a method and the list in a preflight's
 * Access-Control-Request-Headers (data NULL: any); NULL: none. *any: the rule applies to every
 * origin. */
const struct cors_rule *cors_find(const struct cors *cors, struct slice origin, struct slice method,
                                  struct slice headers, bool *any);

#endif
