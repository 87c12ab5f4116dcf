#include "bucket_cors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "s3_xml.h"

enum { TEXTS_MAX = 1000, LINE_MAX_SIZE = 16 * 1024, AGE_MAX_DIGITS = 9 };

static void texts_free(struct cors_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++)
        free(texts->texts[i]);
    free(texts->texts);
}

void bucket_cors_free(void *read)
{
    struct cors *cors = read;
    for (size_t i = 0; i < cors->count; i++) {
        struct cors_rule *rule = &cors->rules[i];
        texts_free(&rule->origins);
        texts_free(&rule->methods);
        texts_free(&rule->headers);
        texts_free(&rule->exposed);
        free(rule->methods_line);
        free(rule->exposed_line);
    }
    free(cors);
}

/* Reading. */

static enum s3_error refuse(char *message, const char *format, const char *text)
{
    snprintf(message, BUCKET_SETTING_MESSAGE_MAX, format, text);
    return S3_INVALID_REQUEST;
}

static bool is_clean(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return false;
    }
    return true;
}

static enum s3_error add_text(struct cors_texts *texts, const char *text)
{
    if (texts->count == TEXTS_MAX || !*text || !is_clean(text))
        return S3_MALFORMED_XML;
    char **more = realloc(texts->texts, (texts->count + 1) * sizeof *more);
    if (!more)
        return S3_INTERNAL_ERROR;
    texts->texts = more;
    texts->texts[texts->count] = strdup(text);
    return texts->texts[texts->count++] ? S3_OK : S3_INTERNAL_ERROR;
}

static enum s3_error check_method(const char *text, char *message)
{
    static const char *const known[] = {"GET", "PUT", "POST", "DELETE", "HEAD"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(text, known[i]) == 0)
            return S3_OK;
    }
    return refuse(
        message, "Found unsupported HTTP method in CORS config. Unsupported method is %.60s", text);
}

static enum s3_error check_wildcard(const char *what, const char *text, char *message)
{
    const char *first = strchr(text, '*');
    if (!first || !strchr(first + 1, '*'))
        return S3_OK;
    snprintf(message, BUCKET_SETTING_MESSAGE_MAX,
             "%s \"%.100s\" can not have more than one wildcard.", what, text);
    return S3_INVALID_REQUEST;
}

static enum s3_error read_age(struct cors_rule *rule, const char *text)
{
    size_t size = strlen(text);
    if (!size || size > AGE_MAX_DIGITS || strspn(text, "0123456789") != size)
        return S3_MALFORMED_XML;
    rule->max_age_s = atoi(text);
    return S3_OK;
}

static enum s3_error read_member(struct cors_rule *rule, const struct s3_xml_node *node,
                                 char *message)
{
    enum s3_error error = S3_OK;
    if (strcmp(node->name, "AllowedOrigin") == 0) {
        error = check_wildcard("AllowedOrigin", node->text, message);
        return error ? error : add_text(&rule->origins, node->text);
    }
    if (strcmp(node->name, "AllowedHeader") == 0) {
        error = check_wildcard("AllowedHeader", node->text, message);
        return error ? error : add_text(&rule->headers, node->text);
    }
    if (strcmp(node->name, "AllowedMethod") == 0) {
        error = check_method(node->text, message);
        return error ? error : add_text(&rule->methods, node->text);
    }
    if (strcmp(node->name, "ExposeHeader") == 0) {
        if (strchr(node->text, '*'))
            return refuse(message,
                          "ExposeHeader \"%.100s\" contains wildcard. We currently do not support "
                          "wildcard for ExposeHeader.",
                          node->text);
        return add_text(&rule->exposed, node->text);
    }
    if (strcmp(node->name, "MaxAgeSeconds") == 0)
        return read_age(rule, node->text);
    return strcmp(node->name, "ID") == 0 && strlen(node->text) <= 255 ? S3_OK : S3_MALFORMED_XML;
}

static char *join(const struct cors_texts *texts)
{
    struct buffer out;
    buffer_init(&out, LINE_MAX_SIZE);
    buffer_text(&out, "");
    for (size_t i = 0; i < texts->count; i++)
        buffer_format(&out, "%s%s", i ? ", " : "", texts->texts[i]);
    return buffer_take_text(&out);
}

