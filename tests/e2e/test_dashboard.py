"""The dashboard, in a real Chromium."""
import os

import pytest

import browser as web
from tls_files import Files, bcrypt
from workers import BUILD, until

pytestmark = pytest.mark.skipif(not (web.DRIVER and web.CHROMIUM), reason="chromium and chromium-driver are missing")

LIVE = "return document.getElementById('state').className === 'good'"
# Interactive elements that are seen and can be used, each by what it is called.
REACHABLE = """
const name = (e) => e.id || e.getAttribute('aria-label') || e.textContent.trim();
return [...document.querySelectorAll('a[href], button, input, select, summary, [tabindex="0"]')]
  .filter((e) => !e.disabled && e.checkVisibility()).map(name);
"""
FOCUSED = """
const e = document.activeElement;
return e === document.body ? '' : e.id || e.getAttribute('aria-label') || e.textContent.trim();
"""
# The row of a table that has that text in a column, as {column's title: text}, with `titles` of
# its cells.
ROW = """
const [table, text, column] = arguments;
const heads = [...document.querySelectorAll(`#${table} thead th`)].map((h) => h.textContent);
for (const row of document.querySelectorAll(`#${table} tbody tr`)) {
  const cells = [...row.cells];
  const at = column ? heads.indexOf(column) : 0;
  const first = cells[at]?.querySelector('button')?.textContent ?? cells[at]?.textContent;
  if (first !== text) continue;
  const found = Object.fromEntries(cells.map((cell, i) => [heads[i], cell.textContent]));
  found.titles = Object.fromEntries(cells.map((cell, i) => [heads[i], cell.title]));
  return found;
}
return null;
"""


@pytest.fixture(scope="module")
def one_browser():
    browser = web.Browser()
    yield browser
    browser.close()


@pytest.fixture
def browser(one_browser):
    """The one of all tests, with nothing left of the last one."""
    yield one_browser
    one_browser.devtools("Emulation.setScriptExecutionDisabled", value=False)
    one_browser.devtools("Emulation.setEmulatedMedia", features=[])
    one_browser.open("about:blank")
    one_browser.console()


@pytest.fixture
def show(browser, start_aggregator):
    """Opens the dashboard of a new daemon, and waits until it is live. Returns the daemon."""

    def opened(flags=(), before="", path="/dashboard"):
        aggregator = start_aggregator(flags=flags)
        browser.open(f"http://{before}127.0.0.1:{aggregator.port}{path}")
        browser.until("the page is live", LIVE)
        browser.run("const e = document.getElementById('interval'); e.append(new Option('', '100'));"
                    "e.value = '100'; e.dispatchEvent(new Event('change'));")
        return aggregator

    return opened


def row(browser, table, text, column=None):
    return browser.until(f"{text} is in {table}", ROW, table, text, column)


def looks(browser):
    """How often the page was brought up to date."""
    return int(browser.run("return document.documentElement.dataset.looks"))


def test_numbers_are_those_of_metrics_and_nothing_is_complained_of(worker, browser, show):
    tasks = worker.counter("tasks_total", {"type": "image"})
    worker.inc(tasks, 12345678)
    worker.inc(worker.counter("tasks_total", {"type": "text"}), 2)
    worker.set(worker.gauge("queue_length", "livesum"), 17)
    seconds = worker.histogram("task_seconds", [0.1, 1, 10])
    worker.observe(seconds, 0.05, 0.5, 0.5, 20)
    aggregator = show()
    exposition = aggregator.scrape()
    assert float(row(browser, "families", "tasks")["titles"]["value"]) == sum(exposition.all("tasks_total").values())
    assert float(row(browser, "families", "queue_length")["titles"]["value"]) == exposition.value("queue_length")
    assert float(row(browser, "families", "task_seconds")["titles"]["value"]) == exposition.value("task_seconds_count")
    browser.run("document.getElementById('own').click()")
    cells = row(browser, "families", "metrics_segment_cells_used")
    assert float(cells["titles"]["value"]) == next(iter(exposition.all("metrics_segment_cells_used").values()))
    browser.run("[...document.querySelectorAll('#families button')].find((b) => b.textContent === 'tasks').click()")
    for labels, value in exposition.all("tasks_total").items():
        (kind,) = [v for n, v in labels if n == "type"]
        assert float(row(browser, "series", f'type="{kind}"')["titles"]["value"]) == value
    worker.inc(tasks, 5)
    until("the page shows five more", lambda: row(browser, "families", "tasks")["titles"]["value"] == "12345685")
    # Each observation is of 0.5 from here on, in the bucket (0.1, 1].
    until("quantiles of the last look are shown", lambda: worker.observe(seconds, *[0.5] * 100) or
          row(browser, "families", "task_seconds")["p99"].endswith("ms"))
    assert browser.run("return document.querySelectorAll('#chart canvas, #chart path').length") > 0
    # The explicit bounds alone would say 50 s.
    native = worker.histogram("native_seconds", [100], native={})
    until("native buckets give finer ones", lambda: worker.observe(native, *[0.3] * 100) or
          row(browser, "families", "native_seconds")["p50"].endswith("ms"))
    assert browser.console() == []


