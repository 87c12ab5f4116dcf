#include "ini.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "secret.h"

enum { NAME_MAX_SIZE = 256 };

struct parser {
    struct ini *ini;
    size_t line;
    char section[NAME_MAX_SIZE]; /* empty before the first section */
    char parent[NAME_MAX_SIZE];  /* the key whose nested block may follow; empty: none */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct slice trim(struct slice s)
{
    while (s.size && is_blank(s.data[0])) {
        s.data++;
        s.size--;
    }
    while (s.size && is_blank(s.data[s.size - 1]))
        s.size--;
    return s;
}

static int copy_name(char out[NAME_MAX_SIZE], struct slice text)
{
    if (text.size >= NAME_MAX_SIZE)
        return ERR_INVALID;
    memcpy(out, text.data, text.size);
    out[text.size] = '\0';
    return 0;
}

static void lower(char *text)
{
    for (; *text; text++) {
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text - 'A' + 'a');
    }
}

static int entry_add(const struct parser *p, const char *key, struct slice value)
{
    struct ini *ini = p->ini;
    if (ini->count == ini->capacity) {
        size_t capacity = ini->capacity ? 2 * ini->capacity : 16;
        struct ini_entry *entries = realloc(ini->entries, capacity * sizeof *entries);
        if (!entries)
            return ERR_MEMORY;
        ini->entries = entries;
        ini->capacity = capacity;
    }
    struct ini_entry *entry = &ini->entries[ini->count++];
    entry->line = p->line;
    entry->section = slice_dup(slice_of(p->section));
    entry->key = key ? slice_dup(slice_of(key)) : NULL;
    entry->value = slice_dup(value);
    return entry->section && entry->value && (entry->key || !key) ? 0 : ERR_MEMORY;
}

/* [profile dev] and [ profile "dev" ] both give "profile dev". */
static int section_parse(struct parser *p, struct slice line)
{
    const char *close = memchr(line.data, ']', line.size);
    if (!close)
        return ERR_INVALID;
    struct slice inner = trim((struct slice){line.data + 1, (size_t)(close - line.data) - 1});
    size_t word = 0;
    while (word < inner.size && !is_blank(inner.data[word]))
        word++;
    struct slice rest = trim((struct slice){inner.data + word, inner.size - word});
    if (rest.size >= 2 && rest.data[0] == '"' && rest.data[rest.size - 1] == '"')
        rest = (struct slice){rest.data + 1, rest.size - 2};
    if (inner.size == 0 || word + 1 + rest.size >= sizeof p->section)
        return ERR_INVALID;
    copy_name(p->section, (struct slice){inner.data, word});
    if (rest.size) {
        p->section[word] = ' ';
        memcpy(p->section + word + 1, rest.data, rest.size);
        p->section[word + 1 + rest.size] = '\0';
    }
    p->parent[0] = '\0';
    return entry_add(p, NULL, slice_of(NULL));
}

static void nested_key(const struct parser *p, const char *key, char out[2 * NAME_MAX_SIZE])
{
    size_t parent = strlen(p->parent), child = strlen(key);
    memcpy(out, p->parent, parent);
    out[parent] = '.';
    memcpy(out + parent + 1, key, child + 1);
}

static int pair_parse(struct parser *p, struct slice line, bool indented)
{
    const char *equals = memchr(line.data, '=', line.size);
    if (!equals || equals == line.data || !p->section[0])
        return ERR_INVALID;
    struct slice name = trim((struct slice){line.data, (size_t)(equals - line.data)});
    struct slice value =
        trim((struct slice){equals + 1, line.size - (size_t)(equals - line.data) - 1});
    char key[NAME_MAX_SIZE];
    if (copy_name(key, name))
        return ERR_INVALID;
    lower(key);
    if (indented && p->parent[0]) {
        char whole[2 * NAME_MAX_SIZE];
        nested_key(p, key, whole);
        return entry_add(p, whole, value);
    }
    if (value.size == 0)
        memcpy(p->parent, key, sizeof key);
    else
        p->parent[0] = '\0';
    return entry_add(p, key, value);
}

static int line_parse(struct parser *p, struct slice line)
{
    bool indented = line.size && is_blank(line.data[0]);
    line = trim(line);
    if (line.size == 0 || line.data[0] == '#' || line.data[0] == ';')
        return 0;
    if (line.data[0] == '[')
        return section_parse(p, line);
    return pair_parse(p, line, indented);
}

int ini_parse(struct ini *ini, struct slice text, size_t *bad_line)
{
    struct parser p = {.ini = ini};
    *bad_line = 0;
    if (slice_starts_with(text, "\xEF\xBB\xBF"))
        text = (struct slice){text.data + 3, text.size - 3};
    for (size_t at = 0; at < text.size;) {
        const char *newline = memchr(text.data + at, '\n', text.size - at);
        size_t size = newline ? (size_t)(newline - (text.data + at)) : text.size - at;
        p.line = ++*bad_line;
        int code = line_parse(&p, (struct slice){text.data + at, size});
        if (code)
            return code;
        at += size + 1;
    }
    return 0;
}

const char *ini_get(const struct ini *ini, const char *section, const char *key)
{
    for (size_t i = ini->count; i-- > 0;) {
        const struct ini_entry *entry = &ini->entries[i];
        if (entry->key && strcmp(entry->section, section) == 0 && strcmp(entry->key, key) == 0)
            return entry->value;
    }
    return NULL;
}

bool ini_has_section(const struct ini *ini, const char *section)
{
    for (size_t i = 0; i < ini->count; i++) {
        if (strcmp(ini->entries[i].section, section) == 0)
            return true;
    }
    return false;
}

void ini_free(struct ini *ini)
{
    for (size_t i = 0; i < ini->count; i++) {
        struct ini_entry *entry = &ini->entries[i];
        if (entry->value)
            secret_wipe(entry->value, strlen(entry->value));
        free(entry->section);
        free(entry->key);
        free(entry->value);
    }
    free(ini->entries);
    *ini = (struct ini){0};
}
