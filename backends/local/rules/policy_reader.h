/* Shared by policy_document.c, which reads a policy, and policy_conditions.c. Each function that
 * can fail sets the reader's error. */
#ifndef THUMBWHEEL_LOCAL_POLICY_READER_H
#define THUMBWHEEL_LOCAL_POLICY_READER_H

#include "policy_document.h"

struct policy_quotas {
    const char *service;
    /* the last three are those of a statement */
    size_t bytes, statements, principals, conditions, actions;
};

struct policy_reader {
    const struct policy_quotas *quotas;
    struct policy *policy;
    size_t number; /* number of the statement, from 1 */
    struct error *error;
};

int policy_refuse_member(struct policy_reader *r, const char *what, const char *name);
int policy_refuse_element(struct policy_reader *r, const char *element, const char *wanted);
int policy_short_of_memory(struct policy_reader *r);
int policy_limit_check(struct policy_reader *r, size_t count, size_t max, const char *what);

/* A string or a list of strings, as a list, which the caller owns even after an error. loose: also
 * allows numbers, booleans and an empty list. */
int policy_texts_read(struct policy_reader *r, json_t *value, const char *element, bool loose,
                      json_t **out);

/* policy_conditions.c */
int policy_conditions_read(struct policy_reader *r, const json_t *statement,
                           struct policy_statement *s);

#endif
