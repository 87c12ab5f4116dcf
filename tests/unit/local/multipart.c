/* Multipart uploads on disk: parts, completion without copying, readers of replaced objects, copies
 * by link, and recovery after a crash. */
#include "bucket_world.h"

#include "object_reader.h"
#include "s3_completion.h"
#include "upload_parts.h"
#include "uploads.h"

/* Uploading. */

static char none[] = "", type[] = "image/jpeg";

static int create(struct fixture *f, void *argument, struct error *error)
{
    struct multipart_upload upload = {.id = *(uint64_t *)argument,
                                      .created_ms = 1000,
                                      .content_type = type,
                                      .headers = none,
                                      .tags = none};
    return uploads_create(f->cloud.storage, f->bucket, "k", &upload, error);
}

static uint64_t create_upload(struct fixture *f)
{
    uint64_t id = buckets_next_number(f->cloud.buckets);
    assert_int_equal(on_storage(f, create, &id), 0);
    return id;
}

struct piece {
    uint64_t upload, blob;
    unsigned number;
    const char *body;
    int fails_with; /* after all has been done */
};

static int put_part(struct fixture *f, void *argument, struct error *error)
{
    struct piece *piece = argument;
    struct part part = {.number = piece->number,
                        .blob = piece->blob,
                        .size = strlen(piece->body),
                        .modified_ms = 1000};
    snprintf(part.etag, sizeof(part.etag), "%032u", piece->number);
    int code = write_blob(f, piece->blob, piece->body, error);
    if (code)
        return code;
    code = upload_parts_put(blobs_of(f), piece->upload, &part, error);
    if (code)
        return code;
    return piece->fails_with;
}

static int upload_part(struct fixture *f, uint64_t upload, unsigned number, const char *body)
{
    struct piece piece = {.upload = upload,
                          .blob = buckets_next_number(f->cloud.buckets),
                          .number = number,
                          .body = body};
    return on_storage(f, put_part, &piece);
}

/* Completing, as the operation does it in its unit. */

struct whole {
    const char *key;
    uint64_t id, upload;
    const char *document;
    enum s3_error verdict;
    char etag[48];
    int fails_with;
};

static int commit_object(struct fixture *f, const struct whole *whole,
                         const struct s3_completion *asked, struct error *error)
{
    char etag[48];
    snprintf(etag, sizeof(etag), "%s", asked->etag);
    struct object object = {.id = whole->id,
                            .size = asked->size,
                            .owner = whole->upload,
                            .modified_ms = 1000,
                            .etag = etag,
                            .content_type = type,
                            .headers = none,
                            .tags = none,
                            .checksum = none};
    int code = objects_put(blobs_of(f), f->bucket, whole->key, &object, (struct slice){0},
                           &(struct object_condition){0}, error);
    if (code)
        return code;
    code = s3_completion_drop_others(asked, blobs_of(f), whole->upload, error);
    if (code)
        return code;
    return uploads_forget(f->cloud.storage, whole->upload, error);
}

static int complete(struct fixture *f, void *argument, struct error *error)
{
    struct whole *whole = argument;
    struct s3_completion asked = {.stated_size = -1};
    struct multipart_upload upload = {.id = whole->upload};
    int code = 0;
    whole->verdict = s3_completion_read(&asked, slice_of(whole->document));
    if (!whole->verdict)
        code = s3_completion_examine(&asked, f->cloud.storage, &upload, &whole->verdict, error);
    if (!code && !whole->verdict)
        code = commit_object(f, whole, &asked, error);
    snprintf(whole->etag, sizeof(whole->etag), "%s", asked.etag);
    s3_completion_clear(&asked);
    return code ? code : whole->fails_with;
}

#define PART(number, etag)                                                                         \
    "<Part><PartNumber>" number "</PartNumber><ETag>\"000000000000000000000000000000" etag         \
    "\"</ETag></Part>"
#define DOCUMENT(parts) "<CompleteMultipartUpload>" parts "</CompleteMultipartUpload>"

static enum s3_error complete_upload(struct fixture *f, uint64_t upload, const char *document)
{
    struct whole whole = {.key = "k",
                          .id = buckets_next_number(f->cloud.buckets),
                          .upload = upload,
                          .document = document};
    assert_int_equal(on_storage(f, complete, &whole), 0);
    return whole.verdict;
}

