/* Opening a connection: socket, TLS, password, login. It may block for seconds. */
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "amqp_session.h"
#include "bytes.h"
#include "files.h"

enum {
    CONNECT_TIMEOUT_S = 5,
    LOGIN_TIMEOUT_S = 10,
    PASSWORD_MAX = 4096,
    SILENCE_LEAST_MS = 20 * 1000,
};

static const char default_user[] = "guest"; /* "Access Control", RabbitMQ documentation */
static const char system_authorities[] = "/etc/ssl/certs/ca-certificates.crt";

/* Its first line. The caller wipes and frees it. */
static int password_read(const struct amqp_settings *settings, char **out, struct error *error)
{
    struct bytes file = {0};
    if (!settings->password_file) {
        *out = slice_dup(slice_of(default_user));
        return *out ? 0 : error_set(error, ERR_MEMORY, "out of memory");
    }
    int code = file_read(settings->password_file, PASSWORD_MAX, &file, error);
    if (code) {
        error->code = ERR_CREDENTIALS;
        return error->code;
    }
    const char *text = file.data;
    size_t size = 0;
    while (size < file.size && text[size] && text[size] != '\n' && text[size] != '\r')
        size++;
    *out = size ? slice_dup((struct slice){text, size}) : NULL;
    if (file.data)
        explicit_bzero(file.data, file.size);
    bytes_free(&file);
    if (!size)
        return error_set(error, ERR_CREDENTIALS, "the file \"%s\" contains no password",
                         settings->password_file);
    return *out ? 0 : error_set(error, ERR_MEMORY, "out of memory");
}

static amqp_socket_t *tls_socket(struct amqp_session *session, const struct amqp_settings *settings,
                                 struct error *error)
{
    const char *authorities = settings->ca_file ? settings->ca_file : system_authorities;
    amqp_socket_t *socket = amqp_ssl_socket_new(session->state);
    if (!socket) {
        error_set(error, ERR_MEMORY, "out of memory");
        return NULL;
    }
    if (amqp_ssl_socket_set_cacert(socket, authorities)) {
        error_set(error, ERR_INVALID,
                  "\"%s\" contains no certificate in PEM format to verify the broker with; name a "
                  "file in --amqp-ca-file",
                  authorities);
        return NULL;
    }
    amqp_ssl_socket_set_verify_peer(socket, true);
    amqp_ssl_socket_set_verify_hostname(socket, true);
    amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST);
    return socket;
}

static int connect_failed(const struct amqp_session *session, int result, struct error *error)
{
    if (result == AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED)
        return error_set(error, ERR_NETWORK,
                         "%s: its certificate is not for this host name (IP addresses are not "
                         "supported)",
                         session->host);
    if (result == AMQP_STATUS_SSL_PEER_VERIFY_FAILED || result == AMQP_STATUS_SSL_CONNECTION_FAILED)
        return error_set(error, ERR_NETWORK,
                         "%s: no TLS connection (%s): its certificate must be signed by an "
                         "authority in --amqp-ca-file",
                         session->host, amqp_error_string2(result));
    if (result == AMQP_STATUS_SOCKET_ERROR)
        return error_set(error, ERR_NETWORK, "%s: cannot connect: nothing listens there",
                         session->host);
    return error_set(error, result == AMQP_STATUS_TIMEOUT ? ERR_TIMEOUT : ERR_NETWORK,
                     "%s: cannot connect: %s", session->host, amqp_error_string2(result));
}

static int socket_open(struct amqp_session *session, const struct amqp_address *address,
                       const struct amqp_host *host, const struct amqp_settings *settings,
                       struct error *error)
{
    const struct timeval limit = {.tv_sec = CONNECT_TIMEOUT_S};
    amqp_socket_t *socket =
        address->tls ? tls_socket(session, settings, error) : amqp_tcp_socket_new(session->state);
    if (!socket)
        return address->tls ? error->code : error_set(error, ERR_MEMORY, "out of memory");
    int result = amqp_socket_open_noblock(socket, host->name, (int)host->port, &limit);
    if (result)
        return connect_failed(session, result, error);
    unsigned silence_ms = settings->heartbeat_s * 2000;
    if (silence_ms < SILENCE_LEAST_MS)
        silence_ms = SILENCE_LEAST_MS;
    setsockopt(amqp_get_sockfd(session->state), IPPROTO_TCP, TCP_USER_TIMEOUT, &silence_ms,
               sizeof silence_ms);
    return 0;
}

