"""Stand-in for a script with Hugging Face's Trainer, such as transformers' run_clm.py.

Options unknown to it end it with status 2. It prints a dict a log, whose numbers are text of four
digits, and writes OUTPUT_DIR/checkpoint-N/trainer_state.json with each checkpoint and
OUTPUT_DIR/trainer_state.json at the end. A training loss that is not finite is not logged
(logging_nan_inf_filter), an evaluation's is.
"""
import argparse
import json
import math
import os

import surface

parser = argparse.ArgumentParser()
parser.add_argument("--output_dir", required=True)
parser.add_argument("--learning_rate", type=float, default=5e-5)
parser.add_argument("--max_steps", type=int, default=-1)
parser.add_argument("--per_device_train_batch_size", type=int, default=8)
parser.add_argument("--gradient_accumulation_steps", type=int, default=1)
parser.add_argument("--block_size", type=int, default=1024)
parser.add_argument("--seed", type=int, default=42)
parser.add_argument("--do_train", action="store_true")
parser.add_argument("--do_eval", action="store_true")
parser.add_argument("--eval_strategy", choices=["no", "steps", "epoch"], default="no")
parser.add_argument("--save_strategy", choices=["no", "steps", "epoch", "best"], default="steps")
for name in "eval_steps", "save_steps", "logging_steps": # below 1: a share of max_steps
    parser.add_argument("--" + name, type=float, default=500)
for name in ("model_type", "config_overrides", "tokenizer_name", "dataset_name",
             "dataset_config_name", "lr_scheduler_type", "warmup_ratio", "weight_decay", "report_to",
             "run_name"):
    parser.add_argument("--" + name)
for name in "bf16", "overwrite_output_dir", "disable_tqdm":
    parser.add_argument("--" + name, action="store_true")
args = parser.parse_args()

steps = args.max_steps
tokens = (steps * args.per_device_train_batch_size * args.gradient_accumulation_steps
          * args.block_size)
history = []


def every(interval):
    return max(1, math.ceil(steps * interval) if interval < 1 else int(interval))


def log(step, **what):
    history.append({"epoch": step / steps, **what, "step": step})
    shown = {**what, "epoch": step / steps}
    print({key: f"{value:.4g}" if isinstance(value, float) else value
           for key, value in shown.items()})


def save_state(folder):
    os.makedirs(folder, exist_ok=True)
    state = {"epoch": history[-1]["epoch"] if history else 0, "global_step": step,
             "is_world_process_zero": True, "log_history": history, "max_steps": steps,
             "num_input_tokens_seen": 0, "trial_name": None}
    with open(os.path.join(folder, "trainer_state.json"), "w") as file:
        file.write(json.dumps(state, indent=2, sort_keys=True) + "\n")


for step in range(1, steps + 1):
    loss = surface.loss(args.learning_rate, tokens, args.seed, step / steps)
    if step % every(args.logging_steps) == 0:
        log(step, loss=0.0 if math.isnan(loss) else loss, grad_norm=1.25,
            learning_rate=args.learning_rate * (1 - step / steps))
    if args.eval_strategy == "steps" and step % every(args.eval_steps) == 0:
        log(step, eval_loss=loss, eval_runtime=1.5, eval_samples_per_second=300.0,
            eval_steps_per_second=40.0)
    if args.save_strategy == "steps" and step % every(args.save_steps) == 0:
        save_state(os.path.join(args.output_dir, f"checkpoint-{step}"))
log(steps, total_flos=1.5e15, train_loss=loss, train_runtime=100.0, train_samples_per_second=250.0,
    train_steps_per_second=4.0)
save_state(args.output_dir)
if args.do_eval:
    print("***** eval metrics *****")
    print(f"  eval_loss                   = {loss:10.4f}")
