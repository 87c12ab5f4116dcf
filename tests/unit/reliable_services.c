/* The services in memory, with memory of their own: it is the engine's that runs out. */
#define malloc  __real_malloc
#define calloc  __real_calloc
#define realloc __real_realloc
#define strdup  __real_strdup
#define strndup __real_strndup

#include "fake_services.c"
