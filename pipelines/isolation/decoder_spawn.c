/*
 * The child runs this executable again, through its open file, so an upgrade on the disk has no
 * effect. posix_spawn does not copy the page tables of an engine full of images, and is safe with
 * threads.
 *
 * The child inherits exactly: three descriptors and the null device, the variables below, and a
 * mask that blocks the signals with which users and service managers stop the engine. The engine
 * finishes its work first; then it closes the socket.
 *
 * A decoder is a process group: the process that is started here and, where there are PID
 * namespaces, the one that replaces it. Both are killed and waited for as a group, whichever of
 * them exists. The group's number is not reused until both have been waited for.
 */
#include "decoder_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "decoder_wire.h"

enum {
    VARIABLES = 13,
    SET = 1,
    HIGH = 16
}; /* descriptors above HIGH do not collide with the
                                              * child's */

/* Never credentials, only settings for finding libraries, memory management and sanitizers. */
static const char *const kept_variables[VARIABLES] = {
    "LD_LIBRARY_PATH", "LD_PRELOAD",   "MALLOC_ARENA_MAX",
    "GLIBC_TUNABLES",  "MALLOC_CONF",  "VIPS_NOVECTOR",
    "ASAN_OPTIONS",    "LSAN_OPTIONS", "UBSAN_OPTIONS",
    "TSAN_OPTIONS",    "TZ",           "VIPSHOME",
    "XDG_DATA_DIRS"};

/* liborc, a dependency of libvips, compiles code even if libvips does not use it, and aborts
 * without executable memory, which a decoder must not have. */
static const char no_compiler[] = "ORC_CODE=emulate";

static void environment_free(char **environment)
{
    for (size_t i = 0; environment && environment[i]; i++)
        free(environment[i]);
    free(environment);
}

static char **environment_new(void)
{
    char **environment = calloc(VARIABLES + SET + 1, sizeof *environment);
    size_t count = 0;
    if (environment && !(environment[count++] = strdup(no_compiler))) {
        free(environment);
        return NULL;
    }
    for (size_t i = 0; environment && i < VARIABLES; i++) {
        const char *value = getenv(kept_variables[i]);
        if (!value)
            continue;
        if (asprintf(&environment[count], "%s=%s", kept_variables[i], value) < 0) {
            environment[count] = NULL;
            environment_free(environment);
            return NULL;
        }
        count++;
    }
    return environment;
}

struct child_ends {
    int socket, input, output;
};

/* Moves fd to a number that no descriptor of the child has. */
static int high(int fd)
{
    if (fd < 0)
        return fd;
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, HIGH);
    close(fd);
    return moved;
}

/* The same file, opened read-only: the child must not change what the parent has written. */
static int reading_end(int fd)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return high(open(path, O_RDONLY | O_CLOEXEC));
}

static int ends_open(struct decoder_ends *mine, struct child_ends *theirs)
{
    int pair[2] = {-1, -1};
    const int on = 1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        return -1;
    mine->socket = high(pair[0]);
    theirs->socket = high(pair[1]);
    if (setsockopt(mine->socket, SOL_SOCKET, SO_PASSCRED, &on, sizeof on))
        return -1;
    mine->input = high(memfd_create("thumbwheel-input", MFD_CLOEXEC));
    mine->output = high(memfd_create("thumbwheel-output", MFD_CLOEXEC));
    if (mine->socket < 0 || theirs->socket < 0 || mine->input < 0 || mine->output < 0)
        return -1;
    theirs->input = reading_end(mine->input);
    theirs->output = high(fcntl(mine->output, F_DUPFD_CLOEXEC, HIGH));
    return theirs->input < 0 || theirs->output < 0 ? -1 : 0;
}

static void close_one(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void decoder_ends_close(struct decoder_ends *ends)
{
    close_one(&ends->socket);
    close_one(&ends->input);
    close_one(&ends->output);
}

static int actions_fill(posix_spawn_file_actions_t *actions, const struct child_ends *ends)
{
    int code = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
    if (code)
        return code;
    code = posix_spawn_file_actions_addopen(actions, 1, "/dev/null", O_WRONLY, 0);
    if (code)
        return code;
#if !defined(__SANITIZE_ADDRESS__) /* it reports to standard error */
    code = posix_spawn_file_actions_adddup2(actions, 1, 2);
    if (code)
        return code;
#endif
    code = posix_spawn_file_actions_adddup2(actions, ends->socket, DECODER_SOCKET);
    if (code)
        return code;
    code = posix_spawn_file_actions_adddup2(actions, ends->input, DECODER_INPUT);
    if (code)
        return code;
    code = posix_spawn_file_actions_adddup2(actions, ends->output, DECODER_OUTPUT);
    if (code)
        return code;
    return posix_spawn_file_actions_addclosefrom_np(actions, DECODER_DESCRIPTORS);
}

static void attributes_fill(posix_spawnattr_t *attributes)
{
    sigset_t blocked, standard;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGHUP);
    sigaddset(&blocked, SIGQUIT);
    sigfillset(&standard);
    posix_spawnattr_setsigmask(attributes, &blocked);
    posix_spawnattr_setsigdefault(attributes, &standard);
    posix_spawnattr_setpgroup(attributes, 0);
    posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                             POSIX_SPAWN_SETPGROUP);
}

static int spawn(const struct child_ends *ends, pid_t *pid)
{
    char *const arguments[] = {"thumbwheel", "decoder", NULL};
    char **environment = environment_new();
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    if (!environment)
        return ENOMEM;
    int code = posix_spawn_file_actions_init(&actions);
    if (code)
        goto environment;
    code = posix_spawnattr_init(&attributes);
    if (code)
        goto actions;
    attributes_fill(&attributes);
    code = actions_fill(&actions, ends);
    if (code)
        goto attributes;
    code = posix_spawn(pid, "/proc/self/exe", &actions, &attributes, arguments, environment);
attributes:
    posix_spawnattr_destroy(&attributes);
actions:
    posix_spawn_file_actions_destroy(&actions);
environment:
    environment_free(environment);
    return code;
}

int decoder_spawn(struct decoder_ends *out, struct error *error)
{
    struct child_ends ends = {-1, -1, -1};
    *out = (struct decoder_ends){-1, -1, -1, -1};
    int code = ends_open(out, &ends) ? errno : spawn(&ends, &out->group);
    close_one(&ends.socket);
    close_one(&ends.input);
    close_one(&ends.output);
    if (!code)
        return 0;
    decoder_ends_close(out);
    return error_set(error, code == ENOMEM || code == EAGAIN ? ERR_MEMORY : ERR_IO,
                     "a decoder process could not be started (%s)", strerrordesc_np(code));
}
