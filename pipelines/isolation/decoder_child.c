/*
 * The decoder process: one image at a time, from the input memfd to the output memfd, until the
 * socket's other end is closed. It has no environment and no other descriptors, and once it is
 * ready it cannot access files, sockets, programs or other processes (decoder_sandbox.c).
 *
 * It exits with _exit, without cleaning up, since destructors must not run on memory that a hostile
 * image may have corrupted.
 */
#include "decoder_child.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "container_of.h"
#include "decoder_layers.h"
#include "decoder_reply.h"
#include "decoder_request.h"
#include "decoder_sandbox.h"
#include "decoder_threads.h"
#include "image_format.h"
#include "pipeline_file.h"
#include "vips_api.h"
#include "vips_modules.h"
#include "vips_start.h"

enum { KEEP_FREE = 16 * 1024 * 1024 }; /* unused bytes of the heap */

struct child {
    decoder_render *render;
    struct pipeline *slots[DECODER_SLOTS];
    struct buffer reply;
    void *input; /* the mapping of the input memfd; kept, because page faults cost time */
    size_t mapped;
};

static noreturn void out_of_memory(void)
{
    _exit(DECODER_EXIT_MEMORY);
}

static noreturn void give_up(void)
{
    _exit(EXIT_FAILURE);
}

/* GLib aborts if it gets no memory; the exit status reports that. */
static void on_glib(const gchar *domain, GLogLevelFlags level, const gchar *text, gpointer user)
{
    (void)domain;
    (void)user;
    if ((level & G_LOG_LEVEL_ERROR) && strstr(text, "allocate"))
        out_of_memory();
}

static struct slice input_map(struct child *c, size_t size)
{
    if (size > c->mapped) {
        if (c->mapped)
            munmap(c->input, c->mapped);
        size_t room = size + size / 2;
        c->input = mmap(NULL, room, PROT_READ, MAP_SHARED, DECODER_INPUT, 0);
        if (c->input == MAP_FAILED)
            out_of_memory();
        c->mapped = room;
    }
    return (struct slice){c->input, size};
}

/* A full output counts as reaching the memory limit. */
static void write_at(const void *data, size_t size, off_t at)
{
    const char *from = data;
    while (size > 0) {
        ssize_t done = pwrite(DECODER_OUTPUT, from, size, at);
        if (done <= 0)
            out_of_memory();
        from += done;
        at += done;
        size -= (size_t)done;
    }
}

static off_t body_write(const struct rendition *made, off_t at)
{
    write_at(made->body.data, made->body.size, at);
    return at + (off_t)made->body.size;
}

static void bodies_write(const struct decoder_request *request, off_t at)
{
    for (size_t i = 0; i < request->count; i++) {
        const struct render_item *item = &request->items[i];
        for (size_t k = 0; k < item->rendition_count; k++)
            at = body_write(&item->renditions[k], at);
        at = body_write(&item->label_image, at);
    }
}

static void results_write(struct child *c, const struct decoder_request *request)
{
    buffer_clear(&c->reply);
    if (decoder_reply_write(&c->reply, request->items, request->count))
        out_of_memory();
    write_at(c->reply.data, c->reply.size, 0);
    bodies_write(request, (off_t)c->reply.size);
}

/* Returns an image's memory to the kernel before the parent is told that the image is done, since
 * the parent counts it as free. A little is kept for the next image. */
static void memory_trim(void)
{
    if (mallinfo2().fordblks > KEEP_FREE)
        malloc_trim(KEEP_FREE / 2);
}

static void respond(const struct child *c, uint64_t sequence)
{
    const struct decoder_response response = {.sequence = sequence, .reply_size = c->reply.size};
    if (write(DECODER_SOCKET, &response, sizeof response) != sizeof response)
        give_up();
}

struct child_gate {
    struct render_gate gate;
    uint64_t sequence;
};

static bool hear(void *out, size_t size)
{
    ssize_t got;
    do {
        got = read(DECODER_SOCKET, out, size);
    } while (got < 0 && errno == EINTR);
    return got == (ssize_t)size;
}

/* Wait for the parent's decision. */
static int gate_pass(struct render_gate *gate, uint64_t bytes)
{
    struct child_gate *own = container_of(gate, struct child_gate, gate);
    const struct decoder_response request = {.sequence = own->sequence, .promise = bytes};
    struct decoder_verdict verdict;
    if (write(DECODER_SOCKET, &request, sizeof request) != sizeof request ||
        !hear(&verdict, sizeof verdict) || verdict.sequence != own->sequence)
        give_up();
    return verdict.code;
}

