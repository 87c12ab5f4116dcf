/* Which objects a pipeline accepts, and which pairs of pipelines would form a loop. */
#include "pipeline_support.h"

#include "pipeline_check.h"

static struct pipeline *with_match(const char *match)
{
    char text[400];
    snprintf(text, sizeof text, "name: x\nqueue: q\nmatch: %s\noutputs: [{key: 'o/{name}'}]\n",
             match);
    return pipeline_of(text);
}

static void filters_take_and_leave(void **state)
{
    (void)state;
    static const struct {
        const char *match, *bucket, *key;
        bool expected;
    } cases[] = {
        {"{}", "photos", "a.jpg", true},
        {"{}", "photos", "folder/", false},
        {"{}", "photos", "", false},
        {"{bucket: photos}", "photos", "a.jpg", true},
        {"{bucket: photos}", "photos2", "a.jpg", false},
        {"{prefix: ingest/}", "b", "ingest/a", true},
        {"{prefix: ingest/}", "b", "Ingest/a", false},
        {"{prefix: ingest/}", "b", "x/ingest/a", false},
        {"{prefix: [a/, b/]}", "b", "b/1", true},
        {"{prefix: [a/, b/]}", "b", "c/1", false},
        {"{prefix: ''}", "b", "anything", true},
        {"{suffix: .jpg}", "b", "a.JPG", true},
        {"{suffix: .jpg}", "b", "a.jpg.txt", false},
        {"{suffix: .jpg}", "b", "jpg", false},
        {"{suffix: [.JPG, .png]}", "b", "a.jpg", true},
        {"{prefix: a/, suffix: .png}", "b", "a/b.png", true},
        {"{prefix: a/, suffix: .png}", "b", "a/b.jpg", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pipeline *p = with_match(cases[i].match);
        bool found = vips_pipeline_ops.matches(p, cases[i].bucket, cases[i].key);
        if (found != cases[i].expected)
            fail_msg("%s %s/%s", cases[i].match, cases[i].bucket, cases[i].key);
        vips_pipeline_ops.release(p);
    }
}

/* from: match and the rest of an output; to: the match of the other. */
static const struct {
    const char *from, *output, *to;
    bool loops;
} pairs[] = {
    /* prefixes */
    {"{prefix: ingest/}", "key: 'web/{name}'", "{prefix: ingest/}", false},
    {"{prefix: ingest/}", "key: 'ingest/web/{name}'", "{prefix: ingest/}", true},
    {"{prefix: ingest/}", "key: '{key}.small'", "{prefix: ingest/}", true},
    {"{prefix: ingest/}", "key: '{dir}/small/{name}'", "{prefix: ingest/}", true},
    {"{prefix: ingest/}", "key: '{dir}/x'", "{prefix: x}", true},
    {"{prefix: ingest/}", "key: 'ing{name}'", "{prefix: ingest/}", false}, /* a name has no slash */
    {"{prefix: ingest/}", "key: '{name}/{name}'", "{prefix: ingest/}", true},
    {"{prefix: ingest/}", "key: '{name}-small'", "{prefix: ingest/}", false},
    {"{prefix: ingest/}", "key: '{width}/{name}'", "{prefix: ingest/}", false},
    {"{prefix: ingest/}", "key: '{width}/{name}'", "{prefix: 128/}", true},
    {"{prefix: ingest/}", "key: '{pipeline}/{name}'", "{prefix: ingest/}", false},
    {"{prefix: ingest/}", "key: '{pipeline}/{name}'", "{prefix: from/}", true},
    {"{prefix: in/}", "key: 'in'", "{prefix: in/}", false},
    {"{prefix: a/}", "key: 'c/{name}'", "{prefix: [b/, c/]}", true},
    {"{}", "key: 'web/{name}'", "{}", true},
    /* suffixes */
    {"{suffix: .png}", "key: 'o/{stem}.jpg'", "{suffix: .png}", false},
    {"{suffix: .png}", "key: 'o/{stem}.PNG'", "{suffix: .png}", true},
    {"{suffix: .png}", "key: 'o/{name}'", "{suffix: .jpg}", false},
    {"{suffix: .png}", "key: 'o/{name}'", "{suffix: .png}", true},
    {"{suffix: .png}", "key: 'o/{stem}.{ext}', format: jpeg", "{suffix: .png}", false},
    {"{suffix: .png}", "key: 'o/{stem}.{ext}', format: jpeg", "{suffix: [.png, .jpg]}", true},
    {"{suffix: .png}", "key: 'o/{stem}.{ext}'", "{suffix: .webp}", true}, /* keep: not known */
    {"{suffix: .png}", "key: 'o/{stem}-small'", "{suffix: .png}", false},
    {"{suffix: .png}", "key: 'o/{image}', format: jpeg", "{suffix: .png}", false},
    {"{suffix: .png}", "key: 'o/{image}', format: jpeg", "{suffix: .jpg}", true},
    {"{suffix: .png}", "key: 'o/{image}', format: jpeg", "{suffix: .png.jpg}", true},
    {"{suffix: .png}", "key: 'o/{image}', format: jpeg", "{suffix: .gif.jpg}", false},
    {"{suffix: .png}", "key: 'o/{image}', format: jpeg", "{suffix: .jpeg}", false},
    {"{suffix: .jpeg}", "key: 'o/{image}', format: jpeg", "{suffix: .jpeg}", true},
    {"{suffix: .JPEG}", "key: 'o/{image}', format: jpeg", "{suffix: x.jpeg}", true},
    {"{}", "key: 'o/{image}', format: jpeg", "{suffix: .jpeg}", true},
    {"{}", "key: 'o/{image}', format: jpeg", "{suffix: .png}", false},
    {"{}", "key: 'o/{image}'", "{suffix: .png}", true}, /* keep: not known */
    {"{suffix: .heic}", "key: 'o/{image}'", "{suffix: .jpg}", true},
    {"{suffix: .png}", "key: 'o/{image}'", "{suffix: .txt}", false},
    {"{suffix: eg}", "key: 'o/{image}', format: jpeg", "{suffix: .jpeg}", true},
    {"{prefix: in/}", "key: 'in{image}', format: jpeg", "{prefix: in/}", false},
    {"{prefix: in/}", "key: 'in/{image}', format: jpeg", "{prefix: in/}", true},
    /* buckets */
    {"{bucket: photos}", "key: '{key}', bucket: small", "{bucket: photos}", false},
    {"{bucket: photos}", "key: '{key}', bucket: photos", "{bucket: photos}", true},
    {"{bucket: photos}", "key: '{key}', bucket: small", "{}", true},
    {"{bucket: photos}", "key: '{key}'", "{bucket: other}", false},
    {"{}", "key: '{key}'", "{bucket: other}", true},
    {"{bucket: photos}", "key: '{key}', bucket: 'arn:aws:s3:eu-west-1:123456789012:accesspoint/c'",
     "{bucket: photos}", true}, /* it may be the bucket's */
    {"{bucket: photos}", "key: '{key}', bucket: cats-x1y2z3-s3alias", "{bucket: photos}", true},
    /* both must agree */
    {"{prefix: a/, suffix: .jpg}", "key: 'b/{name}'", "{prefix: b/, suffix: .jpg}", true},
    {"{prefix: a/, suffix: .jpg}", "key: 'b/{name}'", "{prefix: b/, suffix: .png}", false},
};

static void outputs_that_would_be_inputs_are_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char text[400];
        struct error error = {0};
        snprintf(text, sizeof text, "name: from\nqueue: q\nmatch: %s\noutputs: [{%s}]\n",
                 pairs[i].from, pairs[i].output);
        struct pipeline *from = pipeline_of(text);
        struct pipeline *to = with_match(pairs[i].to);
        int code = vips_pipeline_ops.check_loop(from, 0, to, &error);
        if (code != (pairs[i].loops ? ERR_LOOP : 0))
            fail_msg("%s {%s} -> %s: %d %s", pairs[i].from, pairs[i].output, pairs[i].to, code,
                     error.text);
        vips_pipeline_ops.release(from);
        vips_pipeline_ops.release(to);
    }
}

