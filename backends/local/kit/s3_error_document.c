#include "s3_error_document.h"

#include "xml_writer.h"

void s3_error_document_write(struct buffer *out, const struct s3_error_document *document)
{
    buffer_text(out, XML_DECLARATION "\n<Error>");
    xml_element(out, "Code", document->code);
    xml_element(out, "Message", document->message);
    buffer_append(out, document->elements.data, document->elements.size);
    xml_element(out, "RequestId", document->id);
    xml_element(out, "HostId", document->id);
    buffer_text(out, "</Error>");
}
