"""A sweep with Optuna's ask-and-tell: generations of instances, each with the parameters of one trial.

Without Optuna (`pip install optuna`) a random sampler stands in for it. Run it where a pool is served (`spica up`):

    python3 examples/sweep.py --generations 3 --size 4
"""

import argparse
import json
import random
import subprocess
import sys

import spica


class RandomTrial:
    def __init__(self, number, rng):
        self.number, self.params, self._rng = number, {}, rng

    def suggest_float(self, name, low, high, log=False):
        self.params[name] = low * (high / low) ** self._rng.random() if log else self._rng.uniform(low, high)
        return self.params[name]


class RandomStudy:
    """What this sweep needs of an Optuna study."""

    def __init__(self, seed=0):
        self._rng, self._asked, self._told = random.Random(seed), 0, []

    def ask(self):
        self._asked += 1
        return RandomTrial(self._asked - 1, self._rng)

    def tell(self, trial, value):
        self._told.append((value, trial))

    @property
    def best_value(self):
        return max(self._told, key=lambda told: told[0])[0]


def make_study():
    try:
        import optuna
    except ImportError:
        return RandomStudy()
    return optuna.create_study(direction="maximize")


# What is run in each instance: it reads its parameters where Spica has put them, and prints its score as JSON.
TRAIN = """
import json
lr = json.load(open("manifest.json"))["params"]["LR"]
print(json.dumps({"score": 1 - abs(lr - 0.01)}))
"""


def train(path):
    done = subprocess.run([sys.executable, "-c", TRAIN], cwd=path, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["score"]


def sweep(client, study, generations, size):
    best = None
    for generation in range(generations):
        trials = [study.ask() for _ in range(size)]
        params = [{"LR": trial.suggest_float("LR", 1e-4, 1e-1, log=True)} for trial in trials]
        request = client.spawn(
            count=size,
            params_each=params,
            parent=best and best[1],
            experiment="optuna-sweep",
            labels={"generation": str(generation)},
            lease="10m",
        )
        with request.wait() as batch:  # waits while the gate holds it
            for trial, instance in zip(trials, batch):
                score = train(instance.path)
                instance.score(score)
                study.tell(trial, score)
                best = max(best or (score, instance.id), (score, instance.id))
            for instance in batch:
                if instance.id != best[1]:
                    instance.release(discard=True)  # these may go first
    return best


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--generations", type=int, default=3)
    parser.add_argument("--size", type=int, default=4)
    asked = parser.parse_args()
    study = make_study()
    score, instance = sweep(spica.Client(), study, asked.generations, asked.size)
    print(json.dumps({"best": score, "study": study.best_value, "instance": instance, "sampler": type(study).__name__}))


if __name__ == "__main__":
    main()
