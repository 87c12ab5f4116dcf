/*
 * The client: the list of exchanges, and curl's multi handles on the loop. There is one multi
 * handle for each class of requests, so that requests of one class never wait for connections of
 * another.
 *
 * curl asks for sockets to be watched (one uv_poll each) and for one timer. When either fires, curl
 * runs; then its list of completed transfers is emptied and their owners are called, in this order,
 * from the same loop callback. So an owner never runs inside curl; it may start, cancel or close
 * anything except its own exchange; and there is no periodic wake-up.
 *
 * An exchange is in `running` while curl has its easy handle, then in `finished` until its owner is
 * called. uv handles are freed in their close callbacks. `handles` counts them, and the client is
 * freed with the last one.
 *
 * If a reused connection turns out to be unusable before anything was sent on it, the request is
 * started once more on a new one.
 */
#include "http_client.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "http_exchange.h"
#include "http_sockets.h"

enum {
    MAX_CONNECTIONS = 256,
    MAX_HOST_CONNECTIONS = 64,
    URGENT_HOST_CONNECTIONS = 16,
    POLLS_KEPT = 100000, /* idle connections for long polls: each poll keeps its own */
    IDLE_TIMEOUT_MS = 30000,
};

struct http_pool { /* the connections of one class of requests */
    struct http_client *client;
    CURLM *multi;
    uv_timer_t timer;
    struct http_sockets sockets;
};

struct http_client {
    uv_loop_t *loop;
    struct http_pool pools[HTTP_CLASSES];
    CURLSH *share; /* TLS sessions, which would otherwise be lost with each easy handle */
    char *ca_path;
    bool ca_is_directory;
    bool any_host;
    char *user_agent;
    struct list running;
    struct list finished;
    size_t active;
    size_t handles;
    unsigned idle_timeout_ms;
    bool closing;
    void (*closed)(void *user);
    void *closed_user;
};

/* ---- completed exchanges ---- */

static void finish(struct http_exchange *exchange, CURLcode result)
{
    struct http_client *client = exchange->pool->client;
    http_exchange_conclude(exchange, result);
    curl_multi_remove_handle(exchange->pool->multi, exchange->easy);
    curl_easy_cleanup(exchange->easy);
    exchange->easy = NULL;
    list_remove(&exchange->link);
    list_push(&client->finished, &exchange->link);
}

static bool restart(struct http_exchange *exchange)
{
    curl_multi_remove_handle(exchange->pool->multi, exchange->easy);
    return !http_exchange_rewind(exchange) &&
           !curl_multi_add_handle(exchange->pool->multi, exchange->easy);
}

static void collect_completed(struct http_pool *pool)
{
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(pool->multi, &left))) {
        struct http_exchange *exchange = NULL;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &exchange);
        CURLcode result = message->data.result; /* the message ends with the transfer */
        if (message->msg != CURLMSG_DONE || (exchange->unfit && restart(exchange)))
            continue;
        finish(exchange, result);
    }
}

/* An owner may cancel other exchanges in this list or close the client, so each iteration starts at
 * the head. */
static void deliver_finished(struct http_client *client)
{
    struct list *link;
    while ((link = list_shift(&client->finished))) {
        client->active--;
        http_exchange_deliver(container_of(link, struct http_exchange, link));
    }
}

/* Errors of the multi handle need no other handling, since each exchange has a deadline. */
static void run_curl(struct http_pool *pool, curl_socket_t fd, int events)
{
    int running;
    curl_multi_socket_action(pool->multi, fd, events, &running);
    collect_completed(pool);
}

void http_client_expire(struct http_exchange *exchange)
{
    struct http_client *client = exchange->pool->client;
    finish(exchange, CURLE_OPERATION_TIMEDOUT);
    deliver_finished(client);
}

/* ---- sockets ---- */

static struct http_pool *pool_of(struct http_sockets *sockets)
{
    return container_of(sockets, struct http_pool, sockets);
}

static void on_socket_ready(struct http_sockets *sockets, curl_socket_t fd, int events)
{
    run_curl(pool_of(sockets), fd, events);
    deliver_finished(pool_of(sockets)->client);
}

