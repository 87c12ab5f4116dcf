#include "fuzz.h"

void fuzz_quiet(void)
{
    log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_FORMAT_TEXT, LOG_ERROR);
}

unsigned fuzz_choice(struct slice *rest)
{
    if (!rest->size)
        return 0;
    unsigned choice = (unsigned char)*rest->data;
    *rest = (struct slice){rest->data + 1, rest->size - 1};
    return choice;
}

struct slice fuzz_cut(struct slice *rest, char separator)
{
    if (!rest->size)
        return (struct slice){"", 0};
    const char *end = memchr(rest->data, separator, rest->size);
    size_t size = end ? (size_t)(end - rest->data) : rest->size;
    struct slice part = {rest->data, size};
    size_t used = end ? size + 1 : size;
    *rest = (struct slice){rest->data + used, rest->size - used};
    return part;
}

struct slice fuzz_line(struct slice *rest)
{
    return fuzz_cut(rest, '\n');
}

char *fuzz_copy(struct slice text)
{
    char *copy = malloc(text.size ? text.size : 1);
    require(copy);
    if (text.size)
        memcpy(copy, text.data, text.size);
    return copy;
}
