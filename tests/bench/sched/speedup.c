#include "speedup.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "sched/sched.h"

void speedup_by_model(struct speedup *out, double flops, double latency_s, double bytes_per_s)
{
    out->at[1] = 0;
    out->model =
        (struct width_model){.flops = flops, .latency_s = latency_s, .bytes_per_s = bytes_per_s};
    snprintf(out->text, sizeof(out->text),
             "cost model, %g GFLOP/s a rank, messages of %g us at %g GB/s", flops / 1e9,
             latency_s * 1e6, bytes_per_s / 1e9);
}

void speedup_by_share(struct speedup *out, double share)
{
    for (int ranks = 1; ranks <= GROUP_MOST; ranks++)
        out->at[ranks] = ranks / (1 + share * (ranks - 1));
    snprintf(out->text, sizeof(out->text), "ranks / (1 + %g (ranks - 1)), assumed", share);
}

bool speedup_read(struct speedup *out, const char *path)
{
    char line[200];
    int last = 1, ranks;
    double value;
    FILE *file = fopen(path, "r");
    memset(out->at, 0, sizeof(out->at));
    out->at[1] = 1;
    while (file && fgets(line, sizeof(line), file)) {
        if (line[0] == '#' || line[0] == '\n')
            continue;
        if (sscanf(line, "%d %lf", &ranks, &value) != 2 || ranks < last || ranks > GROUP_MOST ||
            !(value > 0)) {
            fprintf(stderr, "%s: not \"RANKS SPEED-UP\", ranks ascending up to %d: %s", path,
                    GROUP_MOST, line);
            fclose(file);
            return false;
        }
        out->at[ranks] = value;
        for (int between = last + 1; between < ranks; between++) {
            double part = log2((double)between / last) / log2((double)ranks / last);
            double efficiency = (1 - part) * out->at[last] / last + part * value / ranks;
            out->at[between] = between * efficiency;
        }
        last = ranks;
    }
    if (!file || last < GROUP_MOST) {
        fprintf(stderr, "%s: %s\n", path, file ? "ends before 16 ranks" : "cannot be read");
        if (file)
            fclose(file);
        return false;
    }
    fclose(file);
    snprintf(out->text, sizeof(out->text), "%.150s", path);
    return true;
}

double speedup_step_s(const struct speedup *speedup, const struct trial_spec *spec, int ranks,
                      bool spans)
{
    struct sched_cost cost = sched_cost_of(spec, 0);
    struct width_job job = {cost.step_flops, cost.parameters, cost.slices};
    if (speedup->at[1] == 0)
        return width_step_s(&speedup->model, &job, (uint32_t)ranks, spans);
    return width_step_s(&speedup->model, &job, 1, false) / speedup->at[ranks];
}

const char *speedup_text(const struct speedup *speedup)
{
    return speedup->text;
}
