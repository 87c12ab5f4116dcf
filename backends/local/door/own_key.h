/*
 * The embedded cloud's own access key, that of its account. Its secret is random, one for each data
 * directory, in a file there that has the format of ~/.aws/credentials, so that clients can use it
 * as it is (AWS_SHARED_CREDENTIALS_FILE). Blocking, at start.
 */
#ifndef THUMBWHEEL_LOCAL_OWN_KEY_H
#define THUMBWHEEL_LOCAL_OWN_KEY_H

#include "error.h"

#define OWN_KEY_FILE "credentials" /* in the data directory; mode 0600 */

struct own_key { /* clear it with own_key_clear */
    char access_key[129], secret_key[129];
};

/* Reads the file, or makes it with a new secret. ERR_INVALID: the file is damaged, and the message
 * says what to do; ERR_IO. */
int own_key_open(const char *data_directory, struct own_key *out, struct error *error);
void own_key_clear(struct own_key *key);

#endif
