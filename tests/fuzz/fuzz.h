/*
 * Shared by the fuzz targets. A target is a function of bytes that keeps no state between inputs;
 * require() states what must be true for any input. Nothing is logged.
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

void fuzz_quiet(void);

/* The first byte as a choice, 0 where there is none. */
unsigned fuzz_choice(struct slice *rest);

/* Up to the separator, which is dropped; all where there is none. */
struct slice fuzz_cut(struct slice *rest, char separator);

/* Up to the next line feed, which is dropped; all where there is none. */
struct slice fuzz_line(struct slice *rest);

/* A copy that ends where its allocation ends, so that reading beyond it is seen. For free(). */
char *fuzz_copy(struct slice text);

#endif
