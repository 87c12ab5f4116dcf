#include "key_pattern.h"

#include <string.h>

#include "pipeline.h"

static const char number = PIPELINE_NUMBER[0];

size_t key_pattern_literal(const char *pattern)
{
    return strcspn(pattern, PIPELINE_NUMBER);
}

/* A literal never begins with a digit right after a number unless the template says so; the longest
 * run of digits that lets the rest match decides. Keys are short, and numbers are few. */
bool key_pattern_matches(const char *pattern, const char *key)
{
    for (; *pattern && *pattern != number; pattern++, key++) {
        if (*pattern != *key)
            return false;
    }
    if (!*pattern)
        return !*key;
    for (size_t digits = strspn(key, "0123456789"); digits > 0; digits--) {
        if (key_pattern_matches(pattern + 1, key + digits))
            return true;
    }
    return false;
}
