/* UTF-8 (RFC 3629). Any thread. */
#ifndef THUMBWHEEL_LOCAL_UTF8_H
#define THUMBWHEEL_LOCAL_UTF8_H

/* The number of characters, or -1 where it is not valid UTF-8. */
long utf8_length(const char *text);

#endif
