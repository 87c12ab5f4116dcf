/* The rules of `notify` that concern several keys. */
#ifndef THUMBWHEEL_NOTIFY_KEYS_H
#define THUMBWHEEL_NOTIFY_KEYS_H

struct schema_reader;
struct yaml_node;

/* For the schema; filled is a struct notify_config. */
void notify_keys_check(struct schema_reader *r, const struct yaml_node *node, void *filled);

#endif
