/* The runner: the password is read, the broker and its virtual host are checked, then one resource
 * after the other is read, compared and, if that is asked for, written. */
#include "broker_provision.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "amqp_address.h"
#include "broker_private.h"
#include "json_text.h"
#include "log.h"
#include "management_address.h"

enum { API_PORT = 15672, API_TLS_PORT = 15671, PATH_SIZE_MAX = 4096 };

/* The first version with dead lettering at least once in quorum queues. */
enum { LEAST_MAJOR = 3, LEAST_MINOR = 10 };

static const char guest[] = "guest";

/* ---- for the kinds ---- */

void broker_path_begin(struct broker_run *run, const char *collection, struct buffer *path)
{
    buffer_init(path, PATH_SIZE_MAX);
    management_path_add(path, collection);
    management_path_add(path, run->vhost);
}

static management_replied on_reply;

int broker_send(struct broker_run *run, const char *method, struct buffer *path, json_t *body,
                broker_reply *reply)
{
    int code = path->error;
    run->reply = reply;
    if (code)
        json_decref(body);
    else
        code =
            management_send(&run->client, method, path->data, body, on_reply, run, &run->request);
    buffer_free(path);
    return code;
}

/* ---- resources ---- */

static const struct provision_resource *now(const struct broker_run *run)
{
    return &run->run->plan->resources[run->index];
}

static bool at_end(const struct broker_run *run)
{
    return run->index == run->run->plan->count;
}

static void resource_clear(struct broker_run *run)
{
    provision_finding_clear(&run->finding);
    provision_change_clear(&run->change);
}

/* Starts to read the resource at the index, or the first after it that is the broker's. */
static int read_next(struct broker_run *run)
{
    resource_clear(run);
    run->writing = false;
    while (!at_end(run) && !broker_reader(now(run)->kind))
        run->index++;
    return at_end(run) ? 0 : broker_reader(now(run)->kind)(run);
}

static int go_on(struct broker_run *run, struct error *error)
{
    run->index++;
    const int code = read_next(run);
    return code ? error_set(error, code, "%s", error_name(code)) : 0;
}

static int compare(struct broker_run *run, struct error *error)
{
    const struct provision_run *what = run->run;
    int code = provision_compare(what->plan, run->index, &what->place, &run->finding, &run->change);
    if (code)
        return error_set(error, code, "out of memory");
    if (what->compared)
        what->compared(run->index, &run->change, what->user);
    if (!what->write || run->change.action == PROVISION_KEEP)
        return go_on(run, error);
    if (run->change.action == PROVISION_CONFLICT)
        return error_set(error, ERR_CONFLICT, "%s", run->change.conflict);
    run->writing = true;
    code = broker_writer(now(run)->kind)(run);
    return code ? error_set(error, code, "%s", error_name(code)) : 0;
}

static int resource_written(struct broker_run *run, struct error *error)
{
    log_debug("provisioned", LOG_TEXT("kind", provision_kind_name(now(run)->kind)),
              LOG_TEXT("name", now(run)->name));
    if (run->run->written)
        run->run->written(run->index, run->run->user);
    return go_on(run, error);
}

/* ---- the end ---- */

static void run_free(struct broker_run *run)
{
    resource_clear(run);
    management_client_close(&run->client);
    free(run->api);
    free(run->login);
    free(run->vhost);
    free(run);
}

static void finish(struct broker_run *run, struct error *error)
{
    broker_provisioned *done = run->done;
    void *user = run->user;
    if (error->code && run->begun && !at_end(run))
        error_prefix(error, "%s %s: cannot %s it", provision_kind_name(now(run)->kind),
                     now(run)->name, run->writing ? "set" : "read");
    run_free(run);
    done(error, user);
}

static void on_reply(const struct management_reply *reply, void *user)
{
    struct broker_run *run = user;
    struct error error = reply->error;
    run->request = NULL;
    int code = run->reply(run, reply, &error);
    if (code == BROKER_WAITS)
        return;
    if (code == 0 && run->begun && !at_end(run))
        error.code = code = run->writing ? resource_written(run, &error) : compare(run, &error);
    else if (code && !error.code)
        error_set(&error, code, "%s", error_name(code));
    if (code || at_end(run))
        finish(run, &error);
}

void broker_provision_cancel(struct broker_run *run)
{
    if (run->reading)
        secret_read_cancel(run->reading);
    if (run->request)
        management_cancel(run->request);
    run_free(run);
}

/* ---- before the resources ---- */

static int vhost_known(struct broker_run *run, const struct management_reply *reply,
                       struct error *error)
{
    (void)reply;
    if (error->code == ERR_NOT_FOUND)
        return error_set(error, ERR_NO_CONTAINER,
                         "RabbitMQ has no virtual host %s: create it with \"rabbitmqctl add_vhost "
                         "%s\", and let the user %s in with \"rabbitmqctl set_permissions\"",
                         run->vhost, run->vhost, run->login);
    if (error->code)
        return error->code;
    run->begun = true;
    const int code = read_next(run);
    return code ? code : at_end(run) ? 0 : BROKER_WAITS;
}

