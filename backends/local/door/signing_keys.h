/*
 * A cache of derived signing keys. Deriving one from its secret takes four HMACs; it is valid for
 * one day, region and service, and nearly all requests use the same few.
 *
 * Keys are wiped when replaced and when freed. Loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_SIGNING_KEYS_H
#define THUMBWHEEL_LOCAL_SIGNING_KEYS_H

#include "sigv4.h"

struct signing_keys;

struct signing_keys *signing_keys_new(void);       /* NULL if memory is short */
void signing_keys_free(struct signing_keys *keys); /* NULL does nothing */

/* Like sigv4_signing_key. keys NULL: no cache. secret is identified by its address, so it must not
 * change or be freed before keys. */
void signing_keys_get(struct signing_keys *keys, const char *secret,
                      const struct sigv4_scope *scope, uint8_t out[SIGV4_KEY_SIZE]);

#endif
