/*
 * The provider chain. Each row of the table is a provider. It fills *out and returns 0, returns
 * ERR_NOT_FOUND if it has no credentials (the next provider is tried), or fails, which ends the
 * search: an incomplete key pair is a mistake of the user and no reason to use another identity.
 * The order is that of the AWS SDKs.
 */
#include "credentials.h"

#include <stdlib.h>
#include <string.h>

#include "backend_settings.h"
#include "sigv4.h"

struct provider {
    const char *name;
    int (*find)(struct credentials *out, const struct backend_settings *options,
                const struct profile *profile, struct error *error);
};

static int copy_keys(struct credentials *out, const char *access_key, const char *secret_key,
                     const char *session_token, const char *where, struct error *error)
{
    if (!access_key && !secret_key)
        return ERR_NOT_FOUND;
    if (!access_key || !secret_key)
        return error_set(error, ERR_INVALID, "%s: the access key's %s is missing; set both", where,
                         access_key ? "secret" : "id");
    out->access_key = slice_dup(slice_of(access_key));
    out->secret_key = slice_dup(slice_of(secret_key));
    out->session_token = session_token ? slice_dup(slice_of(session_token)) : NULL;
    if (out->access_key && out->secret_key && (out->session_token || !session_token))
        return 0;
    credentials_free(out);
    return error_set(error, ERR_MEMORY, "out of memory");
}

static int from_options(struct credentials *out, const struct backend_settings *options,
                        const struct profile *profile, struct error *error)
{
    (void)profile;
    return copy_keys(out, options->access_key, options->secret_key, options->session_token,
                     "the credentials given", error);
}

static int from_environment(struct credentials *out, const struct backend_settings *options,
                            const struct profile *profile, struct error *error)
{
    (void)options;
    if (profile->named)
        return ERR_NOT_FOUND;
    return copy_keys(out, profile_variable(profile, "AWS_ACCESS_KEY_ID"),
                     profile_variable(profile, "AWS_SECRET_ACCESS_KEY"),
                     profile_variable(profile, "AWS_SESSION_TOKEN"), "the environment", error);
}

/* A key pair is never combined from two files. */
static int from_credentials_file(struct credentials *out, const struct backend_settings *options,
                                 const struct profile *profile, struct error *error)
{
    (void)options;
    return copy_keys(out, profile_in_credentials(profile, "aws_access_key_id"),
                     profile_in_credentials(profile, "aws_secret_access_key"),
                     profile_in_credentials(profile, "aws_session_token"),
                     "the AWS credentials file", error);
}

static int from_config_file(struct credentials *out, const struct backend_settings *options,
                            const struct profile *profile, struct error *error)
{
    (void)options;
    return copy_keys(out, profile_in_config(profile, "aws_access_key_id"),
                     profile_in_config(profile, "aws_secret_access_key"),
                     profile_in_config(profile, "aws_session_token"), "the AWS config file", error);
}

static int refuse(const struct profile *profile, const char *setting, struct error *error)
{
    return error_set(error, ERR_DENIED,
                     "the AWS profile \"%s\" gets its credentials through %s, which is not "
                     "supported; export them: aws configure export-credentials --format env",
                     profile->name, setting);
}

/* Settings that take precedence over a profile's keys in AWS SDKs ("Standardized credential
 * providers", AWS SDKs and Tools Reference Guide): using the keys would be the wrong identity. */
static int refuse_earlier(struct credentials *out, const struct backend_settings *options,
                          const struct profile *profile, struct error *error)
{
    static const char *const settings[] = {"role_arn",      "web_identity_token_file",
                                           "sso_session",   "sso_start_url",
                                           "sso_role_name", "sso_account_id"};
    (void)out;
    (void)options;
    if (!profile->named && profile_variable(profile, "AWS_WEB_IDENTITY_TOKEN_FILE"))
        return refuse(profile, "AWS_WEB_IDENTITY_TOKEN_FILE", error);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        if (profile_get(profile, settings[i]))
            return refuse(profile, settings[i], error);
    }
    return ERR_NOT_FOUND;
}

/* These come after the keys of the credentials file and before those of the config file. */
static int refuse_process(struct credentials *out, const struct backend_settings *options,
                          const struct profile *profile, struct error *error)
{
    static const char setting[] = "credential_process";
    (void)out;
    (void)options;
    return profile_get(profile, setting) ? refuse(profile, setting, error) : ERR_NOT_FOUND;
}

static const char of_credentials_file[] = "credentials file", of_config_file[] = "config file";

static const struct provider providers[] = {
    {"options", from_options},
    {"environment", from_environment},
    {"other ways", refuse_earlier},
    {of_credentials_file, from_credentials_file},
    {"credential process", refuse_process},
    {of_config_file, from_config_file},
};

static int nothing_found(const struct profile *profile, struct error *error)
{
    return error_set(
        error, ERR_DENIED,
        "no AWS credentials found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
        "put them under [%s] in ~/.aws/credentials",
        profile->name);
}

int credentials_find(struct credentials *out, const struct backend_settings *options,
                     const struct profile *profile, struct error *error)
{
    *out = (struct credentials){0};
    for (size_t i = 0; i < sizeof providers / sizeof providers[0]; i++) {
        int rc = providers[i].find(out, options, profile, error);
        if (rc == 0)
            out->source = providers[i].name;
        if (rc != ERR_NOT_FOUND)
            return rc;
    }
    return nothing_found(profile, error);
}

bool credentials_are_of_file(const struct credentials *credentials)
{
    return credentials->source == of_credentials_file || credentials->source == of_config_file;
}

static void free_secret(char *text)
{
    if (text)
        sigv4_wipe(text, strlen(text));
    free(text);
}

void credentials_free(struct credentials *credentials)
{
    free_secret(credentials->access_key);
    free_secret(credentials->secret_key);
    free_secret(credentials->session_token);
    *credentials = (struct credentials){0};
}
