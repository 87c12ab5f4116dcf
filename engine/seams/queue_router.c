#include "queue_router.h"

#include <stdlib.h>

#include "container_of.h"
#include "list.h"

struct queue_router {
    struct queue_backend backend;
    struct queue_backend_ops ops; /* with the creator's compare */
    struct queue_route routes[QUEUE_ROUTES_MAX];
    size_t count;
    struct list openings;
};

struct routed_queue { /* the seam's struct queue, for callers of the router */
    struct queue_backend *backend;
    struct queue *queue;
};

struct routed_opening {
    struct list link;
    struct queue_router *router;
    struct routed_queue *routed;
    queue_opened *done;
    void *user;
};

static struct routed_queue *routed(struct queue *queue)
{
    return (struct routed_queue *)(void *)queue;
}

static const struct routed_queue *routed_const(const struct queue *queue)
{
    return (const struct routed_queue *)(const void *)queue;
}

static const struct queue_backend_ops *ops_of(struct queue *queue)
{
    return routed(queue)->backend->ops;
}

static struct queue *inner(struct queue *queue)
{
    return routed(queue)->queue;
}

static struct queue_backend *route_of(const struct queue_router *router, const char *name)
{
    size_t i = 0;
    while (i + 1 < router->count && router->routes[i].takes && !router->routes[i].takes(name))
        i++;
    return router->routes[i].backend;
}

/* ---- opening and closing ---- */

static void opening_free(struct routed_opening *opening)
{
    list_remove(&opening->link);
    free(opening->routed);
    free(opening);
}

static void on_opened(struct queue *queue, const struct error *error, void *user)
{
    struct routed_opening *opening = user;
    struct routed_queue *own = queue ? opening->routed : NULL;
    queue_opened *done = opening->done;
    void *their = opening->user;
    if (own) {
        own->queue = queue;
        opening->routed = NULL;
    }
    opening_free(opening);
    done((struct queue *)(void *)own, error, their);
}

static int route_open(struct queue_backend *backend, const char *name, queue_opened *done,
                      void *user)
{
    struct queue_router *router = container_of(backend, struct queue_router, backend);
    struct routed_opening *opening = calloc(1, sizeof *opening);
    struct routed_queue *own = calloc(1, sizeof *own);
    if (!opening || !own) {
        free(opening);
        free(own);
        return ERR_MEMORY;
    }
    own->backend = route_of(router, name);
    *opening = (struct routed_opening){.router = router, .routed = own, .done = done, .user = user};
    list_push(&router->openings, &opening->link);
    int code = own->backend->ops->open(own->backend, name, on_opened, opening);
    if (code)
        opening_free(opening);
    return code;
}

static void opening_cancel(struct routed_opening *opening)
{
    struct queue_backend *backend = opening->routed->backend;
    backend->ops->open_cancel(backend, opening);
    opening_free(opening);
}

static void route_open_cancel(struct queue_backend *backend, void *user)
{
    struct queue_router *router = container_of(backend, struct queue_router, backend);
    for (struct list *l = router->openings.next, *next; l != &router->openings; l = next) {
        struct routed_opening *opening = container_of(l, struct routed_opening, link);
        next = l->next;
        if (opening->user == user)
            opening_cancel(opening);
    }
}

static void route_close(struct queue *queue)
{
    ops_of(queue)->close(inner(queue));
    free(routed(queue));
}

static char *route_service(const struct queue_backend *backend, const char *name)
{
    const struct queue_router *router = container_of(backend, const struct queue_router, backend);
    struct queue_backend *target = route_of(router, name);
    return target->ops->service(target, name);
}

/* ---- calls of an open queue ---- */

static const struct queue_facts *route_facts(const struct queue *queue)
{
    const struct routed_queue *own = routed_const(queue);
    return own->backend->ops->facts(own->queue);
}

static bool route_same(const struct queue *queue, const struct queue *other)
{
    const struct routed_queue *own = routed_const(queue), *its = routed_const(other);
    return own->backend == its->backend && own->backend->ops->same(own->queue, its->queue);
}

static int route_receive(struct queue *queue, const struct queue_receive *what,
                         queue_received *done, void *user, struct queue_request **out)
{
    return ops_of(queue)->receive(inner(queue), what, done, user, out);
}

