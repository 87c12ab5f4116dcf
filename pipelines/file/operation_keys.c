#include "operation_keys.h"

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

void operation_keys_check(struct schema_reader *r, const struct output_config *output,
                          const struct yaml_node *node)
{
    check_position(r, output, node);
    check_turn(r, output, node);
}
