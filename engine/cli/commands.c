#include "command.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command_table.h"
#include "cpus.h"
#include "descriptors.h"
#include "log.h"
#include "nearest.h"
#include "terminal.h"

enum {
    POOL_SPARE = 4
}; /* extra pool threads for files and name resolution, so that they never wait for image work */

enum {
    HEAP_KEEPS = 1024 * 1024
}; /* bytes: larger blocks are mapped, and a larger free top is
                                    * returned to the kernel */

const char program_summary[] =
    "An image engine: renditions and tags for every photo that lands in a bucket.";

const struct command command_table[] = {
    {"run", CONFIG_RUN, cmd_run, "[OPTIONS]", "the engine: poll the queues, work, until SIGTERM",
     "Polls the queues of the pipelines and makes, stores and labels their renditions.\n"
     "On SIGTERM or Ctrl-C it finishes pending work within --grace and returns the rest to\n"
     "the queues. A second signal stops it at once with exit status 1; nothing is lost.\n"
     "On SIGHUP it reads the pipeline files again: pending work finishes with the old files,\n"
     "new messages use the new ones. Files with an error in them are ignored.\n"
     "If a service can't be reached or a queue does not exist, it keeps trying. It exits 2\n"
     "on errors that a retry can't fix: an error in a setting or a pipeline file, missing\n"
     "or refused credentials.\n"
     "Credentials, region and endpoints are read from the AWS_* variables and ~/.aws, as\n"
     "with other AWS clients.\n"},
    {"local", CONFIG_LOCAL, cmd_local, "[OPTIONS] [PHOTO|DIR...]",
     "embedded cloud and engine in one process, on loopback",
     "Starts an embedded cloud (S3, SNS, SQS, EventBridge, Rekognition, STS), creates a bucket,\n"
     "a topic and queues in it, and runs the engine on them. Photos are uploaded to\n"
     "s3://photos/ingest/; results are written under --out. Without photos it processes\n"
     "samples if none has been uploaded yet, and with --once always; it creates them once and\n"
     "keeps them in the user's cache. It serves until Ctrl-C; with --once it exits when the\n"
     "photos are done, with the output and exit status of \"thumbwheel process\". With\n"
     "--cloud-only it runs no engine and takes no photos.\n"
     "While it serves, SIGHUP makes it read the pipeline files again and create the queues\n"
     "that they need.\n"},
    {"process", CONFIG_PROCESS, cmd_process, "[OPTIONS] PHOTO|DIR...",
     "run files through the pipelines, then exit",
     "Runs files through the pipelines and writes the results under --out. It leaves no other\n"
     "files. On standard error it prints each failure once and, on a terminal, a progress bar;\n"
     "on standard output a summary, with --verbose a table of all renditions and tags before\n"
     "it, with --json only JSON: one object per photo, then a summary object.\n"
     "On Ctrl-C it finishes pending work within --grace and counts the rest as not processed.\n"
     "Exits 0 if all photos succeeded; 1 if any failed or was not processed, or on Ctrl-C;\n"
     "2 on a usage error.\n"},
    {"whoami", CONFIG_WHOAMI, cmd_whoami, "[OPTIONS]", "whose credentials are used",
     "Gets credentials as run does, asks STS whose they are, and prints the provider that gave\n"
     "them, the account, the ARN and when they expire. docs/credentials.md lists the providers\n"
     "in their order. Exits 0; 1 if a service could not be reached; 2 if there are no\n"
     "credentials or they are refused.\n"
     "With --json it prints one object: provider, account, arn, user_id, expires (null: never).\n"},
    {"check", CONFIG_CHECK, cmd_check, "[OPTIONS]", "check the pipeline files",
     "Reads every pipeline file and reports all problems with file, line and column:\n"
     "unknown keys, wrong values, pipelines that share a name or queue, outputs that are\n"
     "their own input, and whatever else run would refuse. It warns about keys whose\n"
     "extension does not match the format. Exits 0 if there are no problems (warnings do\n"
     "not count), 2 if there are any, 1 if it could not check.\n"
     "With --json it prints one object: ok, files, pipelines (name, queue, file, outputs,\n"
     "labels), errors and warnings (their number), and problems: severity (error, warning),\n"
     "file, line, column, key, message.\n"},
    {"health", CONFIG_HEALTH, cmd_health, "[OPTIONS]", "ask a running engine whether it is well",
     "Asks the engine that serves --metrics (or THUMBWHEEL_METRICS) whether it is alive: its\n"
     "event loop runs, and no photo has kept a worker for longer than its limits allow. With\n"
     "--ready it asks whether every queue is open and the engine is not shutting down. A\n"
     "service that can't be reached makes an engine not ready, but not dead.\n"
     "Exits 0 if so, 1 if not or if it does not respond within 5 seconds, 2 on a usage error.\n"},
    {"completion", CONFIG_COMPLETION, cmd_completion, "[OPTIONS] bash|zsh|fish",
     "print the completions for a shell",
     "Prints a script with which the shell completes the commands, their options and values.\n"
     "For the running shell:\n"
     "    bash, with the package bash-completion: source <(thumbwheel completion bash)\n"
     "    zsh, after compinit: source <(thumbwheel completion zsh)\n"
     "    fish: thumbwheel completion fish | source\n"
     "The Debian package installs them for every user.\n"},
    {"man", CONFIG_MAN, cmd_man, "[OPTIONS]", "print the manual page",
     "Prints thumbwheel(1), the manual page, in roff. To read it: thumbwheel man | man -l -\n"},
};

