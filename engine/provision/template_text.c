#include "template_text.h"

#include <string.h>

void template_indent(struct buffer *out, unsigned indent)
{
    buffer_format(out, "%*s", (int)indent, "");
}

void template_comment(struct buffer *out, const char *text, unsigned indent)
{
    while (*text) {
        size_t size = strcspn(text, "\n");
        template_indent(out, indent);
        buffer_format(out, "#%s%.*s\n", size ? " " : "", (int)size, text);
        text += size + (text[size] == '\n');
    }
}

const char *template_output_words(const struct provision_resource *resource)
{
    if (resource->kind == PROVISION_BUCKET)
        return resource->output ? "Bucket of outputs" : "Bucket of the photos";
    if (resource->kind == PROVISION_TOPIC)
        return resource->notify ? "Topic of notifications" : "Topic of new photos";
    if (resource->notify)
        return "Queue of notifications";
    return resource->dead_letters ? "Dead-letter queue" : "Queue";
}

const char *template_name_words(const struct provision_resource *bucket)
{
    return bucket->output ? "Bucket of outputs; the pipeline files name it, too"
                          : "Bucket of the photos; the pipelines' match must accept it";
}
