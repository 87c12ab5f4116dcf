/* Jobs and their labeling service: its pace, its failures, and photos that are replaced meanwhile.
 */
#include "engine_world.h"

#include <jansson.h>

enum { CALLS_MAX = 64 };

static struct {
    struct labeler labeler;
    uint64_t delay_ms;    /* of each response */
    int codes[CALLS_MAX]; /* of the responses, in order */
    uint64_t asked_ms[CALLS_MAX];
    unsigned asked, active, most, cancelled;
    bool never; /* there is no response */
    void (*at_call)(void);
} service;

static struct labeler_settings settings;

struct fake_call {
    struct label_request request;
    uv_timer_t timer;
    int code;
    labels_known *done;
    void *user;
};

static void call_closed(uv_handle_t *timer)
{
    free(container_of((uv_timer_t *)timer, struct fake_call, timer));
}

static void call_end(struct fake_call *call)
{
    service.active--;
    uv_close((uv_handle_t *)&call->timer, call_closed);
}

static void respond(uv_timer_t *timer)
{
    struct fake_call *call = container_of(timer, struct fake_call, timer);
    struct label_set labels = {.count = 1, .entries = {{"Cat", "", 97.25}}};
    struct error error = {0};
    json_t *details = json_pack("[{s:[s,s]}]", "parents", "Mammal", "Animal");
    if (call->code)
        error_set(&error, call->code, "no labels");
    call_end(call);
    call->done(&labels, details, &error, call->user);
    json_decref(details);
}

static int fake_label(struct labeler *labeler, const struct label_input *input, labels_known *done,
                      void *user, struct label_request **out)
{
    struct fake_call *call = calloc(1, sizeof *call);
    assert_in_range(service.asked, 0, CALLS_MAX - 1);
    assert_ptr_equal(input->settings, &settings);
    assert_true(input->source.size > 0);
    call->request.labeler = labeler;
    call->done = done;
    call->user = user;
    call->code = service.codes[service.asked];
    service.asked_ms[service.asked++] = uv_now(&w.loop);
    service.active++;
    service.most = service.active > service.most ? service.active : service.most;
    if (service.at_call)
        service.at_call();
    uv_timer_init(&w.loop, &call->timer);
    if (!service.never)
        uv_timer_start(&call->timer, respond, service.delay_ms, 0);
    *out = &call->request;
    return 0;
}

static void fake_cancel(struct label_request *request)
{
    service.cancelled++;
    call_end(container_of(request, struct fake_call, request));
}

static const struct labeler_ops fake_ops = {.label = fake_label, .cancel = fake_cancel};

/* An engine whose pipeline "tags" is labelled by the service. */
static void begin(unsigned visibility_s)
{
    struct engine_options with = options();
    w.pipelines[0]->facts.labels = true;
    w.pipelines[0]->facts.labeler = &settings;
    with.labelers[LABELER_SERVER] = &service.labeler;
    with.visibility_s = visibility_s;
    start(&with);
}

static int labelling_setup(void **state)
{
    memset(&service, 0, sizeof service);
    service.labeler.ops = &fake_ops;
    settings = (struct labeler_settings){.kind = LABELER_SERVER, .name = "server", .max = 10};
    setup(state);
    add_pipeline("tags", "tags");
    return 0;
}

#define LABELLING(name) cmocka_unit_test_setup_teardown(name, labelling_setup, teardown)

static struct fake_object *source_of(const char *name)
{
    char key[64];
    snprintf(key, sizeof key, "ingest/%s", name);
    return fake_store_find(&w.store, "photos", key);
}

static struct fake_object *sidecar(void)
{
    return fake_store_find(&w.store, "photos", "tags/labels.json");
}

/* ---- a request ---- */

static void the_outputs_exist(void)
{
    assert_stored("tags/a.jpg", "tags:pixels");
    assert_null(sidecar());
}

