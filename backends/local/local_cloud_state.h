/* What local_cloud.c starts and local_cloud_stop.c stops and frees. Loop thread. */
#ifndef THUMBWHEEL_LOCAL_CLOUD_STATE_H
#define THUMBWHEEL_LOCAL_CLOUD_STATE_H

#include <stddef.h>

#include "cloud.h"

struct access_keys;
struct tls_identity;

struct local_cloud {
    struct cloud cloud;
    struct access_keys *keys;
    struct tls_identity *tls;
    char *certificate;                   /* its file */
    char *region, *account, *host_names; /* owned copies of the options */
    size_t stage;                        /* the next one of the stop */
    void (*stopped)(void *user);
    void *user;
};

#endif
