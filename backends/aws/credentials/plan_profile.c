/*
 * What a profile may say about credentials: "Settings reference", AWS SDKs and Tools Reference
 * Guide; the order within a profile and the rules for source_profile as in botocore 1.29
 * (AssumeRoleProvider, ProfileProviderBuilder).
 *
 * A profile with role_arn leads to another one through source_profile, and so on, until one has a
 * source of credentials. The roles are collected on this way, so in reverse.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "credential_plan.h"
#include "partition.h"

enum { SECTION_SIZE = 300 };

/* The profiles on the way. */
struct trail {
    const char *names[PLAN_ROLES_MAX + 1];
    size_t count;
};

static int plan_one(struct credential_plan *plan, const struct profile *profile,
                    struct trail *trail, struct error *error);

/* ---- keys ---- */

/* Each file is read as a whole: a pair of keys is never put together from two of them. */
static int keys_in(struct credential_plan *plan, const struct profile *profile, bool config,
                   struct error *error)
{
    const char *(*get)(const struct profile *from, const char *key) =
        config ? profile_in_config : profile_in_credentials;
    const char *const keys[] = {get(profile, "aws_access_key_id"),
                                get(profile, "aws_secret_access_key"),
                                get(profile, "aws_session_token")};
    return plan_keys(plan, keys, config ? "config file" : "credentials file",
                     config ? "the AWS config file" : "the AWS credentials file", error);
}

static bool has_keys(const struct profile *profile)
{
    return profile_get(profile, "aws_access_key_id") ||
           profile_get(profile, "aws_secret_access_key");
}

/* ---- roles ---- */

static int duration_read(const struct profile *profile, unsigned *out, struct error *error)
{
    const char *text = profile_get(profile, "duration_seconds");
    char *end = NULL;
    unsigned long seconds = text ? strtoul(text, &end, 10) : 0;
    if (text && (text[0] < '0' || text[0] > '9' || *end || seconds < ROLE_SECONDS_MIN ||
                 seconds > ROLE_SECONDS_MAX))
        return error_set(error, ERR_INVALID,
                         "the AWS profile \"%s\": duration_seconds is \"%.20s\"; it must be %d to "
                         "%d",
                         profile->name, text, ROLE_SECONDS_MIN, ROLE_SECONDS_MAX);
    *out = (unsigned)seconds;
    return 0;
}

static int role_push(struct credential_plan *plan, const struct profile *profile,
                     struct error *error)
{
    struct credential_role role = {
        .arn = (char *)(uintptr_t)profile_get(profile, "role_arn"),
        .session_name = (char *)(uintptr_t)profile_get(profile, "role_session_name"),
        .external_id = (char *)(uintptr_t)profile_get(profile, "external_id")};
    int code = duration_read(profile, &role.duration_s, error);
    return code ? code : plan_role_add(plan, &role, error);
}

static int source_none(const struct profile *profile, const char *source, struct error *error)
{
    return error_set(error, ERR_INVALID,
                     "the AWS profile \"%s\": credential_source is %s, but there are no such "
                     "credentials here",
                     profile->name, source);
}

static int source_named(struct credential_plan *plan, const struct profile *profile,
                        const char *source, struct error *error)
{
    int code;
    if (strcasecmp(source, "Environment") == 0)
        code = plan_environment(plan, profile, error);
    else if (strcasecmp(source, "EcsContainer") == 0)
        code = plan_container(plan, profile, error);
    else if (strcasecmp(source, "Ec2InstanceMetadata") == 0)
        code = plan_instance(plan, profile, error);
    else
        return error_set(error, ERR_INVALID,
                         "the AWS profile \"%s\": credential_source is \"%.40s\"; it must be "
                         "Environment, EcsContainer or Ec2InstanceMetadata",
                         profile->name, source);
    return code == ERR_NOT_FOUND ? source_none(profile, source, error) : code;
}

static bool is_on(const struct trail *trail, const char *name)
{
    for (size_t i = 0; i < trail->count; i++) {
        if (strcmp(trail->names[i], name) == 0)
            return true;
    }
    return false;
}

/* A profile may name itself: then the role is assumed with its own keys. */
static int source_profile(struct credential_plan *plan, const struct profile *profile,
                          const char *name, struct trail *trail, struct error *error)
{
    struct profile source = *profile;
    source.name = (char *)(uintptr_t)name;
    const bool itself = strcmp(name, profile->name) == 0;
    if (!profile_exists(&source))
        return error_set(error, ERR_INVALID,
                         "the AWS profile \"%s\": its source_profile \"%.100s\" does not exist",
                         profile->name, name);
    if (is_on(trail, name) && !(itself && has_keys(&source)))
        return error_set(error, ERR_INVALID,
                         "the AWS profile \"%s\": source_profile \"%.100s\" leads back to itself",
                         trail->names[0], name);
    int code = plan_one(plan, &source, trail, error);
    if (code == ERR_NOT_FOUND)
        return error_set(error, ERR_INVALID,
                         "the AWS profile \"%s\": its source_profile \"%.100s\" has no credentials",
                         profile->name, name);
    return code;
}

static int plan_role(struct credential_plan *plan, const struct profile *profile,
                     struct trail *trail, struct error *error)
{
    const char *source = profile_get(profile, "credential_source");
    const char *name = profile_get(profile, "source_profile");
    if (profile_get(profile, "mfa_serial"))
        return error_set(error, ERR_INVALID,
                         "the AWS profile \"%s\" has mfa_serial, but nobody can enter a "
                         "code; use a role without MFA, or export the credentials: aws configure "
                         "export-credentials --format env",
                         profile->name);
    if (!source == !name)
        return error_set(error, ERR_INVALID,
                         "the AWS profile \"%s\" has role_arn; it needs %s source_profile %s "
                         "credential_source",
                         profile->name, source ? "only one of" : "either", source ? "and" : "or");
    int code = role_push(plan, profile, error);
    if (code)
        return code;
    return source ? source_named(plan, profile, source, error)
                  : source_profile(plan, profile, name, trail, error);
}

