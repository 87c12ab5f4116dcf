#include "loopback.h"

#include <arpa/inet.h>
#include <string.h>

bool host_is_loopback(struct slice host)
{
    char text[INET_ADDRSTRLEN];
    struct in_addr address;
    if (slice_equal_text(host, "localhost") || slice_equal_text(host, "::1") ||
        slice_equal_text(host, "[::1]"))
        return true;
    if (host.size >= sizeof text) /* a name, which "127.example" would be, too */
        return false;
    memcpy(text, host.data, host.size);
    text[host.size] = '\0';
    return inet_pton(AF_INET, text, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}
