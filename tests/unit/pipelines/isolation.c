/*
 * Decoders in separate processes.
 *
 * This executable is also the decoder: started as "decoder" it renders as the product does, unless
 * the image's bytes are one of the words below. So each test gives its decoder an image that
 * behaves like a hostile one, and checks the result, the next image, and this process.
 */
#include "isolation_world.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "container_of.h"
#include "decoder_child.h"
#include "decoder_sandbox.h"
#include "decoder_threads.h"
#include "decoder_wire.h"
#include "isolation.h"
#include "outcome.h"

/* Each act that uses up the memory touches all of it, twice, so there is not much of it. */
enum { TIMEOUT_MS = 2000, MEMORY = 256 << 20 };

/* ---- the decoder: hostile behaviour ---- */

static volatile int zero;

static void crash(struct render_item *item)
{
    (void)item;
    abort();
}

static void overflow(struct render_item *item)
{
    (void)item;
    volatile char *nowhere = (char *)(uintptr_t)zero;
    *nowhere = 1;
}

static void loop(struct render_item *item)
{
    (void)item;
    while (!zero)
        ;
}

static void sleep_long(struct render_item *item)
{
    (void)item;
    for (;;)
        nanosleep(&(struct timespec){.tv_sec = 100}, NULL);
}

static void allocate(struct render_item *item)
{
    (void)item;
    for (;;) {
        char *block = malloc(4 << 20);
        if (block)
            memset(block, 1, 4 << 20);
    }
}

static void allocate_glib(struct render_item *item)
{
    (void)item;
    for (;;) {
        char *block = g_malloc(4 << 20);
        memset(block, 1, 4 << 20);
    }
}

/* Less than the limit in anonymous memory, less than the limit in the output, more together, without
 * the pages of the libraries. */
static void hold_in_both(struct render_item *item)
{
    enum { STEP = 4 << 20, BLOCK = MEMORY / 32 * 23, OUTPUT = MEMORY / 16 * 5 };
    char *block = malloc(BLOCK);
    memset(block, 1, BLOCK);
    for (off_t at = 0; at < OUTPUT; at += STEP) {
        if (pwrite(DECODER_OUTPUT, block, STEP, at) != STEP)
            _exit(1);
    }
    sleep_long(item);
}

/* Memory that is only read is one page of zeros; the tables that say so are many. */
static void hold_in_tables(struct render_item *item)
{
    const size_t table = 2 << 20, size = table * (MEMORY / 4096 + 1024);
    volatile char *zeros =
        mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (zeros == MAP_FAILED) /* by its limit of addresses, which a sanitizer doesn't have */
        _exit(DECODER_SANITIZED ? 1 : DECODER_EXIT_MEMORY);
    for (size_t at = 0; at < size; at += table)
        (void)zeros[at];
    sleep_long(item);
}

/* The others report what succeeded; if everything was refused, the image counts as corrupt. */
static void report(struct render_item *item, bool refused)
{
    error_set(&item->error, refused ? ERR_CORRUPT : ERR_INVALID, refused ? "refused" : "allowed");
}

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;

static void *hold_on(void *user)
{
    pthread_mutex_lock(&held);
    pthread_mutex_unlock(&held);
    return user;
}

/* As many threads as it gets; the sandbox lets it have those that codecs need. */
static void start_threads(struct render_item *item)
{
    enum { MANY = 3000, CODECS = 64 };
    static pthread_t threads[MANY];
    pthread_attr_t small;
    size_t count = 0;
    int code = 0;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 1 << 16);
    pthread_mutex_lock(&held);
    while (count < MANY && !(code = pthread_create(&threads[count], &small, hold_on, NULL)))
        count++;
    pthread_mutex_unlock(&held);
    for (size_t i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    report(item, code == EAGAIN && count >= CODECS && count <= DECODER_THREADS_MAX);
}

static void run_out(struct render_item *item)
{
    error_set(&item->error, ERR_MEMORY, "no memory");
}

static void open_socket(struct render_item *item)
{
    (void)item;
    socket(AF_INET, SOCK_STREAM, 0);
}

static void execute(struct render_item *item)
{
    (void)item;
    execl("/bin/true", "true", (char *)NULL);
}

static void fork_one(struct render_item *item)
{
    (void)item;
    if (fork() == 0)
        _exit(0);
}

static void kill_parent(struct render_item *item)
{
    (void)item;
    kill(getppid(), SIGTERM);
}

static void open_file(struct render_item *item)
{
    int read_one = open("/etc/passwd", O_RDONLY);
    int saved = errno;
    int made = open("/tmp/thumbwheel-made-by-a-decoder", O_CREAT | O_WRONLY, 0600);
    report(item, read_one < 0 && saved == EACCES && made < 0 && errno == EACCES);
}

