#include "s3_headers.h"

#include <strings.h>

#include "s3_form.h"
#include "word_list.h"

static const char prefix[] = "x-amz-";
enum { PREFIX = sizeof prefix - 1 };

/* Without the prefix. Handlers refuse those that the operation or the value does not allow. */
static const struct slice known[] = {
    SLICE_LITERAL("account-id"),
    SLICE_LITERAL("acl"),
    SLICE_LITERAL("bucket-object-lock-enabled"),
    SLICE_LITERAL("bypass-governance-retention"),
    SLICE_LITERAL("checksum-algorithm"),
    SLICE_LITERAL("checksum-crc32"),
    SLICE_LITERAL("checksum-crc32c"),
    SLICE_LITERAL("checksum-crc64nvme"),
    SLICE_LITERAL("checksum-mode"),
    SLICE_LITERAL("checksum-sha1"),
    SLICE_LITERAL("checksum-sha256"),
    SLICE_LITERAL("checksum-type"),
    SLICE_LITERAL("confirm-remove-self-bucket-access"),
    SLICE_LITERAL("content-sha256"),
    SLICE_LITERAL("copy-source"),
    SLICE_LITERAL("copy-source-if-match"),
    SLICE_LITERAL("copy-source-if-modified-since"),
    SLICE_LITERAL("copy-source-if-none-match"),
    SLICE_LITERAL("copy-source-if-unmodified-since"),
    SLICE_LITERAL("copy-source-range"),
    SLICE_LITERAL("date"),
    SLICE_LITERAL("decoded-content-length"),
    SLICE_LITERAL("expected-bucket-owner"),
    SLICE_LITERAL("grant-full-control"),
    SLICE_LITERAL("grant-read"),
    SLICE_LITERAL("grant-read-acp"),
    SLICE_LITERAL("grant-write"),
    SLICE_LITERAL("grant-write-acp"),
    SLICE_LITERAL("if-match-last-modified-time"),
    SLICE_LITERAL("if-match-size"),
    SLICE_LITERAL("max-parts"),
    SLICE_LITERAL("metadata-directive"),
    SLICE_LITERAL("mfa"),
    SLICE_LITERAL("mp-object-size"),
    SLICE_LITERAL("object-attributes"),
    SLICE_LITERAL("object-ownership"),
    SLICE_LITERAL("optional-object-attributes"),
    SLICE_LITERAL("part-number-marker"),
    SLICE_LITERAL("request-payer"),
    SLICE_LITERAL("sdk-checksum-algorithm"),
    SLICE_LITERAL("security-token"),
    SLICE_LITERAL("server-side-encryption"),
    SLICE_LITERAL("server-side-encryption-aws-kms-key-id"),
    SLICE_LITERAL("server-side-encryption-bucket-key-enabled"),
    SLICE_LITERAL("skip-destination-validation"),
    SLICE_LITERAL("source-expected-bucket-owner"),
    SLICE_LITERAL("storage-class"),
    SLICE_LITERAL("tagging"),
    SLICE_LITERAL("tagging-directive"),
    SLICE_LITERAL("trailer"),
    SLICE_LITERAL("transition-default-minimum-object-size"),
    SLICE_LITERAL("user-agent"),
};

static bool is_known(struct slice name)
{
    if (strncasecmp(name.data, "meta-", name.size < 5 ? name.size : 5) == 0)
        return true;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (known[i].size == name.size && strncasecmp(known[i].data, name.data, name.size) == 0)
            return true;
    }
    return false;
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
