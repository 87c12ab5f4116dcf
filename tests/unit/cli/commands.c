/* The commands from the command line to the exit status, over services in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "container_of.h"
#include "fake_services.h"
#include "files.h"

enum { OUTPUT_MAX = 1 << 20, ARGUMENTS_MAX = 16 };

static struct {
    char directory[64];
    char *said, *complained; /* standard output and error of the last command */
    uv_loop_t *loop;
    uv_timer_t timer;
    struct fake_queues queues;
    struct fake_store store;
    struct text_list names;
    const struct provision_run *provision;
    assembly_done *provisioned;
    void *provisioned_user;
    bool provision_fails, lose_events, interrupt, uploads_fail;
    struct isolation_settings decoders;
    bool decoders_run, decoders_fail;
    unsigned cloud_port;
    bool cloud_running;
    char cloud_data[256];
} world;

/* ---- pipelines: a file holds "NAME QUEUE", or "bad" ---- */

static int load(const char *path, struct pipeline **out, struct problem_list *problems)
{
    static char names[8][3][64]; /* a stub keeps what it is given */
    static unsigned next;
    struct bytes text = {0};
    char(*words)[64] = names[next++ % 8];
    struct error error = {0};
    const struct problem_place place = {path, 1, 1, NULL};
    if (file_read(path, 100, &text, &error))
        return problem_add(problems, &place, error.code, "%s", error.text);
    char line[101];
    snprintf(line, sizeof line, "%.*s", (int)text.size, (char *)text.data);
    bytes_free(&text);
    if (sscanf(line, "%63s %63s", words[0], words[1]) != 2)
        return problem_add(problems, &place, ERR_INVALID, "unknown key \"ouputs\"");
    *out = stub_pipeline(words[0], words[1]);
    snprintf(words[2], sizeof words[2], "%s", path);
    (*out)->facts.file = words[2];
    return 0;
}

static struct pipeline_output output(const struct pipeline *pipeline, size_t index)
{
    return (struct pipeline_output){.key = index == 0 ? pipeline->facts.name : NULL};
}

static bool matches(const struct pipeline *pipeline, const char *bucket, const char *key)
{
    return strstr(key, ".jpg") && stub_pipeline_ops.matches(pipeline, bucket, key);
}

static int decoders_start(const struct isolation_settings *settings, struct error *error)
{
    (void)error;
    world.decoders = *settings;
    world.decoders_run = true;
    return 0;
}

static int decoders_ready(struct error *error)
{
    return world.decoders_fail ? error_set(error, ERR_UNSUPPORTED, "no filter here") : 0;
}

static void decoders_stop(void)
{
    world.decoders_run = false;
}

static int images_start(const char *program, struct error *error)
{
    (void)program;
    (void)error;
    return 0;
}

static void images_stop(void) {}

static int labels_pipeline_make(struct pipeline **out, struct error *error)
{
    (void)error;
    *out = stub_pipeline("labels", "labels");
    return 0;
}

static size_t samples_count(void)
{
    return 1;
}

static size_t samples_missing(const char *directory)
{
    char *path = path_join(directory, "sample one.jpg");
    bool missing = access(path, F_OK) != 0;
    free(path);
    return missing;
}

static int sample_make(const char *directory, size_t index, char **path, struct error *error)
{
    assert_int_equal(index, 0);
    *path = path_join(directory, "sample one.jpg");
    return file_write(*path, "sample", 6, error);
}

static int schema_print(FILE *out)
{
    return fputs("the schema\n", out) < 0;
}

static int operations_print(FILE *out)
{
    return fputs("the operations\n", out) < 0;
}

/* ---- the cloud: an upload to ingest/ becomes a message in each queue ---- */

static void announce(const char *key)
{
    char body[512];
    snprintf(body, sizeof body, "{\"bucket\": \"photos\", \"key\": \"%s\"}", key);
    for (struct list *l = world.queues.queues.next; l != &world.queues.queues; l = l->next) {
        struct queue *queue = container_of(l, struct queue, link);
        if (!strstr(queue->name, "-dlq"))
            fake_queue_put(queue, body);
    }
}

