/* A proposal as YAML. Each key stands with what it means and why it has this value. */
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include "estimate/plan_proposal.h"
#include "plan/value.h"
#include "report/summary.h"

/* A name as YAML takes it: quoted where a character could mean something. */
static void put_name(FILE *out, const char *name)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "_./";
    if (strspn(name, plain) == strlen(name) && strcasecmp(name, "null") != 0) {
        fputs(name, out);
        return;
    }
    fputc('\'', out);
    for (; *name; name++)
        fprintf(out, *name == '\'' ? "''" : "%c", *name);
    fputc('\'', out);
}

/* "512Ki" or "100B", whichever is shorter; exact. */
static const char *count_text(char out[24], uint64_t count)
{
    char binary[24] = "";
    value_count_text(count, out, 24);
    if (count > 0 && count % (1 << 20) == 0)
        snprintf(binary, sizeof(binary), "%" PRIu64 "Mi", count >> 20);
    else if (count > 0 && count % (1 << 10) == 0)
        snprintf(binary, sizeof(binary), "%" PRIu64 "Ki", count >> 10);
    if (*binary && strlen(binary) <= strlen(out))
        memcpy(out, binary, sizeof(binary));
    return out;
}

static void put_head(FILE *out, const struct plan_proposal *p,
                     const struct proposal_request *request)
{
    char time[24], half[24], most[24], trials[24];
    fprintf(out,
            "# Made by `lrsearch plan init` for a machine with %u core%s and a campaign of %s.\n"
            "# Expected with %u ranks: %s trainings in %s, in one case of ten more than %s; "
            "`lrsearch check`\n# tells more. lrsearch-plan(5) and plans/README.md have every key.\n"
            "version: 1\nname: ",
            p->workers, p->workers == 1 ? "" : "s",
            format_seconds(time, sizeof(time), request->time_s), p->workers + 1,
            format_count(trials, sizeof(trials), p->trials),
            format_seconds(half, sizeof(half), p->wall_s),
            format_seconds(most, sizeof(most), p->wall_most_s));
    put_name(out, request->name);
    fputc('\n', out);
}

static void put_model(FILE *out, const struct plan_proposal *p)
{
    char params[24];
    fprintf(out,
            "\n# The model of the short trainings, a small one of the kind that you want to train: "
            "%s parameters,\n# the largest of a ladder of sizes that sees enough tokens in the "
            "time.\n"
            "model:\n"
            "  arch: gpt             # or llama: RMSNorm, SwiGLU, rotary positions, no biases\n"
            "  d_model: %-12" PRIu32 " # width\n"
            "  n_layers: %-11" PRIu32 " # blocks of attention and MLP\n"
            "  head_size: %-10" PRIu32 " # channels of an attention head; width / this are the "
            "heads\n"
            "  context: %-12" PRIu32 " # tokens of a sequence\n",
            format_count(params, sizeof(params), (double)p->params), p->d_model, p->n_layers,
            p->head_size, p->context);
    fprintf(out, "  vocab: %-14" PRIu32 " # %s\n", p->vocab,
            p->vocab == 256 ? "bytes are the tokens: a large vocabulary would outweigh so small a "
                              "model"
                            : "tokens, learned from the text: as many as suit the width");
    if (!p->target_d_model)
        return;
    fprintf(out,
            "  parametrization: mup  # keeps the best learning rate over widths; the target is "
            "wider\n"
            "  base_width: %-9" PRIu32 " # where the learning rates of this plan hold\n",
            p->d_model);
    if (p->target_n_layers > p->n_layers)
        fprintf(out,
                "  depth_rule: completep # and over depths\n"
                "  base_layers: %-8" PRIu32 " # where this rule changes nothing\n",
                p->n_layers);
}

