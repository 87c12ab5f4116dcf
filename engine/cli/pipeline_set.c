#include "pipeline_set.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"

static int refuse(struct pipeline_set *set, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds a problem for a path that is not a pipeline. 0, or ERR_MEMORY. */
static int refuse(struct pipeline_set *set, const char *path, const char *format, ...)
{
    char text[2 * PATH_MAX + 256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    int code =
        problem_add(&set->problems, &(struct problem_place){.file = path}, ERR_INVALID, "%s", text);
    return code == ERR_MEMORY ? code : 0;
}

/* ---- finding ---- */

static bool is_directory(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool is_pipeline_name(const char *name)
{
    const char *dot = strrchr(name, '.');
    return name[0] != '.' && dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}

static int find_in(struct pipeline_set *set, const char *directory)
{
    struct text_list names = {0};
    struct dirent *entry;
    int code = 0;
    DIR *dir = opendir(directory);
    if (!dir)
        return refuse(set, directory, "cannot read it: %s", strerror(errno));
    while (!code && (entry = readdir(dir)))
        if (is_pipeline_name(entry->d_name))
            code = text_list_add(&names, entry->d_name);
    closedir(dir);
    text_list_sort(&names);
    for (size_t i = 0; i < names.count && !code; i++)
        code = text_list_take(&set->files, path_join(directory, names.items[i]));
    if (!code && names.count == 0)
        code = refuse(set, directory, "no pipeline files (*.yaml) in this directory");
    text_list_clear(&names);
    return code;
}

static int find(struct pipeline_set *set, const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return refuse(set, path, "%s; --pipelines takes a pipeline file or a directory of them",
                      strerror(errno));
    return S_ISDIR(st.st_mode) ? find_in(set, path) : text_list_add(&set->files, path);
}

static int find_standard(struct pipeline_set *set)
{
    char program[PATH_MAX], installed[PATH_MAX + 64];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    program[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(program, '/');
    if (slash)
        *slash = '\0';
    snprintf(installed, sizeof installed, "%s/../share/thumbwheel/pipelines", program);
    if (slash && is_directory(installed)) {
        char *normal = path_normal(installed);
        int code = normal ? find_in(set, normal) : ERR_MEMORY;
        free(normal);
        return code;
    }
    if (is_directory(THUMBWHEEL_PIPELINES_DIR))
        return find_in(set, THUMBWHEEL_PIPELINES_DIR);
    return refuse(set, NULL,
                  "no pipelines in %s: the source tree of this build was moved or deleted; rebuild "
                  "it in its new place (./dev build), or name the pipelines with --pipelines DIR",
                  THUMBWHEEL_PIPELINES_DIR);
}

/* ---- loading ---- */

static int load(struct pipeline_set *set, const char *path)
{
    size_t first = set->problems.count;
    if (!set->ops->load(path, &set->items[set->count], &set->problems))
        set->count++;
    problem_list_sort(&set->problems, first);
    return set->problems.out_of_memory ? ERR_MEMORY : 0;
}

int pipeline_set_load(struct pipeline_set *set, const struct pipeline_rules *rules,
                      const struct text_list *paths)
{
    *set = (struct pipeline_set){.ops = rules->ops};
    int code = 0;
    if (paths->count == 0)
        code = find_standard(set);
    for (size_t i = 0; i < paths->count && !code; i++)
        code = find(set, paths->items[i]);
    set->items = calloc(set->files.count ? set->files.count : 1, sizeof *set->items);
    if (!set->items)
        return ERR_MEMORY;
    for (size_t i = 0; i < set->files.count && !code; i++)
        code = load(set, set->files.items[i]);
    return code ? code : pipelines_check(rules, set->items, set->count, &set->problems);
}

void pipeline_set_clear(struct pipeline_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        set->ops->release(set->items[i]);
    free(set->items);
    text_list_clear(&set->files);
    problem_list_clear(&set->problems);
    *set = (struct pipeline_set){0};
}
