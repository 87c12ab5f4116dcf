#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "characters.h"
#include "key_template.h"
#include "schema_values.h"
#include "text_template.h"
#include "yaml_reader.h"

/* They would end a header, and no service accepts them in a name. */
static bool has_control(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return true;
    }
    return false;
}

/* Lines and tabs are all that a message may contain of them. */
static bool has_control_of(enum schema_type type, const char *text)
{
    for (; type == SCHEMA_MESSAGE && *text; text++) {
        if (((unsigned char)*text < ' ' && *text != '\n' && *text != '\t') || *text == 0x7f)
            return true;
    }
    return type != SCHEMA_MESSAGE && has_control(text);
}

static int fail_control(struct schema_reader *r, const struct schema_key *key,
                        const struct yaml_node *node)
{
    return schema_fail(r, node->place, key->name,
                       "must not contain line breaks or other control characters");
}

static bool is_arn(const char *text)
{
    return strncmp(text, "arn:", 4) == 0;
}

static bool is_access_point(const char *text)
{
    enum { ACCOUNT_DIGITS = 12 };
    char region[64], account[ACCOUNT_DIGITS + 1], name[51];
    int size = 0;
    return sscanf(text, "arn:%*[a-z-]:s3:%63[a-z0-9-]:%12[0-9]:accesspoint%*1[/:]%50[a-z0-9-]%n",
                  region, account, name, &size) == 3 &&
           strlen(account) == ACCOUNT_DIGITS && text[size] == '\0';
}

static bool is_bucket_name(const char *text)
{
    enum { NAME_LEAST = 3, NAME_MOST = 63 };
    const size_t size = strlen(text);
    return size >= NAME_LEAST && size <= NAME_MOST && is_made_of(text, LOWER DIGITS ".-_");
}

static int check_notice(struct schema_reader *r, const struct schema_key *key,
                        const struct yaml_node *node)
{
    struct error inner = {0};
    if (text_template_check(node->text, notify_part_names, NOTIFY_PART_COUNT, &inner))
        return schema_fail(r, node->place, key->name, "%s", inner.text);
    for (const char *c = node->text; key->type == SCHEMA_SUBJECT && *c; c++) {
        if (*c & 0x80)
            return schema_fail(r, node->place, key->name,
                               "must be ASCII, because SNS accepts no other subject");
    }
    return 0;
}

static int check_text(struct schema_reader *r, const struct schema_key *key,
                      const struct yaml_node *node)
{
    struct error inner = {0};
    if ((double)strlen(node->text) > key->max)
        return schema_fail(r, node->place, key->name, "longer than %g bytes", key->max);
    if (has_control_of(key->type, node->text))
        return fail_control(r, key, node);
    if (key->type == SCHEMA_NAME && !is_made_of(node->text, LOWER UPPER DIGITS "._-"))
        return schema_fail(r, node->place, key->name,
                           "must contain only letters, digits, dots, hyphens and underscores");
    if (key->type == SCHEMA_TARGET && is_arn(node->text) && !is_access_point(node->text))
        return schema_fail(r, node->place, key->name,
                           "not the ARN of an access point, "
                           "arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME");
    const bool is_name = key->type == SCHEMA_BUCKET || key->type == SCHEMA_TARGET;
    if (is_name && !(key->type == SCHEMA_TARGET && is_arn(node->text)) &&
        !is_bucket_name(node->text))
        return schema_fail(
            r, node->place, key->name,
            "a bucket name must have 3 to 63 lowercase letters, digits, dots and hyphens");
    if (key->type == SCHEMA_TEMPLATE && key_template_check(node->text, &inner))
        return schema_fail(r, node->place, key->name, "%s", inner.text);
    if (key->type == SCHEMA_SUBJECT || key->type == SCHEMA_MESSAGE)
        return check_notice(r, key, node);
    return 0;
}

int schema_text(struct schema_reader *r, const struct schema_key *key, const struct yaml_node *node,
                char **out)
{
    if (node->kind != YAML_SCALAR || !*node->text)
        return schema_fail_type(r, key, node);
    int code = check_text(r, key, node);
    if (code)
        return code;
    *out = strdup(node->text);
    return *out ? 0 : schema_fail_memory(r);
}

static int read_entry(struct schema_reader *r, const struct schema_key *key,
                      const struct yaml_node *entry, struct config_texts *out)
{
    if (entry->kind != YAML_SCALAR || (!entry->quoted && !*entry->text))
        return schema_fail_type(r, key, entry);
    if (strlen(entry->text) > OBJECT_KEY_MAX)
        return schema_fail(r, entry->place, key->name, "longer than a key may be");
    if (has_control(entry->text))
        return fail_control(r, key, entry);
    if (!(out->entries[out->count] = strdup(entry->text)))
        return schema_fail_memory(r);
    out->count++;
    return 0;
}

int schema_texts(struct schema_reader *r, const struct schema_key *key,
                 const struct yaml_node *node, struct config_texts *out)
{
    const struct yaml_node *entry = node->kind == YAML_LIST ? node->children : node;
    size_t count = 0;
    int code = 0;
    if (node->kind == YAML_MAP)
        return schema_fail_type(r, key, node);
    for (const struct yaml_node *e = entry; e; e = node->kind == YAML_LIST ? e->next : NULL)
        count++;
    if (count == 0 || (double)count > key->max)
        return schema_fail(r, node->place, key->name,
                           "expected a list of 1 to %g strings, found %zu", key->max, count);
    out->entries = calloc(count, sizeof *out->entries);
    if (!out->entries)
        return schema_fail_memory(r);
    for (; count && !schema_code_is_final(code); count--, entry = entry->next)
        schema_keep_code(&code, read_entry(r, key, entry, out));
    return code;
}

static int read_pair(struct schema_reader *r, const struct schema_key *key,
                     const struct yaml_node *node, struct object_pair *out)
{
    char name[SCHEMA_PATH_MAX];
    const struct schema_key inner = {.name = name, .type = SCHEMA_TEXT};
    snprintf(name, sizeof name, "%s.%.60s", key->name, node->name);
    if (node->kind != YAML_SCALAR || (!node->quoted && !*node->text))
        return schema_fail_type(r, &inner, node);
    if (has_control(node->name) || has_control(node->text))
        return fail_control(r, &inner, node);
    out->name = strdup(node->name);
    out->value = strdup(node->text);
    return out->name && out->value ? 0 : schema_fail_memory(r);
}

int schema_pairs(struct schema_reader *r, const struct schema_key *key,
                 const struct yaml_node *node, struct config_pairs *out)
{
    size_t count = 0;
    int code = 0;
    for (const struct yaml_node *e = node->children; e; e = e->next)
        count++;
    if (node->kind != YAML_MAP)
        return schema_fail_type(r, key, node);
    if (count == 0 || (double)count > key->max)
        return schema_fail(r, node->place, key->name, "expected 1 to %g entries, found %zu",
                           key->max, count);
    out->entries = calloc(count, sizeof *out->entries);
    if (!out->entries)
        return schema_fail_memory(r);
    for (const struct yaml_node *e = node->children; e && !schema_code_is_final(code); e = e->next)
        schema_keep_code(&code, read_pair(r, key, e, &out->entries[out->count++]));
    return code;
}
