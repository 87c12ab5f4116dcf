#include "bucket_tagging.h"

#include <stdio.h>
#include <stdlib.h>

#include "s3_tags.h"
#include "s3_xml.h"

enum { TEXT_MAX = 128 * 1024 };

/* Takes the tags; code: of reading them. */
static enum s3_error keep(int code, const struct error *error, char *tags,
                          struct bucket_setting *setting, char message[BUCKET_SETTING_MESSAGE_MAX])
{
    struct buffer out;
    setting->read = tags;
    if (code == ERR_INVALID) {
        snprintf(message, BUCKET_SETTING_MESSAGE_MAX, "%.250s", error->text);
        return S3_INVALID_TAG;
    }
    if (code)
        return code == ERR_MEMORY ? S3_INTERNAL_ERROR : S3_MALFORMED_XML;
    if (!*tags) { /* an empty set is none */
        free(tags);
        setting->read = NULL;
        return S3_OK;
    }
    buffer_init(&out, TEXT_MAX);
    s3_xml_begin(&out, "Tagging");
    xml_open(&out, "TagSet");
    s3_tags_to_xml(tags, &out);
    xml_close(&out, "TagSet");
    xml_close(&out, "Tagging");
    setting->document = buffer_take_text(&out);
    return S3_OK;
}

enum s3_error bucket_tagging_read(struct slice document, struct bucket_setting *setting,
                                  char message[BUCKET_SETTING_MESSAGE_MAX])
{
    struct error error = {0};
    char *tags = NULL;
    int code = s3_tags_from_xml(document, S3_BUCKET_TAGS_MAX, &tags, NULL, &error);
    return keep(code, &error, tags, setting, message);
}

enum s3_error bucket_tagging_keep(int code, const struct error *error, char *tags,
                                  struct bucket_setting *setting,
                                  char message[BUCKET_SETTING_MESSAGE_MAX])
{
    *setting = (struct bucket_setting){0};
    *message = '\0';
    enum s3_error result = keep(code, error, tags, setting, message);
    if (result)
        bucket_setting_clear(BUCKET_TAGGING, setting);
    return result;
}

enum s3_error bucket_tagging_read_list(const struct s3_xml_node *list,
                                       struct bucket_setting *setting,
                                       char message[BUCKET_SETTING_MESSAGE_MAX])
{
    struct error error = {0};
    char *tags = NULL;
    int code = s3_tags_from_list(list, S3_BUCKET_TAGS_MAX, &tags, &error);
    return bucket_tagging_keep(code, &error, tags, setting, message);
}