static void serve_one(struct child *c, const struct decoder_command *command)
{
    struct child_gate gate = {.gate = {gate_pass}, .sequence = command->sequence};
    struct decoder_request *request = malloc(sizeof *request);
    if (!request)
        out_of_memory();
    struct slice all = input_map(c, command->image_size + command->request_size);
    struct slice image = {all.data, command->image_size};
    struct slice rest = {all.data + command->image_size, command->request_size};
    int code = decoder_request_read(rest, image, c->slots, request);
    if (code == ERR_MEMORY)
        out_of_memory();
    if (code)
        give_up();
    request->source.gate = &gate.gate;
    c->render(&request->source, &request->limits, request->items, request->count);
    results_write(c, request);
    decoder_request_clear(request);
    free(request);
    memory_trim();
    respond(c, command->sequence);
}

static void on_signal(int number)
{
    _exit(number == SIGABRT ? DECODER_EXIT_ABORTED : DECODER_EXIT_TIME);
}

/* If the parent has exited already, the socket is closed. */
static void end_with_parent(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* If the machine runs out of memory, the kernel should kill a decoder, not the engine. */
static void volunteer(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (write(fd, "1000", 4) != 4) {
        /* it remains unchanged */
    }
    close(fd);
}

static int libraries_start(unsigned modules, bool apart, struct error *error)
{
    int code = apart ? 0 : decoder_privileges_drop(error);
    if (code)
        return code;
    code = pipelines_start("thumbwheel", error);
    if (code)
        return code;
    vips_modules_load(modules);
    if (modules & MODULE_MAGICK)
        vips_magick_load();
    if (modules & MODULE_DRAWINGS)
        vips_drawings_prepare();
    return 0;
}

static int sandbox_enter(const struct decoder_hello *hello, bool apart, struct error *error)
{
    tzset(); /* it reads a file */
    g_log_set_default_handler(on_glib, NULL);
    bool drawings = hello->modules & MODULE_DRAWINGS, confined = false;
    if (apart) {
        confined = decoder_files_leave(drawings);
        int code = decoder_privileges_drop(error);
        if (code)
            return code;
    }
    if (decoder_landlock_enter(drawings))
        confined = true;
    if (drawings && confined)
        vips_drawings_allow();
    return decoder_sandbox_enter(hello->memory, drawings && confined, error);
}

/* The parent gets the thread requests even of a process that could not be started. */
static int confine(const struct decoder_hello *hello, bool apart, struct error *error)
{
    int code = libraries_start(hello->modules, apart, error);
    if (decoder_threads_hand_over())
        give_up();
    return code ? code : sandbox_enter(hello, apart, error);
}

static void start(const struct decoder_hello *hello)
{
    struct decoder_welcome welcome = {0};
    struct error error = {0};
    volunteer();
    /* No library has started a thread yet. Privileges are dropped later: in its user namespace the
     * process still needs them once, and they have no effect outside. */
    bool apart = decoder_namespaces_enter(hello->modules & MODULE_DRAWINGS);
    end_with_parent(); /* again, because this may be another process */
    welcome.code = confine(hello, apart, &error);
    memcpy(welcome.text, error.text, sizeof welcome.text);
    if (write(DECODER_SOCKET, &welcome, sizeof welcome) != sizeof welcome || welcome.code)
        give_up();
}

static bool is_socket(int fd)
{
    int type = 0;
    socklen_t size = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
}

int decoder_main(decoder_render *render)
{
    struct child child = {.render = render};
    struct decoder_hello hello;
    struct decoder_command command;
    if (!is_socket(DECODER_SOCKET)) {
        fputs("thumbwheel: \"decoder\" is an internal command\n", stderr);
        return 2;
    }
    end_with_parent();
    signal(SIGXFSZ, SIG_IGN); /* pwrite says EFBIG */
    signal(SIGABRT, on_signal);
    signal(SIGXCPU, on_signal);
    buffer_init(&child.reply, DECODER_META_MAX);
    if (!hear(&hello, sizeof hello))
        give_up();
    start(&hello);
    while (hear(&command, sizeof command))
        serve_one(&child, &command);
    _exit(0);
}
