"""Stand-in for a LightningCLI script with Lightning's CSVLogger: main.py fit --key=value...

SAVE_DIR/NAME/version_N/metrics.csv has the union of all keys as its columns, sorted, and most cells
are empty: a row has either the training loss or the validation loss. Rows are written every 100
steps and at the end; when a new key appears the whole file is written again. Counts steps from 0.
"""
import csv
import os
import sys

import surface

options = {"--model.lr": "1e-3", "--trainer.max_steps": "-1", "--trainer.val_check_interval": "100",
           "--trainer.check_val_every_n_epoch": "1",
           "--seed_everything": "0", "--trainer.logger": "TensorBoardLogger",
           "--trainer.logger.save_dir": ".", "--trainer.logger.name": "lightning_logs",
           "--trainer.logger.version": "0", "--data.batch_size": "64", "--data.context": "1024"}
if sys.argv[1:2] != ["fit"]:
    sys.exit("error: expected a subcommand: fit, validate, test")
for word in sys.argv[2:]:
    key, equals, value = word.partition("=")
    if key not in options or not equals:
        sys.exit(f"error: unrecognized arguments: {word}")
    options[key] = value

lr, steps = float(options["--model.lr"]), int(options["--trainer.max_steps"])
tokens = steps * int(options["--data.batch_size"]) * int(options["--data.context"])
folder = os.path.join(options["--trainer.logger.save_dir"], options["--trainer.logger.name"],
                      "version_" + options["--trainer.logger.version"])
if options["--trainer.logger"] == "CSVLogger":
    os.makedirs(folder, exist_ok=True)
path = os.path.join(folder, "metrics.csv")
columns, waiting = [], []


def save():
    """Appends the rows that wait; with new columns the file begins anew."""
    new = sorted(set(columns).union(*waiting))
    if os.path.exists(path) and new != columns:
        with open(path, newline="") as file:
            waiting[:0] = csv.DictReader(file)
    begins = new != columns
    columns[:] = new
    with open(path, "w" if begins else "a", newline="") as file:
        writer = csv.DictWriter(file, columns)
        if begins:
            writer.writeheader()
        writer.writerows(waiting)
    waiting.clear()


def log(step, **what):
    waiting.append({"epoch": 0, "step": step, **what})


for step in range(steps):
    done = (step + 1) / steps
    if (step + 1) % 50 == 0:
        log(step, train_loss=surface.loss(lr, tokens, options["--seed_everything"], done))
    if (step + 1) % int(options["--trainer.val_check_interval"]) == 0:
        log(step, val_loss=surface.loss(lr, tokens, options["--seed_everything"], done))
        print(f"\rEpoch 0: {100 * done:3.0f}%| {step + 1}/{steps} [00:12<00:00, 41.2it/s]", end="")
    if (step + 1) % 100 == 0 and options["--trainer.logger"] == "CSVLogger":
        save()
if options["--trainer.logger"] == "CSVLogger":
    save()
print("\n`Trainer.fit` stopped: `max_steps=%d` reached." % steps)
