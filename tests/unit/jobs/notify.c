/* The order and the failures of notifications: the engine over fakes, with a notifier of the test. */
#include "engine_world.h"

enum { SCRIPT_MAX = 8, DELAY_MS = 500 };

/* ---- the notifier ---- */

struct told_request {
    struct notify_request seam;
    uv_timer_t timer;
    int code;
};

static struct {
    struct notifier notifier;
    int codes[SCRIPT_MAX]; /* of the first notifications; the others succeed */
    unsigned sent, confirmed, cancelled;
    bool silent; /* never responds */
    char ids[SCRIPT_MAX][80];
    char type[32], document[4096], text[1024], subject[128];
    void (*on_send)(void);
    void (*on_confirm)(void);
} told;

static struct pipeline_notify wish;

static void request_closed(uv_handle_t *handle)
{
    free(container_of(handle, struct told_request, timer));
}

static void request_due(uv_timer_t *timer)
{
    struct told_request *request = container_of(timer, struct told_request, timer);
    struct error error = {0};
    if (request->code)
        error_set(&error, request->code, "not today");
    else
        told.confirmed++;
    if (told.on_confirm)
        told.on_confirm();
    request->seam.done(&error, request->seam.user);
    uv_close((uv_handle_t *)timer, request_closed);
}

static int tell(struct notifier *notifier, const struct notify_message *what, notified *done,
                void *user, struct notify_request **out)
{
    struct told_request *request = calloc(1, sizeof *request);
    assert_ptr_equal(notifier, &told.notifier);
    assert_true(told.sent < SCRIPT_MAX);
    if (told.on_send)
        told.on_send();
    snprintf(told.ids[told.sent], sizeof told.ids[0], "%s", what->id);
    snprintf(told.type, sizeof told.type, "%s", what->type);
    snprintf(told.document, sizeof told.document, "%.*s", (int)what->document.size,
             what->document.data);
    snprintf(told.text, sizeof told.text, "%s", what->text ? what->text : "");
    request->code = told.codes[told.sent++];
    request->seam = (struct notify_request){done, user};
    uv_timer_init(&w.loop, &request->timer);
    if (!told.silent)
        uv_timer_start(&request->timer, request_due, DELAY_MS, 0);
    *out = &request->seam;
    return 0;
}

static void tell_cancel(struct notify_request *seam)
{
    struct told_request *request = container_of(seam, struct told_request, seam);
    told.cancelled++;
    uv_close((uv_handle_t *)&request->timer, request_closed);
}

static int presign(struct object_store *store, const struct object_presign *what, char **url,
                   struct object_validity *valid, struct error *error)
{
    (void)store, (void)error;
    assert_string_equal(what->method, "GET");
    assert_true(asprintf(url, "https://%s/%s?for=%u", what->name.bucket, what->name.key,
                         what->expires_s) > 0);
    *valid = (struct object_validity){.expires_s = what->expires_s};
    return 0;
}

static struct engine_options telling(void)
{
    static const struct notifier_ops ops = {.send = tell, .cancel = tell_cancel};
    struct engine_options with = options();
    told.notifier.ops = &ops;
    with.notifiers[NOTIFY_QUEUE] = &told.notifier;
    with.backoff_s = 1;
    return with;
}

static int begin(void **state)
{
    memset(&told, 0, sizeof told);
    wish = (struct pipeline_notify){
        .kind = NOTIFY_QUEUE, .target = "told", .link_s = 60, .done = true, .rejected = true};
    int code = setup(state);
    w.store.ops.presign = presign;
    add_pipeline("web", "web");
    w.pipelines[0]->facts.notify = &wish;
    return code;
}

#define TOLD(name) cmocka_unit_test_setup_teardown(name, begin, teardown)

static struct queue *web(void)
{
    return fake_queue_find(&w.queues, "web");
}

static void start_telling(void)
{
    struct engine_options with = telling();
    start(&with);
}

/* ---- order ---- */

static void nothing_is_deleted(void)
{
    assert_int_equal(web()->delete_calls, 0);
    assert_int_equal(depth("web"), 1);
}

static void the_output_is_stored(void)
{
    nothing_is_deleted();
    assert_stored("web/a.jpg", "web:pixels");
}

