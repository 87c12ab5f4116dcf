/*
 * One decode for all renditions of a page.
 *
 * The sizes of the items' outputs are computed (plan.c) and become stages, each the whole upright
 * picture in memory. If only one stage reads the source, it is computed directly from the decoder's
 * lines, and the complete decoded picture never exists; if several do, the decoded picture is
 * stored in memory once. Orientation and colour conversion follow the resize, when there are fewer
 * pixels. A stage is released after its last use.
 *
 * An item that fails or is cancelled does not affect the others: its outputs are skipped, and a
 * stage that no other output needs is not computed. A source that cannot be decoded fails every
 * item.
 *
 * Outputs may name other pages of the source. Each of these pages has a render of its own, and they
 * run one after another, so that only one decoded page is in memory. What fails with a page fails the
 * items that read this page.
 *
 * The same source, settings and set of accepting pipelines give the same bytes, whichever items are
 * rendered together: the plan covers all pipelines that accept the object. With another set of
 * pipelines, a rendition may be derived from another stage; the difference is invisible (a test
 * measures it).
 */
#include "render.h"

#include <stdlib.h>

#include "image_draw.h"
#include "render_private.h"
#include "render_promise.h"

bool render_item_is_live(struct render_item *item)
{
    if (!item->error.code && item->cancelled && atomic_load(item->cancelled))
        error_set(&item->error, ERR_CANCELLED, "cancelled");
    return item->error.code == 0;
}

static void fail_all(struct render *r, const struct error *error)
{
    for (size_t i = 0; i < r->item_count; i++) {
        if (render_item_is_live(&r->items[i]))
            r->items[i].error = *error;
    }
}

static void page_fail(struct render *r, const struct error *error)
{
    r->failed = true;
    for (size_t i = 0; i < r->item_count; i++) {
        if (render_reads(r, r->items[i].pipeline) && render_item_is_live(&r->items[i]))
            r->items[i].error = *error;
    }
}

/* Even if only one is left. */
static bool wants_frames(const struct pipeline *pipeline)
{
    for (size_t i = 0; i < pipeline->outputs.count; i++) {
        if (pipeline->outputs.entries[i].frames == FRAMES_ALL)
            return true;
    }
    return false;
}

static void judge_item(const struct render *r, struct render_item *item)
{
    const struct image_state *state = &r->image.state;
    bool all = !r->image.page && wants_frames(item->pipeline);
    enum image_damage damage = all ? state->all : state->first;
    if (item->facts.damage < damage) /* the worst of its pages */
        item->facts.damage = damage;
    if (damage == IMAGE_TRUNCATED && render_item_is_live(item) &&
        item->pipeline->tolerate == TOLERATE_NONE)
        image_fail_truncated(&r->image, &item->error);
}

void render_judge(struct render *r)
{
    r->image.facts.damage = r->image.state.first;
    for (size_t i = 0; i < r->item_count; i++) {
        struct render_item *item = &r->items[i];
        if (render_reads(r, item->pipeline))
            judge_item(r, item);
    }
}

static void animations_run(struct render *r)
{
    for (size_t i = 0; i < r->output_count; i++) {
        struct render_output *output = &r->outputs[i];
        double begun = render_now_ms();
        if (!output->animated || !render_item_is_live(output->item))
            continue;
        animation_render(output, &r->image, r->source, &output->item->error);
        output->made->milliseconds = render_now_ms() - begun;
    }
}

static void item_begin(struct render_item *item)
{
    *item = (struct render_item){.pipeline = item->pipeline, .cancelled = item->cancelled};
}

static struct plan_size nominal_size(const struct image_source *image)
{
    return image_is_drawing(image) ? (struct plan_size){image->facts.width, image->facts.height}
                                   : image->upright;
}

static void item_end(struct render *r, struct render_item *item)
{
    const struct labels_config *labels = &item->pipeline->labels;
    if (render_item_is_live(item) && labels->given) {
        item->write_tags = labels->tags;
        rendition_name_sidecar(item, r->source, nominal_size(&r->image), &item->error);
    }
    if (item->error.code) { /* only the error and the facts about the source */
        struct render_item kept = {.pipeline = item->pipeline,
                                   .cancelled = item->cancelled,
                                   .error = item->error,
                                   .facts = item->facts};
        render_item_clear(item);
        *item = kept;
    }
}

static bool any_live(struct render *r)
{
    for (size_t i = 0; i < r->item_count; i++) {
        if (render_item_is_live(&r->items[i]))
            return true;
    }
    return false;
}

