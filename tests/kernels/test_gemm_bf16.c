/* Products with bf16 operands: each kind of instructions that this CPU has, and AMX emulated as its
 * manual defines it, against its definition bit by bit and against sums in double precision. Whole
 * and left-over rows, columns and steps, both layouts, bias, adding, row sums, packed operands,
 * values out of the ordinary, cuts and threads. */
#include "cmocka_all.h"

#include <float.h>
#include <math.h>
#include <string.h>
#include "few_runs.h"
#include "kernels/gemm_bf16_tiles.h"
#include "kernels/kernels.h"

/* ---- the definition ---- */

static float flushed(float x)
{
    return fabsf(x) < FLT_MIN ? copysignf(0.0f, x) : x;
}

/* Nearest bf16: 8 significant bits. */
static float rounded(float x)
{
    if (isnan(x) || isinf(x) || fabsf(x) < FLT_MIN)
        return flushed(x);
    double unit = ldexp(1, ilogb((double)x) - 7), nearest = nearbyint((double)x / unit) * unit;
    return fabs(nearest) > FLT_MAX ? copysignf(INFINITY, x) : (float)nearest;
}

static float fused(float a, float b, float c)
{
    return flushed(fmaf(a, b, flushed(c)));
}

/* Operands here are parts of these tables, so that each value is rounded once. */
enum { FAR = 600 };
static float a_values[FAR * FAR], b_values[FAR * FAR];
static float a_rounded[FAR * FAR], b_rounded[FAR * FAR];

static float a_at(struct operand a, size_t i, size_t k)
{
    return a_rounded[(size_t)(a.data - a_values) + i * a.row + k * a.column];
}

static float b_at(struct operand b, size_t k, size_t j)
{
    return b_rounded[(size_t)(b.data - b_values) + k * b.row + j * b.column];
}

/* Adds the products of steps first..end-1, at most GEMM_DEPTH, to `sum`. */
static float chain(float sum, struct operand a, struct operand b, size_t i, size_t j, size_t first,
                   size_t end)
{
    for (size_t k = first; k < end; k += 2) {
        sum = k + 1 < end ? fused(a_at(a, i, k + 1), b_at(b, k + 1, j), sum) : flushed(sum + 0.0f);
        sum = fused(a_at(a, i, k), b_at(b, k, j), sum);
    }
    return sum;
}

/* The same with TDPBF16PS. */
static float amx_chain(float sum, struct operand a, struct operand b, size_t i, size_t j,
                       size_t first, size_t end)
{
    for (size_t group = first; group < end; group += 32) {
        float sums[2] = {0, 0};
        for (size_t k = group; k < group + 32; k++) /* zeros follow the last step */
            sums[k % 2] =
                fused(k < end ? a_at(a, i, k) : 0, k < end ? b_at(b, k, j) : 0, sums[k % 2]);
        sum = flushed(flushed(sum) + flushed(sums[0] + sums[1]));
    }
    return sum;
}

static float wanted(bool amx, struct gemm_into to, struct operand a, struct operand b, size_t i,
                    size_t j, size_t inner)
{
    float result = to.add ? to.out[i * to.ld + j] : to.bias ? to.bias[j] : 0;
    if (amx)
        return amx_chain(result, a, b, i, j, 0, inner);
    for (size_t k = 0; k < inner; k += GEMM_DEPTH) {
        size_t end = inner - k < GEMM_DEPTH ? inner : k + GEMM_DEPTH;
        if (k == 0 && !to.add)
            result = chain(result, a, b, i, j, 0, end);
        else
            result = flushed(flushed(result) + chain(0, a, b, i, j, k, end));
    }
    return result;
}

/* ---- AMX, emulated ---- */

static uint32_t tile[8][16][16];
static bool configured;

static float half(uint32_t pair, bool odd)
{
    float value;
    pair = odd ? pair & 0xffff0000 : pair << 16;
    memcpy(&value, &pair, sizeof(value));
    return flushed(value);
}

static void amx_load(int number, const void *from, size_t stride)
{
    assert_true(configured);
    for (size_t i = 0; i < 16; i++)
        memcpy(tile[number][i], (const char *)from + i * stride, sizeof(tile[number][i]));
}

static void amx_store(int number, void *to, size_t stride)
{
    assert_true(configured);
    for (size_t i = 0; i < 16; i++)
        memcpy((char *)to + i * stride, tile[number][i], sizeof(tile[number][i]));
}

