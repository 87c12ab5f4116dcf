/* A connection to RabbitMQ, against a peer that speaks as much of AMQP 0-9-1 as a test needs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "amqp_session.h"
#include "container_of.h"

enum { CONVERSATIONS = 2, FRAME_SIZE = 4096, TASKS = 4 };

/* class << 16 | method, as in librabbitmq */
enum {
    START = 0x000A000A,
    START_OK = 0x000A000B,
    TUNE = 0x000A001E,
    TUNE_OK = 0x000A001F,
    OPEN = 0x000A0028,
    OPEN_OK = 0x000A0029,
    CLOSE = 0x000A0032,
    CLOSE_OK = 0x000A0033,
    BLOCKED = 0x000A003C,
    UNBLOCKED = 0x000A003D,
    CHANNEL_OPEN = 0x0014000A,
    CHANNEL_OPEN_OK = 0x0014000B,
    CHANNEL_CLOSE = 0x00140028,
    CHANNEL_CLOSE_OK = 0x00140029,
    QUEUE_DECLARE = 0x0032000A,
    QUEUE_DECLARE_OK = 0x0032000B,
};

typedef void conversation(int fd);

struct known_task {
    struct amqp_task task;
    size_t ran, ended; /* places in the order of all */
    bool connected, blocked;
};

static struct {
    uv_loop_t loop;
    struct amqp_connection *connection;
    uv_thread_t peer;
    int listener;
    unsigned port;
    conversation *conversations[CONVERSATIONS]; /* of one connection after the other */
    char login[FRAME_SIZE];                     /* what the client has said of itself */
    struct known_task tasks[TASKS];
    size_t ran, ended;
    atomic_size_t opened, lost;
    struct error why;
    uv_mutex_t mutex;
    bool closed;
} t;

/* ---- the peer ---- */

static void read_all(int fd, void *out, size_t size)
{
    char *at = out;
    while (size > 0) {
        const ssize_t got = read(fd, at, size);
        if (got <= 0)
            return; /* the client has gone */
        at += got;
        size -= (size_t)got;
    }
}

static void say(int fd, unsigned channel, uint32_t method, const void *arguments, size_t size)
{
    unsigned char frame[FRAME_SIZE] = {1, (unsigned char)(channel >> 8), (unsigned char)channel};
    const uint32_t length = htonl((uint32_t)size + 4), id = htonl(method);
    memcpy(frame + 3, &length, 4);
    memcpy(frame + 7, &id, 4);
    if (size)
        memcpy(frame + 11, arguments, size);
    frame[11 + size] = 0xCE;
    assert_int_equal(write(fd, frame, size + 12), (ssize_t)size + 12);
}

#define SAY(fd, channel, method, text) say(fd, channel, method, text, sizeof(text) - 1)

/* Reads frames up to a method; 0: the client has gone. Its arguments are in out. */
static size_t hear(int fd, uint32_t method, unsigned char out[FRAME_SIZE])
{
    while (true) {
        unsigned char head[7] = {0};
        uint32_t size, id = 0;
        read_all(fd, head, sizeof head);
        memcpy(&size, head + 3, sizeof size);
        size = ntohl(size);
        assert_true(size < FRAME_SIZE);
        if (!head[0])
            return 0;
        read_all(fd, out, size + 1);
        memcpy(&id, out, sizeof id);
        if (head[0] == 1 && ntohl(id) == method)
            return size;
    }
}

static void hear_login(int fd)
{
    unsigned char frame[FRAME_SIZE];
    char header[8];
    read_all(fd, header, sizeof header);
    SAY(fd, 0, START, "\0\11\0\0\0\0\0\0\0\5PLAIN\0\0\0\5en_US");
    const size_t size = hear(fd, START_OK, frame);
    uv_mutex_lock(&t.mutex);
    memcpy(t.login, frame, size);
    uv_mutex_unlock(&t.mutex);
}

static void welcome(int fd)
{
    unsigned char frame[FRAME_SIZE];
    hear_login(fd);
    SAY(fd, 0, TUNE, "\x07\xff\0\2\0\0\0\0"); /* no heartbeats */
    hear(fd, OPEN, frame);
    SAY(fd, 0, OPEN_OK, "\0");
}

static void until_it_goes(int fd)
{
    unsigned char frame[FRAME_SIZE];
    if (hear(fd, CLOSE, frame))
        SAY(fd, 0, CLOSE_OK, "");
}

static void stay(int fd)
{
    welcome(fd);
    until_it_goes(fd);
}

static void refuse_login(int fd)
{
    unsigned char frame[FRAME_SIZE];
    hear_login(fd);
    SAY(fd, 0, CLOSE, "\1\x93\7REFUSED\0\0\0\0"); /* 403 */
    hear(fd, CLOSE_OK, frame);
}

