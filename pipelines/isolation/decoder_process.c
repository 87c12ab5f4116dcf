/* Starts a decoder process, sends it renders and ends it. */
#include "decoder_process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "decoder_private.h"
#include "decoder_sandbox.h"
#include "decoder_threads.h"

enum {
    /* allows for a busy machine that is still loading the libraries */
    START_MS = 30000,
    KEEP_BYTES = 8 * 1024 * 1024,  /* of a memfd, kept between images */
    IDLE_BYTES = 48 * 1024 * 1024, /* of its memory, beyond that at its start */
};

/* ---- start ---- */

int decoder_start(const struct decoder_limits *limits, unsigned modules, struct decoder **out,
                  struct error *error)
{
    const struct decoder_hello hello = {.memory = limits->memory, .modules = modules};
    struct decoder *d = calloc(1, sizeof *d);
    if (!d)
        return error_set(error, ERR_MEMORY, "not enough memory for a decoder process");
    int code = decoder_spawn(&d->ends, error);
    if (code) {
        free(d);
        return code;
    }
    d->pid = d->ends.group;
    d->status_file = decoder_status_open(d->pid);
    d->threads = -1;
    d->limits = *limits;
    d->modules = modules;
    if (d->status_file < 0 ||
        send(d->ends.socket, &hello, sizeof hello, MSG_NOSIGNAL) != sizeof hello) {
        decoder_end(d);
        return error_set(error, ERR_IO, "a decoder process exited at startup");
    }
    *out = d;
    return 0;
}

unsigned decoder_modules(const struct decoder *d)
{
    return d->modules;
}

/* If the decoder has been replaced by its clone, the first process of the group has exited or is
 * about to. */
static int follow(struct decoder *d, pid_t sender)
{
    if (sender == d->pid)
        return 0;
    kill(d->pid, SIGKILL);
    while (waitpid(d->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    close(d->status_file);
    d->pid = sender;
    d->status_file = decoder_status_open(d->pid);
    return d->status_file < 0 ? ERR_IO : 0;
}

static int welcome_receive(struct decoder *d, struct decoder_welcome *welcome, struct error *error)
{
    pid_t sender = 0;
    int code = decoder_wait(d, START_MS, NULL, 0, error);
    if (code)
        return code;
    if (decoder_threads_receive(d->ends.socket, &d->threads, &sender) || follow(d, sender))
        return decoder_fail_dead(d, error);
    code = decoder_wait(d, START_MS, NULL, 0, error);
    if (code)
        return code;
    return decoder_receive(d, welcome, sizeof *welcome, error);
}

int decoder_ready(struct decoder *d, struct error *error)
{
    struct decoder_welcome welcome = {0};
    if (d->ready)
        return 0;
    if (welcome_receive(d, &welcome, error)) { /* it has not processed an image yet */
        error_prefix(error, "a decoder process could not be started");
        return error->code = ERR_IO;
    }
    welcome.text[sizeof welcome.text - 1] = '\0';
    if (welcome.code)
        return error_set(error, ERR_UNSUPPORTED, "a decoder process could not be started: %s",
                         welcome.text);
    d->ready = true;
    d->own = decoder_usage(d).own;
    return 0;
}

bool decoder_is_heavy(const struct decoder *d)
{
    return !DECODER_SANITIZED && decoder_usage(d).own > d->own + IDLE_BYTES;
}

bool decoder_is_well(const struct decoder *d)
{
    struct pollfd socket = {.fd = d->ends.socket, .events = POLLIN};
    return !d->ready || poll(&socket, 1, 0) == 0;
}

/* ---- requests ---- */

/* Starts the time limit for this image. */
static void processor_limit(const struct decoder *d)
{
    clockid_t clock;
    struct timespec used;
    if (clock_getcpuclockid(d->pid, &clock) || clock_gettime(clock, &used))
        return; /* it has ended: reading its response will report that */
    const struct rlimit limit = {.rlim_cur = (rlim_t)used.tv_sec + d->limits.timeout_ms / 1000 + 2,
                                 .rlim_max = RLIM_INFINITY};
    prlimit(d->pid, RLIMIT_CPU, &limit, NULL);
}

static int write_all(int fd, struct iovec *parts, int count)
{
    off_t at = 0;
    while (count > 0) {
        ssize_t done = pwritev(fd, parts, count, at);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return ERR_MEMORY; /* a memfd has no other disk to be full */
        at += done;
        for (; count > 0 && (size_t)done >= parts->iov_len; parts++, count--)
            done -= (ssize_t)parts->iov_len;
        if (count > 0) {
            parts->iov_base = (char *)parts->iov_base + done;
            parts->iov_len -= (size_t)done;
        }
    }
    return 0;
}

static int send_command(struct decoder *d, const struct render_source *source,
                        struct buffer *request, struct error *error)
{
    struct iovec parts[] = {
        {(void *)(uintptr_t)source->image.data, source->image.size},
        {request->data, request->size},
    };
    const struct decoder_command command = {
        .sequence = ++d->sequence, .image_size = source->image.size, .request_size = request->size};
    if (write_all(d->ends.input, parts, 2))
        return error_set(error, ERR_MEMORY, "not enough memory to pass an image to its decoder");
    processor_limit(d);
    if (send(d->ends.socket, &command, sizeof command, MSG_NOSIGNAL) != sizeof command)
        return decoder_fail_dead(d, error);
    return 0;
}

static int ask(struct decoder *d, const struct render_source *source,
               const struct pipeline_limits *limits, struct render_item *const *items, size_t count,
               struct error *error)
{
    struct buffer request;
    buffer_init(&request, DECODER_REQUEST_MAX);
    int code = decoder_request_write(&request, source, limits, items, count, &d->slots);
    if (code == ERR_LIMIT)
        error_set(error, code, "more than %d pipelines use one image", DECODER_AUDIENCE_MAX);
    else if (code)
        error_set(error, code, "not enough memory to pass an image to its decoder");
    else
        code = send_command(d, source, &request, error);
    buffer_free(&request);
    return code;
}

/* A process keeps the pages of small images, because page faults cost time, but not those of large
 * ones. */
static int trim(int fd)
{
    struct stat file;
    return fstat(fd, &file) == 0 && file.st_size > KEEP_BYTES ? ftruncate(fd, 0) : 0;
}

int decoder_ask(struct decoder *d, const struct render_source *source,
                const struct pipeline_limits *limits, struct render_item *const *items,
                size_t count, struct error *error)
{
    int code = ask(d, source, limits, items, count, error);
    if (code)
        return code;
    code = decoder_response_receive(d, source, items, count, error);
    if (code)
        return code;
    for (size_t i = 0; i < count; i++) {
        if (items[i]->error.code == ERR_MEMORY)
            return decoder_fail_memory(d, error);
    }
    if (trim(d->ends.input) || trim(d->ends.output))
        return error_set(error, ERR_IO, "cannot release a decoder's memory");
    return 0;
}

/* ---- shutdown ---- */

void decoder_end(struct decoder *d)
{
    if (!d)
        return;
    decoder_ends_close(&d->ends);
    decoder_kill(d);
    if (d->status_file >= 0)
        close(d->status_file);
    if (d->threads >= 0)
        close(d->threads);
    free(d);
}

struct decoder *decoder_next(const struct decoder *d)
{
    return d->next;
}

void decoder_link(struct decoder *d, struct decoder *next)
{
    d->next = next;
}