static void amx_multiply(int sums, int left, int right)
{
    for (size_t m = 0; m < 16; m++)
        for (size_t n = 0; n < 16; n++) {
            float even = 0, odd = 0, sum;
            for (size_t k = 0; k < 16; k++) {
                even = fused(half(tile[left][m][k], false), half(tile[right][k][n], false), even);
                odd = fused(half(tile[left][m][k], true), half(tile[right][k][n], true), odd);
            }
            memcpy(&sum, &tile[sums][m][n], sizeof(sum));
            sum = flushed(flushed(sum) + flushed(even + odd));
            memcpy(&tile[sums][m][n], &sum, sizeof(sum));
        }
}

#define AMX_TARGET
#define amx_begin() (memset(tile, 0xff, sizeof(tile)), configured = true)
#define amx_end() (configured = false)
#define amx_zero(number) memset(tile[number], 0, sizeof(tile[number]))
#include "kernels/gemm_bf16_amx.inc.h"

/* The kind "amx", with the packing of the plain one. */
static struct bf16_tiles emulated_amx(void)
{
    struct bf16_tiles kind = bf16_plain;
    kind.name = "amx";
    kind.multiply = multiply;
    return kind;
}

/* ---- values ---- */

static uint32_t random_bits(void)
{
    static uint64_t state = 1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 32);
}

static float from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

enum values { ORDINARY, SMALL, LARGE, SPECIAL };

static float draw(enum values kind)
{
    static const uint32_t special[] = {0,          0x80000000, 1,          0x807fffff, 0x007fffff,
                                       0x00800000, 0x7f800000, 0xff800000, 0x7fc00000, 0xff800001,
                                       0x7f7fffff, 0xff7fffff, 0x7f7f7fff, 0x7f7f8000, 0x3f808000,
                                       0x3f818000, 0x3f808001, 0x3f80ffff};
    uint32_t bits = random_bits(), sign_and_fraction = bits & 0x807fffff, exponent = bits >> 23 & 7;
    switch (kind) {
    case ORDINARY:
        return from_bits(sign_and_fraction | (120 + exponent) << 23);
    case SMALL:
        return from_bits(sign_and_fraction | (60 + exponent) << 23); /* products: 2^-127 */
    case LARGE:
        return from_bits(sign_and_fraction | (184 + exponent) << 23);
    case SPECIAL:
        break;
    }
    if (bits % 64 >= 8)
        return draw(ORDINARY);
    bits = random_bits();
    return from_bits(special[bits % (sizeof(special) / sizeof(*special))]);
}

static void fill(float *values, size_t count, enum values kind)
{
    for (size_t i = 0; i < count; i++)
        values[i] = draw(kind);
}

static void fill_operands(enum values kind)
{
    fill(a_values, FAR * FAR, kind);
    fill(b_values, FAR * FAR, kind);
    for (size_t i = 0; i < FAR * FAR; i++) {
        a_rounded[i] = rounded(a_values[i]);
        b_rounded[i] = rounded(b_values[i]);
    }
}

static bool same(float a, float b)
{
    return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof(a)) == 0;
}

/* ---- products ---- */

enum { ROWS = 131, COLUMNS = 71, INNER = 515 };

static float bias[COLUMNS], before[ROWS * (COLUMNS + 2)], out[ROWS * (COLUMNS + 2)], sums[ROWS],
    plain_sums[ROWS];

static struct operand operand_of(const float *values, bool across)
{
    return across ? (struct operand){values, 1, FAR} : (struct operand){values, FAR, 1};
}

static void check_row_sums(struct operand a, size_t rows, size_t inner, bool summed)
{
    for (size_t i = 0; i < ROWS; i++)
        plain_sums[i] = 0.5f;
    if (summed)
        gemm_row_sums((struct gemm_into){.row_sums = plain_sums}, a, rows, inner);
    for (size_t i = 0; i < ROWS; i++)
        assert_true(same(sums[i], plain_sums[i]));
}

/* A float sum in chains errs by at most its length times 2^-24 of the sum of magnitudes. */
static void check_near(float got, struct gemm_into to, struct operand a, struct operand b, size_t i,
                       size_t j, size_t inner)
{
    double sum = to.add    ? (double)to.out[i * to.ld + j]
                 : to.bias ? (double)to.bias[j]
                           : 0,
           magnitude = fabs(sum);
    for (size_t k = 0; k < inner; k++) {
        double product = (double)a_at(a, i, k) * (double)b_at(b, k, j);
        sum += product;
        magnitude += fabs(product);
    }
    double longest = inner < GEMM_DEPTH ? (double)inner : GEMM_DEPTH + 2;
    assert_true(fabs((double)got - sum) <= (longest + 1) * magnitude / (1 << 24));
}

