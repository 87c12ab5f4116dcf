#include "credential_provider.h"

#include <time.h>

void credential_get_end(struct credential_get *get, struct credentials *credentials,
                        const struct error *error)
{
    get->operation = NULL;
    get->done(credentials, error, get->user);
}

void credential_get_cancel(struct credential_get *get)
{
    if (!get->operation)
        return;
    void *operation = get->operation;
    get->operation = NULL;
    get->cancel(operation);
}

int64_t credential_now(const struct credential_host *host)
{
    return (int64_t)time(NULL) + *host->clock_offset;
}
