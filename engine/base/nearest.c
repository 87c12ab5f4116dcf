#include "nearest.h"

#include <stdint.h>
#include <string.h>

enum { NAME_LENGTH_MAX = 64 };

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Three rows of the matrix at a time. */
size_t edit_distance(const char *a, const char *b)
{
    size_t rows[3][NAME_LENGTH_MAX + 1];
    size_t a_len = strlen(a), b_len = strlen(b);
    if (b_len > NAME_LENGTH_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= b_len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t *now = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t change = last[j - 1] + (a[i - 1] != b[j - 1]);
            now[j] = smaller(change, smaller(last[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = smaller(now[j], before[j - 2] + 1);
        }
    }
    return rows[a_len % 3][b_len];
}

const char *nearest_name(const char *typed, const char *const *names, size_t count)
{
    const char *best = NULL;
    size_t length = strlen(typed);
    size_t best_distance = length < 6 ? 2 : length / 3; /* the largest distance that is still
                                                         * suggested */
    if (length == 0 || length > NAME_LENGTH_MAX)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t d = edit_distance(typed, names[i]);
        if (d < length && (d < best_distance || (d == best_distance && !best))) {
            best = names[i];
            best_distance = d;
        }
    }
    return best;
}
