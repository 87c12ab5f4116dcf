/*
 * Sets up curl's easy handle for a request.
 *
 * Bodies are sent as POSTFIELDS for every method, with the method's name set separately: curl then
 * reads the caller's memory in place and can restart without read and seek callbacks if a reused
 * connection turns out to be dead. It adds Expect: 100-continue by itself above 1 MiB.
 *
 * curl reads the proxies from the environment for each request: HTTPS_PROXY or https_proxy, http_proxy
 * (in lower case only: a CGI program's client controls HTTP_PROXY), ALL_PROXY, and NO_PROXY.
 */
#include "http_easy.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    CONNECT_TIMEOUT_MS = 5000,
    KEEPALIVE_IDLE_SECONDS = 30,
    KEEPALIVE_INTERVAL_SECONDS = 15,
    RECEIVE_BUFFER_BYTES = 64 * 1024,
    LIFETIME_SECONDS = 300, /* of a connection, so that new addresses of a service are used */
    IDLE_SECONDS = 60,      /* then NATs and load balancers may have forgotten it */
    DNS_CACHE_SECONDS = 30,
    METHOD_MAX_BYTES = 16,
};

static bool method_valid(const char *method)
{
    size_t size = strlen(method);
    return size > 0 && size <= METHOD_MAX_BYTES &&
           strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == size;
}

/* A line break in a name or value would let a key or a message inject headers. */
static bool header_valid(const struct http_header *header)
{
    return header->name[0] && !strpbrk(header->name, "\r\n:; \t") &&
           !strpbrk(header->value, "\r\n");
}

/* localhost and *.localhost (RFC 6761), with or without a final dot. */
static bool name_is_loopback(const char *host)
{
    static const char name[] = "localhost";
    size_t size = strlen(host), least = sizeof name - 1;
    size -= size > 0 && host[size - 1] == '.';
    return size >= least && strncasecmp(host + size - least, name, least) == 0 &&
           (size == least || host[size - least - 1] == '.');
}

static bool v4_is_direct(uint32_t address)
{
    return address >> 24 == 127 || address >> 16 == 0xa9fe; /* 169.254/16 */
}

static bool v6_is_direct(const struct in6_addr *address)
{
    static const uint8_t metadata[] = {0xfd, 0x00, 0x0e, 0xc2};
    const uint8_t *b = address->s6_addr;
    if (IN6_IS_ADDR_V4MAPPED(address))
        return v4_is_direct((uint32_t)b[12] << 24 | (uint32_t)b[13] << 16 | (uint32_t)b[14] << 8 |
                            b[15]);
    return IN6_IS_ADDR_LOOPBACK(address) || IN6_IS_ADDR_LINKLOCAL(address) ||
           memcmp(b, metadata, sizeof metadata) == 0;
}

bool http_host_is_direct(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    char bare[INET6_ADDRSTRLEN + 1];
    if (inet_pton(AF_INET, host, &v4) == 1)
        return v4_is_direct(ntohl(v4.s_addr));
    if (host[0] != '[')
        return name_is_loopback(host);
    snprintf(bare, sizeof bare, "%.*s", (int)strcspn(host + 1, "]%"), host + 1);
    return inet_pton(AF_INET6, bare, &v6) == 1 && v6_is_direct(&v6);
}

static CURLUcode url_parse(CURLU *parts, const char *url, char **scheme, char **host)
{
    CURLUcode code = curl_url_set(parts, CURLUPART_URL, url, CURLU_DISALLOW_USER);
    if (code)
        return code;
    code = curl_url_get(parts, CURLUPART_SCHEME, scheme, 0);
    return code ? code : curl_url_get(parts, CURLUPART_HOST, host, 0);
}

/* Checks the URL before curl does, so that an invalid one is the caller's error and not a network
 * error. */
static int url_check(const char *url, bool *direct)
{
    char *scheme = NULL, *host = NULL;
    CURLU *parts = curl_url();
    if (!parts)
        return ERR_MEMORY;
    int code = ERR_INVALID;
    CURLUcode parsed = url_parse(parts, url, &scheme, &host);
    if (parsed == CURLUE_OUT_OF_MEMORY)
        code = ERR_MEMORY;
    if (!parsed && (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0)) {
        *direct = http_host_is_direct(host);
        code = 0;
    }
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(parts);
    return code;
}

static int request_check(const struct http_request *request, bool *direct)
{
    if (!request->url || !request->method || !method_valid(request->method))
        return ERR_INVALID;
    if (request->body_size > 0 && (!request->body || strcmp(request->method, "HEAD") == 0))
        return ERR_INVALID;
    for (size_t i = 0; i < request->header_count; i++) {
        if (!header_valid(&request->headers[i]))
            return ERR_INVALID;
    }
    return url_check(request->url, direct);
}

static int line_append(struct curl_slist **lines, const char *text)
{
    struct curl_slist *grown = curl_slist_append(*lines, text);
    if (!grown)
        return ERR_MEMORY;
    *lines = grown;
    return 0;
}

