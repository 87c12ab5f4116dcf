/*
 * What somebody who has not logged in says to the gallery, and names of files: cookies, names of
 * uploads, and the file of users. By the first byte.
 */
#include "fuzz.h"
#include "gallery_session.h"
#include "gallery_users.h"
#include "upload_name.h"
#include "utf8.h"

static const uint8_t key[SESSION_KEY_SIZE] = {1};

/* Only what was written with the key is a session. */
static void fuzz_cookie(struct slice text)
{
    struct gallery_session session;
    char written[SESSION_TEXT_SIZE];
    const struct slice value = cookie_find(text, "a");
    require(!value.data ||
            (value.data >= text.data && value.data + value.size <= text.data + text.size));
    if (!session_read(value, key, 0, &session))
        return;
    session_write(&session, key, written);
    require(slice_equal_text(value, written));
}

/* A key below the prefix, without empty segments, "." and "..", control characters and backslashes. */
static void fuzz_name(struct slice text)
{
    char key_made[UPLOAD_KEY_SIZE], *path = fuzz_copy(text);
    char *ended = slice_dup((struct slice){path, text.size});
    if (utf8_valid(slice_of(ended)) &&
        upload_name_make("in/", ended, 1 + (unsigned)text.size % 3, key_made) == 0) {
        require(strncmp(key_made, "in/", 3) == 0 && key_made[3] && utf8_valid(slice_of(key_made)));
        require(!strstr(key_made, "//") && !strstr(key_made, "/../") && !strstr(key_made, "/./"));
        require(!strpbrk(key_made, "\\\r\n\t\x7f") && strlen(key_made) <= OBJECT_KEY_MAX);
    }
    free(ended);
    free(path);
}

static void fuzz_users(struct slice text)
{
    struct gallery_users users;
    struct error error = {0};
    char *copy = fuzz_copy(text);
    if (gallery_users_read((struct slice){copy, text.size}, "users.json", &users, &error))
        require(error.code && *error.text && !users.items);
    for (size_t i = 0; i < users.count; i++)
        require(gallery_users_find(&users, users.items[i].name) == &users.items[i] &&
                password_hash_is_valid(users.items[i].password));
    gallery_users_free(&users);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {data ? (const char *)data : "", size};
    switch (fuzz_choice(&text) % 3) {
    case 0:
        fuzz_cookie(text);
        break;
    case 1:
        fuzz_name(text);
        break;
    default:
        fuzz_users(text);
    }
    return 0;
}
