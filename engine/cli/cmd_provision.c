/* thumbwheel provision: creates what the pipelines need in the cloud, after showing it. */
#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker_part.h"
#include "confirm.h"
#include "core_files.h"
#include "json_line.h"
#include "provision_report.h"
#include "provision_template.h"
#include "service.h"
#include "terminal.h"

struct provision_command {
    const struct assembly *assembly;
    const struct config *config;
    struct pipeline_set pipelines;
    struct provision_plan plan;
    struct provision_change *changes; /* one for each resource */
    bool *done;
    struct service service;
    struct provision_run run;
    char *account, *partition; /* of the run's place */
    char *events_password;     /* a secret; NULL: none */
    bool here;                 /* the pending operation has ended */
    struct error error;        /* its result, or why the command fails */
};

static bool is_here(void *user)
{
    return ((struct provision_command *)user)->here;
}

/* ---- the plan ---- */

static bool by_broker(const struct config *config)
{
    return config->provision.via == PROVISION_RABBITMQ;
}

static int usage_check(const struct config *config)
{
    if (config->emit && by_broker(config)) {
        command_error("--emit makes templates of AWS, which has no RabbitMQ: use --dry-run to see "
                      "the plan");
        return STATUS_USAGE;
    }
    if (config->emit && (config->yes || config->dry_run || config->json)) {
        command_error("--emit prints a template and changes nothing: it takes neither --yes nor "
                      "--dry-run nor --json");
        return STATUS_USAGE;
    }
    if (config->emit || config->yes || config->dry_run)
        return STATUS_OK;
    if (config->json || !terminal_is(STDIN_FILENO)) {
        command_error("provision asks before it changes anything, and there is no terminal to ask "
                      "on: use --yes to apply the plan without asking, or --dry-run to print it");
        return STATUS_USAGE;
    }
    return STATUS_OK;
}

static int plan_make(struct provision_command *command)
{
    struct provision_settings settings = command->config->provision;
    const struct pipeline_set *set = &command->pipelines;
    settings.visibility_s = command->config->engine.visibility_s;
    settings.broker = command->assembly->broker;
    settings.place = command->account ? &command->run.place : NULL;
    provision_plan_clear(&command->plan);
    return provision_plan_make(&command->plan, set->ops, set->items, set->count, &settings,
                               &command->error);
}

/* Before anything is sent: what can't be made is an error of its own. */
static int plan_check(struct provision_command *command)
{
    int exit_status =
        command_load_pipelines(command->assembly, command->config, &command->pipelines);
    if (exit_status)
        return exit_status;
    return plan_make(command) ? STATUS_USAGE : STATUS_OK;
}

/* When the account and region are known: whatever is elsewhere is left to its owner. */
static int plan_settle(struct provision_command *command)
{
    int code = plan_make(command);
    if (code)
        return code;
    command->changes = calloc(command->plan.count, sizeof *command->changes);
    command->done = calloc(command->plan.count, sizeof *command->done);
    return command->changes && command->done
               ? 0
               : error_set(&command->error, ERR_MEMORY, "out of memory");
}

/* ---- the cloud ---- */

static void on_identified(const struct backend_identity *identity, const struct error *error,
                          void *user)
{
    struct provision_command *command = user;
    command->error = *error;
    command->here = true;
    if (!identity)
        return;
    const char *partition = strchr(identity->arn, ':'); /* arn:PARTITION:… */
    command->account = strdup(identity->account);
    command->partition =
        partition ? strndup(partition + 1, strcspn(partition + 1, ":")) : strdup("aws");
    if (!command->account || !command->partition)
        error_set(&command->error, ERR_MEMORY, "out of memory");
}

static int wait_for(struct provision_command *command, int code)
{
    if (code)
        return error_set(&command->error, code, "the request could not be sent (%s)",
                         error_name(code));
    if (!service_wait(&command->service, is_here, command))
        return error_set(&command->error, ERR_CANCELLED,
                         "interrupted; what was done stays, and the same command continues");
    return command->error.code;
}

/* Beyond AWS, neither the broker nor the store has accounts. */
static int identify_none(struct provision_command *command)
{
    command->run.place = (struct provision_place){
        .partition = "aws",
        .region = command->assembly->backend_region(&command->service.backend),
        .account = ""};
    return broker_part_password(&command->service, &command->plan, &command->events_password,
                                &command->error);
}

static int identify(struct provision_command *command)
{
    struct service *service = &command->service;
    command->here = false;
    if (by_broker(command->config))
        return identify_none(command);
    int code = wait_for(
        command, command->assembly->backend_identify(&service->backend, on_identified, command));
    if (code)
        return code;
    command->run.place =
        (struct provision_place){.partition = command->partition,
                                 .region = command->assembly->backend_region(&service->backend),
                                 .account = command->account};
    return 0;
}

static void on_compared(size_t index, const struct provision_change *change, void *user)
{
    struct provision_command *command = user;
    struct provision_change *kept = &command->changes[index];
    if (command->run.write && kept->action == PROVISION_KEEP && change->action == PROVISION_KEEP)
        return;
    provision_change_clear(kept);
    if (provision_change_copy(change, kept))
        error_set(&command->error, ERR_MEMORY, "out of memory");
}

static void on_written(size_t index, void *user)
{
    struct provision_command *command = user;
    command->done[index] = true;
    if (command->config->json)
        return;
    terminal_line(stdout, "%s %s: %s", provision_kind_name(command->plan.resources[index].kind),
                  provision_shown_name(&command->plan, index),
                  command->changes[index].action == PROVISION_CREATE ? "created" : "changed");
    fflush(stdout);
}

