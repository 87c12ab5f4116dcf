#include "blob_damage.h"

#include <uv.h>

#include "storage_statement.h"

static int has_row(struct blobs *blobs, const char *sql, uint64_t id, bool *has,
                   struct error *error)
{
    struct statement select = statement_prepare(blobs->storage, sql);
    bind_uint(&select, id);
    int code = statement_step(&select, error);
    *has = code == 1;
    statement_reset(&select);
    return code < 0 ? code : 0;
}

int blob_damage_load(struct blobs *blobs, struct error *error)
{
    return has_row(blobs, "SELECT 1 FROM damaged_blobs WHERE id >= ? LIMIT 1", 0,
                   &blobs->any_damaged, error);
}

static int is_marked(struct blobs *blobs, uint64_t id, bool *marked, struct error *error)
{
    *marked = false;
    if (!blobs->any_damaged)
        return 0;
    return has_row(blobs, "SELECT 1 FROM damaged_blobs WHERE id = ?", id, marked, error);
}

int blob_damage_set(struct blobs *blobs, uint64_t id, bool damaged, bool *changed,
                    struct error *error)
{
    bool live, marked;
    *changed = false;
    int code = has_row(blobs, "SELECT 1 FROM blobs WHERE id = ? AND dropped = 0", id, &live, error);
    if (code || !live)
        return code;
    code = is_marked(blobs, id, &marked, error);
    if (code || marked == damaged)
        return code;
    *changed = true;
    if (!damaged)
        return blob_damage_forget(blobs, id, error);
    blobs->any_damaged = true;
    return statement_execute_with(blobs->storage, "INSERT INTO damaged_blobs (id) VALUES (?)", id,
                                  error);
}

int blob_damage_check(struct blobs *blobs, uint64_t id, struct error *error)
{
    bool marked;
    char name[BLOB_NAME_SIZE];
    int code = is_marked(blobs, id, &marked, error);
    if (code || !marked)
        return code;
    blob_name(id, name);
    return error_set(error, ERR_CORRUPT,
                     "the file of the object is damaged: restore %s in the data directory from a "
                     "backup, or delete the object",
                     name);
}

static uint64_t now_ms(void)
{
    return uv_hrtime() / 1000000;
}

void blob_damage_note_checked(struct blobs *blobs, uint64_t id)
{
    blobs->checked[blobs->next_checked] = (struct blob_checked){id, now_ms()};
    blobs->next_checked = (blobs->next_checked + 1) % BLOBS_CHECKED_MAX;
}

bool blob_damage_was_checked(const struct blobs *blobs, uint64_t id)
{
    uint64_t now = now_ms();
    for (size_t i = 0; i < BLOBS_CHECKED_MAX; i++) {
        if (blobs->checked[i].blob == id && now - blobs->checked[i].at_ms < BLOBS_CHECKED_MS)
            return true;
    }
    return false;
}

int blob_damage_forget(struct blobs *blobs, uint64_t id, struct error *error)
{
    if (!blobs->any_damaged)
        return 0;
    return statement_execute_with(blobs->storage, "DELETE FROM damaged_blobs WHERE id = ?", id,
                                  error);
}