static void look_around(struct render_item *item)
{
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    int open_ones = 0;
    for (int fd = 0; fd < 1024; fd++)
        open_ones += lseek(fd, 0, SEEK_CUR) >= 0 || errno != EBADF;
    void *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    report(item, !getenv("AWS_SECRET_ACCESS_KEY") && !getenv("HOME") && open_ones == 6 &&
                     shared == MAP_FAILED && setrlimit(RLIMIT_CPU, &limit) != 0 &&
                     memfd_create("more", 0) < 0 && write(DECODER_INPUT, "x", 1) < 0 &&
                     ftruncate(DECODER_OUTPUT, 0) != 0);
}

/* The only call that may name any process. In its PID namespace, there are only the decoder's
 * threads.
 */
static void count_others(struct render_item *item)
{
    enum { NUMBERS = 1 << 16 };
    cpu_set_t processors;
    size_t count = 0;
    for (pid_t pid = 1; pid < NUMBERS; pid++)
        count += sched_getaffinity(pid, sizeof processors, &processors) == 0;
    report(item, getpid() != 1 || count <= DECODER_THREADS_MAX);
}

static void say(uint64_t sequence, uint64_t size)
{
    const struct decoder_response response = {.sequence = sequence, .reply_size = size};
    if (write(DECODER_SOCKET, &response, sizeof response) < 0)
        _exit(1);
}

static void lie_about_size(struct render_item *item)
{
    (void)item;
    say(1, UINT64_MAX);
    sleep_long(item);
}

static void lie_about_sequence(struct render_item *item)
{
    (void)item;
    say(77, 4);
    sleep_long(item);
}

static void lie_in_words(struct render_item *item)
{
    char noise[4096];
    memset(noise, 'A', sizeof noise);
    if (pwrite(DECODER_OUTPUT, noise, sizeof noise, 0) < 0)
        _exit(1);
    say(1, sizeof noise);
    sleep_long(item);
}

static void mumble(struct render_item *item)
{
    if (write(DECODER_SOCKET, "?", 1) < 0)
        _exit(1);
    sleep_long(item);
}

static void hang_up(struct render_item *item)
{
    close(DECODER_SOCKET);
    sleep_long(item);
}

static void ask_for(uint64_t bytes)
{
    const struct decoder_response request = {.sequence = 1, .promise = bytes};
    if (write(DECODER_SOCKET, &request, sizeof request) < 0)
        _exit(1);
}

static void ask_twice(struct render_item *item)
{
    ask_for(1 << 20);
    ask_for(1 << 20);
    sleep_long(item);
}

/* Follows the request; the response does not matter. */
static void ask_too_much(struct render_item *item)
{
    struct decoder_verdict verdict = {0};
    ask_for(UINT64_MAX);
    if (read(DECODER_SOCKET, &verdict, sizeof verdict) != sizeof verdict || !verdict.code)
        _exit(1);
    report(item, true);
}

static void ask_and_sleep(struct render_item *item)
{
    ask_for(1 << 20);
    sleep_long(item);
}

static void ask_and_crash(struct render_item *item)
{
    ask_for(1 << 20);
    crash(item);
}

static void respond_late(struct render_item *item)
{
    say(2, 0); /* to the question after this one */
    report(item, true);
}

static const struct {
    const char *word;
    void (*act)(struct render_item *item);
    int code; /* what the parent makes of it */
} acts[] = {
    {"crash", crash, ERR_DECODER_CRASHED},
    {"overflow", overflow, ERR_DECODER_CRASHED},
    {"socket", open_socket, ERR_DECODER_CRASHED},
    {"exec", execute, ERR_DECODER_CRASHED},
    {"fork", fork_one, ERR_DECODER_CRASHED},
    {"kill", kill_parent, ERR_DECODER_CRASHED},
    {"allocate", allocate, ERR_DECODER_MEMORY},
    {"allocate-glib", allocate_glib, ERR_DECODER_MEMORY},
    {"hold-in-both", hold_in_both, ERR_DECODER_MEMORY},
    {"hold-in-tables", hold_in_tables, ERR_DECODER_MEMORY},
    {"run-out", run_out, ERR_DECODER_MEMORY},
    {"threads", start_threads, ERR_CORRUPT},
    {"open", open_file, ERR_CORRUPT},
    {"look", look_around, ERR_CORRUPT},
    {"count-others", count_others, ERR_CORRUPT},
    {"lie-size", lie_about_size, ERR_DECODER_CRASHED},
    {"lie-sequence", lie_about_sequence, ERR_DECODER_CRASHED},
    {"lie-words", lie_in_words, ERR_DECODER_CRASHED},
    {"ask-and-crash", ask_and_crash, ERR_DECODER_CRASHED},
    {"mumble", mumble, ERR_DECODER_CRASHED},
    {"hang-up", hang_up, ERR_DECODER_CRASHED},
    {"ask-twice", ask_twice, ERR_DECODER_CRASHED},
    {"ask-too-much", ask_too_much, ERR_DECODER_MEMORY},
    {"late", respond_late, ERR_DECODER_CRASHED},
    {"ask-and-sleep", ask_and_sleep, ERR_DECODER_TIMEOUT},
    {"loop", loop, ERR_DECODER_TIMEOUT},
    {"sleep", sleep_long, ERR_DECODER_TIMEOUT},
};

