#include "bucket_public_access.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "s3_xml.h"

enum { DOCUMENT_MAX = 4096 };

static bool read_flag(const struct s3_xml_node *root, const char *name, bool *flag)
{
    const char *text = s3_xml_child_text(root, name);
    *flag = text && (strcmp(text, "true") == 0 || strcmp(text, "TRUE") == 0);
    return !text || *flag || strcmp(text, "false") == 0 || strcmp(text, "FALSE") == 0;
}

static enum s3_error read_tree(const struct s3_xml_node *root, struct bucket_public_access *out,
                               char message[BUCKET_SETTING_MESSAGE_MAX])
{
    if (strcmp(root->name, "PublicAccessBlockConfiguration") != 0 ||
        !read_flag(root, "BlockPublicAcls", &out->block_acls) ||
        !read_flag(root, "IgnorePublicAcls", &out->ignore_acls) ||
        !read_flag(root, "BlockPublicPolicy", &out->block_policy) ||
        !read_flag(root, "RestrictPublicBuckets", &out->restrict_buckets))
        return S3_MALFORMED_XML;
    if (root->first)
        return S3_OK;
    snprintf(message, BUCKET_SETTING_MESSAGE_MAX, "Must specify at least one configuration.");
    return S3_INVALID_REQUEST;
}

static void write_flag(struct buffer *out, const char *name, bool flag)
{
    xml_element(out, name, flag ? "true" : "false");
}

static char *write_document(const struct bucket_public_access *access)
{
    struct buffer out;
    buffer_init(&out, DOCUMENT_MAX);
    s3_xml_begin(&out, "PublicAccessBlockConfiguration");
    write_flag(&out, "BlockPublicAcls", access->block_acls);
    write_flag(&out, "IgnorePublicAcls", access->ignore_acls);
    write_flag(&out, "BlockPublicPolicy", access->block_policy);
    write_flag(&out, "RestrictPublicBuckets", access->restrict_buckets);
    xml_close(&out, "PublicAccessBlockConfiguration");
    return buffer_take_text(&out);
}

enum s3_error bucket_public_access_read(struct slice document, struct bucket_setting *setting,
                                        char message[BUCKET_SETTING_MESSAGE_MAX])
{
    struct s3_xml_node *root = NULL;
    struct bucket_public_access *access = calloc(1, sizeof *access);
    setting->read = access;
    int code = access ? s3_xml_parse(document, &root, NULL) : ERR_MEMORY;
    if (code)
        return code == ERR_MEMORY ? S3_INTERNAL_ERROR : S3_MALFORMED_XML;
    enum s3_error error = read_tree(root, access, message);
    s3_xml_free(root);
    if (!error)
        setting->document = write_document(access);
    return error;
}

enum s3_error bucket_public_access_block(struct bucket_setting *setting)
{
    static const struct bucket_public_access all = {true, true, true, true};
    char message[BUCKET_SETTING_MESSAGE_MAX];
    char *document = write_document(&all);
    if (!document)
        return S3_INTERNAL_ERROR;
    enum s3_error error =
        bucket_setting_read(BUCKET_PUBLIC_ACCESS, slice_of(document), setting, message);
    free(document);
    return error;
}