/* One product into columns of a wider table; what lies beside must stay. */
static void check_product(bool amx, size_t rows, size_t columns, size_t inner, unsigned choice,
                          enum values kind)
{
    struct operand a = operand_of(a_values, choice & 1), b = operand_of(b_values, choice & 2);
    size_t ld = COLUMNS + 2;
    bool summed = choice & 4;
    struct gemm_into to = {before + 1, ld, NULL, choice & 8 ? 1 : 0, summed ? sums : NULL};
    if (!to.add && choice & 16)
        to.bias = bias;
    fill(before, sizeof(before) / sizeof(*before), kind);
    memcpy(out, before, sizeof(out));
    for (size_t i = 0; i < ROWS; i++)
        sums[i] = 0.5f;
    struct gemm_into into = to;
    into.out = out + 1;
    gemm_bf16(into, a, b, rows, columns, inner);
    for (size_t i = 0; i < ROWS; i++)
        for (size_t j = 0; j < ld; j++) {
            float got = out[i * ld + j];
            if (i >= rows || j < 1 || j > columns) {
                assert_true(same(got, before[i * ld + j]));
                continue;
            }
            float want = wanted(amx, to, a, b, i, j - 1, inner);
            if (!same(got, want))
                fail_msg("%zu x %zu x %zu (choice %u, values %d): (%zu, %zu) is %.9g, not %.9g",
                         rows, columns, inner, choice, (int)kind, i, j - 1, (double)got,
                         (double)want);
            if (kind == ORDINARY)
                check_near(got, to, a, b, i, j - 1, inner);
        }
    check_row_sums(a, rows, inner, summed);
}

/* Whether denormals are zero and products fused, so that the plain kind has the defined bits for
 * values out of the ordinary too. */
static bool defined_everywhere(void)
{
#ifdef __x86_64__
    volatile float tiny = FLT_MIN;
    unsigned kept = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(kept | 0x8040);
    tiny = tiny / 2;
    __builtin_ia32_ldmxcsr(kept);
    return tiny == 0 /* not under valgrind */ && __builtin_cpu_supports("avx2") &&
           __builtin_cpu_supports("fma");
#else
    return false;
#endif
}

static void check_products(bool amx, enum values most)
{
    static const size_t shapes[][3] = {{1, 1, 1},     {1, 1, 2},    {3, 5, 1},     {2, 16, 7},
                                       {13, 17, 31},  {16, 16, 32}, {16, 32, 33},  {17, 33, 34},
                                       {31, 31, 64},  {32, 32, 65}, {33, 64, 255}, {12, 48, 256},
                                       {29, 15, 257}, {96, 7, 20},  {130, 66, 40}, {35, 34, 515}};
    for (enum values kind = ORDINARY; kind <= most; kind++) {
        fill_operands(kind);
        fill(bias, COLUMNS, kind);
        for (size_t s = 0; s < sizeof(shapes) / sizeof(*shapes); s++)
            for (unsigned choice = 0; choice < 32; choice++)
                if ((kind == ORDINARY && !few_runs()) || choice % 5 == s % 5)
                    check_product(amx, shapes[s][0], shapes[s][1], shapes[s][2], choice, kind);
    }
    memcpy(out, before, sizeof(out)); /* no sizes, no writes */
    const size_t none[][3] = {{0, 3, 3}, {3, 0, 3}, {3, 3, 0}};
    for (size_t s = 0; s < 3; s++)
        gemm_bf16((struct gemm_into){out, 3, bias, 0, NULL}, operand_of(a_values, false),
                  operand_of(b_values, false), none[s][0], none[s][1], none[s][2]);
    assert_memory_equal(out, before, sizeof(out));
}

/* A packed operand, whole, its first steps, and from a later step on: as gemm_bf16(). */
static void check_packed(void)
{
    static float result[ROWS * COLUMNS];
    static _Alignas(64) float room[INNER * 96];
    static const size_t parts[][2] = {{0, INNER}, {0, 2}, {0, 38}, {0, 258}, {2, 60}, {64, 12}};
    fill_operands(ORDINARY);
    for (unsigned choice = 0; choice < 4; choice++) {
        struct operand a = operand_of(a_values, choice & 1), b = operand_of(b_values, choice & 2);
        assert_true(gemm_bf16_packed_size(INNER, COLUMNS) <= sizeof(room) / sizeof(*room));
        struct gemm_packed_operand packed = gemm_bf16_pack(room, b, INNER, COLUMNS);
        for (size_t p = 0; p < sizeof(parts) / sizeof(*parts); p++) {
            size_t first = parts[p][0], steps = parts[p][1];
            struct operand later = {b.data + first * b.row, b.row, b.column};
            gemm_bf16((struct gemm_into){out, COLUMNS, .add = 0}, a, later, ROWS, COLUMNS, steps);
            gemm_bf16_packed((struct gemm_into){result, COLUMNS, .add = 0}, a,
                             gemm_bf16_packed_from(packed, first), ROWS, COLUMNS, steps);
            assert_memory_equal(out, result, sizeof(result));
        }
    }
}

