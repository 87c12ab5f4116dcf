#include "database_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

/* Whether a directory below blobs/ has a file. */
static bool has_file(const char *path)
{
    DIR *directory = opendir(path);
    bool found = false;
    for (const struct dirent *entry; directory && !found && (entry = readdir(directory));)
        found = *entry->d_name != '.' && (entry->d_type == DT_REG || entry->d_type == DT_UNKNOWN);
    if (directory)
        closedir(directory);
    return found;
}

static bool has_blobs(const struct data_directory *data)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/blobs", data->path);
    bool found = false;
    size_t size = strlen(path);
    DIR *directory = opendir(path);
    for (const struct dirent *entry; directory && !found && (entry = readdir(directory));) {
        if (*entry->d_name == '.')
            continue;
        snprintf(path + size, sizeof path - size, "/%s", entry->d_name);
        found = has_file(path);
    }
    if (directory)
        closedir(directory);
    return found;
}

/* Makes the database's file if there is none, since SQLite would make one that others can read. A
 * lost database must not look like an empty cloud: the next objects would take the names of the old
 * blobs. */
static int prepare_main(const struct data_directory *data, const char *path, struct error *error)
{
    struct stat facts;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || fstat(fd, &facts)) {
        int code = data_directory_error(path, errno, error);
        if (fd >= 0)
            close(fd);
        return code;
    }
    if (facts.st_size == 0 && has_blobs(data)) {
        close(fd);
        return error_set(error, ERR_INVALID,
                         "%s is missing or empty, but the directory has objects in blobs/: restore "
                         "it from a backup, or move blobs/ away to start with an empty cloud",
                         path);
    }
    if ((facts.st_mode & (S_IRWXG | S_IRWXO)) && fchmod(fd, 0600))
        log_warn("other users can read the embedded cloud's database", LOG_TEXT("file", path),
                 LOG_TEXT("error", strerror(errno)));
    close(fd);
    return 0;
}

/* SQLite gives its other two files the mode of the first, but these may be older. */
static void restrict_file(const struct data_directory *data, const char *name)
{
    char *path = data_directory_join(data, name);
    if (path && chmod(path, 0600) && errno != ENOENT)
        log_warn("other users can read the embedded cloud's database", LOG_TEXT("file", path),
                 LOG_TEXT("error", strerror(errno)));
    free(path);
}

int database_file_prepare(const struct data_directory *data, const char *path, struct error *error)
{
    int code = prepare_main(data, path, error);
    if (code)
        return code;
    restrict_file(data, DATABASE_FILE "-wal");
    restrict_file(data, DATABASE_FILE "-shm");
    return 0;
}
