#include "profile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "secret.h"

enum { FILE_SIZE_MAX = 1024 * 1024, SECTION_MAX = 300, SETTLED_MS = 1000 };

static char *file_path(const struct profile *profile, const char *variable, const char *name)
{
    const char *path = profile_variable(profile, variable);
    if (path)
        return slice_dup(slice_of(path));
    const char *home = profile_variable(profile, "HOME");
    struct buffer text;
    buffer_init(&text, 4096);
    if (home)
        buffer_format(&text, "%s/.aws/%s", home, name);
    return buffer_take_text(&text);
}

static int file_parse(FILE *file, const char *path, struct ini *out, struct error *error)
{
    char *text = malloc(FILE_SIZE_MAX);
    if (!text)
        return error_set(error, ERR_MEMORY, "out of memory");
    size_t bad_line = 0;
    size_t size = fread(text, 1, FILE_SIZE_MAX, file);
    int code = ferror(file) ? ERR_IO : size == FILE_SIZE_MAX ? ERR_LIMIT : 0;
    if (code) {
        error_set(error, code, "%s: %s", path,
                  code == ERR_IO ? "cannot be read" : "larger than 1 MiB");
    } else if ((code = ini_parse(out, (struct slice){text, size}, &bad_line)) != 0) {
        error_set(error, code, "%s:%zu: expected [section], key = value or # comment", path,
                  bad_line);
    }
    secret_wipe(text, size);
    free(text);
    return code;
}

static int64_t milliseconds(const struct timespec *time)
{
    return (int64_t)time->tv_sec * 1000 + time->tv_nsec / 1000000;
}

static void note_change(struct profile *profile, FILE *file)
{
    struct stat facts;
    if (fstat(fileno(file), &facts) == 0 && milliseconds(&facts.st_mtim) > profile->modified_ms)
        profile->modified_ms = milliseconds(&facts.st_mtim);
}

/* A time in the future is caused by a wrong clock, so it is ignored. */
bool profile_is_settled(const struct profile *profile)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t age_ms = milliseconds(&now) - profile->modified_ms;
    return age_ms >= SETTLED_MS || age_ms <= -SETTLED_MS;
}

static int file_load(struct profile *profile, const char *variable, const char *name,
                     struct ini *out, struct error *error)
{
    char *path = file_path(profile, variable, name);
    if (!path)
        return error_set(error, ERR_MEMORY, "out of memory");
    int code = 0;
    FILE *file = path[0] ? fopen(path, "rbe") : NULL;
    if (file) {
        setvbuf(file, NULL, _IONBF, 0); /* no copy of a secret remains in stdio's buffer */
        code = file_parse(file, path, out, error);
        note_change(profile, file); /* after the read, to notice changes during it */
        fclose(file);
    } else if (path[0] && errno != ENOENT && errno != ENOTDIR) {
        code = error_set(error, ERR_IO, "%s: %s", path, strerror(errno));
    }
    free(path);
    return code;
}

static const char *not_empty(const char *value)
{
    return value && value[0] ? value : NULL;
}

const char *profile_in_credentials(const struct profile *profile, const char *key)
{
    return not_empty(ini_get(&profile->credentials, profile->name, key));
}

/* In the config file, every profile except the default one is written [profile NAME]. */
const char *profile_in_config(const struct profile *profile, const char *key)
{
    char section[SECTION_MAX];
    snprintf(section, sizeof section, "profile %s", profile->name);
    const char *value = ini_get(&profile->config, section, key);
    if (!value && strcmp(profile->name, "default") == 0)
        value = ini_get(&profile->config, "default", key);
    return not_empty(value);
}

bool profile_exists(const struct profile *profile)
{
    char section[SECTION_MAX];
    snprintf(section, sizeof section, "profile %s", profile->name);
    return strcmp(profile->name, "default") == 0 || ini_has_section(&profile->config, section) ||
           ini_has_section(&profile->credentials, profile->name);
}

static int files_load(struct profile *profile, struct error *error)
{
    int code = file_load(profile, "AWS_CONFIG_FILE", "config", &profile->config, error);
    if (code)
        return code;
    code = file_load(profile, "AWS_SHARED_CREDENTIALS_FILE", "credentials", &profile->credentials,
                     error);
    if (code)
        return code;
    if (!profile_exists(profile))
        return error_set(
            error, ERR_INVALID,
            "the AWS profile \"%s\" is in neither ~/.aws/config nor ~/.aws/credentials; "
            "check AWS_PROFILE",
            profile->name);
    return 0;
}

int profile_load(struct profile *profile, const char *name, bool ignore_environment,
                 struct error *error)
{
    *profile = (struct profile){.environment = !ignore_environment, .named = name != NULL};
    if (!name)
        name = profile_variable(profile, "AWS_PROFILE");
    profile->name = slice_dup(slice_of(name ? name : "default"));
    if (!profile->name)
        return error_set(error, ERR_MEMORY, "out of memory");
    return ignore_environment ? 0 : files_load(profile, error);
}

const char *profile_variable(const struct profile *profile, const char *name)
{
    return profile->environment ? not_empty(getenv(name)) : NULL;
}

const char *profile_get(const struct profile *profile, const char *key)
{
    const char *value = profile_in_credentials(profile, key);
    return value ? value : profile_in_config(profile, key);
}

const char *profile_get_service(const struct profile *profile, const char *key)
{
    const char *services = profile_in_config(profile, "services");
    if (!services)
        return NULL;
    char section[SECTION_MAX];
    snprintf(section, sizeof section, "services %s", services);
    return not_empty(ini_get(&profile->config, section, key));
}

const char *profile_services_missing(const struct profile *profile)
{
    const char *services = profile_in_config(profile, "services");
    char section[SECTION_MAX];
    snprintf(section, sizeof section, "services %s", services ? services : "");
    return services && !ini_has_section(&profile->config, section) ? services : NULL;
}

void profile_free(struct profile *profile)
{
    free(profile->name);
    ini_free(&profile->config);
    ini_free(&profile->credentials);
    *profile = (struct profile){0};
}