/* Reading. */

struct reading {
    const char *key;
    uint64_t first, size; /* size 0: all */
    struct object_reader *reader;
    char text[256];
};

static int open_reader(struct fixture *f, void *argument, struct error *error)
{
    struct reading *reading = argument;
    struct object object;
    int code = objects_find(f->cloud.storage, f->bucket, reading->key, &object, error);
    if (!code)
        code =
            object_reader_open(reading->reader, blobs_of(f), &object, reading->first,
                               reading->size ? reading->size : object.size - reading->first, error);
    object_clear(&object);
    return code;
}

static int finish_reader(struct fixture *f, void *argument, struct error *error)
{
    struct reading *reading = argument;
    size_t size = (size_t)reading->reader->left;
    (void)f;
    int code = object_reader_read(reading->reader, reading->text, size, error);
    reading->text[size] = '\0';
    object_reader_close(reading->reader);
    return code;
}

static void assert_content(struct fixture *f, const char *key, uint64_t first, uint64_t size,
                           const char *expected)
{
    struct object_reader reader = {0};
    struct reading reading = {.key = key, .first = first, .size = size, .reader = &reader};
    assert_int_equal(on_storage(f, open_reader, &reading), 0);
    assert_int_equal(on_storage(f, finish_reader, &reading), 0);
    assert_string_equal(reading.text, expected);
}

static size_t all_files(struct fixture *f)
{
    settle(f);
    return files_in(f, "blobs") + files_in(f, "incoming");
}

/* A part of 5 MiB, which is the least for one that is not the last. */
static const char *large(void)
{
    static char body[5 * 1024 * 1024 + 1];
    memset(body, 'x', sizeof(body) - 1);
    return body;
}

static void one_part_becomes_an_object_and_survives(void **state)
{
    struct fixture *f = *state;
    uint64_t upload = create_upload(f);
    assert_int_equal(upload_part(f, upload, 7, "seven"), 0);
    close_state(f);
    open_state(f);
    assert_int_equal(complete_upload(f, upload, DOCUMENT(PART("7", "07"))), S3_OK);
    assert_content(f, "k", 0, 0, "seven");
    close_state(f);
    open_state(f);
    assert_content(f, "k", 0, 0, "seven");
    assert_content(f, "k", 2, 2, "ve");
    assert_int_equal(all_files(f), 1);
    assert_int_equal(delete_key(f, "k"), 0);
    assert_int_equal(all_files(f), 0);
}

/* Bytes and ETag as the client can compute them: md5 of the parts' md5s, "-2". */
static void parts_are_read_as_one(void **state)
{
    struct fixture *f = *state;
    uint64_t upload = create_upload(f), size = strlen(large());
    assert_int_equal(upload_part(f, upload, 2, "tail"), 0);
    assert_int_equal(upload_part(f, upload, 1, large()), 0);
    struct whole whole = {.key = "k",
                          .id = buckets_next_number(f->cloud.buckets),
                          .upload = upload,
                          .document = DOCUMENT(PART("1", "01") PART("2", "02"))};
    assert_int_equal(on_storage(f, complete, &whole), 0);
    /* printf '%032d%032d' 1 2 | xxd -r -p | md5sum */
    assert_string_equal(whole.etag, "1ad7dfd342e37e2f608fa6a6aedb29d5-2");
    assert_content(f, "k", size - 3, 5, "xxxta");
    assert_content(f, "k", size, 0, "tail");
    assert_content(f, "k", size - 1, 1, "x");
}

