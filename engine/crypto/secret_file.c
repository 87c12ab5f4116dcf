#include "secret_file.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "container_of.h"
#include "files.h"
#include "secret.h"

struct secret_read {
    uv_work_t work;
    char *path;
    secret_read_done *done; /* NULL: cancelled */
    void *user;
    /* the worker's, then the loop's */
    char *text;
    struct error error;
};

static void read_run(uv_work_t *work)
{
    struct secret_read *read = container_of(work, struct secret_read, work);
    struct bytes bytes = {0};
    int code = file_read(read->path, SECRET_FILE_MAX, &bytes, &read->error);
    if (code == ERR_LIMIT)
        error_set(&read->error, code, "%s is larger than 64 KiB", read->path);
    if (code)
        return;
    size_t size = bytes.size;
    const char *data = bytes.data;
    while (size && isspace((unsigned char)data[size - 1]))
        size--;
    if (!size)
        error_set(&read->error, ERR_INVALID, "%s is empty", read->path);
    else if (memchr(data, '\0', size))
        error_set(&read->error, ERR_INVALID, "%s is not a text", read->path);
    else if (!(read->text = slice_dup((struct slice){data, size})))
        error_set(&read->error, ERR_MEMORY, "out of memory");
    if (bytes.size)
        secret_wipe(bytes.data, bytes.size);
    bytes_free(&bytes);
}

static void read_free(struct secret_read *read)
{
    if (read->text)
        secret_wipe(read->text, strlen(read->text));
    free(read->text);
    free(read->path);
    free(read);
}

static void read_end(uv_work_t *work, int code)
{
    struct secret_read *read = container_of(work, struct secret_read, work);
    if (code && !read->error.code)
        error_set(&read->error, ERR_CANCELLED, "%s was not read", read->path);
    if (read->done)
        read->done(read->text, &read->error, read->user);
    read_free(read);
}

int secret_read_start(uv_loop_t *loop, const char *path, secret_read_done *done, void *user,
                      struct secret_read **out, struct error *error)
{
    struct secret_read *read = calloc(1, sizeof *read);
    *out = NULL;
    if (!read)
        return error_set(error, ERR_MEMORY, "out of memory");
    read->done = done;
    read->user = user;
    read->path = strdup(path);
    if (!read->path || uv_queue_work(loop, &read->work, read_run, read_end)) {
        read_free(read);
        return error_set(error, ERR_MEMORY, "out of memory");
    }
    *out = read;
    return 0;
}

void secret_read_cancel(struct secret_read *read)
{
    read->done = NULL;
    uv_cancel((uv_req_t *)&read->work); /* where it has not begun */
}
