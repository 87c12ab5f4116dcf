/*
 * The token of a login through IAM Identity Center ("aws sso login"), which the AWS CLI keeps in
 * ~/.aws/sso/cache/. That of an sso-session is refreshed before it expires, if it can be, and
 * written back, as the AWS CLI does. Sources: botocore 1.29, tokens.py (SSOTokenProvider) and
 * utils.py (SSOTokenLoader, JSONFileCache). Loop thread; files on a thread of libuv's pool.
 */
#ifndef THUMBWHEEL_AWS_SSO_TOKEN_H
#define THUMBWHEEL_AWS_SSO_TOKEN_H

#include "credential_provider.h"

struct sso_token; /* being fetched */

/* The access token is borrowed, and wiped afterwards; NULL: *error says why. From a fresh loop
 * callback. */
typedef void sso_token_done(const char *token, const struct error *error, void *user);

int sso_token_get(const struct credential_host *host, const struct credential_plan *plan,
                  sso_token_done *done, void *user, struct sso_token **out, struct error *error);
void sso_token_cancel(struct sso_token *token);

/* "; run: aws sso login --profile NAME" */
void sso_login_advise(const struct credential_plan *plan, struct error *error);

/* Appends the service's endpoint, without a slash at its end. */
int sso_endpoint(const struct credential_host *host, const struct credential_plan *plan,
                 int service, struct buffer *out);

#endif
