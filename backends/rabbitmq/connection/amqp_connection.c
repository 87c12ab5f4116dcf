/*
 * The thread of a connection, and the two lists between it and the loop.
 *
 * The mutex protects the inbox, the outbox and `stopping`; everything else belongs to the thread
 * until it has ended. The eventfd wakes the thread out of poll(2), which waits for it and for the
 * socket.
 */
#include "amqp_connection.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "amqp_session.h"
#include "container_of.h"
#include "log.h"

enum {
    BACKOFF_BASE_MS = 200,
    BACKOFF_CAP_MS = 10 * 1000,
    TICK_MS = 1000,
    HOST_TEXT_SIZE = 300,
    LOG_EVERY_MS = 60 * 1000,
};

struct amqp_task_list {
    struct amqp_task *first, **last;
};

struct amqp_connection {
    uv_async_t wake_loop;
    int wake_thread; /* an eventfd */
    uv_thread_t thread;
    uv_mutex_t mutex;
    struct amqp_task_list inbox, outbox;
    bool stopping, ended; /* ended: the thread will post nothing more */
    void (*closed)(void *user);
    void *closed_user;

    /* the thread's */
    struct amqp_address address;
    struct amqp_settings settings;
    const char *purpose;
    struct amqp_events events;
    void *user;
    struct amqp_session session;
    char host[HOST_TEXT_SIZE];
    size_t next_host;
    size_t tried;      /* hosts without success, since the last success or the last pause */
    unsigned failures; /* rounds without success */
    struct log_gate gate;
};

/* ---- lists ---- */

static void list_start(struct amqp_task_list *list)
{
    list->first = NULL;
    list->last = &list->first;
}

static void list_append(struct amqp_task_list *list, struct amqp_task *task)
{
    task->next = NULL;
    *list->last = task;
    list->last = &task->next;
}

static struct amqp_task *list_empty_out(struct amqp_task_list *list)
{
    struct amqp_task *first = list->first;
    list_start(list);
    return first;
}

static void thread_wake(struct amqp_connection *connection)
{
    const uint64_t one = 1;
    ssize_t written = write(connection->wake_thread, &one, sizeof one);
    (void)written; /* it fails only if the thread is being woken already */
}

void amqp_connection_submit(struct amqp_connection *connection, struct amqp_task *task)
{
    task->code = 0;
    task->error = (struct error){0};
    uv_mutex_lock(&connection->mutex);
    const bool first = !connection->inbox.first;
    list_append(&connection->inbox, task);
    uv_mutex_unlock(&connection->mutex);
    if (first)
        thread_wake(connection);
}

static struct amqp_task *inbox_take(struct amqp_connection *connection)
{
    uv_mutex_lock(&connection->mutex);
    struct amqp_task *first = list_empty_out(&connection->inbox);
    uv_mutex_unlock(&connection->mutex);
    return first;
}

static bool is_stopping(struct amqp_connection *connection)
{
    uv_mutex_lock(&connection->mutex);
    bool stopping = connection->stopping;
    uv_mutex_unlock(&connection->mutex);
    return stopping;
}

void amqp_session_post(struct amqp_session *session, struct amqp_task *task, int code,
                       const struct error *error)
{
    struct amqp_connection *connection = session->connection;
    task->code = code;
    if (error && error != &task->error)
        task->error = *error;
    if (code && !task->error.code)
        error_set(&task->error, code, "%s", error_name(code));
    uv_mutex_lock(&connection->mutex);
    const bool first = !connection->outbox.first;
    list_append(&connection->outbox, task);
    uv_mutex_unlock(&connection->mutex);
    if (first)
        uv_async_send(&connection->wake_loop);
}

/* ---- the thread: tasks ---- */

static void task_run(struct amqp_connection *connection, struct amqp_task *task)
{
    int code = task->run(task, &connection->session);
    if (code != AMQP_TASK_PENDING)
        amqp_session_post(&connection->session, task, code, &task->error);
}

static void task_fail(struct amqp_connection *connection, struct amqp_task *task,
                      const struct error *error)
{
    if (task->always)
        task_run(connection, task);
    else
        amqp_session_post(&connection->session, task, error->code, error);
}

static void tasks_fail(struct amqp_connection *connection, const struct error *error)
{
    struct amqp_task *next;
    for (struct amqp_task *task = inbox_take(connection); task; task = next) {
        next = task->next;
        task_fail(connection, task, error);
    }
}

