#include <expat.h>

#include "call_model.h"

unsigned call_status(struct slice response)
{
    return response.size > 12 ? (unsigned)strtoul(response.data + 9, NULL, 10) : 0;
}

static size_t head_size(struct slice response)
{
    const char *end = response.size ? memmem(response.data, response.size, "\r\n\r\n", 4) : NULL;
    require(end);
    return (size_t)(end - response.data) + 4;
}

struct slice call_body(struct slice response)
{
    size_t head = head_size(response);
    return (struct slice){response.data + head, response.size - head};
}

struct slice call_header(struct slice response, const char *name)
{
    struct slice rest = {response.data, head_size(response)};
    fuzz_line(&rest);
    while (rest.size) {
        struct slice value = fuzz_line(&rest), found = fuzz_cut(&value, ':');
        if (found.size == strlen(name) && !strncasecmp(found.data, name, found.size) &&
            value.size > 1)
            return (struct slice){value.data + 1,
                                  value.size - 2}; /* without the space and the CR */
    }
    return (struct slice){"", 0};
}

static bool has_text(struct slice text, const char *part)
{
    return text.size && memmem(text.data, text.size, part, strlen(part));
}

static void check_length(const struct exchanged *e, unsigned status)
{
    struct slice stated = call_header(e->response, "content-length");
    bool bodyless = slice_equal_text(e->request->method, "HEAD") || status == 204 || status == 304;
    if (bodyless)
        require(!call_body(e->response).size);
    else if (stated.size)
        require(strtoul(stated.data, NULL, 10) == call_body(e->response).size);
    else
        require(has_text(call_header(e->response, "transfer-encoding"), "chunked"));
}

static void check_xml(struct slice body)
{
    XML_Parser parser = XML_ParserCreate(NULL);
    require(parser);
    /* As S3 does, a control character is written as a reference, which XML 1.0 forbids. */
    if (XML_Parse(parser, body.data, (int)body.size, 1) != XML_STATUS_OK &&
        XML_GetErrorCode(parser) != XML_ERROR_BAD_CHAR_REF) {
        fprintf(stderr, "not XML: %.*s\n", (int)body.size, body.data);
        abort();
    }
    XML_ParserFree(parser);
}

static void check_json(struct slice body, bool failed)
{
    json_t *json = json_loadb(body.data, body.size, JSON_REJECT_DUPLICATES, NULL);
    require(json_is_object(json));
    require(!failed || json_is_string(json_object_get(json, "__type")));
    json_decref(json);
}

static void check_body(const struct exchanged *e, unsigned status)
{
    struct slice body = call_body(e->response);
    bool failed = status >= 400;
    if (!body.size) {
        require(!failed || slice_equal_text(e->request->method, "HEAD"));
    } else if (e->protocol < CALL_SNS) {
        check_json(body, failed);
    } else if (e->protocol < CALL_S3 || failed) {
        check_xml(body);
        require(!failed || has_text(body, "<Code>"));
    } else if (has_text(call_header(e->response, "content-type"), "xml") &&
               !has_text(call_header(e->response, "transfer-encoding"), "chunked")) {
        check_xml(body);
    }
}

void call_check(const struct exchanged *e)
{
    if (!e->response.size)
        return;
    unsigned status = call_status(e->response);
    require(status >= 200 && status < 600 && status != 500 && status != 503);
    if (!call_header(e->response, "x-amzn-requestid").size &&
        !call_header(e->response, "x-amz-request-id").size) {
        require(status == 400 || status == 413 || status == 414 || status == 431);
        return; /* the HTTP server has refused it, so no service has seen it */
    }
    check_length(e, status);
    check_body(e, status);
}
