#include "aws_identity.h"

#include <stdlib.h>

#include "aws_private.h"
#include "sts.h"

struct aws_identification {
    struct aws *aws;
    aws_identified *done;
    void *user;
    struct credential_wait wait;
    struct sts_call *call;
    struct credentials *signer; /* NULL while it waits */
};

static void identification_free(struct aws_identification *identification)
{
    credentials_release(identification->signer);
    free(identification);
}

static void finish(struct aws_identification *identification, const struct aws_identity *identity,
                   const struct error *error)
{
    identification->aws->identification = NULL;
    identification->done(identity, error, identification->user);
    identification_free(identification);
}

static void on_caller_identity(struct sts_result *result, const struct error *error, void *user)
{
    struct aws_identification *identification = user;
    const struct aws_identity identity = {.provider = identification->signer->source,
                                          .account = result->account,
                                          .arn = result->arn,
                                          .user_id = result->user_id,
                                          .expires_s = identification->signer->expires_s};
    finish(identification, error->code ? NULL : &identity, error);
}

static void ask(struct aws_identification *identification, struct error *error)
{
    struct aws *aws = identification->aws;
    struct credentials *credentials = credential_chain_use(aws->chain);
    if (!credentials) {
        if (credential_chain_wait(aws->chain, &identification->wait))
            error_set(error, ERR_LIMIT, "too many requests wait for credentials");
        return;
    }
    identification->signer = credentials_retain(credentials);
    sts_get_caller_identity(credential_chain_host(aws->chain), credentials, on_caller_identity,
                            identification, &identification->call, error);
}

static void on_credentials(const struct error *error, void *user)
{
    struct error why = *error;
    if (!why.code)
        ask(user, &why);
    if (why.code)
        finish(user, NULL, &why);
}

int aws_identify(struct aws *aws, aws_identified *done, void *user)
{
    struct error error = {0};
    if (aws->identification)
        return ERR_BUSY;
    struct aws_identification *identification = calloc(1, sizeof *identification);
    if (!identification)
        return ERR_MEMORY;
    *identification = (struct aws_identification){
        .aws = aws, .done = done, .user = user, .wait = {.done = on_credentials}};
    identification->wait.user = identification;
    ask(identification, &error);
    if (error.code) {
        identification_free(identification);
        return error.code;
    }
    aws->identification = identification;
    return 0;
}

void aws_identify_cancel(struct aws *aws)
{
    struct aws_identification *identification = aws->identification;
    if (!identification)
        return;
    aws->identification = NULL;
    credential_wait_cancel(&identification->wait);
    if (identification->call)
        sts_cancel(identification->call);
    identification_free(identification);
}