enum { COMMANDS = sizeof command_table / sizeof command_table[0] };
const size_t command_table_size = COMMANDS;

/* ---- names ---- */

static void say(enum log_level level, const char *prefix, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

static void say(enum log_level level, const char *prefix, const char *format, va_list args)
{
    char *text = NULL;
    char *shown = vasprintf(&text, format, args) < 0 ? NULL : text_display(text);
    const char *clear =
        terminal_redraws(fileno(stderr)) ? "\r\033[K" : ""; /* there may be a progress bar */
    fflush(stdout);
    if (log_is_json())
        log_say(level, shown ? text : "out of memory");
    else
        fprintf(stderr, "%sthumbwheel: %s%s\n", clear, prefix, shown ? shown : "out of memory");
    if (shown)
        free(text);
    free(shown);
}

void command_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(LOG_ERROR, "", format, args);
    va_end(args);
}

void command_warn(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(LOG_WARN, "warning: ", format, args);
    va_end(args);
}

void command_note(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(LOG_INFO, "note: ", format, args);
    va_end(args);
}

static void print_usage(FILE *out)
{
    enum { COLUMN = 13 };
    const size_t columns = terminal_columns(fileno(out));
    fputs("Usage: thumbwheel COMMAND [OPTIONS]\n", out);
    terminal_print(out, program_summary, columns, 0, 0);
    fputs("\n\nCommands:\n", out);
    for (size_t i = 0; i < COMMANDS; i++) {
        fprintf(out, "  %-10s ", command_table[i].name);
        terminal_print(out, command_table[i].summary, columns, COLUMN, COLUMN);
        fputc('\n', out);
    }
    terminal_print(out,
                   "\n\"thumbwheel COMMAND --help\" prints its options. \"thumbwheel --version\" "
                   "prints the version.\n"
                   "To try it: thumbwheel local --once\n",
                   columns, 0, 0);
}

static void print_help(const struct command *command)
{
    const size_t columns = terminal_columns(STDOUT_FILENO);
    printf("Usage: thumbwheel %s ", command->name);
    terminal_print(stdout, command->usage, columns, 4, strlen(command->name) + 18);
    fputs("\n\n", stdout);
    terminal_print(stdout, command->help, columns, 0, 0);
    fputc('\n', stdout);
    config_print_options(stdout, command->settings, columns);
}

static const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(command_table[i].name, name) == 0)
            return &command_table[i];
    return NULL;
}

static int unknown_command(const char *typed)
{
    const char *names[COMMANDS];
    for (size_t i = 0; i < COMMANDS; i++)
        names[i] = command_table[i].name;
    const char *near = nearest_name(typed, names, COMMANDS);
    if (near)
        command_error("unknown command \"%s\"; did you mean \"%s\"?", typed, near);
    else
        command_error("unknown command \"%s\"; \"thumbwheel --help\" lists them", typed);
    return STATUS_USAGE;
}

