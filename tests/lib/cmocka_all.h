#ifndef TESTS_CMOCKA_ALL_H
#define TESTS_CMOCKA_ALL_H
/* cmocka wants these before it, in this order. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#endif