static void completion_refuses_wrong_parts(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *document;
        enum s3_error verdict;
    } cases[] = {
        {DOCUMENT(""), S3_INVALID_REQUEST},
        {"<Other/>", S3_MALFORMED_XML},
        {"no xml", S3_MALFORMED_XML},
        {DOCUMENT(PART("0", "01")), S3_MALFORMED_XML},
        {DOCUMENT(PART("10001", "01")), S3_MALFORMED_XML},
        {DOCUMENT(PART("2", "02") PART("1", "01")), S3_INVALID_PART_ORDER},
        {DOCUMENT(PART("1", "01") PART("1", "01")), S3_INVALID_PART_ORDER},
        {DOCUMENT(PART("1", "02")), S3_INVALID_PART},
        {DOCUMENT(PART("3", "03")), S3_INVALID_PART},
        {DOCUMENT(PART("1", "01") PART("2", "02")), S3_ENTITY_TOO_SMALL},
        {DOCUMENT(PART("2", "02")), S3_OK},
    };
    uint64_t upload = create_upload(f);
    assert_int_equal(upload_part(f, upload, 1, "small"), 0);
    assert_int_equal(upload_part(f, upload, 2, "tail"), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        assert_int_equal(complete_upload(f, upload, cases[i].document), cases[i].verdict);
    assert_content(f, "k", 0, 0, "tail");
    assert_int_equal(all_files(f), 1); /* the part that was left out is gone */
}

static void a_part_replaces_that_of_its_number(void **state)
{
    struct fixture *f = *state;
    uint64_t upload = create_upload(f);
    assert_int_equal(upload_part(f, upload, 1, "old"), 0);
    assert_int_equal(upload_part(f, upload, 1, "new"), 0);
    assert_int_equal(all_files(f), 1);
    assert_int_equal(complete_upload(f, upload, DOCUMENT(PART("1", "01"))), S3_OK);
    assert_content(f, "k", 0, 0, "new");
}

static int abort_it(struct fixture *f, void *argument, struct error *error)
{
    return uploads_abort(blobs_of(f), f->bucket, "k", *(uint64_t *)argument, error);
}

static void aborting_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    uint64_t upload = create_upload(f);
    assert_int_equal(upload_part(f, upload, 1, "one"), 0);
    assert_int_equal(upload_part(f, upload, 2, "two"), 0);
    assert_int_equal(on_storage(f, abort_it, &upload), 0);
    assert_int_equal(all_files(f), 0);
    assert_int_equal(on_storage(f, abort_it, &upload), ERR_NOT_FOUND);
}

static void a_bucket_takes_its_uploads_along(void **state)
{
    struct fixture *f = *state;
    uint64_t upload = create_upload(f);
    assert_int_equal(upload_part(f, upload, 1, "one"), 0);
    buckets_delete(f->cloud.buckets, "photos", on_bucket, f);
    assert_int_equal(await(f), 0);
    assert_int_equal(all_files(f), 0);
    assert_int_equal(on_storage(f, create, &upload), ERR_NO_CONTAINER);
}

/* A unit that fails late: upload, parts and object are unchanged. */
static void an_undone_completion_changes_nothing(void **state)
{
    struct fixture *f = *state;
    uint64_t first = create_upload(f);
    assert_int_equal(upload_part(f, first, 1, "before"), 0);
    assert_int_equal(complete_upload(f, first, DOCUMENT(PART("1", "01"))), S3_OK);
    uint64_t upload = create_upload(f);
    assert_int_equal(upload_part(f, upload, 1, "left out"), 0);
    assert_int_equal(upload_part(f, upload, 2, "after"), 0);
    struct whole whole = {.key = "k",
                          .id = buckets_next_number(f->cloud.buckets),
                          .upload = upload,
                          .document = DOCUMENT(PART("2", "02")),
                          .fails_with = ERR_MEMORY};
    assert_int_equal(on_storage(f, complete, &whole), ERR_MEMORY);
    assert_content(f, "k", 0, 0, "before");
    assert_int_equal(all_files(f), 3);
    assert_int_equal(complete_upload(f, upload, DOCUMENT(PART("2", "02"))), S3_OK);
    assert_content(f, "k", 0, 0, "after");
    assert_int_equal(all_files(f), 1);
}

static void a_reader_outlives_its_object(void **state)
{
    struct fixture *f = *state;
    struct object_reader readers[2] = {0};
    struct reading first = {.key = "k", .reader = &readers[0]};
    struct reading second = {.key = "k", .first = strlen(large()), .reader = &readers[1]};
    uint64_t upload = create_upload(f);
    assert_int_equal(upload_part(f, upload, 1, large()), 0);
    assert_int_equal(upload_part(f, upload, 2, "tail"), 0);
    assert_int_equal(complete_upload(f, upload, DOCUMENT(PART("1", "01") PART("2", "02"))), S3_OK);
    first.first = strlen(large()) - 2;
    assert_int_equal(on_storage(f, open_reader, &first), 0);
    assert_int_equal(on_storage(f, open_reader, &second), 0);
    assert_int_equal(delete_key(f, "k"), 0);
    assert_int_equal(all_files(f), 2);
    assert_int_equal(on_storage(f, finish_reader, &second), 0);
    assert_string_equal(second.text, "tail");
    assert_int_equal(all_files(f), 2);
    assert_int_equal(on_storage(f, finish_reader, &first), 0);
    assert_string_equal(first.text, "xxtail");
    assert_int_equal(all_files(f), 0);
}

