/*
 * The child's own limits are in decoder_sandbox.c. The parent enforces two more: every LOOK_MS it
 * checks the elapsed time and the memory that the child uses, and kills the child if it exceeds a
 * limit. So a decoder that uses too much memory is distinguished from one that crashes, and one
 * that hangs is noticed too.
 *
 * A child's memory is its anonymous memory (including swap), its page tables, the library pages
 * that it uses, and the output, mapped or not. The input counts for the parent.
 *
 * The output is never mapped here, because a child could truncate the file under the mapping. It is
 * copied first, then validated.
 */
#include "decoder_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "decoder_reply.h"
#include "decoder_request.h"
#include "decoder_sandbox.h"
#include "decoder_spawn.h"
#include "decoder_threads.h"

enum {
    LOOK_MS = 20,
    /* allows for a busy machine that is still loading the libraries */
    START_MS = 30000,
    END_MS = 500,                  /* between the end of the socket and of the process */
    STAT_BLOCK = 512,              /* bytes, on any file system */
    KEEP_BYTES = 8 * 1024 * 1024,  /* of a memfd, kept between images */
    IDLE_BYTES = 48 * 1024 * 1024, /* of its memory, beyond that at its start */
};

struct decoder {
    struct decoder_ends ends;
    pid_t pid;
    int status;  /* /proc/PID/status */
    int threads; /* readable: it requests another thread; -1: it makes no requests */
    struct decoder_limits limits;
    struct decoder_slots slots;
    uint64_t sequence;
    uint64_t own; /* memory in bytes when it became ready */
    bool ready;
    struct decoder *next;
};

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- start ---- */

static int status_open(pid_t pid)
{
    char path[48];
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    return open(path, O_RDONLY | O_CLOEXEC);
}

int decoder_start(const struct decoder_limits *limits, struct decoder **out, struct error *error)
{
    const struct decoder_hello hello = {.memory = limits->memory};
    struct decoder *d = calloc(1, sizeof *d);
    if (!d)
        return error_set(error, ERR_MEMORY, "not enough memory for a decoder process");
    int code = decoder_spawn(&d->ends, error);
    if (code) {
        free(d);
        return code;
    }
    d->pid = d->ends.group;
    d->status = status_open(d->pid);
    d->threads = -1;
    d->limits = *limits;
    if (d->status < 0 || send(d->ends.socket, &hello, sizeof hello, MSG_NOSIGNAL) != sizeof hello) {
        decoder_end(d);
        return error_set(error, ERR_IO, "a decoder process exited at startup");
    }
    *out = d;
    return 0;
}

/* ---- results ---- */

enum { STATUS_MAX = 8192 }; /* of /proc/PID/status */

/* Empty if the process has ended. */
static void status_read(const struct decoder *d, char out[static STATUS_MAX])
{
    ssize_t size = pread(d->status, out, STATUS_MAX - 1, 0);
    out[size > 0 ? size : 0] = '\0';
}

/* Whether all its processes have ended. *status: of one that failed, if one has. */
static bool reap(struct decoder *d, int flags, int *status)
{
    while (d->ends.group > 0) {
        int one = 0;
        pid_t pid = waitpid(-d->ends.group, &one, flags);
        if (pid == 0)
            return false;
        if (pid > 0 && one)
            *status = one;
        else if (pid < 0 && errno != EINTR) /* there is no other process */
            d->ends.group = -1;
    }
    return true;
}

static void end_by_force(struct decoder *d)
{
    int status;
    if (d->ends.group <= 0)
        return;
    kill(-d->ends.group, SIGKILL);
    reap(d, 0, &status);
}

/* The process has closed its socket: it has ended, or is about to. */
static int status_of(struct decoder *d)
{
    int status = 0;
    for (int waited = 0; waited < END_MS; waited++) {
        if (reap(d, WNOHANG, &status))
            return status;
        const struct timespec while_ms = {.tv_nsec = 1000000};
        nanosleep(&while_ms, NULL);
    }
    end_by_force(d);
    return SIGSEGV; /* alive without its socket: treated as crashed */
}

