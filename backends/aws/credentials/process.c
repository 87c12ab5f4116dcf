/*
 * A user's program that prints credentials: credential_process. It is run without a shell, with a
 * time limit, and killed with all its children. Its output is bounded; what it writes to
 * standard error becomes part of the error text. Sources: botocore 1.29, credentials.py
 * (ProcessProvider); "Process credential provider", AWS SDKs and Tools Reference Guide.
 *
 * The operation lives until the process has ended and its pipes are closed, also when it was
 * cancelled.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "credential_json.h"
#include "credential_provider.h"
#include "secret.h"
#include "shell_words.h"

enum { TIME_LIMIT_MS = 60000, OUTPUT_MAX = 64 * 1024, COMPLAINT_SIZE = 300 };

enum process_fault { FAULT_NONE, FAULT_TIME, FAULT_OUTPUT };

struct process {
    struct credential_get *get; /* NULL: cancelled */
    uv_process_t child;
    uv_pipe_t pipes[2]; /* standard output and standard error */
    uv_timer_t timer;
    unsigned handles; /* not closed yet */
    unsigned events;  /* still to come: the end of each pipe, the exit */
    bool running, reading[2];
    enum process_fault fault;
    int64_t status;
    int signal;
    char *output;
    size_t size;
    char complaint[COMPLAINT_SIZE];
    size_t complaint_size;
    char read[4096];
};

/* ---- the end ---- */

static void process_free(struct process *process)
{
    if (process->output)
        secret_wipe(process->output, process->size);
    free(process->output);
    secret_wipe(process->read, sizeof process->read);
    free(process);
}

static int output_read(struct process *process, struct credentials **out, struct error *error)
{
    json_t *object = secret_json_read((struct slice){process->output, process->size});
    const json_t *version = json_object_get(object, "Version");
    int code;
    if (!object)
        code = error_set(error, ERR_PROTOCOL, "the output is not a JSON object");
    else if (!json_is_integer(version) || json_integer_value(version) != 1)
        code = error_set(error, ERR_PROTOCOL, "the output's Version is not 1");
    else
        code = credentials_of_json(object, "SessionToken", false, "credential process", out, error);
    secret_json_free(object);
    return code;
}

static int failure(const struct process *process, struct error *error)
{
    const char *separator = process->complaint_size ? ": " : "";
    if (process->fault == FAULT_TIME)
        return error_set(error, ERR_TIMEOUT, "it ran for more than %d s and was killed%s%s",
                         TIME_LIMIT_MS / 1000, separator, process->complaint);
    if (process->fault == FAULT_OUTPUT)
        return error_set(error, ERR_PROTOCOL, "it printed more than %d KiB", OUTPUT_MAX / 1024);
    if (process->signal)
        return error_set(error, ERR_CREDENTIALS, "it was killed by signal %d%s%s", process->signal,
                         separator, process->complaint);
    return error_set(error, ERR_CREDENTIALS, "it exited with status %lld%s%s",
                     (long long)process->status, separator, process->complaint);
}

static void report(struct process *process)
{
    struct credentials *credentials = NULL;
    struct error error = {0};
    struct credential_get *get = process->get;
    if (process->fault || process->status || process->signal)
        failure(process, &error);
    else
        output_read(process, &credentials, &error);
    if (error.code)
        error_prefix(&error, "credential_process");
    process_free(process);
    if (get)
        credential_get_end(get, credentials, &error);
    else
        credentials_release(credentials);
}

static void on_closed(struct process *process)
{
    if (--process->handles == 0)
        report(process);
}

static void on_child_closed(uv_handle_t *handle)
{
    on_closed(container_of((uv_process_t *)handle, struct process, child));
}

static void on_pipe_closed(uv_handle_t *handle)
{
    on_closed(handle->data);
}

static void on_timer_closed(uv_handle_t *handle)
{
    on_closed(container_of((uv_timer_t *)handle, struct process, timer));
}

static void close_all(struct process *process)
{
    uv_close((uv_handle_t *)&process->child, on_child_closed);
    for (size_t i = 0; i < 2; i++)
        uv_close((uv_handle_t *)&process->pipes[i], on_pipe_closed);
    uv_close((uv_handle_t *)&process->timer, on_timer_closed);
}

static void event(struct process *process)
{
    if (--process->events == 0)
        close_all(process);
}

static void reading_end(struct process *process, size_t pipe)
{
    if (!process->reading[pipe])
        return;
    process->reading[pipe] = false;
    uv_read_stop((uv_stream_t *)&process->pipes[pipe]);
    event(process);
}

/* Its group too: what a script started. A process that left the group may still have the pipes
 * open, so their end is not awaited. */