static void problem_says(const struct problem_list *problems, size_t index, const char *text)
{
    char *line = problem_line(&problems->items[index]);
    if (!strstr(line, text))
        fail_msg("\"%s\" is not in: %s", text, line);
    free(line);
}

static void the_text_names_both_and_says_what_to_do(void **state)
{
    (void)state;
    const struct pipeline_rules rules = {.ops = &vips_pipeline_ops};
    struct problem_list problems = {0};
    struct pipeline *from = pipeline_of("name: shrink\nqueue: q\nmatch: {prefix: in/}\n"
                                        "outputs: [{key: 'out/{name}'}, {key: 'in/{name}'}]\n");
    assert_int_equal(pipelines_check(&rules, &from, 1, &problems), 0);
    assert_int_equal(problems.errors, 1);
    assert_int_equal(problems.items[0].code, ERR_LOOP);
    problem_says(&problems, 0, ":4:38: outputs[1].key: \"in/{name}\"");
    problem_says(&problems, 0, "pipeline shrink (");
    problem_says(&problems, 0, "prefix \"in/\"");
    problem_says(&problems, 0, "another bucket");
    problem_list_clear(&problems);
    vips_pipeline_ops.release(from);
}

static struct pipeline *step_of(const char *name, const char *from, const char *to)
{
    char text[200];
    snprintf(text, sizeof text,
             "name: %s\nqueue: %s-queue\nmatch: {prefix: %s/}\noutputs: [{key: '%s/{name}'}]\n",
             name, name, from, to);
    return pipeline_of(text);
}

