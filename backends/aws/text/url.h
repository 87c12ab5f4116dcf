/* The parts of an absolute http or https URL, as views into its text. Any thread. */
#ifndef THUMBWHEEL_AWS_URL_H
#define THUMBWHEEL_AWS_URL_H

#include <stdbool.h>

#include "bytes.h"

struct url {
    bool https;
    struct slice origin; /* scheme and authority: "https://host:8443" */
    struct slice host;   /* as in the Host header: without the scheme's default port */
    struct slice path;   /* "/…", or empty */
    struct slice query;  /* without '?' */
};

/* ERR_INVALID: another scheme, no host, user information or a fragment. */
int url_parse(const char *text, struct url *out);

#endif
