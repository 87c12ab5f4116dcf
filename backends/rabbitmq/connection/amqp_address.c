#include "amqp_address.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bytes.h"
#include "uri.h"

enum {
    HOST_MAX = 253, /* RFC 1035, section 2.3.4, as text */
    PORT = 5672,
    TLS_PORT = 5671,
    PORT_MAX = 65535,
    TEXT_MAX = 8 * 1024,
};

static const char plain_scheme[] = "amqp://", tls_scheme[] = "amqps://";

bool amqp_address_is(const char *text)
{
    return strncasecmp(text, plain_scheme, sizeof plain_scheme - 1) == 0 ||
           strncasecmp(text, tls_scheme, sizeof tls_scheme - 1) == 0;
}

static bool has_control(struct slice text)
{
    for (size_t i = 0; i < text.size; i++)
        if ((unsigned char)text.data[i] < ' ' || text.data[i] == 0x7f)
            return true;
    return false;
}

/* Decodes the name of a user, a vhost or a queue. */
static int name_read(const char *what, struct slice text, char **out, struct error *error)
{
    struct buffer name;
    buffer_init(&name, AMQP_NAME_MAX);
    int code = uri_decode(&name, text, false);
    if (!code && (name.size == 0 || has_control(buffer_slice(&name))))
        code = ERR_INVALID;
    *out = code ? NULL : buffer_take_text(&name);
    buffer_free(&name);
    if (code == ERR_LIMIT)
        return error_set(error, ERR_INVALID, "the %s is longer than %d bytes", what, AMQP_NAME_MAX);
    if (code == ERR_INVALID)
        return error_set(error, code,
                         "the %s is empty, or contains a control character or a broken %%XX", what);
    return *out ? 0 : error_set(error, ERR_MEMORY, "out of memory");
}

static bool port_read(struct slice text, unsigned *out)
{
    unsigned port = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || port > PORT_MAX)
            return false;
        port = port * 10 + (unsigned)(text.data[i] - '0');
    }
    *out = port;
    return text.size > 0 && port > 0 && port <= PORT_MAX;
}

static bool host_is_plain(struct slice name, bool in_brackets)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
    for (size_t i = 0; i < name.size; i++)
        if (!name.data[i] ||
            !strchr(in_brackets ? "0123456789abcdefABCDEF:." : letters, name.data[i]))
            return false;
    return name.size > 0 && name.size <= HOST_MAX;
}

/* Splits "host:port" or "[::1]:port"; the port is empty if there is none. */
static bool host_split(struct slice text, struct slice *name, struct slice *port)
{
    const char *end = text.data + text.size;
    const bool in_brackets = text.size && text.data[0] == '[';
    const char *stop = in_brackets ? memchr(text.data, ']', text.size) : NULL;
    if (in_brackets && !stop)
        return false;
    const char *rest = stop ? stop + 1 : text.data;
    const char *colon = memchr(rest, ':', (size_t)(end - rest));
    if (in_brackets && rest != end && rest != colon)
        return false;
    *name = in_brackets ? (struct slice){text.data + 1, (size_t)(stop - text.data - 1)}
                        : (struct slice){text.data, (size_t)((colon ? colon : end) - text.data)};
    *port = colon ? (struct slice){colon + 1, (size_t)(end - colon - 1)} : (struct slice){"", 0};
    return host_is_plain(*name, in_brackets) && (!colon || port->size);
}

static int host_add(struct amqp_address *address, struct slice text, struct error *error)
{
    struct slice name, port;
    struct amqp_host host = {.port = address->tls ? TLS_PORT : PORT};
    if (!host_split(text, &name, &port) || (port.size && !port_read(port, &host.port)))
        return error_set(error, ERR_INVALID, "\"%.*s\" is not a host or host:port",
                         (int)(text.size < HOST_MAX ? text.size : HOST_MAX), text.data);
    if (address->host_count == AMQP_HOSTS_MAX)
        return error_set(error, ERR_INVALID, "more than %d hosts", AMQP_HOSTS_MAX);
    host.name = slice_dup(name);
    if (!host.name)
        return error_set(error, ERR_MEMORY, "out of memory");
    address->hosts[address->host_count++] = host;
    return 0;
}

static int hosts_read(struct amqp_address *address, struct slice text, struct error *error)
{
    while (true) {
        const char *comma = memchr(text.data, ',', text.size);
        const size_t size = comma ? (size_t)(comma - text.data) : text.size;
        int code = host_add(address, (struct slice){text.data, size}, error);
        if (code || !comma)
            return code;
        text.data += size + 1;
        text.size -= size + 1;
    }
}

/* "user@hosts". Only the place of a password is reported, never its text. */
static int authority_read(struct amqp_address *address, struct slice text, struct error *error)
{
    const char *at = memrchr(text.data, '@', text.size);
    if (!at)
        return hosts_read(address, text, error);
    const struct slice user = {text.data, (size_t)(at - text.data)};
    if (memchr(user.data, ':', user.size))
        return error_set(error, ERR_INVALID,
                         "the address contains a password, which would appear in logs; write only "
                         "the user, and name a file with the password in --amqp-password-file");
    int code = name_read("user", user, &address->user, error);
    if (code)
        return code;
    const size_t skipped = user.size + 1;
    return hosts_read(address, (struct slice){text.data + skipped, text.size - skipped}, error);
}

