/*
 * An RSA key of 2048 bits and its self-signed certificate, as two files of a data directory.
 *
 * Source: "Verifying the signatures of Amazon SNS messages" in the SNS Developer Guide. Opening
 * blocks: it reads files, and generating a key takes some tenths of a second. Any thread may sign,
 * also several at once.
 */
#ifndef THUMBWHEEL_LOCAL_SNS_KEY_H
#define THUMBWHEEL_LOCAL_SNS_KEY_H

#include "bytes.h"
#include "error.h"

struct sns_key;

/* Size in base64, including the NUL. */
enum { SNS_SIGNATURE_LENGTH = 344, SNS_SIGNATURE_SIZE = SNS_SIGNATURE_LENGTH + 1 };

/* Reads the files and creates missing ones; only the owner can read the key. ERR_IO, ERR_CORRUPT,
 * ERR_MEMORY. */
int sns_key_open(const char *directory, struct sns_key **out, struct error *error);
void sns_key_close(struct sns_key *key); /* NULL: nothing */

const char *sns_key_certificate(const struct sns_key *key); /* PEM */

/* version 1: SHA1, 2: SHA256. ERR_MEMORY. */
int sns_key_sign(const struct sns_key *key, int version, struct slice text,
                 char out[SNS_SIGNATURE_SIZE]);

#endif
