/* A parsed policy: written by policy_document.c, evaluated by policy.c. */
#ifndef THUMBWHEEL_LOCAL_POLICY_DOCUMENT_H
#define THUMBWHEEL_LOCAL_POLICY_DOCUMENT_H

#include <jansson.h>

#include "policy.h"

enum policy_match {
    MATCH_EXACT,
    MATCH_FOLDED, /* ignoring case */
    MATCH_GLOB,
    MATCH_ARN,
    MATCH_NULL,        /* "true": the key is absent */
    MATCH_UNSUPPORTED, /* an AWS operator that is not evaluated here */
};

enum policy_key {
    KEY_SOURCE_ARN,
    KEY_SOURCE_ACCOUNT,
    KEY_SOURCE_OWNER,
    KEY_SECURE_TRANSPORT,
    KEY_PRINCIPAL_ACCOUNT,
    KEY_PRINCIPAL_ARN,
    KEY_PRINCIPAL_IS_SERVICE,
    KEY_PRINCIPAL_SERVICE,
    KEY_UNKNOWN, /* the request's value for this key is unknown here */
};

enum policy_set { SET_NONE, SET_ANY, SET_ALL }; /* ForAnyValue:, ForAllValues: */

struct policy_condition {
    const char *operator_name, *key_name; /* as written; a view into the document */
    enum policy_match match;
    bool negated, if_exists;
    enum policy_set set;
    enum policy_key key;
    json_t *values; /* an array of strings, owned */
};

struct policy_names {
    json_t *values; /* an array of strings, owned; NULL: the element is absent */
    bool inverted;  /* NotAction, NotResource */
};

struct policy_principal {
    bool inverted; /* NotPrincipal */
    bool everyone;
    bool other;             /* names identities of a kind that does not exist here */
    json_t *aws, *services; /* arrays of strings, owned, or NULL */
};

struct policy_statement {
    const char *sid; /* of the document, or NULL */
    bool allow;
    struct policy_principal principal;
    struct policy_names actions; /* without the service's name */
    struct policy_names resources;
    struct policy_condition *conditions;
    size_t condition_count;
};

struct policy {
    unsigned holders;
    json_t *document; /* owns the strings above */
    bool variables;   /* "${" begins a policy variable */
    struct policy_statement *statements;
    size_t count;
};

/* Whether a value contains a policy variable. */
bool policy_is_variable(const struct policy *policy, const char *value);

#endif