static void tasks_run(struct amqp_connection *connection)
{
    struct amqp_session *session = &connection->session;
    struct amqp_task *next;
    for (struct amqp_task *task = inbox_take(connection); task; task = next) {
        next = task->next;
        if (session->broken)
            task_fail(connection, task, &session->error);
        else
            task_run(connection, task);
    }
}

/* ---- the thread: opening ---- */

static void pause_for(const struct amqp_connection *connection, int wait_ms)
{
    struct pollfd wake = {.fd = connection->wake_thread, .events = POLLIN};
    poll(&wake, 1, wait_ms);
}

static int jitter_ms(unsigned failures)
{
    unsigned random = 0, most = BACKOFF_BASE_MS;
    while (failures-- > 0 && most < BACKOFF_CAP_MS)
        most *= 2;
    if (most > BACKOFF_CAP_MS)
        most = BACKOFF_CAP_MS;
    uv_random(NULL, NULL, &random, sizeof random, 0, NULL);
    return (int)(BACKOFF_BASE_MS / 2 + random % most);
}

/* The eventfd stays readable for new tasks, which have to wait; only stopping ends the pause. */
static void back_off(struct amqp_connection *connection)
{
    const uint64_t end_ms = uv_hrtime() / 1000000 + (uint64_t)jitter_ms(connection->failures++);
    uint64_t now_ms, count;
    while (!is_stopping(connection) && (now_ms = uv_hrtime() / 1000000) < end_ms) {
        pause_for(connection, (int)(end_ms - now_ms));
        ssize_t got = read(connection->wake_thread, &count, sizeof count);
        (void)got;
    }
}

static void lost(struct amqp_connection *connection, const struct error *error)
{
    struct amqp_session *session = &connection->session;
    if (connection->events.lost)
        connection->events.lost(session, error, connection->user);
    if (log_gate_open(&connection->gate, uv_hrtime() / 1000000, LOG_EVERY_MS) &&
        !is_stopping(connection))
        log_warn("no connection to RabbitMQ; trying the next host",
                 LOG_TEXT("connection", connection->purpose), LOG_TEXT("error", error->text),
                 LOG_SUPPRESSED(&connection->gate));
}

static void opened(struct amqp_connection *connection)
{
    connection->tried = connection->failures = 0;
    log_gate_reset(&connection->gate);
    log_info("connected to RabbitMQ", LOG_TEXT("connection", connection->purpose),
             LOG_TEXT("host", connection->host));
}

static void try_next_host(struct amqp_connection *connection)
{
    struct amqp_session *session = &connection->session;
    const struct amqp_host *host = &connection->address.hosts[connection->next_host];
    struct error error = {0};
    connection->next_host = (connection->next_host + 1) % connection->address.host_count;
    snprintf(connection->host, sizeof connection->host, "%s:%u", host->name, host->port);
    int code = amqp_session_open(session, &connection->address, host, &connection->settings,
                                 connection->purpose, &error);
    if (!code && connection->events.opened)
        code = connection->events.opened(session, &error, connection->user);
    if (!code) {
        opened(connection);
        return;
    }
    session->broken = true;
    amqp_session_close(session);
    lost(connection, &error);
    if (++connection->tried < connection->address.host_count)
        return;
    connection->tried = 0;
    tasks_fail(connection, &error);
    back_off(connection);
}

/* ---- the thread: serving ---- */

static void wait_for_work(struct amqp_connection *connection)
{
    const struct amqp_session *session = &connection->session;
    const int heartbeat_ms = amqp_get_heartbeat(session->state) * 1000;
    int wait_ms = heartbeat_ms ? heartbeat_ms / 4 : -1;
    if (session->ticking && (wait_ms < 0 || wait_ms > TICK_MS))
        wait_ms = TICK_MS;
    struct pollfd fds[] = {{.fd = amqp_get_sockfd(session->state), .events = POLLIN},
                           {.fd = connection->wake_thread, .events = POLLIN}};
    uint64_t count;
    if (amqp_frames_enqueued(session->state))
        wait_ms = 0; /* a call of the last turn has read them while it waited for its reply */
    if (poll(fds, 2, wait_ms) > 0 && fds[1].revents) {
        ssize_t got = read(connection->wake_thread, &count, sizeof count);
        (void)got;
    }
}

static void serve(struct amqp_connection *connection)
{
    struct amqp_session *session = &connection->session;
    tasks_run(connection);
    amqp_session_read(session, &connection->events, connection->user);
    if (connection->events.turn)
        connection->events.turn(session, connection->user);
    if (!session->broken) {
        wait_for_work(connection);
        return;
    }
    const struct error error = session->error;
    amqp_session_close(session);
    lost(connection, &error);
}

