/* The keys of an output that concern its encoder. */
#ifndef THUMBWHEEL_ENCODER_KEYS_H
#define THUMBWHEEL_ENCODER_KEYS_H

#include "pipeline_file.h"
#include "schema.h"

/* Refuses combinations that no encoder has. Called by pipeline_check_output. */
void encoder_keys_check(struct schema_reader *r, const struct output_config *output,
                        const struct yaml_node *node);

#endif