static void a_photo_is_announced_between_its_outputs_and_the_delete(void **state)
{
    (void)state;
    told.on_send = the_output_is_stored;
    told.on_confirm = nothing_is_deleted;
    photo("a.jpg", "pixels");
    announce("web", "a.jpg");
    start_telling();
    UNTIL(depth("web") == 0 && engine_idle(w.engine));
    assert_int_equal(told.sent, 1);
    assert_int_equal(told.confirmed, 1);
    assert_int_equal(w.acks, 1);
    assert_string_equal(told.type, "photo.done");
    assert_non_null(strstr(told.document, "\"link\":\"https://photos/web/a.jpg?for=60\""));
    assert_int_equal(stats().notified, 1);
}

static void failures_are_retried_with_the_same_identifier(void **state)
{
    (void)state;
    const int codes[] = {ERR_NETWORK, ERR_NO_CONTAINER, ERR_NOT_FOUND, ERR_INVALID, ERR_DENIED};
    memcpy(told.codes, codes, sizeof codes);
    struct engine_options with = telling();
    with.drop_missing = true; /* a missing target is not a missing object */
    photo("a.jpg", "pixels");
    announce("web", "a.jpg");
    start(&with);
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    assert_int_equal(told.sent, 6);
    assert_int_equal(w.retries, 5);
    assert_int_equal(w.rejects, 0);
    for (unsigned i = 1; i < told.sent; i++)
        assert_string_equal(told.ids[i], told.ids[0]);
    assert_int_equal(stats().notify_failed, 5);
    assert_int_equal(depth("dead"), 0);
}

static void what_can_never_be_announced_goes_to_the_dead_letter_queue(void **state)
{
    (void)state;
    told.codes[0] = ERR_LIMIT;
    photo("a.jpg", "pixels");
    announce("web", "a.jpg");
    start_telling();
    UNTIL(w.rejects == 1 && engine_idle(w.engine));
    assert_string_equal(w.last_reason, "notification-too-large");
    assert_int_equal(told.sent, 1); /* its rejection is not announced to the same target */
    assert_stored("web/a.jpg", "web:pixels");
}

static void without_a_client_the_message_is_retried(void **state)
{
    (void)state;
    photo("a.jpg", "pixels");
    announce("web", "a.jpg");
    start_default();
    UNTIL(w.retries >= 1);
    assert_string_equal(w.last_reason, "not-supported-by-service");
    assert_int_equal(depth("web"), 1);
}

static void each_record_is_announced_once(void **state)
{
    (void)state;
    told.codes[1] = ERR_TIMEOUT;
    photo("a.jpg", "pixels");
    photo("b.jpg", "pixels");
    fake_queue_put(web(), "{\"Records\":["
                          "{\"eventName\":\"ObjectCreated:Put\",\"s3\":{\"bucket\":{\"name\":"
                          "\"photos\"},\"object\":{\"key\":\"ingest/a.jpg\"}}},"
                          "{\"eventName\":\"ObjectCreated:Put\",\"s3\":{\"bucket\":{\"name\":"
                          "\"photos\"},\"object\":{\"key\":\"ingest/b.jpg\"}}}]}");
    start_telling();
    UNTIL(depth("web") == 0 && engine_idle(w.engine));
    assert_int_equal(told.sent, 3); /* the one that failed is repeated */
    assert_string_not_equal(told.ids[0], told.ids[1]);
    assert_string_equal(told.ids[1], told.ids[2]);
}

static void only_what_is_wished_is_announced(void **state)
{
    (void)state;
    wish.done = false;
    photo("a.jpg", "pixels");
    announce("web", "a.jpg");
    start_telling();
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    wish.rejected = false;
    photo("b.jpg", "corrupt");
    announce("web", "b.jpg");
    UNTIL(w.rejects == 1 && engine_idle(w.engine));
    assert_int_equal(told.sent, 0);
}

/* ---- rejections ---- */

static void no_dead_letter_is_sent(void)
{
    nothing_is_deleted();
    assert_int_equal(depth("dead"), 0);
}

static void a_rejection_is_announced_before_its_dead_letter(void **state)
{
    (void)state;
    told.codes[0] = ERR_SERVER;
    told.on_send = told.on_confirm = no_dead_letter_is_sent;
    photo("a.jpg", "corrupt");
    announce("web", "a.jpg");
    start_telling();
    UNTIL(w.rejects == 1 && engine_idle(w.engine));
    assert_int_equal(told.sent, 2);
    assert_string_equal(told.ids[0], told.ids[1]);
    assert_int_equal(w.retries, 1);
    assert_int_equal(depth("dead"), 1);
    assert_string_equal(told.type, "photo.rejected");
    assert_non_null(strstr(told.document, "\"reason\":\"image-corrupt\""));
    const struct fake_message *letter = fake_queue_first(fake_queue_find(&w.queues, "dead"));
    assert_string_equal(fake_attribute(letter, "ThumbwheelReason"), "image-corrupt");
    assert_string_equal(fake_attribute(letter, "ThumbwheelDetail"), "the image is corrupt");
}