/* Another process sent SIGSTOP; the decoder itself cannot. The image is not the cause. */
static bool is_stopped(const struct decoder *d)
{
    char status[STATUS_MAX];
    status_read(d, status);
    return strstr(status, "\nState:\tT") != NULL;
}

static int fail_timeout(const struct decoder *d, struct error *error)
{
    if (is_stopped(d))
        return error_set(error, ERR_DECODER_CRASHED, "the decoder was stopped");
    return error_set(error, ERR_DECODER_TIMEOUT, "decoding took longer than %g s",
                     d->limits.timeout_ms / 1e3);
}

static int fail_memory(const struct decoder *d, struct error *error)
{
    return error_set(error, ERR_DECODER_MEMORY, "decoding took more than %llu MiB of memory",
                     (unsigned long long)(d->limits.memory >> 20));
}

/* 0: none. */
static int signal_of(int status)
{
    if (WIFSIGNALED(status))
        return WTERMSIG(status);
    switch (WEXITSTATUS(status)) {
    case DECODER_EXIT_ABORTED:
        return SIGABRT;
    case DECODER_EXIT_TIME:
        return SIGXCPU;
    default:
        return 0;
    }
}

static int fail_dead(struct decoder *d, struct error *error)
{
    int status = status_of(d);
    int signal = signal_of(status);
    if (signal == SIGXCPU)
        return fail_timeout(d, error);
    if (signal == SIGKILL) /* not by us: by the kernel, when the machine's memory is used up */
        return error_set(error, ERR_DECODER_MEMORY,
                         "the decoder was killed, probably because the machine ran out of memory");
    if (WIFEXITED(status) && WEXITSTATUS(status) == DECODER_EXIT_MEMORY)
        return fail_memory(d, error);
    if (signal == SIGSYS)
        return error_set(error, ERR_DECODER_CRASHED,
                         "the decoder attempted a forbidden system call and was terminated");
    return error_set(error, ERR_DECODER_CRASHED, "the decoder crashed (%s)",
                     signal ? sigdescr_np(signal) : "it exited");
}

static int fail_threads(struct error *error)
{
    return error_set(error, ERR_DECODER_CRASHED, "the decoder started more than %d threads",
                     DECODER_THREADS_MAX);
}

static int fail_lie(struct error *error)
{
    return error_set(error, ERR_DECODER_CRASHED, "the decoder sent an invalid response");
}

/* ---- waiting ---- */

/* A value in the status file; the name precedes the number. Missing values are 0. */
static uint64_t status_number(const char *status, const char *name)
{
    const char *line = strstr(status, name);
    return line ? strtoull(line + strlen(name), NULL, 10) : 0;
}

static uint64_t status_bytes(const char *status, const char *name)
{
    return status_number(status, name) * 1024; /* they are in kB */
}

struct holding {  /* bytes */
    uint64_t own; /* anonymous memory and page tables */
    uint64_t all;
    uint64_t threads; /* a number */
};

static struct holding holding_of(const struct decoder *d)
{
    char status[STATUS_MAX];
    struct stat output = {0};
    status_read(d, status);
    uint64_t own = status_bytes(status, "\nRssAnon:") + status_bytes(status, "\nVmPTE:") +
                   status_bytes(status, "\nVmSwap:");
    uint64_t written = fstat(d->ends.output, &output) ? 0 : (uint64_t)output.st_blocks * STAT_BLOCK;
    return (struct holding){own, own + status_bytes(status, "\nRssFile:") + written,
                            status_number(status, "\nThreads:")};
}

static bool all_cancelled(struct render_item *const *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!items[i]->cancelled || !atomic_load(items[i]->cancelled))
            return false;
    }
    return count > 0;
}

/* Waits until there is something to read: 0. items: the wait ends when all of them are
 * cancelled. */
