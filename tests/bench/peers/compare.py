"""Runs the program and PyTorch in turns and prints how many times as fast it is, in fp32 as the best
PyTorch in fp32, in bf16 as the best of any precision. A shared machine is faster in one minute than
in the next, so each is set beside the peak measured in its own process along its steps: what is
compared is the share of it, times the median peak of those instructions. Ratios are taken within a
round; printed are their median over the rounds, with the least and the largest."""
import glob
import json
import os
import shutil
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
IN_CHROOT = os.path.join(HERE, "..", "..", "package", "in_chroot.sh")
# by the instructions that the program is measured by: how many times as fast, and the share, on one
# thread
AT_LEAST = {
    "avx2": {"XS": (1.7, 0.66), "S": (1.6, 0.73), "M": (1.35, 0.84), "L": (1.12, 0.86)},
    "avx512": {"XS": (1.7, 0.65), "S": (1.4, 0.72), "M": (1.15, 0.78), "L": (1.05, 0.80)},
    "avx512_bf16": {"XS": (2, None), "S": (2, None), "M": (1.8, None), "L": (1.5, None)},
    "amx_bf16": {"XS": (2, None), "S": (2, None), "M": (1.8, None), "L": (1.5, None)},
}
# what OpenBLAS takes a CPU for that it does not know: its kernels for that use no AVX2
TOO_OLD = ("Prescott", "Core2", "Penryn", "Nehalem", "Sandybridge", "Barcelona", "Bulldozer")
# A variant that is slower than this, beside the best of its precision, runs in the first round
# alone.
WORTH_TURNS = 0.75


def output(command, environment):
    done = subprocess.run(command, env=environment, capture_output=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stderr.decode(errors='replace')[-2000:]}")
    return done.stdout


def core_for_this_cpu():
    with open("/proc/cpuinfo") as file:
        flags = file.read()
    return "SkylakeX" if " avx512f" in flags else "Haswell" if " avx2" in flags else None


class PyTorch:
    """That of this system, or of the Debian 13 in a folder."""

    def __init__(self, root, peak, threads):
        self.root, self.name = root, "Debian 13" if root else "Debian 12"
        self.files, self.threads = [os.path.join(HERE, "pytorch_gpt.py"), peak], threads
        # memory kept rather than given back, in huge pages; torch.compile's own functions need
        # Sleef, which Debian's PyTorch does not pass on to them
        jemalloc, sleef = self.libraries("libjemalloc.so.2"), self.libraries("libsleef.so.3")
        if not jemalloc:
            print(f"{self.name}: without libjemalloc2 PyTorch is slower than it could be")
        self.settings = {
            "OMP_NUM_THREADS": str(threads),
            "OPENBLAS_NUM_THREADS": str(threads),
            "LD_PRELOAD": " ".join(jemalloc + sleef),
            "MALLOC_CONF": "thp:always,dirty_decay_ms:-1,muzzy_decay_ms:-1",
        }
        if root:
            os.makedirs(root + "/root/peers", exist_ok=True)
            self.files = [shutil.copy(path, root + "/root/peers/")[len(root) :] for path in self.files]
        elif "OPENBLAS_CORETYPE" in os.environ:
            self.settings["OPENBLAS_CORETYPE"] = os.environ["OPENBLAS_CORETYPE"]
        self.check_core()

    def libraries(self, name):
        paths = glob.glob(f"{self.root or ''}/usr/lib/*-linux-gnu/{name}")
        return [path[len(self.root or "") :] for path in paths[:1]]

    def run(self, *arguments):
        settings = [f"{name}={value}" for name, value in self.settings.items()]
        script = ["env", *settings, "/usr/bin/python3", self.files[0], *arguments]
        if self.root:
            script = ["sh", IN_CHROOT, self.root] + script
        return json.loads(output(script, os.environ))

    def check_core(self):
        found = self.run("--core")
        better = core_for_this_cpu()
        if found["core"] in TOO_OLD and better:
            print(f"{self.name}: OpenBLAS takes this CPU for a {found['core']}: set OPENBLAS_CORETYPE={better}")
            self.settings["OPENBLAS_CORETYPE"] = better
            found = self.run("--core")
        self.version, core = found["torch"], found["core"]
        print(f"{self.name}: PyTorch {self.version}, " + (f"OpenBLAS for {core}" if core else "no OpenBLAS"))

    def variants(self, precisions):
        names = {"fp32": ("eager", "sdpa", "compiled"), "bf16": ("eager", "sdpa", "compiled")}
        if self.version.split(".")[0] < "2":
            names = {"fp32": ("eager", "traced"), "bf16": ("eager",)}
        return [(precision, variant) for precision in precisions for variant in names[precision]]

    def measure(self, size, precision, variant):
        options = ["--threads", str(self.threads), "--peak", self.files[1]]
        return self.run(size, variant, precision, *options)