/* a → b → c → a is one loop and is reported once; d's output, which goes to one of these, is
 * reported separately, and so is e, whose output is its own input. */
static void a_loop_of_several_is_reported_once(void **state)
{
    (void)state;
    const struct pipeline_rules rules = {.ops = &vips_pipeline_ops};
    struct problem_list problems = {0};
    struct pipeline *steps[] = {step_of("a", "one", "two"), step_of("b", "two", "three"),
                                step_of("c", "three", "one"), step_of("d", "four", "one"),
                                step_of("e", "five", "five")};
    assert_int_equal(pipelines_check(&rules, steps, 5, &problems), 0);
    assert_int_equal(problems.errors, 3);
    problem_says(&problems, 0, "the pipelines of the loop are a (");
    problem_says(&problems, 0, "), b (");
    problem_says(&problems, 0, "), c (");
    problem_says(&problems, 1,
                 "\"one/{name}\" would be processed again: it can match the filter "
                 "of pipeline a");
    problem_says(&problems, 2, "\"five/{name}\"");
    problem_list_clear(&problems);
    for (size_t i = 0; i < 5; i++)
        vips_pipeline_ops.release(steps[i]);
}

static void a_sidecar_can_loop_too(void **state)
{
    (void)state;
    struct error error = {0};
    struct pipeline *tags = pipeline_of("name: tags\nqueue: q\nmatch: {prefix: in/}\n"
                                        "labels: {sidecar: 'in/{name}.json'}\n");
    struct pipeline *jpegs = with_match("{prefix: in/, suffix: .jpg}");
    assert_int_equal(vips_pipeline_ops.check_loop(tags, 0, tags, &error), ERR_LOOP);
    assert_non_null(strstr(error.text, "pipeline tags"));
    assert_int_equal(vips_pipeline_ops.check_loop(tags, 0, jpegs, &error), 0);
    vips_pipeline_ops.release(tags);
    vips_pipeline_ops.release(jpegs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_take_and_leave),
        cmocka_unit_test(outputs_that_would_be_inputs_are_found),
        cmocka_unit_test(the_text_names_both_and_says_what_to_do),
        cmocka_unit_test(a_loop_of_several_is_reported_once),
        cmocka_unit_test(a_sidecar_can_loop_too),
    };
    return cmocka_run_group_tests(tests, start_pipelines, stop_pipelines);
}
