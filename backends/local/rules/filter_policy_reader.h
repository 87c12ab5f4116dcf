/*
 * The text of a filter policy, token by token, for the sake of its errors: SNS tells line and
 * column of where its parser (Jackson's, in event-ruler) stood. That parser looks one token ahead
 * behind a key, and of a string it has read the opening quote only until its text is wanted.
 *
 * The text is known to be JSON, so the tokens need no checks of their own.
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
    const char *text, *at; /* at: behind the token */
    const char *stood;     /* where SNS's parser stands */
    enum filter_token token;
    struct slice value; /* of the token, as written; of strings without the quotes */
    char *why;
};

/* ERR_INVALID, with the text and the place in why. */
int filter_fail(const struct filter_reader *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

enum filter_token filter_next(struct filter_reader *r);
/* The token's text was wanted: a string has been read to its end. */
struct slice filter_text(struct filter_reader *r);
double filter_number(const struct filter_reader *r);
bool filter_is(const struct filter_reader *r, const char *word);

#endif