enum { ACTS = sizeof acts / sizeof acts[0], ENDLESS = 3, LATE = ACTS - ENDLESS - 1 };

static void render_or_act(const struct render_source *source, const struct pipeline_limits *limits,
                          struct render_item *items, size_t count)
{
    for (size_t i = 0; i < ACTS; i++) {
        if (slice_equal_text(source->image, acts[i].word)) {
            acts[i].act(&items[0]);
            return;
        }
    }
    vips_pipeline_ops.render(source, limits, items, count);
}

/* ---- the parent's ---- */

static int set_up(void **state)
{
    return isolation_set_up(PATIENCE_MS, MEMORY, state);
}

static int set_up_hasty(void **state)
{
    return isolation_set_up(TIMEOUT_MS, MEMORY, state);
}

static void act_out(const struct world *w, size_t index)
{
    struct render_item item = {.pipeline = w->pipeline};
    render_one(slice_of(acts[index].word), &item);
    if (item.error.code != acts[index].code)
        fail_msg("%s: %s (%s)", acts[index].word, error_name(item.error.code), item.error.text);
    assert_null(item.renditions);
    render_item_clear(&item);
}

static void what_an_image_may_do(void **state)
{
    const struct world *w = *state;
    for (size_t i = 0; i < LATE; i++) {
        act_out(w, i);
        assert_works(w);
    }
    assert_int_not_equal(access("/tmp/thumbwheel-made-by-a-decoder", F_OK), 0);
}

static void an_image_may_not_take_for_ever(void **state)
{
    const struct world *w = *state;
    for (size_t i = LATE + 1; i < ACTS; i++) {
        act_out(w, i);
        assert_works(w);
    }
}

/* A response without a request: the process is replaced, and another one renders the next image. */
static void a_response_in_advance_is_refused(void **state)
{
    const struct world *w = *state;
    act_out(w, LATE);
    assert_works(w);
}

static void reasons_are_the_documented_words(void **state)
{
    (void)state;
    static const struct {
        int code;
        const char *reason;
    } rows[] = {{ERR_DECODER_CRASHED, "decoder-crashed"},
                {ERR_DECODER_TIMEOUT, "decoder-timeout"},
                {ERR_DECODER_MEMORY, "decoder-memory"}};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(outcome_of(STAGE_RENDER, rows[i].code), OUTCOME_REJECT);
        assert_string_equal(outcome_reason(STAGE_RENDER, rows[i].code), rows[i].reason);
    }
}

/* Every item of a round has the failure; one that was cancelled before has not. */
static void all_items_of_a_crash_fail(void **state)
{
    const struct world *w = *state;
    static const struct pipeline_limits defaults;
    const struct render_source source = source_of("in/a.png", slice_of("crash"));
    atomic_bool yes = true;
    struct render_item items[3] = {{.pipeline = w->pipeline},
                                   {.pipeline = w->pipeline, .cancelled = &yes},
                                   {.pipeline = w->pipeline}};
    isolated_pipeline_ops.render(&source, &defaults, items, 3);
    assert_int_equal(items[0].error.code, ERR_DECODER_CRASHED);
    assert_int_equal(items[1].error.code, ERR_CANCELLED);
    assert_int_equal(items[2].error.code, ERR_DECODER_CRASHED);
}

static void *cancel_soon(void *flag)
{
    nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    atomic_store((atomic_bool *)flag, true);
    return NULL;
}

static void a_cancelled_render_frees_its_worker(void **state)
{
    const struct world *w = *state;
    atomic_bool cancelled = false;
    pthread_t thread;
    struct render_item item = {.pipeline = w->pipeline, .cancelled = &cancelled};
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &cancelled), 0);
    render_one(slice_of("sleep"), &item);
    pthread_join(thread, NULL);
    assert_int_equal(item.error.code, ERR_CANCELLED);
    assert_works(w);
}

