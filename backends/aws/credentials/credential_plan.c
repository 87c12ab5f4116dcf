/*
 * The order is that of the table in docs/credentials.md. Sources: botocore 1.29,
 * credentials.py (create_credential_resolver and the providers' load functions); "Standardized
 * credential providers", AWS SDKs and Tools Reference Guide.
 */
#include "credential_plan.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "loopback.h"
#include "url.h"

static int no_memory(struct error *error)
{
    return error_set(error, ERR_MEMORY, "out of memory");
}

/* ---- parts ---- */

int plan_text_set(struct credential_plan *plan, enum plan_text which, const char *text,
                  struct error *error)
{
    secret_free(plan->texts[which]);
    plan->texts[which] = text ? strdup(text) : NULL;
    return text && !plan->texts[which] ? no_memory(error) : 0;
}

static char *copy(const char *text, bool *failed)
{
    char *copied = text ? strdup(text) : NULL;
    *failed |= text && !copied;
    return copied;
}

int plan_role_add(struct credential_plan *plan, const struct credential_role *role,
                  struct error *error)
{
    bool failed = false;
    if (plan->role_count == PLAN_ROLES_MAX)
        return error_set(error, ERR_INVALID,
                         "more than %d roles follow one another through source_profile",
                         PLAN_ROLES_MAX);
    plan->roles[plan->role_count++] =
        (struct credential_role){.arn = copy(role->arn, &failed),
                                 .session_name = copy(role->session_name, &failed),
                                 .external_id = copy(role->external_id, &failed),
                                 .duration_s = role->duration_s};
    return failed ? no_memory(error) : 0;
}

/* keys: access key, secret key, session token. */
int plan_keys(struct credential_plan *plan, const char *const keys[3], const char *source,
              const char *where, struct error *error)
{
    if (!keys[0] && !keys[1])
        return ERR_NOT_FOUND;
    if (!keys[0] || !keys[1])
        return error_set(error, ERR_INVALID, "%s: the access key's %s is missing; set both", where,
                         keys[0] ? "secret" : "id");
    plan->kind = CREDENTIAL_KEYS;
    plan->source = source;
    plan->keys = credentials_new(keys[0], keys[1], keys[2], source);
    return plan->keys ? 0 : no_memory(error);
}

/* ---- the environment ---- */

int plan_environment(struct credential_plan *plan, const struct profile *profile,
                     struct error *error)
{
    const char *const keys[] = {profile_variable(profile, "AWS_ACCESS_KEY_ID"),
                                profile_variable(profile, "AWS_SECRET_ACCESS_KEY"),
                                profile_variable(profile, "AWS_SESSION_TOKEN")};
    return plan_keys(plan, keys, "environment", "the environment", error);
}

static int plan_web_identity(struct credential_plan *plan, const struct profile *profile,
                             struct error *error)
{
    const char *file = profile_variable(profile, "AWS_WEB_IDENTITY_TOKEN_FILE");
    const char *arn = profile_variable(profile, "AWS_ROLE_ARN");
    const char *session = profile_variable(profile, "AWS_ROLE_SESSION_NAME");
    if (!file)
        return ERR_NOT_FOUND;
    if (!arn)
        return error_set(error, ERR_INVALID,
                         "AWS_WEB_IDENTITY_TOKEN_FILE is set, but not AWS_ROLE_ARN, the role to "
                         "assume with it");
    const struct credential_role role = {.arn = (char *)(uintptr_t)arn,
                                         .session_name = (char *)(uintptr_t)session};
    plan->kind = CREDENTIAL_WEB_IDENTITY;
    plan->source = "web identity";
    int code = plan_text_set(plan, PLAN_TOKEN_FILE, file, error);
    return code ? code : plan_role_add(plan, &role, error);
}

/* ---- containers ---- */

/* The token must not be sent in the clear except to the agents of ECS and EKS, which are on
 * this machine. */
