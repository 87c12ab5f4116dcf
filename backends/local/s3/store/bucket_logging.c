#include "bucket_logging.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "s3_xml.h"

void bucket_logging_free(void *data)
{
    struct bucket_logging *logging = data;
    free(logging->target);
    free(logging);
}

/* Exactly one of the two formats. */
static bool is_key_format(const struct s3_xml_node *format)
{
    const struct s3_xml_node *kind = format->first;
    if (!kind || kind->next)
        return false;
    if (strcmp(kind->name, "SimplePrefix") == 0)
        return true;
    const char *source = s3_xml_child_text(kind, "PartitionDateSource");
    return strcmp(kind->name, "PartitionedPrefix") == 0 && source &&
           (strcmp(source, "EventTime") == 0 || strcmp(source, "DeliveryTime") == 0);
}

static enum s3_error read_enabled(const struct s3_xml_node *enabled, struct bucket_logging *out,
                                  char message[BUCKET_SETTING_MESSAGE_MAX])
{
    const char *target = s3_xml_child_text(enabled, "TargetBucket");
    const struct s3_xml_node *format = s3_xml_child(enabled, "TargetObjectKeyFormat");
    if (!target || !s3_xml_child_text(enabled, "TargetPrefix") ||
        (format && !is_key_format(format)))
        return S3_MALFORMED_XML;
    if (s3_xml_child(enabled, "TargetGrants")) {
        snprintf(message, BUCKET_SETTING_MESSAGE_MAX, "TargetGrants is not implemented.");
        return S3_NOT_IMPLEMENTED;
    }
    out->target = strdup(target);
    return out->target ? S3_OK : S3_INTERNAL_ERROR;
}

enum s3_error bucket_logging_read(struct slice document, struct bucket_setting *setting,
                                  char message[BUCKET_SETTING_MESSAGE_MAX])
{
    struct s3_xml_node *root = NULL;
    struct bucket_logging *logging = calloc(1, sizeof *logging);
    setting->read = logging;
    int code = logging ? s3_xml_parse(document, &root, NULL) : ERR_MEMORY;
    if (code)
        return code == ERR_MEMORY ? S3_INTERNAL_ERROR : S3_MALFORMED_XML;
    const struct s3_xml_node *enabled = s3_xml_child(root, "LoggingEnabled");
    enum s3_error error = strcmp(root->name, "BucketLoggingStatus") == 0 ? S3_OK : S3_MALFORMED_XML;
    if (!error && enabled)
        error = read_enabled(enabled, logging, message);
    if (!error)
        setting->document = s3_xml_write(root);
    s3_xml_free(root);
    return error;
}
