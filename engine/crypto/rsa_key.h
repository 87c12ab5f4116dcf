/*
 * An RSA key of 2048 bits that signs. libcrypto's.
 *
 * Making one takes some tenths of a second. Any thread; several may sign with one key at once.
 */
#ifndef THUMBWHEEL_RSA_KEY_H
#define THUMBWHEEL_RSA_KEY_H

#include <stdint.h>

#include "bytes.h"
#include "certificate.h"
#include "error.h"
#include "hash.h"

struct rsa_key;

enum { RSA_KEY_BITS = 2048, RSA_SIGNATURE_SIZE = RSA_KEY_BITS / 8 };

/* Writes it as PEM too; wipe that. ERR_IO, with libcrypto's reason. */
int rsa_key_make(struct rsa_key **out, char pem[PEM_SIZE], struct error *error);
/* PKCS #1 or PKCS #8. ERR_CORRUPT: not an unencrypted RSA key of that size. ERR_MEMORY. */
int rsa_key_read(const char *pem, struct rsa_key **out);
void rsa_key_free(struct rsa_key *key); /* NULL: does nothing */

/* PKCS #1 v1.5 over SHA-1 or SHA-256. ERR_MEMORY. */
int rsa_key_sign(const struct rsa_key *key, enum hash_kind digest, struct slice text,
                 uint8_t out[RSA_SIGNATURE_SIZE]);

#endif