/* Copies. */

struct linking {
    uint64_t source, blob, upload;
};

static int link_it(struct fixture *f, void *argument, struct error *error)
{
    struct linking *linking = argument;
    struct part part = {.number = 1, .blob = linking->blob, .size = 4};
    snprintf(part.etag, sizeof(part.etag), "%032u", 1u);
    int code = blob_link(blobs_of(f), linking->source, linking->blob, error);
    return code ? code : upload_parts_put(blobs_of(f), linking->upload, &part, error);
}

static int drop_it(struct fixture *f, void *argument, struct error *error)
{
    return blob_drop(blobs_of(f), *(uint64_t *)argument, error);
}

static int keep_it(struct fixture *f, void *argument, struct error *error)
{
    uint64_t id = *(uint64_t *)argument;
    int code = write_blob(f, id, "body", error);
    return code ? code : blob_keep(blobs_of(f), id, error);
}

static void a_link_is_deleted_separately(void **state)
{
    struct fixture *f = *state;
    uint64_t source = buckets_next_number(f->cloud.buckets);
    struct linking linking = {.source = source,
                              .blob = buckets_next_number(f->cloud.buckets),
                              .upload = create_upload(f)};
    assert_int_equal(on_storage(f, keep_it, &source), 0);
    assert_int_equal(on_storage(f, link_it, &linking), 0);
    assert_int_equal(on_storage(f, drop_it, &source), 0);
    assert_int_equal(all_files(f), 1);
    close_state(f);
    open_state(f);
    assert_int_equal(all_files(f), 1);
    assert_int_equal(complete_upload(f, linking.upload, DOCUMENT(PART("1", "01"))), S3_OK);
    assert_content(f, "k", 0, 0, "body");
}

/* Checksums of the whole from those of its parts. */

static void checksums_combine(void **state)
{
    /* "123456789": the check values of the catalogue of parametrised CRC algorithms */
    static const struct {
        enum checksum_kind kind;
        uint64_t check;
    } cases[] = {{CHECKSUM_CRC32, 0xCBF43926},
                 {CHECKSUM_CRC32C, 0xE3069283},
                 {CHECKSUM_CRC64NVME, UINT64_C(0xAE8B14860A799888)}};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        for (size_t cut = 0; cut <= 9; cut++) {
            const char *const text = "123456789";
            const size_t ends[] = {0, cut / 2, cut, 9};
            uint64_t whole = 0;
            for (size_t p = 0; p < 3; p++) {
                struct checksum checksum;
                char base64[CHECKSUM_TEXT_SIZE];
                uint8_t bytes[CHECKSUM_SIZE_MAX];
                checksum_start(&checksum, cases[i].kind);
                checksum_update(&checksum, text + ends[p], ends[p + 1] - ends[p]);
                checksum_finish(&checksum, base64);
                assert_int_equal(checksum_decode(cases[i].kind, slice_of(base64), bytes), 0);
                whole =
                    checksum_append(cases[i].kind, whole, checksum_crc_value(cases[i].kind, bytes),
                                    ends[p + 1] - ends[p]);
            }
            assert_true(whole == cases[i].check);
        }
    }
}

/* The maximum number of parts; their sizes are only stated. */

static int put_many(struct fixture *f, void *argument, struct error *error)
{
    uint64_t upload = *(uint64_t *)argument;
    int code = 0, fd;
    for (unsigned i = 1; i <= PART_NUMBER_MAX && !code; i++) {
        struct part part = {.number = i, .blob = i, .size = 5 * 1024 * 1024};
        snprintf(part.etag, sizeof(part.etag), "%032u", i);
        code = blob_create(blobs_of(f), i, &fd, error);
        if (!code)
            code = upload_parts_put(blobs_of(f), upload, &part, error);
        close(fd);
    }
    return code;
}