static int plan_web_identity(struct credential_plan *plan, const struct profile *profile,
                             const char *file, struct error *error)
{
    if (!profile_get(profile, "role_arn"))
        return error_set(error, ERR_INVALID,
                         "the AWS profile \"%s\" has web_identity_token_file, but no role_arn, the "
                         "role to assume with it",
                         profile->name);
    plan->kind = CREDENTIAL_WEB_IDENTITY;
    plan->source = "web identity";
    int code = plan_text_set(plan, PLAN_TOKEN_FILE, file, error);
    return code ? code : role_push(plan, profile, error);
}

/* ---- SSO ---- */

static const char *const sso_settings[] = {"sso_session", "sso_start_url", "sso_region",
                                           "sso_account_id", "sso_role_name"};

/* Of the [sso-session NAME] that the profile names, else of the profile. */
static const char *sso_value(const struct profile *profile, const char *session, const char *key)
{
    char section[SECTION_SIZE];
    const char *value = NULL;
    if (session && snprintf(section, sizeof section, "sso-session %s", session) < SECTION_SIZE)
        value = ini_get(&profile->config, section, key);
    return value && value[0] ? value : profile_get(profile, key);
}

static int plan_sso(struct credential_plan *plan, const struct profile *profile,
                    struct error *error)
{
    static const enum plan_text texts[] = {PLAN_SSO_SESSION, PLAN_SSO_START_URL, PLAN_SSO_REGION,
                                           PLAN_SSO_ACCOUNT, PLAN_SSO_ROLE};
    const char *session = profile_get(profile, sso_settings[0]);
    plan->kind = CREDENTIAL_SSO;
    plan->source = "SSO";
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *value = i ? sso_value(profile, session, sso_settings[i]) : session;
        if (!value && i)
            return error_set(
                error, ERR_INVALID, "the AWS profile \"%s\" uses SSO, but %s is not set%s%s%s",
                profile->name, sso_settings[i], session ? ", nor in [sso-session " : "",
                session ? session : "", session ? "]" : "");
        int code = plan_text_set(plan, texts[i], value, error);
        if (code)
            return code;
    }
    /* It becomes part of the host that the login is sent to. */
    if (!region_is_plain(slice_of(plan->texts[PLAN_SSO_REGION])))
        return error_set(
            error, ERR_INVALID,
            "the AWS profile \"%s\" has sso_region = %.60s, which is not an AWS region",
            profile->name, plan->texts[PLAN_SSO_REGION]);
    const char *home = profile_variable(profile, "HOME");
    struct buffer path;
    buffer_init(&path, 4096);
    buffer_format(&path, "%s/.aws/sso/cache", home ? home : "");
    plan->texts[PLAN_SSO_CACHE] = buffer_take_text(&path);
    return plan->texts[PLAN_SSO_CACHE] ? 0 : error_set(error, ERR_MEMORY, "out of memory");
}

static bool has_sso(const struct profile *profile)
{
    for (size_t i = 0; i < sizeof sso_settings / sizeof *sso_settings; i++) {
        if (strcmp(sso_settings[i], "sso_region") != 0 && profile_get(profile, sso_settings[i]))
            return true;
    }
    return false;
}

/* ---- one profile ---- */

static int plan_process(struct credential_plan *plan, const struct profile *profile,
                        struct error *error)
{
    const char *command = profile_get(profile, "credential_process");
    if (!command)
        return ERR_NOT_FOUND;
    plan->kind = CREDENTIAL_PROCESS;
    plan->source = "credential process";
    return plan_text_set(plan, PLAN_COMMAND, command, error);
}

/* The settings that AWS SDKs prefer to a profile's keys: the keys would be the wrong identity. The
 * process is behind the keys of the credentials file, and before those of the config file. */
static int plan_one(struct credential_plan *plan, const struct profile *profile,
                    struct trail *trail, struct error *error)
{
    const char *token_file = profile_get(profile, "web_identity_token_file");
    const bool is_source = trail->count > 0;
    if (trail->count == sizeof trail->names / sizeof *trail->names)
        return error_set(error, ERR_INVALID,
                         "more than %d profiles follow one another through source_profile",
                         PLAN_ROLES_MAX);
    trail->names[trail->count++] = profile->name;
    if (profile_get(profile, "role_arn") && !token_file && !(is_source && has_keys(profile)))
        return plan_role(plan, profile, trail, error);
    if (token_file)
        return plan_web_identity(plan, profile, token_file, error);
    if (has_sso(profile))
        return plan_sso(plan, profile, error);
    int code = keys_in(plan, profile, false, error);
    if (code == ERR_NOT_FOUND)
        code = plan_process(plan, profile, error);
    return code == ERR_NOT_FOUND ? keys_in(plan, profile, true, error) : code;
}

static void roles_reverse(struct credential_plan *plan)
{
    for (size_t i = 0; i < plan->role_count / 2; i++) {
        struct credential_role *last = &plan->roles[plan->role_count - 1 - i];
        struct credential_role role = plan->roles[i];
        plan->roles[i] = *last;
        *last = role;
    }
}

int plan_profile(struct credential_plan *plan, const struct profile *profile, struct error *error)
{
    struct trail trail = {0};
    int code = plan_one(plan, profile, &trail, error);
    roles_reverse(plan);
    return code;
}
