/*
 * What the fuzz targets share. A target is a function of bytes without memory of the ones before;
 * what must hold of any bytes is said with require(). Nothing is logged.
 */
#ifndef THUMBWHEEL_TESTS_FUZZ_H
#define THUMBWHEEL_TESTS_FUZZ_H

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "log.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define require(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);         \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static inline void fuzz_quiet(void)
{
    log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_FORMAT_TEXT, LOG_ERROR);
}

/* The first byte as a choice, 0 where there is none. */
static inline unsigned fuzz_choice(struct slice *rest)
{
    if (!rest->size)
        return 0;
    unsigned choice = (unsigned char)*rest->data;
    *rest = (struct slice){rest->data + 1, rest->size - 1};
    return choice;
}

/* Up to the next line feed, which is dropped; all where there is none. */
static inline struct slice fuzz_line(struct slice *rest)
{
    if (!rest->size)
        return (struct slice){"", 0};
    const char *end = memchr(rest->data, '\n', rest->size);
    size_t size = end ? (size_t)(end - rest->data) : rest->size;
    struct slice line = {rest->data, size};
    size_t used = end ? size + 1 : size;
    *rest = (struct slice){rest->data + used, rest->size - used};
    return line;
}

/* A copy that ends where its allocation ends, so that reading beyond it is seen. For free(). */
static inline char *fuzz_copy(struct slice text)
{
    char *copy = malloc(text.size ? text.size : 1);
    require(copy);
    if (text.size)
        memcpy(copy, text.data, text.size);
    return copy;
}

#endif
