#include "data_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "database.h"

int data_directory_error(const char *path, int number, struct error *error)
{
    return database_directory_error(path, "--data", number, error);
}

char *data_directory_join(const struct data_directory *directory, const char *name)
{
    size_t size = strlen(directory->path) + strlen(name) + 2;
    char *joined = malloc(size);
    if (joined)
        snprintf(joined, size, "%s/%s", directory->path, name);
    return joined;
}

static int make_one(const char *path, struct error *error)
{
    if (mkdir(path, 0700) == 0)
        return 0;
    int number = errno;
    struct stat facts;
    if (stat(path, &facts) == 0 && S_ISDIR(facts.st_mode))
        return 0;
    return data_directory_error(path, number, error);
}

static int make_all(const char *path, struct error *error)
{
    char *partial = strdup(path);
    if (!partial)
        return error_set(error, ERR_MEMORY, "out of memory");
    int code = 0;
    for (char *slash = strchr(partial + 1, '/'); slash && !code; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        code = make_one(partial, error);
        *slash = '/';
    }
    if (!code)
        code = make_one(partial, error);
    free(partial);
    return code;
}

static int make_child(const struct data_directory *directory, const char *name, struct error *error)
{
    char *path = data_directory_join(directory, name);
    if (!path)
        return error_set(error, ERR_MEMORY, "out of memory");
    int code = make_one(path, error);
    free(path);
    return code;
}

/* The pid of the lock's owner, as written in the file; 0 if unknown. Only for the error message. */
static long lock_holder(int lock)
{
    char text[24] = "";
    ssize_t size = pread(lock, text, sizeof text - 1, 0);
    return size > 0 ? strtol(text, NULL, 10) : 0;
}

static void write_holder(int lock)
{
    char text[24];
    int size = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    /* Only a hint for people: the lock is valid even if this fails. */
    if (ftruncate(lock, 0) == 0 && pwrite(lock, text, (size_t)size, 0) < 0)
        return;
}

static int take_lock(struct data_directory *directory, struct error *error)
{
    int code = 0;
    char *path = data_directory_join(directory, "lock");
    if (!path)
        return error_set(error, ERR_MEMORY, "out of memory");
    directory->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (directory->lock < 0)
        code = data_directory_error(directory->path, errno, error);
    else if (flock(directory->lock, LOCK_EX | LOCK_NB) == 0)
        write_holder(directory->lock);
    else if (errno == EWOULDBLOCK)
        code = error_set(error, ERR_BUSY,
                         "%s is in use by another process (pid %ld): stop it or choose another "
                         "directory with --data",
                         directory->path, lock_holder(directory->lock));
    else
        code = data_directory_error(path, errno, error);
    free(path);
    return code;
}

/* Files in the directory are durable only if the directory's own entry is. Once is enough, because
 * the entries never change afterwards. */
static int sync_entries(const struct data_directory *directory, struct error *error)
{
    int fd = open(directory->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int code = 0;
    if (fd < 0 || fsync(fd))
        code = data_directory_error(directory->path, errno, error);
    if (fd >= 0)
        close(fd);
    return code;
}

/* The data is its owner's alone. A directory of somebody else, or one that everybody may use, is left
 * as it is. */
static void make_private(const struct data_directory *directory)
{
    struct stat facts;
    if (stat(directory->path, &facts) || facts.st_uid != geteuid() || (facts.st_mode & S_ISVTX))
        return;
    if ((facts.st_mode & (S_IRWXG | S_IRWXO)) && chmod(directory->path, 0700))
        return; /* a file system without modes */
}

static int make_layout(struct data_directory *directory, struct error *error)
{
    int code = make_all(directory->path, error);
    if (code)
        return code;
    code = take_lock(directory, error);
    if (code)
        return code;
    make_private(directory);
    code = make_child(directory, "blobs", error);
    if (code)
        return code;
    code = make_child(directory, "incoming", error);
    return code ? code : sync_entries(directory, error);
}

int data_directory_open(struct data_directory *directory, const char *path, struct error *error)
{
    *directory = (struct data_directory){.path = strdup(path), .lock = -1};
    if (!directory->path)
        return error_set(error, ERR_MEMORY, "out of memory");
    int code = make_layout(directory, error);
    if (code)
        data_directory_close(directory);
    return code;
}

void data_directory_close(struct data_directory *directory)
{
    if (directory->lock >= 0)
        close(directory->lock); /* releases the lock */
    free(directory->path);
    *directory = (struct data_directory){.lock = -1};
}