static int header_append(struct curl_slist **lines, const struct http_header *header)
{
    const char *value = header->value + strspn(header->value, " \t");
    char *text;
    /* curl's notation: "Name;" sends an empty value, where "Name:" would send nothing. */
    int size = *value ? asprintf(&text, "%s: %s", header->name, value)
                      : asprintf(&text, "%s;", header->name);
    if (size < 0)
        return ERR_MEMORY;
    int code = line_append(lines, text);
    free(text);
    return code;
}

static int headers_copy(const struct http_request *request, struct curl_slist **lines)
{
    /* Without a Content-Type of the caller's, curl would send the one of a form. */
    int code = line_append(lines, "Content-Type:");
    for (size_t i = 0; !code && i < request->header_count; i++) {
        if (strcasecmp(request->headers[i].name, "Content-Length") != 0)
            code = header_append(lines, &request->headers[i]);
    }
    return code;
}

static bool sends_body(const struct http_request *request)
{
    return request->body_size > 0 || strcmp(request->method, "PUT") == 0 ||
           strcmp(request->method, "POST") == 0;
}

static int set_request(CURL *easy, const struct http_request *request, struct curl_slist *lines)
{
    unsigned code = curl_easy_setopt(easy, CURLOPT_URL, request->url);
    code |= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, lines);
    if (strcmp(request->method, "HEAD") == 0) {
        code |= curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
        return code ? ERR_MEMORY : 0;
    }
    code |= curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    if (sends_body(request)) {
        const char *body = request->body_size ? request->body : "";
        code |= curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_size);
        code |= curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    }
    return code ? ERR_MEMORY : 0;
}

static int set_connection(CURL *easy, const struct http_request *request)
{
    long connect_ms =
        request->connect_timeout_ms ? (long)request->connect_timeout_ms : CONNECT_TIMEOUT_MS;
    unsigned code = curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
    code |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    /* Otherwise freeing a handle would block the loop until its resolver thread ends. */
    code |= curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    code |= curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    code |= curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    code |= curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_IDLE_SECONDS);
    code |= curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_INTERVAL_SECONDS);
    code |= curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, (long)LIFETIME_SECONDS);
    code |= curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)IDLE_SECONDS);
    code |= curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, (long)DNS_CACHE_SECONDS);
    code |= curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_BUFFER_BYTES);
    return code ? ERR_MEMORY : 0;
}

/* Never both: with a directory and a bundle, curl reads the bundle for each connection instead of
 * once, which takes 20 ms on the loop. From a directory OpenSSL reads only the issuer of the
 * service's certificate. */
static unsigned set_authorities(CURL *easy, const struct http_common *common)
{
    const char *directory = common->ca_is_directory ? common->ca_path : NULL;
    const char *file = directory ? NULL : common->ca_path;
    unsigned code = curl_easy_setopt(easy, CURLOPT_CAPATH, directory);
    code |= curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, directory);
    if (common->ca_path) {
        code |= curl_easy_setopt(easy, CURLOPT_CAINFO, file);
        code |= curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, file);
    }
    return code;
}

/* Whatever the system's OpenSSL allows. */
static unsigned set_tls(CURL *easy, const struct http_common *common)
{
    unsigned code = curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    code |= curl_easy_setopt(easy, CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    code |= set_authorities(easy, common);
    if (common->any_host)
        code |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    return code;
}

static int set_protocol(CURL *easy, const struct http_common *common, bool direct)
{
    unsigned code = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    code |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    code |= curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    code |= curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    code |= curl_easy_setopt(easy, CURLOPT_SHARE, common->share);
    code |= curl_easy_setopt(easy, CURLOPT_USERAGENT, common->user_agent);
    code |= set_tls(easy, common);
    if (direct) /* empty: no proxy, whatever the environment says */
        code |= curl_easy_setopt(easy, CURLOPT_PROXY, "");
    return code ? ERR_MEMORY : 0;
}

/* The proxy that curl would use for a plain request, unless NO_PROXY excludes the host. */
static bool plain_proxy_has_tls(void)
{
    static const char *const names[] = {"http_proxy", "all_proxy", "ALL_PROXY"};
    const char *proxy = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && !(proxy && *proxy); i++)
        proxy = getenv(names[i]);
    return proxy && strncasecmp(proxy, "https:", 6) == 0;
}

int http_easy_create(const struct http_common *common, const struct http_request *request,
                     CURL **out, struct curl_slist **lines, bool *tls)
{
    bool direct = false;
    struct curl_slist *headers = NULL;
    int code = request_check(request, &direct);
    if (code)
        return code;
    CURL *easy = curl_easy_init();
    code = easy ? headers_copy(request, &headers) : ERR_MEMORY;
    if (code)
        goto failed;
    code = set_request(easy, request, headers);
    if (code)
        goto failed;
    code = set_connection(easy, request);
    if (code)
        goto failed;
    code = set_protocol(easy, common, direct);
    if (code)
        goto failed;
    *out = easy;
    *lines = headers;
    *tls = strncasecmp(request->url, "https:", 6) == 0 || (!direct && plain_proxy_has_tls());
    return 0;

failed:
    curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
    return code;
}
