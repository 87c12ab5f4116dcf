/*
 * What the files of the parent's side share: decoder_usage.c, decoder_failure.c, decoder_watch.c,
 * decoder_response.c and decoder_process.c; each uses only those before it. The errors are those of
 * decoder_process.h.
 */
#ifndef THUMBWHEEL_DECODER_PRIVATE_H
#define THUMBWHEEL_DECODER_PRIVATE_H

#include <stddef.h>
#include <sys/types.h>

#include "decoder_process.h"
#include "decoder_request.h"
#include "decoder_spawn.h"

struct decoder {
    struct decoder_ends ends;
    pid_t pid;
    int status_file; /* /proc/PID/status */
    int threads;     /* readable: it requests another thread; -1: it makes no requests */
    struct decoder_limits limits;
    unsigned modules;
    struct decoder_slots slots;
    uint64_t sequence;
    uint64_t own; /* memory in bytes when it became ready */
    bool ready;
    struct decoder *next;
};

/* ---- decoder_usage.c ---- */

/* A child's memory is its anonymous memory (including swap), its page tables, the library pages
 * that it uses, and the output, mapped or not. The input counts for the parent. */
struct decoder_usage {
    uint64_t own; /* bytes: anonymous memory and page tables */
    uint64_t all; /* bytes */
    uint64_t threads;
};

/* A descriptor, or -1. */
int decoder_status_open(pid_t pid);
/* All are 0 if the process has ended. */
struct decoder_usage decoder_usage(const struct decoder *d);
/* Another process sent SIGSTOP; the decoder itself cannot. The image is not the cause. */
bool decoder_is_stopped(const struct decoder *d);

/* ---- decoder_failure.c ---- */

/* Kills all its processes and waits for their end. */
void decoder_kill(struct decoder *d);
/* Each returns the code. dead: it has closed its socket. */
int decoder_fail_timeout(const struct decoder *d, struct error *error);
int decoder_fail_memory(const struct decoder *d, struct error *error);
int decoder_fail_dead(struct decoder *d, struct error *error);
int decoder_fail_threads(struct error *error);
int decoder_fail_invalid(struct error *error);

/* ---- decoder_watch.c ---- */

uint64_t decoder_now_ms(void);
/* Waits until there is something to read: 0. items: the wait ends when all of them are
 * cancelled. */
int decoder_wait(struct decoder *d, unsigned timeout_ms, struct render_item *const *items,
                 size_t count, struct error *error);
/* Reads one message of exactly this size, which must have arrived. */
int decoder_receive(struct decoder *d, void *out, size_t size, struct error *error);

/* ---- decoder_response.c ---- */

/* Waits for the response to the last command, grants or refuses the memory that it requests, and
 * fills the items. */
int decoder_response_receive(struct decoder *d, const struct render_source *source,
                             struct render_item *const *items, size_t count, struct error *error);

#endif