static struct object_store_ops store_ops;

static int put(struct object_store *store, const struct object_put *what, object_done *done,
               void *user, struct object_request **out)
{
    bool photo = strncmp(what->key, "ingest/", 7) == 0;
    if (photo && world.uploads_fail)
        return ERR_MEMORY;
    int code = store_ops.put(store, what, done, user, out);
    if (photo && !world.lose_events)
        announce(what->key);
    if (photo && world.interrupt)
        raise(SIGINT);
    return code;
}

static int backend_open(uv_loop_t *loop, struct http_client *http,
                        const struct backend_settings *settings, struct backend *out,
                        struct error *error)
{
    (void)http;
    (void)error;
    assert_true(settings->ignore_environment);
    world.loop = loop;
    uv_timer_init(loop, &world.timer);
    fake_queues_init(&world.queues, loop);
    fake_store_init(&world.store, loop);
    store_ops = world.store.ops;
    world.store.ops.put = put;
    *out = (struct backend){
        .queues = &world.queues.backend, .store = &world.store.store, .handle = &world};
    return 0;
}

static void backend_close(struct backend *backend)
{
    (void)backend;
    fake_queues_clear(&world.queues);
    text_list_clear(&world.names);
    fake_store_clear(&world.store);
    uv_close((uv_handle_t *)&world.timer, NULL);
}

static void on_provision(uv_timer_t *timer)
{
    struct error error = {0};
    (void)timer;
    const struct provision_plan *plan = world.provision->plan;
    for (size_t i = 0; i < plan->count; i++) {
        const struct provision_resource *queue = &plan->resources[i];
        if (queue->kind != PROVISION_QUEUE)
            continue;
        const char *dead_letters = NULL;
        assert_int_equal(text_list_add(&world.names, queue->name), 0); /* borrowed below */
        if (queue->to != PROVISION_NONE) /* its dead-letter queue comes before it */
            dead_letters = world.names.items[world.names.count - 2];
        fake_queue_add(&world.queues, world.names.items[world.names.count - 1], dead_letters);
    }
    if (world.provision_fails)
        error_set(&error, ERR_DENIED, "the topic could not be made");
    world.provisioned(&error, world.provisioned_user);
}

static int backend_provision(struct backend *backend, const struct provision_run *run,
                             assembly_done *done, void *user)
{
    (void)backend;
    world.provision = run;
    world.provisioned = done;
    world.provisioned_user = user;
    return uv_timer_start(&world.timer, on_provision, 0, 0);
}

static int cloud_start(uv_loop_t *loop, const struct cloud_settings *settings, void **out,
                       struct error *error)
{
    (void)loop;
    if (settings->port == 7)
        return error_set(error, ERR_BUSY, "port 7 is in use");
    world.cloud_port = settings->port;
    world.cloud_running = true;
    snprintf(world.cloud_data, sizeof world.cloud_data, "%s", settings->data_dir);
    *out = &world;
    return 0;
}

static const char *cloud_certificate(const void *cloud)
{
    (void)cloud;
    return NULL;
}

static void cloud_credentials(const void *cloud, const char **access_key, const char **secret_key)
{
    (void)cloud;
    *access_key = "a key";
    *secret_key = "a secret";
}

static const char *cloud_endpoint(const void *cloud)
{
    (void)cloud;
    return "http://127.0.0.1:4566";
}

static void cloud_stop(void *cloud, void (*stopped)(void *user), void *user)
{
    (void)cloud;
    world.cloud_running = false;
    stopped(user);
}

/* ---- running a command ---- */

static char *read_back(int fd)
{
    char *text = calloc(1, OUTPUT_MAX);
    assert_non_null(text);
    assert_true(pread(fd, text, OUTPUT_MAX - 1, 0) >= 0);
    close(fd);
    return text;
}

