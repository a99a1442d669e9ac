"""read_optuna.py JOURNAL CSV_FOLDER OUT: the journal of plans/simulate.yaml has the trials of the CSV
export; writes them anew with Optuna, tokens as the user attribute `budget`."""
import csv
import math
import sys
import warnings

import optuna

warnings.simplefilter("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)


def storage(path):
    return optuna.storages.JournalStorage(optuna.storages.JournalFileStorage(path))


rows = list(csv.DictReader(open(sys.argv[2] + "/trials.csv")))
curves = {}
for point in csv.DictReader(open(sys.argv[2] + "/curves.csv")):
    curves.setdefault(point["trial"], {})[int(point["tokens"])] = float(point["train_loss"])
study = optuna.load_study(study_name="simulate", storage=storage(sys.argv[1]))
assert study.direction == optuna.study.StudyDirection.MINIMIZE
assert len(study.trials) == len(rows) > 5
done = [row for row in rows if row["state"] == "done"]
assert study.best_value == min(float(row["val_loss"]) for row in done)
for trial, row in zip(study.trials, rows):
    assert trial.params["lr"] == float(row["lr"])
    assert trial.params["tokens"] == int(row["horizon_tokens"])
    assert trial.user_attrs["seed"] == int(row["seed"])
    assert trial.user_attrs["state"] == row["state"]
    assert trial.state.name == ("COMPLETE" if row["state"] == "done" else "FAIL")
    if row["state"] == "done":
        assert trial.value == float(row["val_loss"])
    expected = {t: x for t, x in curves.get(row["id"], {}).items() if math.isfinite(x)}
    assert trial.intermediate_values == expected
    trial._validate()
    assert trial.datetime_complete >= trial.datetime_start

again = optuna.create_study(storage=storage(sys.argv[3]), study_name="again")
for row in rows:
    again.enqueue_trial({"lr": float(row["lr"])})
    trial = again.ask({"lr": optuna.distributions.FloatDistribution(1e-6, 10, log=True)})
    trial.set_user_attr("budget", int(row["horizon_tokens"]))
    if row["state"] != "done":
        trial.set_user_attr("outcome", "diverged")
        again.tell(trial, state=optuna.trial.TrialState.FAIL)
    else:
        again.tell(trial, float(row["val_loss"]))