static void on_sockets_counted(struct http_sockets *sockets, int change)
{
    if (change > 0)
        pool_of(sockets)->client->handles++;
    else
        http_client_handle_closed(pool_of(sockets));
}

static const struct http_sockets_owner sockets_owner = {on_socket_ready, on_sockets_counted};

static int on_socket_wanted(CURL *easy, curl_socket_t fd, int what, void *user, void *assigned)
{
    struct http_pool *pool = user;
    struct http_exchange *exchange = NULL;
    if (!http_sockets_want(&pool->sockets, pool->multi, fd, what, assigned))
        return 0;
    /* An error returned here would end all exchanges of the client, not only this one. */
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &exchange);
    if (exchange)
        http_exchange_fail(exchange, ERR_MEMORY, "the connection cannot be watched");
    return 0;
}

enum http_silence http_client_listen(struct http_exchange *exchange, int local_port)
{
    return http_sockets_listen(&exchange->pool->sockets, local_port, exchange->tls);
}

/* ---- curl's timer ---- */

static void on_timer(uv_timer_t *timer)
{
    struct http_pool *pool = container_of(timer, struct http_pool, timer);
    run_curl(pool, CURL_SOCKET_TIMEOUT, 0);
    deliver_finished(pool->client);
}

static int on_timer_wanted(CURLM *multi, long timeout_ms, void *user)
{
    struct http_pool *pool = user;
    (void)multi;
    if (timeout_ms < 0)
        uv_timer_stop(&pool->timer);
    else
        uv_timer_start(&pool->timer, on_timer, (uint64_t)timeout_ms, 0);
    return 0;
}

/* ---- exchanges ---- */

int http_client_send(struct http_client *client, const struct http_request *request,
                     http_done *done, void *user, struct http_exchange **out)
{
    const struct http_common common = {
        .share = client->share,
        .ca_path = client->ca_path,
        .ca_is_directory = client->ca_is_directory,
        .any_host = client->any_host,
        .user_agent = client->user_agent,
        .idle_timeout_ms = client->idle_timeout_ms,
    };
    struct http_exchange *exchange;
    struct http_pool *pool = &client->pools[request->class];
    assert(!client->closing);
    *out = NULL;
    int code = http_exchange_create(&common, request, &exchange);
    if (code)
        return code;
    exchange->pool = pool;
    if (http_sockets_serve(&pool->sockets, exchange->easy) ||
        curl_multi_add_handle(pool->multi, exchange->easy)) {
        http_exchange_free(exchange);
        return ERR_MEMORY;
    }
    exchange->done = done;
    exchange->user = user;
    http_exchange_start(exchange, client->loop);
    list_push(&client->running, &exchange->link);
    client->handles++;
    client->active++;
    *out = exchange;
    return 0;
}

void http_exchange_cancel(struct http_exchange *exchange)
{
    struct http_client *client = exchange->pool->client;
    assert(!exchange->delivering);
    if (exchange->easy) /* it is running */
        curl_multi_remove_handle(exchange->pool->multi, exchange->easy);
    list_remove(&exchange->link);
    client->active--;
    http_exchange_close(exchange);
}

static void cancel_all(struct list *exchanges)
{
    while (!list_empty(exchanges))
        http_exchange_cancel(container_of(exchanges->next, struct http_exchange, link));
}

int http_client_trust(struct http_client *client, const char *path, bool is_directory)
{
    char *copy = strdup(path);
    if (!copy)
        return ERR_MEMORY;
    free(client->ca_path);
    client->ca_path = copy;
    client->ca_is_directory = is_directory;
    return 0;
}

unsigned http_client_idle_timeout(const struct http_client *client)
{
    return client->idle_timeout_ms;
}

size_t http_client_active(const struct http_client *client)
{
    return client->active;
}

/* ---- lifetime ---- */

static void client_free(struct http_client *client)
{
    for (size_t i = 0; i < HTTP_CLASSES; i++)
        curl_multi_cleanup(client->pools[i].multi);
    if (client->share)
        curl_share_cleanup(client->share);
    free(client->ca_path);
    free(client->user_agent);
    free(client);
    curl_global_cleanup();
}

