#include "s3_listing.h"

#include <strings.h>

#include "s3_multipart.h"
#include "s3_xml.h"
#include "uri.h"

bool s3_listing_encoding(struct s3_request *request, bool *encode)
{
    const char *encoding = s3_parameter(request, "encoding-type");
    *encode = encoding != NULL;
    if (!encoding || strcasecmp(encoding, "url") == 0)
        return true;
    s3_respond_error(request, S3_INVALID_ARGUMENT, "Invalid Encoding Method specified in Request");
    return false;
}

bool s3_listing_max(struct s3_request *request, const char *name, unsigned *max)
{
    return s3_multipart_number(request, name, S3_LISTING_MAX, max);
}

void s3_listing_name(struct buffer *out, const char *element, const char *text, bool encode)
{
    if (!encode) {
        s3_xml_text(out, element, text);
        return;
    }
    s3_xml_open(out, element);
    uri_encode(out, slice_of(text), true);
    s3_xml_close(out, element);
}

void s3_listing_person(struct buffer *out, const char *element, const char *account)
{
    s3_xml_open(out, element);
    s3_xml_text(out, "ID", account);
    s3_xml_text(out, "DisplayName", account);
    s3_xml_close(out, element);
}
