/*
 * The calls of AWS Security Token Service. Source: its API reference, version 2011-06-15, and the
 * service model in botocore 1.29 (data/sts/2011-06-15). Loop thread.
 */
#ifndef THUMBWHEEL_AWS_STS_H
#define THUMBWHEEL_AWS_STS_H

#include "credential_provider.h"

enum { STS_TEXT_SIZE = 256 };

struct sts_result {
    struct credentials *credentials; /* NULL: the call returns none; the callback may take it */
    char account[STS_TEXT_SIZE], arn[STS_TEXT_SIZE], user_id[STS_TEXT_SIZE];
};

/* The result is valid only if error->code is 0. */
typedef void sts_done(struct sts_result *result, const struct error *error, void *user);

struct sts_call;

/* AssumeRole as the signer; without one, AssumeRoleWithWebIdentity with the token. */
int sts_assume_role(const struct credential_host *host, const struct credential_role *role,
                    const struct credentials *signer, const char *token, sts_done *done, void *user,
                    struct sts_call **out, struct error *error);
int sts_get_caller_identity(const struct credential_host *host, const struct credentials *signer,
                            sts_done *done, void *user, struct sts_call **out, struct error *error);
void sts_cancel(struct sts_call *call);

#endif