def test_a_killed_worker_turns_dead_within_a_refresh(worker, start_worker, browser, show):
    other = start_worker()
    for w in (worker, other):
        w.inc(w.counter("tasks_total"))
    show()
    assert row(browser, "workers", str(other.pid), "pid")["state"] == "live"
    other.kill()
    at = looks(browser)
    # The look under way may have begun before.
    browser.until("it was looked at again", "return document.documentElement.dataset.looks >= arguments[0]", at + 2)
    assert row(browser, "workers", str(other.pid), "pid")["state"] == "dead"
    assert row(browser, "workers", str(worker.pid), "pid")["state"] == "live"


WORKERS = """return [...document.querySelectorAll('#workers tbody tr')].map((row) => row.cells[1].textContent)"""


def test_the_busiest_workers_come_first(worker, start_worker, browser, show):
    idle = start_worker()
    busy = start_worker()
    for w in (worker, idle, busy):
        w.tasks = w.counter("tasks_total")
        w.inc(w.tasks, 1000 if w is worker else 1)  # the first has counted most, long ago
    show()
    row(browser, "workers", str(busy.pid), "pid")
    until("the busy one comes first", lambda: busy.inc(busy.tasks, 10) or browser.run(WORKERS)[0] == str(busy.pid))
    assert set(browser.run(WORKERS)) == {str(w.pid) for w in (worker, idle, busy)}
    until("another one is busier", lambda: idle.inc(idle.tasks, 1000) or browser.run(WORKERS)[0] == str(idle.pid))
    browser.run("""document.getElementById('workers-order').value = 'counted';
                   document.getElementById('workers-order').dispatchEvent(new Event('change'));""")
    until("the one that has counted most comes first", lambda: worker.inc(worker.tasks, 10**6) or
          browser.run(WORKERS)[0] == str(worker.pid))
    assert browser.console() == []


def test_a_family_shows_its_exemplars(start_worker, browser, show):
    worker = start_worker(METRICS_EXEMPLARS="errors*")
    errors = worker.counter("errors_total")
    worker.trace(2, "<i>4bf92f35</i>", counter=errors)
    worker.inc(worker.counter("tasks_total"))
    show()
    row(browser, "families", "errors")
    browser.run("[...document.querySelectorAll('#families button')].find((b) => b.textContent === 'errors').click()")
    shown = row(browser, "series", "no labels")
    assert shown["newest exemplar"] == 'trace_id="<i>4bf92f35</i>": 2'
    assert shown["titles"]["newest exemplar"].endswith("Z")
    assert browser.run("return document.querySelectorAll('#series i').length") == 0
    browser.run("[...document.querySelectorAll('#families button')].find((b) => b.textContent === 'tasks').click()")
    browser.until("a family without any has no such column", """
        return [...document.querySelectorAll('#series th')].every((h) => h.textContent !== 'newest exemplar' ||
                                                                         !h.checkVisibility());""")