static void a_rejection_that_cannot_be_announced_keeps_its_reason(void **state)
{
    (void)state;
    told.codes[0] = ERR_LIMIT;
    photo("a.jpg", "corrupt");
    announce("web", "a.jpg");
    start_telling();
    UNTIL(w.rejects == 1 && engine_idle(w.engine));
    assert_string_equal(w.last_reason, "image-corrupt");
    assert_int_equal(depth("dead"), 1);
}

static void a_missing_object_is_announced(void **state)
{
    (void)state;
    announce("web", "absent.jpg");
    start_telling();
    UNTIL(w.rejects == 1 && engine_idle(w.engine));
    assert_string_equal(told.type, "photo.rejected");
    assert_non_null(strstr(told.document, "\"reason\":\"object-missing\""));
}

/* ---- interruptions ---- */

static void a_drain_waits_for_the_notification(void **state)
{
    (void)state;
    photo("a.jpg", "pixels");
    announce("web", "a.jpg");
    start_telling();
    UNTIL(told.sent == 1);
    engine_drain(w.engine, 60000, set_true, &w.drained);
    UNTIL(w.drained);
    assert_int_equal(told.confirmed, 1);
    assert_int_equal(depth("web"), 0);
}

static void after_the_grace_period_it_is_cancelled_and_the_message_returned(void **state)
{
    (void)state;
    told.silent = true;
    photo("a.jpg", "pixels");
    announce("web", "a.jpg");
    start_telling();
    UNTIL(told.sent == 1);
    engine_drain(w.engine, 2000, set_true, &w.drained);
    UNTIL(w.drained);
    assert_int_equal(told.cancelled, 1);
    assert_int_equal(depth("web"), 1);
    assert_true(fake_queue_first(web())->visible_at_ms <= uv_now(&w.loop));
}

static void a_lost_lease_cancels_it(void **state)
{
    (void)state;
    struct engine_options with = telling();
    with.visibility_s = 2;
    told.silent = true;
    photo("a.jpg", "pixels");
    announce("web", "a.jpg");
    start(&with);
    UNTIL(told.sent == 1);
    receive_elsewhere("web");
    UNTIL(told.cancelled == 1 && engine_idle(w.engine));
    assert_string_equal(w.last_reason, "lease-lost");
    assert_int_equal(depth("web"), 1);
}

static void a_close_cancels_it(void **state)
{
    (void)state;
    told.silent = true;
    photo("a.jpg", "pixels");
    announce("web", "a.jpg");
    start_telling();
    UNTIL(told.sent == 1); /* the teardown closes the engine, and checks that nothing is left */
}

/* ---- the targets ---- */

static void a_queue_that_a_pipeline_reads_is_refused(void **state)
{
    (void)state;
    struct engine_options with = telling();
    struct engine *engine = NULL;
    struct error error = {0};
    wish.target = "web";
    assert_int_equal(engine_create(&w.loop, &with, &engine, &error), ERR_INVALID);
    assert_non_null(strstr(error.text, "would take notifications for events"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TOLD(a_photo_is_announced_between_its_outputs_and_the_delete),
        TOLD(failures_are_retried_with_the_same_identifier),
        TOLD(what_can_never_be_announced_goes_to_the_dead_letter_queue),
        TOLD(without_a_client_the_message_is_retried),
        TOLD(each_record_is_announced_once),
        TOLD(only_what_is_wished_is_announced),
        TOLD(a_rejection_is_announced_before_its_dead_letter),
        TOLD(a_rejection_that_cannot_be_announced_keeps_its_reason),
        TOLD(a_missing_object_is_announced),
        TOLD(a_drain_waits_for_the_notification),
        TOLD(after_the_grace_period_it_is_cancelled_and_the_message_returned),
        TOLD(a_lost_lease_cancels_it),
        TOLD(a_close_cancels_it),
        TOLD(a_queue_that_a_pipeline_reads_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
