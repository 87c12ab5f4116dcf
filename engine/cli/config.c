#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config_table.h"
#include "files.h"
#include "input_formats.h"
#include "nearest.h"
#include "units.h"

static void *place_of(struct config *config, const struct setting *s)
{
    return (char *)config + s->member.offset;
}

static void number_store(void *place, enum config_member_type type, uint64_t number)
{
    if (type == MEMBER_BOOL)
        *(bool *)place = number != 0;
    else if (type == MEMBER_UNSIGNED)
        *(unsigned *)place = (unsigned)number; /* the row's bounds fit */
    else
        *(uint64_t *)place = number;
}

/* ---- values ---- */

struct bound_unit {
    uint64_t size;
    const char *name;
};

static const struct bound_unit milliseconds[] = {{3600000, "h"}, {1000, "s"}, {1, "ms"}},
                               seconds[] = {{86400, "d"}, {3600, "h"}, {1, "s"}},
                               bytes[] = {{GIB, "G"}, {MIB, "M"}, {1, ""}},
                               counts[] = {{1000000000, "G"}, {1, ""}}, plain[] = {{1, ""}};

/* The largest unit comes first, 1 last. */
static const struct bound_unit *units_of(enum config_type type)
{
    switch (type) {
    case TYPE_TIME:
        return milliseconds;
    case TYPE_SECONDS:
        return seconds;
    case TYPE_BYTES:
        return bytes;
    case TYPE_COUNT:
        return counts;
    default:
        return plain;
    }
}

/* The bounds in the units of the type, for messages. */
static void bound_format(const struct setting *s, uint64_t value, char *out, size_t size)
{
    const struct bound_unit *unit = units_of(s->type);
    if (value == 0 && s->type == TYPE_TIME)
        unit = seconds; /* of zero, seconds are the usual unit */
    while (unit->size > 1 && (value < unit->size || value % unit->size != 0))
        unit++;
    snprintf(out, size, "%llu%s", (unsigned long long)(value / unit->size), unit->name);
}

static const char *example_of(const struct setting *s)
{
    switch (s->type) {
    case TYPE_BYTES:
        return ", for example 64M";
    case TYPE_TIME:
        return ", for example 2s or 500ms";
    case TYPE_SECONDS:
        return " in whole seconds, for example 20s";
    default:
        return "";
    }
}

static int bad_number(const struct setting *s, const char *source, const char *value,
                      struct error *error)
{
    char min[32], max[32];
    bound_format(s, s->min, min, sizeof min);
    bound_format(s, s->max, max, sizeof max);
    return error_set(error, ERR_INVALID, "%s: \"%s\" is not allowed; give a %s from %s to %s%s",
                     source, value,
                     s->type == TYPE_BYTES                             ? "size"
                     : s->type == TYPE_TIME || s->type == TYPE_SECONDS ? "time"
                                                                       : "number",
                     min, max, example_of(s));
}

static int number_parse(const struct setting *s, const char *value, uint64_t *out)
{
    switch (s->type) {
    case TYPE_BYTES:
        return units_parse_bytes(value, out);
    case TYPE_TIME:
    case TYPE_SECONDS:
        return units_parse_time(value, out);
    case TYPE_COUNT:
        return units_parse_count(value, out);
    default:
        if (value[strspn(value, "0123456789")])
            return ERR_INVALID;
        return units_parse_count(value, out);
    }
}

static int number_set(const struct setting *s, const char *source, const char *value, void *place,
                      struct error *error)
{
    const uint64_t unit = s->type == TYPE_SECONDS ? 1000 : 1;
    uint64_t number;
    if (number_parse(s, value, &number) || number % unit || number / unit < s->min ||
        number / unit > s->max)
        return bad_number(s, source, value, error);
    number_store(place, s->member.type, number / unit);
    return 0;
}

static int choice_set(const struct setting *s, const char *source, const char *value, void *place,
                      struct error *error)
{
    size_t length = strlen(value);
    uint64_t index = 0;
    for (const char *p = s->value; p; index++) {
        const char *end = strchrnul(p, '|');
        if ((size_t)(end - p) == length && strncmp(p, value, length) == 0) {
            number_store(place, s->member.type, index);
            return 0;
        }
        p = *end ? end + 1 : NULL;
    }
    return error_set(error, ERR_INVALID, "%s: \"%s\" is not allowed; give one of %s", source, value,
                     s->value);
}

static int switch_set(const char *source, const char *value, bool *out, struct error *error)
{
    static const char *const yes[] = {"1", "true", "yes", "on"}, *const no[] = {"0", "false", "no",
                                                                                "off"};
    for (size_t i = 0; i < 4; i++) {
        bool is_yes = strcasecmp(value, yes[i]) == 0;
        if (is_yes || strcasecmp(value, no[i]) == 0) {
            *out = is_yes;
            return 0;
        }
    }
    return error_set(error, ERR_INVALID, "%s: \"%s\" is not allowed; give yes or no", source,
                     value);
}

