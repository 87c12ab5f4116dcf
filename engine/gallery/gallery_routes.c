#include "gallery_routes.h"

#include <string.h>

/* A path with a name stands before one with a parameter in its place. */
static const struct gallery_route routes[] = {
    {"POST", "/api/login", gallery_login, ROUTE_PUBLIC},
    {"POST", "/api/logout", gallery_logout, 0},
    {"POST", "/api/links", gallery_link_make, 0},
    {"GET", "/api/session", gallery_session_show, 0},
    {"GET", "/api/events", gallery_events_follow, 0},
    {"GET", "/api/layout", gallery_layout_show, 0},
    {"GET", "/api/tags", gallery_tags_list, 0},
    {"GET", "/api/photos", gallery_photos_list, 0},
    {"POST", "/api/photos/delete", gallery_photos_delete, 0},
    {"POST", "/api/photos/undo", gallery_photos_undo, 0},
    {"POST", "/api/photos/retry", gallery_photos_retry, 0},
    {"GET", "/api/photos/*/*", gallery_photo_show, 0},
    {"PUT", "/api/photos/*/*/tags", gallery_tags_write, 0},
    {"POST", "/api/share", gallery_photo_share, 0},
    {"GET", "/api/system", gallery_system_show, 0},
    {"GET", "/api/activity", gallery_activity_show, 0},
    {"GET", "/api/deadletters", gallery_letters_list, 0},
    {"POST", "/api/deadletters/redrive", gallery_letters_redrive, 0},
    {"POST", "/api/deadletters/purge", gallery_letters_purge, 0},
    {"GET", "/api/pipelines", gallery_pipelines_list, 0},
    {"POST", "/api/pipelines/check", gallery_pipeline_check, 0},
    {"POST", "/api/pipelines/try", gallery_pipeline_try, 0},
    {"PUT", "/api/pipelines/*", gallery_pipeline_save, 0},
    {"GET", "/api/trials/*/*", gallery_trial_get, 0},
    {"POST", "/api/uploads", gallery_upload, 0},
    {"POST", "/api/uploads/parts", gallery_upload_parts, 0},
    {"POST", "/api/uploads/complete", gallery_upload_complete, 0},
    {"POST", "/api/uploads/abort", gallery_upload_abort, 0},
};

static bool matches(const char *pattern, struct slice path)
{
    const char *p = path.data, *end = path.data + path.size;
    for (; *pattern; pattern++) {
        if (*pattern == '*') {
            const char *start = p;
            while (p < end && *p != '/')
                p++;
            if (p == start)
                return false;
        } else if (p == end || *p++ != *pattern) {
            return false;
        }
    }
    return p == end;
}

static bool is_method(struct slice method, const char *expected)
{
    return slice_equal_text(method, expected) ||
           (slice_equal_text(method, "HEAD") && strcmp(expected, "GET") == 0);
}

const struct gallery_route *gallery_route_find(struct slice method, struct slice path,
                                               const char **allow)
{
    *allow = NULL;
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (!matches(routes[i].pattern, path))
            continue;
        if (is_method(method, routes[i].method))
            return &routes[i];
        *allow = routes[i].method;
    }
    return NULL;
}
