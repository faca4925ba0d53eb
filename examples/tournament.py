"""A tournament: candidates that compete in replicas, all spawned or none, the champion pinned, the record kept.

Run it where a pool is served (`spica up`):

    python3 examples/tournament.py
"""

import json
import subprocess
import sys

from spica_spawn import submit_tournament

CANDIDATES = [{"TEMPERATURE": 0.2}, {"TEMPERATURE": 0.7}, {"TEMPERATURE": 1.1}]

# What is run in each instance, once for each replica; the seed is the replica's own, so a tournament can be repeated.
QUIZ = """
import json, random, sys
temperature = json.load(open("manifest.json"))["params"]["TEMPERATURE"]
answers = [random.Random(f"{sys.argv[1]}/{n}").gauss(0, temperature) for n in range(200)]
print(json.dumps({"score": sum(abs(answer) < 1 for answer in answers) / 200}))
"""


def evaluate(replica, path):
    seed = f"{replica['epoch']}/{replica['slice']}/{replica['replica']}"
    done = subprocess.run([sys.executable, "-c", QUIZ, seed], cwd=path, capture_output=True, text=True)
    if done.returncode != 0:
        return {"status": "fail", "error": done.stderr[-500:]}
    return {"status": "pass", "metrics": json.loads(done.stdout)}


def main():
    record = submit_tournament(
        "quiz.v1",
        CANDIDATES,
        qtime={"epochs": 1, "slices_per_epoch": 2, "replicas_per_slice": 2},
        evaluate=evaluate,
        max_workers=4,
        notes="examples/tournament.py",
    )
    for place, (instance, score) in enumerate(sorted(record["scores"].items(), key=lambda each: -each[1]), start=1):
        candidate = CANDIDATES[record["instances"].index(instance)]
        print(f"{place}. {instance} {json.dumps(candidate)}: {score:.3f}")
    print(json.dumps({"champion": record["champion"], "plan": record["replica_plan_hash"], "record": record["id"]}))


if __name__ == "__main__":
    main()
