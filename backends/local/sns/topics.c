#include "topics_internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cloud.h"
#include "json_text.h"
#include "topic_fifo.h"
#include "topic_rows.h"

static struct topic_record *record_find(struct name_index *index, const char *arn)
{
    struct named *named = name_index_find(index, arn);
    struct topic_record *r = named ? container_of(named, struct topic_record, named) : NULL;
    return r && !r->deleting ? r : NULL;
}

struct topic *topics_find(struct topics *topics, const char *arn)
{
    struct topic_record *r = record_find(&topics->topics, arn);
    return r ? topic_of(r) : NULL;
}

struct subscription *topics_find_subscription(struct topics *topics, const char *arn)
{
    struct topic_record *r = record_find(&topics->subscriptions, arn);
    return r && !subscription_of(r)->ended ? subscription_of(r) : NULL;
}

struct subscription *topics_find_ended(struct topics *topics, const char *arn)
{
    struct topic_record *r = record_find(&topics->subscriptions, arn);
    return r && subscription_of(r)->ended ? subscription_of(r) : NULL;
}

bool topic_name_is_fifo(const char *name)
{
    size_t size = strlen(name);
    return size > 5 && strcmp(name + size - 5, ".fifo") == 0;
}

bool topic_name_valid(const char *name, bool fifo)
{
    size_t size = strlen(name), plain = fifo ? size - 5 : size;
    if (size > TOPIC_NAME_MAX || (fifo && !topic_name_is_fifo(name)))
        return false;
    for (size_t i = 0; i < plain; i++) {
        if (!isalnum((unsigned char)name[i]) && name[i] != '-' && name[i] != '_')
            return false;
    }
    return plain > 0;
}

int topic_arn(struct arn_home home, const char *name, struct buffer *out)
{
    return buffer_format(out, "arn:aws:sns:%s:%s:%s", home.region, home.account, name);
}

struct slice subscription_owner(const struct subscription *s)
{
    const char *principal = json_text_in(s->record.details, "principal");
    return arn_account(principal ? principal : s->topic_arn);
}

/* Loading. */

static int record_load(struct topics *topics, const struct topic_row_facts *row,
                       struct topic_record **out)
{
    struct topic *topic;
    struct subscription *s;
    int code;
    if (row->topic) {
        const struct subscription_draft draft = {row->endpoint, row->attributes, row->details};
        code = subscription_new(topics, row->arn, row->topic, &draft, &s);
        *out = code ? NULL : &s->record;
    } else {
        code = topic_new(topics, row->arn, row->attributes, row->details, &topic);
        *out = code ? NULL : &topic->record;
    }
    return code;
}

static int topic_loaded(const struct topic_row_facts *row, void *user)
{
    struct topic_record *r;
    int code = record_load(user, row, &r);
    if (code)
        return code;
    code = name_index_add(r->index, &r->named);
    if (code) {
        record_release(r);
        return code;
    }
    record_applied(r);
    return 0;
}

int topics_open(struct cloud *cloud, struct topics **out, struct error *error)
{
    struct topics *topics = calloc(1, sizeof *topics);
    if (!topics)
        return error_set(error, ERR_MEMORY, "out of memory");
    topics->cloud = cloud;
    *out = topics;
    int code = topic_rows_load(cloud->storage, topic_loaded, topics, error);
    return code ? code : topic_fifo_load(topics, cloud->storage, error);
}

static void index_empty(struct name_index *index)
{
    while (index->count > 0)
        record_vanish(record_at(index, index->count - 1));
    name_index_free(index);
}

void topics_close(struct topics *topics)
{
    index_empty(&topics->subscriptions);
    index_empty(&topics->topics);
    free(topics);
}
