#include "broker_part.h"

#include <stdlib.h>
#include <string.h>

#include "secret.h"
#include "secret_file.h"

struct broker_waiting {
    bool here;
    char *password;
    struct error error;
};

static bool is_here(void *user)
{
    return ((struct broker_waiting *)user)->here;
}

static int interrupted(struct error *error)
{
    return error_set(error, ERR_CANCELLED,
                     "interrupted; what was done stays, and the same command continues");
}

/* ---- the plan ---- */

static void on_done(const struct error *error, void *user)
{
    struct broker_waiting *waiting = user;
    waiting->error = *error;
    waiting->here = true;
}

int broker_part_run(struct service *service, const struct provision_run *run, struct error *error)
{
    const struct assembly *assembly = service->assembly;
    const struct config *config = service->config;
    const struct provision_broker_access access = {
        .api = config->broker.api,
        .password_file = config->broker.api_password_file ? config->broker.api_password_file
                                                          : config->backend.amqp.password_file};
    struct broker_waiting waiting = {0};
    void *pending;
    int code = assembly->broker_provision(&service->loop, service->http, &access, run, on_done,
                                          &waiting, &pending, error);
    if (code)
        return code;
    if (!service_wait(service, is_here, &waiting)) {
        assembly->broker_provision_cancel(pending);
        return interrupted(error);
    }
    *error = waiting.error;
    return error->code;
}

/* ---- the password ---- */

static void on_password(char *text, const struct error *error, void *user)
{
    struct broker_waiting *waiting = user;
    waiting->error = *error;
    waiting->here = true;
    if (!text)
        return;
    waiting->password = strdup(text);
    if (!waiting->password)
        error_set(&waiting->error, ERR_MEMORY, "out of memory");
}

static bool needs_password(const struct provision_plan *plan)
{
    return plan->settings.store == PROVISION_STORE_CEPH && strchr(plan->settings.events_to, '@');
}

int broker_part_password(struct service *service, const struct provision_plan *plan, char **out,
                         struct error *error)
{
    const struct config *config = service->config;
    const char *path = config->broker.events_password_file ? config->broker.events_password_file
                                                           : config->backend.amqp.password_file;
    struct broker_waiting waiting = {0};
    struct secret_read *reading;
    *out = NULL;
    if (!needs_password(plan))
        return 0;
    if (!path)
        return error_set(error, ERR_INVALID,
                         "the store needs the password of the user in %s: name a file that "
                         "contains it with --events-password-file",
                         plan->settings.events_to);
    int code = secret_read_start(&service->loop, path, on_password, &waiting, &reading, error);
    if (code)
        return code;
    service_finish(service, is_here, &waiting); /* soon: it is a small file */
    *out = waiting.password;
    *error = waiting.error;
    return error->code;
}

void broker_part_forget(char *password)
{
    if (password)
        secret_wipe(password, strlen(password));
    free(password);
}
