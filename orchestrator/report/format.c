/* Numbers as people write them. */
#include <math.h>
#include <stdio.h>
#include "report/summary.h"

const char *format_seconds(char *text, size_t capacity, double seconds)
{
    if (!(seconds >= 0) || !(seconds < 1e12))
        snprintf(text, capacity, "?");
    else if (seconds < 9.95)
        snprintf(text, capacity, "%.1fs", seconds);
    else if (seconds < 59.5)
        snprintf(text, capacity, "%.0fs", seconds);
    else {
        long long whole = llround(seconds), minutes = whole / 60, hours = minutes / 60;
        if (hours >= 24)
            snprintf(text, capacity, "%lldd%02lldh", hours / 24, hours % 24);
        else if (hours > 0)
            snprintf(text, capacity, "%lldh%02lldm", hours, minutes % 60);
        else
            snprintf(text, capacity, "%lldm%02llds", minutes, whole % 60);
    }
    return text;
}

const char *format_lr(char *text, size_t capacity, int digits, double lr)
{
    if (!isfinite(lr)) {
        snprintf(text, capacity, "-");
        return text;
    }
    char plain[40];
    int exponent = 0;
    snprintf(plain, sizeof(plain), "%.*e", digits - 1, lr);
    char *e = plain;
    while (*e && *e != 'e')
        e++;
    sscanf(e, "e%d", &exponent);
    *e = '\0';
    snprintf(text, capacity, "%se%d", plain, exponent);
    return text;
}

bool interval_known(const double ends[2])
{
    return isfinite(ends[0]) && isfinite(ends[1]);
}

const char *format_lr_interval(char *text, size_t capacity, int digits, const double ends[2])
{
    char low[64], high[64];
    if (interval_known(ends))
        snprintf(text, capacity, "%s .. %s", format_lr(low, sizeof(low), digits, ends[0]),
                 format_lr(high, sizeof(high), digits, ends[1]));
    else
        snprintf(text, capacity, "-");
    return text;
}

const char *format_ratio(char *text, size_t capacity, double ratio)
{
    if (!isfinite(ratio))
        snprintf(text, capacity, "-");
    else if (fabs(ratio) >= 99.5 && fabs(ratio) < 9999.5)
        snprintf(text, capacity, "%.0f", ratio);
    else
        snprintf(text, capacity, "%.2g", ratio);
    return text;
}
