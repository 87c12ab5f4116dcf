#include "service_gallery.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "files.h"
#include "gallery.h"
#include "log.h"
#include "loopback.h"
#include "service.h"
#include "service_port.h"
#include "standard_directories.h"

struct service_gallery {
    struct service *service;
    bool closing;
    struct tls_identity *tls;
    char *data_dir;
    char host[INET6_ADDRSTRLEN];
    struct object_address addresses[GALLERY_PLACES_MAX]; /* hold the places' texts */
    struct gallery_place places[GALLERY_PLACES_MAX];
    size_t place_count;
    struct text_list origins;
    char *link, *address;
    struct gallery_place used[GALLERY_PLACES_MAX]; /* borrowed from the gallery */
    size_t used_count;
    size_t locating;                /* the place that is being looked for */
    struct object_request *request; /* NULL: none is pending */
    bool located;
    struct error error; /* of locating */
};

/* ---- the settings ---- */

static int places_read(struct service_gallery *gallery, const char *text, struct error *error)
{
    struct text_list list = {0};
    int code = port_list_split("--photos", text, &list, error);
    if (!code && list.count > GALLERY_PLACES_MAX)
        code = error_set(error, ERR_INVALID, "--photos: there are more than %d places",
                         GALLERY_PLACES_MAX);
    for (size_t i = 0; !code && i < list.count; i++) {
        struct object_address *address = &gallery->addresses[i];
        code = port_place_read("--photos", list.items[i], GALLERY_PREFIX_MAX, address, error);
        if (code)
            break;
        gallery->places[gallery->place_count++] =
            (struct gallery_place){address->bucket, address->key};
    }
    text_list_clear(&list);
    return code;
}

static int data_choose(struct service_gallery *gallery, const struct service_gallery_plan *plan,
                       struct error *error)
{
    const char *given = gallery->service->config->gallery.data;
    const char *chosen = given ? given : plan->data_dir;
    char *state = chosen ? NULL : standard_state_directory();
    gallery->data_dir = chosen ? strdup(chosen) : state ? path_join(state, "gallery") : NULL;
    free(state);
    return gallery->data_dir ? 0 : error_set(error, ERR_MEMORY, "out of memory");
}

static int settings_read(struct service_gallery *gallery, const struct service_gallery_plan *plan,
                         struct error *error)
{
    const struct config *config = gallery->service->config;
    const struct port_origins origins = {"--gallery-origin", config->gallery.origins,
                                         GALLERY_ORIGINS_MAX, .any = false};
    const struct port_identity identity = {"--gallery-cert", config->gallery.certificate,
                                           "--gallery-key", config->gallery.key};
    int code = places_read(gallery, config->gallery.photos, error);
    if (code)
        return code;
    code = port_origins_read(&origins, &gallery->origins, error);
    if (code)
        return code;
    code = port_identity_open(&identity, &gallery->tls, error);
    return code ? code : data_choose(gallery, plan, error);
}

/* Somebody on the network could guess at a link only if there were no users to tell apart. */
static int users_check(const struct service_gallery *gallery, struct error *error)
{
    if (host_is_loopback(slice_of(gallery->host)) || gallery->service->config->gallery.users)
        return 0;
    return error_set(error, ERR_INVALID,
                     "the gallery listens on %s, where others can reach it, so it needs --users "
                     "FILE; to add a user: thumbwheel gallery --users FILE --add-user NAME",
                     gallery->host);
}

/* ---- opening ---- */

static char *address_of(const struct service_gallery *gallery)
{
    char *text = NULL;
    const bool bracketed = strchr(gallery->host, ':') != NULL;
    if (gallery->origins.count)
        return strdup(gallery->origins.items[0]);
    return asprintf(&text, "%s://%s%s%s:%u/", gallery->tls ? "https" : "http", bracketed ? "[" : "",
                    gallery->host, bracketed ? "]" : "",
                    gallery_port(gallery->service->gallery)) < 0
               ? NULL
               : text;
}

static void on_saved(void *user)
{
    struct service *service = user;
    if (service->reloader.open)
        reloader_request(&service->reloader);
}

static struct gallery_options options_of(const struct service_gallery *gallery,
                                         const struct service_gallery_plan *plan)
{
    const struct service *service = gallery->service;
    const struct config *config = service->config;
    return (struct gallery_options){
        .host = gallery->host,
        .next_port = plan->next_port,
        .tls = gallery->tls,
        .data_dir = gallery->data_dir,
        .users = config->gallery.users,
        .origins = (const char *const *)gallery->origins.items,
        .origin_count = gallery->origins.count,
        .places = gallery->places,
        .place_count = gallery->place_count,
        .default_bucket = plan->default_bucket,
        .store = service->backend.store,
        .queues = service->backend.queues,
        .pipeline_ops = service->assembly->pipeline_ops,
        .pipelines = service->pipelines->items,
        .pipeline_count = service->pipelines->count,
        .rules = command_pipeline_rules(service->assembly),
        .limits = config->engine.limits,
        .reload = on_saved,
        .user = gallery->service,
        .engine = &service->engine,
    };
}