def lrsearch(program, size, precision, threads, environment):
    bench = [program, "bench", "train", "--size", size, "--threads", str(threads), "--json"]
    return json.loads(output(bench + ["--precision", precision], environment))["sizes"][0]


def lrsearch_environment(program, threads):
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads))
    bench = [program, "bench", "train", "--size", "XS", "--json"]
    warning = json.loads(output(bench, environment))["openblas_warning"]
    if warning:
        environment["OPENBLAS_CORETYPE"] = core_for_this_cpu()
        print(f"lrsearch: set OPENBLAS_CORETYPE={core_for_this_cpu()}, since {warning}")
    return environment


def spread(values, digits):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} .. {max(values):.{digits}f})"


class Runs:
    """All runs of one size: by name and precision, a list of one result a round (None: not run)."""

    def __init__(self):
        self.results = {}

    def add(self, name, precision, result):
        self.results.setdefault((name, precision), []).append(result)

    def worth_a_turn(self, name, precision):
        rates = {key[0]: runs[0]["share_of_peak"] for key, runs in self.results.items() if key[1] == precision}
        best = max(rates[other] for other in rates if other != "lrsearch")
        return rates[name] > WORTH_TURNS * best

    def rate(self, result):
        """FLOP/s, on a machine that is as fast all the time"""
        kind = result["instructions"]
        runs = [run for all_runs in self.results.values() for run in all_runs if run]
        peak = statistics.median(run["peak_gflops"] for run in runs if run["instructions"] == kind)
        return result["share_of_peak"] * peak

    def times_the_faster(self, precision):
        """than the best in fp32, or than the best of all"""
        ratios = []
        for turn, ours in enumerate(self.results["lrsearch", precision]):
            peers = [runs[turn] for (name, p), runs in self.results.items()
                     if name != "lrsearch" and runs[turn] and (precision == "bf16" or p == "fp32")]
            ratios.append(self.rate(ours) / max(self.rate(peer) for peer in peers))
        return ratios

    def line(self, size, name, precision, threads):
        runs = [run for run in self.results[name, precision] if run]
        tokens = statistics.median(run["tokens_per_s"] for run in runs)
        shares = spread([run["share_of_peak"] for run in runs], 2)
        text = f"{size:3} {precision} {name:32} {tokens:8.0f}  {shares} of {runs[0]['instructions']}"
        if name == "lrsearch":
            times, share = AT_LEAST.get(runs[0]["instructions"], {}).get(size, (None, None))
            text += f"  {spread(self.times_the_faster(precision), 2)} times"
            if times and threads == 1:
                text += f" (at least {times}" + (f", {share})" if share else ")")
        return text


def main():
    program, peak, threads, rounds, root, precisions, *sizes = sys.argv[1:]
    threads, rounds, precisions = int(threads), int(rounds), precisions.split()
    peers = [PyTorch(folder, peak, threads) for folder in ([None, root] if root else [None])]
    environment = lrsearch_environment(program, threads)
    print(f"{threads} thread{'s' * (threads > 1)}, {rounds} rounds; medians (least .. largest)")
    print("size, precision, who, tokens/s, share of the peak; fp32: times as fast as the best PyTorch in fp32,")
    print("bf16: as the best of any precision")
    for size in sizes:
        runs = Runs()
        for turn in range(rounds):
            print(f"{size}: round {turn + 1} of {rounds}", file=sys.stderr)
            for precision in precisions:
                runs.add("lrsearch", precision, lrsearch(program, size, precision, threads, environment))
            for peer in peers:
                for precision, variant in peer.variants(precisions):
                    name = f"PyTorch {peer.version} {variant}"
                    turns = turn == 0 or runs.worth_a_turn(name, precision)
                    runs.add(name, precision, peer.measure(size, precision, variant) if turns else None)
        for name, precision in runs.results:
            print(runs.line(size, name, precision, threads), flush=True)


main()
