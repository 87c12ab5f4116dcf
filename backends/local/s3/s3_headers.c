#include "s3_headers.h"

#include <strings.h>

#include "s3_form.h"
#include "word_list.h"

static const char prefix[] = "x-amz-";
enum { PREFIX = sizeof prefix - 1 };

/* Without the prefix. Handlers refuse those that the operation or the value does not allow. */
static const char known[] =
    "account-id acl bucket-object-lock-enabled bypass-governance-retention checksum-algorithm "
    "checksum-crc32 checksum-crc32c checksum-crc64nvme checksum-mode checksum-sha1 checksum-sha256 "
    "checksum-type confirm-remove-self-bucket-access content-sha256 copy-source "
    "copy-source-if-match copy-source-if-modified-since copy-source-if-none-match "
    "copy-source-if-unmodified-since copy-source-range date decoded-content-length "
    "expected-bucket-owner grant-full-control grant-read grant-read-acp grant-write "
    "grant-write-acp if-match-last-modified-time if-match-size max-parts metadata-directive mfa "
    "mp-object-size object-attributes object-ownership optional-object-attributes "
    "part-number-marker request-payer sdk-checksum-algorithm security-token "
    "server-side-encryption server-side-encryption-aws-kms-key-id "
    "server-side-encryption-bucket-key-enabled skip-destination-validation "
    "source-expected-bucket-owner storage-class tagging tagging-directive trailer "
    "transition-default-minimum-object-size user-agent";

static bool is_known(struct slice name)
{
    return strncasecmp(name.data, "meta-", name.size < 5 ? name.size : 5) == 0 ||
           word_list_has_any_case(known, name);
}

/* Of a form alone: its signature. */
static const char of_form[] = "algorithm credential signature";

const char *s3_unknown_field(const struct s3_form *form)
{
    for (size_t i = 0; i < form->count; i++) {
        struct slice name = slice_of(form->fields[i].name);
        if (!slice_starts_with(name, prefix))
            continue;
        name = (struct slice){name.data + PREFIX, name.size - PREFIX};
        if (!is_known(name) && !word_list_has_any_case(of_form, name))
            return form->fields[i].name;
    }
    return NULL;
}

struct slice s3_unknown_header(const struct s3_request *request)
{
    const struct http_call *call = request->base->call;
    size_t count = http_call_header_count(call);
    for (size_t i = 0; i < count; i++) {
        struct slice name, value;
        http_call_header_at(call, i, &name, &value);
        if (name.size > PREFIX && strncasecmp(name.data, prefix, PREFIX) == 0 &&
            !is_known((struct slice){name.data + PREFIX, name.size - PREFIX}))
            return name;
    }
    return (struct slice){0};
}
