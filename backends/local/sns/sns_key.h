/*
 * An RSA key of 2048 bits and its self-signed certificate, as two files of a data directory.
 *
 * Source: "Verifying the signatures of Amazon SNS messages" in the SNS Developer Guide. Opening
 * blocks: files, and a new key takes some tenths of a second. Signing may be done by any thread,
 * by several at once too.
 */
#ifndef THUMBWHEEL_LOCAL_SNS_KEY_H
#define THUMBWHEEL_LOCAL_SNS_KEY_H

#include "bytes.h"
#include "error.h"

struct sns_key;

/* In base64: exactly so many characters and the end of the text. */
enum { SNS_SIGNATURE_LENGTH = 344, SNS_SIGNATURE_SIZE = SNS_SIGNATURE_LENGTH + 1 };

/* Reads what is there and makes what is not; the key is readable by its owner alone. ERR_IO,
 * ERR_CORRUPT, ERR_MEMORY. */
int sns_key_open(const char *directory, struct sns_key **out, struct error *error);
void sns_key_close(struct sns_key *key); /* NULL: nothing */

const char *sns_key_certificate(const struct sns_key *key); /* PEM */

/* version 1: SHA1, 2: SHA256. ERR_MEMORY. */
int sns_key_sign(const struct sns_key *key, int version, struct slice text,
                 char out[SNS_SIGNATURE_SIZE]);

#endif
