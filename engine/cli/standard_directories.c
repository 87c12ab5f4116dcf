#include "standard_directories.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"

/* The specification says to ignore relative paths. */
static const char *absolute_variable(const char *name)
{
    const char *value = getenv(name);
    return value && value[0] == '/' ? value : NULL;
}

static const char *temporary_root(void)
{
    const char *root = absolute_variable("TMPDIR");
    return root ? root : "/tmp";
}

/* A path under $variable, or under ~/fallback. NULL with *homeless set: neither exists. */
static char *directory_under(const char *variable, const char *fallback, int *homeless)
{
    const char *base = absolute_variable(variable), *home = absolute_variable("HOME");
    char *path = NULL;
    *homeless = !base && !home;
    if (*homeless)
        return NULL;
    if (base)
        return path_join(base, "thumbwheel");
    return asprintf(&path, "%s/%s/thumbwheel", home, fallback) < 0 ? NULL : path;
}

char *standard_data_directory(void)
{
    int homeless;
    char *path = directory_under("XDG_DATA_HOME", ".local/share", &homeless);
    return homeless ? strdup("thumbwheel-data") : path;
}

char *standard_state_directory(void)
{
    int homeless;
    char *path = directory_under("XDG_STATE_HOME", ".local/state", &homeless);
    return homeless ? strdup("thumbwheel-state") : path;
}

char *standard_cache_directory(void)
{
    int homeless;
    char *path = directory_under("XDG_CACHE_HOME", ".cache", &homeless);
    if (homeless && asprintf(&path, "%s/thumbwheel-%u", temporary_root(), (unsigned)getuid()) < 0)
        path = NULL;
    return path;
}

int temporary_directory_create(char **out, struct error *error)
{
    char *path = path_join(temporary_root(), "thumbwheel-XXXXXX");
    *out = NULL;
    if (!path)
        return error_set(error, ERR_MEMORY, "out of memory");
    if (!mkdtemp(path)) {
        error_set(error, ERR_IO,
                  "cannot create a temporary directory in %s: %s; choose another with TMPDIR",
                  temporary_root(), strerror(errno));
        free(path);
        return error->code;
    }
    *out = path;
    return 0;
}