static int copy_options(struct http_client *client, const struct http_client_options *options)
{
    const char *agent = options->user_agent;
    client->user_agent = strdup(agent ? agent : "thumbwheel/" THUMBWHEEL_VERSION);
    client->any_host = options->any_host;
    if (options->ca_file)
        client->ca_path = strdup(options->ca_file);
    return client->user_agent && (client->ca_path || !options->ca_file) ? 0 : ERR_MEMORY;
}

static int set_multi(struct http_pool *pool, long all, long host)
{
    CURLM *multi = pool->multi = curl_multi_init();
    unsigned code = 0;
    if (!multi)
        return ERR_MEMORY;
    code |= (unsigned)curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket_wanted);
    code |= (unsigned)curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, pool);
    code |= (unsigned)curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer_wanted);
    code |= (unsigned)curl_multi_setopt(multi, CURLMOPT_TIMERDATA, pool);
    code |= (unsigned)curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, all);
    code |= (unsigned)curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, host);
    code |= (unsigned)curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, all ? all : POLLS_KEPT);
    return code ? ERR_MEMORY : 0;
}

/* Unlimited, since a long poll that waited for a connection would delay its queue. */
static int set_pools(struct http_client *client, const struct http_client_options *options)
{
    long all = options->max_connections ? (long)options->max_connections : MAX_CONNECTIONS;
    long host =
        options->max_host_connections ? (long)options->max_host_connections : MAX_HOST_CONNECTIONS;
    const struct {
        long all, host;
    } limits[HTTP_CLASSES] = {[HTTP_NORMAL] = {all, host},
                              [HTTP_URGENT] = {MAX_CONNECTIONS, URGENT_HOST_CONNECTIONS},
                              [HTTP_POLL] = {0, 0}};
    for (size_t i = 0; i < HTTP_CLASSES; i++) {
        client->pools[i].client = client;
        http_sockets_init(&client->pools[i].sockets, client->loop, &sockets_owner);
        if (set_multi(&client->pools[i], limits[i].all, limits[i].host))
            return ERR_MEMORY;
    }
    return 0;
}

static int set_share(CURLSH *share)
{
    return curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) ? ERR_MEMORY : 0;
}

int http_client_create(uv_loop_t *loop, const struct http_client_options *options,
                       struct http_client **out, struct error *error)
{
    *out = NULL;
    if (curl_global_init(CURL_GLOBAL_DEFAULT))
        return error_set(error, ERR_MEMORY, "libcurl cannot be initialised");
    struct http_client *client = calloc(1, sizeof *client);
    if (!client) {
        curl_global_cleanup();
        return error_set(error, ERR_MEMORY, "not enough memory for the HTTP client");
    }
    client->loop = loop;
    client->share = curl_share_init();
    if (!client->share || copy_options(client, options) || set_share(client->share) ||
        set_pools(client, options)) {
        client_free(client);
        return error_set(error, ERR_MEMORY, "not enough memory for the HTTP client");
    }
    client->idle_timeout_ms = options->idle_timeout_ms ? options->idle_timeout_ms : IDLE_TIMEOUT_MS;
    list_init(&client->running);
    list_init(&client->finished);
    for (size_t i = 0; i < HTTP_CLASSES; i++)
        uv_timer_init(loop, &client->pools[i].timer);
    client->handles = HTTP_CLASSES;
    *out = client;
    return 0;
}

void http_client_handle_closed(struct http_pool *pool)
{
    struct http_client *client = pool->client;
    if (--client->handles > 0)
        return;
    void (*closed)(void *user) = client->closed;
    void *user = client->closed_user;
    client_free(client);
    if (closed)
        closed(user);
}

static void on_timer_closed(uv_handle_t *handle)
{
    http_client_handle_closed(container_of((uv_timer_t *)handle, struct http_pool, timer));
}

void http_client_close(struct http_client *client, void (*closed)(void *user), void *user)
{
    assert(!client->closing);
    client->closing = true;
    client->closed = closed;
    client->closed_user = user;
    cancel_all(&client->running);
    cancel_all(&client->finished);
    for (size_t i = 0; i < HTTP_CLASSES; i++) {
        struct http_pool *pool = &client->pools[i];
        curl_multi_cleanup(pool->multi); /* its sockets' watches close with it */
        pool->multi = NULL;
        uv_close((uv_handle_t *)&pool->timer, on_timer_closed);
    }
}
