/* Finds the key that a request is signed with: a permanent one, a session's, or an account's. */
#include "signature_signer.h"

#include <stdio.h>
#include <string.h>

#include "error.h"

enum { ACCOUNT_DIGITS = 12 };

static const struct access_key *key_find(const struct access_key_list *keys, const char *access_key)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (strcmp(keys->items[i].access_key, access_key) == 0)
            return &keys->items[i];
    }
    return keys->any ? &keys->items[0] : NULL;
}

/* Where any key is accepted, one of twelve digits is an account, as in localstack ("Multi-account
 * setups" in its documentation). */
static const struct access_key *account_of(const struct access_key_list *keys,
                                           struct signature_claim *claim)
{
    struct sts_session *session = &claim->session;
    if (!keys->any || strlen(claim->access_key) != ACCOUNT_DIGITS ||
        strspn(claim->access_key, "0123456789") != ACCOUNT_DIGITS)
        return NULL;
    snprintf(session->access_key, sizeof session->access_key, "%.12s", claim->access_key);
    snprintf(session->user_id, sizeof session->user_id, "%.12s", claim->access_key);
    snprintf(session->arn, sizeof session->arn, "arn:aws:iam::%.12s:root", claim->access_key);
    session->secret_key[0] = '\0';
    session->key = (struct access_key){.access_key = session->access_key,
                                       .secret_key = session->secret_key,
                                       .arn = session->arn,
                                       .user_id = session->user_id,
                                       .is_unverified = true};
    return &session->key;
}

/* A permanent key has no token, and temporary credentials are nothing without theirs. Sources for
 * the errors: "Error responses" in the S3 API Reference (InvalidToken); for an access key without
 * its token, issue 68 of etianen/django-s3-storage. */
enum signature_code signature_signer_find(const struct access_key_list *keys, struct slice token,
                                          int64_t now, struct signature_claim *claim)
{
    const struct access_key *key = key_find(keys, claim->access_key);
    const struct access_key *account = token.size ? NULL : account_of(keys, claim);
    claim->key = account ? account : key;
    if (!token.size)
        return key ? SIGNATURE_OK : SIGNATURE_UNKNOWN_KEY;
    int code = key && !keys->any
                   ? ERR_DENIED
                   : session_open(keys, claim->access_key, token, now, &claim->session);
    if (!code)
        claim->key = &claim->session.key;
    else if (code == ERR_EXPIRED || !keys->any)
        claim->key = NULL;
    else if ((account = account_of(keys, claim))) /* with a token of somewhere else */
        claim->key = account;
    if (code == ERR_EXPIRED)
        return SIGNATURE_TOKEN_EXPIRED;
    return claim->key ? SIGNATURE_OK : SIGNATURE_BAD_TOKEN;
}
