/*
 * How to get credentials, as decided by the options, the environment and the profile: the first
 * source, and the roles to assume with its credentials, one after another.
 *
 * docs/credentials.md has the order; the code is in credential_plan.c and, for what a profile may
 * say, plan_profile.c. A plan is made without a request. Reading the profile blocks,
 * so later plans are made on a pool thread. Any thread.
 */
#ifndef THUMBWHEEL_AWS_CREDENTIAL_PLAN_H
#define THUMBWHEEL_AWS_CREDENTIAL_PLAN_H

#include <stdbool.h>

#include "backend_settings.h"
#include "credentials.h"
#include "error.h"
#include "profile.h"

enum credential_kind {
    CREDENTIAL_KEYS,         /* known already */
    CREDENTIAL_WEB_IDENTITY, /* the first role is assumed with the token in a file */
    CREDENTIAL_PROCESS,
    CREDENTIAL_SSO,
    CREDENTIAL_CONTAINER,
    CREDENTIAL_INSTANCE,
    CREDENTIAL_KINDS
};

enum plan_text {
    PLAN_PROFILE,     /* its name, for error texts */
    PLAN_TOKEN_FILE,  /* web identity, container */
    PLAN_TOKEN,       /* container; a secret */
    PLAN_URL,         /* container, instance */
    PLAN_COMMAND,     /* process */
    PLAN_SSO_SESSION, /* SSO; absent: the older form */
    PLAN_SSO_START_URL,
    PLAN_SSO_REGION,
    PLAN_SSO_ACCOUNT,
    PLAN_SSO_ROLE,
    PLAN_SSO_CACHE, /* the directory of tokens */
    PLAN_TEXTS
};

enum { PLAN_ROLES_MAX = 8, ROLE_SECONDS_MIN = 900, ROLE_SECONDS_MAX = 43200 };
enum { INSTANCE_TIMEOUT_MAX_S = 600, INSTANCE_ATTEMPTS_MAX = 100 };

struct credential_role {
    char *arn;
    char *session_name;  /* NULL: made up */
    char *external_id;   /* NULL: none */
    unsigned duration_s; /* 0: STS's default */
};

struct credential_plan {
    enum credential_kind kind;
    const char *source;       /* static: what whoami prints */
    bool of_files;            /* the profile's: may change */
    bool last_resort;         /* nothing was configured; the instance may have a role */
    struct credentials *keys; /* of CREDENTIAL_KEYS */
    char *texts[PLAN_TEXTS];
    unsigned timeout_s, attempts; /* of a request to the instance; 0: the default */
    struct credential_role roles[PLAN_ROLES_MAX];
    size_t role_count;
};

/* ERR_DENIED: there is nothing to try. ERR_INVALID: a setting is wrong or incomplete, which is
 * never a reason to use another identity. Whatever it returns, free the plan with
 * credential_plan_free.
 */
int credential_plan_make(struct credential_plan *plan, const struct backend_settings *options,
                         const struct profile *profile, struct error *error);
void credential_plan_free(struct credential_plan *plan); /* wipes */
bool credential_plan_equal(const struct credential_plan *a, const struct credential_plan *b);

/* For plan_profile.c. ERR_NOT_FOUND: there is none of this. */
int plan_keys(struct credential_plan *plan, const char *const keys[3], const char *source,
              const char *where, struct error *error);
int plan_text_set(struct credential_plan *plan, enum plan_text which, const char *text,
                  struct error *error);
int plan_environment(struct credential_plan *plan, const struct profile *profile,
                     struct error *error);
int plan_container(struct credential_plan *plan, const struct profile *profile,
                   struct error *error);
int plan_instance(struct credential_plan *plan, const struct profile *profile, struct error *error);
/* Adds a role to the end. */
int plan_role_add(struct credential_plan *plan, const struct credential_role *role,
                  struct error *error);

/* The settings of the profile (plan_profile.c). ERR_NOT_FOUND: nothing about credentials. */
int plan_profile(struct credential_plan *plan, const struct profile *profile, struct error *error);

#endif
