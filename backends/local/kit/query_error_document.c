#include "query_error_document.h"

#include "xml_writer.h"

int query_error_document_write(struct buffer *out, const struct query_error_document *error)
{
    if (error->declared)
        buffer_text(out, "<?xml version=\"1.0\"?>");
    if (error->xml_namespace)
        buffer_format(out, "<ErrorResponse xmlns=\"%s\"><Error>", error->xml_namespace);
    else
        buffer_text(out, "<ErrorResponse><Error>");
    xml_element(out, "Type", error->side);
    xml_element(out, "Code", error->code);
    xml_element(out, "Message", error->message);
    buffer_text(out, error->detail ? "<Detail/></Error>" : "</Error>");
    xml_element(out, "RequestId", error->id);
    return buffer_text(out, "</ErrorResponse>");
}