static void ten_thousand_parts_are_completed(void **state)
{
    struct fixture *f = *state;
    uint64_t upload = create_upload(f);
    struct buffer document;
    assert_int_equal(on_storage(f, put_many, &upload), 0);
    buffer_init(&document, 4 * 1024 * 1024);
    buffer_text(&document, "<CompleteMultipartUpload>");
    for (unsigned i = 1; i <= PART_NUMBER_MAX; i++)
        buffer_format(&document,
                      "<Part><ETag>&quot;%032u&quot;</ETag><PartNumber>%u</PartNumber></Part>", i,
                      i);
    buffer_text(&document, "</CompleteMultipartUpload>");
    assert_int_equal(document.error, 0);
    assert_int_equal(complete_upload(f, upload, document.data), S3_OK);
    buffer_free(&document);
    assert_int_equal(all_files(f), PART_NUMBER_MAX);
    assert_int_equal(delete_key(f, "k"), 0);
    assert_int_equal(all_files(f), 0);
}

/* The victim: two parts and a completion over few keys again and again. */

static void upload_round(struct fixture *f, unsigned i)
{
    char body[16], key[8];
    snprintf(body, sizeof(body), "%u", i);
    snprintf(key, sizeof(key), "k%u", i % 4);
    uint64_t upload = create_upload(f);
    if (upload_part(f, upload, 1, "left out") || upload_part(f, upload, 2, body))
        _exit(1);
    struct whole whole = {.key = key,
                          .id = buckets_next_number(f->cloud.buckets),
                          .upload = upload,
                          .document = DOCUMENT(PART("2", "02"))};
    if (i % 5 == 4) /* one in five is given up */
        on_storage(f, abort_it, &upload);
    else if (on_storage(f, complete, &whole) || whole.verdict)
        _exit(1);
}

static int abort_all(struct fixture *f, void *argument, struct error *error)
{
    (void)argument;
    return uploads_abort_all(blobs_of(f), f->bucket, error);
}

static unsigned value_of(struct fixture *f, unsigned key)
{
    struct object_reader reader = {0};
    char name[8];
    struct reading reading = {.key = name, .reader = &reader};
    snprintf(name, sizeof(name), "k%u", key);
    assert_int_equal(on_storage(f, open_reader, &reading), 0);
    assert_int_equal(on_storage(f, finish_reader, &reading), 0);
    return (unsigned)strtoul(reading.text, NULL, 10);
}

/* The last round for a key that was told and not given up, or the one under way. */
static void check_key(struct fixture *f, unsigned key, unsigned last)
{
    unsigned expected = last - (last - key) % 4;
    if (expected % 5 == 4)
        expected -= 4;
    unsigned value = value_of(f, key);
    assert_true(value == expected || (value == last + 1 && value % 4 == key));
}

static void check_after_kill(struct fixture *f, unsigned last)
{
    open_state(f);
    for (unsigned key = 0; key < 4; key++)
        check_key(f, key, last);
    assert_files_are_rows(
        f, "SELECT count(*) FROM parts JOIN blobs ON blob = blobs.id AND dropped = 0");
    assert_int_equal(on_storage(f, abort_all, NULL), 0);
    assert_int_equal(all_files(f), 4); /* one part for each key */
    close_state(f);
}

static void a_killed_process_leaves_whole_objects_and_no_stray_file(void **state)
{
    struct fixture *f = *state;
    close_state(f);
    for (unsigned i = 0; i < 8; i++)
        check_after_kill(f, run_and_kill(f, upload_round, 12 + i, 300 * i));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(one_part_becomes_an_object_and_survives),
        CASE(parts_are_read_as_one),
        CASE(completion_refuses_wrong_parts),
        CASE(a_part_replaces_that_of_its_number),
        CASE(aborting_leaves_nothing),
        CASE(a_bucket_takes_its_uploads_along),
        CASE(an_undone_completion_changes_nothing),
        CASE(a_reader_outlives_its_object),
        CASE(a_link_is_deleted_separately),
        cmocka_unit_test(checksums_combine),
        CASE(ten_thousand_parts_are_completed),
        CASE(a_killed_process_leaves_whole_objects_and_no_stray_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
