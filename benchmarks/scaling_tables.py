"""What was measured and what is predicted, as text and as tables in Markdown."""
import math

from scaling_model import PIECES, SPREAD, evaluations

LABELS = {"simulate": "simulate", "train": "training: 8 steps, 4 surveys scored", "read": "read", "bin": "bin",
          "kaiser-squires": "Kaiser-Squires", "wiener": "Wiener mean", "draws": "two draws", "deepmass": "DeepMass",
          "posterior": "a chain of 2 samples, with its beginning", "write": "write"}
PREDICTED = ("binning, Kaiser-Squires, Wiener mean, two draws, DeepMass and a chain of 2 samples after a burn-in of 2; not "
             "simulation, reading, writing, training")


def tell_times(what, seconds, memory=None):
    words = [f"{stage} {value:.2f} s" for stage, value in seconds.items()] + ([f"{memory / 1e9:.2f} GB a rank"] if memory else [])
    print(f"{what}:", ", ".join(words), flush=True)


def digits(value, wanted=3):
    """Not as a power of ten."""
    if value == 0:
        return "0"
    places = max(0, wanted - 1 - math.floor(math.log10(abs(value))))
    return f"{round(value, wanted - 1 - math.floor(math.log10(abs(value)))):,.{places}f}"


def tell_parts(prediction):
    for part in prediction["parts"]:
        of = f", its {part['limit']}" if part["stage"] in ("deepmass", "posterior") else ""
        sent = f", bytes to the {part['bytes_power']:.2f}" if part["limit"] == "transform" else ""
        marked = "" if part["follows_first"] else "; two ranks faster than one crowded rank allows"
        print(f"  {part['stage']}{of}: work {digits(part['work'])} s, whole {digits(part['whole'])} s, exchange of 2 ranks "
              f"{digits(part['exchange'])} s; grows to the {part['power']:.2f}{sent}{marked}")


def tell_target(prediction):
    target = prediction["target"]
    rate = "takes no time" if prediction["rate"] is None else f"at {prediction['rate'] / 1e9:.1f} GB/s"
    blocks = f", small blocks of rings cost 1 + {prediction['blocks']:.1f} / pairs" if target["nside"] else ""
    print(f"{target['name']}, predicted, not measured: {target['pixels']:,} pixels, {target['galaxies'] / 1e6:.0f} million "
          f"galaxies, {target['tiles']} tiles; exchange between these cores {rate}{blocks}")


def tell_row(row):
    pieces = " + ".join(f"{piece} {row[piece]:.2f}" for piece in PIECES)
    asked = f" ({row['memory_asked'] / 1e9:.2f} asked)" if "memory_asked" in row else ""
    low, high = row["spread"]
    print(f"  {row['ranks']:5d} ranks: {row['seconds']:8.2f} s ({low:.2f} to {high:.2f}) = {pieces}; "
          f"efficiency {row['efficiency']:.3f}, limited by {row['limit']}, slowest {row['slowest']}; usual chain {row['usual_chain']:.0f} s; {row['memory'] / 1e9:.2f} GB a "
          f"rank{asked}")


def tell(result):
    print(f"Predicted are {PREDICTED}.")
    print("What was made is compared with one rank, but for the chains of the larger surveys, which are compared with nothing.")
    for prediction in result["prediction"].values():
        tell_target(prediction)
        tell_parts(prediction)
        for table in prediction["tables"]:
            print(f"  {prediction['latency'] * 1e6:g} microseconds a message, {table['bandwidth'] / 1e9:g} GB/s a rank:")
            for row in table["rows"]:
                tell_row(row)


def line(words):
    print("|", " | ".join(map(str, words)), "|")


def head(words):
    line(words)
    columns = " | ".join(map(str, words)).count("|") + 1
    print("|" + "---|" * columns)


def write_measured(result):
    """Times; in brackets, of one rank on every core."""
    head(["seconds"] + [f"{sky['strong']['1']['survey']}: 1 rank | 2 ranks | {sky['larger']['survey']}, 2 ranks"
                        for sky in result["skies"].values()])
    surveys = [sky["surveys"] for sky in result["skies"].values()]
    roles = ("timed", "", "larger")
    line(["million galaxies"] + [digits(survey[role]["galaxies"] / 1e6) if role else "" for survey in surveys for role in roles])
    for stage, label in LABELS.items():
        words = []
        for sky in result["skies"].values():
            one, two, more = (run["seconds"].get(stage) for run in (sky["strong"]["1"], sky["strong"]["2"], sky["larger"]))
            words += [f"{digits(one)} ({digits(sky['crowded']['seconds'][stage])})" if one else "", digits(two) if two else "",
                      digits(more) if more else ""]
        if any(words):
            line([label] + words)
    memory = [digits(run["memory"] / 1e9) for sky in result["skies"].values()
              for run in (sky["strong"]["1"], sky["strong"]["2"], sky["larger"])]
    line(["GB a rank"] + memory)


def write_counts(result):
    head(["ranks"] + list(next(iter(result["skies"].values()))["counts"]))
    for sky in result["skies"].values():
        sums = {kind: [[sum(entry[kind][i] for stage, entry in run["sent"].items() if stage != "train") for i in (0, 1)]
                       for run in sky["counts"].values()] for kind in ("bytes", "messages")}
        line([f"{sky['surveys']['counted']['name']}: MB"] + [digits(busiest / 1e6) for busiest, _ in sums["bytes"]])
        line(["messages"] + [f"{busiest:,.0f}" for busiest, _ in sums["messages"]])
        line(["bytes over the mean rank's"] + [f"{busiest / mean:.2f}" if mean else "" for busiest, mean in sums["bytes"]])


def write_prediction(result):
    first = next(iter(result["prediction"].values()))["tables"][0]["rows"]
    head(["ranks"] + [row["ranks"] for row in first])
    for prediction in result["prediction"].values():
        for table in prediction["tables"]:
            rows = table["rows"]
            name = f"{prediction['target']['name']}, {table['bandwidth'] / 1e9:g} GB/s a rank: s"
            line([name] + [digits(r["seconds"]) for r in rows])
            line([f"if two ranks took {100 * SPREAD:.0f} % less or more"] + [" to ".join(map(digits, r["spread"])) for r in rows])
            line(["parallel efficiency"] + [digits(r["efficiency"], 2) for r in rows])
            line(["most of it"] + [r["limit"] for r in rows])
            line(["slowest stage"] + [r["slowest"] for r in rows])
            line(["a chain as usual: s"] + [digits(r["usual_chain"]) for r in rows])
        line(["GB a rank"] + [digits(r["memory"] / 1e9) for r in rows])


def write_markdown(result):
    print("Measured, seconds; in brackets one rank while every other core does the same on its own:\n")
    write_measured(result)
    print("\nSent by the busiest rank of every stage:\n")
    write_counts(result)
    targets = [prediction["target"] for prediction in result["prediction"].values()]
    galaxies = "; ".join(f"{target['name']}: {target['galaxies'] / 1e6:.0f} million galaxies" for target in targets)
    latency = result["prediction"]["plane"]["latency"]
    print(f"\nPredicted, not measured, at {latency * 1e6:g} microseconds a message: {PREDICTED}. "
          f"{galaxies}. A chain as usual has "
          f"{evaluations(40, 32)} network evaluations, this one {evaluations(2, 2)}.\n")
    write_prediction(result)