def test_the_daemon_shows_its_build_limits_and_flags(worker, browser, show):
    worker.inc(worker.counter("tasks_total"))
    show(flags=["--web.max-requests=7"])
    browser.run("document.querySelector('#daemon summary').click()")
    rows = browser.until("the status is there", """
        const rows = [...document.querySelectorAll('#status tr:not(.group)')];
        return rows.length > 0 && Object.fromEntries(rows.map((r) => [r.cells[0].textContent, r.cells[1].textContent]));
    """)
    assert rows["requests"] == rows["--web.max-requests"] == "7"
    assert rows["connections"] == "4,096"
    assert rows["buffered_bytes"] == "64 MiB"
    assert rows["idle_seconds"] == "2 min"
    assert rows["version"]
    groups = browser.run("return [...document.querySelectorAll('#status .group')].map((g) => g.textContent)")
    assert groups == ["build", "limits", "flags"]


def test_keyboard_alone_reaches_everything(worker, browser, show):
    worker.inc(worker.counter("tasks_total", {"type": "image"}))
    show()
    row(browser, "families", "tasks")
    browser.run("document.getElementById('pause').click(); document.activeElement.blur()")
    wanted = browser.run(REACHABLE)
    assert {"pause", "interval", "theme", "filter", "own", "workers-state", "tasks"} <= set(wanted)
    reached = []
    for _ in wanted:
        browser.press("Tab")
        reached.append(browser.run(FOCUSED))
        assert browser.run("return getComputedStyle(document.activeElement).outlineStyle") != "none", reached
    assert reached == wanted
    while browser.run(FOCUSED) != "tasks":
        browser.press("Shift+Tab")
    browser.press("Enter")
    assert browser.run("return document.activeElement.id") == "family-title"
    row(browser, "series", 'type="image"')
    browser.press("Tab", "Enter")  # closes it
    assert browser.run("return document.getElementById('family').hidden")
    assert browser.run(FOCUSED) == "tasks"
    while browser.run(FOCUSED) != "per second":
        browser.press("Shift+Tab")
    browser.press("Enter")
    assert browser.run("return document.querySelector('#families th[aria-sort=ascending]').textContent") == "per second"


def test_each_control_has_a_name_and_each_text_stands_out(worker, browser, show):
    worker.inc(worker.counter("tasks_total", help="Tasks."))
    show()
    row(browser, "families", "tasks")
    assert browser.run("""
      return [...document.querySelectorAll('button, input, select')].filter((e) =>
        !(e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.length > 0)).map((e) => e.outerHTML);
      """) == []
    for scheme in ("light", "dark"):
        browser.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        grounds, faint = browser.run("""
          const light = (c) => c.map((v) => v / 255).map((v) => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
            .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
          const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
          const ground = (e) => {
            for (; e; e = e.parentElement) {
              const c = parts(getComputedStyle(e).backgroundColor);
              if (c.length < 4 || c[3] > 0) return c.slice(0, 3);
            }
          };
          const faint = [];
          for (const e of document.querySelectorAll('#live *, header *')) {
            const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
            if (!own || !e.checkVisibility() || e.disabled) continue;
            const [a, b] = [light(parts(getComputedStyle(e).color).slice(0, 3)), light(ground(e))];
            const contrast = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
            if (contrast < 4.5) faint.push([e.outerHTML.slice(0, 80), contrast]);
          }
          return [ground(document.body), faint];""")
        assert faint == []
        assert (sum(grounds) > 600) == (scheme == "light"), grounds


TEXT = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>&lt;\u202e'\""


