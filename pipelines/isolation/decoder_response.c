/*
 * Receives the response to one render. The output is never mapped here, because a child could
 * truncate the file under the mapping. It is copied first, then validated.
 */
#include "decoder_private.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "decoder_reply.h"
#include "large_blocks.h"

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
    size_t capacity;
    void *data = large_block_take(body->size, &capacity);
    if (!data)
        return ERR_MEMORY;
    int code = read_all(d->ends.output, data, body->size, *at);
    *at += (off_t)body->size;
    *body = bytes_give(data, body->size);
    body->release = large_block_give;
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

/* Also limits the processor time to the rest of the render's. */
struct waiting {
    struct render_item *const *items;
    size_t count;
    unsigned left_ms;
};

static int receive_one(struct decoder *d, struct waiting *waiting, struct decoder_response *out,
                       struct error *error)
{
    uint64_t began = decoder_now_ms();
    int code = decoder_wait(d, waiting->left_ms, waiting->items, waiting->count, error);
    uint64_t took = decoder_now_ms() - began;
    waiting->left_ms = took < waiting->left_ms ? waiting->left_ms - (unsigned)took : 0;
    return code ? code : decoder_receive(d, out, sizeof *out, error);
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
        return decoder_fail_invalid(error);
    const struct decoder_verdict verdict = {
        .sequence = d->sequence, .code = memory_check(d, source, response->promise, refusal)};
    if (send(d->ends.socket, &verdict, sizeof verdict, MSG_NOSIGNAL) != sizeof verdict)
        return decoder_fail_dead(d, error);
    if (verdict.code)
        waiting->count = 0; /* it is already known that the items were cancelled */
    int code = receive_one(d, waiting, response, error);
    if (code)
        return code;
    if (response->promise || response->sequence != d->sequence)
        return decoder_fail_invalid(error);
    return 0;
}

static void refuse_all(struct render_item *const *items, size_t count, const struct error *refusal)
{
    for (size_t i = 0; i < count; i++)
        items[i]->error = *refusal;
}

int decoder_response_receive(struct decoder *d, const struct render_source *source,
                             struct render_item *const *items, size_t count, struct error *error)
{
    struct waiting waiting = {items, count, d->limits.timeout_ms};
    struct error refusal = {0};
    struct decoder_response response;
    int code = receive_one(d, &waiting, &response, error);
    if (code)
        return code;
    if (response.promise) {
        code = decide(d, source, &waiting, &response, &refusal, error);
        if (code)
            return code;
    }
    if (refusal.code) {
        refuse_all(items, count, &refusal);
        return 0;
    }
    code = reply_read(d, &response, source, items, count);
    if (code == ERR_MEMORY)
        return error_set(error, code, "not enough memory for the renditions");
    return code ? decoder_fail_invalid(error) : 0;
}
