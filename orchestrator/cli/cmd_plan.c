/* lrsearch plan init: reads the text, makes a plan by plan_proposal_make(), writes it to a new
 * file. */
#define _XOPEN_SOURCE 700 /* lstat */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cli/plan_init.h"
#include "cli/progress_line.h"
#include "cli/command_line.h"
#include "cli/outcome.h"
#include "estimate/plan_proposal.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "lrsearch/printable.h"
#include "plan/plan.h"
#include "report/summary.h"
#include "store/json_value.h"

#define DEFAULT_PLAN "plan.yaml"
#define DEFAULT_TIME_S 600.0
#define QUICKSTART_TEXT "build/text/gcide.dict.dz" /* run.sh downloads it */

#define TIME_MAX_S 2592000.0

struct plan_init {
    const struct command_line *line;
    const char *path;
    char name[PLAN_NAME];
    char *texts[PLAN_TEXTS]; /* paths as written into the plan; owned */
    const char *given[PLAN_TEXTS];
    size_t text_count;
    struct text_sample sample; /* of these texts; owned */
};

/* ---- the text ---- */

/* A text's path as written into the plan: absolute if the plan is in another folder, because the
 * plan's relative paths start there. NULL on failure. */
static char *name_from_plan(const char *text, const char *plan)
{
    char folder[TRIAL_PATH] = "";
    if (*text != '/' && strchr(plan, '/') && !getcwd(folder, sizeof(folder)))
        return NULL;
    size_t size = strlen(folder) + strlen(text) + 2;
    char *name = lr_malloc(size);
    if (name)
        snprintf(name, size, "%s%s%s", folder, *folder ? "/" : "", text);
    return name;
}

static int name_texts(struct plan_init *init, struct lr_error *err)
{
    size_t count = init->line->operand_count - 1; /* the first is "init" */
    if (count > PLAN_TEXTS)
        return lr_fail(err, LR_EUSAGE,
                       "plan init: %zu texts, and a plan names %d at most; give a pattern in "
                       "quotes, as in 'corpus/*.txt.gz'",
                       count, PLAN_TEXTS);
    for (size_t i = 0; i < count; i++)
        init->given[i] = init->line->operands[i + 1];
    if (count == 0 && access(QUICKSTART_TEXT, R_OK) == 0)
        init->given[count++] = QUICKSTART_TEXT;
    for (size_t i = 0; i < count; i++) {
        if (lr_has_controls(init->given[i])) /* would not survive YAML */
            return lr_fail(err, LR_EDATA,
                           "a text's name holds a control character; rename the file");
        init->texts[i] = name_from_plan(init->given[i], init->path);
        if (!init->texts[i])
            return lr_nomem(err);
        init->text_count++;
    }
    return 0;
}

/* ---- the plan ---- */

/* "corpora/my plan.yaml" -> "my-plan" */
static void name_campaign(struct plan_init *init)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
    const char *slash = strrchr(init->path, '/'), *base = slash ? slash + 1 : init->path;
    size_t used = 0, length = strlen(base);
    const char *dot = strrchr(base, '.');
    if (dot && dot > base)
        length = (size_t)(dot - base);
    for (size_t i = 0; i < length && used + 1 < sizeof(init->name); i++) {
        bool good = base[i] && strchr(letters, base[i]);
        if (good || used > 0) /* a name must not begin with '-' or '.' */
            init->name[used++] = good || base[i] == '.' ? base[i] : '-';
    }
    if (used == 0)
        memcpy(init->name, "campaign", sizeof("campaign"));
}

/* Checks the output path before the timing, which may take minutes. */
static int check_place(const char *path, struct lr_error *err)
{
    char folder[TRIAL_PATH] = ".";
    struct stat info;
    const char *slash = strrchr(path, '/');
    if (lstat(path, &info) == 0)
        return lr_fail(err, LR_ECREATE, "%s: is there already; choose another name with --out",
                       path);
    if (slash)
        snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path) + 1, path);
    return access(folder, W_OK) ? lr_fail_errno(err, LR_ECREATE, "%s: cannot create it", path) : 0;
}