static bool is_path(const struct setting *s)
{
    return s->value && (strstr(s->value, "DIR") || strstr(s->value, "FILE"));
}

static int text_set(const struct setting *s, const char *source, const char *value,
                    const char **out, struct error *error)
{
    if (!*value)
        return error_set(error, ERR_INVALID,
                         "%s: the value is empty; leave the setting out, or give one", source);
    char *copy = is_path(s) ? path_normal(value) : strdup(value);
    if (!copy)
        return error_set(error, ERR_MEMORY, "out of memory");
    free((char *)*out);
    *out = copy;
    return 0;
}

/* A list in an environment variable replaces the default; repeated flags add up, and replace the
 * environment's list. */
static int list_set(const struct setting *s, const char *source, const char *value, bool split,
                    struct text_list *list, struct error *error)
{
    for (const char *p = value; p;) {
        const char *end = split ? strchrnul(p, ':') : p + strlen(p);
        if (end == p)
            return error_set(error, ERR_INVALID, "%s: the value is empty; give %s", source,
                             is_path(s) ? "a file or directory" : s->value);
        char *item = strndup(p, (size_t)(end - p));
        char *path = item && is_path(s) ? path_normal(item) : NULL;
        if (is_path(s))
            free(item);
        if (text_list_take(list, is_path(s) ? path : item))
            return error_set(error, ERR_MEMORY, "out of memory");
        p = *end ? end + 1 : NULL;
    }
    return 0;
}

static int formats_set(const struct setting *s, const char *source, const char *value, void *place,
                       struct error *error)
{
    struct error why;
    unsigned set = 0;
    int code = input_formats_parse(value, &set, &why);
    if (code)
        return error_set(error, code, "%s: %s", source, why.text);
    number_store(place, s->member.type, set);
    return 0;
}

static int value_set(struct config *config, const struct setting *s, const char *source,
                     const char *value, bool split, struct error *error)
{
    void *place = place_of(config, s);
    switch (s->type) {
    case TYPE_SWITCH:
        return switch_set(source, value, place, error);
    case TYPE_TEXT:
        return text_set(s, source, value, place, error);
    case TYPE_LIST:
        return list_set(s, source, value, split, place, error);
    case TYPE_FORMATS:
        return formats_set(s, source, value, place, error);
    case TYPE_CHOICE:
        return choice_set(s, source, value, place, error);
    default:
        return number_set(s, source, value, place, error);
    }
}

/* ---- sources of values ---- */

static int read_defaults(struct config *config, struct error *error)
{
    for (size_t i = 0; i < config_table_size; i++) {
        const struct setting *s = &config_table[i];
        if (!s->standard)
            continue;
        int code = value_set(config, s, s->name, s->standard, false, error);
        if (code)
            return code;
    }
    return 0;
}

/* Kubernetes sets these variables in every container of a namespace that has a Service named
 * "thumbwheel". */
static bool value_is_injected(const char *value)
{
    return strncmp(value, "tcp://", 6) == 0 || strncmp(value, "udp://", 6) == 0;
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
        if (!value || !*value || value_is_injected(value))
            continue;
        int code = value_set(config, s, name, value, true, error);
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
        text_list_clear(place_of(r->config, s));
    r->flagged[row] = true;
    r->config->given[row] = true;
    return value_set(r->config, s, source, value, false, r->error);
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
        void *place = place_of(config, &config_table[i]);
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

static const char prefix[] = "THUMBWHEEL_";

static bool is_of_a_service(const char *name)
{
    const char *rest = name + sizeof prefix - 1;
    return strncmp(rest, "SERVICE_", 8) == 0 || strncmp(rest, "PORT_", 5) == 0;
}

/* Whether the variable must be reported; *out contains the reason. */
static bool is_stray(const char *name, const char *value, struct config_stray *out)
{
    static char variables[CONFIG_SETTINGS_MAX][CONFIG_VARIABLE_MAX];
    const char *names[CONFIG_SETTINGS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < config_table_size; i++) {
        if (config_table[i].action)
            continue;
        config_variable_name(&config_table[i], variables[count]);
        names[count] = variables[count] + sizeof prefix - 1;
        if (strcmp(variables[count++], name) == 0)
            return out->injected = value_is_injected(value);
    }
    const char *near = nearest_name(name + sizeof prefix - 1, names, count);
    out->meant = near ? near - (sizeof prefix - 1) : NULL;
    return !is_of_a_service(name);
}

bool config_stray_next(char *const **environment, struct config_stray *out)
{
    for (; **environment; ++*environment) {
        const char *variable = **environment;
        size_t size = strcspn(variable, "=");
        *out = (struct config_stray){.meant = NULL};
        if (strncmp(variable, prefix, sizeof prefix - 1) != 0 || variable[size] != '=')
            continue;
        snprintf(out->name, sizeof out->name, "%.*s", (int)size, variable);
        if (!is_stray(out->name, variable + size + 1, out))
            continue;
        ++*environment;
        return true;
    }
    return false;
}
