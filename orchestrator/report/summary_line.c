#include "report/summary_line.h"

#include <math.h>
#include <stdio.h>
#include "lrsearch/error.h"
#include "lrsearch/memory.h"
#include "store/json_value.h"

static json_t *moved_json(const struct answer *answer, bool *ok)
{
    const struct baseline_answer *baseline = answer ? &answer->baseline : NULL;
    if (!baseline || !baseline->wanted || baseline->reason[0])
        return json_null();
    json_t *object = json_object();
    json_put(object, "lr", json_of_double(baseline->drift.lr_ratio), ok);
    json_put(object, "loss", json_of_double(baseline->drift.loss_difference), ok);
    json_put(object, "beyond", json_boolean(answer_drifted(answer)), ok);
    return object;
}

void summary_line_print(const char *name, const char *run_dir, const struct answer *answer,
                        int exit_status)
{
    static const double unknown[2] = {NAN, NAN};
    const struct target_answer *target = answer ? &answer->target : NULL;
    const char *status = answer ? answer_status_name(answer->status)
                         : exit_status == LR_EXIT_INTERRUPTED
                             ? answer_status_name(ANSWER_INTERRUPTED)
                             : "failed";
    bool ok = true;
    json_use_lr_memory();
    json_t *line = json_object();
    json_put(line, "name", json_of_text(name), &ok);
    json_put(line, "status", json_string(status), &ok);
    json_put(line, "exit", json_integer(exit_status), &ok);
    json_put(line, "lr", json_of_double(target ? target->lr : NAN), &ok);
    json_put(line, "ci90", json_of_interval(target ? target->ci90 : unknown), &ok);
    json_put(line, "target_tokens", target ? json_of_count(target->tokens) : json_null(), &ok);
    json_put(line, "drift", moved_json(answer, &ok), &ok);
    json_put(line, "run_dir", json_of_text(run_dir), &ok);
    char *text = json_to_line(line, ok);
    if (text)
        fprintf(stderr, "lrsearch: summary %s\n", text);
    lr_free(text);
}
