/* Products cut into pieces of the output, one thread each. Libraries run on one thread; their bits
 * may depend on a piece's shape, so their pieces are the same for any number of threads. */
#include "kernels/matmul.h"

#include <assert.h>
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef LRSEARCH_ONEDNN
#include <dnnl.h>
#ifdef _OPENMP
#include <omp.h>
#endif
#endif
#include "kernels/gemm_bf16.h"
#include "kernels/gemm_parts.h"
#include "kernels/kernels.h"
#include "kernels/pieces.h"

int kernel_threads = 1;

const struct packing packing_fp32 = {gemm_packed_size, gemm_pack, gemm_packed_from, gemm_packed};
const struct packing packing_bf16 = {gemm_bf16_packed_size, gemm_bf16_pack, gemm_bf16_packed_from,
                                     gemm_bf16_packed};

#ifdef LRSEARCH_ONEDNN
const char matmul_all[] = {MATMUL_OWN, MATMUL_OPENBLAS, MATMUL_ONEDNN, 0};
#else
const char matmul_all[] = {MATMUL_OWN, MATMUL_OPENBLAS, 0};
#endif

bool matmul_present(enum matmul by)
{
    if (by == MATMUL_AMX)
        return gemm_bf16_present("amx");
    return by == MATMUL_BF16 || (by && strchr(matmul_all, (char)by));
}

const char *matmul_missing(enum matmul by)
{
    if (matmul_present(by))
        return NULL;
    return by == MATMUL_AMX
               ? "this CPU has no AMX for bf16; use bf16, whose bits every CPU has"
               : "this lrsearch was built without that library; use auto, own or openblas";
}

void matmul_use_bf16(enum matmul by)
{
    bool found = by == MATMUL_AMX ? gemm_bf16_use("amx")
                                  : gemm_bf16_use("avx512bf16") || gemm_bf16_use("plain");
    assert(found);
    (void)found;
}

const char *kernels_init(void)
{
    static char text[224];
    if (*text)
        return text;
    openblas_set_num_threads(1);
    int length = snprintf(text, sizeof(text), "own %s, bf16 %s; %s, core %s", gemm_instructions(),
                          gemm_bf16_instructions(), openblas_get_config(), openblas_get_corename());
#ifdef LRSEARCH_ONEDNN
    const dnnl_version_t *version = dnnl_version();
    snprintf(text + length, sizeof(text) - (size_t)length, "; oneDNN %d.%d.%d", version->major,
             version->minor, version->patch);
#ifdef _OPENMP
    omp_set_num_threads(1); /* oneDNN uses this setting; our own loops give theirs explicitly */
#endif
#else
    (void)length;
#endif
    return text;
}

bool openblas_core_warning(char *out, size_t size, const char *core, const char *version,
                           const char *instructions, bool asked)
{
    /* OpenBLAS cores without AVX2; "Prescott" is also its fallback for unknown CPUs. */
    static const char *const old[] = {"Katmai",       "Coppermine", "Northwood",   "Prescott",
                                      "Banias",       "Core2",      "Penryn",      "Dunnington",
                                      "Nehalem",      "Atom",       "Sandybridge", "Athlon",
                                      "Opteron",      "Barcelona",  "Bobcat",      "Nano",
                                      "Opteron_SSE3", "Bulldozer",  "Piledriver",  "Steamroller"};
    bool avx512 = strcmp(instructions, "avx512") == 0;
    if (!avx512 && strcmp(instructions, "avx2") != 0)
        return false;
    for (size_t i = 0; i < sizeof(old) / sizeof(old[0]); i++)
        if (strcmp(core, old[i]) == 0) {
            snprintf(out, size,
                     asked ? "OPENBLAS_CORETYPE makes %s use its kernels for %s, without AVX2, "
                             "though this CPU has %s: unset OPENBLAS_CORETYPE, or set it to %s"
                           : "%s takes this CPU for a %s and uses no AVX2, though the CPU has %s: "
                             "set OPENBLAS_CORETYPE=%s in the environment of every rank",
                     version, core, instructions, avx512 ? "SkylakeX" : "Haswell");
            return true;
        }
    return false;
}

/* "OpenBLAS 0.3.21" */
static void openblas_version(char out[48])
{
    const char *config = openblas_get_config(); /* "OpenBLAS 0.3.21 NO_LAPACKE ..." */
    size_t first = strcspn(config, " ");
    size_t words = first + (config[first] ? 1 + strcspn(config + first + 1, " ") : 0);
    snprintf(out, 48, "%.*s", (int)words, config);
}

const char *kernels_libraries(char *out, size_t size)
{
    char version[48];
    openblas_version(version);
    int length = snprintf(out, size, "%s %s", version, openblas_get_corename());
#ifdef LRSEARCH_ONEDNN
    const dnnl_version_t *dnnl = dnnl_version();
    if (length > 0 && (size_t)length < size)
        snprintf(out + length, size - (size_t)length, ", oneDNN %d.%d.%d", dnnl->major, dnnl->minor,
                 dnnl->patch);
#else
    (void)length;
#endif
    return out;
}

const char *openblas_warning(void)
{
    static char text[256];
    char version[48];
    const char *asked = getenv("OPENBLAS_CORETYPE");
    openblas_version(version);
    bool slow = openblas_core_warning(text, sizeof(text), openblas_get_corename(), version,
                                      gemm_instructions(), asked && *asked);
    return slow ? text : NULL;
}

bool kernels_set_threads(int threads)
{
#ifdef _OPENMP
    kernel_threads = threads < 1 ? 1 : threads;
    return true;
#else
    return threads <= 1;
#endif
}

/* Whose bits depend on the operands alone. */
static bool is_own(enum matmul by)
{
    return by == MATMUL_OWN || by == MATMUL_BF16;
}

