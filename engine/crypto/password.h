/*
 * Passwords, kept as scrypt hashes (RFC 7914) in the form of the PHC string format:
 * "$scrypt$ln=17,r=8,p=1$SALT$HASH", in base64 without padding. libcrypto's. Each call takes about
 * half a second and 128 MiB, so on a thread of libuv's pool. Any thread.
 */
#ifndef THUMBWHEEL_PASSWORD_H
#define THUMBWHEEL_PASSWORD_H

#include <stdbool.h>

#include "error.h"

enum { PASSWORD_HASH_SIZE = 160, PASSWORD_MAX = 1024 /* bytes */ };

/* ERR_IO: no random bytes; ERR_MEMORY. */
int password_hash(const char *password, char out[PASSWORD_HASH_SIZE], struct error *error);
/* Whether the hash can be compared with: of scrypt, with parameters that take at most 256 MiB. */
bool password_hash_is_valid(const char *hash);
/* False also if memory is short. */
bool password_matches(const char *password, const char *hash);

#endif