static void on_done(const struct error *error, void *user)
{
    struct provision_command *command = user;
    if (error->code || !command->error.code)
        command->error = *error;
    command->here = true;
}

static int run_plan(struct provision_command *command, bool write)
{
    struct service *service = &command->service;
    command->here = false;
    command->run.write = write;
    command->run.events_password = command->events_password;
    if (by_broker(command->config)) {
        const int code = broker_part_run(service, &command->run, &command->error);
        if (code)
            return code;
    }
    return wait_for(command, command->assembly->backend_provision(&service->backend, &command->run,
                                                                  on_done, command));
}

/* ---- reporting ---- */

static int print_json(const struct provision_command *command)
{
    return json_line_print(
        provision_report(&command->plan, &command->run.place, command->changes, command->done),
        stdout);
}

static void print_broker(const struct provision_command *command)
{
    char *address = command->assembly->broker->publish_address(command->plan.broker);
    terminal_line(stdout, "RabbitMQ, %s", address ? address : "");
    putchar('\n');
    free(address);
}

static void print_plan(const struct provision_command *command, struct provision_counts counts)
{
    if (by_broker(command->config))
        print_broker(command);
    else
        printf("Account %s, region %s\n\n", command->run.place.account, command->run.place.region);
    provision_print(stdout, &command->plan, command->changes, terminal_colour(STDOUT_FILENO));
    if (counts.create + counts.change + counts.conflict == 0)
        printf("\nNo changes: all %zu resources are as the pipelines need them.\n", counts.keep);
    else
        printf("\nPlan: %zu to create, %zu to change, %zu unchanged.\n", counts.create,
               counts.change, counts.keep);
    fflush(stdout);
}

static bool is_confirmed(const struct provision_command *command)
{
    const struct config *config = command->config;
    const struct provision_place *place = &command->run.place;
    return (by_broker(config)
                ? command_confirm(config->yes, "Apply this plan to RabbitMQ and the store")
                : command_confirm(config->yes, "Apply this plan to account %s, region %s",
                                  place->account, place->region)) == CONFIRM_YES;
}

static int apply(struct provision_command *command, struct provision_counts counts)
{
    const struct config *config = command->config;
    if (config->dry_run || counts.create + counts.change == 0)
        return 0;
    if (!is_confirmed(command))
        return error_set(&command->error, ERR_CANCELLED, "nothing was changed");
    int code = run_plan(command, true);
    if (!code && !config->json)
        printf("\nDone: %zu created, %zu changed.\n", counts.create, counts.change);
    return code;
}

static int print_template(struct provision_command *command)
{
    for (size_t i = 0; i < command->plan.notes.count; i++)
        command_note("%s", command->plan.notes.items[i]);
    return template_print(command->config->emit, &command->plan, &command->pipelines,
                          &command->run.place, &command->error);
}

static int provision(struct provision_command *command)
{
    int code = identify(command);
    if (code || (code = plan_settle(command)))
        return code;
    if (command->config->emit)
        return print_template(command);
    code = run_plan(command, false);
    if (code)
        return code;
    const struct provision_counts counts = provision_count(&command->plan, command->changes);
    if (!command->config->json)
        print_plan(command, counts);
    if (counts.conflict)
        code = error_set(&command->error, ERR_CONFLICT,
                         "nothing was changed: %zu of the resources cannot be as planned (see !)",
                         counts.conflict);
    else
        code = apply(command, counts);
    return command->config->json && print_json(command) ? ERR_MEMORY : code;
}

/* A template is made without the cloud; the policy alone names the account and region. */
static bool is_template(const struct config *config)
{
    return config->emit == EMIT_CLOUDFORMATION || config->emit == EMIT_TERRAFORM;
}

static int run_service(struct provision_command *command)
{
    const struct service_options options = {.assembly = command->assembly,
                                            .config = command->config};
    command->run = (struct provision_run){
        .plan = &command->plan, .compared = on_compared, .written = on_written, .user = command};
    core_files_forbid();
    int code = service_open(&command->service, &options, &command->error);
    if (!code)
        code = provision(command);
    service_close(&command->service);
    return code;
}

static int run(struct provision_command *command)
{
    int code = is_template(command->config) ? print_template(command) : run_service(command);
    if (!code)
        return STATUS_OK;
    command_error("%s", command->error.code ? command->error.text : error_name(code));
    for (size_t i = 0; command->done && i < command->plan.count; i++)
        if (command->done[i]) {
            command_note("what was done stays; the same command continues from there");
            break;
        }
    return code == ERR_CONFLICT || code == ERR_CANCELLED ? STATUS_FAILED
                                                         : (int)command_status(code);
}

int cmd_provision(const struct assembly *assembly, const struct config *config)
{
    struct provision_command command = {.assembly = assembly, .config = config};
    int exit_status = usage_check(config);
    if (exit_status)
        return exit_status;
    exit_status = plan_check(&command);
    if (exit_status && command.error.code)
        command_error("%s", command.error.text);
    if (!exit_status)
        exit_status = run(&command);
    for (size_t i = 0; command.changes && i < command.plan.count; i++)
        provision_change_clear(&command.changes[i]);
    free(command.changes);
    free(command.done);
    free(command.account);
    free(command.partition);
    broker_part_forget(command.events_password);
    provision_plan_clear(&command.plan);
    pipeline_set_clear(&command.pipelines);
    return exit_status;
}
