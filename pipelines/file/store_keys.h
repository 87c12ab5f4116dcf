/* The keys of an output that say how it is stored: what S3 accepts, checked before the first upload. */
#ifndef THUMBWHEEL_STORE_KEYS_H
#define THUMBWHEEL_STORE_KEYS_H

#include "pipeline_file.h"
#include "schema.h"

/* Adds a problem for each value that S3 would refuse. The values become header values, so they are
 * printable ASCII; tags are URL-encoded and may have other characters. */
void store_keys_check(struct schema_reader *r, const struct output_config *output,
                      const struct yaml_node *node);
/* Sets output->settings from the other fields, which must not move afterwards. */
void store_keys_set(struct output_config *output);

#endif