static void route_receive_cancel(struct queue *queue, struct queue_request *request)
{
    ops_of(queue)->receive_cancel(inner(queue), request);
}

static int route_delete(struct queue *queue, const struct queue_entry *entries, size_t count,
                        queue_batch_done *done, void *user)
{
    return ops_of(queue)->delete_batch(inner(queue), entries, count, done, user);
}

static int route_extend(struct queue *queue, const struct queue_entry *entries, size_t count,
                        queue_batch_done *done, void *user)
{
    return ops_of(queue)->extend_batch(inner(queue), entries, count, done, user);
}

static int route_send(struct queue *queue, const struct queue_send *message, queue_sent *done,
                      void *user)
{
    return ops_of(queue)->send(inner(queue), message, done, user);
}

static int route_send_batch(struct queue *queue, const struct queue_send *messages, size_t count,
                            queue_batch_sent *done, void *user)
{
    return ops_of(queue)->send_batch(inner(queue), messages, count, done, user);
}

static int route_depth(struct queue *queue, queue_depth_known *done, void *user)
{
    return ops_of(queue)->depth(inner(queue), done, user);
}

/* ---- for operators ---- */

static const struct queue_admin_ops *admin_of(struct queue *queue)
{
    return routed(queue)->backend->admin;
}

static int route_purge(struct queue *queue, queue_purged *done, void *user)
{
    const struct queue_admin_ops *admin = admin_of(queue);
    return admin && admin->purge ? admin->purge(inner(queue), done, user) : ERR_UNSUPPORTED;
}

static int route_sources(struct queue *queue, queue_sources_known *done, void *user)
{
    const struct queue_admin_ops *admin = admin_of(queue);
    return admin && admin->sources ? admin->sources(inner(queue), done, user) : ERR_UNSUPPORTED;
}

static int route_move_start(struct queue *queue, const struct queue *to, queue_move_started *done,
                            void *user)
{
    const struct queue_admin_ops *admin = admin_of(queue);
    if (!admin || !admin->move_start || (to && routed_const(to)->backend != routed(queue)->backend))
        return ERR_UNSUPPORTED;
    return admin->move_start(inner(queue), to ? routed_const(to)->queue : NULL, done, user);
}

static int route_move_look(struct queue *queue, queue_move_known *done, void *user)
{
    const struct queue_admin_ops *admin = admin_of(queue);
    return admin && admin->move_look ? admin->move_look(inner(queue), done, user) : ERR_UNSUPPORTED;
}

static int route_move_cancel(struct queue *queue, const char *handle, queue_move_cancelled *done,
                             void *user)
{
    const struct queue_admin_ops *admin = admin_of(queue);
    return admin && admin->move_cancel ? admin->move_cancel(inner(queue), handle, done, user)
                                       : ERR_UNSUPPORTED;
}

static const struct queue_admin_ops admin_ops = {.purge = route_purge,
                                                 .sources = route_sources,
                                                 .move_start = route_move_start,
                                                 .move_look = route_move_look,
                                                 .move_cancel = route_move_cancel};

static const struct queue_backend_ops route_ops = {
    .open = route_open,
    .service = route_service,
    .open_cancel = route_open_cancel,
    .close = route_close,
    .facts = route_facts,
    .same = route_same,
    .receive = route_receive,
    .receive_cancel = route_receive_cancel,
    .delete_batch = route_delete,
    .extend_batch = route_extend,
    .send = route_send,
    .send_batch = route_send_batch,
    .depth = route_depth,
};

struct queue_router *queue_router_create(const struct queue_route *routes, size_t count,
                                         enum queue_relation (*compare)(const char *name,
                                                                        const char *other))
{
    struct queue_router *router = calloc(1, sizeof *router);
    if (!router || count < 1 || count > QUEUE_ROUTES_MAX) {
        free(router);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        router->routes[i] = routes[i];
    router->count = count;
    router->ops = route_ops;
    router->ops.compare = compare;
    router->backend = (struct queue_backend){.ops = &router->ops, .admin = &admin_ops};
    list_init(&router->openings);
    return router;
}

void queue_router_destroy(struct queue_router *router)
{
    if (!router)
        return;
    struct list *link;
    while ((link = list_shift(&router->openings)))
        opening_cancel(container_of(link, struct routed_opening, link));
    free(router);
}

struct queue_backend *queue_router_backend(struct queue_router *router)
{
    return &router->backend;
}