static void a_decoder_that_dies_idle_costs_no_image(void **state)
{
    const struct world *w = *state;
    char path[64];
    int pid = 0;
    assert_works(w);
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *file = fopen(path, "r");
    if (!file)
        skip();
    assert_int_equal(fscanf(file, "%d", &pid), 1);
    fclose(file);
    assert_int_equal(kill(pid, SIGKILL), 0);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_works(w);
}

/* ---- a wedged decoder ---- */

struct wedge {
    struct render_item item;
    atomic_bool ended;
};

static void *render_wedge(void *user)
{
    struct wedge *wedge = user;
    render_one(slice_of("sleep"), &wedge->item);
    atomic_store(&wedge->ended, true);
    return NULL;
}

/* It is stopped by its own time limit, and meanwhile stops nobody else. */
static void a_wedged_decoder_stops_only_itself(void **state)
{
    const struct world *w = *state;
    struct wedge wedge = {.item = {.pipeline = w->pipeline}};
    pthread_t thread;
    unsigned others = 0;
    assert_int_equal(pthread_create(&thread, NULL, render_wedge, &wedge), 0);
    while (!atomic_load(&wedge.ended)) {
        assert_works(w);
        others++;
    }
    pthread_join(thread, NULL);
    assert_int_equal(wedge.item.error.code, ERR_DECODER_TIMEOUT);
    assert_in_range(others, 5, UINT_MAX);
}

/* ---- memory ---- */

static pid_t only_child(void)
{
    siginfo_t info = {0};
    pid_t found = 0;
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *file = fopen(path, "r");
    if (!file || fscanf(file, "%d", &found) != 1)
        found = 0;
    if (file)
        fclose(file);
    assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT), 0);
    return found;
}

struct keeper {
    struct render_gate gate;
    uint64_t asked;
    unsigned times;
    int verdict;
    int signal; /* to the decoder, when it asks; 0: none */
};

static int keeper_pass(struct render_gate *gate, uint64_t bytes)
{
    struct keeper *keeper = container_of(gate, struct keeper, gate);
    keeper->asked = bytes;
    keeper->times++;
    if (keeper->signal)
        kill(only_child(), keeper->signal);
    return keeper->verdict;
}

static int render_gated(const struct pipeline_ops *ops, struct pipeline *pipeline,
                        struct slice image, struct keeper *keeper)
{
    static const struct pipeline_limits defaults;
    struct render_source source = source_of("in/a.png", image);
    struct render_item item = {.pipeline = pipeline};
    source.gate = &keeper->gate;
    keeper->gate.pass = keeper_pass;
    ops->render(&source, &defaults, &item, 1);
    int code = item.error.code;
    render_item_clear(&item);
    return code;
}

/* The header's facts come from the decoder; the image is there once more, for its sake. */
static void memory_is_requested_before_the_pixels(void **state)
{
    const struct world *w = *state;
    struct keeper here = {0}, there = {0};
    assert_int_equal(render_gated(&vips_pipeline_ops, w->pipeline, view(&w->photo), &here), 0);
    assert_int_equal(render_gated(&isolated_pipeline_ops, w->pipeline, view(&w->photo), &there), 0);
    assert_int_equal(here.times, 1);
    assert_int_equal(there.times, 1);
    assert_int_equal(there.asked, here.asked + w->photo.size);
}

/* A crash is retried in another decoder, but a timeout is not. */
static void a_timeout_is_not_retried(void **state)
{
    const struct world *w = *state;
    struct keeper crashing = {0}, endless = {0};
    assert_int_equal(
        render_gated(&isolated_pipeline_ops, w->pipeline, slice_of("ask-and-crash"), &crashing),
        ERR_DECODER_CRASHED);
    assert_int_equal(crashing.times, 2);
    assert_int_equal(
        render_gated(&isolated_pipeline_ops, w->pipeline, slice_of("ask-and-sleep"), &endless),
        ERR_DECODER_TIMEOUT);
    assert_int_equal(endless.times, 1);
    assert_works(w);
}

/* The kernel's signals, which the first process of a PID namespace would ignore. */
static void signals_end_a_decoder(void **state)
{
    const struct world *w = *state;
    struct keeper late = {.signal = SIGXCPU}, aborted = {.signal = SIGABRT};
    const struct slice endless = slice_of("ask-and-sleep");
    assert_works(w);
    assert_int_equal(render_gated(&isolated_pipeline_ops, w->pipeline, endless, &late),
                     ERR_DECODER_TIMEOUT);
    assert_int_equal(render_gated(&isolated_pipeline_ops, w->pipeline, endless, &aborted),
                     ERR_DECODER_CRASHED);
    assert_works(w);
}

