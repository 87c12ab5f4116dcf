#include "notifier.h"

const char *const notify_part_names[NOTIFY_PART_COUNT] = {
    [NOTIFY_PART_BUCKET] = "bucket",   [NOTIFY_PART_KEY] = "key",
    [NOTIFY_PART_DIR] = "dir",         [NOTIFY_PART_NAME] = "name",
    [NOTIFY_PART_STEM] = "stem",       [NOTIFY_PART_PIPELINE] = "pipeline",
    [NOTIFY_PART_OUTCOME] = "outcome", [NOTIFY_PART_IMAGE] = "image",
    [NOTIFY_PART_OUTPUT] = "output",   [NOTIFY_PART_OUTPUTS] = "outputs",
    [NOTIFY_PART_LINK] = "link",       [NOTIFY_PART_LINKS] = "links",
    [NOTIFY_PART_EXPIRES] = "expires", [NOTIFY_PART_LABELS] = "labels",
    [NOTIFY_PART_REASON] = "reason",   [NOTIFY_PART_DETAIL] = "detail",
};
