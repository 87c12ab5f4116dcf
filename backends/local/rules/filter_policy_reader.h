/*
 * Reads the text of a filter policy or an event pattern token by token, for its error messages: SNS
 * and EventBridge report the line and column of their parser (Jackson, in event-ruler). That parser reads one token ahead after a
 * key, and only the opening quote of a string until its text is requested.
 *
 * The text is known to be valid JSON, so the tokens need no checks.
 */
#ifndef THUMBWHEEL_LOCAL_FILTER_POLICY_READER_H
#define THUMBWHEEL_LOCAL_FILTER_POLICY_READER_H

#include <stdbool.h>

#include "bytes.h"

enum filter_token {
    TOKEN_END,
    TOKEN_OBJECT,
    TOKEN_OBJECT_END,
    TOKEN_ARRAY,
    TOKEN_ARRAY_END,
    TOKEN_KEY,
    TOKEN_STRING,
    TOKEN_NUMBER,
    TOKEN_TRUE,
    TOKEN_FALSE,
    TOKEN_NULL,
};

struct filter_reader {
    const char *text, *at; /* at: the position after the token */
    const char *stood;     /* the position of the service's parser */
    enum filter_token token;
    struct slice value; /* of the token, as written; strings without their quotes */
    double number_max;  /* of the service */
    char *why;
};

/* ERR_INVALID, with the message and the position in why. */
int filter_fail(const struct filter_reader *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

enum filter_token filter_next(struct filter_reader *r);
/* Called when the token's text is used: the service's parser has then read a string to its end. */
struct slice filter_text(struct filter_reader *r);
double filter_number(const struct filter_reader *r);
bool filter_is(const struct filter_reader *r, const char *word);

#endif
