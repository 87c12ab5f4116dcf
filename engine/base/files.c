#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMPORARY_PREFIX ".thumbwheel-"

enum { READ_STEP = 256 * 1024, OPEN_DIRECTORIES = 16 };

static int io_error(struct error *error, const char *what, const char *path)
{
    int number = errno; /* before anything else can change it */
    const char *hint = number == ENOSPC ? "; free some space on that disk"
                       : number == EACCES || number == EROFS
                           ? "; choose a place that you can write to, or change its permissions"
                           : "";
    return error_set(error, number == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot %s %s: %s%s", what,
                     path, strerror(number), hint);
}

static int no_memory(struct error *error)
{
    return error_set(error, ERR_MEMORY, "out of memory");
}

/* Removes the last component, except a leading "..". */
static bool drop_part(char *out, size_t *size)
{
    size_t end = *size, start;
    if (end == 0 || (end == 1 && out[0] == '/'))
        return end == 1; /* the parent of the root is the root */
    for (start = end; start > 0 && out[start - 1] != '/';)
        start--;
    if (end - start == 2 && memcmp(out + start, "..", 2) == 0)
        return false;
    *size = start > 1 ? start - 1 : start;
    return true;
}

/* out must have room for the path and a NUL. */
static void normalise(const char *path, bool parents, char *out)
{
    size_t size = 0;
    if (*path == '/')
        out[size++] = '/';
    while (*path) {
        size_t part = strcspn(path, "/");
        bool here = part == 0 || (part == 1 && path[0] == '.');
        bool up = part == 2 && path[0] == '.' && path[1] == '.';
        if (!here && !(parents && up && drop_part(out, &size))) {
            if (size && out[size - 1] != '/')
                out[size++] = '/';
            memcpy(out + size, path, part);
            size += part;
        }
        path += part + (path[part] == '/');
    }
    if (size == 0)
        out[size++] = '.';
    out[size] = '\0';
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat one, other;
    return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}

char *path_normal(const char *path)
{
    char *out = malloc(strlen(path) + 2);
    if (!out || !*path) {
        if (out)
            *out = '\0';
        return out;
    }
    normalise(path, true, out);
    if (!is_same_file(path, out)) /* a symbolic link on the way, or a missing component */
        normalise(path, false, out);
    return out;
}

char *path_join(const char *directory, const char *name)
{
    char *path = NULL;
    size_t length = strlen(directory);
    const char *slash = length && directory[length - 1] == '/' ? "" : "/";
    return asprintf(&path, "%s%s%s", directory, slash, name) < 0 ? NULL : path;
}

static int make_one(const char *path, unsigned mode, struct error *error)
{
    struct stat st;
    if (mkdir(path, mode) == 0)
        return 0;
    if (errno == EEXIST && stat(path, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            return 0;
        errno = ENOTDIR;
    }
    return io_error(error, "create the directory", path);
}

int directory_make(const char *path, unsigned mode, struct error *error)
{
    char *copy = strdup(path);
    if (!copy)
        return no_memory(error);
    int code = 0;
    for (char *p = copy + 1; *copy && *p && !code; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        code = make_one(copy, 0777, error);
        *p = '/';
    }
    if (!code)
        code = make_one(copy, mode, error);
    free(copy);
    return code;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *place)
{
    (void)st;
    (void)type;
    (void)place;
    return remove(path);
}

int directory_remove(const char *path, struct error *error)
{
    if (nftw(path, remove_one, OPEN_DIRECTORIES, FTW_DEPTH | FTW_PHYS) == 0)
        return 0;
    return io_error(error, "remove", path);
}

/* Reads to the end of the file: it may have grown since its size was read. */
static int read_all(int fd, const char *path, size_t max, struct buffer *content,
                    struct error *error)
{
    for (;;) {
        size_t room =
            content->capacity > content->size + 1 ? content->capacity - content->size - 1 : 0;
        size_t step = room ? room : READ_STEP;
        if (step > max - content->size)
            step = max - content->size + 1; /* one more byte, to detect that the file is longer */
        if (buffer_reserve(content, step))
            return no_memory(error);
        ssize_t n = read(fd, content->data + content->size, step);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return io_error(error, "read", path);
        if (n == 0)
            return 0;
        content->size += (size_t)n;
        if (content->size > max)
            return error_set(error, ERR_LIMIT,
                             "%s is larger than %zu bytes; --max-bytes sets the limit", path, max);
    }
}

int file_read(const char *path, size_t max, struct bytes *out, struct error *error)
{
    struct stat st;
    struct buffer content;
    int code = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* opening a pipe must not block */
    if (fd < 0)
        return io_error(error, "open", path);
    buffer_init(&content, max + 1);
    if (fstat(fd, &st) != 0)
        code = io_error(error, "read", path);
    else if (!S_ISREG(st.st_mode))
        code = error_set(error, ERR_INVALID, "%s is not a regular file", path);
    else if ((uint64_t)st.st_size > max)
        code = error_set(error, ERR_LIMIT,
                         "%s has %llu bytes, at most %zu are allowed; --max-bytes sets the limit",
                         path, (unsigned long long)st.st_size, max);
    else if (st.st_size > 0 && buffer_reserve(&content, (size_t)st.st_size + 1))
        code = no_memory(error);
    else
        code = read_all(fd, path, max, &content, error);
    close(fd);
    if (!code)
        *out = buffer_take(&content);
    buffer_free(&content);
    return code;
}

int file_write_all(int fd, const void *data, size_t size)
{
    const char *at = data;
    while (size > 0) {
        ssize_t n = write(fd, at, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ERR_IO;
        at += n;
        size -= (size_t)n;
    }
    return 0;
}

static int write_beside(const char *path, char *temporary, struct slice data,
                        const struct file_options *options, struct error *error)
{
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return io_error(error, "write", path);
    int failed = file_write_all(fd, data.data, data.size) || fchmod(fd, options->mode) ||
                 (options->durable && fsync(fd));
    if (close(fd) != 0)
        failed = 1;
    if (failed || rename(temporary, path) != 0) {
        int code = io_error(error, "write", path);
        unlink(temporary);
        return code;
    }
    return 0;
}

/* A short name, since the target's name may have the greatest length that the file system
 * allows. */
static char *temporary_path(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *temporary;
    int size = asprintf(&temporary, "%.*s" TEMPORARY_PREFIX "XXXXXX",
                        slash ? (int)(slash - path + 1) : 0, path);
    return size < 0 ? NULL : temporary;
}

int file_write_as(const char *path, struct slice data, const struct file_options *options,
                  struct error *error)
{
    char *temporary = temporary_path(path);
    int code = temporary ? write_beside(path, temporary, data, options, error) : no_memory(error);
    free(temporary);
    return code;
}

static int parent_make(const char *path, struct error *error)
{
    const char *slash = strrchr(path, '/');
    if (!slash || slash == path)
        return 0;
    char *parent = strndup(path, (size_t)(slash - path));
    int code = parent ? directory_make(parent, 0777, error) : no_memory(error);
    free(parent);
    return code;
}

int file_write(const char *path, const void *data, size_t size, struct error *error)
{
    int code = parent_make(path, error);
    return code ? code
                : file_write_as(path, (struct slice){data, size},
                                &(struct file_options){.mode = 0644}, error);
}

bool file_is_temporary(const char *name)
{
    return strncmp(name, TEMPORARY_PREFIX, sizeof TEMPORARY_PREFIX - 1) == 0;
}
