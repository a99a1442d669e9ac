"""Runs of lrsearch as Optuna studies, and Optuna studies as tables for lrsearch.

    python3 optuna_bridge.py export RUN_DIR STORAGE              a finished run becomes a study
    python3 optuna_bridge.py import STORAGE STUDY -o TABLE.csv   a study becomes a table of losses,
                                                                 for lrsearch import csv

STORAGE is a URL of Optuna's (sqlite:///study.db) or the path of a journal file. Needs Optuna 3.1 or
later (Debian: python3-optuna).

export reads trials.csv, curves/, plan.resolved.json, result.json and provenance.json. The study has
the run's name and is minimized. Parameters are lr, tokens (the horizon) and whatever else differs
between trials; compare losses at one value of tokens only. A diverged or failed trial is FAIL, and
its user attribute `outcome` says which. Curves are the intermediate values. Times are the start of
the program and what each trial took; the run records no others.

import writes a row a trial: number, loss, then parameters and user attributes by their names. A
FAIL trial whose user attribute `outcome` is diverged gets an empty loss; other trials without a
value are left out. Of several objectives the first counts.

Exit status: 0; 2 usage; 65 the input is wrong; 69 Optuna is missing; 73 the output is there already
or cannot be created; 74 it cannot be written.
"""
import argparse
import csv
import datetime
import json
import math
import os
import shutil
import sys
import tempfile
import warnings

USAGE, BAD_INPUT, NO_OPTUNA, NOT_CREATED, NOT_WRITTEN = 2, 65, 69, 73, 74

PARAMETRIZATIONS = ["sp", "mup", "lvp"]
# Parameter: (column of trials.csv, kind). lr and tokens are always exported, others if they differ.
PARAMS = {
    "lr": ("lr", "log"),
    "tokens": ("horizon_tokens", "log count"),
    "embedding_lr_ratio": ("embedding_lr_ratio", "log"),
    "output_lr_ratio": ("output_lr_ratio", "log"),
    "vector_lr_ratio": ("vector_lr_ratio", "log"),
    "weight_decay": ("weight_decay", "log"),
    "d_model": ("d_model", "count"),
    "n_layers": ("n_layers", "count"),
    "vocab": ("vocab", "count"),
    "batch_tokens": ("batch_tokens", "count"),
    "parametrization": ("parametrization", "choice"),
}
COUNTS = ["id", "round", "replicate", "attempt", "cell", "seed", "d_model", "n_layers", "vocab",
          "batch_tokens"]
TEXTS = ["state", "purpose", "outcome", "message", "parametrization", "schedule",
         "optimizer"]
NUMBERS = ["val_loss_se", "val_bits_per_byte", "train_loss", "seconds", "flops"]
LATER = {"vector_lr_ratio": "1", "optimizer": "adamw"}  # not in runs of earlier versions
STATES = {"pending": "WAITING", "lost": "WAITING", "running": "RUNNING", "done": "COMPLETE",
          "diverged": "FAIL", "failed": "FAIL"}


