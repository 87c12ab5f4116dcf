#include "local_greeting.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "local_names.h"

/* As one word of a POSIX shell. */
static void print_quoted(FILE *out, const char *text)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./";
    if (*text && !text[strspn(text, plain)]) {
        fputs(text, out);
        return;
    }
    fputc('\'', out);
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", out);
        else
            fputc(*text, out);
    }
    fputc('\'', out);
}

/* The file as other shells name it. */
static void print_file(FILE *out, const char *path)
{
    char absolute[PATH_MAX];
    print_quoted(out, realpath(path, absolute) ? absolute : path);
}

static void print_variables(const struct greeting *greeting, FILE *out)
{
    fprintf(out, "  export AWS_ENDPOINT_URL=%s\n", greeting->endpoint);
    if (greeting->certificate) {
        fputs("  export AWS_CA_BUNDLE=", out);
        print_file(out, greeting->certificate);
        fputc('\n', out);
    }
    if (greeting->keys) {
        fputs("  export AWS_SHARED_CREDENTIALS_FILE=", out);
        print_file(out, greeting->keys);
        fprintf(out, " AWS_PROFILE=NAME AWS_DEFAULT_REGION=%s\n", greeting->region);
    } else {
        fprintf(out,
                "  export AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s AWS_DEFAULT_REGION=%s\n",
                LOCAL_ACCESS_KEY, LOCAL_SECRET_KEY, greeting->region);
    }
}

void greeting_print_start(const struct greeting *greeting, FILE *out)
{
    fprintf(out, "Endpoint:     %s (S3, SNS, SQS, EventBridge, Rekognition, STS)\n",
            greeting->endpoint);
    if (greeting->keys)
        fprintf(out, "Access keys:  those in %s\nRegion:       %s\n", greeting->keys,
                greeting->region);
    else
        fprintf(out, "Access key:   %s\nSecret key:   %s\nRegion:       %s\n", LOCAL_ACCESS_KEY,
                LOCAL_SECRET_KEY, greeting->region);
    if (greeting->certificate)
        fprintf(out, "Trust:        %s\n", greeting->certificate);
    fprintf(out, "Photos go to: s3://%s/%s\nData:         %s\n", LOCAL_BUCKET, LOCAL_PREFIX,
            greeting->data);
    fflush(out);
}

void greeting_print_serving(FILE *out)
{
    fputs("\nServing. Ctrl-C stops.\n", out);
    fflush(out);
}

/* Versions before 2.13, such as Debian 12's, know the option but not the variable. */
#define AWS "  aws --endpoint-url \"$AWS_ENDPOINT_URL\""

void greeting_print_try(const struct greeting *greeting, FILE *out)
{
    char absolute[PATH_MAX];
    const char *photo =
        greeting->photo && realpath(greeting->photo, absolute) ? absolute : "photo.jpg";
    fputs("\nTo try it from another shell, with the AWS CLI:\n\n", out);
    print_variables(greeting, out);
    fputs(AWS " s3 cp ", out);
    print_quoted(out, photo);
    fprintf(out, " s3://%s/%smine.%s\n", LOCAL_BUCKET, LOCAL_PREFIX,
            strrchr(photo, '.') ? strrchr(photo, '.') + 1 : "jpg");
    fprintf(out, AWS " s3 ls --recursive s3://%s/\n", LOCAL_BUCKET);
    fprintf(out, AWS " s3api get-object-tagging --bucket %s --key %smine.%s\n", LOCAL_BUCKET,
            LOCAL_PREFIX, strrchr(photo, '.') ? strrchr(photo, '.') + 1 : "jpg");
    greeting_print_serving(out);
}
