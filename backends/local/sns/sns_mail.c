#include "sns_mail.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base64.h"
#include "error.h"

enum {
    ADDRESS_MAX = 254,
    LINE_BYTES = 57, /* 76 characters a line (RFC 2045) */
    WORD_BYTES = 42, /* 75 characters a word (RFC 2047) */
};

bool sns_mail_address_valid(const char *address)
{
    const char *at = strchr(address, '@');
    size_t size = strlen(address);
    if (!at || at == address || !at[1] || strchr(at + 1, '@') || size > ADDRESS_MAX)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (!isalnum((unsigned char)address[i]) && !strchr("@.!#$%&'*+/=?^_`{|}~-", address[i]))
            return false;
    }
    return true;
}

static void base64_append(struct buffer *out, const char *data, size_t size)
{
    char text[BASE64_TEXT_SIZE(LINE_BYTES)];
    base64_write(data, size, text);
    buffer_text(out, text);
}

static bool is_plain(struct slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < ' ' || text.data[i] > '~')
            return false;
    }
    return text.size <= 900;
}

/* At most max bytes, truncated at a character boundary. */
static size_t piece_size(struct slice text, size_t max)
{
    if (text.size <= max)
        return text.size;
    while (max > 1 && ((unsigned char)text.data[max] & 0xc0) == 0x80)
        max--;
    return max;
}

/* Appends a header value: unchanged, or as encoded words (RFC 2047). */
static void value_append(struct buffer *out, struct slice text)
{
    if (is_plain(text)) {
        buffer_append(out, text.data, text.size);
        return;
    }
    for (const char *between = ""; text.size > 0; between = "\r\n ") {
        size_t size = piece_size(text, WORD_BYTES);
        buffer_format(out, "%s=?UTF-8?B?", between);
        base64_append(out, text.data, size);
        buffer_text(out, "?=");
        text.data += size;
        text.size -= size;
    }
}

static void date_append(struct buffer *out)
{
    char text[64];
    time_t now = time(NULL);
    struct tm parts;
    gmtime_r(&now, &parts);
    strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S +0000", &parts);
    buffer_format(out, "Date: %s\r\n", text);
}

/* Quoted only if a phrase requires it; a display name has no line breaks. */
static void sender_append(struct buffer *out, const char *name)
{
    struct slice text = slice_of(name && name[0] ? name : "AWS Notifications");
    buffer_text(out, "From: ");
    if (is_plain(text)) {
        buffer_byte(out, '"');
        for (size_t i = 0; i < text.size; i++) {
            if (strchr("\"\\", text.data[i]))
                buffer_byte(out, '\\');
            buffer_byte(out, text.data[i]);
        }
        buffer_byte(out, '"');
    } else {
        value_append(out, text);
    }
    buffer_text(out, " <" SNS_MAIL_FROM ">\r\n");
}

int sns_mail_write(const struct sns_mail *mail, struct buffer *out)
{
    sender_append(out, mail->display_name);
    buffer_format(out, "To: %s\r\nSubject: ", mail->to);
    value_append(out, mail->subject);
    buffer_text(out, "\r\n");
    date_append(out);
    buffer_format(out,
                  "Message-ID: <%s@sns.thumbwheel.local>\r\nMIME-Version: 1.0\r\n"
                  "Content-Type: text/plain; charset=UTF-8\r\n"
                  "Content-Transfer-Encoding: base64\r\n\r\n",
                  mail->id);
    for (size_t at = 0; at < mail->body.size; at += LINE_BYTES) {
        size_t left = mail->body.size - at;
        base64_append(out, mail->body.data + at, left < LINE_BYTES ? left : LINE_BYTES);
        buffer_text(out, "\r\n");
    }
    return out->error;
}
