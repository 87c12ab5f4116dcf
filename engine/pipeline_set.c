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

static int problem(struct pipeline_set *set, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int problem(struct pipeline_set *set, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int length = vasprintf(&text, format, args);
    va_end(args);
    return length < 0 ? ERR_MEMORY : text_list_take(&set->problems, text);
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
    int err = 0;
    DIR *dir = opendir(directory);
    if (!dir)
        return problem(set, "%s: cannot read it: %s", directory, strerror(errno));
    while (!err && (entry = readdir(dir)))
        if (is_pipeline_name(entry->d_name))
            err = text_list_add(&names, entry->d_name);
    closedir(dir);
    text_list_sort(&names);
    for (size_t i = 0; i < names.count && !err; i++)
        err = text_list_take(&set->files, path_join(directory, names.items[i]));
    if (!err && names.count == 0)
        err = problem(set, "%s: no pipeline files (*.yaml) in this directory", directory);
    text_list_clear(&names);
    return err;
}

static int find(struct pipeline_set *set, const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return problem(set, "%s: %s; --pipelines takes a pipeline file or a directory of them",
                       path, strerror(errno));
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
    if (slash && is_directory(installed))
        return find_in(set, installed);
    if (is_directory(THUMBWHEEL_PIPELINES_DIR))
        return find_in(set, THUMBWHEEL_PIPELINES_DIR);
    return problem(set, "no pipelines: neither %s nor %s exists; name them with --pipelines DIR",
                   installed, THUMBWHEEL_PIPELINES_DIR);
}

/* ---- loading ---- */

static int load(struct pipeline_set *set, const char *path)
{
    struct error error = {0};
    int err = set->ops->load(path, &set->items[set->count], &error);
    if (err == ERR_MEMORY)
        return err;
    if (err)
        return problem(set, "%s", error.text);
    set->count++;
    return 0;
}

static int compare(struct pipeline_set *set, size_t a, size_t b)
{
    const struct pipeline_facts *one = set->ops->facts(set->items[a]);
    const struct pipeline_facts *other = set->ops->facts(set->items[b]);
    struct error error = {0};
    int err = 0;
    if (a < b && strcmp(one->name, other->name) == 0)
        err = problem(set, "%s: the name \"%s\" is taken by %s; give each pipeline its own",
                      other->file, other->name, one->file);
    if (!err && a < b && strcmp(one->queue, other->queue) == 0)
        err =
            problem(set,
                    "%s: the queue \"%s\" is read by %s too, and each message would reach only one "
                    "of them; give each pipeline its own queue",
                    other->file, other->queue, one->file);
    if (!err && set->ops->check_loop(set->items[a], set->items[b], &error))
        err = problem(set, "%s", error.text);
    return err;
}

static int compare_all(struct pipeline_set *set)
{
    int err = 0;
    for (size_t a = 0; a < set->count && !err; a++)
        for (size_t b = 0; b < set->count && !err; b++)
            err = compare(set, a, b);
    return err;
}

int pipeline_set_load(struct pipeline_set *set, const struct pipeline_ops *ops,
                      const struct text_list *paths)
{
    *set = (struct pipeline_set){.ops = ops};
    int err = 0;
    if (paths->count == 0)
        err = find_standard(set);
    for (size_t i = 0; i < paths->count && !err; i++)
        err = find(set, paths->items[i]);
    set->items = calloc(set->files.count ? set->files.count : 1, sizeof *set->items);
    if (!set->items)
        return ERR_MEMORY;
    for (size_t i = 0; i < set->files.count && !err; i++)
        err = load(set, set->files.items[i]);
    return err ? err : compare_all(set);
}

void pipeline_set_clear(struct pipeline_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        set->ops->release(set->items[i]);
    free(set->items);
    text_list_clear(&set->files);
    text_list_clear(&set->problems);
    *set = (struct pipeline_set){0};
}
