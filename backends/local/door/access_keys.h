/*
 * Reads access keys from a file in the format of ~/.aws/credentials, so that clients can use the
 * same file: each section is a user of that name with one key.
 *
 *     [alice]
 *     aws_access_key_id = AKIAALICE
 *     aws_secret_access_key = …
 *
 * Other settings of a section are ignored. Secrets are wiped before they are freed and never
 * logged. Immutable once open, except for the cached signing keys: loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_ACCESS_KEYS_H
#define THUMBWHEEL_LOCAL_ACCESS_KEYS_H

#include "error.h"
#include "signature_check.h"

enum { KEYS_MAX = 1000, ACCESS_KEYS_FILE_MAX = 1024 * 1024 };

struct access_keys;

/* Any credentials: instead of a file's path. The signatures are not checked. */
#define ACCESS_KEYS_ANY "any"

/* Blocking, at start. path NULL: one key, that of the account itself. A section "root" is the
 * account itself, too. ERR_INVALID: the message
 * names the file, the line and the mistake. */
int access_keys_open(const char *path, const char *account, const struct access_key *fallback,
                     struct access_keys **out, struct error *error);
void access_keys_close(struct access_keys *keys); /* NULL does nothing */

void access_keys_refuse_version2(struct access_keys *keys);
const struct access_key_list *access_keys_all(const struct access_keys *keys);

#endif
