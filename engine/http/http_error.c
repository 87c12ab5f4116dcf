#include "http_error.h"

#include <stddef.h>

#include "error.h"

/*
 * Results that are not in the table are ERR_NETWORK: names that cannot be resolved, connections
 * that are refused or reset, TLS handshakes that fail, untrusted certificates, proxies that refuse.
 * Time or an operator can fix all of them.
 */
static const struct {
    CURLcode result;
    int code;
} rows[] = {
    /* The peer or the network is slow: a retry may succeed. */
    {CURLE_OPERATION_TIMEDOUT, ERR_TIMEOUT},
    {CURLE_FTP_ACCEPT_TIMEOUT, ERR_TIMEOUT},

    /* This process is short of memory: a retry may succeed. */
    {CURLE_OUT_OF_MEMORY, ERR_MEMORY},

    /* The response is not valid HTTP/1.1: another service, or an incomplete response. The URL's
     * scheme was checked before, so an unsupported protocol comes from the response. */
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
