/*
 * A labeler that calls a model server over HTTP: it POSTs a JPEG and receives labels as JSON
 * (docs/labels.md documents both). The server is no more trusted than any peer: its response has
 * limits of time and size, redirects are not followed, and everything in it is checked. There is no
 * retry here: the engine returns the message to its queue. Loop thread.
 */
#ifndef THUMBWHEEL_LABEL_SERVER_H
#define THUMBWHEEL_LABEL_SERVER_H

#include "http_client.h"
#include "labeler.h"

struct label_server { /* has no state of its own; must outlive its requests, like the client */
    struct labeler labeler;
    struct http_client *http;
};

void label_server_init(struct label_server *server, struct http_client *http);

#endif
