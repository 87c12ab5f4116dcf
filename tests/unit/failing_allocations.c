#include "failing_allocations.h"

#include <errno.h>
#include <expat.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t size);
int __real_vasprintf(char **out, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t size);
int __wrap_vasprintf(char **out, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
int __wrap_asprintf(char **out, const char *format, ...) __attribute__((format(printf, 2, 3)));
XML_Parser __wrap_XML_ParserCreateNS(const XML_Char *encoding, XML_Char separator);

static atomic_long left; /* until the one that fails; 0: none will, or it has failed */
static atomic_bool failed;

static bool fails(void)
{
    long now = atomic_load(&left);
    while (now > 0 && !atomic_compare_exchange_weak(&left, &now, now - 1))
        ;
    if (now != 1)
        return false;
    atomic_store(&failed, true);
    errno = ENOMEM;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t size)
{
    return fails() ? NULL : __real_strndup(text, size);
}

int __wrap_vasprintf(char **out, const char *format, va_list args)
{
    return fails() ? -1 : __real_vasprintf(out, format, args);
}

int __wrap_asprintf(char **out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int size = __wrap_vasprintf(out, format, args);
    va_end(args);
    return size;
}

static const XML_Memory_Handling_Suite for_expat = {__wrap_malloc, __wrap_realloc, free};

XML_Parser __wrap_XML_ParserCreateNS(const XML_Char *encoding, XML_Char separator)
{
    return XML_ParserCreate_MM(encoding, &for_expat, &separator);
}

void allocations_hook(void)
{
    json_set_alloc_funcs(__wrap_malloc, free);
}

void allocations_fail(unsigned long n)
{
    atomic_store(&failed, false);
    atomic_store(&left, (long)n);
}

bool allocations_end(void)
{
    atomic_store(&left, 0);
    return atomic_load(&failed);
}
