/* No branch and no call, so that the compiler vectorizes the loops. */
#include "search/fast_math.h"

#include <stdint.h>
#include <string.h>

#define ROOT_2 1.41421356237309504880
#define LN_2 0.69314718055994530942
#define MANTISSA UINT64_C(0x000fffffffffffff)
#define ONE UINT64_C(0x3ff0000000000000)       /* exponent 0 */
#define TWO_TO_52 UINT64_C(0x4330000000000000) /* 2^52, whose lowest mantissa bit is worth 1 */

/* ln(2^e m) = e ln 2 + ln m. With m in [1, 2) and s = (m - sqrt 2) / (m + sqrt 2), |s| < .172, ln m
 * = ln(2) / 2 + 2 atanh s; nine terms of the series suffice. */
VECTOR_CLONES void fast_log(double *x, int count)
{
    for (int i = 0; i < count; i++) {
        uint64_t bits, exponent_bits, rest_bits;
        double exponent, m;
        memcpy(&bits, &x[i], sizeof(bits));
        exponent_bits = bits >> 52 | TWO_TO_52;
        rest_bits = (bits & MANTISSA) | ONE;
        memcpy(&exponent, &exponent_bits, sizeof(exponent));
        memcpy(&m, &rest_bits, sizeof(m));
        double s = (m - ROOT_2) / (m + ROOT_2), t = s * s, sum = 1.0 / 17;
        sum = sum * t + 1.0 / 15;
        sum = sum * t + 1.0 / 13;
        sum = sum * t + 1.0 / 11;
        sum = sum * t + 1.0 / 9;
        sum = sum * t + 1.0 / 7;
        sum = sum * t + 1.0 / 5;
        sum = sum * t + 1.0 / 3;
        sum = sum * t + 1;
        x[i] = (exponent - (0x1p52 + 1023) + 0.5) * LN_2 + 2 * s * sum;
    }
}

/* exp x = 2^n e^r with n the integer nearest to x / ln 2 and |r| < .347; nine terms of e^r. Adding
 * and subtracting 1.5 * 2^52 rounds to an integer. */
VECTOR_CLONES void fast_exp(double *x, int count)
{
    for (int i = 0; i < count; i++) {
        double in = x[i] > -700 ? x[i] : -700, n = in * (1 / LN_2) + 0x1.8p52;
        uint64_t bits;
        memcpy(&bits, &n, sizeof(bits));
        n -= 0x1.8p52;
        double r = in - n * LN_2, sum = 1.0 / 362880;
        sum = sum * r + 1.0 / 40320;
        sum = sum * r + 1.0 / 5040;
        sum = sum * r + 1.0 / 720;
        sum = sum * r + 1.0 / 120;
        sum = sum * r + 1.0 / 24;
        sum = sum * r + 1.0 / 6;
        sum = sum * r + 0.5;
        sum = sum * r + 1;
        sum = sum * r + 1;
        bits = (bits + 1023) << 52; /* 2^n; the rest of n's bits falls off */
        double power;
        memcpy(&power, &bits, sizeof(power));
        x[i] = x[i] > -700 ? sum * power : 0;
    }
}