static int wait_for(struct decoder *d, unsigned timeout_ms, struct render_item *const *items,
                    size_t count, struct error *error)
{
    struct pollfd ends[] = {{.fd = d->ends.socket, .events = POLLIN},
                            {.fd = d->threads, .events = POLLIN}};
    uint64_t due = now_ms() + timeout_ms;
    for (;;) {
        if (poll(ends, 2, LOOK_MS) < 0)
            ends[0].revents = ends[1].revents = 0;
        if (ends[0].revents)
            return 0;
        struct holding holding = holding_of(d);
        if (holding.all > d->limits.memory)
            return fail_memory(d, error);
        if (holding.threads > 2 * DECODER_THREADS_MAX)
            return fail_threads(error);
        if (ends[1].revents & POLLIN)
            decoder_threads_decide(d->threads, holding.threads);
        if (all_cancelled(items, count))
            return error_set(error, ERR_CANCELLED, "cancelled");
        if (now_ms() >= due)
            return fail_timeout(d, error);
    }
}

static int hear(struct decoder *d, void *out, size_t size, struct error *error)
{
    ssize_t got = recv(d->ends.socket, out, size, MSG_DONTWAIT | MSG_TRUNC);
    if (got == 0 || (got < 0 && errno == ECONNRESET))
        return fail_dead(d, error);
    return got == (ssize_t)size ? 0 : fail_lie(error);
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
    close(d->status);
    d->pid = sender;
    d->status = status_open(d->pid);
    return d->status < 0 ? ERR_IO : 0;
}

static int welcome_receive(struct decoder *d, struct decoder_welcome *welcome, struct error *error)
{
    pid_t sender = 0;
    int code = wait_for(d, START_MS, NULL, 0, error);
    if (code)
        return code;
    if (decoder_threads_receive(d->ends.socket, &d->threads, &sender) || follow(d, sender))
        return fail_dead(d, error);
    code = wait_for(d, START_MS, NULL, 0, error);
    if (code)
        return code;
    return hear(d, welcome, sizeof *welcome, error);
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
    d->own = holding_of(d).own;
    return 0;
}

bool decoder_is_heavy(const struct decoder *d)
{
    return !DECODER_SANITIZED && holding_of(d).own > d->own + IDLE_BYTES;
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
        return fail_dead(d, error);
    return 0;
}

static int ask(struct decoder *d, const struct render_source *source,
               const struct pipeline_limits *limits, struct render_item *const *items, size_t count,
               struct error *error)
{
    struct buffer request;
    buffer_init(&request, DECODER_META_MAX);
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

/* ---- the response ---- */

/* ERR_PROTOCOL: the output is shorter. */
static int read_all(int fd, void *out, size_t size, off_t at)
{
    char *to = out;
    while (size > 0) {
        ssize_t done = pread(fd, to, size, at);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return ERR_PROTOCOL;
        to += done;
        at += done;
        size -= (size_t)done;
    }
    return 0;
}

static int body_read(struct decoder *d, struct bytes *body, off_t *at)
{
    void *data = malloc(body->size);
    if (!data)
        return ERR_MEMORY;
    int code = read_all(d->ends.output, data, body->size, *at);
    *at += (off_t)body->size;
    *body = bytes_give(data, body->size);
    return code;
}

static int bodies_read(struct decoder *d, struct render_item *const *items, size_t count, off_t at)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < items[i]->rendition_count && !items[i]->error.code; k++) {
            int code = body_read(d, &items[i]->renditions[k].body, &at);
            if (code)
                return code;
        }
        if (!items[i]->label_image.body.size)
            continue;
        int code = body_read(d, &items[i]->label_image.body, &at);
        if (code)
            return code;
    }
    return 0;
}

static int reply_read(struct decoder *d, const struct decoder_response *response,
                      const struct render_source *source, struct render_item *const *items,
                      size_t count)
{
    struct stat output;
    if (response->sequence != d->sequence || response->reply_size > DECODER_META_MAX ||
        fstat(d->ends.output, &output) || (uint64_t)output.st_size < response->reply_size)
        return ERR_PROTOCOL;
    size_t size = (size_t)response->reply_size;
    char *reply = malloc(size + 1);
    if (!reply)
        return ERR_MEMORY;
    int code = read_all(d->ends.output, reply, size, 0);
    if (code)
        goto out;
    code = decoder_reply_read((struct slice){reply, size}, (uint64_t)output.st_size - size, source,
                              items, count);
    if (code)
        goto out;
    code = bodies_read(d, items, count, (off_t)size);
out:
    free(reply);
    return code;
}