static int container_url_check(const char *text, struct error *error)
{
    static const char *const agents[] = {"169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"};
    struct url url;
    if (url_parse(text, &url))
        return error_set(error, ERR_INVALID,
                         "AWS_CONTAINER_CREDENTIALS_FULL_URI is not a URL: \"%.200s\"", text);
    if (url.https)
        return 0;
    struct slice name = url.host;
    const char *bracket = name.size ? memchr(name.data, ']', name.size) : NULL;
    const char *from = bracket ? bracket : name.data;
    const char *colon = memchr(from, ':', name.size - (size_t)(from - name.data));
    if (colon)
        name.size = (size_t)(colon - name.data);
    bool allowed = host_is_loopback(name);
    for (size_t i = 0; i < sizeof agents / sizeof *agents; i++)
        allowed |= slice_equal_text(name, agents[i]);
    if (allowed)
        return 0;
    return error_set(error, ERR_INVALID,
                     "AWS_CONTAINER_CREDENTIALS_FULL_URI names %.*s: without https, only loopback, "
                     "169.254.170.2, 169.254.170.23 and fd00:ec2::23 are allowed",
                     (int)name.size, name.data);
}

static int container_url(struct credential_plan *plan, const struct profile *profile,
                         struct error *error)
{
    const char *relative = profile_variable(profile, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = profile_variable(profile, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    struct buffer text;
    if (!relative && !full)
        return ERR_NOT_FOUND;
    if (!relative) {
        int code = container_url_check(full, error);
        return code ? code : plan_text_set(plan, PLAN_URL, full, error);
    }
    if (relative[0] != '/' || strpbrk(relative, " \t\r\n#"))
        return error_set(error, ERR_INVALID,
                         "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not a path that starts with "
                         "\"/\": \"%.200s\"",
                         relative);
    buffer_init(&text, 4096);
    buffer_format(&text, "http://169.254.170.2%s", relative);
    plan->texts[PLAN_URL] = buffer_take_text(&text);
    return plan->texts[PLAN_URL] ? 0 : no_memory(error);
}

int plan_container(struct credential_plan *plan, const struct profile *profile, struct error *error)
{
    int code = container_url(plan, profile, error);
    if (code)
        return code;
    plan->kind = CREDENTIAL_CONTAINER;
    plan->source = "container";
    code =
        plan_text_set(plan, PLAN_TOKEN_FILE,
                      profile_variable(profile, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"), error);
    if (code)
        return code;
    return plan_text_set(plan, PLAN_TOKEN,
                         profile_variable(profile, "AWS_CONTAINER_AUTHORIZATION_TOKEN"), error);
}

/* ---- the instance ---- */

static const char *instance_setting(const struct profile *profile, const char *variable,
                                    const char *setting)
{
    const char *value = profile_variable(profile, variable);
    return value ? value : profile_get(profile, setting);
}

static int instance_number(const struct profile *profile, const char *variable, const char *setting,
                           unsigned most, unsigned *out, struct error *error)
{
    const char *text = instance_setting(profile, variable, setting);
    if (!text)
        return 0;
    char *end;
    const unsigned long number = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || number < 1 || number > most)
        return error_set(error, ERR_INVALID, "%s is \"%.40s\"; it must be 1 to %u", variable, text,
                         most);
    *out = (unsigned)number;
    return 0;
}

static int instance_patience(struct credential_plan *plan, const struct profile *profile,
                             struct error *error)
{
    int code = instance_number(profile, "AWS_METADATA_SERVICE_TIMEOUT", "metadata_service_timeout",
                               INSTANCE_TIMEOUT_MAX_S, &plan->timeout_s, error);
    return code ? code
                : instance_number(profile, "AWS_METADATA_SERVICE_NUM_ATTEMPTS",
                                  "metadata_service_num_attempts", INSTANCE_ATTEMPTS_MAX,
                                  &plan->attempts, error);
}

/* AWS_EC2_METADATA_V1_DISABLED needs no look: version 1 is never used. */
int plan_instance(struct credential_plan *plan, const struct profile *profile, struct error *error)
{
    const char *disabled = profile_variable(profile, "AWS_EC2_METADATA_DISABLED");
    const char *url = instance_setting(profile, "AWS_EC2_METADATA_SERVICE_ENDPOINT",
                                       "ec2_metadata_service_endpoint");
    const char *mode = instance_setting(profile, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
                                        "ec2_metadata_service_endpoint_mode");
    struct url parts;
    if (!profile->environment || (disabled && strcasecmp(disabled, "true") == 0))
        return ERR_NOT_FOUND;
    if (mode && strcasecmp(mode, "ipv4") != 0 && strcasecmp(mode, "ipv6") != 0)
        return error_set(error, ERR_INVALID,
                         "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE is \"%.40s\"; it must be IPv4 or "
                         "IPv6",
                         mode);
    if (!url)
        url = mode && strcasecmp(mode, "ipv6") == 0 ? "http://[fd00:ec2::254]"
                                                    : "http://169.254.169.254";
    if (url_parse(url, &parts) || parts.query.size)
        return error_set(error, ERR_INVALID,
                         "AWS_EC2_METADATA_SERVICE_ENDPOINT is not a URL like "
                         "http://169.254.169.254: \"%.200s\"",
                         url);
    plan->kind = CREDENTIAL_INSTANCE;
    plan->source = "instance metadata";
    int code = instance_patience(plan, profile, error);
    return code ? code : plan_text_set(plan, PLAN_URL, url, error);
}

/* ---- the order ---- */

static int plan_options(struct credential_plan *plan, const struct backend_settings *options,
                        struct error *error)
{
    const char *const keys[] = {options->access_key, options->secret_key, options->session_token};
    return plan_keys(plan, keys, "options", "the credentials given", error);
}

static int nothing_found(const struct profile *profile, struct error *error)
{
    return error_set(
        error, ERR_DENIED,
        "no AWS credentials found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
        "put them under [%s] in ~/.aws/credentials",
        profile->name);
}

/* A profile that the caller names comes before the environment. */
static int plan_before_profile(struct credential_plan *plan, const struct profile *profile,
                               struct error *error)
{
    if (profile->named)
        return ERR_NOT_FOUND;
    int code = plan_environment(plan, profile, error);
    return code == ERR_NOT_FOUND ? plan_web_identity(plan, profile, error) : code;
}

static int plan_after_profile(struct credential_plan *plan, const struct profile *profile,
                              struct error *error)
{
    int code = plan_container(plan, profile, error);
    if (code == ERR_NOT_FOUND) {
        code = plan_instance(plan, profile, error);
        plan->last_resort = true;
    }
    return code;
}

int credential_plan_make(struct credential_plan *plan, const struct backend_settings *options,
                         const struct profile *profile, struct error *error)
{
    *plan = (struct credential_plan){0};
    int code = plan_text_set(plan, PLAN_PROFILE, profile->name, error);
    if (!code)
        code = plan_options(plan, options, error);
    if (code == ERR_NOT_FOUND)
        code = plan_before_profile(plan, profile, error);
    if (code == ERR_NOT_FOUND) {
        code = plan_profile(plan, profile, error);
        plan->of_files = !code;
    }
    if (code == ERR_NOT_FOUND)
        code = plan_after_profile(plan, profile, error);
    return code == ERR_NOT_FOUND ? nothing_found(profile, error) : code;
}

void credential_plan_free(struct credential_plan *plan)
{
    credentials_release(plan->keys);
    for (size_t i = 0; i < PLAN_TEXTS; i++)
        secret_free(plan->texts[i]);
    for (size_t i = 0; i < plan->role_count; i++) {
        free(plan->roles[i].arn);
        free(plan->roles[i].session_name);
        free(plan->roles[i].external_id);
    }
    *plan = (struct credential_plan){0};
}

static bool same(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool roles_equal(const struct credential_role *a, const struct credential_role *b)
{
    return same(a->arn, b->arn) && same(a->session_name, b->session_name) &&
           same(a->external_id, b->external_id) && a->duration_s == b->duration_s;
}

bool credential_plan_equal(const struct credential_plan *a, const struct credential_plan *b)
{
    bool equal = a->kind == b->kind && a->role_count == b->role_count &&
                 a->timeout_s == b->timeout_s && a->attempts == b->attempts;
    for (size_t i = 0; equal && i < PLAN_TEXTS; i++)
        equal = same(a->texts[i], b->texts[i]);
    for (size_t i = 0; equal && i < a->role_count; i++)
        equal = roles_equal(&a->roles[i], &b->roles[i]);
    return equal && (a->kind != CREDENTIAL_KEYS || credentials_equal(a->keys, b->keys));
}
