/* Reads the settings: defaults, then the environment, then the arguments. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "config_value.h"
#include "files.h"
#include "nearest.h"

static int read_defaults(struct config *config, struct error *error)
{
    for (size_t i = 0; i < config_table_size; i++) {
        const struct setting *s = &config_table[i];
        if (!s->standard)
            continue;
        int code = config_value_set(config, s, s->name, s->standard, false, error);
        if (code)
            return code;
    }
    return 0;
}

static int read_environment(struct config *config, enum config_command command, struct error *error)
{
    for (size_t i = 0; i < config_table_size; i++) {
        const struct setting *s = &config_table[i];
        char name[CONFIG_VARIABLE_MAX];
        if (s->action || !(s->commands & command))
            continue;
        config_variable_name(s, name);
        const char *value = getenv(name);
        /* An empty variable counts as unset: this is a common way to unset it for one command. */
        if (!value || !*value || config_value_is_injected(value))
            continue;
        int code = config_value_set(config, s, name, value, true, error);
        if (code)
            return code;
        config->given[i] = true;
    }
    return 0;
}

static const char *command_name(unsigned commands)
{
    return config_next_command(&commands);
}

static int unknown_option(const char *typed, enum config_command command, struct error *error)
{
    const char *names[CONFIG_SETTINGS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < config_table_size; i++) {
        if (config_table[i].commands & command)
            names[count++] = config_table[i].name;
        else if (strcmp(config_table[i].name, typed) == 0)
            return error_set(error, ERR_INVALID,
                             "--%s is an option of \"thumbwheel %s\", not of \"%s\"", typed,
                             command_name(config_table[i].commands), command_name(command));
    }
    const char *near = nearest_name(typed, names, count);
    if (near)
        return error_set(error, ERR_INVALID, "unknown option --%s; did you mean --%s?", typed,
                         near);
    return error_set(error, ERR_INVALID,
                     "unknown option --%s; \"thumbwheel %s --help\" lists them all", typed,
                     command_name(command));
}

static const struct setting *setting_find(const char *name, unsigned command)
{
    for (size_t i = 0; i < config_table_size; i++)
        if ((config_table[i].commands & command) && strcmp(config_table[i].name, name) == 0)
            return &config_table[i];
    return NULL;
}

struct argument_reader { /* the state of reading the arguments */
    struct config *config;
    enum config_command command;
    char *const *args;
    size_t count, next;
    bool flagged[CONFIG_SETTINGS_MAX]; /* for each setting: whether a flag has set it */
    struct error *error;
};

static int flag_set(struct argument_reader *r, const struct setting *s, const char *source,
                    const char *value)
{
    const size_t row = (size_t)(s - config_table);
    if (s->type == TYPE_LIST && !r->flagged[row])
        text_list_clear(config_value_place(r->config, s));
    r->flagged[row] = true;
    r->config->given[row] = true;
    return config_value_set(r->config, s, source, value, false, r->error);
}

/* --name, --name=value, --name value, --no-name */
static int read_flag(struct argument_reader *r, const char *arg)
{
    char name[CONFIG_VARIABLE_MAX], source[CONFIG_VARIABLE_MAX + 2];
    const char *value = strchr(arg, '=');
    size_t length = value ? (size_t)(value - arg) : strlen(arg);
    snprintf(name, sizeof name, "%.*s",
             (int)(length < CONFIG_VARIABLE_MAX ? length : CONFIG_VARIABLE_MAX), arg);
    snprintf(source, sizeof source, "--%s", name);

    const struct setting *s = setting_find(name, r->command);
    if (!s && strncmp(name, "no-", 3) == 0 && !value) {
        s = setting_find(name + 3, r->command);
        if (s && s->type == TYPE_SWITCH)
            return flag_set(r, s, source, "no");
        s = NULL;
    }
    if (!s)
        return unknown_option(name, r->command, r->error);
    if (s->type == TYPE_SWITCH)
        return flag_set(r, s, source, value ? value + 1 : "yes");
    if (value)
        return flag_set(r, s, source, value + 1);
    if (r->next == r->count || strncmp(r->args[r->next], "--", 2) == 0)
        return error_set(r->error, ERR_INVALID, "%s needs a value: %s %s", source, source,
                         s->value);
    return flag_set(r, s, source, r->args[r->next++]);
}

/* A photo's path in its shortest form; the other commands name objects, whose keys may have any. */
static int read_path(struct argument_reader *r, const char *path)
{
    const bool is_photo = r->command & (CONFIG_LOCAL | CONFIG_PROCESS);
    if (text_list_take(&r->config->paths, is_photo ? path_normal(path) : strdup(path)))
        return error_set(r->error, ERR_MEMORY, "out of memory");
    return 0;
}

static int read_argument(struct argument_reader *r, const char *arg)
{
    if (strcmp(arg, "-h") == 0) {
        r->config->help = true;
        return 0;
    }
    if (strncmp(arg, "--", 2) == 0)
        return read_flag(r, arg + 2);
    if (arg[0] == '-' && arg[1])
        return error_set(r->error, ERR_INVALID, "unknown option %s; options have two dashes", arg);
    return read_path(r, arg);
}

static int read_arguments(struct argument_reader *r)
{
    bool only_paths = false;
    while (r->next < r->count) {
        const char *arg = r->args[r->next++];
        int code = 0;
        if (only_paths)
            code = read_path(r, arg);
        else if (strcmp(arg, "--") == 0)
            only_paths = true;
        else
            code = read_argument(r, arg);
        if (code)
            return code;
    }
    return 0;
}

int config_read(struct config *config, enum config_command command, char *const *args, size_t count,
                struct error *error)
{
    struct argument_reader reader = {
        .config = config, .command = command, .args = args, .count = count, .error = error};
    *config = (struct config){0};
    int code = read_defaults(config, error);
    if (code)
        return code;
    code = read_environment(config, command, error);
    if (code)
        return code;
    return read_arguments(&reader);
}

void config_clear(struct config *config)
{
    for (size_t i = 0; i < config_table_size; i++) {
        void *place = config_value_place(config, &config_table[i]);
        if (config_table[i].type == TYPE_TEXT)
            free(*(char **)place);
        else if (config_table[i].type == TYPE_LIST)
            text_list_clear(place);
    }
    text_list_clear(&config->paths);
    *config = (struct config){0};
}

const char *config_peek(const char *name, char *const *args, size_t count)
{
    const struct setting *s = setting_find(name, ~0u);
    const size_t size = strlen(name);
    char variable[CONFIG_VARIABLE_MAX];
    config_variable_name(s, variable);
    const char *value = getenv(variable);
    for (size_t i = 0; i < count && strcmp(args[i], "--") != 0; i++) {
        const char *arg = args[i];
        if (strncmp(arg, "--", 2) != 0 || strncmp(arg + 2, name, size) != 0)
            continue;
        if (arg[2 + size] == '=')
            value = arg + 2 + size + 1;
        else if (!arg[2 + size] && i + 1 < count)
            value = args[i + 1];
    }
    return value;
}

bool config_given(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config_table_size; i++)
        if (strcmp(config_table[i].name, name) == 0)
            return config->given[i];
    return false;
}