static void give_up(struct process *process)
{
    if (!process->events)
        return; /* it is over already */
    if (process->running && kill(-process->child.pid, SIGKILL))
        uv_process_kill(&process->child, SIGKILL);
    process->events++; /* it is not over before this is */
    reading_end(process, 0);
    reading_end(process, 1);
    event(process);
}

/* ---- while it runs ---- */

static void on_child_exit(uv_process_t *child, int64_t status, int signal)
{
    struct process *process = container_of(child, struct process, child);
    process->running = false;
    process->status = status;
    process->signal = signal;
    event(process);
}

static void on_time(uv_timer_t *timer)
{
    struct process *process = container_of(timer, struct process, timer);
    process->fault = FAULT_TIME;
    give_up(process);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct process *process = handle->data;
    (void)suggested;
    *out = uv_buf_init(process->read, sizeof process->read);
}

static void output_add(struct process *process, size_t size)
{
    if (process->size + size > OUTPUT_MAX) {
        process->fault = FAULT_OUTPUT;
        give_up(process);
        return;
    }
    memcpy(process->output + process->size, process->read, size);
    process->size += size;
}

/* The beginning of it, in one line. */
static void complaint_add(struct process *process, size_t size)
{
    for (size_t i = 0; i < size && process->complaint_size < COMPLAINT_SIZE - 1; i++) {
        char c = process->read[i];
        if (process->complaint_size || (c != '\n' && c != ' '))
            process->complaint[process->complaint_size++] = c ? c : ' ';
    }
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct process *process = stream->data;
    (void)buffer;
    const size_t pipe = stream == (uv_stream_t *)&process->pipes[0] ? 0 : 1;
    if (size < 0)
        reading_end(process, pipe);
    else if (pipe == 0)
        output_add(process, (size_t)size);
    else
        complaint_add(process, (size_t)size);
}

static void cancel(void *operation)
{
    struct process *process = operation;
    process->get = NULL;
    give_up(process);
}

/* ---- the start ---- */

static void handles_open(struct process *process, uv_loop_t *loop)
{
    for (size_t i = 0; i < 2; i++) {
        uv_pipe_init(loop, &process->pipes[i], 0);
        process->pipes[i].data = process;
    }
    uv_timer_init(loop, &process->timer);
    process->handles = 4; /* with the child, which libuv wants closed even if the start fails */
}

static int spawn(struct process *process, uv_loop_t *loop, char **words)
{
    uv_stdio_container_t stdio[3] = {{.flags = UV_IGNORE}};
    for (size_t i = 0; i < 2; i++) {
        stdio[i + 1].flags = (uv_stdio_flags)(UV_CREATE_PIPE | UV_WRITABLE_PIPE);
        stdio[i + 1].data.stream = (uv_stream_t *)&process->pipes[i];
    }
    const uv_process_options_t options = {.exit_cb = on_child_exit,
                                          .file = words[0],
                                          .args = words,
                                          .flags = UV_PROCESS_DETACHED, /* a group of its own */
                                          .stdio_count = 3,
                                          .stdio = stdio};
    return uv_spawn(loop, &process->child, &options);
}

static int process_start(struct process *process, uv_loop_t *loop, char **words,
                         struct error *error)
{
    handles_open(process, loop);
    int result = spawn(process, loop, words);
    if (result) {
        process->get = NULL;
        close_all(process);
        return error_set(error, result == UV_ENOMEM ? ERR_MEMORY : ERR_CREDENTIALS,
                         "credential_process: cannot run \"%.100s\": %s", words[0],
                         uv_strerror(result));
    }
    process->running = true;
    process->events = 3;
    uv_timer_start(&process->timer, on_time, TIME_LIMIT_MS, 0);
    for (size_t i = 0; i < 2; i++) {
        process->reading[i] = true;
        uv_read_start((uv_stream_t *)&process->pipes[i], on_alloc, on_read);
    }
    return 0;
}

int process_get(const struct credential_host *host, const struct credential_plan *plan,
                struct credential_get *get, struct error *error)
{
    char **words = NULL;
    size_t count = 0;
    int code = shell_words_split(plan->texts[PLAN_COMMAND], &words, &count);
    struct process *process = calloc(1, sizeof *process);
    if (process)
        process->output = malloc(OUTPUT_MAX);
    if (code == ERR_INVALID || (!code && !count)) {
        code = error_set(error, ERR_CREDENTIALS,
                         "credential_process: the command is empty or has an open quote");
    } else if (code || !process || !process->output) {
        code = error_set(error, ERR_MEMORY, "out of memory");
    } else {
        process->get = get;
        get->cancel = cancel;
        get->operation = process;
        code = process_start(process, host->loop, words, error);
        process = NULL; /* it ends by itself */
    }
    if (process)
        process_free(process);
    if (code)
        get->operation = NULL;
    shell_words_free(words);
    return code;
}
