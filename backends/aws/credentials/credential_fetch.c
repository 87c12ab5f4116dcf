#include "credential_fetch.h"

static credential_provider *const providers[CREDENTIAL_KINDS] = {
    [CREDENTIAL_WEB_IDENTITY] = web_identity_get,
    [CREDENTIAL_PROCESS] = process_get,
    [CREDENTIAL_SSO] = sso_get,
    [CREDENTIAL_CONTAINER] = container_get,
    [CREDENTIAL_INSTANCE] = instance_get,
};

static void finish(struct credential_fetch *fetch, struct credentials *credentials,
                   const struct error *error)
{
    credential_got *done = fetch->done;
    void *user = fetch->user;
    *fetch = (struct credential_fetch){0};
    done(credentials, error, user);
}

static int next(struct credential_fetch *fetch, const struct credentials *credentials,
                struct error *error);

static void got(struct credential_fetch *fetch, struct credentials *credentials,
                const struct error *error)
{
    struct error why = *error;
    if (!credentials || fetch->next_role == fetch->plan->role_count) {
        finish(fetch, credentials, &why);
        return;
    }
    int code = next(fetch, credentials, &why);
    credentials_release(credentials);
    if (code)
        finish(fetch, NULL, &why);
}

static void on_assumed(struct sts_result *result, const struct error *error, void *user)
{
    struct credential_fetch *fetch = user;
    struct credentials *credentials = result->credentials;
    result->credentials = NULL;
    fetch->call = NULL;
    got(fetch, credentials, error);
}

/* Assumes the next role with these. */
static int next(struct credential_fetch *fetch, const struct credentials *credentials,
                struct error *error)
{
    const struct credential_role *role = &fetch->plan->roles[fetch->next_role++];
    return sts_assume_role(fetch->host, role, credentials, NULL, on_assumed, fetch, &fetch->call,
                           error);
}

static void on_got(struct credentials *credentials, const struct error *error, void *user)
{
    got(user, credentials, error);
}

int credential_fetch_start(struct credential_fetch *fetch, const struct credential_host *host,
                           const struct credential_plan *plan, credential_got *done, void *user,
                           struct error *error)
{
    *fetch = (struct credential_fetch){.host = host,
                                       .plan = plan,
                                       .get = {.done = on_got, .user = fetch},
                                       .next_role = plan->kind == CREDENTIAL_WEB_IDENTITY ? 1 : 0,
                                       .done = done,
                                       .user = user};
    if (plan->kind == CREDENTIAL_KEYS)
        return next(fetch, plan->keys, error);
    return providers[plan->kind](host, plan, &fetch->get, error);
}

void credential_fetch_cancel(struct credential_fetch *fetch)
{
    credential_get_cancel(&fetch->get);
    if (fetch->call)
        sts_cancel(fetch->call);
    *fetch = (struct credential_fetch){0};
}
