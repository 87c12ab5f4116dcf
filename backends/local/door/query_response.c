#include "query_response.h"

#include "response.h"
#include "xml_writer.h"

enum { ERROR_MAX = 16 * 1024 };

void query_response_send(struct cloud_request *request, int status, struct buffer *xml)
{
    struct bytes body = xml->error ? bytes_borrow("", 0) : buffer_take(xml);
    struct http_header headers[] = {{"Content-Type", "text/xml"},
                                    {"x-amzn-RequestId", request->id}};
    request->status = xml->error ? 500 : status;
    buffer_free(xml);
    response_send(request, headers, 2, &body);
}

void query_response_error(struct cloud_request *request, const char *xml_namespace, int status,
                          const char *code, const char *text)
{
    struct buffer xml;
    buffer_init(&xml, ERROR_MAX);
    buffer_format(&xml, "<ErrorResponse xmlns=\"%s\"><Error>", xml_namespace);
    xml_element(&xml, "Type", status < 500 ? "Sender" : "Receiver");
    xml_element(&xml, "Code", code);
    xml_element(&xml, "Message", text);
    buffer_text(&xml, "</Error>");
    xml_element(&xml, "RequestId", request->id);
    buffer_text(&xml, "</ErrorResponse>");
    query_response_send(request, status, &xml);
}