/* ---- running a command ---- */

static unsigned worker_count(const struct config *config)
{
    return config->engine.workers ? config->engine.workers : cpus_available("");
}

/* libuv reads the variable when the pool gets its first task, so it is set before any loop is
 * created. */
static void pool_setup(struct config *config)
{
    char size[16];
    config->engine.workers = worker_count(config);
    snprintf(size, sizeof size, "%u", config->engine.workers + POOL_SPARE);
    setenv("UV_THREADPOOL_SIZE", size, 1);
}

/* `run` logs JSON for a log collector, unless it runs on a terminal; the other commands log text
 * for a person. */
static void log_open(enum config_command command, enum log_format format, enum log_level level)
{
    bool person = command != CONFIG_RUN || terminal_is(fileno(stderr));
    if (format == LOG_FORMAT_AUTO)
        format = person ? LOG_FORMAT_TEXT : LOG_FORMAT_JSON;
    log_setup(fileno(stderr), format, level);
}

static enum log_level standard_level(enum config_command command)
{
    return command == CONFIG_RUN ? LOG_INFO : LOG_ERROR;
}

/* This happens before the settings are read, since a usage error is also written to the log. */
static void log_open_early(const struct command *command, char *const *args, size_t count)
{
    const char *wanted = config_peek("log-format", args, count);
    enum log_format format = LOG_FORMAT_AUTO;
    if (wanted && strcmp(wanted, "json") == 0)
        format = LOG_FORMAT_JSON;
    else if (wanted && *wanted && strcmp(wanted, "auto") != 0)
        format = LOG_FORMAT_TEXT;
    log_open(command->settings, format, standard_level(command->settings));
}

static void log_start(const struct config *config, enum config_command command)
{
    static const enum log_level levels[] = {[CONFIG_LOG_DEBUG] = LOG_DEBUG,
                                            [CONFIG_LOG_INFO] = LOG_INFO,
                                            [CONFIG_LOG_WARN] = LOG_WARN,
                                            [CONFIG_LOG_ERROR] = LOG_ERROR};
    enum log_level level = standard_level(command);
    if (config->log_level != CONFIG_LOG_AUTO)
        level = levels[config->log_level];
    log_open(command, config->log_format, level);
}

static void warn_of_variables(void)
{
    struct config_stray stray;
    char *const *environment = environ;
    while (config_stray_next(&environment, &stray)) {
        if (stray.injected)
            command_note("the environment variable %s is ignored: it holds the address of a "
                         "Kubernetes Service; set the option instead",
                         stray.name);
        else if (stray.meant)
            command_note("the environment variable %s is not a setting; did you mean %s?",
                         stray.name, stray.meant);
        else
            command_note("the environment variable %s is not a setting; "
                         "\"thumbwheel COMMAND --help\" lists them",
                         stray.name);
    }
}

static int fail_start(const struct error *error, const char *advice)
{
    command_error("%s%s", error->text, advice);
    return STATUS_FAILED;
}

/* The workers' heaps must return freed image memory to the kernel, since the memory budget counts
 * it as free. Setting the thresholds stops glibc from raising them with every large block. */
static void heap_setup(void)
{
    mallopt(M_MMAP_THRESHOLD, HEAP_KEEPS);
    mallopt(M_TRIM_THRESHOLD, HEAP_KEEPS);
}

/* Images are decoded in this process, by its worker threads. */
static int run_with_images(const struct command *command, const struct assembly *assembly,
                           const struct config *config)
{
    struct error error = {0};
    heap_setup();
    if (assembly->pipelines_start("thumbwheel", &error))
        return fail_start(&error, "");
    return command->run(assembly, config);
}

/* Images are decoded in separate processes, which start in parallel with this one. */
static int run_isolated(const struct command *command, const struct assembly *assembly,
                        const struct config *config)
{
    static const char advice[] = "; --isolation=thread decodes without such processes";
    struct error error = {0};
    struct assembly isolated = *assembly;
    isolated.pipeline_ops = assembly->isolated_ops;
    if (assembly->isolation_start(&config->decoders, &error))
        return fail_start(&error, advice);
    int exit_status = assembly->isolation_ready(&error) ? fail_start(&error, advice)
                                                        : command->run(&isolated, config);
    assembly->isolation_stop();
    return exit_status;
}

