/*
 * Keeps web pages out. A browser on the developer's machine reaches the embedded cloud, and any page
 * in it can send requests, so each one is checked before it reaches a service:
 *
 * - The Host must be a name of this server. A page's own domain may resolve to 127.0.0.1 (DNS
 *   rebinding); then the browser believes that the page and the cloud have the same origin.
 * - A request that a page of another site or origin makes is refused, unless it may be made
 *   (cloud_service.h, allows_page).
 * - What a browser displays, it displays in a sandbox: a stored page can't run scripts in the
 *   cloud's origin.
 *
 * Sources: Fetch Metadata Request Headers (W3C); "Origin" in the Fetch standard; "sandbox" in Content
 * Security Policy Level 3. Browsers set these headers, and pages cannot change them; clients other
 * than browsers do not send them. Pure functions, any thread.
 */
#ifndef THUMBWHEEL_LOCAL_BROWSER_GUARD_H
#define THUMBWHEEL_LOCAL_BROWSER_GUARD_H

#include <stdbool.h>

#include "http_server.h"

/* names: further host names, separated by commas; NULL: none. A name also stands for the names below
 * it. An absent Host, loopback names and addresses are always served. */
bool browser_guard_host(struct slice host, const char *names);

/* Whether it names the server itself, not a name below one of its names, which may be a bucket. */
bool browser_guard_is_server(struct slice host, const char *names);

/* Whether a page of another origin than this server's makes the request. */
bool browser_guard_is_page(const struct http_call *call, bool tls);

/* Whether the origin is that of a page which this machine serves at the port (0: none), or one of
 * `origins`, separated by commas (NULL: none). */
bool browser_guard_is_gallery(struct slice origin, unsigned port, const char *origins);

/* Whether the page that makes the request cannot read the response: an image, a link. */
bool browser_guard_is_opaque(const struct http_call *call);

/* Whether a browser would display the response. Then it needs these headers. */
bool browser_guard_displays(const struct http_call *call);
enum { BROWSER_GUARD_HEADERS = 2 };
extern const struct http_header browser_guard_headers[BROWSER_GUARD_HEADERS];

#endif
