/* The keys of an output that say what is done with the picture: combinations that have no meaning. */
#ifndef THUMBWHEEL_OPERATION_KEYS_H
#define THUMBWHEEL_OPERATION_KEYS_H

#include "pipeline_file.h"
#include "schema.h"

enum {
    OPERATION_PAD_MAX = 4096,   /* pixels of one side */
    OPERATION_ROUND_MAX = 8192, /* pixels */
    OPERATION_BLUR_MAX = 32,    /* pixels */
    OPERATION_SHARPEN_MAX = 10, /* pixels */
    OPERATION_PAGE_MAX = 10000,
};

enum {
    OVERLAY_TEXT_MAX = 200,         /* bytes */
    OVERLAY_OBJECT_NAME_MAX = 1100, /* s3://, a bucket, and a key */
    OVERLAY_TEXT_WIDTH_MAX = 20000, /* characters times their size */
};

/* For the schema; filled is a struct overlay_config. */
void overlay_keys_check(struct schema_reader *r, const struct yaml_node *node, void *filled);
/* Adds a problem for each. */
void operation_keys_check(struct schema_reader *r, const struct output_config *output,
                          const struct yaml_node *node);

#endif
