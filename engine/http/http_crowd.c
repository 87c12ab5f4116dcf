/*
 * Limits that all connections share. When one is reached, the connection makes room that has been
 * idle for the longest time: many peers that stall must not keep out one that works.
 */
#include "http_private.h"

enum { IDLE_MIN_MS = 1000 }; /* a connection that is less idle is at work */

static bool is_between_requests(const struct http_connection *c)
{
    return c->state == CONNECTION_HEAD && !c->scan.started && !c->early.size;
}

static bool is_collecting(const struct http_connection *c)
{
    return c->state == CONNECTION_CALL && c->call && c->call->counted;
}

/* NULL: none has been idle for long. */
static struct http_connection *stalest(const struct http_server *server,
                                       const struct http_connection *except,
                                       bool (*fits)(const struct http_connection *))
{
    struct http_connection *found = NULL;
    uint64_t now = uv_now(server->loop);
    for (struct http_connection *c = server->connections; c; c = c->next) {
        if (c != except && fits(c) && c->active + IDLE_MIN_MS <= now &&
            (!found || c->active < found->active))
            found = c;
    }
    return found;
}

bool crowd_make_room(struct http_server *server)
{
    struct http_connection *idle = stalest(server, NULL, is_between_requests);
    if (idle)
        connection_close(idle, 0, false);
    return idle != NULL;
}

bool crowd_take(struct http_call *call, size_t size)
{
    struct http_server *server = call->connection->server;
    while (size > server->options.collect_max - server->collected) {
        struct http_connection *stalled = stalest(server, call->connection, is_collecting);
        if (!stalled)
            return false;
        if (log_gate_open(&server->body_gate, uv_now(server->loop), HTTP_LOG_EVERY_MS))
            log_warn("too many bytes of incomplete requests: the one that waits for the longest "
                     "time is ended",
                     LOG_INT("bytes", server->collected), LOG_SUPPRESSED(&server->body_gate));
        crowd_return(stalled->call); /* the call ends later in this iteration of the loop */
        connection_close(stalled, ERR_TIMEOUT, true);
    }
    server->collected += size;
    call->counted += size;
    return true;
}

void crowd_return(struct http_call *call)
{
    call->connection->server->collected -= call->counted;
    call->counted = 0;
}
