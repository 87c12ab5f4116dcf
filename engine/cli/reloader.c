#include "reloader.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "command.h"
#include "container_of.h"
#include "gallery.h"
#include "log.h"
#include "service.h"

static void begin(struct reloader *reloader);

static bool has_terminal(void)
{
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static void end_round(struct reloader *reloader)
{
    local_plan_clear(&reloader->plan);
    pipeline_set_clear(&reloader->set);
    reloader->plan = (struct local_plan){0};
    reloader->busy = false;
    if (reloader->wanted && reloader->allowed)
        begin(reloader);
}

static void refuse(const char *problem)
{
    log_error("pipeline files rejected; the current ones stay in use", LOG_TEXT("error", problem));
}

static void refuse_problems(const struct problem_list *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        char *line = problems->items[i].code ? problem_line(&problems->items[i]) : NULL;
        if (line)
            refuse(line);
        free(line);
    }
}

static void change_over(struct reloader *reloader)
{
    const struct pipeline_set *set = &reloader->set;
    struct error error = {0};
    struct engine *engine = reloader->service->engine; /* NULL: the embedded cloud runs alone */
    struct gallery *gallery = reloader->service->gallery;
    if (engine && engine_reload(engine, set->items, set->count, &error))
        refuse(error.text);
    else if (gallery && gallery_reload(gallery, set->items, set->count))
        refuse("out of memory in the gallery, which keeps the old ones");
    else if (reloader->service->cloud)
        command_note("the pipeline files were reloaded: %zu pipelines", set->count);
    else
        log_info("pipeline files reloaded", LOG_INT("pipelines", set->count));
    end_round(reloader);
}

static void on_provisioned(const struct error *error, void *user)
{
    struct reloader *reloader = user;
    if (error->code) {
        refuse(error->text);
        end_round(reloader);
        return;
    }
    change_over(reloader);
}

static int provision(struct reloader *reloader, struct error *error)
{
    struct service *service = reloader->service;
    int code = local_plan_make(&reloader->plan, &reloader->set, service->config, true, error);
    if (code)
        return code;
    code = service->assembly->backend_provision(&service->backend, &reloader->plan.run,
                                                on_provisioned, reloader);
    return code ? error_set(error, code, "bucket, topic and queues could not be created (%s)",
                            error_name(code))
                : 0;
}

static void judge(struct reloader *reloader)
{
    const struct problem_list *problems = &reloader->set.problems;
    struct error error = {0};
    if (reloader->result)
        refuse("out of memory");
    refuse_problems(problems);
    if (reloader->result || problems->errors) {
        end_round(reloader);
    } else if (!reloader->service->cloud) {
        change_over(reloader);
    } else if (provision(reloader, &error)) {
        refuse(error.text);
        end_round(reloader);
    }
}

/* Pool thread. */
static void load(uv_work_t *work)
{
    struct reloader *reloader = container_of(work, struct reloader, work);
    const struct pipeline_rules rules = command_pipeline_rules(reloader->service->assembly);
    reloader->result =
        pipeline_set_load(&reloader->set, &rules, &reloader->service->config->pipelines);
    rules.ops->thread_end();
}

static void loaded(uv_work_t *work, int code)
{
    (void)code;
    judge(container_of(work, struct reloader, work));
}

static void begin(struct reloader *reloader)
{
    reloader->wanted = false;
    reloader->busy = true;
    uv_queue_work(&reloader->service->loop, &reloader->work, load, loaded);
}

void reloader_request(struct reloader *reloader)
{
    reloader->wanted = true;
    if (reloader->allowed && !reloader->busy)
        begin(reloader);
}

static void on_hangup(uv_signal_t *signal, int number)
{
    struct reloader *reloader = signal->data;
    (void)number;
    if (reloader->terminal && !has_terminal()) {
        service_interrupt(reloader->service, SIGHUP);
        return;
    }
    reloader_request(reloader);
}

int reloader_open(struct reloader *reloader, struct service *service, struct error *error)
{
    *reloader = (struct reloader){.service = service, .open = true, .terminal = has_terminal()};
    uv_signal_init(&service->loop, &reloader->signal);
    reloader->signal.data = reloader;
    int result = uv_signal_start(&reloader->signal, on_hangup, SIGHUP);
    return result ? error_set(error, ERR_IO, "cannot handle signals: %s", uv_strerror(result)) : 0;
}

void reloader_allow(struct reloader *reloader)
{
    reloader->allowed = true;
    if (reloader->wanted)
        begin(reloader);
}

void reloader_stop(struct reloader *reloader)
{
    reloader->allowed = false;
}

bool reloader_is_idle(void *user)
{
    return !((struct reloader *)user)->busy;
}

void reloader_close(struct reloader *reloader)
{
    uv_close((uv_handle_t *)&reloader->signal, NULL);
    reloader->open = false;
}
