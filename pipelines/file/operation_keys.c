#include "operation_keys.h"
#include "overlay_objects.h"
#include "yaml_reader.h"

#include <string.h>

static void check_position(struct schema_reader *r, const struct output_config *output,
                           const struct yaml_node *node)
{
    const struct operations_config *operations = &output->operations;
    bool aside = operations->gravity != GRAVITY_CENTRE;
    if (aside && output->fit != FIT_COVER && output->fit != FIT_CONTAIN)
        schema_fail_key(r, node, "gravity", "needs fit: cover or fit: contain");
    if (aside && output->crop != CROP_CENTRE)
        schema_fail_key(r, node, "gravity",
                        "can't be combined with crop: entropy or attention: use one or the other");
    if (operations->focal.given && output->fit != FIT_COVER)
        schema_fail_key(r, node, "focal", "needs fit: cover, which cuts something off");
    if (operations->focal.given && (aside || output->crop != CROP_CENTRE))
        schema_fail_key(r, node, "focal",
                        "can't be combined with gravity or crop: use one of them");
}

static void check_turn(struct schema_reader *r, const struct output_config *output,
                       const struct yaml_node *node)
{
    const struct plan_turn turn = plan_turn(output->operations.rotate, false, false);
    if (turn.angle > 0 && output->fit == FIT_FILL)
        schema_fail_key(r, node, "rotate",
                        "by another angle than 90, 180 or 270 can't be combined with fit: fill; "
                        "use cover or contain");
}

static void check_trim(struct schema_reader *r, const struct output_config *output,
                       const struct yaml_node *node)
{
    if (!output->operations.trim)
        return;
    if (output->frames == FRAMES_ALL)
        schema_fail_key(r, node, "trim",
                        "can't be combined with frames: all, because each frame has other borders");
    if (output->enlarge && output->scale <= 0 && (!output->width || !output->height))
        schema_fail_key(r, node, "trim",
                        "with enlarge needs width and height, because the size of what remains is "
                        "not known before");
}

static void check_page(struct schema_reader *r, const struct output_config *output,
                       const struct yaml_node *node)
{
    if (output->page && output->frames == FRAMES_ALL)
        schema_fail_key(r, node, "page",
                        "can't be combined with frames: all: use one or the other");
}

static void check_light(struct schema_reader *r, const struct output_config *output,
                        const struct yaml_node *node)
{
    if (output->operations.linear && output->operations.gamma > 0)
        schema_fail_key(r, node, "gamma", "can't be combined with linear: use one or the other");
}

static void check_effects(struct schema_reader *r, const struct output_config *output,
                          const struct yaml_node *node)
{
    const struct operations_config *operations = &output->operations;
    if (operations->normalise && output->frames == FRAMES_ALL)
        schema_fail_key(r, node, "normalise",
                        "can't be combined with frames: all, because the animation would flicker");
    if (operations->round && operations->mask != MASK_NONE)
        schema_fail_key(r, node, "round", "can't be combined with mask: use one or the other");
}

void overlay_keys_check(struct schema_reader *r, const struct yaml_node *node, void *filled)
{
    struct overlay_config *overlay = filled;
    const char *source = overlay->file ? "file" : overlay->object ? "object" : "text";
    const char *flaw = overlay->object ? overlay_object_flaw(overlay->object) : NULL;
    int sources = !!overlay->file + !!overlay->object + !!overlay->text;
    const struct yaml_node *child = yaml_child(node, source);
    const struct yaml_place place = child ? child->place : node->place;
    overlay->place = (struct pipeline_place){place.line, place.column};
    if (sources != 1)
        schema_fail_key(r, node, "text", "exactly one of file, object and text must be given");
    if (flaw)
        schema_fail_key(r, node, "object", flaw);
    if (overlay->text && strlen(overlay->text) * (size_t)overlay->size > OVERLAY_TEXT_WIDTH_MAX)
        schema_fail_key(r, node, "size", "is too large for a text of this length");
}

void operation_keys_check(struct schema_reader *r, const struct output_config *output,
                          const struct yaml_node *node)
{
    check_position(r, output, node);
    check_turn(r, output, node);
    check_trim(r, output, node);
    check_page(r, output, node);
    check_light(r, output, node);
    check_effects(r, output, node);
}
