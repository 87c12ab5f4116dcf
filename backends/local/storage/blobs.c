#include "blobs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "blob_damage.h"
#include "blob_segments.h"
#include "data_directory.h"
#include "files.h"
#include "log.h"
#include "storage_statement.h"

enum { ID_DIGITS = 16, PATH_SIZE = 4096, FORGET_AT_ONCE = 4 };

static int path_format(char *out, struct error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int path_format(char *out, struct error *error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int size = vsnprintf(out, PATH_SIZE, format, args);
    va_end(args);
    return size < PATH_SIZE ? 0
                            : error_set(error, ERR_LIMIT, "the data directory's path is too long");
}

static int incoming_path(struct blobs *blobs, uint64_t id, char *out, struct error *error)
{
    return path_format(out, error, "%s/incoming/%016" PRIx64, storage_directory(blobs->storage),
                       id);
}

/* Ids count up, so that blobs created in succession share a directory; the high part, which counts
 * starts, spreads short runs. */
static unsigned shard(uint64_t id)
{
    return (unsigned)((id >> 12) + (id >> 40)) & 0xff;
}

void blob_name(uint64_t id, char out[BLOB_NAME_SIZE])
{
    snprintf(out, BLOB_NAME_SIZE, "blobs/%02x/%016" PRIx64, shard(id), id);
}

static int blob_path(struct blobs *blobs, uint64_t id, char *out, struct error *error)
{
    char name[BLOB_NAME_SIZE];
    blob_name(id, name);
    return path_format(out, error, "%s/%s", storage_directory(blobs->storage), name);
}

static int failed(struct blobs *blobs, struct error *error)
{
    return data_directory_error(storage_directory(blobs->storage), errno, error);
}

/* Writing. */

int blob_create(struct blobs *blobs, uint64_t id, int *fd, struct error *error)
{
    char path[PATH_SIZE];
    *fd = -1;
    int code = incoming_path(blobs, id, path, error);
    if (code)
        return code;
    *fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return *fd < 0 ? failed(blobs, error) : 0;
}

int blob_write(struct blobs *blobs, int fd, const void *data, size_t size, struct error *error)
{
    return file_write_all(fd, data, size) ? failed(blobs, error) : 0;
}

int blob_seal(struct blobs *blobs, int *fd, struct error *error)
{
    int code = 0;
    bool durable = storage_durability(blobs->storage) == STORAGE_FULL;
    if (durable && fdatasync(*fd))
        code = failed(blobs, error);
    if (close(*fd) && !code)
        code = failed(blobs, error);
    *fd = -1;
    return code;
}

static bool no_more_links(int code)
{
    return code == EMLINK || code == EPERM || code == EOPNOTSUPP || code == ENOSYS;
}

/* A blob that is not yet published is linked in incoming/. */
int blob_link(struct blobs *blobs, uint64_t from, uint64_t id, struct error *error)
{
    char source[PATH_SIZE], waiting[PATH_SIZE], target[PATH_SIZE];
    int code = blob_path(blobs, from, source, error);
    if (code)
        return code;
    code = incoming_path(blobs, from, waiting, error);
    if (code)
        return code;
    code = incoming_path(blobs, id, target, error);
    if (code)
        return code;
    if (link(source, target) == 0 || (errno == ENOENT && link(waiting, target) == 0))
        return 0;
    if (no_more_links(errno))
        return error_set(error, ERR_UNSUPPORTED,
                         "the file system does not support another hard link");
    return failed(blobs, error);
}

void blob_discard(struct blobs *blobs, uint64_t id)
{
    char path[PATH_SIZE];
    if (!incoming_path(blobs, id, path, NULL))
        unlink(path); /* the next start deletes what remains */
}

/* Renames the file to its final place. A failure is harmless: readers look in both places, and the
 * next start tries again. */
static int publish(struct blobs *blobs, uint64_t id, struct error *error)
{
    char from[PATH_SIZE], to[PATH_SIZE], directory[PATH_SIZE];
    int code = incoming_path(blobs, id, from, error);
    if (code)
        return code;
    code = blob_path(blobs, id, to, error);
    if (code)
        return code;
    code = path_format(directory, error, "%s/blobs/%02x", storage_directory(blobs->storage),
                       shard(id));
    if (code || rename(from, to) == 0)
        return code;
    if (errno != ENOENT || (mkdir(directory, 0700) && errno != EEXIST) || rename(from, to))
        return failed(blobs, error);
    return 0;
}

static void publish_committed(struct storage *storage, uint64_t id, void *user)
{
    struct error error = {0};
    (void)storage;
    if (publish(user, id, &error))
        log_warn("blob left in incoming", LOG_TEXT("error", error.text));
}

int blob_keep(struct blobs *blobs, uint64_t id, struct error *error)
{
    int code =
        statement_execute_with(blobs->storage, "INSERT INTO blobs (id) VALUES (?)", id, error);
    if (code)
        return code;
    code = storage_sync_directory(blobs->storage, "incoming", error);
    if (code)
        return code;
    if (storage_after_commit(blobs->storage, publish_committed, id, blobs))
        return error_set(error, ERR_MEMORY, "out of memory");
    return 0;
}

/* Ending. */

static bool unlink_blob(struct blobs *blobs, uint64_t id)
{
    char path[PATH_SIZE];
    if (blob_path(blobs, id, path, NULL) || (unlink(path) && errno != ENOENT))
        return false;
    return !incoming_path(blobs, id, path, NULL) && (unlink(path) == 0 || errno == ENOENT);
}

void blob_unlink(struct blobs *blobs, uint64_t id)
{
    if (unlink_blob(blobs, id) && blobs->gone_count < BLOBS_GONE_MAX)
        blobs->gone[blobs->gone_count++] = id;
}

static void unlink_committed(struct storage *storage, uint64_t id, void *user)
{
    (void)storage;
    if (!blob_segments_defer(user, id))
        blob_unlink(user, id);
}

static int delete_row(struct blobs *blobs, uint64_t id, struct error *error)
{
    return statement_execute_with(blobs->storage, "DELETE FROM blobs WHERE id = ?", id, error);
}

/* A few at a time: each drop removes more marks than it adds. If this is rolled back, the marks
 * remain until the next start, which is harmless. */
static int forget_gone(struct blobs *blobs, struct error *error)
{
    int code = 0;
    for (unsigned i = 0; i < FORGET_AT_ONCE && blobs->gone_count && !code; i++)
        code = delete_row(blobs, blobs->gone[--blobs->gone_count], error);
    return code;
}

int blob_drop(struct blobs *blobs, uint64_t id, struct error *error)
{
    int code = forget_gone(blobs, error);
    if (code)
        return code;
    code = statement_execute_with(blobs->storage, "UPDATE blobs SET dropped = 1 WHERE id = ?", id,
                                  error);
    if (code)
        return code;
    code = blob_damage_forget(blobs, id, error);
    if (code)
        return code;
    if (storage_after_commit(blobs->storage, unlink_committed, id, blobs))
        return error_set(error, ERR_MEMORY, "out of memory");
    return 0;
}

/* Reading. */

/* The storage thread may move the file between the two attempts, so the last one is for the final
 * place. */
int blob_read_open(struct blobs *blobs, uint64_t id, int *fd, struct error *error)
{
    char path[PATH_SIZE];
    *fd = -1;
    for (unsigned look = 0; look < 3; look++) {
        int code =
            look == 1 ? incoming_path(blobs, id, path, error) : blob_path(blobs, id, path, error);
        if (code)
            return code;
        *fd = open(path, O_RDONLY | O_CLOEXEC);
        if (*fd >= 0)
            return 0;
        if (errno != ENOENT)
            break;
    }
    return failed(blobs, error);
}

bool blob_is_missing(struct blobs *blobs, uint64_t id)
{
    char incoming[PATH_SIZE], final[PATH_SIZE];
    if (incoming_path(blobs, id, incoming, NULL) || blob_path(blobs, id, final, NULL))
        return false;
    return access(incoming, F_OK) && errno == ENOENT && access(final, F_OK) && errno == ENOENT;
}

/* Opening. */

static int is_live(struct blobs *blobs, uint64_t id, bool *live, struct error *error)
{
    struct statement select =
        statement_prepare(blobs->storage, "SELECT 1 FROM blobs WHERE id = ? AND dropped = 0");
    bind_uint(&select, id);
    int code = statement_step(&select, error);
    *live = code == 1;
    statement_reset(&select);
    return code < 0 ? code : 0;
}

static int settle_incoming(struct blobs *blobs, const char *name, struct error *error)
{
    char *end = NULL;
    bool live = false;
    uint64_t id = strtoull(name, &end, 16);
    if (strlen(name) != ID_DIGITS || *end)
        return 0; /* not ours */
    int code = is_live(blobs, id, &live, error);
    if (code)
        return code;
    if (live)
        return publish(blobs, id, error);
    blob_discard(blobs, id);
    return 0;
}

static int settle_all_incoming(struct blobs *blobs, struct error *error)
{
    char path[PATH_SIZE];
    int code = path_format(path, error, "%s/incoming", storage_directory(blobs->storage));
    if (code)
        return code;
    DIR *directory = opendir(path);
    if (!directory)
        return failed(blobs, error);
    for (struct dirent *entry; !code && (entry = readdir(directory));)
        code = settle_incoming(blobs, entry->d_name, error);
    closedir(directory);
    return code;
}

static int unlink_dropped(struct blobs *blobs, struct error *error)
{
    struct statement select =
        statement_prepare(blobs->storage, "SELECT id FROM blobs WHERE dropped = 1");
    int code;
    while ((code = statement_step(&select, error)) == 1)
        unlink_blob(blobs, column_uint(&select, 0));
    statement_reset(&select);
    if (code)
        return code;
    struct statement delete =
        statement_prepare(blobs->storage, "DELETE FROM blobs WHERE dropped = 1");
    return statement_execute(&delete, error);
}

int blobs_open(struct blobs *blobs, struct storage *storage, struct error *error)
{
    *blobs = (struct blobs){.storage = storage};
    list_init(&blobs->segments);
    body_pipes_init(&blobs->pipes);
    blobs->gone = calloc(BLOBS_GONE_MAX, sizeof *blobs->gone);
    if (!blobs->gone)
        return error_set(error, ERR_MEMORY, "out of memory");
    int code = settle_all_incoming(blobs, error);
    if (code)
        return code;
    code = unlink_dropped(blobs, error);
    return code ? code : blob_damage_load(blobs, error);
}

void blobs_close(struct blobs *blobs)
{
    free(blobs->gone);
    blobs->gone = NULL;
}