static unsigned long restarts(const char *reason)
{
    char line[96];
    struct buffer out;
    buffer_init(&out, 4096);
    isolation_write_metrics(&out);
    buffer_byte(&out, '\0');
    snprintf(line, sizeof line, "thumbwheel_decoder_restarts_total{reason=\"%s\"} ", reason);
    const char *at = strstr(out.data, line);
    assert_non_null(at);
    unsigned long count = strtoul(at + strlen(line), NULL, 10);
    buffer_free(&out);
    return count;
}

static void restarts_are_counted_by_reason(void **state)
{
    struct render_item item = {.pipeline = ((struct world *)*state)->pipeline};
    unsigned long crashed = restarts("crashed"), failed = restarts("failed");
    render_one(slice_of("crash"), &item);
    assert_int_equal(restarts("crashed"), crashed + 2); /* it was retried */
    assert_works(*state);
    assert_int_equal(restarts("crashed"), crashed + 2);
    assert_int_equal(restarts("failed"), failed);
}

static void a_crash_is_named(void **state)
{
    const struct world *w = *state;
    struct render_item item = {.pipeline = w->pipeline};
    render_one(slice_of("crash"), &item);
    assert_string_equal(item.error.text, "the decoder crashed (Aborted)");
    render_item_clear(&item);
}

static void a_render_without_memory_keeps_its_decoder(void **state)
{
    const struct world *w = *state;
    struct keeper keeper = {.verdict = ERR_CANCELLED};
    assert_works(w);
    pid_t before = only_child();
    assert_int_equal(render_gated(&isolated_pipeline_ops, w->pipeline, view(&w->photo), &keeper),
                     ERR_CANCELLED);
    assert_works(w);
    assert_int_equal(only_child(), before);
}

/* An image that needs more memory than a decoder may use is refused without an attempt. */
static void an_image_too_large_for_a_decoder_is_not_tried(void **state)
{
    const struct world *w = *state;
    const double grey[] = {90};
    struct keeper keeper = {0};
    struct pipeline *whole =
        pipeline_of("name: x\nqueue: q\noutputs: [{key: 'o/{name}', format: png}]\n");
    struct bytes large = encode(plain(12000, 12000, 1, grey), ".png");
    assert_works(w);
    pid_t before = only_child();
    assert_int_equal(render_gated(&isolated_pipeline_ops, whole, view(&large), &keeper),
                     ERR_DECODER_MEMORY);
    assert_int_equal(keeper.times, 0);
    assert_works(w);
    assert_int_equal(only_child(), before);
    vips_pipeline_ops.release(whole);
    bytes_free(&large);
}

static void *render_many(void *world)
{
    for (int i = 0; i < 20; i++) {
        assert_works(world);
        if (i % 5 == 4)
            act_out(world, 0);
    }
    return NULL;
}

static void threads_have_decoders_of_their_own(void **state)
{
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, render_many, *state), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_works(*state);
}

#define WITH_DECODERS(test) cmocka_unit_test_setup_teardown(test, set_up, isolation_tear_down)
#define WITH_HASTY_DECODERS(test)                                                                  \
    cmocka_unit_test_setup_teardown(test, set_up_hasty, isolation_tear_down)

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "decoder") == 0)
        return decoder_main(render_or_act);
    const struct CMUnitTest tests[] = {
        WITH_DECODERS(what_an_image_may_do),
        WITH_HASTY_DECODERS(an_image_may_not_take_for_ever),
        WITH_DECODERS(a_response_in_advance_is_refused),
        cmocka_unit_test(reasons_are_the_documented_words),
        WITH_DECODERS(all_items_of_a_crash_fail),
        WITH_DECODERS(a_cancelled_render_frees_its_worker),
        WITH_DECODERS(a_decoder_that_dies_idle_costs_no_image),
        WITH_HASTY_DECODERS(a_wedged_decoder_stops_only_itself),
        WITH_DECODERS(memory_is_requested_before_the_pixels),
        WITH_HASTY_DECODERS(a_timeout_is_not_retried),
        WITH_DECODERS(signals_end_a_decoder),
        WITH_DECODERS(a_crash_is_named),
        WITH_DECODERS(restarts_are_counted_by_reason),
        WITH_DECODERS(a_render_without_memory_keeps_its_decoder),
        WITH_DECODERS(an_image_too_large_for_a_decoder_is_not_tried),
        WITH_DECODERS(threads_have_decoders_of_their_own),
    };
    return cmocka_run_group_tests(tests, start_pipelines, stop_pipelines);
}
