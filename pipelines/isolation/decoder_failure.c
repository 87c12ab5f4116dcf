/* How a decoder process ended, as an error that says whether the image is the cause. */
#include "decoder_private.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "decoder_sandbox.h"
#include "decoder_threads.h"

enum { END_MS = 500 }; /* between the end of the socket and of the process */

/* Whether all its processes have ended. *wait_status: of one that failed, if one has. */
static bool reap(struct decoder *d, int flags, int *wait_status)
{
    while (d->ends.group > 0) {
        int one = 0;
        pid_t pid = waitpid(-d->ends.group, &one, flags);
        if (pid == 0)
            return false;
        if (pid > 0 && one)
            *wait_status = one;
        else if (pid < 0 && errno != EINTR) /* there is no other process */
            d->ends.group = -1;
    }
    return true;
}

void decoder_kill(struct decoder *d)
{
    int wait_status;
    if (d->ends.group <= 0)
        return;
    kill(-d->ends.group, SIGKILL);
    reap(d, 0, &wait_status);
}

/* The process has closed its socket: it has ended, or is about to. */
static int wait_status_of(struct decoder *d)
{
    int wait_status = 0;
    for (int waited = 0; waited < END_MS; waited++) {
        if (reap(d, WNOHANG, &wait_status))
            return wait_status;
        const struct timespec while_ms = {.tv_nsec = 1000000};
        nanosleep(&while_ms, NULL);
    }
    decoder_kill(d);
    return SIGSEGV; /* alive without its socket: treated as crashed */
}

int decoder_fail_timeout(const struct decoder *d, struct error *error)
{
    if (decoder_is_stopped(d))
        return error_set(error, ERR_DECODER_CRASHED, "the decoder was stopped");
    return error_set(error, ERR_DECODER_TIMEOUT, "decoding took longer than %g s",
                     d->limits.timeout_ms / 1e3);
}

int decoder_fail_memory(const struct decoder *d, struct error *error)
{
    return error_set(error, ERR_DECODER_MEMORY, "decoding took more than %llu MiB of memory",
                     (unsigned long long)(d->limits.memory >> 20));
}

/* 0: none. */
static int signal_of(int wait_status)
{
    if (WIFSIGNALED(wait_status))
        return WTERMSIG(wait_status);
    switch (WEXITSTATUS(wait_status)) {
    case DECODER_EXIT_ABORTED:
        return SIGABRT;
    case DECODER_EXIT_TIME:
        return SIGXCPU;
    default:
        return 0;
    }
}

int decoder_fail_dead(struct decoder *d, struct error *error)
{
    int wait_status = wait_status_of(d);
    int signal = signal_of(wait_status);
    if (signal == SIGXCPU)
        return decoder_fail_timeout(d, error);
    if (signal == SIGKILL) /* not by us: by the kernel, when the machine's memory is used up */
        return error_set(error, ERR_DECODER_MEMORY,
                         "the decoder was killed, probably because the machine ran out of memory");
    if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == DECODER_EXIT_MEMORY)
        return decoder_fail_memory(d, error);
    if (signal == SIGSYS)
        return error_set(error, ERR_DECODER_CRASHED,
                         "the decoder attempted a forbidden system call and was terminated");
    return error_set(error, ERR_DECODER_CRASHED, "the decoder crashed (%s)",
                     signal ? sigdescr_np(signal) : "it exited");
}

int decoder_fail_threads(struct error *error)
{
    return error_set(error, ERR_DECODER_CRASHED, "the decoder started more than %d threads",
                     DECODER_THREADS_MAX);
}

int decoder_fail_invalid(struct error *error)
{
    return error_set(error, ERR_DECODER_CRASHED, "the decoder sent an invalid response");
}
