#include "body_pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include "descriptors.h"

enum {
    PIPES_MAX = 128,
    DESCRIPTORS_PER_PIPE = 16, /* of the process: pipes take an eighth of them */
    SIZE = 1024 * 1024,        /* the default limit for unprivileged users (pipe(7)) */
};

void body_pipes_init(struct body_pipes *pipes)
{
    unsigned most = descriptors_limit() / DESCRIPTORS_PER_PIPE;
    atomic_init(&pipes->open, 0);
    pipes->max = most < PIPES_MAX ? most : PIPES_MAX;
}

static bool take(struct body_pipes *pipes)
{
    if (atomic_fetch_add(&pipes->open, 1) < pipes->max)
        return true;
    atomic_fetch_sub(&pipes->open, 1);
    return false;
}

/* The kernel makes pipes small once a user's pipes exceed a total size; a small pipe is of no
 * use. */
bool body_pipe_open(struct body_pipes *pipes, struct body_pipe *pipe)
{
    int ends[2];
    if (!take(pipes))
        return false;
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK)) {
        atomic_fetch_sub(&pipes->open, 1);
        return false;
    }
    *pipe = (struct body_pipe){.open = true, .read = ends[0], .write = ends[1]};
    if (fcntl(pipe->write, F_SETPIPE_SZ, SIZE) >= SIZE)
        return true;
    body_pipe_close(pipes, pipe);
    return false;
}

void body_pipe_close(struct body_pipes *pipes, struct body_pipe *pipe)
{
    if (!pipe->open)
        return;
    close(pipe->read);
    close(pipe->write);
    *pipe = (struct body_pipe){0};
    atomic_fetch_sub(&pipes->open, 1);
}
