#include "sqs_batch.h"
#include "json_text.h"

#include <ctype.h>
#include <string.h>

const char *sqs_entry_id(const json_t *entry)
{
    return json_text_in(entry, "Id");
}

static bool id_valid(const char *id)
{
    size_t size = id ? strlen(id) : 0;
    for (size_t i = 0; i < size; i++) {
        if (!isalnum((unsigned char)id[i]) && id[i] != '-' && id[i] != '_')
            return false;
    }
    return size > 0 && size <= 80;
}

static int id_check(struct service_call *call, const json_t *entries, size_t at)
{
    const char *id = sqs_entry_id(json_array_get(entries, at));
    if (!id_valid(id))
        return SQS_BATCH_ID_INVALID;
    for (size_t i = 0; i < at; i++) {
        if (strcmp(sqs_entry_id(json_array_get(entries, i)), id) == 0)
            return service_error_set(&call->error, SQS_BATCH_IDS_NOT_DISTINCT, "Id %.80s repeated.",
                                     id);
    }
    return 0;
}

/* The successes are listed even when there are none: the model requires them. */
int sqs_batch_entries(struct service_call *call, json_t **out)
{
    json_t *entries = json_object_get(call->input, "Entries");
    size_t count = json_array_size(entries);
    if (count == 0)
        return service_error_set(&call->error, SQS_BATCH_EMPTY,
                                 "There should be at least one %sRequestEntry in the request.",
                                 call->operation->name);
    if (count > QUEUE_BATCH)
        return service_error_set(&call->error, SQS_BATCH_TOO_MANY,
                                 "Maximum number of entries per request are 10. You have sent %zu.",
                                 count);
    for (size_t i = 0; i < count; i++) {
        int code = id_check(call, entries, i);
        if (code)
            return code;
    }
    *out = entries;
    return json_object_set_new(call->output, "Successful", json_array()) ? ERR_MEMORY : 0;
}

static int result_add(struct service_call *call, const char *list, const json_t *entry,
                      json_t *result)
{
    json_t *results = json_object_get(call->output, list);
    if (!results && !json_object_set_new(call->output, list, json_array()))
        results = json_object_get(call->output, list);
    int failed = json_object_set(result, "Id", json_object_get(entry, "Id"));
    return json_array_append_new(results, result) || failed ? ERR_MEMORY : 0;
}

int sqs_batch_success(struct service_call *call, const json_t *entry, json_t *result)
{
    return result_add(call, "Successful", entry, result);
}

int sqs_batch_failure(struct service_call *call, const json_t *entry,
                      const struct service_error *error)
{
    const struct wire_error *row = service_error_row(sqs_wire_errors, error->code);
    json_t *result =
        json_pack("{s:b, s:s, s:s}", "SenderFault", row->query_status < 500, "Code",
                  row->query_code, "Message", service_error_text(sqs_wire_errors, error));
    return result_add(call, "Failed", entry, result);
}