/* A process keeps the pages of small images, because page faults cost time, but not those of large
 * ones. */
static int trim(int fd)
{
    struct stat file;
    return fstat(fd, &file) == 0 && file.st_size > KEEP_BYTES ? ftruncate(fd, 0) : 0;
}

/* Also limits the processor time to the rest of the render's. */
struct waiting {
    struct render_item *const *items;
    size_t count;
    unsigned left_ms;
};

static int receive_one(struct decoder *d, struct waiting *waiting, struct decoder_response *out,
                       struct error *error)
{
    uint64_t began = now_ms();
    int code = wait_for(d, waiting->left_ms, waiting->items, waiting->count, error);
    uint64_t took = now_ms() - began;
    waiting->left_ms = took < waiting->left_ms ? waiting->left_ms - (unsigned)took : 0;
    return code ? code : hear(d, out, sizeof *out, error);
}

/* Compares the memory that the render needs with a decoder's limit and the memory budget. */
static int memory_check(const struct decoder *d, const struct render_source *source,
                        uint64_t promise, struct error *error)
{
    if (promise > d->limits.memory)
        return error_set(error, ERR_DECODER_MEMORY,
                         "decoding would take %llu MiB of memory; a decoder may have %llu MiB",
                         (unsigned long long)(promise >> 20),
                         (unsigned long long)(d->limits.memory >> 20));
    if (!source->gate)
        return 0;
    int code = source->gate->pass(source->gate, promise + source->image.size);
    return code ? error_set(error, code, "cancelled") : 0;
}

/* Responds to the child's memory request and reads its reply. If the render must not continue,
 * *refusal contains the reason and the reply is ignored. */
static int decide(struct decoder *d, const struct render_source *source, struct waiting *waiting,
                  struct decoder_response *response, struct error *refusal, struct error *error)
{
    if (response->sequence != d->sequence)
        return fail_lie(error);
    const struct decoder_verdict verdict = {
        .sequence = d->sequence, .code = memory_check(d, source, response->promise, refusal)};
    if (send(d->ends.socket, &verdict, sizeof verdict, MSG_NOSIGNAL) != sizeof verdict)
        return fail_dead(d, error);
    if (verdict.code)
        waiting->count = 0; /* it is already known that the items were cancelled */
    int code = receive_one(d, waiting, response, error);
    if (code)
        return code;
    if (response->promise || response->sequence != d->sequence)
        return fail_lie(error);
    return 0;
}

static int response_receive(struct decoder *d, const struct render_source *source,
                            struct render_item *const *items, size_t count, struct error *error)
{
    struct waiting waiting = {items, count, d->limits.timeout_ms};
    struct error refusal = {0};
    struct decoder_response response;
    int code = receive_one(d, &waiting, &response, error);
    if (code)
        return code;
    if (response.promise)
        code = decide(d, source, &waiting, &response, &refusal, error);
    if (code)
        return code;
    for (size_t i = 0; refusal.code && i < count; i++)
        items[i]->error = refusal;
    if (refusal.code)
        return 0;
    code = reply_read(d, &response, source, items, count);
    if (code == ERR_MEMORY)
        return error_set(error, code, "not enough memory for the renditions");
    return code ? fail_lie(error) : 0;
}

int decoder_ask(struct decoder *d, const struct render_source *source,
                const struct pipeline_limits *limits, struct render_item *const *items,
                size_t count, struct error *error)
{
    int code = ask(d, source, limits, items, count, error);
    if (!code)
        code = response_receive(d, source, items, count, error);
    for (size_t i = 0; !code && i < count; i++) {
        if (items[i]->error.code == ERR_MEMORY)
            code = fail_memory(d, error);
    }
    if (code)
        return code;
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
    end_by_force(d);
    if (d->status >= 0)
        close(d->status);
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
