#include "bucket_choices.h"

#include <stdlib.h>
#include <string.h>

#include "s3_xml.h"

enum { DOCUMENT_MAX = 4096 };

struct choices {
    const char *root;
    const char *list; /* the element around the word's; NULL: the root */
    const char *element;
    const char *const *words;
};

static const char *const ownership_words[] = {"BucketOwnerEnforced", "BucketOwnerPreferred",
                                              "ObjectWriter", NULL};
static const char *const accelerate_words[] = {"Enabled", "Suspended", NULL};
static const char *const payer_words[] = {"BucketOwner", "Requester", NULL};

static const struct choices ownership = {"OwnershipControls", "Rule", "ObjectOwnership",
                                         ownership_words};
static const struct choices accelerate = {"AccelerateConfiguration", NULL, "Status",
                                          accelerate_words};
static const struct choices payer = {"RequestPaymentConfiguration", NULL, "Payer", payer_words};

/* -1: it is none of them. */
static int index_of(const struct choices *choices, struct slice word)
{
    for (int i = 0; choices->words[i]; i++) {
        if (slice_equal_text(word, choices->words[i]))
            return i;
    }
    return -1;
}

static char *write_document(const struct choices *choices, int choice)
{
    struct buffer out;
    buffer_init(&out, DOCUMENT_MAX);
    s3_xml_begin(&out, choices->root);
    if (choices->list)
        xml_open(&out, choices->list);
    xml_element(&out, choices->element, choices->words[choice]);
    if (choices->list)
        xml_close(&out, choices->list);
    xml_close(&out, choices->root);
    return buffer_take_text(&out);
}

static int read_tree(const struct choices *choices, const struct s3_xml_node *root)
{
    const struct s3_xml_node *parent = root;
    if (strcmp(root->name, choices->root) != 0)
        return -1;
    if (choices->list) {
        parent = root->first;
        if (!parent || parent->next || strcmp(parent->name, choices->list) != 0)
            return -1;
    }
    const char *word = s3_xml_child_text(parent, choices->element);
    return word ? index_of(choices, slice_of(word)) : -1;
}

static enum s3_error set(const struct choices *choices, int choice, struct bucket_setting *setting)
{
    int *read = malloc(sizeof *read);
    setting->read = read;
    if (!read)
        return S3_INTERNAL_ERROR;
    *read = choice;
    setting->document = write_document(choices, choice);
    return setting->document ? S3_OK : S3_INTERNAL_ERROR;
}

static enum s3_error read(const struct choices *choices, struct slice document,
                          struct bucket_setting *setting)
{
    struct s3_xml_node *root = NULL;
    int code = s3_xml_parse(document, &root, NULL);
    if (code)
        return code == ERR_MEMORY ? S3_INTERNAL_ERROR : S3_MALFORMED_XML;
    int choice = read_tree(choices, root);
    s3_xml_free(root);
    return choice < 0 ? S3_MALFORMED_XML : set(choices, choice, setting);
}

enum s3_error bucket_ownership_read(struct slice document, struct bucket_setting *setting,
                                    char message[BUCKET_SETTING_MESSAGE_MAX])
{
    (void)message;
    return read(&ownership, document, setting);
}

enum s3_error bucket_accelerate_read(struct slice document, struct bucket_setting *setting,
                                     char message[BUCKET_SETTING_MESSAGE_MAX])
{
    (void)message;
    return read(&accelerate, document, setting);
}

enum s3_error bucket_payer_read(struct slice document, struct bucket_setting *setting,
                                char message[BUCKET_SETTING_MESSAGE_MAX])
{
    (void)message;
    return read(&payer, document, setting);
}

enum s3_error bucket_ownership_choose(struct slice name, struct bucket_setting *setting)
{
    int choice = index_of(&ownership, name);
    *setting = (struct bucket_setting){0};
    enum s3_error error = choice < 0 ? S3_INVALID_ARGUMENT : set(&ownership, choice, setting);
    if (error)
        bucket_setting_clear(BUCKET_OWNERSHIP, setting);
    return error;
}

int bucket_choice(const struct bucket_setting *setting, int absent)
{
    const int *choice = setting->read;
    return choice ? *choice : absent;
}
