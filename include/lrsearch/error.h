#ifndef LRSEARCH_ERROR_H
#define LRSEARCH_ERROR_H

/* Errors: every function that can fail returns 0, or one of these negative codes, and fills an
 * optional `struct lr_error` (its last argument; NULL is allowed). The first error wins: filling
 * an error that already holds one keeps the first text. Callers add context with lr_prefix().
 *
 * X(name, value, exit status, text) */
#define LR_ERROR_MAP(X)                                                                            \
    X(LR_EINVAL, -1, 70, "invalid argument")                                                       \
    X(LR_EUSAGE, -2, 2, "wrong use of the command line")                                           \
    X(LR_EPLAN, -3, 65, "invalid plan")                                                            \
    X(LR_EDATA, -4, 65, "unusable training data")                                                  \
    X(LR_ENOMEM, -5, 70, "out of memory")                                                          \
    X(LR_ECREATE, -6, 73, "cannot create file")                                                    \
    X(LR_EIO, -7, 74, "input/output error")                                                        \
    X(LR_ENOSPC, -8, 74, "no space left on device")                                                \
    X(LR_EPROTO, -9, 70, "malformed message")                                                      \
    X(LR_EDAMAGED, -10, 74, "damaged journal")                                                     \
    X(LR_EWORKERS, -11, 69, "too few workers")                                                     \
    X(LR_EFAILURES, -12, 5, "too many failed trials")                                              \
    X(LR_ECANCELED, -13, 75, "canceled")                                                           \
    X(LR_EINTERNAL, -14, 70, "internal error")

enum lr_error_code {
#define X(name, value, status, text) name = (value),
    LR_ERROR_MAP(X)
#undef X
};

/* Exit statuses of commands; those of errors are in LR_ERROR_MAP. */
enum lr_exit {
    LR_EXIT_IDENTIFIED = 0,
    LR_EXIT_USAGE = 2,
    LR_EXIT_NOT_IDENTIFIED = 3,
    LR_EXIT_BUDGET = 4,
    LR_EXIT_COORDINATES = 6, /* coord-check fails */
    LR_EXIT_DRIFT = 7,       /* identified, but moved from the baseline beyond tolerance */
    LR_EXIT_INTERRUPTED = 75,
};

#define LR_ERROR_TEXT 1024

struct lr_error {
    int code; /* 0: none */
    char text[LR_ERROR_TEXT];
};

/* Each returns the code, so that `return lr_fail(err, LR_EIO, "...")` reads well. */
int lr_fail(struct lr_error *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* As lr_fail, with ": strerror(errno)" appended; ENOSPC and EDQUOT turn `code` into LR_ENOSPC. */
int lr_fail_errno(struct lr_error *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int lr_nomem(struct lr_error *err); /* LR_ENOMEM, "out of memory" */
/* Puts "prefix: " before the text; returns err->code (LR_EINTERNAL when err is NULL or empty). */
int lr_prefix(struct lr_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

const char *lr_error_text(int code); /* the map's text; "unknown error" otherwise */
int lr_error_exit_status(int code);  /* the map's exit status; 70 otherwise */

#endif
