#include "credentials.h"

#include <stdlib.h>
#include <string.h>

#include "secret.h"

void secret_free(char *text)
{
    if (text)
        secret_wipe(text, strlen(text));
    free(text);
}

struct credentials *credentials_new(const char *access_key, const char *secret_key,
                                    const char *session_token, const char *source)
{
    struct credentials *credentials = calloc(1, sizeof *credentials);
    if (!credentials)
        return NULL;
    credentials->references = 1;
    credentials->source = source;
    credentials->access_key = strdup(access_key);
    credentials->secret_key = strdup(secret_key);
    credentials->session_token = session_token ? strdup(session_token) : NULL;
    if (credentials->access_key && credentials->secret_key &&
        (credentials->session_token || !session_token))
        return credentials;
    credentials_release(credentials);
    return NULL;
}

struct credentials *credentials_retain(struct credentials *credentials)
{
    credentials->references++;
    return credentials;
}

void credentials_release(struct credentials *credentials)
{
    if (!credentials || --credentials->references)
        return;
    secret_free(credentials->access_key);
    secret_free(credentials->secret_key);
    secret_free(credentials->session_token);
    free(credentials);
}

static bool same(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

bool credentials_equal(const struct credentials *a, const struct credentials *b)
{
    return a && b && same(a->access_key, b->access_key) && same(a->secret_key, b->secret_key) &&
           same(a->session_token, b->session_token);
}
