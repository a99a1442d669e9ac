/* Error texts and exit statuses, from LR_ERROR_MAP. The first error wins: a failing cleanup must
 * not hide the failure that caused it. */
#include "lrsearch/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 3, 0))) static int fill(struct lr_error *err, int code,
                                                      const char *format, va_list args)
{
    if (!err || err->code)
        return err ? err->code : code;
    err->code = code;
    vsnprintf(err->text, sizeof(err->text), format, args);
    return code;
}

int lr_fail(struct lr_error *err, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    code = fill(err, code, format, args);
    va_end(args);
    return code;
}

/* Remedies for process limits, which strerror() does not give. */
static const char *mend_of(int number)
{
    switch (number) {
    case EFBIG:
        return "; raise the limit of file sizes, as in: ulimit -f unlimited";
    case EMFILE:
        return "; raise the limit of open files, as in: ulimit -n 1024";
    default:
        return "";
    }
}

int lr_fail_errno(struct lr_error *err, int code, const char *format, ...)
{
    int saved = errno;
    if (saved == ENOSPC || saved == EDQUOT)
        code = LR_ENOSPC;
    if (err && err->code)
        return err->code;
    va_list args;
    va_start(args, format);
    fill(err, code, format, args);
    va_end(args);
    if (err) {
        size_t used = strlen(err->text);
        snprintf(err->text + used, sizeof(err->text) - used, ": %s%s", strerror(saved),
                 mend_of(saved));
    }
    return code;
}

int lr_nomem(struct lr_error *err)
{
    return lr_fail(err, LR_ENOMEM, "%s", lr_error_text(LR_ENOMEM));
}

int lr_prefix(struct lr_error *err, const char *format, ...)
{
    if (!err || !err->code)
        return LR_EINTERNAL;
    char old[LR_ERROR_TEXT];
    memcpy(old, err->text, sizeof(old));
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    size_t used = strlen(err->text);
    snprintf(err->text + used, sizeof(err->text) - used, ": %s", old);
    return err->code;
}

const char *lr_error_text(int code)
{
    switch (code) {
#define X(name, value, status, text)                                                               \
    case value:                                                                                    \
        return text;
        LR_ERROR_MAP(X)
#undef X
    default:
        return "unknown error";
    }
}

int lr_error_exit_status(int code)
{
    switch (code) {
#define X(name, value, status, text)                                                               \
    case value:                                                                                    \
        return status;
        LR_ERROR_MAP(X)
#undef X
    default:
        return 70;
    }
}
