#define _XOPEN_SOURCE 700 /* strptime */
#define _DEFAULT_SOURCE   /* timegm */
#include "lrsearch/utc.h"

#define UTC_FORMAT "%Y-%m-%dT%H:%M:%SZ"

const char *utc_format(char text[UTC_TEXT], time_t seconds)
{
    struct tm utc;
    if (!gmtime_r(&seconds, &utc) || strftime(text, UTC_TEXT, UTC_FORMAT, &utc) == 0)
        text[0] = '\0';
    return text;
}

time_t utc_seconds(const char *text)
{
    struct tm utc = {0};
    const char *end = strptime(text, UTC_FORMAT, &utc);
    return end && !*end ? timegm(&utc) : 0;
}

uint64_t utc_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}
