/*
 * The access keys of a file in the form of ~/.aws/credentials, so that a client can be given the
 * same file: each section is a user of that name with one key.
 *
 *     [alice]
 *     aws_access_key_id = AKIAALICE
 *     aws_secret_access_key = …
 *
 * Other settings of a section are none of ours and skipped. Secrets are wiped before they are freed
 * and never told. Immutable once open, but for the signing keys
 * that checking signatures leaves behind: loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_ACCESS_KEYS_H
#define THUMBWHEEL_LOCAL_ACCESS_KEYS_H

#include "error.h"
#include "signature_check.h"

enum { KEYS_MAX = 1000, ACCESS_KEYS_FILE_MAX = 1024 * 1024 };

struct access_keys;

/* Blocking, at start. path NULL: one key, of the account itself. ERR_INVALID: the text says file,
 * line and what is wrong. */
int access_keys_open(const char *path, const char *account, const struct access_key *fallback,
                     struct access_keys **out, struct error *error);
void access_keys_close(struct access_keys *keys); /* NULL does nothing */

const struct access_key_list *access_keys_all(const struct access_keys *keys);

#endif