/* However a product is cut into pieces of rows and columns, and shared among threads. */
static void check_cuts(bool threads)
{
    enum { ROWS_EACH = 10, COLUMNS_EACH = 9 };
    static float one[ROWS * COLUMNS], many[ROWS * COLUMNS];
    struct operand a = operand_of(a_values, true), b = operand_of(b_values, false);
    fill_operands(ORDINARY);
    gemm_bf16((struct gemm_into){one, COLUMNS, .add = 0}, a, b, ROWS, COLUMNS, INNER);
    for (size_t i = 0; i < ROWS; i += ROWS_EACH)
        for (size_t j = 0; j < COLUMNS; j += COLUMNS_EACH)
            gemm_bf16((struct gemm_into){many + i * COLUMNS + j, COLUMNS, .add = 0},
                      (struct operand){a.data + i * a.row, a.row, a.column},
                      (struct operand){b.data + j * b.column, b.row, b.column},
                      ROWS - i < ROWS_EACH ? ROWS - i : ROWS_EACH,
                      COLUMNS - j < COLUMNS_EACH ? COLUMNS - j : COLUMNS_EACH, INNER);
    assert_memory_equal(one, many, sizeof(one));
    for (int count = 1; threads && count <= 5 && kernels_set_threads(count); count++) {
        memset(many, 0, sizeof(many));
        matmul(MATMUL_BF16, (struct gemm_into){many, COLUMNS, .add = 0}, a, b, ROWS, COLUMNS,
               INNER);
        assert_memory_equal(one, many, sizeof(one));
    }
    kernels_set_threads(1);
}

static void plain(void **state)
{
    (void)state;
    assert_true(gemm_bf16_use("plain"));
    assert_string_equal(gemm_bf16_instructions(), "plain");
    check_products(false, defined_everywhere() ? SPECIAL : ORDINARY);
    check_packed();
    check_cuts(true);
}

static void avx512(void **state)
{
    (void)state;
    if (!gemm_bf16_use("avx512bf16"))
        skip();
    assert_string_equal(gemm_bf16_instructions(), "avx512bf16");
    check_products(false, SPECIAL);
    check_packed();
    check_cuts(true);
}

static void amx(void **state)
{
    (void)state;
    if (!gemm_bf16_use("amx"))
        skip();
    check_products(true, SPECIAL);
    check_packed();
    check_cuts(true);
}

static void amx_emulated(void **state)
{
    (void)state;
    const struct bf16_tiles kind = emulated_amx();
    bf16_use(&kind);
    check_products(true, SPECIAL);
    check_packed();
    check_cuts(false); /* its tiles are shared */
    assert_true(gemm_bf16_use("plain"));
}

/* The packing of AVX512-BF16, which AMX reads in whole groups, gives the plain one's bits. */
#ifdef __x86_64__
static void packing(void **state)
{
    static _Alignas(64) uint32_t packed[2][BF16_BAND * 144];
    static const size_t sizes[][2] = {{1, 1}, {17, 2}, {16, 33}, {31, 63}, {32, 64}, {29, 255}};
    (void)state;
    if (!gemm_bf16_use("avx512bf16"))
        skip();
    fill_operands(SPECIAL);
    for (unsigned choice = 0; choice < 12; choice++) {
        size_t rows = sizes[choice / 2][0], inner = sizes[choice / 2][1];
        struct operand a = operand_of(a_values, choice & 1);
        memset(packed, 0xff, sizeof(packed));
        bf16_plain.pack_left(packed[0], a, rows, inner);
        bf16_avx512.pack_left(packed[1], a, rows, inner);
        for (size_t i = 0; i < rows; i++)
            for (size_t p = 0; p < bf16_groups(inner) * BF16_GROUP; p++)
                assert_int_equal(packed[0][i * bf16_row(inner) + p],
                                 packed[1][i * bf16_row(inner) + p]);
        memset(packed, 0xff, sizeof(packed));
        bf16_plain.pack_panel(packed[0], a, inner, rows);
        bf16_avx512.pack_panel(packed[1], a, inner, rows);
        assert_memory_equal(packed[0], packed[1], sizeof(packed[0]));
    }
}
#endif

static void unknown(void **state)
{
    (void)state;
    assert_true(gemm_bf16_use("plain"));
    assert_false(gemm_bf16_use("avx"));
    assert_string_equal(gemm_bf16_instructions(), "plain");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain),   cmocka_unit_test(avx512),
        cmocka_unit_test(amx),     cmocka_unit_test(amx_emulated),
#ifdef __x86_64__
        cmocka_unit_test(packing),
#endif
        cmocka_unit_test(unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
