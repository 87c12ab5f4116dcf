/* A message's body: any bytes are records, a pointer, nothing to do, or refused with a reason.
 */
#include "envelope.h"

#include "fuzz.h"

static void check_record(const struct envelope_record *record)
{
    require(record->bucket && *record->bucket);
    require(record->key && *record->key && strlen(record->key) <= 1024);
}

static void check_envelope(const struct envelope *envelope)
{
    require(envelope->count <= ENVELOPE_RECORDS_MAX);
    if (envelope->kind == ENVELOPE_POINTER)
        check_record(&envelope->pointer);
    require((envelope->kind == ENVELOPE_RECORDS) == (envelope->count > 0));
    for (size_t i = 0; i < envelope->count; i++)
        check_record(&envelope->records[i]);
}

static void parse(struct slice body, bool extended)
{
    struct envelope envelope = {0};
    struct error error = {0};
    int result = envelope_parse(body, extended, &envelope, &error);
    if (result)
        require(error.code == result && *error.text);
    else
        check_envelope(&envelope);
    envelope_clear(&envelope);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice body = {(const char *)data, size};
    parse(body, false);
    parse(body, true);
    return 0;
}