class BridgeError(Exception):
    """A message for the user and the exit status that goes with it."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


def one_line(text):
    """Without anything that a terminal obeys."""
    return "".join(c if c.isprintable() else "?" for c in str(text))


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(USAGE, one_line(f"optuna_bridge.py: {message}; see --help") + "\n")


def first_line(error):
    text = (str(error).strip() or type(error).__name__).splitlines()[0]
    return f"{type(error).__name__}: {text}"


def load_optuna():
    warnings.simplefilter("ignore")  # JournalStorage is experimental in Optuna 3.1
    try:
        import optuna
    except ImportError:
        raise BridgeError(NO_OPTUNA, "Optuna is missing; install python3-optuna (Debian) or "
                                     "optuna (pip)") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def open_journal(optuna, path):
    try:  # Optuna 4
        from optuna.storages.journal import JournalFileBackend as Backend
    except ImportError:
        from optuna.storages import JournalFileStorage as Backend
    return optuna.storages.JournalStorage(Backend(path))


# ---- export ----


def read_text(run_dir, name):
    path = os.path.join(run_dir, name)
    if not os.path.isfile(path):  # reading a pipe may never end
        raise BridgeError(BAD_INPUT, f"{path}: no such file; name the directory of a finished run")
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise BridgeError(BAD_INPUT, f"{path}: {first_line(error)}") from None


def read_json(run_dir, name):
    text = read_text(run_dir, name)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BridgeError(BAD_INPUT, f"{run_dir}/{name}: {first_line(error)}") from None
    if not isinstance(value, dict):
        raise BridgeError(BAD_INPUT, f"{run_dir}/{name}: is no JSON object")
    return value


def read_table(run_dir, name, columns):
    try:
        reader = csv.DictReader(read_text(run_dir, name).splitlines(keepends=True), strict=True)
        rows = list(reader)
    except csv.Error as error:
        raise BridgeError(BAD_INPUT, f"{run_dir}/{name}: {first_line(error)}") from None
    for column in columns:
        if column not in (reader.fieldnames or []) and column not in LATER:
            raise BridgeError(BAD_INPUT, f"{run_dir}/{name}: has no column {column}")
    for number, row in enumerate(rows, 1):
        if None in row or None in row.values():
            raise BridgeError(BAD_INPUT, f"{run_dir}/{name}: row {number} does not have as many "
                                         "cells as the header")
    return [{**LATER, **row} for row in rows]


def number_of(row, column, kind):
    try:
        value = kind(row[column])
    except ValueError:
        raise BridgeError(BAD_INPUT, f"trials.csv: trial {row['id']}: {column} is no number: "
                                     f"{row[column]!r}") from None
    if not -sys.float_info.max <= value <= sys.float_info.max:  # rejects NaN too
        raise BridgeError(BAD_INPUT, f"trials.csv: trial {row['id']}: {column} is {row[column]}")
    return value


def param_of(row, name):
    column, kind = PARAMS[name]
    if kind == "choice":
        return row[column]
    return number_of(row, column, int if "count" in kind else float)


def distributions_of(optuna, rows, lr_range):
    """Bounds are those of the trials; of lr also those of the plan."""
    distributions = {}
    for name, (column, kind) in PARAMS.items():
        if name not in ("lr", "tokens") and len({row[column] for row in rows}) < 2:
            continue
        if kind == "choice":
            distributions[name] = optuna.distributions.CategoricalDistribution(PARAMETRIZATIONS)
            continue
        values = [param_of(row, name) for row in rows] + (lr_range if name == "lr" else [])
        make = (optuna.distributions.IntDistribution if "count" in kind
                else optuna.distributions.FloatDistribution)
        distributions[name] = make(min(values), max(values), log="log" in kind)
    return distributions


def attributes_of(row):
    attributes = {name: row[name] for name in TEXTS if row[name]}
    attributes.update((name, number_of(row, name, int)) for name in COUNTS)
    for name in NUMBERS:
        if row[name] not in ("", "nan", "inf", "-inf"):
            attributes[name] = number_of(row, name, float)
    return attributes


def curve_of(run_dir, row):
    name = f"curves/trial-{number_of(row, 'id', int):04}.csv"
    if not os.path.lexists(os.path.join(run_dir, name)):
        return {}
    try:
        points = {int(point["tokens"]): float(point["train_loss"])
                  for point in read_table(run_dir, name, ["tokens", "train_loss"])}
    except ValueError as error:
        raise BridgeError(BAD_INPUT, f"{run_dir}/{name}: {first_line(error)}") from None
    return {tokens: loss for tokens, loss in points.items() if math.isfinite(loss)}


def start_of(run_dir):
    """When the program was started last, in local time as Optuna keeps it."""
    try:
        text = read_json(run_dir, "provenance.json")["starts"][-1]["started_utc"]
        utc = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")
    except (KeyError, IndexError, TypeError, ValueError):
        raise BridgeError(BAD_INPUT, f"{run_dir}/provenance.json: does not tell when the run was "
                                     "started") from None
    return utc.replace(tzinfo=datetime.timezone.utc).astimezone().replace(tzinfo=None)


def trial_of(optuna, run_dir, row, distributions, started):
    if row["state"] not in STATES:
        raise BridgeError(BAD_INPUT, f"trials.csv: trial {row['id']}: unknown state "
                                     f"{row['state']!r}")
    state = optuna.trial.TrialState[STATES[row["state"]]]
    try:
        trial = optuna.trial.create_trial(
            state=state,
            value=number_of(row, "val_loss", float) if row["state"] == "done" else None,
            params={name: param_of(row, name) for name in distributions},
            distributions=distributions,
            user_attrs=attributes_of(row),
            intermediate_values=curve_of(run_dir, row))
    except ValueError as error:
        raise BridgeError(BAD_INPUT, f"trials.csv: trial {row['id']}: {first_line(error)}") \
            from None
    if state != optuna.trial.TrialState.WAITING:
        trial.datetime_start = started
    if state.is_finished():
        seconds = max(0.0, number_of(row, "seconds", float))
        try:
            trial.datetime_complete = started + datetime.timedelta(seconds=seconds)
        except OverflowError:
            raise BridgeError(BAD_INPUT, f"trials.csv: trial {row['id']}: seconds is "
                                         f"{row['seconds']}") from None
    return trial


def run_attributes(result):
    """What result.json says of the target and the law, under flat names."""
    attributes = {"status": result.get("status"), "reason": result.get("reason"),
                  "warnings": result.get("warnings")}
    for section in ("target", "law", "cost"):
        values = result.get(section)
        for name, value in (values if isinstance(values, dict) else {}).items():
            name = f"target_{name}" if section == "target" and name == "tokens" else name
            name = f"trained_{name}" if section == "cost" and name == "tokens" else name
            if isinstance(value, (int, float, str)):
                attributes[name] = value
            elif name.endswith("ci90") and isinstance(value, list) and len(value) == 2:
                attributes[name + "_low"], attributes[name + "_high"] = value
    return attributes


def add_study(optuna, storage, name, trials, attributes):
    study = optuna.create_study(storage=storage, study_name=name, direction="minimize")
    try:
        for key, value in attributes.items():
            study.set_user_attr(key, value)
        for trial in trials:
            study.add_trial(trial)
    except BaseException:
        optuna.delete_study(study_name=name, storage=storage)
        raise


def write_journal(optuna, path, name, trials, attributes):
    """Made in a folder of its own beside `path` and renamed: whole or not at all."""
    if os.path.lexists(path):
        raise BridgeError(NOT_CREATED, f"{path}: is there already; name another, or remove it")
    try:
        with tempfile.TemporaryDirectory(prefix=".optuna-", dir=os.path.dirname(path) or ".") as \
                folder:
            made = os.path.join(folder, "journal")
            add_study(optuna, open_journal(optuna, made), name, trials, attributes)
            os.rename(made, path)
    except OSError as error:
        full = error.errno in (28, 5, 122)  # ENOSPC, EIO, EDQUOT
        raise BridgeError(NOT_WRITTEN if full else NOT_CREATED,
                          f"{path}: {error.strerror or error}") from None


def command_export(optuna, arguments):
    run_dir, storage = arguments.run_dir, arguments.storage
    columns = {column for column, _ in PARAMS.values()} | {*COUNTS, *TEXTS, *NUMBERS, "val_loss"}
    rows = read_table(run_dir, "trials.csv", sorted(columns))
    if not rows:
        raise BridgeError(BAD_INPUT, f"{run_dir}/trials.csv: has no trials")
    result = read_json(run_dir, "result.json")
    search = read_json(run_dir, "plan.resolved.json").get("search")
    lr_range = search.get("lr") if isinstance(search, dict) else None
    if not isinstance(lr_range, list) or \
            not all(isinstance(lr, float) and math.isfinite(lr) for lr in lr_range):
        raise BridgeError(BAD_INPUT, f"{run_dir}/plan.resolved.json: has no search.lr")
    name = result.get("name")
    if not isinstance(name, str) or not name:
        raise BridgeError(BAD_INPUT, f"{run_dir}/result.json: has no name")
    try:
        distributions = distributions_of(optuna, rows, lr_range)
    except ValueError as error:
        raise BridgeError(BAD_INPUT, f"{run_dir}: {first_line(error)}") from None
    started = start_of(run_dir)
    trials = [trial_of(optuna, run_dir, row, distributions, started) for row in rows]
    attributes = run_attributes(result)
    if "://" not in storage:
        write_journal(optuna, storage, name, trials, attributes)
    else:
        try:
            add_study(optuna, storage, name, trials, attributes)
        except optuna.exceptions.DuplicatedStudyError:
            raise BridgeError(NOT_CREATED, f"{storage}: has a study {name} already; delete it, or "
                                           "name another storage") from None
        except Exception as error:  # any exception of the database driver
            raise BridgeError(NOT_CREATED, f"{storage}: {first_line(error)}") from None
    return f"{storage}: {len(trials)} trials as study {name}"


# ---- import ----


def check_there(path):
    """Optuna makes a storage that is missing; a mistyped name must not become an empty one."""
    if not os.path.exists(path):
        raise BridgeError(BAD_INPUT, f"{path}: No such file or directory")
    if not os.path.isfile(path):
        raise BridgeError(BAD_INPUT, f"{path}: is no regular file")


def check_journal(path):
    """Optuna overlooks a last line that is no JSON, and so any file of one line."""
    with open(path, "rb") as file:
        line = file.readline(1 << 20)
    if line.startswith(b"SQLite format 3"):
        raise BridgeError(BAD_INPUT, f"{path}: is an SQLite database; name it sqlite:///{path}")
    if not line.startswith(b'{"op_code":'):
        raise BridgeError(BAD_INPUT, f"{path}: is no journal file of Optuna")


def load_trials(optuna, storage, name):
    names = [summary.study_name for summary in optuna.get_all_study_summaries(storage=storage)]
    if name not in names:
        raise BridgeError(BAD_INPUT, f"there is no study {name}; there are: "
                                     f"{', '.join(names[:20]) or 'none'}")
    study = optuna.load_study(study_name=name, storage=storage)
    if study.directions[0] == optuna.study.StudyDirection.MAXIMIZE:
        raise BridgeError(BAD_INPUT, f"study {name} maximizes its value; a loss is minimized")
    return study.trials


def read_study(optuna, storage, name):
    try:
        if "://" in storage:
            if storage.startswith("sqlite:///"):
                check_there(storage[len("sqlite:///"):])
            return load_trials(optuna, storage, name)
        check_there(storage)
        check_journal(storage)
        with tempfile.TemporaryDirectory() as folder:  # Optuna opens a journal for writing
            copy = shutil.copyfile(storage, os.path.join(folder, "journal"))
            return load_trials(optuna, open_journal(optuna, copy), name)
    except BridgeError as error:
        if str(error).startswith(storage):
            raise
        raise BridgeError(error.status, f"{storage}: {error}") from None
    except Exception as error:  # damage may raise any exception of Optuna or the driver
        raise BridgeError(BAD_INPUT, f"{storage}: is it whole, and a storage of Optuna's? "
                                     f"{first_line(error)}") from None


def table_of(optuna, trials):
    """(columns, rows) of the trials that tell a loss or diverged."""
    told = [trial for trial in trials
            if trial.state == optuna.trial.TrialState.COMPLETE or
            (trial.state == optuna.trial.TrialState.FAIL and
             trial.user_attrs.get("outcome") == "diverged")]
    columns = {"number": None, "loss": None}
    columns.update(dict.fromkeys(sorted({name for trial in told for name in trial.params})))
    columns.update(dict.fromkeys(sorted({name for trial in told for name in trial.user_attrs})))
    rows = []
    for trial in told:
        cells = {**trial.user_attrs, **trial.params, "number": trial.number,
                 "loss": trial.values[0] if trial.values else ""}
        rows.append([cells.get(column, "") for column in columns])
    return list(columns), rows


def command_import(optuna, arguments):
    if os.path.lexists(arguments.out):
        raise BridgeError(NOT_CREATED, f"{arguments.out}: is there already; name another, or "
                                       "remove it")
    columns, rows = table_of(optuna, read_study(optuna, arguments.storage, arguments.study))
    if not rows:
        raise BridgeError(BAD_INPUT, f"{arguments.storage}: study {arguments.study}: no trial has "
                                     "a loss")
    try:
        file = open(arguments.out, "x", encoding="utf-8", newline="")
    except OSError as error:
        raise BridgeError(NOT_CREATED, f"{arguments.out}: {error.strerror}") from None
    try:
        with file:
            csv.writer(file, lineterminator="\n").writerows([columns, *rows])
    except (OSError, UnicodeEncodeError) as error:
        os.unlink(arguments.out)
        raise BridgeError(NOT_WRITTEN, f"{arguments.out}: {first_line(error)}") from None
    return f"{arguments.out}: {len(rows)} trials of study {arguments.study}; read it by: " \
           f"lrsearch import csv {arguments.out}"


def main():
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    export = commands.add_parser("export", help="a finished run becomes a study")
    export.add_argument("run_dir", metavar="RUN_DIR")
    export.add_argument("storage", metavar="STORAGE")
    export.set_defaults(run=command_export)
    load = commands.add_parser("import", help="a study becomes a table of losses")
    load.add_argument("storage", metavar="STORAGE")
    load.add_argument("study", metavar="STUDY")
    load.add_argument("-o", "--out", metavar="TABLE.csv", required=True)
    load.set_defaults(run=command_import)
    arguments = parser.parse_args()
    try:
        said, status = arguments.run(load_optuna(), arguments), 0
    except BridgeError as error:
        said, status = error, error.status
    print(one_line(f"optuna_bridge.py: {said}"), file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
