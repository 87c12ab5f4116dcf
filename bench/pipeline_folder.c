#include "pipeline_folder.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "pipelines.h"

static void die(const char *path, const char *why)
{
    fprintf(stderr, "%s: %s\n", path, why);
    exit(1);
}

static bool is_yaml(const char *name)
{
    size_t length = strlen(name);
    return length > 5 && strcmp(name + length - 5, ".yaml") == 0;
}

size_t pipeline_folder_read(const char *folder, struct pipeline **out, size_t max)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    struct error error;
    size_t count = 0;
    if (!dir)
        die(folder, "the folder of pipelines cannot be opened");
    while (count < max && (entry = readdir(dir))) {
        char path[4096];
        if (!is_yaml(entry->d_name))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (pipeline_load(path, &out[count++], &error))
            die(path, error.text);
    }
    closedir(dir);
    return count;
}
