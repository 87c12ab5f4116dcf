/*
 * Error codes that modules pass to each other.
 *
 * A function that can fail returns int: 0, or a negative code from the enum below. If users will
 * see it, the function also fills a struct error; its text is built where the facts are known and
 * says what the user can do. Codes name kinds of failure; outcome.h alone decides how the engine
 * handles them.
 */
#ifndef THUMBWHEEL_ERROR_H
#define THUMBWHEEL_ERROR_H

enum error_code {
    ERR_NONE = 0,
    ERR_MEMORY = -1,           /* an allocation failed, or a memory budget is used up */
    ERR_INVALID = -2,          /* the caller's or the user's input is wrong */
    ERR_LIMIT = -3,            /* a documented bound was exceeded */
    ERR_TIMEOUT = -4,          /* a peer or an operation took too long */
    ERR_NETWORK = -5,          /* no connection, or it was lost */
    ERR_THROTTLED = -6,        /* the service throttles us (429, SlowDown, Throttling) */
    ERR_SERVER = -7,           /* the service failed (5xx) */
    ERR_DENIED = -8,           /* access denied by credentials or a policy (401, 403) */
    ERR_EXPIRED = -9,          /* credentials or a token have expired */
    ERR_NOT_FOUND = -10,       /* the key or message does not exist */
    ERR_NO_CONTAINER = -11,    /* the bucket, queue or topic does not exist */
    ERR_CONFLICT = -12,        /* a precondition failed (409, 412) */
    ERR_PROTOCOL = -13,        /* a peer violated the protocol */
    ERR_CORRUPT = -14,         /* an image or a stored file cannot be decoded */
    ERR_UNSUPPORTED = -15,     /* understood, but not supported */
    ERR_CANCELLED = -16,       /* requested by the caller */
    ERR_IO = -17,              /* a local file or disk operation failed */
    ERR_BUSY = -18,            /* an address or a data directory is in use by another process */
    ERR_LOOP = -19,            /* an output would become the input of a pipeline */
    ERR_DECODER_CRASHED = -20, /* an image's decoder process crashed or sent an invalid reply */
    ERR_DECODER_TIMEOUT = -21, /* … exceeded the time limit of one image */
    ERR_DECODER_MEMORY = -22,  /* … exceeded the memory limit of one image */
    ERR_CREDENTIALS = -23,   /* the service does not know the access key, or its secret is wrong */
    ERR_NAME_TOO_LONG = -24, /* a key is longer than object stores allow */
    ERR_REFUSED = -25,       /* another 4xx: unknown, or an operator can fix it */
    ERR_RECEIPT = -26,       /* a message's receipt handle is no longer valid */
    ERR_UNACCEPTABLE = -27,  /* the service will never accept this request (InvalidRequest) */
    ERR_OVERLAY = -28,       /* the picture of an overlay is missing or can't be used */
};

enum { ERROR_TEXT_MAX = 512 };

struct error {
    int code;                  /* enum error_code */
    char text[ERROR_TEXT_MAX]; /* one line, UTF-8, never a secret */
};

/* Fills *e (which may be NULL) and returns code, so that callers can write `return error_set(...)`.
 * A text that is too long is cut at a character boundary; control characters become spaces. */
int error_set(struct error *e, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Inserts "<prefix>: " before the text of *e. */
void error_prefix(struct error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A short stable word for a code, fit for logs and message attributes: "timeout", "not-found".
 * Static. */
const char *error_name(int code);

#endif
