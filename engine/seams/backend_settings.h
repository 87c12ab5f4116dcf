/* The user's options for credentials, region and endpoints. Strings are borrowed. */
#ifndef THUMBWHEEL_BACKEND_SETTINGS_H
#define THUMBWHEEL_BACKEND_SETTINGS_H

#include <stdbool.h>

#include "amqp_settings.h"

/* NULL members are looked up as in every AWS client: environment (AWS_REGION, AWS_DEFAULT_REGION,
 * AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_ENDPOINT_URL,
 * AWS_ENDPOINT_URL_S3/_SQS/…, AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE), then ~/.aws/config and
 * credentials. */
struct backend_settings {
    const char *region;
    const char *profile;
    const char *endpoint; /* for every service */
    const char *access_key, *secret_key, *session_token;
    /* S3: forced; by default chosen by the endpoint (a custom endpoint: path, AWS: virtual host) */
    bool path_style;
    bool requester_pays;     /* S3: the owner of the credentials pays for requests */
    bool unsigned_payload;   /* S3: over https and loopback, objects go without a hash of their
                                bytes in the signature; saves CPU */
    bool ignore_environment; /* the embedded cloud: use only these options */
    struct amqp_settings amqp;
};

#endif