static void thread_end(struct amqp_connection *connection)
{
    struct error error;
    error_set(&error, ERR_CANCELLED, "the connection is being closed");
    if (connection->session.state) {
        tasks_run(connection); /* such as the last acknowledgements */
        amqp_session_close(&connection->session);
    }
    if (connection->events.lost)
        connection->events.lost(&connection->session, &error, connection->user);
    tasks_fail(connection, &error);
    uv_mutex_lock(&connection->mutex);
    connection->ended = true;
    uv_mutex_unlock(&connection->mutex);
    uv_async_send(&connection->wake_loop);
}

static void thread_main(void *argument)
{
    struct amqp_connection *connection = argument;
    while (!is_stopping(connection)) {
        if (connection->session.state)
            serve(connection);
        else
            try_next_host(connection);
    }
    thread_end(connection);
}

/* ---- the loop ---- */

static void connection_free(struct amqp_connection *connection)
{
    amqp_address_clear(&connection->address);
    uv_mutex_destroy(&connection->mutex);
    close(connection->wake_thread);
    free(connection);
}

static void handle_closed(uv_handle_t *handle)
{
    struct amqp_connection *connection =
        container_of((uv_async_t *)handle, struct amqp_connection, wake_loop);
    void (*closed)(void *user) = connection->closed;
    void *user = connection->closed_user;
    connection_free(connection);
    closed(user);
}

static void on_wake(uv_async_t *handle)
{
    struct amqp_connection *connection = container_of(handle, struct amqp_connection, wake_loop);
    uv_mutex_lock(&connection->mutex);
    struct amqp_task *task = list_empty_out(&connection->outbox), *next;
    const bool ended = connection->ended;
    uv_mutex_unlock(&connection->mutex);
    for (; task; task = next) {
        next = task->next;
        task->done(task);
    }
    if (!ended)
        return;
    uv_thread_join(&connection->thread);
    /* submitted after the thread had ended */
    for (task = list_empty_out(&connection->inbox); task; task = next) {
        next = task->next;
        task->code = error_set(&task->error, ERR_CANCELLED, "the connection is being closed");
        task->done(task);
    }
    uv_close((uv_handle_t *)handle, handle_closed);
}

static void nobody(void *user)
{
    (void)user;
}

/* On an error, the connection is freed, now or from the loop. */
static int start(struct amqp_connection *connection, uv_loop_t *loop)
{
    if (uv_mutex_init(&connection->mutex))
        goto no_mutex;
    if (uv_async_init(loop, &connection->wake_loop, on_wake))
        goto no_async;
    if (uv_thread_create(&connection->thread, thread_main, connection) == 0)
        return 0;
    connection->closed = nobody;
    uv_close((uv_handle_t *)&connection->wake_loop, handle_closed);
    return ERR_IO;
no_async:
    uv_mutex_destroy(&connection->mutex);
no_mutex:
    close(connection->wake_thread);
    amqp_address_clear(&connection->address);
    free(connection);
    return ERR_MEMORY;
}

int amqp_connection_create(uv_loop_t *loop, const struct amqp_connection_options *options,
                           struct amqp_connection **out, struct error *error)
{
    struct amqp_connection *connection = calloc(1, sizeof *connection);
    *out = NULL;
    if (!connection || amqp_address_copy(&connection->address, options->address)) {
        free(connection);
        return error_set(error, ERR_MEMORY, "out of memory");
    }
    connection->settings = *options->settings;
    connection->purpose = options->purpose;
    connection->events = *options->events;
    connection->user = options->user;
    connection->session.connection = connection;
    connection->session.host = connection->host;
    list_start(&connection->inbox);
    list_start(&connection->outbox);
    connection->wake_thread = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (connection->wake_thread < 0) {
        amqp_address_clear(&connection->address);
        free(connection);
        return error_set(error, ERR_IO, "no file descriptor for a connection to RabbitMQ: %s",
                         strerror(errno));
    }
    int code = start(connection, loop);
    if (code)
        return error_set(error, code, "cannot start the thread of a connection to RabbitMQ");
    *out = connection;
    return 0;
}

void amqp_connection_destroy(struct amqp_connection *connection, void (*closed)(void *user),
                             void *user)
{
    connection->closed = closed;
    connection->closed_user = user;
    uv_mutex_lock(&connection->mutex);
    connection->stopping = true;
    uv_mutex_unlock(&connection->mutex);
    thread_wake(connection);
}
