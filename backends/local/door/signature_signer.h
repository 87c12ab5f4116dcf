/* The key that a request is signed with. Any thread. */
#ifndef THUMBWHEEL_LOCAL_SIGNATURE_SIGNER_H
#define THUMBWHEEL_LOCAL_SIGNATURE_SIGNER_H

#include <stdint.h>

#include "access_key.h"
#include "bytes.h"
#include "signature_check.h"

/* Sets claim->key, and claim->session if the token, which may be empty, opens one. now: Unix seconds.
 * SIGNATURE_UNKNOWN_KEY, SIGNATURE_BAD_TOKEN, SIGNATURE_TOKEN_EXPIRED. */
enum signature_code signature_signer_find(const struct access_key_list *keys, struct slice token,
                                          int64_t now, struct signature_claim *claim);

#endif
