#include "instance_region.h"

#include <string.h>
#include <uv.h>

#include "credential_plan.h"
#include "endpoint.h"
#include "http_client.h"
#include "imds.h"

struct inquiry {
    struct http_client *http;
    char *region;
    struct error error;
};

static void on_region(const char *region, const struct error *error, void *user)
{
    struct inquiry *inquiry = user;
    inquiry->error = *error;
    inquiry->region = region ? strdup(region) : NULL;
}

static int ask(uv_loop_t *loop, const struct credential_plan *plan, struct inquiry *inquiry)
{
    static const struct endpoints endpoints;
    static const int64_t no_offset;
    const struct http_client_options options = {0};
    int code = http_client_create(loop, &options, &inquiry->http, &inquiry->error);
    if (code)
        return code;
    const struct credential_host host = {.loop = loop,
                                         .http = inquiry->http,
                                         .region = "",
                                         .endpoints = &endpoints,
                                         .clock_offset = &no_offset};
    struct instance *pending = NULL;
    code = imds_region(&host, plan, on_region, inquiry, &pending, &inquiry->error);
    while (!code && !inquiry->region && !inquiry->error.code && uv_run(loop, UV_RUN_ONCE))
        ;
    http_client_close(inquiry->http, NULL, NULL);
    uv_run(loop, UV_RUN_DEFAULT);
    return code;
}

char *instance_region(const struct profile *profile, struct error *error)
{
    struct credential_plan plan = {0};
    struct inquiry inquiry = {0};
    uv_loop_t loop;
    if (plan_instance(&plan, profile, error) == 0 && uv_loop_init(&loop) == 0) {
        ask(&loop, &plan, &inquiry);
        uv_loop_close(&loop);
        *error = inquiry.error;
    }
    credential_plan_free(&plan);
    return inquiry.region;
}
