/* The in-memory services use the real allocator: only allocations of the engine fail. */
#define malloc  __real_malloc
#define calloc  __real_calloc
#define realloc __real_realloc
#define strdup  __real_strdup
#define strndup __real_strndup

#include "fake_services.c"
