/*
 * Credentials: an immutable, reference-counted snapshot. Its secrets are wiped with the last
 * reference. The counter is not atomic: once shared, a snapshot stays on the loop thread.
 */
#ifndef THUMBWHEEL_AWS_CREDENTIALS_H
#define THUMBWHEEL_AWS_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

struct credentials {
    unsigned references;
    char *access_key;
    char *secret_key;
    char *session_token; /* NULL: long-lived keys */
    const char *source;  /* the provider's name, static */
    int64_t expires_s;   /* Unix time; 0: never */
};

/* One reference, for the caller. Texts are copied; session_token may be NULL. NULL: out of
 * memory. */
struct credentials *credentials_new(const char *access_key, const char *secret_key,
                                    const char *session_token, const char *source);
struct credentials *credentials_retain(struct credentials *credentials);
void credentials_release(struct credentials *credentials); /* NULL does nothing */
/* The same keys. NULL differs from everything. */
bool credentials_equal(const struct credentials *a, const struct credentials *b);

/* Wipes and frees a secret text; NULL does nothing. */
void secret_free(char *text);

#endif