static void put_data(FILE *out, const struct plan_proposal *p,
                     const struct proposal_request *request)
{
    char bytes[24], tokens[24], val[24];
    if (request->text_count == 0) {
        fprintf(out,
                "\ndata:\n"
                "  source: synthetic     # made-up text; with your own: text: [corpus/*.txt.gz] "
                "instead\n"
                "  val_tokens: %-9s # for the validation loss\n",
                count_text(val, p->val_tokens));
        return;
    }
    fprintf(out, "\n# %s%s bytes of text, %s tokens", request->text_whole ? "" : "about ",
            format_count(bytes, sizeof(bytes), request->text_bytes),
            format_count(tokens, sizeof(tokens), p->text_tokens));
    if (p->vocab > 256)
        fprintf(out, " of %.2f bytes", p->bytes_per_token);
    fprintf(out,
            ".\ndata:\n"
            "  # Files plain or gzip, named from this file's folder; globs are fine.\n  text: [");
    for (size_t i = 0; i < request->text_count; i++) {
        fputs(i ? ", " : "", out);
        put_name(out, request->texts[i]);
    }
    fprintf(out,
            "]\n"
            "  tokenizer: %-10s # %s\n"
            "  val_tokens: %-9s # the end of the text, never trained on: its loss is what counts\n",
            p->vocab == 256 ? "bytes" : "bpe",
            p->vocab == 256 ? "or bpe, with a vocab of 512 or more"
                            : "learned once on the text; or bytes, with a vocab of 256",
            count_text(val, p->val_tokens));
    if (p->repeat)
        fprintf(
            out,
            "  repeat: true          # the longest horizon reads the text %.1f times: it has no "
            "more\n",
            (double)p->horizons[PROPOSAL_HORIZONS - 1] / (double)p->train_tokens);
}

static void put_search(FILE *out, const struct plan_proposal *p)
{
    char texts[PROPOSAL_HORIZONS][24], batch[24], step[24], low[24], high[24];
    for (int i = 0; i < PROPOSAL_HORIZONS; i++)
        count_text(texts[i], p->horizons[i]);
    snprintf(step, sizeof(step), p->step_s < 0.1 ? "%.1f ms" : "%.0f ms", 1e3 * p->step_s);
    fprintf(out,
            "\ntraining:\n"
            "  batch_tokens: %-7s # tokens of a step (%s here); as in the long training"
            "\n"
            "  warmup: 0.1           # share of each training in which the learning rate rises\n",
            count_text(batch, p->batch_tokens), step);
    fprintf(out,
            "\nsearch:\n"
            "  # Lowest and highest learning rate to try: five octaves around what suits this "
            "width. The report\n  # says when the best one lies at an end.\n"
            "  lr: [%s, %s]\n"
            "  # Lengths of the short trainings, in tokens (Ki: 1024): the longest that end in "
            "the time. Three\n  # that double are the least that gives a law with a check.\n"
            "  horizons: [%s, %s, %s]\n"
            "  seeds: %u              # trainings of each learning rate%s\n",
            format_lr(low, sizeof(low), 2, p->lr[0]), format_lr(high, sizeof(high), 2, p->lr[1]),
            texts[0], texts[1], texts[2], p->params < 1000000 ? 3 : 1,
            p->params < 1000000 ? ": so small a model is noisy" : "");
}

static void put_target(FILE *out, const struct plan_proposal *p,
                       const struct proposal_request *request)
{
    char tokens[24], time[24];
    const char *why = request->target_tokens > 0 ? "as you said"
                      : p->train_tokens < UINT64_MAX && p->target_tokens == p->train_tokens
                          ? "the whole text, once"
                          : "16 times the longest horizon";
    fprintf(out,
            "\n# The long training whose learning rate is wanted.\n"
            "target:\n"
            "  tokens: %-13s # its length: %s%s\n",
            count_text(tokens, p->target_tokens), why,
            request->target_tokens > 0 ? "" : "; write here what you have in mind");
    if (p->target_d_model) {
        fprintf(out, "  d_model: %-12" PRIu32 " # its width, by the number of parameters\n",
                p->target_d_model);
        if (p->target_n_layers > p->n_layers)
            fprintf(out, "  n_layers: %-11" PRIu32 " # its depth, the same way\n",
                    p->target_n_layers);
    } else {
        fprintf(out,
                "  # d_model: 1024       # when it is wider; then model.parametrization: mup\n");
    }
    fprintf(out,
            "\n# confirm: {}           # would train the answer itself, with half and twice of it\n"
            "\nbudget:\n"
            "  wall: %-15s # the search ends then, and answers with what it has\n",
            value_duration_text(request->time_s, time, sizeof(time)));
}

void plan_proposal_print(FILE *out, const struct plan_proposal *proposal,
                         const struct proposal_request *request)
{
    put_head(out, proposal, request);
    put_model(out, proposal);
    put_data(out, proposal, request);
    put_search(out, proposal);
    put_target(out, proposal, request);
}
