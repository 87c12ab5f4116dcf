/* Where spans are sent: the collector's URL, and the headers that it demands. Any thread. */
#ifndef THUMBWHEEL_OTLP_TARGET_H
#define THUMBWHEEL_OTLP_TARGET_H

#include <stddef.h>

#include "error.h"
#include "http_client.h"

enum { OTLP_HEADERS_MAX = 16, OTLP_URL_MAX = 2048, OTLP_HEADERS_SIZE_MAX = 16 * 1024 };

struct otlp_target {
    char *url; /* ends in /v1/traces */
    struct http_header headers[OTLP_HEADERS_MAX + 1];
    size_t header_count;
    char *texts; /* of the headers */
};

/* url: the collector's base, http or https, without user, query and fragment. headers: as in
 * OTEL_EXPORTER_OTLP_HEADERS, "name=value,…" with percent-encoded values; NULL: none. ERR_INVALID,
 * ERR_MEMORY; the text never contains a header, because they are secrets. */
int otlp_target_read(const char *url, const char *headers, struct otlp_target *out,
                     struct error *error);
void otlp_target_free(struct otlp_target *target);

#endif