static void labels_are_asked_for_when_the_outputs_are_stored(void **state)
{
    (void)state;
    photo("a.jpg", "pixels");
    announce("tags", "a.jpg");
    service.at_call = the_outputs_exist;
    begin(0);
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    json_t *root = json_loadb(sidecar()->data, sidecar()->size, 0, NULL);
    json_t *cat = json_array_get(json_object_get(root, "labels"), 0);
    assert_string_equal(json_string_value(json_object_get(root, "labeler")), "server");
    assert_string_equal(json_string_value(json_object_get(cat, "name")), "Cat");
    assert_int_equal(json_array_size(json_object_get(cat, "parents")), 2);
    json_decref(root);
    assert_int_equal(source_of("a.jpg")->tag_count, 1);
    assert_string_equal(source_of("a.jpg")->tags[0].value, "97.3");
    assert_int_equal(w.store.heads, 2); /* before the document, and before the tags */
}

static void failures_have_the_outcomes_of_the_table(void **state)
{
    (void)state;
    service.codes[0] = ERR_THROTTLED;
    service.codes[1] = ERR_UNSUPPORTED;
    photo("a.jpg", "pixels");
    announce("tags", "a.jpg");
    begin(0);
    UNTIL(w.retries == 1);
    assert_string_equal(w.last_reason, "throttled");
    UNTIL(w.rejects == 1 && engine_idle(w.engine));
    assert_string_equal(w.last_reason, "image-unsupported");
    assert_null(sidecar());
    assert_int_equal(w.store.tag_puts, 0);
    assert_int_equal(depth("dead"), 1);
}

static void a_service_that_is_not_there_keeps_the_message(void **state)
{
    (void)state;
    photo("a.jpg", "pixels");
    announce("tags", "a.jpg");
    settings.kind = LABELER_REKOGNITION;
    begin(0);
    UNTIL(w.retries == 1);
    assert_string_equal(w.last_reason, "request-refused");
}

/* ---- pace ---- */

static void requests_keep_their_rate(void **state)
{
    (void)state;
    settings.rate = 5;
    announce_photos("tags", 11, "pixels");
    begin(0);
    UNTIL(w.acks == 11 && engine_idle(w.engine));
    for (unsigned i = 1; i < 11; i++) /* a timer counts whole milliseconds */
        assert_in_range(service.asked_ms[i] - service.asked_ms[0], 200 * i - 1, 200 * i + 50);
}

static void a_high_rate_allows_small_bursts(void **state)
{
    (void)state;
    settings.rate = 50;
    announce_photos("tags", 20, "pixels");
    begin(0);
    UNTIL(w.acks == 20 && engine_idle(w.engine));
    assert_true(service.asked_ms[19] - service.asked_ms[0] >= 15 * 1000 / 50 - 1);
}

static void only_so_many_requests_are_pending(void **state)
{
    (void)state;
    settings.concurrency = 2;
    service.delay_ms = 100;
    announce_photos("tags", 9, "pixels");
    begin(0);
    UNTIL(w.acks == 9 && engine_idle(w.engine));
    assert_int_equal(service.most, 2);
    assert_true(service.asked_ms[8] - service.asked_ms[0] >= 400);
}

static void a_failed_request_makes_room(void **state)
{
    (void)state;
    settings.concurrency = 1;
    service.codes[0] = ERR_TIMEOUT;
    announce_photos("tags", 3, "pixels");
    begin(0);
    UNTIL(w.acks == 3 && engine_idle(w.engine));
    assert_int_equal(w.retries, 1);
    assert_int_equal(service.most, 1);
}

static void jobs_keep_their_messages_while_they_wait(void **state)
{
    (void)state;
    settings.rate = 0.2;
    announce_photos("tags", 4, "pixels");
    begin(2);
    UNTIL(w.acks == 4 && engine_idle(w.engine));
    assert_true(service.asked_ms[3] - service.asked_ms[0] >= 14999);
    assert_int_equal(stats().received, 4); /* each was delivered once */
    assert_true(fake_queue_find(&w.queues, "tags")->extend_calls > 5);
    assert_int_equal(w.retries, 0);
}

/* ---- cancelling ---- */

