/* The JSON Web Token (RFC 7519) of a web identity. Its signature is not verified: the embedded cloud
 * knows no identity provider. Any thread. */
#ifndef THUMBWHEEL_IDENTITY_TOKEN_H
#define THUMBWHEEL_IDENTITY_TOKEN_H

#include <jansson.h>

/* Its claims, with a number exp and the text sub; the caller owns the tree. NULL: it is none. */
json_t *identity_token_read(const char *token);

#endif