/* An exchange that every virtual host has. */
static int vhost_ask(struct broker_run *run)
{
    struct buffer path;
    broker_path_begin(run, "exchanges", &path);
    management_path_add(&path, "amq.direct");
    return broker_send(run, "GET", &path, NULL, vhost_known);
}

static int overview_known(struct broker_run *run, const struct management_reply *reply,
                          struct error *error)
{
    unsigned major = 0, minor = 0;
    if (error->code)
        return error->code;
    const char *version = json_text_in(reply->body, "rabbitmq_version");
    if (!version || sscanf(version, "%u.%u", &major, &minor) != 2)
        return error_set(error, ERR_PROTOCOL,
                         "%s is not the management API of RabbitMQ: --broker-api names its address",
                         run->api);
    if (major < LEAST_MAJOR || (major == LEAST_MAJOR && minor < LEAST_MINOR))
        return error_set(error, ERR_UNSUPPORTED,
                         "RabbitMQ %u.%u is too old: only since %d.%d do quorum queues move "
                         "messages to other queues without losing any",
                         major, minor, LEAST_MAJOR, LEAST_MINOR);
    const int code = vhost_ask(run);
    return code ? code : BROKER_WAITS;
}

static int overview_ask(struct broker_run *run, const char *password)
{
    struct buffer path;
    int code = management_client_open(&run->client, run->http, run->api, run->login, password);
    if (code)
        return code;
    buffer_init(&path, PATH_SIZE_MAX);
    management_path_add(&path, "overview");
    return broker_send(run, "GET", &path, NULL, overview_known);
}

static void on_password(char *text, const struct error *given, void *user)
{
    struct broker_run *run = user;
    struct error error = *given;
    run->reading = NULL;
    if (text)
        error.code = overview_ask(run, text);
    if (!error.code)
        return;
    if (text)
        error_set(&error, error.code, "%s", error_name(error.code));
    else
        error_prefix(&error, "the password for RabbitMQ");
    finish(run, &error);
}

/* ---- where the broker is ---- */

static char *api_make(const struct amqp_address *address)
{
    struct buffer url;
    const char *host = address->hosts[0].name;
    const bool is_ipv6 = strchr(host, ':');
    buffer_init(&url, PATH_SIZE_MAX);
    buffer_format(&url, "%s://%s%s%s:%d", address->tls ? "https" : "http", is_ipv6 ? "[" : "", host,
                  is_ipv6 ? "]" : "", address->tls ? API_TLS_PORT : API_PORT);
    return buffer_take_text(&url);
}

static int places_set(struct broker_run *run, const struct provision_broker_access *access,
                      const struct amqp_address *queue, struct error *error)
{
    struct management_address api = {0};
    if (access->api) {
        const int code = management_address_parse(access->api, &api, error);
        if (code) {
            error_prefix(error, "--broker-api");
            return code;
        }
    }
    const char *user = api.user ? api.user : queue->user ? queue->user : guest;
    run->api = api.base ? api.base : api_make(queue);
    run->login = strdup(user);
    run->vhost = strdup(queue->vhost);
    free(api.user);
    return run->api && run->login && run->vhost ? 0 : error_set(error, ERR_MEMORY, "out of memory");
}

static int start(struct broker_run *run, const struct provision_broker_access *access,
                 struct error *error)
{
    struct amqp_address queue;
    int code = amqp_address_parse(run->run->plan->broker, &queue, error);
    if (code)
        return code;
    code = places_set(run, access, &queue, error);
    amqp_address_clear(&queue);
    if (code)
        return code;
    if (access->password_file)
        return secret_read_start(run->loop, access->password_file, on_password, run, &run->reading,
                                 error);
    code = overview_ask(run, guest);
    return code ? error_set(error, code, "%s", error_name(code)) : 0;
}

int broker_provision(uv_loop_t *loop, struct http_client *http,
                     const struct provision_broker_access *access, const struct provision_run *what,
                     broker_provisioned *done, void *user, struct broker_run **out,
                     struct error *error)
{
    *out = NULL;
    if (!what->plan->broker)
        return error_set(error, ERR_INVALID, "the plan has no broker");
    struct broker_run *run = calloc(1, sizeof *run);
    if (!run)
        return error_set(error, ERR_MEMORY, "out of memory");
    *run = (struct broker_run){.loop = loop, .http = http, .run = what, .done = done, .user = user};
    const int code = start(run, access, error);
    if (code)
        run_free(run);
    else
        *out = run;
    return code;
}
