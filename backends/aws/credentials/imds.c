/*
 * The metadata service of an EC2 instance, version 2: a token by PUT, then the name of the
 * instance's role, then the role's credentials. There is no fallback to version 1, which any
 * request forged from within the machine could use. Sources: botocore 1.29, utils.py
 * (IMDSFetcher, InstanceMetadataFetcher); "Use IMDSv2", EC2 User Guide.
 */
#include "imds.h"

#include <stdlib.h>
#include <string.h>

#include "credential_call.h"
#include "credential_json.h"

enum { TIMEOUT_MS = 1000, ATTEMPTS = 3, TOKEN_ATTEMPTS = 2, TEXT_MAX = 1024 };

#define TOKEN_TTL_SECONDS "21600"
#define ROLES_PATH        "/latest/meta-data/iam/security-credentials/"

static const char who[] = "the instance metadata service";

enum instance_step { STEP_TOKEN, STEP_ROLE, STEP_CREDENTIALS, STEP_REGION };

struct instance {
    const struct credential_host *host;
    const struct credential_plan *plan;
    bool reached;               /* it has returned a token: there is such a service */
    struct credential_get *get; /* for credentials */
    imds_region_done *region_done;
    void *region_user;
    struct credential_call *call;
    enum instance_step step;
    char *token;
};

static void on_response(const struct http_response *response, void *user);

static void instance_free(struct instance *instance)
{
    secret_free(instance->token);
    free(instance);
}

static void cancel(void *operation)
{
    struct instance *instance = operation;
    credential_call_cancel(instance->call);
    instance_free(instance);
}

static void finish(struct instance *instance, struct credentials *credentials,
                   const struct error *error)
{
    struct credential_get *get = instance->get;
    struct error why = *error;
    if (why.code && instance->plan->last_resort) {
        if (!instance->reached && (why.code == ERR_TIMEOUT || why.code == ERR_NETWORK))
            why.code = ERR_CREDENTIALS; /* there may be no such service: this is no instance */
        error_prefix(&why, "no AWS credentials found in the environment, in ~/.aws or for a "
                           "container, and none from the instance");
    }
    instance_free(instance);
    credential_get_end(get, credentials, &why);
}

static void finish_region(struct instance *instance, const char *region, const struct error *error)
{
    instance->region_done(region, error, instance->region_user);
    instance_free(instance);
}

static void fail(struct instance *instance, const struct error *error)
{
    if (instance->get)
        finish(instance, NULL, error);
    else
        finish_region(instance, NULL, error);
}

/* ---- requests ---- */

static int ask(struct instance *instance, enum instance_step step, const char *path,
               struct error *error)
{
    const bool token = step == STEP_TOKEN;
    const struct http_header header = {token ? "x-aws-ec2-metadata-token-ttl-seconds"
                                             : "x-aws-ec2-metadata-token",
                                       token ? TOKEN_TTL_SECONDS : instance->token};
    struct buffer url;
    buffer_init(&url, TEXT_MAX);
    const struct credential_plan *plan = instance->plan;
    const char *base = plan->texts[PLAN_URL];
    size_t size = strlen(base);
    while (size && base[size - 1] == '/')
        size--;
    int code = buffer_append(&url, base, size);
    if (code)
        goto out;
    code = buffer_text(&url, path);
    if (code)
        goto out;
    const struct credential_request request = {
        .method = token ? "PUT" : "GET",
        .url = url.data,
        .headers = &header,
        .header_count = 1,
        .timeout_ms = plan->timeout_s ? plan->timeout_s * 1000 : TIMEOUT_MS,
        .attempts = plan->attempts ? plan->attempts
                    : token        ? TOKEN_ATTEMPTS
                                   : ATTEMPTS,
        .done = on_response,
        .user = instance};
    instance->step = step;
    code = credential_call_start(instance->host, &request, &instance->call);
out:
    buffer_free(&url);
    return code ? error_set(error, code, "%s: %s", who, error_name(code)) : 0;
}

/* ---- the responses ---- */

static int token_error(const struct http_response *response, struct error *error)
{
    if (response->error == ERR_TIMEOUT)
        return error_set(error, ERR_TIMEOUT,
                         "%s did not respond to the token request; in a container this usually "
                         "means that the instance's hop limit is 1: set it to 2 (aws ec2 "
                         "modify-instance-metadata-options --http-put-response-hop-limit 2)",
                         who);
    if (response->error || response->status == 429 || response->status >= 500)
        return credential_response_error(response, ERR_CREDENTIALS, who, error);
    if (response->status == 403)
        return error_set(error, ERR_CREDENTIALS, "%s is disabled (HTTP 403)", who);
    return error_set(error, ERR_CREDENTIALS,
                     "%s returned no token (HTTP %d); version 1 of it is not used", who,
                     response->status);
}