static void shut_down(int fd)
{
    unsigned char frame[FRAME_SIZE];
    welcome(fd);
    SAY(fd, 0, CLOSE, "\1\x40\10shutdown\0\0\0\0"); /* 320 */
    hear(fd, CLOSE_OK, frame);
}

static void drop(int fd)
{
    welcome(fd);
}

static void block(int fd)
{
    welcome(fd);
    SAY(fd, 0, BLOCKED, "\12low memory");
    until_it_goes(fd);
}

static void block_and_unblock(int fd)
{
    welcome(fd);
    unsigned char frame[FRAME_SIZE];
    SAY(fd, 0, BLOCKED, "\12low memory");
    hear(fd, CHANNEL_OPEN, frame);
    SAY(fd, 0, UNBLOCKED, "");
    SAY(fd, 1, CHANNEL_OPEN_OK, "\0\0\0\0");
    until_it_goes(fd);
}

static void know_no_queue_at_first(int fd)
{
    unsigned char frame[FRAME_SIZE];
    welcome(fd);
    hear(fd, CHANNEL_OPEN, frame);
    SAY(fd, 1, CHANNEL_OPEN_OK, "\0\0\0\0");
    hear(fd, QUEUE_DECLARE, frame);
    SAY(fd, 1, CHANNEL_CLOSE, "\1\x94\11no queue!\0\0\0\0"); /* 404 */
    hear(fd, CHANNEL_CLOSE_OK, frame);
    hear(fd, CHANNEL_OPEN, frame);
    SAY(fd, 1, CHANNEL_OPEN_OK, "\0\0\0\0");
    hear(fd, QUEUE_DECLARE, frame);
    SAY(fd, 1, QUEUE_DECLARE_OK, "\3web\0\0\0\7\0\0\0\0"); /* 7 messages */
    hear(fd, CHANNEL_CLOSE, frame);
    SAY(fd, 1, CHANNEL_CLOSE_OK, "");
    until_it_goes(fd);
}

/* Until the listener is shut down; the last conversation is repeated. */
static void peer_main(void *argument)
{
    size_t i = 0;
    int fd;
    (void)argument;
    while ((fd = accept(t.listener, NULL, NULL)) >= 0) {
        t.conversations[i](fd);
        close(fd);
        i += i + 1 < CONVERSATIONS && t.conversations[i + 1];
    }
}

static void peer_start(conversation *first, conversation *second)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    t.conversations[0] = first;
    t.conversations[1] = second;
    t.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(t.listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(t.listener, 4), 0);
    assert_int_equal(getsockname(t.listener, (struct sockaddr *)&address, &size), 0);
    t.port = ntohs(address.sin_port);
    assert_int_equal(uv_thread_create(&t.peer, peer_main, NULL), 0);
}

/* ---- the connection's events, on its thread ---- */

static int on_opened(struct amqp_session *session, struct error *error, void *user)
{
    (void)session;
    (void)error;
    (void)user;
    t.opened++;
    return 0;
}

static void on_lost(struct amqp_session *session, const struct error *error, void *user)
{
    (void)session;
    (void)user;
    uv_mutex_lock(&t.mutex);
    if (error->code != ERR_CANCELLED)
        t.why = *error;
    uv_mutex_unlock(&t.mutex);
    t.lost++;
}

static const struct amqp_events events = {.opened = on_opened, .lost = on_lost};

/* ---- the loop's side ---- */

static int begin(void **state)
{
    (void)state;
    memset(&t, 0, sizeof t);
    t.listener = -1;
    uv_mutex_init(&t.mutex);
    return uv_loop_init(&t.loop);
}

static void on_closed(void *user)
{
    *(bool *)user = true;
}

static void disconnect(void)
{
    if (!t.connection)
        return;
    amqp_connection_destroy(t.connection, on_closed, &t.closed);
    t.connection = NULL;
    uv_run(&t.loop, UV_RUN_DEFAULT);
    assert_true(t.closed);
}

static int end(void **state)
{
    (void)state;
    disconnect();
    if (t.listener >= 0) {
        shutdown(t.listener, SHUT_RDWR);
        uv_thread_join(&t.peer);
        close(t.listener);
    }
    uv_mutex_destroy(&t.mutex);
    return uv_loop_close(&t.loop);
}

static void connect_to(const char *hosts, const char *password_file)
{
    const struct amqp_settings settings = {.password_file = password_file, .heartbeat_s = 30};
    char text[256];
    struct amqp_address address;
    struct error error;
    snprintf(text, sizeof text, "amqp://me@%s/shop/web", hosts);
    assert_int_equal(amqp_address_parse(text, &address, &error), 0);
    const struct amqp_connection_options options = {
        .address = &address, .settings = &settings, .purpose = "test", .events = &events};
    assert_int_equal(amqp_connection_create(&t.loop, &options, &t.connection, &error), 0);
    amqp_address_clear(&address);
}