static int redirect(int fd, int *kept)
{
    char name[] = "/tmp/thumbwheel-output-XXXXXX";
    int file = mkstemp(name);
    assert_true(file >= 0);
    unlink(name);
    *kept = dup(fd);
    dup2(file, fd);
    return file;
}

static int run(const char *line)
{
    static struct pipeline_ops ops;
    ops = stub_pipeline_ops;
    ops.load = load;
    ops.output = output;
    ops.matches = matches;
    const struct assembly assembly = {
        .pipeline_ops = &ops,
        .pipelines_start = images_start,
        .pipelines_stop = images_stop,
        .isolated_ops = &ops,
        .isolation_start = decoders_start,
        .isolation_ready = decoders_ready,
        .isolation_stop = decoders_stop,
        .labels_pipeline_make = labels_pipeline_make,
        .samples_count = samples_count,
        .samples_missing = samples_missing,
        .sample_make = sample_make,
        .schema_print = schema_print,
        .operations_print = operations_print,
        .backend_open = backend_open,
        .backend_close = backend_close,
        .backend_provision = backend_provision,
        .cloud_start = cloud_start,
        .cloud_endpoint = cloud_endpoint,
        .cloud_certificate = cloud_certificate,
        .cloud_credentials = cloud_credentials,
        .cloud_stop = cloud_stop,
    };
    char words[1024], *args[ARGUMENTS_MAX + 1] = {"thumbwheel"};
    int count = 1, kept[2], file[2];
    snprintf(words, sizeof words, "%s", line);
    for (char *word = strtok(words, " "); word && count < ARGUMENTS_MAX; word = strtok(NULL, " "))
        args[count++] = word;
    free(world.said);
    free(world.complained);
    fflush(stdout);
    file[0] = redirect(STDOUT_FILENO, &kept[0]);
    file[1] = redirect(STDERR_FILENO, &kept[1]);
    int code = commands_main(&assembly, count, args);
    fflush(stdout);
    for (int i = 0; i < 2; i++) {
        dup2(kept[i], i + 1);
        close(kept[i]);
    }
    world.said = read_back(file[0]);
    world.complained = read_back(file[1]);
    assert_null(strstr(world.complained, "still in use")); /* no handle is left behind */
    assert_false(world.cloud_running);
    return code;
}

static void assert_says(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" does not say \"%s\"", text, part);
}

static void write_file(const char *name, const char *text)
{
    char *path = path_join(world.directory, name);
    assert_int_equal(file_write(path, text, strlen(text), NULL), 0);
    free(path);
}

static void assert_file(const char *name, const char *text)
{
    char *path = path_join(world.directory, name);
    struct bytes content = {0};
    assert_int_equal(file_read(path, 1000, &content, NULL), 0);
    assert_int_equal(content.size, strlen(text));
    assert_memory_equal(content.data, text, content.size);
    bytes_free(&content);
    free(path);
}

static int setup(void **state)
{
    (void)state;
    free(world.said);
    free(world.complained);
    memset(&world, 0, sizeof world);
    strcpy(world.directory, "/tmp/thumbwheel-test-XXXXXX");
    if (!mkdtemp(world.directory) || chdir(world.directory))
        return -1;
    setenv("HOME", world.directory, 1);
    setenv("TMPDIR", world.directory, 1);
    unsetenv("XDG_DATA_HOME");
    unsetenv("XDG_CACHE_HOME");
    setenv("THUMBWHEEL_PIPELINES", "pipelines", 1);
    write_file("pipelines/1.yaml", "web web-queue");
    write_file("pipelines/2.yml", "small small-queue");
    write_file("pipelines/notes.txt", "bad");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    if (chdir("/"))
        return -1;
    free(world.said);
    free(world.complained);
    world.said = world.complained = NULL;
    return directory_remove(world.directory, NULL);
}

/* ---- process ---- */

static bool temporary_is_left(void)
{
    struct dirent *entry;
    bool left = false;
    DIR *directory = opendir(world.directory);
    while ((entry = readdir(directory)))
        left = left || strncmp(entry->d_name, "thumbwheel-", 11) == 0;
    closedir(directory);
    return left;
}

