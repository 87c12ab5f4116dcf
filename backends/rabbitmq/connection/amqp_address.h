/*
 * The address of a queue of RabbitMQ: amqp://[user@]host[:port][,host[:port]…]/vhost/queue, or
 * amqps:// for TLS. Vhost and queue are percent-encoded, so that the default vhost "/" is %2F; an
 * IPv6 host is in brackets ("RabbitMQ URI Specification"). Several hosts are the nodes of one
 * cluster. A password never belongs into an address, because addresses are logged. Pure; any thread.
 */
#ifndef THUMBWHEEL_AMQP_ADDRESS_H
#define THUMBWHEEL_AMQP_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "queue_backend.h"

enum {
    AMQP_HOSTS_MAX = 16,
    AMQP_NAME_MAX = 255, /* bytes of a queue's name, a vhost's and a user's (short strings) */
};

struct amqp_host {
    char *name; /* without brackets */
    unsigned port;
};

struct amqp_address { /* owns its strings */
    bool tls;
    char *user;  /* NULL: none given */
    char *vhost; /* decoded */
    char *queue; /* decoded */
    struct amqp_host hosts[AMQP_HOSTS_MAX];
    size_t host_count; /* at least 1 */
};

/* Whether the text is meant as such an address: it begins with amqp:// or amqps://. */
bool amqp_address_is(const char *text);
/* ERR_INVALID: the error says what is wrong, and never repeats a password; ERR_MEMORY. On an error
 * *out is empty. error may be NULL. */
int amqp_address_parse(const char *text, struct amqp_address *out, struct error *error);
void amqp_address_clear(struct amqp_address *address);
int amqp_address_copy(struct amqp_address *to, const struct amqp_address *from); /* ERR_MEMORY */

/* The address in its normal form, with another queue unless that is NULL; NULL: out of memory. The
 * caller frees it. */
char *amqp_address_text(const struct amqp_address *address, const char *queue);
/* "host:5672", the first host; NULL: out of memory. The caller frees it. */
char *amqp_address_service(const struct amqp_address *address);
/* Whether they name the same vhost of the same brokers, with the same user: one connection serves
 * both. */
bool amqp_address_shares(const struct amqp_address *one, const struct amqp_address *other);
/* Invalid addresses differ. The same queue at different hosts may be one, in a cluster. */
enum queue_relation amqp_address_compare(const char *name, const char *other);

#endif
