#include <string.h>

#include "schema_values.h"
#include "yaml_reader.h"

int schema_boolean(struct schema_reader *r, const struct schema_key *key,
                   const struct yaml_node *node, bool *out)
{
    if (node->kind != YAML_SCALAR || node->quoted)
        return schema_fail_type(r, key, node);
    *out = strcmp(node->text, "true") == 0;
    return *out || strcmp(node->text, "false") == 0 ? 0 : schema_fail_type(r, key, node);
}

int schema_choice(struct schema_reader *r, const struct schema_key *key,
                  const struct yaml_node *node, int *out)
{
    for (int i = 0; node->kind == YAML_SCALAR && key->choices[i]; i++) {
        if (strcmp(node->text, key->choices[i]) == 0) {
            *out = i;
            return 0;
        }
    }
    return schema_fail_type(r, key, node);
}

int schema_set(struct schema_reader *r, const struct schema_key *key, const struct yaml_node *node,
               int *out)
{
    const bool list = node->kind == YAML_LIST;
    *out = 0;
    for (const struct yaml_node *e = list ? node->children : node; e; e = list ? e->next : NULL) {
        int index = 0;
        int code = schema_choice(r, key, e, &index);
        if (code)
            return code;
        *out |= 1 << index;
    }
    return *out ? 0 : schema_fail_type(r, key, node);
}

int schema_word(struct schema_reader *r, const struct schema_key *key, const struct yaml_node *node,
                char **out)
{
    int index = 0;
    int code = schema_choice(r, key, node, &index);
    if (code)
        return code;
    *out = strdup(key->choices[index]);
    return *out ? 0 : schema_fail_memory(r);
}