static int listen_at(struct service_gallery *gallery, const struct service_gallery_plan *plan,
                     struct error *error)
{
    struct service *service = gallery->service;
    unsigned port;
    int code = service_monitor_address(plan->flag, plan->address, gallery->host,
                                       sizeof gallery->host, &port, error);
    if (!code)
        code = users_check(gallery, error);
    if (code)
        return code;
    struct gallery_options options = options_of(gallery, plan);
    options.port = port;
    code = gallery_open(&service->loop, &options, &service->gallery, error);
    if (code)
        return code;
    gallery->address = address_of(gallery);
    if (!service->config->gallery.users)
        gallery->link = gallery_link(service->gallery);
    log_info("gallery is listening", LOG_TEXT("address", gallery->host),
             LOG_INT("port", gallery_port(service->gallery)),
             LOG_TEXT("scheme", gallery->tls ? "https" : "http"));
    if (!gallery->tls && !host_is_loopback(slice_of(gallery->host)) && !gallery->origins.count)
        command_warn("the gallery serves plain HTTP on %s: passwords can be read on the way; set "
                     "--gallery-cert, or put a proxy with TLS in front of it",
                     gallery->host);
    return 0;
}

/* ---- the buckets ---- */

static int locate_next(struct service_gallery *gallery);

static void on_located(const struct error *error, void *user)
{
    struct service_gallery *gallery = user;
    gallery->request = NULL;
    gallery->error = *error;
    if (error->code || ++gallery->locating == gallery->used_count || locate_next(gallery))
        gallery->located = true;
}

static int locate_next(struct service_gallery *gallery)
{
    struct object_store *store = gallery->service->backend.store;
    const int code = store->ops->locate(store, gallery->used[gallery->locating].bucket, on_located,
                                        gallery, &gallery->request);
    if (code)
        error_set(&gallery->error, code, "the name of a bucket is not valid (%s)",
                  error_name(code));
    return code;
}

static bool is_located(void *user)
{
    return ((struct service_gallery *)user)->located;
}

/* What a person must correct before it serves ends the command. */
static int judge(const struct service_gallery *gallery, bool creates_buckets, struct error *error)
{
    switch (gallery->error.code) {
    case ERR_NONE:
        return 0;
    case ERR_NO_CONTAINER:
        if (creates_buckets)
            return 0;
        *error = gallery->error;
        return error->code;
    case ERR_INVALID:
    case ERR_DENIED:
    case ERR_CREDENTIALS:
    case ERR_EXPIRED:
        *error = gallery->error;
        return error->code;
    default:
        log_warn("a bucket could not be looked for; requests try again",
                 LOG_TEXT("error", gallery->error.text));
        return 0;
    }
}

static int locate(struct service_gallery *gallery, bool creates_buckets, struct error *error)
{
    gallery->used_count = gallery_places(gallery->service->gallery, gallery->used);
    if (!gallery->used_count)
        return error_set(error, ERR_INVALID,
                         "the pipelines accept photos of any bucket: name those of the gallery "
                         "with --photos s3://BUCKET/PREFIX/");
    if (!locate_next(gallery) && !service_wait(gallery->service, is_located, gallery))
        return error_set(error, ERR_CANCELLED, "stopped before the buckets were found");
    return judge(gallery, creates_buckets, error);
}

int service_gallery_open(struct service *service, const struct service_gallery_plan *plan,
                         struct service_gallery **out, struct error *error)
{
    struct service_gallery *gallery = calloc(1, sizeof *gallery);
    *out = gallery;
    if (!gallery)
        return error_set(error, ERR_MEMORY, "out of memory");
    gallery->service = service;
    int code = settings_read(gallery, plan, error);
    if (!code)
        code = listen_at(gallery, plan, error);
    return code ? code : locate(gallery, plan->creates_buckets, error);
}

const char *service_gallery_link(const struct service_gallery *gallery)
{
    return gallery->link;
}

const char *service_gallery_address(const struct service_gallery *gallery)
{
    return gallery->address ? gallery->address : "";
}

/* ---- closing ---- */

static void on_closed(void *user)
{
    struct service_gallery *gallery = user;
    gallery->service->gallery = NULL;
}

static bool is_closed(void *user)
{
    return !((struct service_gallery *)user)->service->gallery;
}

void service_gallery_drain(struct service_gallery *gallery, unsigned grace_ms)
{
    if (!gallery || !gallery->service->gallery || gallery->closing)
        return;
    gallery->closing = true;
    gallery_close(gallery->service->gallery, grace_ms, on_closed, gallery);
}

void service_gallery_close(struct service_gallery *gallery)
{
    if (!gallery)
        return;
    if (gallery->request)
        gallery->service->backend.store->ops->cancel(gallery->request);
    service_gallery_drain(gallery, 0);
    service_finish(gallery->service, is_closed, gallery);
    for (size_t i = 0; i < GALLERY_PLACES_MAX; i++)
        object_address_free(&gallery->addresses[i]);
    text_list_clear(&gallery->origins);
    tls_identity_close(gallery->tls);
    free(gallery->data_dir);
    free(gallery->link);
    free(gallery->address);
    free(gallery);
}
