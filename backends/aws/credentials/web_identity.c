/*
 * Web identity: the token in a file, which EKS and other identity providers renew, is exchanged for
 * the credentials of a role. The file is read each time. Source: botocore 1.29, credentials.py
 * (AssumeRoleWithWebIdentityProvider).
 */
#include <stdlib.h>

#include "credential_provider.h"
#include "secret_file.h"
#include "sts.h"

struct web_identity {
    const struct credential_host *host;
    const struct credential_plan *plan;
    struct credential_get *get;
    struct secret_read *read; /* one of the two is under way */
    struct sts_call *call;
};

static void cancel(void *operation)
{
    struct web_identity *identity = operation;
    if (identity->read)
        secret_read_cancel(identity->read);
    if (identity->call)
        sts_cancel(identity->call);
    free(identity);
}

static void finish(struct web_identity *identity, struct credentials *credentials,
                   const struct error *error)
{
    struct credential_get *get = identity->get;
    free(identity);
    credential_get_end(get, credentials, error);
}

static void on_assumed(struct sts_result *result, const struct error *error, void *user)
{
    struct credentials *credentials = result->credentials;
    result->credentials = NULL;
    finish(user, credentials, error);
}

static void on_token(char *token, const struct error *error, void *user)
{
    struct web_identity *identity = user;
    struct error why = *error;
    identity->read = NULL;
    if (!token) {
        error_prefix(&why, "the web identity token");
    } else if (sts_assume_role(identity->host, &identity->plan->roles[0], NULL, token, on_assumed,
                               identity, &identity->call, &why) == 0) {
        return;
    }
    finish(identity, NULL, &why);
}

int web_identity_get(const struct credential_host *host, const struct credential_plan *plan,
                     struct credential_get *get, struct error *error)
{
    struct web_identity *identity = calloc(1, sizeof *identity);
    if (!identity)
        return error_set(error, ERR_MEMORY, "out of memory");
    identity->host = host;
    identity->plan = plan;
    identity->get = get;
    int code = secret_read_start(host->loop, plan->texts[PLAN_TOKEN_FILE], on_token, identity,
                                 &identity->read, error);
    if (code) {
        free(identity);
        return code;
    }
    get->cancel = cancel;
    get->operation = identity;
    return 0;
}