static const char *peer_host(void)
{
    static char host[64];
    snprintf(host, sizeof host, "127.0.0.1:%u", t.port);
    return host;
}

/* A port on which nobody listens: it is bound, so that nobody else gets it. */
static unsigned deaf_port(int *fd)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    *fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(*fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(*fd, (struct sockaddr *)&address, &size), 0);
    return ntohs(address.sin_port);
}

static int task_run(struct amqp_task *task, struct amqp_session *session)
{
    struct known_task *known = container_of(task, struct known_task, task);
    known->ran = ++t.ran;
    known->connected = session->state && !session->broken;
    known->blocked = session->blocked;
    return 0;
}

static void task_done(struct amqp_task *task)
{
    container_of(task, struct known_task, task)->ended = ++t.ended;
}

static struct known_task *submit(size_t index,
                                 int (*run)(struct amqp_task *task, struct amqp_session *session))
{
    struct known_task *known = &t.tasks[index];
    *known = (struct known_task){.task = {.run = run, .done = task_done}};
    amqp_connection_submit(t.connection, &known->task);
    return known;
}

static void wait_for(const struct known_task *known)
{
    while (!known->ended)
        uv_run(&t.loop, UV_RUN_ONCE);
}

static const struct known_task *run_task(size_t index)
{
    struct known_task *known = submit(index, task_run);
    wait_for(known);
    return known;
}

/* ---- tests ---- */

static void tasks_keep_their_order(void **state)
{
    (void)state;
    peer_start(stay, NULL);
    connect_to(peer_host(), NULL);
    for (size_t i = 0; i < TASKS; i++)
        submit(i, task_run);
    wait_for(&t.tasks[TASKS - 1]);
    for (size_t i = 0; i < TASKS; i++) {
        assert_int_equal(t.tasks[i].ran, i + 1);
        assert_int_equal(t.tasks[i].ended, i + 1);
        assert_int_equal(t.tasks[i].task.code, 0);
    }
    assert_int_equal(t.opened, 1);
}

static void the_first_host_that_answers_is_used(void **state)
{
    char hosts[64];
    int deaf;
    (void)state;
    peer_start(stay, NULL);
    snprintf(hosts, sizeof hosts, "127.0.0.1:%u,127.0.0.1:%u", deaf_port(&deaf), t.port);
    connect_to(hosts, NULL);
    assert_int_equal(run_task(0)->task.code, 0);
    assert_int_equal(t.lost, 1);
    close(deaf);
}

static void tasks_fail_when_no_host_answers(void **state)
{
    char host[64];
    int deaf;
    (void)state;
    snprintf(host, sizeof host, "127.0.0.1:%u", deaf_port(&deaf));
    connect_to(host, NULL);
    const struct known_task *known = run_task(0);
    assert_int_equal(known->task.code, ERR_NETWORK);
    assert_non_null(strstr(known->task.error.text, host));
    assert_int_equal(known->ran, 0);
    close(deaf);
}

static void a_task_that_must_run_does_so_without_a_connection(void **state)
{
    char host[64];
    int deaf;
    (void)state;
    snprintf(host, sizeof host, "127.0.0.1:%u", deaf_port(&deaf));
    connect_to(host, NULL);
    t.tasks[0] = (struct known_task){.task = {.run = task_run, .done = task_done, .always = true}};
    amqp_connection_submit(t.connection, &t.tasks[0].task);
    wait_for(&t.tasks[0]);
    assert_int_equal(t.tasks[0].task.code, 0);
    assert_true(t.tasks[0].ran && !t.tasks[0].connected);
    close(deaf);
}

static void a_refused_login_is_a_matter_of_credentials(void **state)
{
    (void)state;
    peer_start(refuse_login, NULL);
    connect_to(peer_host(), NULL);
    const struct known_task *known = run_task(0);
    assert_int_equal(known->task.code, ERR_CREDENTIALS);
    assert_non_null(strstr(known->task.error.text, "REFUSED"));
}

static void the_password_is_the_first_line_of_its_file(void **state)
{
    static const char plain[] = "\0me\0two words";
    char path[] = "/tmp/thumbwheel-password-XXXXXX";
    int fd = mkstemp(path);
    (void)state;
    assert_int_equal(write(fd, "two words\nnot this\n", 19), 19);
    close(fd);
    peer_start(stay, NULL);
    connect_to(peer_host(), path);
    assert_int_equal(run_task(0)->task.code, 0);
    uv_mutex_lock(&t.mutex);
    assert_non_null(memmem(t.login, sizeof t.login, plain, sizeof plain - 1));
    assert_null(memmem(t.login, sizeof t.login, "not this", 8));
    assert_non_null(memmem(t.login, sizeof t.login, "connection.blocked", 18));
    uv_mutex_unlock(&t.mutex);
    unlink(path);
}

