#include "base64.h"

#include <openssl/evp.h>
#include <string.h>

#include "error.h"

enum { PIECE = 1024, PIECE_BYTES = PIECE / 4 * 3, PADDING_MAX = 2 };

void base64_write(const void *data, size_t size, char *out)
{
    EVP_EncodeBlock((unsigned char *)out, data, (int)size);
}

/* libcrypto skips blanks and takes padding for zeros anywhere, so it only gets what has neither. */
struct letters {
    struct slice rest;
    bool blank; /* the line must end here */
    size_t padding;
};

/* 1: a letter; 0: the end; ERR_INVALID. */
static int letter_next(struct letters *letters, unsigned char *out)
{
    while (letters->rest.size) {
        const char *at = letters->rest.data;
        size_t size = letters->rest.size;
        bool line_end = *at == '\n' || (*at == '\r' && size > 1 && at[1] == '\n');
        letters->rest = (struct slice){at + 1, size - 1};
        if (*at == ' ' || line_end) {
            letters->blank = !line_end;
            continue;
        }
        letters->padding += *at == '=';
        if (letters->blank || letters->padding > PADDING_MAX || (letters->padding && *at != '='))
            return ERR_INVALID;
        *out = (unsigned char)*at;
        return 1;
    }
    return 0;
}

/* The number of bytes decoded, of at most PIECE letters, or ERR_INVALID. */
static int piece_read(struct letters *letters, unsigned char out[PIECE_BYTES])
{
    unsigned char piece[PIECE];
    int count = 0, code = 1;
    while (count < PIECE && (code = letter_next(letters, &piece[count])) == 1)
        count++;
    if (code < 0 || count % 4)
        return ERR_INVALID;
    if (!count)
        return 0;
    return EVP_DecodeBlock(out, piece, count) == count / 4 * 3
               ? count / 4 * 3 - (int)letters->padding
               : ERR_INVALID;
}

int base64_read(struct slice text, void *out, size_t room, size_t *size)
{
    struct letters letters = {.rest = text};
    unsigned char bytes[PIECE_BYTES], *to = out;
    int count;
    *size = 0;
    while ((count = piece_read(&letters, bytes)) > 0) {
        size_t taken = (size_t)count;
        if (*size <= room && taken <= room - *size)
            memcpy(to + *size, bytes, taken);
        *size += taken;
    }
    if (count)
        return ERR_INVALID;
    return *size > room ? ERR_LIMIT : 0;
}
