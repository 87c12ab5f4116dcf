#include "ip_network.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

static bool bits_read(const char *text, unsigned max, unsigned *out)
{
    char *end;
    unsigned long bits = strtoul(text, &end, 10);
    *out = (unsigned)bits;
    return *text >= '0' && *text <= '9' && !*end && bits <= max;
}

bool ip_network_read(const char *text, struct ip_network *out)
{
    char address[INET6_ADDRSTRLEN];
    size_t size = strcspn(text, "/");
    if (size >= sizeof address)
        return false;
    memcpy(address, text, size);
    address[size] = '\0';
    *out = (struct ip_network){.size = 0};
    if (inet_pton(AF_INET, address, out->address) == 1)
        out->size = 4;
    else if (inet_pton(AF_INET6, address, out->address) == 1)
        out->size = 16;
    out->bits = (unsigned)out->size * 8;
    return out->size && (!text[size] || bits_read(text + size + 1, out->bits, &out->bits));
}

bool ip_network_equal(const struct ip_network *a, const struct ip_network *b)
{
    return a->size == b->size && a->bits == b->bits && memcmp(a->address, b->address, a->size) == 0;
}

bool ip_network_has(const struct ip_network *network, const struct ip_network *address)
{
    size_t whole = network->bits / 8;
    unsigned mask = 0xffU << (8 - network->bits % 8) & 0xffU;
    if (network->size != address->size || memcmp(network->address, address->address, whole) != 0)
        return false;
    return !mask || ((network->address[whole] ^ address->address[whole]) & mask) == 0;
}
