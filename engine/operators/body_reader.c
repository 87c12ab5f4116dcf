#include "body_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container_of.h"

void body_reader_init(struct body_reader *reader, const char *path, int wake)
{
    *reader = (struct body_reader){.path = path, .fd = -1, .wake = wake};
}

/* ---- pool thread ---- */

static int fail(struct body_reader *reader, int number)
{
    return error_set(&reader->error, ERR_IO, "%s: %s",
                     strcmp(reader->path, "-") == 0 ? "standard input" : reader->path,
                     strerror(number));
}

static int open_input(struct body_reader *reader)
{
    struct stat facts;
    if (strcmp(reader->path, "-") == 0) {
        reader->fd = STDIN_FILENO;
        return 0;
    }
    reader->fd = open(reader->path, O_RDONLY | O_CLOEXEC);
    if (reader->fd < 0)
        return fail(reader, errno);
    if (fstat(reader->fd, &facts) == 0 && S_ISDIR(facts.st_mode))
        return fail(reader, EISDIR);
    return 0;
}

static int wait_for_input(struct body_reader *reader)
{
    struct pollfd waits[] = {{.fd = reader->fd, .events = POLLIN},
                             {.fd = reader->wake, .events = POLLIN}};
    int count;
    do {
        count = poll(waits, 2, -1);
    } while (count < 0 && errno == EINTR);
    if (count < 0)
        return fail(reader, errno);
    if (waits[1].revents)
        return error_set(&reader->error, ERR_CANCELLED, "interrupted");
    return 0;
}

static int fill(struct body_reader *reader)
{
    while (reader->size < reader->room) {
        if (wait_for_input(reader))
            return reader->error.code;
        ssize_t got = read(reader->fd, reader->data + reader->size, reader->room - reader->size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail(reader, errno);
        if (got == 0) {
            reader->end = true;
            break;
        }
        reader->size += (size_t)got;
    }
    return 0;
}

static void work(uv_work_t *work)
{
    struct body_reader *reader = container_of(work, struct body_reader, work);
    if (reader->fd >= 0 || open_input(reader) == 0)
        fill(reader);
}

/* ---- loop thread ---- */

static void on_worked(uv_work_t *work, int code)
{
    struct body_reader *reader = container_of(work, struct body_reader, work);
    if (code < 0)
        error_set(&reader->error, ERR_CANCELLED, "interrupted");
    reader->done(reader);
}

void body_reader_start(struct body_reader *reader, uv_loop_t *loop, char *data, size_t room,
                       body_read *done)
{
    reader->data = data;
    reader->room = room;
    reader->done = done;
    reader->size = 0;
    reader->error = (struct error){0};
    uv_queue_work(loop, &reader->work, work, on_worked); /* fails only without a function */
}

void body_reader_close(struct body_reader *reader)
{
    if (reader->fd > STDIN_FILENO)
        close(reader->fd);
    reader->fd = -1;
}