def test_hostile_names_stay_text(directory, start_worker, browser, show):
    program = os.path.join(directory, "<b>bash<b>")
    os.symlink(os.path.join(BUILD, "tests", "e2e", "e2e_worker"), program)
    worker = start_worker(program=program)
    worker.inc(worker.counter("tasks_total", {"type": TEXT}, help=TEXT, unit=""))
    aggregator = show()
    row(browser, "families", "tasks")
    browser.run("document.querySelector('#families .link').click()")
    shown = browser.until("the series is there",
                          "return document.querySelector('#series tbody tr:not(.empty) td')?.textContent")
    assert shown == f'type="{TEXT}"'
    assert browser.run("return document.querySelector('#families .help').textContent") == TEXT
    assert row(browser, "workers", str(worker.pid), "pid")["command"] == "<b>bash<b>"
    assert browser.run("return document.querySelectorAll('img, b, main script').length") == 0
    browser.devtools("Emulation.setScriptExecutionDisabled", value=True)
    for path in ("/dashboard", "/dashboard?family=tasks"):
        browser.open(f"http://127.0.0.1:{aggregator.port}{path}")
        assert TEXT in browser.run("return document.getElementById('plain').textContent")
        assert browser.run("return document.querySelectorAll('img, main script').length") == 0
    assert browser.run("return document.title") == "metrics-aggregator"
    assert browser.console() == []


def test_the_policy_lets_no_script_run_but_the_daemons_own(worker, browser, show):
    aggregator = show()
    policy = aggregator.request("/dashboard").headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    browser.run("""const made = document.createElement('script');
                   made.textContent = "document.title = 'run'"; document.body.append(made);
                   document.body.insertAdjacentHTML('beforeend', '<img src=x onerror="document.title=1">');""")
    assert browser.run("return document.title") == "metrics-aggregator"
    assert any("Content Security Policy" in line for line in browser.console())


def test_a_thousand_workers_and_a_hundred_thousand_series_stay_usable(segment, start_worker, browser, show):
    worker = start_worker(METRICS_DIRECTORY_BYTES=64 << 20)
    worker.ask("crowd", id=worker.counter("tasks_total"), count=999)
    worker.inc(worker.counter("tasks_total"))
    worker.ask("many", name="many_total", count=100_000, bytes=12)
    aggregator = show()
    until("rates are known", lambda: looks(browser) > 2)
    assert row(browser, "families", "many")["series"] == "100,000"
    assert "50 of 1,000 " in browser.run("return document.getElementById('workers-pager').textContent")
    assert float(row(browser, "families", "tasks")["titles"]["value"]) == 1000
    browser.run("""[...document.querySelectorAll('#families button')].find((b) => b.textContent === 'many').click();
                   document.getElementById('series-filter').value = '99999';
                   document.getElementById('series-filter').dispatchEvent(new Event('input'));""")
    assert row(browser, "series", 'filler="99999......."')["value"] == "99,999"
    assert browser.run("return document.querySelectorAll('tr').length") < 200
    sizes = browser.run("""return performance.getEntriesByType('resource').filter((e) => e.name.includes('api/v1'))
                                .map((e) => e.decodedBodySize)""")
    assert 0 < max(sizes) < 50_000
    assert len(aggregator.request("/dashboard").body) < 100_000


def test_behind_the_same_password_as_metrics(worker, browser, show, tmp_path):
    worker.inc(worker.counter("tasks_total"), 7)
    files = Files(str(tmp_path))
    files.write(f"basic_auth_users:\n  anna: {bcrypt('secret')}\n")
    aggregator = show(flags=[f"--web.config.file={files.config}"], before="anna:secret@")
    assert row(browser, "families", "tasks")["value"] == "7"
    assert browser.console() == []
    for path in ("/dashboard", "/dashboard/dashboard.js", "/api/v1/segments", "/api/v1/workers", "/api/v1/families",
                 "/api/v1/status"):
        assert aggregator.request(path).status == 401


def test_behind_the_path_of_an_external_url(worker, browser, show):
    worker.inc(worker.counter("tasks_total"), 7)
    show(flags=["--web.external-url=https://metrics.example.org/workers/"], path="/workers/dashboard")
    assert row(browser, "families", "tasks")["value"] == "7"
    assert browser.console() == []


