#ifndef LRSEARCH_UTF8_H
#define LRSEARCH_UTF8_H

#include <stddef.h>

/* Bytes up to the first that is not UTF-8; `size` when all are. */
size_t utf8_valid_prefix(const char *text, size_t size);

#endif
