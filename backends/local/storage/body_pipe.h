/*
 * Pipes for copying bodies from a file to a socket (splice(2)).
 *
 * A pipe needs two descriptors, and its contents stay in the page cache, so the number of pipes is
 * limited to a share of the descriptors that local_cloud.c reserves for files. A reader without a
 * pipe reads into memory.
 *
 * Any thread.
 */
#ifndef THUMBWHEEL_LOCAL_BODY_PIPE_H
#define THUMBWHEEL_LOCAL_BODY_PIPE_H

#include <stdatomic.h>
#include <stdbool.h>

struct body_pipes { /* the pipes of a data directory */
    atomic_uint open;
    unsigned max;
};

struct body_pipe { /* zeroed: closed */
    bool open;
    int read, write; /* neither blocks */
};

void body_pipes_init(struct body_pipes *pipes);

/* False: none is available now. */
bool body_pipe_open(struct body_pipes *pipes, struct body_pipe *pipe);
/* A closed pipe is allowed. */
void body_pipe_close(struct body_pipes *pipes, struct body_pipe *pipe);

#endif