static void photos_become_files(void **state)
{
    (void)state;
    write_file("in/a.jpg", "A");
    write_file("in/deep/a.jpg", "B");
    write_file("in/read.me", "no image");
    assert_int_equal(run("process in --out results"), STATUS_OK);
    assert_file("results/web/a.jpg", "web:A");
    assert_file("results/small/a.jpg", "small:A");
    assert_file("results/web/a-2.jpg", "web:B");
    assert_file("results/small/a-2.jpg", "small:B");
    assert_int_equal(strncmp(world.said, "2 photos: 2 done, 0 failed, ", 28), 0); /* no rows */
    assert_says(world.said, ". 4 files in /tmp/thumbwheel-test-");
    assert_null(strstr(world.complained, "done: a.jpg"));
    assert_says(world.complained, "skipped 1 file");
    assert_int_equal(world.cloud_port, 0);
    assert_non_null(strstr(world.cloud_data, world.directory));
    assert_false(temporary_is_left());
}

static void one_that_fails_is_named_and_the_rest_is_done(void **state)
{
    (void)state;
    write_file("a.jpg", "A");
    write_file("b.jpg", "corrupt");
    write_file("c.txt", "text");
    assert_int_equal(run("process a.jpg b.jpg c.txt"), STATUS_FAILED);
    assert_file("out/web/a.jpg", "web:A");
    assert_says(world.complained, "failed: b.jpg: web, small: image-corrupt: ");
    assert_says(world.complained, "failed: c.txt: no pipeline accepts a file with this name\n");
    assert_int_equal(strncmp(world.said, "3 photos: 1 done, 2 failed, ", 28), 0);
    assert_null(strstr(strstr(world.complained, "failed: b.jpg") + 1, "failed: b.jpg"));
}

static void a_missing_response_does_not_hang_it(void **state)
{
    (void)state;
    write_file("a.jpg", "A");
    world.lose_events = true;
    assert_int_equal(run("process a.jpg --patience 1s"), STATUS_FAILED);
    assert_says(world.complained, "no progress for 1 s");
    assert_says(world.complained, "\nfailed: a.jpg: web, small: no-result\n");
    assert_false(temporary_is_left());
}

static void an_upload_that_fails_is_reported(void **state)
{
    (void)state;
    write_file("a.jpg", "A");
    world.uploads_fail = true;
    assert_int_equal(run("process a.jpg"), STATUS_FAILED);
    assert_says(world.complained, "failed: a.jpg: the upload could not be started (memory)\n");
}

static void an_output_that_cannot_be_written_is_reported(void **state)
{
    (void)state;
    write_file("a.jpg", "A");
    write_file("results/web", "a file where a directory should be");
    assert_int_equal(run("process a.jpg --out results"), STATUS_FAILED);
    assert_says(world.complained,
                "failed: a.jpg: web: cannot create the directory results/web: Not a directory");
    assert_file("results/small/a.jpg", "small:A");
    assert_says(world.said, "1 photo: 0 done, 1 failed");
}

static void ctrl_c_reports_what_was_done(void **state)
{
    (void)state;
    write_file("a.jpg", "A");
    world.interrupt = world.lose_events = true;
    assert_int_equal(run("process a.jpg"), STATUS_FAILED);
    assert_says(world.complained, "Ctrl-C again stops at once");
    assert_says(world.said, "1 photo: 0 done, 0 failed, 1 not processed, ");
    assert_null(strstr(world.complained, "failed"));
    assert_false(temporary_is_left());
}

static void for_scripts_there_is_nothing_but_json(void **state)
{
    (void)state;
    write_file("a.jpg", "A");
    write_file("b.jpg", "corrupt");
    assert_int_equal(run("process --json a.jpg b.jpg"), STATUS_FAILED);
    size_t lines = 0;
    for (char *line = strtok(world.said, "\n"); line; line = strtok(NULL, "\n"), lines++) {
        json_t *value = json_loads(line, 0, NULL);
        assert_true(json_is_object(value));
        json_decref(value);
    }
    assert_int_equal(lines, 3);
    assert_null(strstr(world.complained, "failed")); /* the JSON reports it */
    assert_int_equal(run("local --json a.jpg"), STATUS_USAGE);
    assert_says(world.complained, "--json reports photos that are done: add --once");
}