int plan_init_write(const char *path, void (*print)(FILE *out, const void *context),
                    const void *context, struct lr_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!file)
        return lr_fail_errno(err, LR_ECREATE, "%s: cannot create it", path);
    print(file, context);
    bool bad = ferror(file);
    if (fclose(file) || bad) {
        unlink(path);
        return lr_fail_errno(err, LR_EIO, "%s: cannot write it", path);
    }
    return 0;
}

struct printing {
    const struct plan_proposal *proposal;
    const struct proposal_request *request;
};

static void print_plan(FILE *out, const void *context)
{
    const struct printing *printing = context;
    plan_proposal_print(out, printing->proposal, printing->request);
}

static int print_json(const struct plan_init *init, const struct plan_proposal *proposal,
                      struct lr_error *err)
{
    bool ok = true;
    json_t *object = json_object(), *horizons = json_array();
    for (int i = 0; i < PROPOSAL_HORIZONS; i++)
        ok &= json_array_append_new(horizons, json_of_count(proposal->horizons[i])) == 0;
    json_put(object, "schema_version", json_of_count(1), &ok);
    json_put(object, "plan", json_of_text(init->path), &ok);
    json_put(object, "text_tokens",
             init->text_count ? json_of_double(proposal->text_tokens) : json_null(), &ok);
    json_put(object, "params", json_of_count(proposal->params), &ok);
    json_put(object, "precision", json_string(proposal->bf16_step > 0 ? "bf16" : "fp32"), &ok);
    json_put(object, "horizons", horizons, &ok);
    json_put(object, "target_tokens", json_of_count(proposal->target_tokens), &ok);
    json_put(object, "workers", json_of_count(proposal->workers), &ok);
    json_put(object, "wall_seconds", json_of_double(proposal->wall_s), &ok);
    json_put(object, "trials", json_of_double(proposal->trials), &ok);
    return json_print(object, ok, err);
}

static void print_text(const struct plan_init *init, const struct plan_proposal *proposal)
{
    char params[24], longest[24], target[24], time[24];
    lr_say(
        stdout,
        "%s: %s parameters, trained on up to %s tokens, for a target of %s; about %s with "
        "%u ranks\n\nnext:\n"
        "  lrsearch check %s\n  mpirun -np %u lrsearch %s\n",
        init->path, format_count(params, sizeof(params), (double)proposal->params),
        format_count(longest, sizeof(longest), (double)proposal->horizons[PROPOSAL_HORIZONS - 1]),
        format_count(target, sizeof(target), (double)proposal->target_tokens),
        format_seconds(time, sizeof(time), proposal->wall_s), proposal->workers + 1, init->path,
        proposal->workers + 1, init->path);
}

static int propose(struct plan_init *init, struct lr_error *err)
{
    const struct plan_options *options = init->line->options;
    struct progress_line progress;
    struct plan_proposal proposal;
    struct proposal_request request = {
        .name = init->name,
        .texts = (const char *const *)init->texts,
        .time_s = options->time_s,
        .target_tokens = options->target_tokens,
        .target_params = options->params,
    };
    int rc;
    const struct printing printing = {&proposal, &request};
    if ((rc = name_texts(init, err)))
        return rc;
    request.text_count = init->text_count;
    progress_line_init(&progress, init->line->verbosity >= 0, false);
    const struct stage_report stages = progress_line_stages(&progress);
    request.stages = &stages;
    if (init->text_count > 0) {
        if ((rc = text_sample_read(&init->sample, init->given, init->text_count, &stages, err)))
            goto out;
        request.text = &init->sample;
    }
    if ((rc = plan_proposal_make(&proposal, &request, err)))
        goto out;
    progress_line_clear(&progress);
    if ((rc = plan_init_write(init->path, print_plan, &printing, err)))
        goto out;
    if (options->json)
        rc = print_json(init, &proposal, err);
    else
        print_text(init, &proposal);
out:
    progress_line_release(&progress);
    return rc;
}

