#include "bucket_versioning.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "objects.h"
#include "s3_xml.h"

static enum s3_error read_tree(const struct s3_xml_node *root, enum versioning *versioning,
                               char message[BUCKET_SETTING_MESSAGE_MAX])
{
    const char *code = s3_xml_child_text(root, "Status");
    const char *mfa = s3_xml_child_text(root, "MfaDelete");
    if (strcmp(root->name, "VersioningConfiguration") != 0)
        return S3_MALFORMED_XML;
    if (mfa && strcmp(mfa, "Disabled") != 0) {
        snprintf(message, BUCKET_SETTING_MESSAGE_MAX, "MfaDelete is not implemented.");
        return S3_NOT_IMPLEMENTED;
    }
    if (code && strcmp(code, "Enabled") == 0)
        *versioning = VERSIONING_ENABLED;
    else if (code && strcmp(code, "Suspended") == 0)
        *versioning = VERSIONING_SUSPENDED;
    else
        return code ? S3_MALFORMED_XML : S3_ILLEGAL_VERSIONING;
    return S3_OK;
}

static char *write_document(enum versioning versioning)
{
    struct buffer out;
    buffer_init(&out, 1024);
    s3_xml_begin(&out, "VersioningConfiguration");
    xml_element(&out, "Status", versioning == VERSIONING_ENABLED ? "Enabled" : "Suspended");
    xml_close(&out, "VersioningConfiguration");
    return buffer_take_text(&out);
}

enum s3_error bucket_versioning_read(struct slice document, struct bucket_setting *setting,
                                     char message[BUCKET_SETTING_MESSAGE_MAX])
{
    struct s3_xml_node *root = NULL;
    enum versioning *versioning = calloc(1, sizeof *versioning);
    setting->read = versioning;
    int code = versioning ? s3_xml_parse(document, &root, NULL) : ERR_MEMORY;
    if (code)
        return code == ERR_MEMORY ? S3_INTERNAL_ERROR : S3_MALFORMED_XML;
    enum s3_error error = read_tree(root, versioning, message);
    s3_xml_free(root);
    if (!error)
        setting->document = write_document(*versioning);
    return error;
}
