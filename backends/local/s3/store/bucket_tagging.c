#include "bucket_tagging.h"

#include <stdio.h>
#include <stdlib.h>

#include "s3_tags.h"
#include "s3_xml.h"

enum { TEXT_MAX = 128 * 1024 };

enum s3_error bucket_tagging_read(struct slice document, struct bucket_setting *setting,
                                  char message[BUCKET_SETTING_MESSAGE_MAX])
{
    struct error error = {0};
    struct buffer out;
    char *tags = NULL;
    int code = s3_tags_from_xml(document, S3_BUCKET_TAGS_MAX, &tags, &error);
    setting->read = tags;
    if (code == ERR_INVALID) {
        snprintf(message, BUCKET_SETTING_MESSAGE_MAX, "%.250s", error.text);
        return S3_INVALID_TAG;
    }
    if (code)
        return code == ERR_MEMORY ? S3_INTERNAL_ERROR : S3_MALFORMED_XML;
    buffer_init(&out, TEXT_MAX);
    s3_xml_begin(&out, "Tagging");
    xml_open(&out, "TagSet");
    s3_tags_to_xml(tags, &out);
    xml_close(&out, "TagSet");
    xml_close(&out, "Tagging");
    setting->document = buffer_take_text(&out);
    return S3_OK;
}
