/*
 * The users of the gallery: names, and hashes of passwords (password.h), in a JSON file that
 * `thumbwheel gallery --add-user` writes: {"users": [{"name": …, "password": "$scrypt$…"}]}.
 * Any thread, one at a time.
 */
#ifndef THUMBWHEEL_GALLERY_USERS_H
#define THUMBWHEEL_GALLERY_USERS_H

#include <stddef.h>

#include "bytes.h"
#include "error.h"
#include "gallery_session.h"
#include "password.h"

enum { GALLERY_USERS_MAX = 1000, GALLERY_USERS_FILE_MAX = 1024 * 1024 };

struct gallery_users {
    struct gallery_user {
        char name[SESSION_USER_MAX + 1];
        char password[PASSWORD_HASH_SIZE];
        char print[SESSION_PRINT_SIZE]; /* changes with the password */
    } * items;
    size_t count;
};

/* Reads the file's text; path is for the errors, which never quote a hash. On an error *out is
 * empty. ERR_INVALID, ERR_MEMORY. */
int gallery_users_read(struct slice text, const char *path, struct gallery_users *out,
                       struct error *error);
void gallery_users_free(struct gallery_users *users);
/* NULL: there is none with this name. */
const struct gallery_user *gallery_users_find(const struct gallery_users *users, const char *name);

/* Adds a user to the file, which is created (0600) if there is none, or changes the password.
 * Blocking. */
int gallery_user_add(const char *path, const char *name, const char *password, struct error *error);

#endif
