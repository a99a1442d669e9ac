#include "lrsearch/count.h"

#include <math.h>
#include <stdio.h>

const char *format_count(char *text, size_t capacity, double count)
{
    static const char *const units[] = {"", "k", "M", "B", "T"};
    size_t unit = 0;
    if (!(count >= 0) || !isfinite(count)) {
        snprintf(text, capacity, "?");
        return text;
    }
    /* 999.5 or more would print as 1000 in three digits, so it moves to the next unit. */
    while (count >= 999.5 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        count /= 1000;
        unit++;
    }
    if (count >= 999.5)
        snprintf(text, capacity, "%.2eT", count);
    else
        snprintf(text, capacity, "%.3g%s", count, units[unit]);
    return text;
}
