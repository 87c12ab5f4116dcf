/* The keys of an output that concern its encoder. */
#ifndef THUMBWHEEL_ENCODER_KEYS_H
#define THUMBWHEEL_ENCODER_KEYS_H

#include "pipeline_file.h"
#include "schema.h"

/* Refuses combinations that no encoder has, and completes what one key says about another. Called
 * by pipeline_check_output. */
void encoder_keys_check(struct schema_reader *r, struct output_config *output,
                        const struct yaml_node *node);

#endif
