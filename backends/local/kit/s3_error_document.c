#include "s3_error_document.h"

#include "xml_tree.h"

static void element(struct buffer *out, const char *name, struct slice text)
{
    buffer_format(out, "<%s>", name);
    xml_text(out, text);
    buffer_format(out, "</%s>", name);
}

void s3_error_document_write(struct buffer *out, const struct s3_error_document *document)
{
    buffer_text(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
    xml_element(out, "Code", document->code);
    xml_element(out, "Message", document->message);
    if (document->bucket && *document->bucket)
        xml_element(out, "BucketName", document->bucket);
    if (document->key && *document->key)
        xml_element(out, "Key", document->key);
    element(out, "Resource", document->resource);
    xml_element(out, "RequestId", document->id);
    xml_element(out, "HostId", document->id);
    buffer_text(out, "</Error>");
}
