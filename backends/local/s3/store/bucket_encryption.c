#include "bucket_encryption.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "s3_xml.h"

enum { DOCUMENT_MAX = 8192, KEY_ID_MAX = 512 };

const char bucket_encryption_default[] =
    "<Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>"
    "</ApplyServerSideEncryptionByDefault><BucketKeyEnabled>false</BucketKeyEnabled></Rule>";

void bucket_encryption_free(void *data)
{
    struct bucket_encryption *encryption = data;
    free(encryption->algorithm);
    free(encryption->key);
    free(encryption);
}

bool bucket_encryption_is_algorithm(struct slice name)
{
    return slice_equal_text(name, "AES256") || bucket_encryption_is_kms(name);
}

bool bucket_encryption_is_kms(struct slice algorithm)
{
    return slice_equal_text(algorithm, "aws:kms") || slice_equal_text(algorithm, "aws:kms:dsse");
}

bool bucket_encryption_is_key(struct slice key)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:/_-";
    for (size_t i = 0; i < key.size; i++) {
        if (!key.data[i] || !strchr(allowed, key.data[i]))
            return false;
    }
    return key.size > 0 && key.size <= KEY_ID_MAX;
}

static bool is_blocked_list(const struct s3_xml_node *blocked)
{
    if (!blocked)
        return true;
    for (const struct s3_xml_node *type = blocked->first; type; type = type->next) {
        if (strcmp(type->name, "EncryptionType") != 0 ||
            (strcmp(type->text, "NONE") != 0 && strcmp(type->text, "SSE-C") != 0))
            return false;
    }
    return true;
}

static enum s3_error read_rule(const struct s3_xml_node *rule, struct bucket_encryption *out,
                               char message[BUCKET_SETTING_MESSAGE_MAX])
{
    const struct s3_xml_node *by_default = s3_xml_child(rule, "ApplyServerSideEncryptionByDefault");
    const char *algorithm = by_default ? s3_xml_child_text(by_default, "SSEAlgorithm") : NULL;
    const char *bucket_key = s3_xml_child_text(rule, "BucketKeyEnabled");
    if (!algorithm || !bucket_encryption_is_algorithm(slice_of(algorithm)) ||
        !is_blocked_list(s3_xml_child(rule, "BlockedEncryptionTypes")) ||
        (bucket_key && strcmp(bucket_key, "true") != 0 && strcmp(bucket_key, "false") != 0))
        return S3_MALFORMED_XML;
    const char *key = s3_xml_child_text(by_default, "KMSMasterKeyID");
    if (key && !bucket_encryption_is_kms(slice_of(algorithm))) {
        snprintf(message, BUCKET_SETTING_MESSAGE_MAX,
                 "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms "
                 "or aws:kms:dsse");
        return S3_INVALID_ARGUMENT;
    }
    if (key && !bucket_encryption_is_key(slice_of(key))) {
        snprintf(message, BUCKET_SETTING_MESSAGE_MAX, "Invalid KMS keyId");
        return S3_INVALID_ARGUMENT;
    }
    out->algorithm = strdup(algorithm);
    out->key = key ? strdup(key) : NULL;
    out->bucket_key = bucket_key && strcmp(bucket_key, "true") == 0;
    return out->algorithm && (!key || out->key) ? S3_OK : S3_INTERNAL_ERROR;
}

static void write_blocked(const struct s3_xml_node *blocked, struct buffer *out)
{
    if (!blocked)
        return;
    xml_open(out, "BlockedEncryptionTypes");
    for (const struct s3_xml_node *type = blocked->first; type; type = type->next)
        xml_element(out, "EncryptionType", type->text);
    xml_close(out, "BlockedEncryptionTypes");
}

static char *write_document(const struct s3_xml_node *rule,
                            const struct bucket_encryption *encryption)
{
    struct buffer out;
    buffer_init(&out, DOCUMENT_MAX);
    s3_xml_begin(&out, "ServerSideEncryptionConfiguration");
    xml_open(&out, "Rule");
    xml_open(&out, "ApplyServerSideEncryptionByDefault");
    xml_element(&out, "SSEAlgorithm", encryption->algorithm);
    if (encryption->key)
        xml_element(&out, "KMSMasterKeyID", encryption->key);
    xml_close(&out, "ApplyServerSideEncryptionByDefault");
    xml_element(&out, "BucketKeyEnabled", encryption->bucket_key ? "true" : "false");
    write_blocked(s3_xml_child(rule, "BlockedEncryptionTypes"), &out);
    xml_close(&out, "Rule");
    xml_close(&out, "ServerSideEncryptionConfiguration");
    return buffer_take_text(&out);
}

enum s3_error bucket_encryption_read(struct slice document, struct bucket_setting *setting,
                                     char message[BUCKET_SETTING_MESSAGE_MAX])
{
    struct s3_xml_node *root = NULL;
    struct bucket_encryption *encryption = calloc(1, sizeof *encryption);
    setting->read = encryption;
    int code = encryption ? s3_xml_parse(document, &root, NULL) : ERR_MEMORY;
    if (code)
        return code == ERR_MEMORY ? S3_INTERNAL_ERROR : S3_MALFORMED_XML;
    const struct s3_xml_node *rule = root->first;
    enum s3_error error = S3_MALFORMED_XML;
    if (strcmp(root->name, "ServerSideEncryptionConfiguration") == 0 && rule && !rule->next &&
        strcmp(rule->name, "Rule") == 0)
        error = read_rule(rule, encryption, message);
    if (!error)
        setting->document = write_document(rule, encryption);
    s3_xml_free(root);
    return error;
}
