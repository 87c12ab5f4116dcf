/* AWS credentials, from a chain of providers. */
#ifndef THUMBWHEEL_AWS_CREDENTIALS_H
#define THUMBWHEEL_AWS_CREDENTIALS_H

#include "error.h"
#include "profile.h"

struct backend_settings;

struct credentials {
    char *access_key;
    char *secret_key;
    char *session_token; /* NULL: long-lived keys */
    const char *source;  /* the provider's name, static */
};

/* Takes the credentials from the first provider of the chain that has any. ERR_DENIED: none has;
 * the message lists the places searched. */
int credentials_find(struct credentials *out, const struct backend_settings *options,
                     const struct profile *profile, struct error *error);
/* They came from one of the two files, which may change later. */
bool credentials_are_of_file(const struct credentials *credentials);
void credentials_free(struct credentials *credentials); /* wipes */

#endif