static int response_check(const struct instance *instance, const struct http_response *response,
                          struct error *error)
{
    if (!response->error && response->status == 200)
        return 0;
    if (instance->step == STEP_TOKEN)
        return token_error(response, error);
    if (!response->error && response->status == 404 && instance->step == STEP_ROLE)
        return error_set(error, ERR_CREDENTIALS, "%s: the instance has no role (HTTP 404)", who);
    /* 401: the token is not valid any more; the next refresh gets another. */
    return credential_response_error(
        response, response->status == 401 ? ERR_SERVER : ERR_CREDENTIALS, who, error);
}

/* One line of printable characters. */
static char *line_of(const struct http_response *response, const char *others)
{
    struct slice body = credential_response_body(response);
    size_t size = 0;
    while (size < body.size && body.data[size] > ' ' && body.data[size] < 0x7f &&
           !strchr(others, body.data[size]))
        size++;
    bool whole = size == body.size || body.data[size] == '\n' || body.data[size] == '\r';
    return size && size < TEXT_MAX / 2 && whole ? slice_dup((struct slice){body.data, size}) : NULL;
}

static int garbage(struct error *error)
{
    return error_set(error, ERR_PROTOCOL, "%s: the response is not valid", who);
}

static int take_token(struct instance *instance, const struct http_response *response,
                      struct error *error)
{
    instance->token = line_of(response, "");
    if (!instance->token)
        return garbage(error);
    instance->reached = true;
    return instance->get ? ask(instance, STEP_ROLE, ROLES_PATH, error)
                         : ask(instance, STEP_REGION, "/latest/meta-data/placement/region", error);
}

static int take_role(struct instance *instance, const struct http_response *response,
                     struct error *error)
{
    struct buffer path;
    char *role = line_of(response, "/?#%<>\"\\");
    if (!role)
        return garbage(error);
    buffer_init(&path, TEXT_MAX);
    int code = buffer_format(&path, ROLES_PATH "%s", role);
    free(role);
    if (!code)
        code = ask(instance, STEP_CREDENTIALS, path.data, error);
    buffer_free(&path);
    return code;
}

/* "Success", or the problem with the role: for example that EC2 may not assume it. */
static int result_check(const json_t *object, struct error *error)
{
    const char *code = json_string_value(json_object_get(object, "Code"));
    const char *message = json_string_value(json_object_get(object, "Message"));
    if (!code || strcmp(code, "Success") == 0)
        return 0;
    return error_set(error, ERR_CREDENTIALS, "%s: %.100s%s%.200s", who, code, message ? ": " : "",
                     message ? message : "");
}

static int take_credentials(struct instance *instance, const struct http_response *response,
                            struct error *error)
{
    struct credentials *credentials = NULL;
    json_t *object = secret_json_read(credential_response_body(response));
    int code = object ? result_check(object, error) : garbage(error);
    if (!code) {
        code = credentials_of_json(object, "Token", true, "instance metadata", &credentials, error);
        if (code)
            error_prefix(error, "%s", who);
    }
    secret_json_free(object);
    if (!code)
        finish(instance, credentials, error);
    return code;
}

static int take_region(struct instance *instance, const struct http_response *response,
                       struct error *error)
{
    char *region = line_of(response, "/?#%<>\"\\.");
    if (!region)
        return garbage(error);
    finish_region(instance, region, error);
    free(region);
    return 0;
}

static void on_response(const struct http_response *response, void *user)
{
    static int (*const take[])(struct instance * instance, const struct http_response *response,
                               struct error *error) = {[STEP_TOKEN] = take_token,
                                                       [STEP_ROLE] = take_role,
                                                       [STEP_CREDENTIALS] = take_credentials,
                                                       [STEP_REGION] = take_region};
    struct instance *instance = user;
    struct error error = {0};
    instance->call = NULL;
    if (response_check(instance, response, &error) ||
        take[instance->step](instance, response, &error))
        fail(instance, &error);
}

/* ---- interface ---- */

static struct instance *instance_new(const struct credential_host *host,
                                     const struct credential_plan *plan)
{
    struct instance *instance = calloc(1, sizeof *instance);
    if (instance) {
        instance->host = host;
        instance->plan = plan;
    }
    return instance;
}

int instance_get(const struct credential_host *host, const struct credential_plan *plan,
                 struct credential_get *get, struct error *error)
{
    struct instance *instance = instance_new(host, plan);
    if (!instance)
        return error_set(error, ERR_MEMORY, "out of memory");
    instance->get = get;
    int code = ask(instance, STEP_TOKEN, "/latest/api/token", error);
    if (code) {
        instance_free(instance);
        return code;
    }
    get->cancel = cancel;
    get->operation = instance;
    return 0;
}

int imds_region(const struct credential_host *host, const struct credential_plan *plan,
                imds_region_done *done, void *user, struct instance **out, struct error *error)
{
    struct instance *instance = instance_new(host, plan);
    if (!instance)
        return error_set(error, ERR_MEMORY, "out of memory");
    instance->region_done = done;
    instance->region_user = user;
    int code = ask(instance, STEP_TOKEN, "/latest/api/token", error);
    if (code) {
        instance_free(instance);
        return code;
    }
    *out = instance;
    return 0;
}
