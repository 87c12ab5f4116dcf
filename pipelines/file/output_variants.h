/* The outputs that one entry with widths or dpr makes. */
#ifndef THUMBWHEEL_OUTPUT_VARIANTS_H
#define THUMBWHEEL_OUTPUT_VARIANTS_H

#include "pipeline_file.h"
#include "schema.h"

/* Refuses what contradicts widths, dpr, placeholder and manifest. Called by pipeline_check_output. */
void output_variants_check(struct schema_reader *r, const struct output_config *output,
                           const struct yaml_node *node);

/* For the schema: how many outputs an entry makes, and the size of each. */
size_t output_variants(const void *filled);
void output_vary(void *filled, size_t entry, size_t variant);

#endif
