#include "control_group.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { PATH_BYTES = 4096 };

/* A hierarchy, as used for one value. */
struct hierarchy {
    const char *root, *controller; /* controller: "" in version 2 */
    control_group_reader read;
};

uint64_t control_group_number(const char *directory, const char *file)
{
    char name[2 * PATH_BYTES];
    int64_t number = 0;
    snprintf(name, sizeof name, "%s/%s", directory, file);
    FILE *f = fopen(name, "re");
    if (!f)
        return 0;
    if (fscanf(f, "%" SCNd64, &number) != 1)
        number = 0;
    fclose(f);
    return number > 0 ? (uint64_t)number : 0;
}

/* A line of /proc/self/cgroup is "5:cpu,memory:/path", that of version 2 "0::/path". */
static bool names_controller(const char *line, const char *controller)
{
    size_t length = strlen(controller);
    const char *p = strchr(line, ':');
    while (p && *p != '\0') {
        p++;
        size_t size = strcspn(p, ",:");
        if (size == length && strncmp(p, controller, size) == 0)
            return true;
        p = p[size] == ',' ? p + size : NULL;
    }
    return false;
}

static bool group_path(const struct hierarchy *h, char path[PATH_BYTES])
{
    char name[PATH_BYTES], line[PATH_BYTES];
    bool found = false;
    snprintf(name, sizeof name, "%s/proc/self/cgroup", h->root);
    FILE *f = fopen(name, "re");
    while (f && !found && fgets(line, sizeof line, f)) {
        const char *at = strchr(line, '/');
        if (!at || !names_controller(line, h->controller))
            continue;
        line[strcspn(line, "\n")] = '\0';
        snprintf(path, PATH_BYTES, "%s", at);
        found = true;
    }
    if (f)
        fclose(f);
    return found;
}

static uint64_t read_at(const struct hierarchy *h, const char *path)
{
    char directory[3 * PATH_BYTES];
    snprintf(directory, sizeof directory, "%s/sys/fs/cgroup%s%s%s", h->root,
             *h->controller ? "/" : "", h->controller, strcmp(path, "/") == 0 ? "" : path);
    return h->read(directory);
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return b && (!a || b < a) ? b : a;
}

static uint64_t least_in(const struct hierarchy *h)
{
    char path[PATH_BYTES];
    uint64_t least = 0;
    if (!group_path(h, path))
        return 0;
    for (;;) {
        least = smaller(least, read_at(h, path));
        char *slash = strrchr(path, '/');
        if (path[1] == '\0' || !slash)
            return least;
        slash[slash == path ? 1 : 0] = '\0';
    }
}

static uint64_t own_in(const struct hierarchy *h)
{
    char path[PATH_BYTES];
    if (!group_path(h, path))
        return 0;
    uint64_t own = read_at(h, path);
    return own ? own : read_at(h, "/");
}

uint64_t control_group_least(const char *root, const struct control_group_value *value)
{
    const struct hierarchy version2 = {root, "", value->version2};
    const struct hierarchy version1 = {root, value->controller, value->version1};
    return smaller(least_in(&version2), least_in(&version1));
}

uint64_t control_group_own(const char *root, const struct control_group_value *value)
{
    const struct hierarchy version2 = {root, "", value->version2};
    const struct hierarchy version1 = {root, value->controller, value->version1};
    uint64_t own = own_in(&version2);
    return own ? own : own_in(&version1);
}
