/* CORSConfiguration ("PutBucketCors", S3 API Reference): read is a struct cors. Any thread. */
#ifndef THUMBWHEEL_LOCAL_BUCKET_CORS_H
#define THUMBWHEEL_LOCAL_BUCKET_CORS_H

#include "bucket_settings.h"

enum { CORS_RULES_MAX = 100 };

struct cors_texts {
    char **texts;
    size_t count;
};

struct cors_rule {
    struct cors_texts origins; /* "*" in one stands for any text, as in the headers */
    struct cors_texts methods;
    struct cors_texts headers;
    struct cors_texts exposed;
    char *methods_line, *exposed_line; /* as they are answered: "GET, PUT" */
    int max_age_s;                     /* -1: none */
};

struct cors {
    struct cors_rule rules[CORS_RULES_MAX];
    size_t count;
};

bucket_setting_reader bucket_cors_read;
void bucket_cors_free(void *cors);

/* The first rule for an origin and method, and (data NULL: for any) the list of a preflight's
 * Access-Control-Request-Headers; NULL: there is none. *any: it is so for every origin. */
const struct cors_rule *cors_find(const struct cors *cors, struct slice origin, struct slice method,
                                  struct slice headers, bool *any);

#endif
