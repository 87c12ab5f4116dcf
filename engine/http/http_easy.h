/* Private to the HTTP client: setting up the easy handle of a request. */
#ifndef THUMBWHEEL_HTTP_EASY_H
#define THUMBWHEEL_HTTP_EASY_H

#include <curl/curl.h>
#include <stdbool.h>

#include "http_client.h"

/* The settings that all exchanges of a client share. */
struct http_common {
    CURLSH *share;
    const char *ca_path; /* of the authorities; NULL: the system's */
    bool ca_is_directory;
    bool any_host;
    const char *user_agent;
    unsigned idle_timeout_ms; /* of requests that state none */
};

/* Whether a host, as in a URL, never goes through a proxy: a loopback address, which a proxy would
 * take for its own, or a metadata service, which hands out credentials that a proxy must not see.
 * Those are link-local or, on AWS, in fd00:ec2::/32. */
bool http_host_is_direct(const char *host);

/* Checks the request and copies all of it except the body into a new easy handle without callbacks.
 * *lines holds its headers, to be freed after the handle; *tls: its connections begin with TLS, to
 * the service or to a proxy. ERR_INVALID or ERR_MEMORY: nothing to free. */
int http_easy_create(const struct http_common *common, const struct http_request *request,
                     CURL **out, struct curl_slist **lines, bool *tls);

#endif