static int address_read(struct amqp_address *address, const char *text, struct error *error)
{
    address->tls = strncasecmp(text, tls_scheme, sizeof tls_scheme - 1) == 0;
    text += address->tls ? sizeof tls_scheme - 1 : sizeof plain_scheme - 1;
    const size_t authority = strcspn(text, "/");
    int code = authority_read(address, (struct slice){text, authority}, error);
    if (code)
        return code;
    if (strpbrk(text + authority, "?#"))
        return error_set(
            error, ERR_INVALID,
            "an address has no options after \"?\" or \"#\"; use the settings --amqp-…, "
            "and %%3F or %%23 within a name");
    const char *vhost = text[authority] ? text + authority + 1 : "";
    const char *slash = strchr(vhost, '/');
    if (!slash || strchr(slash + 1, '/'))
        return error_set(error, ERR_INVALID,
                         "write vhost and queue after the host: amqp://host/vhost/queue; the "
                         "default vhost is %%2F: amqp://host/%%2F/queue");
    code =
        name_read("vhost", (struct slice){vhost, (size_t)(slash - vhost)}, &address->vhost, error);
    return code ? code : name_read("queue", slice_of(slash + 1), &address->queue, error);
}

int amqp_address_parse(const char *text, struct amqp_address *out, struct error *error)
{
    *out = (struct amqp_address){0};
    if (!amqp_address_is(text))
        return error_set(error, ERR_INVALID, "an address begins with amqp:// or amqps://");
    if (strlen(text) > TEXT_MAX)
        return error_set(error, ERR_INVALID, "an address has at most %d bytes", TEXT_MAX);
    int code = address_read(out, text, error);
    if (code)
        amqp_address_clear(out);
    return code;
}

void amqp_address_clear(struct amqp_address *address)
{
    for (size_t i = 0; i < address->host_count; i++)
        free(address->hosts[i].name);
    free(address->user);
    free(address->vhost);
    free(address->queue);
    *address = (struct amqp_address){0};
}

static void append_host(struct buffer *out, const struct amqp_host *host)
{
    const bool is_ipv6 = strchr(host->name, ':');
    buffer_format(out, "%s%s%s:%u", is_ipv6 ? "[" : "", host->name, is_ipv6 ? "]" : "", host->port);
}

char *amqp_address_text(const struct amqp_address *address, const char *queue)
{
    struct buffer text;
    buffer_init(&text, TEXT_MAX * 4); /* encoding makes a name up to three times as long */
    buffer_text(&text, address->tls ? tls_scheme : plain_scheme);
    if (address->user) {
        uri_encode(&text, slice_of(address->user), false);
        buffer_byte(&text, '@');
    }
    for (size_t i = 0; i < address->host_count; i++) {
        if (i)
            buffer_byte(&text, ',');
        append_host(&text, &address->hosts[i]);
    }
    buffer_byte(&text, '/');
    uri_encode(&text, slice_of(address->vhost), false);
    buffer_byte(&text, '/');
    uri_encode(&text, slice_of(queue ? queue : address->queue), false);
    return buffer_take_text(&text);
}

int amqp_address_copy(struct amqp_address *to, const struct amqp_address *from)
{
    char *text = amqp_address_text(from, NULL);
    int code = text ? amqp_address_parse(text, to, NULL) : ERR_MEMORY;
    free(text);
    return code;
}

char *amqp_address_service(const struct amqp_address *address)
{
    struct buffer text;
    buffer_init(&text, TEXT_MAX);
    append_host(&text, &address->hosts[0]);
    return buffer_take_text(&text);
}

static bool texts_equal(const char *one, const char *other)
{
    return one && other && strcmp(one, other) == 0;
}

static bool hosts_equal(const struct amqp_host *one, const struct amqp_host *other)
{
    return one->port == other->port && strcasecmp(one->name, other->name) == 0;
}

static bool has_host(const struct amqp_address *address, const struct amqp_host *host)
{
    for (size_t i = 0; i < address->host_count; i++)
        if (hosts_equal(&address->hosts[i], host))
            return true;
    return false;
}

static bool any_host_in_common(const struct amqp_address *one, const struct amqp_address *other)
{
    for (size_t i = 0; i < one->host_count; i++)
        if (has_host(other, &one->hosts[i]))
            return true;
    return false;
}

bool amqp_address_shares(const struct amqp_address *one, const struct amqp_address *other)
{
    if (one->tls != other->tls || one->host_count != other->host_count ||
        !texts_equal(one->vhost, other->vhost) || !one->user != !other->user ||
        (one->user && !texts_equal(one->user, other->user)))
        return false;
    for (size_t i = 0; i < one->host_count; i++)
        if (!hosts_equal(&one->hosts[i], &other->hosts[i]))
            return false;
    return true;
}

enum queue_relation amqp_address_compare(const char *name, const char *other)
{
    struct amqp_address one, two;
    enum queue_relation relation = QUEUES_DIFFER;
    if (amqp_address_parse(name, &one, NULL))
        return relation;
    if (amqp_address_parse(other, &two, NULL) == 0) {
        if (texts_equal(one.vhost, two.vhost) && texts_equal(one.queue, two.queue))
            relation = any_host_in_common(&one, &two) ? QUEUES_ARE_ONE : QUEUES_MAY_BE_ONE;
        amqp_address_clear(&two);
    }
    amqp_address_clear(&one);
    return relation;
}
