/*
 * Receipt handles: opaque to clients, and forged by none.
 *
 * A handle names one receive of one message: queue, message, the count of that receive, and a keyed
 * digest over them. The key is made once for a data directory and kept there, so that handles
 * survive a restart. Loop thread.
 */
#ifndef THUMBWHEEL_RECEIPT_H
#define THUMBWHEEL_RECEIPT_H

#include <stdint.h>

#include "bytes.h"

enum { RECEIPT_KEY_SIZE = 32, RECEIPT_TEXT_SIZE = 73 };

struct receipt {
    uint64_t queue, message;
    uint64_t nonce;  /* of the message: a number that is given again after a restart is not the same
                        message */
    uint32_t serial; /* which receive */
};

void receipt_write(const uint8_t key[RECEIPT_KEY_SIZE], const struct receipt *receipt,
                   char out[RECEIPT_TEXT_SIZE]);
int receipt_read(const uint8_t key[RECEIPT_KEY_SIZE], struct slice text,
                 struct receipt *out); /* ERR_INVALID */

#endif
