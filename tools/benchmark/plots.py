#!/usr/bin/python3
"""Four plots from run.py's JSON, as SVG, with gnuplot: plots.py JSON DIRECTORY."""

import json
import re
import subprocess
import sys

STYLE = """set terminal svg size 760,420 dynamic noenhanced font "sans-serif,13" background "#ffffff"
set output "{output}"
set format y "%.0f"
set border 3 lc rgb "#555555"
set tics nomirror
set grid ytics lc rgb "#dddddd"
"""
COLOURS = {"ours": "#1b6ca8", "floor": "#7a7a7a", "prometheus-cpp": "#c8553d", "client_golang": "#2a9d8f",
           "client_python": "#e9a23b", "PCP MMV": "#8d6cab"}


def gnuplot(script):
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def label(peer, versions):
    return f"{peer} {versions[peer]}" if peer in versions else peer


def update_cost(data, output):
    """Bars: an update beside the peers, on a logarithmic axis."""
    chosen = [("counter inc", "counter inc, inlined, 64 counters in turns"), ("gauge set", "gauge set"),
              ("observe", "histogram observe, 18 bounds"), ("timer", "timer around an empty scope"),
              ("labels + observe", "labels lookup + observe")]
    rows = {row["what"]: row["figures"] for row in data["rows"] if row["group"] == "update"}
    chosen = [(title, rows[what]) for title, what in chosen if rows.get(what)]
    if not chosen:
        return
    peers = [p for p in ("floor", "ours", "prometheus-cpp", "client_golang") if any(p in f for _, f in chosen)]
    lines = ["$data << END"]
    for title, figures in chosen:
        values = [f"{figures[p]['median']:.3f}" if p in figures else "NaN" for p in peers]
        lines.append(f'"{title}" ' + " ".join(values))
    lines.append("END")
    plots = ", ".join(
        f'$data using {i + 2}{":xtic(1)" if i == 0 else ""} title "{label(p, data["versions"])}" '
        f'lc rgb "{COLOURS[p]}"' for i, p in enumerate(peers))
    gnuplot("\n".join(lines) + "\n" + STYLE.format(output=output) + f"""
set style data histogram
set style histogram clustered gap 1
set style fill solid
set boxwidth 0.9
set logscale y
set yrange [0.3:*]
set format y "%g"
set xlabel "update, one thread, one process; histograms of 18 bounds"
set ylabel "nanoseconds per update (median)"
set key top left reverse Left
plot {plots}
""")


def scrape_time(data, output):
    """Lines: a scrape of the catalogue against the number of processes, both axes logarithmic."""
    points = {}
    for row in (row for row in data["rows"] if row["group"] == "scrape"):
        found = re.fullmatch(r"catalogue, (\d+) process(es)?: read, merge, text", row["what"])
        for key, figure in row["figures"].items() if found else ():
            scale = 1e3 if row["unit"] == "ms" else 1
            points.setdefault(key, []).append((int(found.group(1)), figure["median"] * scale))
    if not points:
        return
    script, plots = [], []
    for key in ("floor", "ours", "client_python", "client_golang", "prometheus-cpp"):
        if key not in points:
            continue
        name = "$" + re.sub(r"\W", "_", key)
        script += [f"{name} << END"] + [f"{x} {y:.2f}" for x, y in sorted(points[key])] + ["END"]
        title = label(key, data["versions"]) + (" (one process)" if len(points[key]) == 1 else "")
        plots.append(f'{name} with linespoints lw 2 lc rgb "{COLOURS[key]}" pt 7 ps 0.7 title "{title}"')
    gnuplot("\n".join(script) + "\n" + STYLE.format(output=output) + f"""
set logscale xy
set xrange [0.8:700]
set xtics (1, 8, 64, 512)
set xlabel "processes that have counted"
set ylabel "microseconds per scrape (median)"
set key top left reverse Left
plot {", ".join(plots)}
""")


def removal_cost(data, output):
    """Lines: removing a series and making it again against the number that was removed before."""
    tables = [table for table in data["growth"] if table["what"] == "series removed"]
    if not tables:
        return
    columns = tables[0]["columns"]
    lines = ["$data << END"]
    for i, size in enumerate(tables[0]["sizes"]):
        lines.append(f"{size} " + " ".join(f"{column['values'][i]:.3f}" for column in columns.values()))
    lines.append("END")
    plots = ", ".join(f'$data using 1:{i + 2} with linespoints lw 2 pt 7 ps 0.7 title "{title.split(", µs")[0]}"'
                      for i, title in enumerate(columns))
    gnuplot("\n".join(lines) + "\n" + STYLE.format(output=output) + f"""
set logscale x
set yrange [0:*]
set xlabel "series removed before"
set ylabel "microseconds to remove one and make it again (median)"
set key outside top
plot {plots}
""")


def growth_of_series(data, output):
    """Lines, in two frames: the time of a scrape, and the memory that it leaves, against series."""
    tables = [table for table in data["growth"] if table["what"] == "many series"]
    if not tables:
        return
    table = tables[0]
    frames = (("ms", "milliseconds per scrape (median)",
               (("ours, steady", "steady scrape", "ours", 1), ("ours, after 1 new", "after 1 new", "ours", 2),
                ("ours, the first", "first scrape", "ours", 3),
                ("prometheus-cpp", "scrape, prometheus-cpp", "prometheus-cpp", 1),
                ("client_golang", "scrape, client_golang", "client_golang", 1))),
              ("MB", "megabytes of memory of its own",
               (("ours", "memory", "ours", 1), ("the text", "text", "floor", 1),
                ("prometheus-cpp", "memory, prometheus-cpp", "prometheus-cpp", 1),
                ("client_golang", "memory, client_golang", "client_golang", 1))))
    script = [STYLE.format(output=output), "set multiplot layout 1,2", "set logscale xy",
              'set xlabel "series"', "set format x \"%.0s%c\"", 'set format y "%g"',
              "set key below left reverse Left maxcols 2",
              f"set xrange [{0.8 * table['sizes'][0]}:{1.3 * table['sizes'][-1]}]"]
    for unit, title, lines in frames:
        plots = []
        for name, column, colour, dash in lines:
            values = table["columns"][f"{column}, {unit}"]["values"]
            points = [(size, value) for size, value in zip(table["sizes"], values) if value]
            if not points:
                continue
            block = "$" + re.sub(r"\W", "_", f"{unit}_{column}")
            script += [f"{block} << END"] + [f"{size} {value:.4f}" for size, value in points] + ["END"]
            plots.append(f'{block} with linespoints lw 2 dt {dash} pt 7 ps 0.6 lc rgb "{COLOURS[colour]}" '
                         f'title "{label(name, data["versions"])}"')
        if plots:
            script += [f'set ylabel "{title}"', "plot " + ", ".join(plots)]
    gnuplot("\n".join(script) + "\nunset multiplot\n")


def main():
    source, directory = sys.argv[1:]
    with open(source, encoding="utf-8") as file:
        data = json.load(file)
    update_cost(data, f"{directory}/update_cost.svg")
    scrape_time(data, f"{directory}/scrape_time.svg")
    removal_cost(data, f"{directory}/removal_cost.svg")
    growth_of_series(data, f"{directory}/growth.svg")


if __name__ == "__main__":
    main()