static enum s3_error read_rule(struct cors_rule *rule, const struct s3_xml_node *node,
                               char *message)
{
    enum s3_error error = strcmp(node->name, "CORSRule") == 0 ? S3_OK : S3_MALFORMED_XML;
    rule->max_age_s = -1;
    for (const struct s3_xml_node *member = node->first; member && !error; member = member->next)
        error = read_member(rule, member, message);
    if (error)
        return error;
    if (!rule->origins.count || !rule->methods.count)
        return S3_MALFORMED_XML;
    rule->methods_line = join(&rule->methods);
    rule->exposed_line = join(&rule->exposed);
    return rule->methods_line && rule->exposed_line ? S3_OK : S3_INTERNAL_ERROR;
}

static enum s3_error read_tree(struct cors *cors, const struct s3_xml_node *root, char *message)
{
    enum s3_error error = S3_OK;
    if (strcmp(root->name, "CORSConfiguration") != 0 || !root->first)
        return S3_MALFORMED_XML;
    for (const struct s3_xml_node *node = root->first; node && !error; node = node->next) {
        if (cors->count == CORS_RULES_MAX)
            return refuse(message,
                          "The number of CORS rules should not exceed allowed limit of %s "
                          "rules.",
                          "100");
        error = read_rule(&cors->rules[cors->count++], node, message);
    }
    return error;
}

enum s3_error bucket_cors_read(struct slice document, struct bucket_setting *setting,
                               char message[BUCKET_SETTING_MESSAGE_MAX])
{
    struct s3_xml_node *root = NULL;
    struct cors *cors = calloc(1, sizeof *cors);
    setting->read = cors;
    int code = cors ? s3_xml_parse(document, &root, NULL) : ERR_MEMORY;
    if (code)
        return code == ERR_MEMORY ? S3_INTERNAL_ERROR : S3_MALFORMED_XML;
    enum s3_error error = read_tree(cors, root, message);
    if (!error)
        setting->document = s3_xml_write(root);
    s3_xml_free(root);
    return error;
}

/* Matching. */

/* The pattern contains at most one '*'. */
static bool matches(const char *pattern, struct slice text, bool fold)
{
    int (*same)(const char *, const char *, size_t) = fold ? strncasecmp : strncmp;
    const char *star = strchr(pattern, '*');
    size_t size = strlen(pattern);
    if (!star)
        return size == text.size && same(pattern, text.data, size) == 0;
    size_t before = (size_t)(star - pattern), after = size - before - 1;
    return text.size >= before + after && same(pattern, text.data, before) == 0 &&
           same(star + 1, text.data + text.size - after, after) == 0;
}

static const char *find_match(const struct cors_texts *texts, struct slice text, bool fold)
{
    for (size_t i = 0; i < texts->count; i++) {
        if (matches(texts->texts[i], text, fold))
            return texts->texts[i];
    }
    return NULL;
}

static struct slice trimmed(struct slice text)
{
    while (text.size && (*text.data == ' ' || *text.data == '\t'))
        text = (struct slice){text.data + 1, text.size - 1};
    while (text.size && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
        text.size--;
    return text;
}

static bool headers_allowed(const struct cors_rule *rule, struct slice list)
{
    while (list.size) {
        const char *comma = memchr(list.data, ',', list.size);
        size_t size = comma ? (size_t)(comma - list.data) : list.size;
        struct slice name = trimmed((struct slice){list.data, size});
        if (name.size && !find_match(&rule->headers, name, true))
            return false;
        size += comma != NULL;
        list = (struct slice){list.data + size, list.size - size};
    }
    return true;
}

const struct cors_rule *cors_find(const struct cors *cors, struct slice origin, struct slice method,
                                  struct slice headers, bool *any)
{
    for (size_t i = 0; i < cors->count; i++) {
        const struct cors_rule *rule = &cors->rules[i];
        const char *allowed = find_match(&rule->origins, origin, false);
        if (!allowed || !find_match(&rule->methods, method, false) ||
            !headers_allowed(rule, headers))
            continue;
        *any = strcmp(allowed, "*") == 0;
        return rule;
    }
    return NULL;
}
