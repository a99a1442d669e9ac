#ifndef LRSEARCH_OPTIONS_H
#define LRSEARCH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "lrsearch/error.h"

/* The command line. Tables of commands and options (option_table.c) give parsing, --help and the
 * errors. */

#define OPTION_WIDTHS 16
#define OPTION_NAME 64
#define OPTION_VOCAB_MAX 131072

struct command;

enum progress_kind { PROGRESS_AUTO, PROGRESS_PLAIN, PROGRESS_NONE };

struct options {
    const struct command *command;
    const char *operand; /* PLAN, RUN_DIR; of bench: train; NULL: there is none (fit, audit) */
    char **operands;     /* what follows the command; argv's */
    size_t operand_count;
    const char *run_dir; /* NULL: output.dir of the plan */
    bool resume;         /* --resume=auto (the default) */
    double grace_s;      /* --grace */
    const char *fork;    /* --fork: shorter than OPTION_NAME; NULL: not given */
    enum progress_kind progress;
    bool watch;
    bool json;
    int verbosity;                  /* -1 quiet, 0, 1 verbose */
    double lr;                      /* --lr; 0: not given */
    uint64_t tokens;                /* --tokens; 0: not given */
    uint64_t until;                 /* --until; 0: not given */
    const char *save, *init;        /* checkpoints; NULL: not given */
    uint32_t widths[OPTION_WIDTHS]; /* --widths */
    size_t width_count;             /* 0: not given */
    uint32_t steps, seeds;          /* 0: not given */
    const char *plot;               /* NULL: not given */
    const char *size;               /* --size; NULL: not given */
    uint32_t threads;               /* 0: not given */
    uint32_t vocab;                 /* --vocab; 0: not given */
    const char *out;                /* --out; NULL: not given */
    double time_s;                  /* --time; 0: not given */
    const char *format;             /* --format, one that there is; NULL: not given */
    uint32_t ranks;                 /* --ranks; 0: not given */
    uint32_t width, layers, batch;  /* of the model to predict for; 0: not given */
    uint64_t params;                /* --params; 0: not given */
    uint32_t schedule;              /* --schedule, if schedule_given */
    bool schedule_given;
    double cooldown;                        /* --cooldown; 0: not given */
    const char *table, *columns;            /* of fit; NULL: not given */
    uint64_t target_tokens;                 /* --target-tokens; 0: not given */
    const char *prior_beta, *prior_beta_sd; /* as given; NULL: not */
    const char **wheres;                    /* "column=value" of each --where, as sets */
    size_t where_count;
    const char *name;             /* of history; NULL: not given */
    bool rebuild;                 /* --rebuild */
    double lr_factor, loss_limit; /* of compare; 0: not given */
    const char **sets;            /* "key=value" of each --set; the strings are argv's */
    size_t set_count;
    bool help, version;
};

struct command {
    const char *name;
    const char *operand; /* as --help shows it */
    const char *help;
    int (*run)(const struct options *options); /* returns the exit status */
};

/* 0, or LR_EUSAGE with a text that names the option and the mend. Release it in both cases. */
int options_parse(struct options *options, int argc, char **argv, struct lr_error *err);
void options_release(struct options *options);
void options_help(FILE *out);

/* The commands, each in its own file; they print their own errors. */
int command_run(const struct options *options);
int command_check(const struct options *options);
int command_train(const struct options *options);
int command_coord_check(const struct options *options);
int command_bench(const struct options *options);
int command_tokenize(const struct options *options);
int command_fit(const struct options *options);
int command_predict(const struct options *options);
int command_export(const struct options *options);
int command_import(const struct options *options);
int command_status(const struct options *options);
int command_audit(const struct options *options);
int command_history(const struct options *options);
int command_compare(const struct options *options);
int command_report(const struct options *options);
int command_journal(const struct options *options);
int command_plan(const struct options *options);
int command_schema(const struct options *options);
int command_docs(const struct options *options);

#endif
