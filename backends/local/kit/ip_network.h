/* IPv4 and IPv6 addresses and CIDR blocks in text. Any thread. */
#ifndef THUMBWHEEL_LOCAL_IP_NETWORK_H
#define THUMBWHEEL_LOCAL_IP_NETWORK_H

#include <stdbool.h>
#include <stddef.h>

struct ip_network {
    unsigned char address[16];
    size_t size; /* address size in bytes: 4 or 16 */
    unsigned bits;
};

/* "10.0.0.0/8", or a single address. */
bool ip_network_read(const char *text, struct ip_network *out);
bool ip_network_equal(const struct ip_network *a, const struct ip_network *b);
bool ip_network_has(const struct ip_network *network, const struct ip_network *address);

#endif
