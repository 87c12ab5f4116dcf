#include "json_file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "json_text.h"
#include "log.h"

int json_file_read(const char *path, size_t max, json_t **out, struct error *error)
{
    struct bytes text = {0};
    struct stat status;
    json_error_t why;
    *out = NULL;
    if (stat(path, &status) && errno == ENOENT)
        return 0;
    const int code = file_read(path, max, &text, error);
    if (code)
        return code;
    *out = json_text_read((struct slice){text.data, text.size}, JSON_REJECT_DUPLICATES, &why);
    bytes_free(&text);
    return *out ? 0
                : error_set(error, ERR_INVALID, "%s:%d:%d: not JSON: %s", path, why.line,
                            why.column, why.text);
}

int json_file_replace(const char *path, const char *text, struct error *error)
{
    struct stat old;
    const bool is_there = stat(path, &old) == 0;
    const struct file_options options = {.mode = is_there ? old.st_mode & 0777 : 0600,
                                         .durable = true};
    const int code = file_write_as(path, slice_of(text), &options, error);
    if (!code && is_there && chown(path, old.st_uid, old.st_gid))
        log_warn("a file has another owner now", LOG_TEXT("path", path),
                 LOG_TEXT("error", strerror(errno)));
    return code;
}
