/*
 * Reading the values of single keys; private to schema_read.c. Each function converts a node to the
 * key's type, or adds a problem that says what was expected. It returns 0, ERR_INVALID or
 * ERR_MEMORY; what it allocates belongs to the struct, and schema_clear frees it.
 */
#ifndef THUMBWHEEL_SCHEMA_VALUES_H
#define THUMBWHEEL_SCHEMA_VALUES_H

#include <stdbool.h>

#include "schema.h"

/* schema_problem.c */
int schema_fail_memory(struct schema_reader *r);
/* The value is not one of those that the key accepts. */
int schema_fail_type(struct schema_reader *r, const struct schema_key *key,
                     const struct yaml_node *node);
/* After most problems the rest of the file is read, so that all are reported. */
bool schema_code_is_final(int code);
/* Keeps the first code, unless the other one is final. */
void schema_keep_code(int *code, int other);

/* schema_text.c: strings, by the key's type */
int schema_text(struct schema_reader *r, const struct schema_key *key, const struct yaml_node *node,
                char **out);
int schema_texts(struct schema_reader *r, const struct schema_key *key,
                 const struct yaml_node *node, struct config_texts *out);
int schema_pairs(struct schema_reader *r, const struct schema_key *key,
                 const struct yaml_node *node, struct config_pairs *out);

/* schema_number.c: numbers, with or without a unit */
int schema_number(struct schema_reader *r, const struct schema_key *key,
                  const struct yaml_node *node, double *out);
int schema_numbers(struct schema_reader *r, const struct schema_key *key,
                   const struct yaml_node *node, struct config_numbers *out);
int schema_duration(struct schema_reader *r, const struct schema_key *key,
                    const struct yaml_node *node, int *out); /* "24h" */
int schema_units(struct schema_reader *r, const struct schema_key *key,
                 const struct yaml_node *node, int *out); /* times and bytes */

/* schema_choice.c: one of several words */
int schema_boolean(struct schema_reader *r, const struct schema_key *key,
                   const struct yaml_node *node, bool *out);
int schema_choice(struct schema_reader *r, const struct schema_key *key,
                  const struct yaml_node *node, int *out);
int schema_set(struct schema_reader *r, const struct schema_key *key, const struct yaml_node *node,
               int *out);
int schema_word(struct schema_reader *r, const struct schema_key *key, const struct yaml_node *node,
                char **out);

#endif
