#include "photos.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "files.h"
#include "terminal.h"

enum { DEPTH_MAX = 64 };

static const struct {
    const char *extension, *type;
} types[] = {
    {"jpg", "image/jpeg"},    {"jpeg", "image/jpeg"},
    {"jpe", "image/jpeg"},    {"jfif", "image/jpeg"},
    {"png", "image/png"},     {"webp", "image/webp"},
    {"tif", "image/tiff"},    {"tiff", "image/tiff"},
    {"gif", "image/gif"},     {"avif", "image/avif"},
    {"heic", "image/heic"},   {"heif", "image/heif"},
    {"bmp", "image/bmp"},     {"ico", "image/vnd.microsoft.icon"},
    {"jxl", "image/jxl"},     {"jp2", "image/jp2"},
    {"j2k", "image/j2c"},     {"j2c", "image/j2c"},
    {"jpx", "image/jpx"},     {"jpf", "image/jpx"},
    {"svg", "image/svg+xml"}, {"pdf", "application/pdf"},
};

static const char *type_find(const char *name)
{
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof types / sizeof types[0]; i++)
        if (strcasecmp(dot + 1, types[i].extension) == 0)
            return types[i].type;
    return NULL;
}

const char *photo_content_type(const char *name)
{
    const char *type = type_find(name);
    return type ? type : "application/octet-stream";
}

bool photo_has_image_name(const char *name)
{
    return type_find(name) != NULL;
}

static bool name_taken(const struct photos *photos, const char *name)
{
    return text_index_find(&photos->names, name) != SIZE_MAX;
}

/* "beach.jpg", then "beach-2.jpg", "beach-3.jpg", … */
static char *name_choose(const struct photos *photos, const char *path)
{
    const char *base = strrchr(path, '/');
    char *plain = text_plain(base ? base + 1 : path);
    if (!plain || !name_taken(photos, plain))
        return plain;
    const char *dot = strrchr(plain, '.');
    int stem = (int)(dot && dot != plain ? (size_t)(dot - plain) : strlen(plain));
    for (unsigned number = 2;; number++) {
        char *name = NULL;
        if (asprintf(&name, "%.*s-%u%s", stem, plain, number, plain + stem) < 0)
            name = NULL;
        if (!name || !name_taken(photos, name)) {
            free(plain);
            return name;
        }
        free(name);
    }
}

static int file_add(struct photos *photos, const char *path, struct error *error)
{
    struct photo photo = {.path = strdup(path), .name = name_choose(photos, path)};
    struct photo *items = realloc(photos->items, (photos->count + 1) * sizeof *items);
    if (items)
        photos->items = items;
    if (!items || !photo.path || !photo.name ||
        text_index_add(&photos->names, photo.name, photos->count)) {
        free(photo.path);
        free(photo.name);
        return error_set(error, ERR_MEMORY, "out of memory");
    }
    photos->items[photos->count++] = photo;
    return 0;
}

static int directory_add(struct photos *photos, const char *path, unsigned depth,
                         struct error *error);

static int entry_add(struct photos *photos, const char *path, unsigned depth, struct error *error)
{
    struct stat itself, target;
    if (lstat(path, &itself) != 0 || stat(path, &target) != 0)
        return text_list_add(&photos->skipped, path); /* deleted meanwhile, or a dangling link */
    if (S_ISDIR(itself.st_mode))
        return directory_add(photos, path, depth + 1, error);
    if (S_ISREG(target.st_mode) && photo_has_image_name(path))
        return file_add(photos, path, error);
    return S_ISDIR(target.st_mode) ? 0 : text_list_add(&photos->skipped, path);
}

static int directory_list(const char *path, struct text_list *names, struct error *error)
{
    struct dirent *entry;
    int code = 0;
    DIR *directory = opendir(path);
    if (!directory)
        return error_set(error, ERR_IO, "cannot read the directory %s: %s", path, strerror(errno));
    while (!code && (entry = readdir(directory))) {
        if (entry->d_name[0] != '.')
            code = text_list_add(names, entry->d_name);
    }
    closedir(directory);
    text_list_sort(names);
    return code ? error_set(error, code, "out of memory") : 0;
}

static int directory_add(struct photos *photos, const char *path, unsigned depth,
                         struct error *error)
{
    struct text_list names = {0};
    if (depth > DEPTH_MAX)
        return error_set(error, ERR_LIMIT, "%s: directories are nested more than %d deep", path,
                         DEPTH_MAX);
    int code = directory_list(path, &names, error);
    for (size_t i = 0; i < names.count && !code; i++) {
        char *inner = path_join(path, names.items[i]);
        code = inner ? entry_add(photos, inner, depth, error)
                     : error_set(error, ERR_MEMORY, "out of memory");
        free(inner);
    }
    text_list_clear(&names);
    return code;
}

int photos_add(struct photos *photos, const char *path, struct error *error)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return error_set(error, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %s", path,
                         strerror(errno));
    if (S_ISDIR(st.st_mode))
        return directory_add(photos, path, 0, error);
    if (!S_ISREG(st.st_mode))
        return error_set(error, ERR_INVALID, "%s is neither a file nor a directory", path);
    return file_add(photos, path, error);
}

void photos_clear(struct photos *photos)
{
    for (size_t i = 0; i < photos->count; i++) {
        free(photos->items[i].path);
        free(photos->items[i].name);
    }
    free(photos->items);
    text_index_clear(&photos->names);
    text_list_clear(&photos->skipped);
    *photos = (struct photos){0};
}
