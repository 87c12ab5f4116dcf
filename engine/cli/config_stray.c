/* Reports variables of the environment that look like settings and are none. */
#include <string.h>

#include "config_value.h"
#include "nearest.h"

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
            return out->injected = config_value_is_injected(value);
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
