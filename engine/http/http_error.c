#include "http_error.h"

#include <stddef.h>

#include "error.h"

/*
 * What is not in the table is ERR_NETWORK: names that cannot be resolved, connections that are
 * refused, reset or cut off, TLS that cannot be agreed on, certificates that are not trusted,
 * proxies that refuse. All of it may be mended, by time or by an operator.
 */
static const struct {
    CURLcode result;
    int code;
} rows[] = {
    /* The peer or the path is slow: another try may find it faster. */
    {CURLE_OPERATION_TIMEDOUT, ERR_TIMEOUT},
    {CURLE_FTP_ACCEPT_TIMEOUT, ERR_TIMEOUT},

    /* This process is short of memory: it will have some again. */
    {CURLE_OUT_OF_MEMORY, ERR_MEMORY},

    /* What answers does not speak HTTP/1.1: a proxy's page, another service, half an answer. The
     * URL's own scheme was checked before, so an unsupported protocol is the answer's. */
    {CURLE_WEIRD_SERVER_REPLY, ERR_PROTOCOL},
    {CURLE_UNSUPPORTED_PROTOCOL, ERR_PROTOCOL},
    {CURLE_BAD_CONTENT_ENCODING, ERR_PROTOCOL},
    {CURLE_HTTP2, ERR_PROTOCOL},
    {CURLE_HTTP2_STREAM, ERR_PROTOCOL},
    {CURLE_HTTP3, ERR_PROTOCOL},
};

int http_error_of(CURLcode result)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].result == result)
            return rows[i].code;
    }
    return ERR_NETWORK;
}
