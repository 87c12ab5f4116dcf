#include "command.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command_table.h"
#include "cpus.h"
#include "descriptors.h"
#include "large_blocks.h"
#include "log.h"
#include "nearest.h"
#include "spare_blocks.h"
#include "terminal.h"

enum {
    POOL_SPARE = CLOUD_POOL_THREADS + 2
}; /* extra pool threads for the embedded cloud, files and name resolution: these never wait for image work,
    * nor image work for these */

enum { LOOP_KEEPS = 2 * 1024 * 1024 }; /* bytes of free small blocks that the loop thread keeps */

typedef int command_function(const struct assembly *assembly, const struct config *config);

static const struct {
    enum config_command command;
    command_function *run;
} functions[] = {
    {CONFIG_RUN, cmd_run},         {CONFIG_LOCAL, cmd_local},
    {CONFIG_PROCESS, cmd_process}, {CONFIG_PROVISION, cmd_provision},
    {CONFIG_WHOAMI, cmd_whoami},   {CONFIG_PRESIGN, cmd_presign},
    {CONFIG_SEND, cmd_send},       {CONFIG_BACKFILL, cmd_backfill},
    {CONFIG_GATE, cmd_gate},       {CONFIG_CHECK, cmd_check},
    {CONFIG_HEALTH, cmd_health},   {CONFIG_DLQ, cmd_dlq},
    {CONFIG_STATUS, cmd_status},   {CONFIG_COMPLETION, cmd_completion},
    {CONFIG_MAN, cmd_man},         {CONFIG_GALLERY, cmd_gallery},
};

/* ---- names ---- */

