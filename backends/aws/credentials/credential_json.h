/* Credentials in the JSON of containers, instances and processes. Any thread. */
#ifndef THUMBWHEEL_AWS_CREDENTIAL_JSON_H
#define THUMBWHEEL_AWS_CREDENTIAL_JSON_H

#include <jansson.h>

#include "bytes.h"
#include "credentials.h"
#include "error.h"

/* An object; NULL: the text is none. Wipe it with secret_json_free. */
json_t *secret_json_read(struct slice text);
/* Wipes each text in it, then drops the reference; NULL does nothing. */
void secret_json_free(json_t *object);

/* AccessKeyId, SecretAccessKey, the session token under its name, Expiration. The token and the
 * expiration may be absent unless they are required. ERR_PROTOCOL: the text says what is missing;
 * it never quotes the document. */
int credentials_of_json(const json_t *object, const char *token_name, bool expires,
                        const char *source, struct credentials **out, struct error *error);

#endif