/* Waits for memory, if it is limited. */
static int gate_pass(const struct render *r, struct error *error)
{
    struct render_gate *gate = r->source->gate;
    int code = gate ? gate->pass(gate, render_promise(r)) : 0;
    return code ? error_set(error, code, "no memory was given") : 0;
}

/* The second plan, with the sizes of what the trims leave. */
static int trims_apply(struct render *r, struct error *error)
{
    int code = render_trims_find(r, error);
    return code ? code : render_plan(r, error);
}

/* ---- the pages ---- */

static int page_plan(struct render *r, struct error *error)
{
    int code = image_check_limits(&r->image, r->limits, error);
    if (code)
        return code;
    code = render_plan(r, error);
    if (!code)
        render_judge(r);
    return code;
}

static void page_open(struct render *r, const struct render *first)
{
    struct error error = {0};
    int code =
        image_probe_page(&first->image, r->image.page, r->limits, &r->image, &r->header, &error);
    if (code || page_plan(r, &error))
        page_fail(r, &error);
}

static struct render *page_new(const struct render *first, unsigned page)
{
    struct render *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->source = first->source;
    r->limits = first->limits;
    r->items = first->items;
    r->item_count = first->item_count;
    r->image.format = first->image.format;
    r->image.page = page;
    return r;
}

/* Opens a page unless that has been done. */
static int page_need(struct render *first, unsigned page, struct error *error)
{
    struct render *last = first;
    while (last->image.page != page && last->next)
        last = last->next;
    if (last->image.page == page)
        return 0;
    last->next = page_new(first, page);
    if (!last->next)
        return error_set(error, ERR_MEMORY, "not enough memory to plan the renditions");
    page_open(last->next, first);
    return 0;
}

static int pages_open(struct render *first, struct render_item *item, struct error *error)
{
    const struct output_list *outputs = &item->pipeline->outputs;
    int code = 0;
    for (size_t i = 0; !code && i < outputs->count && render_item_is_live(item); i++)
        code = page_need(first, image_page(&first->image, outputs->entries[i].page), error);
    return code;
}

static void page_clear(struct render *r)
{
    for (size_t i = 0; i < r->plan.count; i++)
        g_clear_object(&r->stages[i]);
    g_clear_object(&r->decoded);
    g_clear_object(&r->header);
    free(r->outputs);
    r->outputs = NULL;
}

static bool page_is_wanted(struct render *r)
{
    for (size_t i = 0; i < r->item_count; i++) {
        if (render_reads(r, r->items[i].pipeline) && render_item_is_live(&r->items[i]))
            return !r->failed;
    }
    return false;
}

static int page_make(struct render *r, struct error *error)
{
    int code = render_trims_unknown(r) ? trims_apply(r, error) : 0;
    if (code)
        return code;
    code = render_stages(r, error);
    if (!code)
        animations_run(r);
    return code;
}

static void page_render(struct render *r)
{
    struct error error = {0};
    if (page_is_wanted(r) && page_make(r, &error))
        page_fail(r, &error);
    page_clear(r);
}

/* An error concerns all pages. */
static int run(struct render *r, struct error *error)
{
    int code = image_check_bytes(r->source->image.size, r->limits, error);
    if (code)
        return code;
    code = image_probe(r->source->image, r->limits, &r->image, &r->header, error);
    if (code)
        return code;
    for (size_t i = 0; i < r->item_count; i++)
        r->items[i].facts = r->image.facts;
    struct error planned = {0};
    if (page_plan(r, &planned))
        page_fail(r, &planned);
    for (size_t i = 0; !code && i < r->item_count; i++)
        code = pages_open(r, &r->items[i], error);
    if (!code && any_live(r))
        code = gate_pass(r, error);
    for (struct render *page = r; !code && page; page = page->next)
        page_render(page);
    return code;
}

static void render_free(struct render *r)
{
    while (r) {
        struct render *next = r->next;
        page_clear(r);
        free(r);
        r = next;
    }
}

void render(const struct render_source *source, const struct pipeline_limits *limits,
            struct render_item *items, size_t count)
{
    struct error error = {0};
    struct render *r = calloc(1, sizeof *r);
    for (size_t i = 0; i < count; i++)
        item_begin(&items[i]);
    if (!r) {
        error_set(&error, ERR_MEMORY, "not enough memory to plan the renditions");
        for (size_t i = 0; i < count; i++)
            items[i].error = error;
        return;
    }
    r->source = source;
    r->limits = limits;
    r->items = items;
    r->item_count = count;
    if (any_live(r) && run(r, &error))
        fail_all(r, &error);
    for (size_t i = 0; i < count; i++)
        item_end(r, &items[i]);
    render_free(r);
}