static void print_usage(FILE *out)
{
    enum { COLUMN = 13 };
    const size_t columns = terminal_columns(fileno(out));
    fputs("Usage: thumbwheel COMMAND [OPTIONS]\n", out);
    terminal_print(out, program_summary, columns, 0, 0);
    fputs("\n\nCommands:\n", out);
    for (size_t i = 0; i < command_table_size; i++) {
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
    for (size_t i = 0; i < command_table_size; i++)
        if (strcmp(command_table[i].name, name) == 0)
            return &command_table[i];
    return NULL;
}

static int unknown_command(const char *typed)
{
    const char *names[COMMANDS_MAX];
    for (size_t i = 0; i < command_table_size; i++)
        names[i] = command_table[i].name;
    const char *near = nearest_name(typed, names, command_table_size);
    if (near)
        command_error("unknown command \"%s\"; did you mean \"%s\"?", typed, near);
    else
        command_error("unknown command \"%s\"; \"thumbwheel --help\" lists them", typed);
    return STATUS_USAGE;
}

/* ---- running a command ---- */

static command_function *function_of(const struct command *command)
{
    size_t i = 0;
    while (functions[i].command != command->settings)
        i++; /* every command of the table has one */
    return functions[i].run;
}

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

/* The services log JSON for a log collector, unless they run on a terminal; the other commands log
 * text for a person. */
static void log_open(enum config_command command, enum log_format format, enum log_level level)
{
    bool person =
        !(command & (CONFIG_RUN | CONFIG_GATE | CONFIG_GALLERY)) || terminal_is(fileno(stderr));
    if (format == LOG_FORMAT_AUTO)
        format = person ? LOG_FORMAT_TEXT : LOG_FORMAT_JSON;
    log_setup(fileno(stderr), format, level);
}

static enum log_level standard_level(enum config_command command)
{
    return command & (CONFIG_RUN | CONFIG_GATE | CONFIG_GALLERY) ? LOG_INFO : LOG_ERROR;
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

/* Sanitizers find errors only in blocks that are freed. */
static void loop_memory_setup(void)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    spare_blocks_keep(LOOP_KEEPS);
#endif
}

static int fail_start(const struct error *error, const char *advice)
{
    command_error("%s%s", error->text, advice);
    return STATUS_FAILED;
}

/* Images are decoded in this process, by its worker threads. */
static int run_with_images(const struct command *command, const struct assembly *assembly,
                           const struct config *config)
{
    struct error error = {0};
    large_blocks_map(true);
    if (assembly->pipelines_start("thumbwheel", &error))
        return fail_start(&error, "");
    return function_of(command)(assembly, config);
}

/* Images are decoded in separate processes, which start in parallel with this one. */
static int run_isolated(const struct command *command, const struct assembly *assembly,
                        const struct config *config)
{
    static const char advice[] = "; --isolation=thread decodes without such processes";
    struct error error = {0};
    struct assembly isolated = *assembly;
    large_blocks_map(false);
    isolated.pipeline_ops = assembly->isolated_ops;
    if (assembly->isolation_start(&config->decoders, &error))
        return fail_start(&error, advice);
    int exit_status = assembly->isolation_ready(&error) ? fail_start(&error, advice)
                                                        : function_of(command)(&isolated, config);
    assembly->isolation_stop();
    return exit_status;
}

/* The embedded cloud and the gallery alone decode images only on request; until then there is no
 * decoder process. */
static int run_rarely(const struct command *command, const struct assembly *assembly,
                      const struct config *config)
{
    struct assembly isolated = *assembly;
    isolated.pipeline_ops = assembly->isolated_ops;
    assembly->isolation_allow(&config->decoders);
    int exit_status = function_of(command)(&isolated, config);
    assembly->isolation_stop();
    return exit_status;
}

static int run_configured(const struct command *command, const struct assembly *assembly,
                          const struct config *config)
{
    if (!(command->settings & (CONFIG_RUN | CONFIG_LOCAL | CONFIG_PROCESS | CONFIG_GALLERY)) ||
        config->gallery.add_user)
        return function_of(command)(assembly, config);
    if (config->decode_here)
        return run_with_images(command, assembly, config);
    if (config->cloud_only || command->settings == CONFIG_GALLERY)
        return run_rarely(command, assembly, config);
    return run_isolated(command, assembly, config);
}

/* What to do with an argument, if the command takes none; the argument follows. NULL: nothing. */
static const char *advice_of(enum config_command command)
{
    if (command == CONFIG_RUN)
        return "to run files through the pipelines: thumbwheel process";
    if (command == CONFIG_PROVISION || command == CONFIG_CHECK)
        return "name pipeline files with --pipelines";
    return NULL;
}

/* A command that takes no argument must not ignore one: it could be a mistyped option. */
static bool takes_arguments(const struct command *command, const struct config *config)
{
    if (strcmp(command->usage, COMMAND_PLAIN) != 0 || !config->paths.count)
        return true;
    const char *argument = config->paths.items[0], *advice = advice_of(command->settings);
    if (advice)
        command_error("%s takes no argument \"%s\"; %s %s", command->name, argument, advice,
                      argument);
    else
        command_error("%s takes no argument \"%s\"", command->name, argument);
    return false;
}

static void on_early_signal(int number)
{
    (void)number;
    _exit(STATUS_OK);
}

/* Until the event loop handles signals, a service has nothing to finish. Without a handler it would
 * end with the status of a failure, or, as the first process of a container, ignore the signal. */
static void signals_setup(const struct command *command, const struct config *config)
{
    const struct sigaction action = {.sa_handler = on_early_signal};
    const bool serves =
        command->settings & (CONFIG_RUN | CONFIG_GATE | CONFIG_LOCAL | CONFIG_GALLERY);
    if (!serves || config->once || config->gate.add_token || config->gallery.add_user)
        return;
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
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
    } else if (!takes_arguments(command, &config)) {
        exit_status = STATUS_USAGE;
    } else {
        log_start(&config, command->settings);
        signals_setup(command, &config);
        warn_of_variables();
        descriptors_raise();
        pool_setup(&config);
        loop_memory_setup();
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

/* "help", "--help" and "-h" take the name of a command. */
static int help_run(char *const *topics, int count)
{
    const char *topic = count ? topics[0] : NULL;
    if (count > 1) {
        command_error("help takes the name of one command, not also \"%s\"", topics[1]);
        return STATUS_USAGE;
    }
    if (!topic) {
        print_usage(stdout);
        return STATUS_OK;
    }
    const struct command *command = command_find(topic);
    if (!command)
        return unknown_command(topic);
    print_help(command);
    return STATUS_OK;
}

static int version_run(char *const *rest, int count)
{
    if (count) {
        command_error("version takes no argument \"%s\"", rest[0]);
        return STATUS_USAGE;
    }
    printf("thumbwheel %s\n", THUMBWHEEL_VERSION);
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
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0)
        exit_status = help_run(argv + 2, argc - 2);
    else if (strcmp(name, "--version") == 0 || strcmp(name, "version") == 0)
        exit_status = version_run(argv + 2, argc - 2);
    else if (command)
        exit_status = command_run(command, assembly, argv + 2, (size_t)argc - 2);
    else
        exit_status = unknown_command(name);
    return output_finish(exit_status);
}
