/*
 * Decoders in processes of their own, for the tests of isolation. The test program is also the
 * decoder: its main calls decoder_main when it is started as "decoder".
 */
#ifndef THUMBWHEEL_TESTS_ISOLATION_WORLD_H
#define THUMBWHEEL_TESTS_ISOLATION_WORLD_H

#include "image_support.h"

/* Tests without a time limit must also pass on a loaded machine. */
enum { PATIENCE_MS = 300000 };

struct world {
    size_t descriptors;
    struct pipeline *pipeline; /* one output, 40 pixels wide */
    struct bytes photo;        /* 120 x 80, PNG */
};

/* timeout_ms: for an image; memory: bytes a decoder may use. */
int isolation_set_up(unsigned timeout_ms, uint64_t memory, void **state);

/* Fails if a process or a descriptor is left. */
int isolation_tear_down(void **state);

struct render_source source_of(const char *key, struct slice image);
void render_one(struct slice image, struct render_item *item);

/* The photo is rendered. */
void assert_works(const struct world *w);

#endif
