#include "ceph_sequencer.h"

#include <stdlib.h>
#include <string.h>

#include "hex.h"

enum { NUMBER_SIZE = 4, DIGITS = 2 * 2 * NUMBER_SIZE, NEAR_S = 24 * 60 * 60 };

/* Swaps the digits of the bytes. */
static void reverse(char *digits)
{
    for (int i = 0, j = NUMBER_SIZE - 1; i < j; i++, j--) {
        char byte[2];
        memcpy(byte, digits + 2 * i, 2);
        memcpy(digits + 2 * i, digits + 2 * j, 2);
        memcpy(digits + 2 * j, byte, 2);
    }
}

static int64_t reversed_value(const char *digits)
{
    int64_t value = 0;
    for (int i = NUMBER_SIZE - 1; i >= 0; i--)
        value = value * 256 + hex_byte(digits + 2 * i);
    return value;
}

void ceph_sequencer_order(char *text, int64_t event_ms)
{
    if (!text || strlen(text) != DIGITS || strspn(text, "0123456789ABCDEFabcdef") != DIGITS)
        return;
    if (llabs(reversed_value(text) - event_ms / 1000) > NEAR_S)
        return;
    reverse(text);
    reverse(text + 2 * NUMBER_SIZE);
}