static void a_missing_password_is_told(void **state)
{
    (void)state;
    peer_start(stay, NULL);
    connect_to(peer_host(), "/nonexistent/password");
    const struct known_task *known = run_task(0);
    assert_int_equal(known->task.code, ERR_CREDENTIALS);
    assert_non_null(strstr(known->task.error.text, "/nonexistent/password"));
}

static void a_broker_that_shuts_down_is_left_for_the_next(void **state)
{
    (void)state;
    peer_start(shut_down, stay);
    connect_to(peer_host(), NULL);
    while (t.opened < 2)
        run_task(0);
    assert_int_equal(run_task(1)->task.code, 0);
    uv_mutex_lock(&t.mutex);
    assert_int_equal(t.why.code, ERR_NETWORK);
    assert_non_null(strstr(t.why.text, "shutdown"));
    uv_mutex_unlock(&t.mutex);
}

static void a_dropped_connection_is_opened_again(void **state)
{
    (void)state;
    peer_start(drop, stay);
    connect_to(peer_host(), NULL);
    while (t.opened < 2)
        run_task(0);
    assert_int_equal(t.lost, 1);
    assert_int_equal(run_task(1)->task.code, 0);
}

static void a_broker_tells_that_it_takes_no_messages(void **state)
{
    (void)state;
    peer_start(block, NULL);
    connect_to(peer_host(), NULL);
    while (!run_task(0)->blocked)
        ;
    assert_true(t.tasks[0].connected);
}

static int channel_run(struct amqp_task *task, struct amqp_session *session)
{
    amqp_channel_t channel;
    return amqp_session_channel_open(session, &channel, &task->error);
}

static void a_broker_tells_that_it_takes_messages_again(void **state)
{
    (void)state;
    peer_start(block_and_unblock, NULL);
    connect_to(peer_host(), NULL);
    while (!run_task(0)->blocked)
        ;
    wait_for(submit(1, channel_run));
    assert_int_equal(t.tasks[1].task.code, 0);
    while (run_task(0)->blocked)
        ;
    assert_true(t.tasks[0].connected);
}

static int count_run(struct amqp_task *task, struct amqp_session *session)
{
    uint64_t count = 0;
    int code = amqp_session_count(session, "web", &count, &task->error);
    container_of(task, struct known_task, task)->ran = (size_t)count;
    return code;
}

static void an_error_of_a_channel_leaves_the_connection(void **state)
{
    (void)state;
    peer_start(know_no_queue_at_first, NULL);
    connect_to(peer_host(), NULL);
    const struct known_task *first = submit(0, count_run), *second = submit(1, count_run);
    wait_for(second);
    assert_int_equal(first->task.code, ERR_NO_CONTAINER);
    assert_non_null(strstr(first->task.error.text, "no queue!"));
    assert_int_equal(second->task.code, 0);
    assert_int_equal(second->ran, 7);
    assert_int_equal(t.lost, 0);
}

static void what_was_submitted_is_done_before_the_end(void **state)
{
    (void)state;
    peer_start(stay, NULL);
    connect_to(peer_host(), NULL);
    run_task(0);
    submit(1, task_run);
    disconnect();
    assert_true(t.tasks[1].ended && t.tasks[1].connected);
    assert_int_equal(t.tasks[1].task.code, 0);
}

static void nothing_is_left_when_no_host_has_answered(void **state)
{
    char host[64];
    int deaf;
    (void)state;
    snprintf(host, sizeof host, "127.0.0.1:%u", deaf_port(&deaf));
    connect_to(host, NULL);
    run_task(0);
    submit(1, task_run);
    disconnect();
    assert_int_equal(t.tasks[1].task.code == ERR_CANCELLED || t.tasks[1].task.code == ERR_NETWORK,
                     1);
    close(deaf);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tasks_keep_their_order),
        TEST(the_first_host_that_answers_is_used),
        TEST(tasks_fail_when_no_host_answers),
        TEST(a_task_that_must_run_does_so_without_a_connection),
        TEST(a_refused_login_is_a_matter_of_credentials),
        TEST(the_password_is_the_first_line_of_its_file),
        TEST(a_missing_password_is_told),
        TEST(a_broker_that_shuts_down_is_left_for_the_next),
        TEST(a_dropped_connection_is_opened_again),
        TEST(a_broker_tells_that_it_takes_no_messages),
        TEST(a_broker_tells_that_it_takes_messages_again),
        TEST(an_error_of_a_channel_leaves_the_connection),
        TEST(what_was_submitted_is_done_before_the_end),
        TEST(nothing_is_left_when_no_host_has_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