static int run(const struct command_line *line)
{
    const struct plan_options *options = line->options;
    struct lr_error err = {0};
    struct plan_init init = {.line = line, .path = options->out};
    name_campaign(&init);
    int rc = check_place(init.path, &err);
    if (!rc)
        rc = options->command ? plan_init_command(line, init.path, init.name, &err)
                              : propose(&init, &err);
    for (size_t i = 0; i < init.text_count; i++)
        lr_free(init.texts[i]);
    text_sample_release(&init.sample);
    return outcome_error(rc, &err);
}

static int check_options(const struct command_line *line, struct lr_error *err)
{
    const struct plan_options *options = line->options;
    if (line->operand_count == 0 || strcmp(line->operands[0], "init") != 0)
        return lr_fail(err, LR_EUSAGE,
                       "plan: use lrsearch plan init [TEXT...], lrsearch plan init "
                       "--command \"...\"; lrsearch check PLAN looks at one");
    if (!options->command && (options->lr > 0 || options->seconds > 0 || options->tokens > 0 ||
                              options->batch_tokens > 0))
        return lr_fail(err, LR_EUSAGE,
                       "plan init: --lr, --seconds, --tokens and --batch-tokens are for --command");
    if (options->command && (line->operand_count > 1 || options->params > 0))
        return lr_fail(err, LR_EUSAGE,
                       "plan init: --command trains its own model on its own data; leave %s out",
                       options->params > 0 ? "--params" : "the texts");
    return 0;
}

/* Not OPTION_TEXT: a command line may have several lines. */
static int read_line(void *member, const char *value, struct lr_error *err)
{
    (void)err;
    *(const char **)member = value;
    return 0;
}

static const struct option_row rows[] = {
    {"out", "PATH", "the plan, by default " DEFAULT_PLAN, .letter = 'o',
     OPTION_AT(plan_options, out), .type = OPTION_TEXT, .wanted = "a name", .values = "@file"},
    {"time", "TIME", "time of the campaign on this machine; default 10m",
     OPTION_AT(plan_options, time_s), .type = OPTION_DURATION, .low = 1, .high = TIME_MAX_S,
     .wanted = "a time such as 10m, from 1s to 30d"},
    {"target-tokens", "D", "of the long training", OPTION_AT(plan_options, target_tokens),
     OPTION_TOKENS},
    {"params", "N", "of the long training's model, such as 7B", OPTION_AT(plan_options, params),
     .type = OPTION_U64, .wanted = "a whole count such as 7B"},
    {"command", "LINE", "for a program of yours: runs it once and proposes a plan; {lr} in it",
     OPTION_AT(plan_options, command), .type = OPTION_READ, .read = read_line},
    {"lr", "X", "--command: learning rate of that run, in the middle of the plan's; default 3e-4",
     OPTION_AT(plan_options, lr), .type = OPTION_NUMBER, .high = 100,
     .wanted = "a number above 0 such as 3e-4"},
    {"seconds", "S", "--command: ends the run after that time; default 60",
     OPTION_AT(plan_options, seconds), .type = OPTION_NUMBER, .high = 86400,
     .wanted = "a number of seconds such as 60"},
    {"tokens", "D", "--command: length of the run; default: so long that it goes on to the end",
     OPTION_AT(plan_options, tokens), OPTION_TOKENS},
    {"batch-tokens", "B", "--command: tokens of a step, when it does not print them",
     OPTION_AT(plan_options, batch_tokens), .type = OPTION_U64, .low = 1, .high = 1 << 30,
     .wanted = "a whole count from 1 to 1Gi"},
    OPTION_ROW_JSON(plan_options),
};

const struct command cmd_plan = {
    .name = "plan",
    .operand = "init [TEXT...]",
    .help = "write a commented plan for this text and machine, or for a program of yours",
    .operand_help = "text files, .gz and .dz too, or patterns in quotes",
    .examples = "lrsearch plan init 'corpus/*.txt.gz' -o my.yaml --target-tokens 1B\n"
                "lrsearch plan init --command 'python train.py --lr {lr} --max_steps {steps}'",
    .kind = OPERAND_WORD,
    .least_most = {0, SIZE_MAX},
    COMMAND_ROWS(rows),
    .options = &(struct plan_options){.out = DEFAULT_PLAN, .time_s = DEFAULT_TIME_S},
    .check = check_options,
    .run = run,
};
