#include "storage_statement.h"

#include "storage.h"

struct statement statement_prepare(struct storage *storage, const char *sql)
{
    return database_prepare(storage_database(storage), sql);
}

int statement_execute_with(struct storage *storage, const char *sql, uint64_t value,
                           struct error *error)
{
    return database_execute_with(storage_database(storage), sql, value, error);
}

int statement_add_columns(struct storage *storage, const struct added_column *columns, size_t count,
                          struct error *error)
{
    return database_add_columns(storage_database(storage), columns, count, error);
}
