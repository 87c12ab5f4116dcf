/*
 * The user's configuration: environment variables first, then the profile in ~/.aws/credentials and
 * ~/.aws/config. Used only while aws_create runs; blocking reads.
 */
#ifndef THUMBWHEEL_AWS_PROFILE_H
#define THUMBWHEEL_AWS_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "ini.h"

struct profile {
    bool environment; /* variables and files may be read */
    /* the caller chose the profile: its credentials take precedence over the environment's */
    bool named;
    char *name; /* "default" unless chosen */
    struct ini config, credentials;
    int64_t modified_ms; /* last modification of either file; CLOCK_REALTIME */
};

/* A missing file counts as empty, but a requested profile that is in neither file is ERR_INVALID.
 */
int profile_load(struct profile *profile, const char *name, bool ignore_environment,
                 struct error *error);
/* The variable if it is set and not empty, else NULL; always NULL if the environment is ignored. */
const char *profile_variable(const struct profile *profile, const char *name);
/* A setting of the profile in one of the files; NULL if absent or empty. */
const char *profile_in_credentials(const struct profile *profile, const char *key);
const char *profile_in_config(const struct profile *profile, const char *key);
/* A setting of the profile; the credentials file takes precedence. */
const char *profile_get(const struct profile *profile, const char *key);
/* The same for the [services NAME] block of the config file that the profile refers to. */
const char *profile_get_service(const struct profile *profile, const char *key);
/* The name of that block if the profile refers to one that does not exist, else NULL. */
const char *profile_services_missing(const struct profile *profile);
/* It has a section in one of the files, or is the default one. */
bool profile_exists(const struct profile *profile);
/* Neither file was changed within the last second, so probably nobody is writing it. */
bool profile_is_settled(const struct profile *profile);
void profile_free(struct profile *profile);

#endif
