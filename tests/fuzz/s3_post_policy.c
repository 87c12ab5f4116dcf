/*
 * Policies of form uploads: any text is refused with a reason or decides the same each time.
 * A form that a policy allows was allowed a second earlier too, but not for ever, and not with a
 * field that it does not name. The first line is the bucket, the second the key, the third a form's
 * fields (name=value&…), and what follows the policy, as it was sent and as what was sent of it
 * decodes to.
 */
#include "s3_post_policy.h"
#include "base64.h"

#include <stdbool.h>

#include "fuzz.h"

enum { NOW_S = 1765584000, TEXT_MAX = 8192 }; /* 2025-12-13 */

static void field_add(struct s3_form *form, const char *name, const char *value)
{
    form->fields[form->count++] = (struct s3_form_field){strdup(name), strdup(value)};
}

/* Names are in lower case, as a form has them. */
static void fields_read(char *text, struct s3_form *form)
{
    char *next = NULL;
    for (char *pair = strtok_r(text, "&", &next); pair && form->count < 16;
         pair = strtok_r(NULL, "&", &next)) {
        char *value = strchr(pair, '=');
        if (value)
            *value++ = '\0';
        for (char *c = pair; *c; c++)
            *c = *c >= 'A' && *c <= 'Z' ? (char)(*c | 0x20) : *c;
        field_add(form, pair, value ? value : "");
    }
}

static enum s3_error policy_check(struct s3_post_policy *out, const char *encoded,
                                  const struct s3_form *form, const char *bucket, const char *key,
                                  int64_t now_ms)
{
    enum s3_error error = s3_post_policy_check(out, encoded, form, bucket, key, now_ms);
    require(error == S3_OK || error == S3_ACCESS_DENIED || error == S3_INVALID_POLICY_DOCUMENT);
    require(error == S3_OK || *out->message);
    require(memchr(out->message, '\0', sizeof out->message));
    return error;
}

static void check(const char *encoded, struct s3_form *form, const char *bucket, const char *key,
                  bool names_other)
{
    static const int64_t now = (int64_t)NOW_S * 1000;
    struct s3_post_policy first, second;
    enum s3_error error = policy_check(&first, encoded, form, bucket, key, now);
    require(error == policy_check(&second, encoded, form, bucket, key, now));
    if (error != S3_OK)
        return;
    require(first.size_min == second.size_min && first.size_max == second.size_max);
    require(policy_check(&second, encoded, form, bucket, key, now - 1000) == S3_OK);
    require(policy_check(&second, encoded, form, bucket, key, INT64_MAX) == S3_ACCESS_DENIED);
    if (names_other)
        return;
    field_add(form, "other", "");
    require(policy_check(&second, encoded, form, bucket, key, now) == S3_ACCESS_DENIED);
    form->count--;
    free(form->fields[form->count].name);
    free(form->fields[form->count].value);
}

/* Whether the policy may name the field "other", perhaps with an escape. */
static bool may_name_other(const char *text)
{
    return strcasestr(text, "other") || strchr(text, '\\');
}

static void text_check(char *text, struct s3_form *form, const char *bucket, const char *key)
{
    char encoded[BASE64_TEXT_SIZE(TEXT_MAX)];
    check(text, form, bucket, key, true);
    base64_write(text, strlen(text), encoded);
    check(encoded, form, bucket, key, may_name_other(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = {(const char *)data, size};
    if (size > TEXT_MAX)
        return 0;
    char *bucket = slice_dup(fuzz_line(&rest)), *key = slice_dup(fuzz_line(&rest));
    char *fields = slice_dup(fuzz_line(&rest)), *text = slice_dup(rest);
    struct s3_form form = {0};
    require(bucket && key && fields && text);
    fields_read(fields, &form);
    text_check(text, &form, bucket, key);
    s3_form_end(&form);
    free(bucket);
    free(key);
    free(fields);
    free(text);
    return 0;
}