static amqp_table_entry_t entry_true(const char *name)
{
    return (amqp_table_entry_t){.key = amqp_cstring_bytes(name),
                                .value = {.kind = AMQP_FIELD_KIND_BOOLEAN, .value.boolean = true}};
}

static amqp_table_entry_t entry_text(const char *name, const char *text)
{
    return (amqp_table_entry_t){
        .key = amqp_cstring_bytes(name),
        .value = {.kind = AMQP_FIELD_KIND_UTF8, .value.bytes = amqp_cstring_bytes(text)}};
}

static amqp_rpc_reply_t login(struct amqp_session *session, const struct amqp_address *address,
                              const struct amqp_settings *settings, const char *purpose,
                              const char *password)
{
    amqp_table_entry_t able[] = {entry_true("authentication_failure_close"),
                                 entry_true("basic.nack"), entry_true("connection.blocked"),
                                 entry_true("consumer_cancel_notify"),
                                 entry_true("publisher_confirms")};
    amqp_table_entry_t facts[] = {
        entry_text("connection_name", purpose),
        entry_text("product", "thumbwheel"),
        entry_text("version", THUMBWHEEL_VERSION),
        {.key = amqp_cstring_bytes("capabilities"),
         .value = {.kind = AMQP_FIELD_KIND_TABLE,
                   .value.table = {.num_entries = sizeof able / sizeof *able, .entries = able}}},
    };
    const amqp_table_t properties = {.num_entries = sizeof facts / sizeof *facts, .entries = facts};
    return amqp_login_with_properties(session->state, address->vhost, AMQP_CHANNELS_MAX,
                                      AMQP_FRAME_MAX, (int)settings->heartbeat_s, &properties,
                                      AMQP_SASL_METHOD_PLAIN,
                                      address->user ? address->user : default_user, password);
}

/* A wrong password and a vhost that does not exist are both answered with connection.close. */
static int login_check(struct amqp_session *session, const struct amqp_address *address,
                       amqp_rpc_reply_t reply, struct error *error)
{
    const bool refused = reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION &&
                         reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD;
    const amqp_connection_close_t *close = refused ? reply.reply.decoded : NULL;
    const unsigned why = close ? close->reply_code : 0;
    char what[64 + AMQP_NAME_MAX];
    snprintf(what, sizeof what, "login to the vhost \"%s\"", address->vhost);
    int code = amqp_session_check(session, 0, reply, what, error);
    if (why == AMQP_ACCESS_REFUSED)
        code = error->code = ERR_CREDENTIALS;
    return code;
}

int amqp_session_open(struct amqp_session *session, const struct amqp_address *address,
                      const struct amqp_host *host, const struct amqp_settings *settings,
                      const char *purpose, struct error *error)
{
    const struct timeval rpc = {.tv_sec = AMQP_RPC_TIMEOUT_S},
                         handshake = {.tv_sec = LOGIN_TIMEOUT_S};
    char *password = NULL;
    session->broken = false;
    session->state = amqp_new_connection();
    if (!session->state)
        return error_set(error, ERR_MEMORY, "out of memory");
    amqp_set_handshake_timeout(session->state, &handshake);
    amqp_set_rpc_timeout(session->state, &rpc);
    int code = password_read(settings, &password, error);
    if (code)
        goto out;
    code = socket_open(session, address, host, settings, error);
    if (code)
        goto out;
    const amqp_rpc_reply_t reply = login(session, address, settings, purpose, password);
    code = login_check(session, address, reply, error);
out:
    if (password)
        explicit_bzero(password, strlen(password));
    free(password);
    if (!code)
        return 0;
    session->broken = true;
    amqp_session_close(session);
    return code;
}