static void a_lost_lease_cancels_the_request(void **state)
{
    (void)state;
    service.never = true;
    photo("a.jpg", "pixels");
    announce("tags", "a.jpg");
    begin(2);
    UNTIL(service.active == 1);
    receive_elsewhere("tags");
    UNTIL(w.retries == 1 && stats().jobs == 0);
    assert_string_equal(w.last_reason, "lease-lost");
    assert_int_equal(service.cancelled, 1);
    assert_null(sidecar());
}

static void a_job_that_leaves_gives_up_its_turn(void **state)
{
    (void)state;
    settings.concurrency = 1;
    service.never = true;
    photo("a.jpg", "pixels");
    announce("tags", "a.jpg");
    begin(2);
    UNTIL(service.active == 1);
    photo("b.jpg", "pixels");
    announce("tags", "b.jpg");
    UNTIL(fake_store_find(&w.store, "photos", "tags/b.jpg"));
    service.never = false;
    receive_elsewhere("tags"); /* the message of a.jpg */
    UNTIL(w.acks == 1);
    assert_int_equal(service.cancelled, 1);
    assert_int_equal(source_of("b.jpg")->tag_count, 1);
}

static void closing_cancels_requests_and_turns(void **state)
{
    (void)state;
    settings.concurrency = 1;
    service.never = true;
    announce_photos("tags", 3, "pixels");
    begin(0);
    UNTIL(service.active == 1 && w.store.puts == 3);
    engine_close(w.engine, set_true, &w.closed);
    w.engine = NULL;
    UNTIL(w.closed);
    assert_int_equal(service.cancelled, 1);
}

/* ---- replaced photos ---- */

static void replace(void)
{
    source_of("a.jpg")->etag = "another";
}

static void a_replaced_photo_gets_no_labels(void **state)
{
    (void)state;
    photo("a.jpg", "pixels");
    announce("tags", "a.jpg");
    service.at_call = replace;
    begin(0);
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    assert_null(sidecar());
    assert_int_equal(w.store.tag_puts, 0);
    assert_int_equal(source_of("a.jpg")->tag_count, 0);
}

static int (*real_get_tags)(struct object_store *store, const struct object_name *name,
                            object_tags_got *done, void *user, struct object_request **out);

static int get_tags_late(struct object_store *store, const struct object_name *name,
                         object_tags_got *done, void *user, struct object_request **out)
{
    replace();
    return real_get_tags(store, name, done, user, out);
}

static void a_photo_that_is_replaced_last_gets_no_tags(void **state)
{
    (void)state;
    photo("a.jpg", "pixels");
    announce("tags", "a.jpg");
    real_get_tags = w.store.ops.get_tags;
    w.store.ops.get_tags = get_tags_late;
    begin(0);
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    assert_int_equal(w.store.tag_puts, 0);
}

static void delete (void)
{
    struct fake_object *object = source_of("a.jpg");
    free(object->key);
    object->key = strdup("elsewhere");
}

static void a_photo_that_is_deleted_meanwhile_is_rejected(void **state)
{
    (void)state;
    photo("a.jpg", "pixels");
    announce("tags", "a.jpg");
    service.at_call = delete;
    begin(0);
    UNTIL(w.rejects == 1 && engine_idle(w.engine));
    assert_string_equal(w.last_reason, "object-missing");
    assert_null(sidecar());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LABELLING(labels_are_asked_for_when_the_outputs_are_stored),
        LABELLING(failures_have_the_outcomes_of_the_table),
        LABELLING(a_service_that_is_not_there_keeps_the_message),
        LABELLING(requests_keep_their_rate),
        LABELLING(a_high_rate_allows_small_bursts),
        LABELLING(only_so_many_requests_are_pending),
        LABELLING(a_failed_request_makes_room),
        LABELLING(jobs_keep_their_messages_while_they_wait),
        LABELLING(a_lost_lease_cancels_the_request),
        LABELLING(a_job_that_leaves_gives_up_its_turn),
        LABELLING(closing_cancels_requests_and_turns),
        LABELLING(a_replaced_photo_gets_no_labels),
        LABELLING(a_photo_that_is_replaced_last_gets_no_tags),
        LABELLING(a_photo_that_is_deleted_meanwhile_is_rejected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