/* The embedded cloud alone decodes images only on request; until then there is no decoder
 * process. */
static int run_cloud(const struct command *command, const struct assembly *assembly,
                     const struct config *config)
{
    struct assembly isolated = *assembly;
    isolated.pipeline_ops = assembly->isolated_ops;
    assembly->isolation_allow(&config->decoders);
    int exit_status = command->run(&isolated, config);
    assembly->isolation_stop();
    return exit_status;
}

static int run_configured(const struct command *command, const struct assembly *assembly,
                          const struct config *config)
{
    if (!(command->settings & (CONFIG_RUN | CONFIG_LOCAL | CONFIG_PROCESS)))
        return command->run(assembly, config);
    if (config->decode_here)
        return run_with_images(command, assembly, config);
    if (config->cloud_only)
        return run_cloud(command, assembly, config);
    return run_isolated(command, assembly, config);
}

static int command_run(const struct command *command, const struct assembly *assembly, char **args,
                       size_t count)
{
    struct config config;
    struct error error = {0};
    int exit_status = STATUS_OK;
    log_open_early(command, args, count);
    if (config_read(&config, command->settings, args, count, &error)) {
        command_error("%s", error.text);
        exit_status = STATUS_USAGE;
    } else if (config.help) {
        print_help(command);
    } else {
        log_start(&config, command->settings);
        warn_of_variables();
        descriptors_raise();
        pool_setup(&config);
        exit_status = run_configured(command, assembly, &config);
        assembly->pipelines_stop();
    }
    config_clear(&config);
    return exit_status;
}

/* The output must have been written: a redirection to a full disk is a failure. */
static int output_finish(int exit_status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return exit_status;
    if (errno != EPIPE)
        command_error("standard output: %s", strerror(errno));
    return exit_status ? exit_status : STATUS_FAILED;
}

static int help_run(const char *topic)
{
    const struct command *command = command_find(topic);
    if (!command)
        return unknown_command(topic);
    print_help(command);
    return STATUS_OK;
}

int commands_main(const struct assembly *assembly, int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    signal(SIGPIPE, SIG_IGN); /* a closed connection is an error code and does not end the
                               * process */
    terminal_setup();
    if (!*name) {
        print_usage(stderr);
        return STATUS_USAGE;
    }
    const struct command *command = command_find(name);
    int exit_status = STATUS_OK;
    if (strcmp(name, "help") == 0 && argc > 2)
        exit_status = help_run(argv[2]);
    else if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0)
        print_usage(stdout);
    else if (strcmp(name, "--version") == 0 || strcmp(name, "version") == 0)
        printf("thumbwheel %s\n", THUMBWHEEL_VERSION);
    else if (command)
        exit_status = command_run(command, assembly, argv + 2, (size_t)argc - 2);
    else
        exit_status = unknown_command(name);
    return output_finish(exit_status);
}

struct pipeline_rules command_pipeline_rules(const struct assembly *assembly)
{
    return (struct pipeline_rules){.ops = assembly->pipeline_ops,
                                   .check_queue = assembly->queue_check,
                                   .compare_queues = assembly->queue_compare};
}

static void say_problems(const struct problem_list *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        char *line = problems->items[i].code ? problem_line(&problems->items[i]) : NULL;
        if (line)
            command_error("%s", line);
        free(line);
    }
}

int command_load_pipelines(const struct assembly *assembly, const struct config *config,
                           struct pipeline_set *set)
{
    const struct pipeline_rules rules = command_pipeline_rules(assembly);
    if (pipeline_set_load(set, &rules, &config->pipelines)) {
        command_error("out of memory");
        return STATUS_FAILED;
    }
    say_problems(&set->problems);
    return set->problems.errors ? STATUS_USAGE : STATUS_OK;
}

enum command_status command_status(int code)
{
    switch (code) {
    case ERR_NONE:
        return STATUS_OK;
    case ERR_INVALID:
    case ERR_LOOP:
    case ERR_DENIED:
    case ERR_CREDENTIALS:
    case ERR_EXPIRED:
        return STATUS_USAGE;
    default:
        return STATUS_FAILED;
    }
}
