#include "bucket_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bucket_choices.h"
#include "bucket_cors.h"
#include "bucket_encryption.h"
#include "bucket_lifecycle.h"
#include "bucket_logging.h"
#include "bucket_policy.h"
#include "bucket_public_access.h"
#include "bucket_tagging.h"
#include "bucket_versioning.h"

struct kind_facts {
    const char *name;
    bucket_setting_reader *read;
    void (*free)(void *read);
};

static enum s3_error text_read(struct slice document, struct bucket_setting *setting,
                               char message[BUCKET_SETTING_MESSAGE_MAX])
{
    (void)message;
    setting->document = slice_dup(document);
    setting->read = slice_dup(document);
    return setting->document && setting->read ? S3_OK : S3_INTERNAL_ERROR;
}

static const struct kind_facts kinds[BUCKET_SETTING_KINDS] = {
    [BUCKET_VERSIONING] = {"versioning", bucket_versioning_read, free},
    [BUCKET_CORS] = {"cors", bucket_cors_read, bucket_cors_free},
    [BUCKET_TAGGING] = {"tagging", bucket_tagging_read, free},
    [BUCKET_POLICY] = {"policy", bucket_policy_read, bucket_policy_free},
    [BUCKET_LIFECYCLE] = {"lifecycle", bucket_lifecycle_read, bucket_lifecycle_free},
    [BUCKET_ENCRYPTION] = {"encryption", bucket_encryption_read, bucket_encryption_free},
    [BUCKET_PUBLIC_ACCESS] = {"publicAccessBlock", bucket_public_access_read, free},
    [BUCKET_OWNERSHIP] = {"ownershipControls", bucket_ownership_read, free},
    [BUCKET_LOGGING] = {"logging", bucket_logging_read, bucket_logging_free},
    [BUCKET_ACCELERATE] = {"accelerate", bucket_accelerate_read, free},
    [BUCKET_LOCATION] = {"location", text_read, free},
    [BUCKET_OWNER] = {"owner", text_read, free},
    [BUCKET_TRANSITION_SIZE] = {"transition-size", text_read, free},
    [BUCKET_PAYER] = {"requestPayment", bucket_payer_read, free},
};

const char *bucket_setting_name(enum bucket_setting_kind kind)
{
    return kinds[kind].name;
}

enum s3_error bucket_setting_read(enum bucket_setting_kind kind, struct slice document,
                                  struct bucket_setting *setting,
                                  char message[BUCKET_SETTING_MESSAGE_MAX])
{
    *setting = (struct bucket_setting){0};
    message[0] = '\0';
    enum s3_error error = kinds[kind].read(document, setting, message);
    bool removes = kind == BUCKET_TAGGING && !setting->document && !setting->read;
    if (!error && !removes && (!setting->document || !setting->read))
        error = S3_INTERNAL_ERROR;
    if (error)
        bucket_setting_clear(kind, setting);
    return error;
}

void bucket_setting_clear(enum bucket_setting_kind kind, struct bucket_setting *setting)
{
    if (setting->read)
        kinds[kind].free(setting->read);
    free(setting->document);
    *setting = (struct bucket_setting){0};
}

void bucket_settings_clear(struct bucket_setting settings[BUCKET_SETTING_KINDS])
{
    for (int kind = 0; kind < BUCKET_SETTING_KINDS; kind++)
        bucket_setting_clear((enum bucket_setting_kind)kind, &settings[kind]);
}