static void rows_come_where_they_are_asked_for(void **state)
{
    (void)state;
    write_file("a.jpg", "A");
    assert_int_equal(run("process --verbose a.jpg"), STATUS_OK);
    assert_says(world.said, "Photo");
    assert_says(world.said, "\n1 photo: 1 done, 0 failed, ");
    assert_says(world.complained, "done: a.jpg (1 of 1)");
    assert_int_equal(run("local --once"), STATUS_OK);
    assert_says(world.said, "Photo"); /* of the samples */
}

static void bad_usage_is_reported_before_anything_starts(void **state)
{
    (void)state;
    assert_int_equal(run("process"), STATUS_USAGE);
    assert_says(world.complained, "process needs photos");
    assert_int_equal(run("process missing.jpg"), STATUS_USAGE);
    assert_says(world.complained, "missing.jpg: No such file");
    assert_int_equal(run("proces a.jpg"), STATUS_USAGE);
    assert_says(world.complained, "did you mean \"process\"?");
    assert_int_equal(run(""), STATUS_USAGE);
    assert_says(world.complained, "Usage: thumbwheel COMMAND");
    assert_int_equal(run("run a.jpg"), STATUS_USAGE);
    assert_int_equal(run("local --workers none"), STATUS_USAGE);
    assert_null(world.loop);
}

/* ---- local ---- */

static void without_photos_there_are_samples(void **state)
{
    (void)state;
    assert_int_equal(run("local --once"), STATUS_OK);
    assert_file(".cache/thumbwheel/samples/sample one.jpg", "sample");
    assert_file("out/web/sample one.jpg", "web:sample");
    assert_int_equal(world.cloud_port, 0);
    assert_int_equal(run("local --once --data kept --port 4570"), STATUS_OK);
    assert_int_not_equal(access("kept/samples", F_OK), 0); /* one cache for all */
    assert_int_equal(world.cloud_port, 4570);
    assert_string_equal(world.cloud_data, "kept");
}

static void it_serves_until_a_signal(void **state)
{
    (void)state;
    world.interrupt = true; /* with the first upload */
    assert_int_equal(run("local --gallery off --out results"), STATUS_OK);
    assert_says(world.said, "Endpoint:     http://127.0.0.1:4566");
    assert_says(world.said, "Secret key:   a secret");
    assert_int_equal(world.cloud_port, 4566);
    assert_non_null(strstr(world.cloud_data, "/.local/share/thumbwheel"));
}

static void start_failures_are_reported(void **state)
{
    (void)state;
    assert_int_equal(run("local --once --port 7"), STATUS_FAILED);
    assert_says(world.complained, "port 7 is in use");
    world.provision_fails = true;
    assert_int_equal(run("local --once"), STATUS_USAGE);
    assert_says(world.complained, "the topic could not be made");
    write_file("file", "");
    assert_int_equal(run("local --once --data file/data"), STATUS_FAILED);
    assert_says(world.complained,
                "cannot create the directory file: Not a directory; set it with --data");
    assert_int_equal(run("local --once --out file"), STATUS_FAILED);
    assert_says(world.complained,
                "cannot create the directory file: Not a directory; set it with --out");
    assert_false(temporary_is_left());
}

static void a_queue_of_another_account_is_refused(void **state)
{
    (void)state;
    write_file("pipelines/3.yaml", "far arn:aws:sqs:us-east-1:1:far-queue");
    write_file("a.jpg", "A");
    assert_int_equal(run("process a.jpg"), STATUS_USAGE);
    assert_says(world.complained,
                "pipelines/3.yaml: the queue \"arn:aws:sqs:us-east-1:1:far-queue\"");
}

