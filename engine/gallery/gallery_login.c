/* Logging in and out, and links for other browsers. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gallery_accounts.h"
#include "gallery_cookie.h"
#include "gallery_guard.h"
#include "gallery_password.h"
#include "json_text.h"
#include "log.h"

enum { LINK_LIFETIME_S = 10 * 60 };

static void welcome(struct gallery_call *call, const char *user, const char *print)
{
    struct gallery_session session;
    if (session_make(user, print, (int64_t)time(NULL), &session)) {
        gallery_refuse(call, 503, "no_random_bytes", "the server has no random bytes; try again");
        return;
    }
    gallery_cookie_set(call, &session, guard_is_secure(call));
    gallery_respond_done(call);
}

static void login_by_token(struct gallery_call *call, const char *token)
{
    struct gallery_link_entry link;
    if (gallery_links_take(&call->gallery->links, slice_of(token), (int64_t)time(NULL), &link))
        welcome(call, link.user, link.print);
    else
        gallery_refuse(call, 403, "link_used",
                       "this link was used already, or is not valid any more: restart the gallery "
                       "for a new one, or make one in a browser that is logged in");
}

static void on_checked(struct gallery_call *call, const struct gallery_user *user)
{
    if (user) {
        log_info("a user has logged in", LOG_TEXT("user", user->name));
        welcome(call, user->name, user->print);
    } else {
        log_warn("an attempt to log in has failed");
        gallery_refuse(call, 403, "wrong_password", "the name or the password is wrong");
    }
}

static void login_by_password(struct gallery_call *call)
{
    const char *user = gallery_body_text(call, "user", PASSWORD_MAX);
    const char *password = user ? gallery_body_text(call, "password", PASSWORD_MAX) : NULL;
    if (!password)
        return;
    if (call->gallery->options.users)
        gallery_password_check(call, user, password, on_checked);
    else
        gallery_refuse(call, 403, "no_users",
                       "this gallery has no users: open the link that it printed at its start");
}

void gallery_login(struct gallery_call *call)
{
    const char *token = json_text_in(call->body, "token");
    if (token)
        login_by_token(call, token);
    else
        login_by_password(call);
}

void gallery_logout(struct gallery_call *call)
{
    gallery_session_end(call->gallery, &call->session);
    gallery_cookie_set(call, NULL, guard_is_secure(call));
    gallery_respond_done(call);
}

/* Under the address that this browser uses. */
void gallery_link_make(struct gallery_call *call)
{
    const struct gallery_session *session = &call->session;
    char token[LINK_TOKEN_SIZE];
    const struct slice host = http_call_header(call->http, "host");
    const int64_t now_s = (int64_t)time(NULL);
    struct buffer url;
    if (gallery_links_add(&call->gallery->links, session->user, session->print,
                          now_s + LINK_LIFETIME_S, token)) {
        gallery_refuse(call, 503, "no_random_bytes", "the server has no random bytes; try again");
        return;
    }
    buffer_init(&url, 1024);
    buffer_format(&url, "%s://%.*s/#token=%s", guard_is_secure(call) ? "https" : "http",
                  (int)host.size, host.data, token);
    gallery_respond_json(call, 200,
                         json_pack("{s:s?, s:I}", "url", url.data, "expires",
                                   (json_int_t)(now_s + LINK_LIFETIME_S) * 1000));
    buffer_free(&url);
}
