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
    bool named; /* the caller chose the profile, so its credentials come before the environment's */
    char *name; /* "default" unless chosen */
    struct ini config, credentials;
    int64_t modified_ms; /* the last change of one of the files; CLOCK_REALTIME */
};

/* A missing file counts as empty, but a requested profile that is in neither file is ERR_INVALID.
 */
int profile_load(struct profile *profile, const char *name, bool ignore_environment,
                 struct error *error);
/* A variable that is set and not empty; NULL when the environment is ignored. */
const char *profile_variable(const struct profile *profile, const char *name);
/* A setting of the profile in one of the files; NULL when absent or empty. */
const char *profile_in_credentials(const struct profile *profile, const char *key);
const char *profile_in_config(const struct profile *profile, const char *key);
/* A setting of the profile, the credentials file first. */
const char *profile_get(const struct profile *profile, const char *key);
/* The same of config's [services NAME] block that the profile points at. */
const char *profile_get_service(const struct profile *profile, const char *key);
/* Neither file was changed within the last second: nobody is writing it, as far as can be told. */
bool profile_is_settled(const struct profile *profile);
void profile_free(struct profile *profile);

#endif
