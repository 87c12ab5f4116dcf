#include "store_keys.h"

#include <string.h>
#include <strings.h>

#include "characters.h"
#include "utf8.h"
#include "yaml_reader.h"

/* S3 accepts 8 KB of headers in a request ("PutObject", S3 API Reference), of which the tags may
 * take a half. */
enum { TAGGING_MAX = 4096 };

static void fail_entry(struct schema_reader *r, const char *map, const struct yaml_node *entry,
                       const char *text)
{
    char name[SCHEMA_PATH_MAX];
    snprintf(name, sizeof name, "%s.%.60s", map, entry->name);
    schema_fail(r, entry->place, name, "%s", text);
}

static void fail_key(struct schema_reader *r, const struct yaml_node *node, const char *name,
                     const char *text)
{
    schema_fail(r, yaml_child(node, name)->place, name, "%s", text);
}

static bool is_printable(const char *text)
{
    while (*text >= ' ' && *text <= '~')
        text++;
    return *text == '\0';
}

static bool has_prefix(const char *text, const char *prefix)
{
    return strncasecmp(text, prefix, strlen(prefix)) == 0;
}

/* ---- tags ---- */

/* Letters of any script are allowed ("Categorizing your objects using tags", S3 User Guide). */
static bool has_tag_characters(const char *text)
{
    static const char allowed[] = LOWER UPPER DIGITS " +-=._:/@";
    for (; *text; text++) {
        if ((unsigned char)*text < 0x80 && !strchr(allowed, *text))
            return false;
    }
    return true;
}

static const char *tag_flaw(const struct object_pair *tag)
{
    if (!*tag->name || utf8_length(tag->name) > OBJECT_TAG_KEY_MAX)
        return "a tag's name must have 1 to 128 characters";
    if (utf8_length(tag->value) > OBJECT_TAG_VALUE_MAX)
        return "a tag's value must have at most 256 characters";
    if (has_prefix(tag->name, "aws:"))
        return "names that begin with aws: are reserved";
    if (!has_tag_characters(tag->name) || !has_tag_characters(tag->value))
        return "tags may contain letters, digits, spaces and + - = . _ : / @";
    return NULL;
}

static size_t encoded_size(const char *text)
{
    size_t size = 1; /* the separator */
    for (; *text; text++)
        size += strchr(LOWER UPPER DIGITS "-._~", *text) ? 1 : 3;
    return size;
}

static void check_tags(struct schema_reader *r, const struct config_pairs *tags,
                       const struct yaml_node *node)
{
    const struct yaml_node *entry = tags->count ? yaml_child(node, "tags")->children : NULL;
    size_t size = 0;
    for (size_t i = 0; entry; i++, entry = entry->next) {
        const char *flaw = tag_flaw(&tags->entries[i]);
        size += encoded_size(tags->entries[i].name) + encoded_size(tags->entries[i].value);
        if (flaw)
            fail_entry(r, "tags", entry, flaw);
    }
    if (size > TAGGING_MAX)
        fail_key(r, node, "tags", "more than 4096 bytes when URL-encoded, as they are sent");
}

/* ---- metadata ---- */

static const char *metadata_flaw(const struct object_pair *pair)
{
    size_t size = strlen(pair->value);
    if (!*pair->name || !is_made_of(pair->name, LOWER DIGITS "-_."))
        return "a name must contain only lowercase letters, digits, hyphens, underscores and dots";
    if (has_prefix(pair->name, "thumbwheel-"))
        return "names that begin with thumbwheel- are reserved";
    if (!is_printable(pair->value))
        return "must be printable ASCII, because it is sent in a header";
    if (size && (pair->value[0] == ' ' || pair->value[size - 1] == ' '))
        return "must not begin or end with a space, which a header does not keep";
    return NULL;
}

static void check_metadata(struct schema_reader *r, const struct config_pairs *metadata,
                           const struct yaml_node *node)
{
    const struct yaml_node *entry = metadata->count ? yaml_child(node, "metadata")->children : NULL;
    size_t size = 0;
    for (size_t i = 0; entry; i++, entry = entry->next) {
        const char *flaw = metadata_flaw(&metadata->entries[i]);
        size += strlen(metadata->entries[i].name) + strlen(metadata->entries[i].value);
        if (flaw)
            fail_entry(r, "metadata", entry, flaw);
    }
    if (size > OBJECT_METADATA_MAX)
        fail_key(r, node, "metadata",
                 "more than 1024 bytes of names and values: S3 allows 2 KB, and every output also "
                 "records its source");
}

/* ---- headers ---- */

static void check_encryption(struct schema_reader *r, const struct output_config *output,
                             const struct yaml_node *node)
{
    if (!output->kms_key)
        return;
    if (!output->sse || !has_prefix(output->sse, "aws:kms"))
        fail_key(r, node, "kms_key", "needs sse: aws:kms or aws:kms:dsse");
    if (!is_made_of(output->kms_key, LOWER UPPER DIGITS ":/_-"))
        fail_key(r, node, "kms_key",
                 "must be the id, alias (alias/…) or ARN of a key: letters, digits and : / _ -");
}

/* Other types are treated as attachments (RFC 6266), and a name of one could be that of another
 * request (aws_validity.h). */
static bool is_disposition(const char *text)
{
    static const char *const types[] = {"inline", "attachment"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        const char *rest = text + strlen(types[i]);
        if (has_prefix(text, types[i]))
            return rest[strspn(rest, " ")] == '\0' || rest[strspn(rest, " ")] == ';';
    }
    return false;
}

static void check_headers(struct schema_reader *r, const struct output_config *output,
                          const struct yaml_node *node)
{
    const char *disposition = output->content_disposition;
    if (output->cache_control && !is_printable(output->cache_control))
        fail_key(r, node, "cache_control", "must be printable ASCII, because it is a header");
    if (!disposition)
        return;
    if (!is_printable(disposition))
        fail_key(r, node, "content_disposition",
                 "must be printable ASCII; other characters of a file name are written as "
                 "filename*=UTF-8''… (RFC 6266)");
    else if (!is_disposition(disposition))
        fail_key(r, node, "content_disposition",
                 "must be inline or attachment, with parameters after a semicolon");
    else if (strpbrk(disposition, "{}"))
        fail_key(r, node, "content_disposition", "placeholders are not expanded here");
}

void store_keys_check(struct schema_reader *r, const struct output_config *output,
                      const struct yaml_node *node)
{
    check_headers(r, output, node);
    check_encryption(r, output, node);
    check_tags(r, &output->tags, node);
    check_metadata(r, &output->metadata, node);
}

void store_keys_set(struct output_config *output)
{
    output->settings = (struct object_settings){
        .cache_control = output->cache_control,
        .content_disposition = output->content_disposition,
        .sse = output->sse,
        .kms_key = output->kms_key,
        .storage_class = output->storage_class,
        .acl = output->acl,
        .metadata = output->metadata.entries,
        .metadata_count = output->metadata.count,
        .tags = output->tags.entries,
        .tag_count = output->tags.count,
    };
}
