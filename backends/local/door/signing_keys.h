/*
 * A cache of derived signing keys. Deriving one from its secret takes four HMACs; it is valid for a
 * day, a region and a service, and nearly all requests use the same few.
 *
 * Keys are wiped when another takes their place and at the end. Loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_SIGNING_KEYS_H
#define THUMBWHEEL_LOCAL_SIGNING_KEYS_H

#include "sigv4.h"

struct signing_keys;

struct signing_keys *signing_keys_new(void);       /* NULL without memory */
void signing_keys_free(struct signing_keys *keys); /* NULL does nothing */

/* As sigv4_signing_key. keys NULL: nothing is kept. secret is told apart by its address, so it
 * lives and stays the same as long as keys does. */
void signing_keys_get(struct signing_keys *keys, const char *secret,
                      const struct sigv4_scope *scope, uint8_t out[SIGV4_KEY_SIZE]);

#endif
