#include "gallery_accounts.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ended_sessions.h"
#include "files.h"
#include "log.h"
#include "secret_watch.h"

struct gallery_accounts {
    struct gallery *gallery;
    struct gallery_users users, next; /* next: of a new version of the file */
    struct secret_watch watch;
    bool watching;
    struct ended_sessions ended;
    unsigned open; /* watch, ended */
};

/* ---- the file of users ---- */

static void on_changed(struct secret_watch *watch)
{
    struct gallery_accounts *accounts = container_of(watch, struct gallery_accounts, watch);
    gallery_users_free(&accounts->users);
    accounts->users = accounts->next;
    accounts->next = (struct gallery_users){0};
    log_info("users were read again", LOG_INT("users", accounts->users.count));
}

static void on_failed(const struct error *error)
{
    log_error("the file of users is not valid; the old users remain",
              LOG_TEXT("error", error->text));
}

static int parse(struct slice text, const char *path, void *out, struct error *error)
{
    return gallery_users_read(text, path, out, error);
}

static const struct secret_watch_kind kind = {GALLERY_USERS_FILE_MAX, parse, on_changed, on_failed};

/* ---- opening and closing ---- */

static void part_closed(void *user)
{
    struct gallery_accounts *accounts = user;
    struct gallery *gallery = accounts->gallery;
    if (--accounts->open)
        return;
    gallery_users_free(&accounts->users);
    gallery_users_free(&accounts->next);
    free(accounts);
    gallery->accounts = NULL;
    gallery_part_closed(gallery);
}

static int users_open(struct gallery_accounts *accounts, struct error *error)
{
    const struct gallery *gallery = accounts->gallery;
    if (!gallery->options.users)
        return 0;
    const int code =
        secret_watch_read(&accounts->watch, &kind, gallery->options.users, &accounts->users, error);
    accounts->watching = !code;
    return code;
}

int gallery_accounts_open(struct gallery *gallery, struct error *error)
{
    struct gallery_accounts *accounts = calloc(1, sizeof *accounts);
    if (!accounts)
        return error_set(error, ERR_MEMORY, "out of memory");
    accounts->gallery = gallery;
    int code = users_open(accounts, error);
    if (!code)
        code = ended_sessions_open(&accounts->ended, gallery->loop,
                                   path_join(gallery->options.data_dir, "ended-sessions"), error);
    if (code) {
        gallery_users_free(&accounts->users);
        free(accounts);
        return code;
    }
    if (accounts->watching)
        secret_watch_start(&accounts->watch, gallery->loop, &accounts->next);
    gallery->accounts = accounts;
    return 0;
}

void gallery_accounts_close(struct gallery *gallery)
{
    struct gallery_accounts *accounts = gallery->accounts;
    accounts->open = 1 + accounts->watching;
    if (accounts->watching)
        secret_watch_close(&accounts->watch, part_closed, accounts);
    ended_sessions_close(&accounts->ended, part_closed, accounts);
}

/* ---- sessions ---- */

const struct gallery_user *gallery_account_find(const struct gallery *gallery, const char *name)
{
    return gallery_users_find(&gallery->accounts->users, name);
}

/* Without users, the link that the program prints leads to the owner's session. */
bool gallery_session_holds(const struct gallery *gallery, const struct gallery_session *session)
{
    const struct gallery_accounts *accounts = gallery->accounts;
    if (ended_sessions_has(&accounts->ended, session->id))
        return false;
    if (!accounts->watching)
        return strcmp(session->user, GALLERY_OWNER) == 0 &&
               strcmp(session->print, GALLERY_OWNER) == 0;
    const struct gallery_user *user = gallery_account_find(gallery, session->user);
    return user && strcmp(user->print, session->print) == 0;
}

void gallery_session_end(struct gallery *gallery, const struct gallery_session *session)
{
    ended_sessions_add(&gallery->accounts->ended, session->id, (int64_t)time(NULL));
}
