/* Chooses the libraries for matrix products. Two measurements on one machine may choose
 * differently, and so change the bits of the results: the choice is made once for a kind of machine
 * and kept. */
#include "prepare/prepare_products.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include "kernels/kernels.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "store/json_value.h"
#include "store/provenance.h"
#include "store/run_dir.h"
#include "trainers/transformer/choose_products.h"

#define CACHE "products.json" /* {key: letters} */

/* The cache key: everything that the choice depends on. */
static void make_key(char *out, size_t capacity, const struct trial_spec *spec)
{
    char cpu[256];
    provenance_cpu(cpu, sizeof(cpu));
    snprintf(out, capacity, "%s; %s; %s d_model %u d_ff %u vocab %u batch %u", cpu, kernels_init(),
             arch_name(spec->arch), spec->d_model, spec->d_ff, spec->vocab, spec->batch_tokens);
}

/* NULL, or why a product is missing here. */
static const char *missing(const char *products)
{
    const char *why = NULL;
    for (; *products && !why; products++)
        why = matmul_missing((enum matmul) * products);
    return why;
}

/* The cache is optional: if it cannot be read, products are measured again; if it cannot be
 * written, that is only logged. */
static json_t *read_cache(const char *cache_dir)
{
    char *text = NULL;
    struct lr_error err = {0};
    json_t *cache = NULL;
    json_use_lr_memory();
    if (run_dir_read(cache_dir, CACHE, &text, &err) == 0 && text)
        cache = json_loads(text, 0, NULL);
    lr_free(text);
    if (json_is_object(cache))
        return cache;
    json_decref(cache);
    return json_object();
}

static void write_cache(const char *cache_dir, json_t *cache)
{
    struct lr_error err = {0};
    char *text = json_to_text(json_incref(cache), true);
    int rc = text ? run_dir_make(cache_dir, &err) : lr_nomem(&err);
    if (!rc)
        rc = run_dir_write(cache_dir, CACHE, text, strlen(text), &err);
    lr_free(text);
    if (rc)
        lr_log(LR_LOG_WARNING, "the choice of matrix products is not kept: %s", err.text);
}

static int measure_products(char products[TRIAL_PRODUCTS], const struct plan *plan,
                            const struct trial_spec *spec, const char *cache_dir, bool keep,
                            struct lr_error *err)
{
    char key[768], by[512];
    if (spec->precision == PRECISION_BF16) /* nothing to measure */
        return choose_products(products, spec, err);
    make_key(key, sizeof(key), spec);
    json_t *cache = read_cache(cache_dir);
    const char *kept = json_string_value(json_object_get(cache, key));
    int rc = 0;
    if (kept && trial_products(products, kept) && !missing(products))
        goto out;
    kernels_set_threads(1); /* so that the choice does not depend on threads_per_worker */
    rc = choose_products(products, spec, err);
    kernels_set_threads((int)plan->trainer.threads_per_worker);
    if (rc || !keep)
        goto out;
    if (strspn(products, "o") < strlen(products)) /* own kernels are the default */
        lr_log(LR_LOG_INFO, "matrix products, as measured: %s",
               trial_products_text(products, by, sizeof(by)));
    if (json_object_set_new(cache, key, json_string(products)) == 0)
        write_cache(cache_dir, cache);
out:
    json_decref(cache);
    return rc;
}

static void warn_of_openblas(const char *products, const struct plan *plan)
{
    const char *warning = openblas_warning();
    if (plan->training.precision == PRECISION_BF16)
        return;
    if (warning && strchr(products, MATMUL_OPENBLAS))
        lr_log(LR_LOG_WARNING, "matrix products by OpenBLAS are slow here: %s", warning);
    else if (warning && strcmp(plan->trainer.matmul, "auto") == 0)
        lr_log(LR_LOG_INFO, "trainer.matmul auto does not consider OpenBLAS: %s", warning);
}

int prepare_products(char products[TRIAL_PRODUCTS], const struct plan *plan,
                     const struct trial_spec *spec, const char *cache_dir, bool keep,
                     struct lr_error *err)
{
    int rc = 0;
    if (!trial_products_suit(products, spec->precision)) /* of the campaign that this one forks */
        memset(products, 0, TRIAL_PRODUCTS);
    if (!products[0] && strcmp(plan->trainer.matmul, "auto") == 0)
        rc = measure_products(products, plan, spec, cache_dir, keep, err);
    else if (!products[0]) {
        trial_products(products, plan->trainer.matmul); /* the plan was checked */
        const char *why = missing(products);
        if (why)
            rc = lr_fail(err, LR_EPLAN, "trainer.matmul: %s: %s", plan->trainer.matmul, why);
    }
    if (!rc && keep)
        warn_of_openblas(products, plan);
    return rc;
}
