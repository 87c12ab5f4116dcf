#include "gallery_work.h"

#include <stdlib.h>

struct gallery_workers {
    unsigned running;
    bool closing;
};

int gallery_work_open(struct gallery *gallery, struct error *error)
{
    gallery->workers = calloc(1, sizeof *gallery->workers);
    return gallery->workers ? 0 : error_set(error, ERR_MEMORY, "out of memory");
}

static void end(struct gallery *gallery)
{
    free(gallery->workers);
    gallery->workers = NULL;
    gallery_part_closed(gallery);
}

void gallery_work_close(struct gallery *gallery)
{
    gallery->workers->closing = true;
    if (!gallery->workers->running)
        end(gallery);
}

static void on_ended(struct gallery_call *call, bool completed)
{
    struct gallery_work *work = call->state;
    (void)completed;
    work->call = NULL;
}

static void on_run(uv_work_t *request)
{
    struct gallery_work *work = container_of(request, struct gallery_work, work);
    work->run(work);
}

static void on_done(uv_work_t *request, int code)
{
    struct gallery_work *work = container_of(request, struct gallery_work, work);
    struct gallery *gallery = work->gallery;
    (void)code;
    gallery->workers->running--;
    if (work->call)
        work->call->ended = NULL;
    work->done(work);
    if (gallery->workers->closing && !gallery->workers->running)
        end(gallery);
}

void gallery_work_start(struct gallery_work *work, struct gallery_call *call)
{
    work->gallery = call->gallery;
    work->call = call;
    call->state = work;
    call->ended = on_ended;
    call->gallery->workers->running++;
    uv_queue_work(call->gallery->loop, &work->work, on_run, on_done); /* it has its functions */
}
