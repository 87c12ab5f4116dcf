/*
 * Receipt handles: opaque to clients and impossible to forge.
 *
 * A handle identifies one receive of one message: queue, message, receive count, and an HMAC over
 * them. The key is created once per data directory and stored there, so that handles survive a
 * restart. Loop thread.
 */
#ifndef THUMBWHEEL_RECEIPT_H
#define THUMBWHEEL_RECEIPT_H

#include <stdint.h>

#include "bytes.h"

enum { RECEIPT_KEY_SIZE = 32, RECEIPT_TEXT_SIZE = 73 };

struct receipt {
    uint64_t queue, message;
    /* of the message: distinguishes messages whose number was reused after a restart */
    uint64_t nonce;
    uint32_t serial; /* which receive */
};

void receipt_write(const uint8_t key[RECEIPT_KEY_SIZE], const struct receipt *receipt,
                   char out[RECEIPT_TEXT_SIZE]);
int receipt_read(const uint8_t key[RECEIPT_KEY_SIZE], struct slice text,
                 struct receipt *out); /* ERR_INVALID */

#endif
