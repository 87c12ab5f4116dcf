/* Random identifiers. Any thread. */
#ifndef THUMBWHEEL_UUID_H
#define THUMBWHEEL_UUID_H

#include <stdint.h>

enum { UUID_SIZE = 16, UUID_TEXT_SIZE = 37 };

void uuid_make(uint8_t out[UUID_SIZE]); /* version 4 (RFC 9562) */
void uuid_text(const uint8_t uuid[UUID_SIZE], char out[UUID_TEXT_SIZE]);
void uuid_make_text(char out[UUID_TEXT_SIZE]);

#endif