/* ---- one piece ---- */

/* Writes the bias to `out`: libraries have no bias, so they add to it. */
static void lay_bias(struct gemm_into *to, size_t rows, size_t columns)
{
    if (!to->bias)
        return;
    for (size_t i = 0; i < rows; i++)
        memcpy(to->out + i * to->ld, to->bias, columns * sizeof(float));
    to->add = 1;
}

/* Whether a library has to transpose the operand. */
static bool lies_across(struct operand o)
{
    return o.column != 1;
}

static size_t stride(struct operand o)
{
    return lies_across(o) ? o.column : o.row;
}

static void openblas_piece(struct gemm_into to, struct operand a, struct operand b, size_t rows,
                           size_t columns, size_t inner)
{
    cblas_sgemm(CblasRowMajor, lies_across(a) ? CblasTrans : CblasNoTrans,
                lies_across(b) ? CblasTrans : CblasNoTrans, (int)rows, (int)columns, (int)inner,
                1.0f, a.data, (int)stride(a), b.data, (int)stride(b), to.add ? 1.0f : 0.0f, to.out,
                (int)to.ld);
}

#ifdef LRSEARCH_ONEDNN
static void onednn_piece(struct gemm_into to, struct operand a, struct operand b, size_t rows,
                         size_t columns, size_t inner)
{
    dnnl_sgemm(lies_across(a) ? 'T' : 'N', lies_across(b) ? 'T' : 'N', (dnnl_dim_t)rows,
               (dnnl_dim_t)columns, (dnnl_dim_t)inner, 1.0f, a.data, (dnnl_dim_t)stride(a), b.data,
               (dnnl_dim_t)stride(b), to.add ? 1.0f : 0.0f, to.out, (dnnl_dim_t)to.ld);
}
#endif

/* ---- pieces ---- */

/* Pieces are numbered down the rows first. */
struct grid {
    size_t rows, columns, piece_rows, piece_columns, down, count;
};

/* Our own products do not depend on the cuts: as few pieces as keep the threads busy, since each
 * packs its operands. A piece has whole tiles and panels. */
static struct grid grid_of_own(enum matmul by, size_t rows, size_t columns)
{
    enum { LEAST_COLUMNS = 128 };
    bool bf16 = by == MATMUL_BF16;
    size_t tile = bf16 ? 32 : gemm_tile_rows(), panel = bf16 ? 32 : gemm_panel();
    size_t threads = (size_t)kernel_threads, across = columns / LEAST_COLUMNS;
    across = across < 1 ? 1 : across > threads ? threads : across;
    size_t down = parts(threads, across);
    return (struct grid){.piece_rows = parts(parts(rows, down), tile) * tile,
                         .piece_columns = parts(parts(columns, across), panel) * panel};
}

/* Large enough that packing the operands again for each costs at most a few per cent, small enough
 * to occupy several threads. */
static const struct grid grid_of_library = {.piece_rows = 256, .piece_columns = 1024};

static void multiply_piece(enum matmul by, struct gemm_into to, struct operand a, struct operand b,
                           const struct grid *grid, size_t inner, size_t piece)
{
    size_t i = piece % grid->down * grid->piece_rows, j = piece / grid->down * grid->piece_columns;
    size_t rows = piece_length(grid->rows, i, grid->piece_rows);
    size_t columns = piece_length(grid->columns, j, grid->piece_columns);
    a.data += i * a.row;
    b.data += j * b.column;
    to.out += i * to.ld + j;
    to.bias = to.bias ? to.bias + j : NULL;
    to.row_sums = to.row_sums && j == 0 ? to.row_sums + i : NULL; /* once per row */
    if (is_own(by)) {
        (by == MATMUL_BF16 ? gemm_bf16 : gemm)(to, a, b, rows, columns, inner);
        return;
    }
    gemm_row_sums(to, a, rows, inner);
    lay_bias(&to, rows, columns);
#ifdef LRSEARCH_ONEDNN
    if (by == MATMUL_ONEDNN) {
        onednn_piece(to, a, b, rows, columns, inner);
        return;
    }
#endif
    openblas_piece(to, a, b, rows, columns, inner);
}

void matmul(enum matmul by, struct gemm_into to, struct operand a, struct operand b, size_t rows,
            size_t columns, size_t inner)
{
    struct grid grid = is_own(by) ? grid_of_own(by, rows, columns) : grid_of_library;
    grid.rows = rows;
    grid.columns = columns;
    grid.down = parts(rows, grid.piece_rows);
    grid.count = grid.down * parts(columns, grid.piece_columns);
    FOR_PIECES(i, grid.count, 1)
    multiply_piece(by, to, a, b, &grid, inner, i);
}

/* ---- linear layers: weights are (outputs, inputs), as PyTorch has them ---- */

void linear_forward(enum matmul by, float *out, const float *in, const float *weight,
                    const float *bias, size_t N, size_t K, size_t M)
{
    matmul(by, (struct gemm_into){out, M, .bias = bias}, (struct operand){in, K, 1},
           (struct operand){weight, 1, K}, N, M, K);
}

void linear_backward_input(enum matmul by, float *d_in, const float *d_out, const float *weight,
                           size_t N, size_t K, size_t M)
{
    matmul(by, (struct gemm_into){d_in, K, .add = 0}, (struct operand){d_out, M, 1},
           (struct operand){weight, K, 1}, N, K, M);
}

void linear_backward_weight(enum matmul by, float *d_weight, float *d_bias, const float *d_out,
                            const float *in, bool add, size_t N, size_t K, size_t M)
{
    matmul(by, (struct gemm_into){d_weight, K, .add = add, .row_sums = d_bias},
           (struct operand){d_out, 1, M}, (struct operand){in, K, 1}, M, K, N);
}
