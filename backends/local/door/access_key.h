/* An access key and whose it is. */
#ifndef THUMBWHEEL_LOCAL_ACCESS_KEY_H
#define THUMBWHEEL_LOCAL_ACCESS_KEY_H

#include <stdbool.h>
#include <stddef.h>

struct signing_keys;

struct access_key { /* borrowed */
    const char *access_key, *secret_key;
    const char *arn;              /* its user: arn:aws:iam::ACCOUNT:user/NAME or …:root */
    const char *user_id;          /* the id in STS and events: AIDA…, or the account number */
    struct signing_keys *signing; /* cache of derived keys; NULL: none */
    bool is_temporary;            /* of a session (session_tokens.h) */
    bool is_unverified;           /* its signatures are not checked */
};

enum { ACCESS_KEY_ACCOUNT_SIZE = 13 };

/* The account of the key: twelve digits of its ARN. */
void access_key_account(const struct access_key *key, char out[ACCESS_KEY_ACCOUNT_SIZE]);

struct access_key_list {
    const struct access_key *items;
    size_t count;
    bool no_version2; /* Signature Version 2 is refused */
    bool any;         /* the first one also stands for every other access key, without a check */
};

#endif