/* ---- decoders ---- */

static void decoders_are_processes_if_requested(void **state)
{
    (void)state;
    write_file("a.jpg", "A");
    assert_int_equal(run("process --isolation=thread a.jpg"), STATUS_OK);
    assert_int_equal(world.decoders.timeout_ms, 0);

    const char *line = "process --isolation=process --image-timeout 7s --image-memory 300M a.jpg";
    assert_int_equal(run(line), STATUS_OK);
    assert_int_equal(world.decoders.timeout_ms, 7000);
    assert_int_equal(world.decoders.memory, 300 << 20);
    assert_false(world.decoders_run);

    world.decoders_fail = true;
    assert_int_equal(run("process --isolation=process a.jpg"), STATUS_FAILED);
    assert_says(world.complained, "no filter here; --isolation=thread decodes without");
    assert_false(world.decoders_run);
    assert_int_equal(run("check"), STATUS_OK); /* nothing is decoded */
}

/* ---- check ---- */

static void check_tells_everything_that_is_wrong(void **state)
{
    (void)state;
    assert_int_equal(run("check"), STATUS_OK);
    assert_says(world.said, "web       web-queue");
    assert_says(world.said, "2 files, 0 problems\n");

    write_file("pipelines/3.yaml", "bad");
    write_file("pipelines/4.yaml", "web other-queue");
    write_file("pipelines/5.yaml", "other small-queue");
    assert_int_equal(run("check --pipelines pipelines --pipelines nowhere"), STATUS_USAGE);
    assert_says(world.complained, "pipelines/3.yaml:1:1: unknown key");
    assert_says(world.complained,
                "pipelines/4.yaml: name: the name \"web\" is already used by pipelines/1.yaml");
    assert_says(
        world.complained,
        "pipelines/5.yaml: queue: the queue \"small-queue\" is also read by pipelines/2.yml");
    assert_says(world.complained, "nowhere: No such file");
    assert_says(world.said, "5 files, 4 problems\n");

    assert_int_equal(run("check --json --pipelines pipelines"), STATUS_USAGE);
    assert_string_equal(world.complained, "");
    assert_says(world.said, "\"ok\": false");
    assert_says(world.said, "\"errors\": 3");
    assert_says(world.said, "\"severity\": \"error\"");
    assert_says(world.said, "\"file\": \"pipelines/3.yaml\"");

    write_file("empty/notes.txt", "");
    assert_int_equal(run("check --pipelines empty"), STATUS_USAGE);
    assert_says(world.complained, "empty: no pipeline files (*.yaml)");
    assert_int_equal(run("check --schema"), STATUS_OK);
    assert_string_equal(world.said, "the schema\n");
    assert_int_equal(run("check --operations"), STATUS_OK);
    assert_string_equal(world.said, "the operations\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(photos_become_files, setup, teardown),
        cmocka_unit_test_setup_teardown(one_that_fails_is_named_and_the_rest_is_done, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_missing_response_does_not_hang_it, setup, teardown),
        cmocka_unit_test_setup_teardown(an_upload_that_fails_is_reported, setup, teardown),
        cmocka_unit_test_setup_teardown(an_output_that_cannot_be_written_is_reported, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(ctrl_c_reports_what_was_done, setup, teardown),
        cmocka_unit_test_setup_teardown(for_scripts_there_is_nothing_but_json, setup, teardown),
        cmocka_unit_test_setup_teardown(rows_come_where_they_are_asked_for, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_usage_is_reported_before_anything_starts, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(without_photos_there_are_samples, setup, teardown),
        cmocka_unit_test_setup_teardown(it_serves_until_a_signal, setup, teardown),
        cmocka_unit_test_setup_teardown(start_failures_are_reported, setup, teardown),
        cmocka_unit_test_setup_teardown(a_queue_of_another_account_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(decoders_are_processes_if_requested, setup, teardown),
        cmocka_unit_test_setup_teardown(check_tells_everything_that_is_wrong, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