def test_without_a_script_it_is_plain_tables(worker, browser, start_aggregator):
    worker.inc(worker.counter("tasks_total", {"type": "image"}), 7)
    worker.set(worker.gauge("queue_length", "livesum"), 3)
    aggregator = start_aggregator()
    browser.devtools("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(f"http://127.0.0.1:{aggregator.port}/dashboard")
    captions = browser.run("return [...document.querySelectorAll('#plain caption')].map((c) => c.textContent)")
    assert captions == ["Segments", "Families, 2 of 2", "Workers, 1 of 1: 1 live, 0 dead", "Daemon"]
    text = browser.run("return document.getElementById('plain').innerText")
    assert [part for part in ("tasks_total 7", "queue_length 3", str(worker.pid)) if part not in text] == []
    browser.run("[...document.querySelectorAll('#plain a')].find((a) => a.textContent === 'tasks').click()")
    browser.until("the family is shown",
                  "return document.querySelectorAll('caption')[1].textContent === 'tasks, 1 of 1 series'")
    assert "type=image" in browser.run("return document.getElementById('plain').innerText")


# Keeps the set of timers that are yet to fire in `pending`.
WATCH_TIMERS = """
globalThis.pending = new Set();
const [set, clear] = [setTimeout, clearTimeout];
globalThis.setTimeout = (run, ms) => {
  const id = set(() => { pending.delete(id); run(); }, ms);
  pending.add(id);
  return id;
};
globalThis.clearTimeout = (id) => { pending.delete(id); clear(id); };
"""
# No answer is awaited, and nothing that would ask is yet to happen.
QUIET = "return document.getElementById('live').getAttribute('aria-busy') === 'false' && pending.size === 0"


def test_without_dygraphs_it_draws_its_charts_by_itself(worker, browser, show):
    """As a daemon that was built without it."""
    tasks = worker.counter("tasks_total")
    browser.devtools("Network.enable")
    browser.devtools("Network.setBlockedURLs", urls=["*dygraph*"])
    try:
        show()
        row(browser, "families", "tasks")
        browser.run("document.querySelector('#families .link').click()")
        browser.until("a line is drawn", "return document.querySelector('#chart path.chart-line')?.getAttribute('d')")
        worker.inc(tasks, 5)
        browser.until("it is no longer flat", """
          const heights = document.querySelector('#chart path.chart-line').getAttribute('d').match(/,[\\d.]+/g);
          return new Set(heights).size > 1""")
        assert browser.run("return document.querySelectorAll('#chart canvas').length") == 0
        assert browser.run("return document.querySelector('#chart .chart-title').textContent").endswith("/s")
    finally:
        browser.devtools("Network.setBlockedURLs", urls=[])
        browser.devtools("Network.disable")


def test_a_page_that_is_paused_or_hidden_asks_for_nothing(worker, browser, show):
    tasks = worker.counter("tasks_total")
    worker.inc(tasks)
    show()
    browser.run(WATCH_TIMERS)
    at = looks(browser)
    browser.until("the timers are watched", "return document.documentElement.dataset.looks > arguments[0]", at + 1)
    browser.run("document.getElementById('pause').click()")
    assert browser.run("return document.getElementById('pause').getAttribute('aria-pressed')") == "true"
    browser.until("it is quiet", QUIET)
    worker.inc(tasks)
    assert row(browser, "families", "tasks")["value"] == "1"
    browser.run("document.getElementById('pause').click()")
    until("it goes on", lambda: row(browser, "families", "tasks")["value"] == "2")
    browser.run("""Object.defineProperty(document, 'hidden', {value: true, configurable: true});
                   document.dispatchEvent(new Event('visibilitychange'));""")
    browser.until("it is quiet", QUIET)
    worker.inc(tasks)
    browser.run("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    until("it goes on", lambda: row(browser, "families", "tasks")["value"] == "3")


def test_a_filter_leaves_the_families_that_have_its_text(worker, browser, show):
    for name in ("tasks_total", "others_total"):
        worker.inc(worker.counter(name))
    show()
    row(browser, "families", "others")
    browser.run("""document.getElementById('filter').value = 'TASK';
                   document.getElementById('filter').dispatchEvent(new Event('input'));""")
    browser.until("one family is left", "return document.querySelectorAll('#families tbody tr').length === 1")
    assert row(browser, "families", "tasks")["value"] == "1"
