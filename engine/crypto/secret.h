/* Memory that holds secrets. Any thread. */
#ifndef THUMBWHEEL_SECRET_H
#define THUMBWHEEL_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroes, also where the compiler sees that nobody reads the memory again. */
void secret_wipe(void *secret, size_t size);
/* In a time that does not depend on where the bytes differ. */
bool secret_equal(const void *a, const void *b, size_t size);

#endif
