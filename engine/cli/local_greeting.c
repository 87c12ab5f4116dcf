#include "local_greeting.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "local_names.h"
#include "terminal.h"

/* The path of the file, as a word for other shells. */
static void print_file(FILE *out, const char *path)
{
    char absolute[PATH_MAX];
    terminal_shell_word(out, realpath(path, absolute) ? absolute : path);
}

static bool has_file(const struct greeting *greeting)
{
    return greeting->keys && strcmp(greeting->keys, "any") != 0;
}

static void print_variables(const struct greeting *greeting, FILE *out)
{
    fprintf(out, "  export AWS_ENDPOINT_URL=%s\n", greeting->endpoint);
    if (greeting->certificate) {
        fputs("  export AWS_CA_BUNDLE=", out);
        print_file(out, greeting->certificate);
        fputc('\n', out);
    }
    if (has_file(greeting)) {
        fputs("  export AWS_SHARED_CREDENTIALS_FILE=", out);
        print_file(out, greeting->keys);
        fputs(" AWS_PROFILE=NAME", out);
    } else {
        fputs("  export AWS_ACCESS_KEY_ID=", out);
        terminal_shell_word(out, greeting->access_key);
        fputs(" AWS_SECRET_ACCESS_KEY=", out);
        terminal_shell_word(out, greeting->secret_key);
    }
    fputs(" AWS_DEFAULT_REGION=", out);
    terminal_shell_word(out, greeting->region);
    fputc('\n', out);
}

void greeting_print_start(const struct greeting *greeting, FILE *out)
{
    if (greeting->gallery)
        terminal_line(out, "Gallery:      %s", greeting->gallery);
    terminal_line(out, "Endpoint:     %s (S3, SNS, SQS, EventBridge, Rekognition, STS)",
                  greeting->endpoint);
    if (has_file(greeting)) {
        terminal_line(out, "Access keys:  those in %s", greeting->keys);
    } else {
        terminal_line(out, "Access key:   %s", greeting->access_key);
        terminal_line(out, "Secret key:   %s%s", greeting->secret_key,
                      greeting->keys ? " (any other is accepted, too)" : "");
    }
    terminal_line(out, "Region:       %s", greeting->region);
    if (greeting->certificate)
        terminal_line(out, "Trust:        %s", greeting->certificate);
    terminal_line(out, "Photos go to: s3://%s/%s", LOCAL_BUCKET, LOCAL_PREFIX);
    terminal_line(out, "Data:         %s", greeting->data);
    fflush(out);
}

void greeting_print_serving(FILE *out)
{
    fputs("\nServing. Ctrl-C stops.\n", out);
    fflush(out);
}

/* Versions before 2.13, such as Debian 12's, support the option but not the variable. */
#define AWS "  aws --endpoint-url \"$AWS_ENDPOINT_URL\""

/* The extension of the example's key, if it needs no quoting in any shell. */
static const char *extension_of(const char *photo)
{
    const char *dot = strrchr(photo, '.');
    for (const char *c = dot ? dot + 1 : ""; *c; c++)
        if (!(*c >= '0' && *c <= '9') && !((*c | 0x20) >= 'a' && (*c | 0x20) <= 'z'))
            return "jpg";
    return dot && dot[1] ? dot + 1 : "jpg";
}

void greeting_print_try(const struct greeting *greeting, FILE *out)
{
    char absolute[PATH_MAX];
    const char *photo =
        greeting->photo && realpath(greeting->photo, absolute) ? absolute : "photo.jpg";
    const char *extension = extension_of(photo);
    fputs("\nTo try it from another shell, with the AWS CLI:\n\n", out);
    print_variables(greeting, out);
    fputs(AWS " s3 cp ", out);
    terminal_shell_word(out, photo);
    fprintf(out, " s3://%s/%smine.%s\n", LOCAL_BUCKET, LOCAL_PREFIX, extension);
    fprintf(out, AWS " s3 ls --recursive s3://%s/\n", LOCAL_BUCKET);
    fprintf(out, AWS " s3api get-object-tagging --bucket %s --key %smine.%s\n", LOCAL_BUCKET,
            LOCAL_PREFIX, extension);
    greeting_print_serving(out);
}
