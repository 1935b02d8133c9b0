"""The page of a gradient in a browser: pointing, stepping, loops, colours, a narrow screen. Needs `pip install 'srcad[browser]'` and Chromium."""
from __future__ import annotations

import os
import pathlib
import shutil
import time
from collections.abc import Iterator
from typing import Any

import golden_programs
import pytest
from test_explore import LAYERS, SEQUENCE, awkward, large, network, page_of, rnn, two_sigmoids
from test_graph import EXERCISES

sync_api = pytest.importorskip("playwright.sync_api")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
PAGES: dict[str, tuple[Any, ...]] = {
    **{name: (function, *args) for name, (function, args, _) in EXERCISES.items()},
    "staged": (golden_programs.staged, 3, -4), "rnn": (rnn, *SEQUENCE), "calls": (two_sigmoids, 1.0, 2.0), "network": (network, *LAYERS), "awkward": (awkward, 2.0),
}
WIDE, PHONE = {"width": 1360, "height": 900}, {"width": 375, "height": 812}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium")
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    made = tmp_path_factory.mktemp("pages")
    for name, (function, *args) in PAGES.items():
        page_of(function, *args, wrt=("W1", "b1", "W2", "b2") if name == "network" else None).save(made / f"{name}.html")
    return made


class Opened:
    """A page in the browser, with what the console said and what was asked of the network."""

    def __init__(self, browser: Any, file: pathlib.Path, scheme: str = "light", size: dict[str, int] = WIDE) -> None:
        self.context = browser.new_context(viewport=size, color_scheme=scheme)
        self.context.set_default_timeout(10_000)
        self.page = self.context.new_page()
        self.said: list[str] = []
        self.page.on("console", lambda m: self.said.append(m.text))
        self.page.on("pageerror", lambda e: self.said.append(str(e)))
        self.page.on("request", lambda r: self.said.append(r.url) if not r.url.startswith(("file:", "data:")) else None)
        self.page.goto(file.as_uri())
        self.page.wait_for_selector("#count:not(:empty)")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def text(self, where: str) -> str:
        return str(self.page.locator(where).inner_text()).strip()

    def ids(self, where: str) -> list[str]:
        """The lines and nodes that a selector finds."""
        return list(self.page.eval_on_selector_all(where, "found => found.map(e => e.dataset.node || e.id)"))

    def shown(self, line: str, kind: str) -> str:
        return str(self.page.eval_on_selector(f"#{line} > .{kind}", "e => e.dataset.text || ''"))


@pytest.fixture
def opened(browser: Any, folder: pathlib.Path) -> Iterator[Any]:
    made: list[Opened] = []

    def opening(name: str, *args: Any, **keywords: Any) -> Opened:
        made.append(Opened(browser, folder / f"{name}.html", *args, **keywords))
        return made[-1]

    yield opening
    for page in made:
        assert page.said == []
        page.context.close()


FIRST = golden_programs.gates.__code__.co_firstlineno
Q, F = f"u0-{FIRST + 1}", f"u0-{FIRST + 2}"


def test_pointing_at_a_line_lights_its_counterparts(opened: Any) -> None:
    page = opened("gates")
    page.page.hover(f"#{Q}")
    assert page.ids(".rows .lit") == ["g-3", "g-8", "g-9", "g-10"] and page.ids(".pointed") == [Q]
    assert page.text("#linked") == f"Line {FIRST + 1}: generated lines 3, 8 to 10"
    assert page.page.eval_on_selector_all(".node.lit", "found => found.map(e => e.textContent.trim())") == ["+", "q"]
    page.page.hover("#g-7")
    assert page.ids(".rows .lit") == [F] and page.ids(".pointed") == ["g-7"]
    page.page.hover("#g-2")
    assert page.ids(".rows .lit") == [] and "no line of the other text" in page.text("#linked")
    node = page.page.locator("#graph .node", has_text="*").first
    node.hover()
    assert page.ids(".rows .lit") == [F, "g-4", "g-5", "g-6", "g-7"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("name", [*EXERCISES, "rnn"])
def test_every_line_has_its_numbers_and_lights_what_belongs_to_it(opened: Any, name: str, scheme: str, size: dict[str, int]) -> None:
    function, *args = PAGES[name]
    data = page_of(function, *args).story.data()
    page = opened(name, scheme, size)
    last = {held["line"]: held for held in data["held"]}
    for spot, held in last.items():
        assert (page.shown(spot, "value"), page.shown(spot, "gradient")) == (held["value"], held["gradient"])
    for spot in last:
        page.page.hover(f"#{spot} code")
        assert page.ids(".pointed") == [spot] and page.ids("#generated .lit") == [f"g-{n}" for n, said in enumerate(data["code"], 1) if spot in said]
        assert page.ids("#graph .lit")
    for number, step in enumerate(data["steps"], 1):
        page.press("ArrowRight")
        assert page.ids("#generated .now") == ([f"g-{step['line']}"] if step["line"] else []) and page.ids("#original .now") == step["said"]
        assert page.text("#formula").startswith(" ".join(step["text"].split())) and page.text("#count") == f"step {number} of {len(data['steps'])}"


def test_each_line_has_its_value_and_its_gradient(opened: Any) -> None:
    page = opened("gates")
    assert [page.shown(Q, "value"), page.shown(Q, "gradient"), page.shown(F, "value"), page.shown(F, "gradient")] == ["3", "-4", "-12", "1"]
    assert [page.shown(f"g-{n}", "value") for n in (3, 4, 6, 7, 9, 10)] == ["3", "-12", "-4", "3", "-4", "-4"]


def test_keys_step_forwards_and_back(opened: Any) -> None:
    page = opened("gates")
    page.press("ArrowRight")
    assert page.text("#formula") == "q = x + y = -2 + 5 = 3" and page.ids(".line.now") == [Q, "g-3"]
    assert page.shown(Q, "value") == "3" and page.shown(Q, "gradient") == page.shown(F, "value") == ""
    page.press("ArrowRight", "ArrowRight")
    assert page.text("#what") == "The backward pass begins" and page.shown(F, "gradient") == "1"
    page.press("ArrowRight", "ArrowRight", "ArrowRight")
    assert page.text("#formula") == "dx = dq = -4" and page.text("#what") == "Backward 3 of 4, back through q = x + y" and page.text("#count") == "step 6 of 8"
    assert page.page.input_value("#slider") == "6" and page.shown(Q, "gradient") == "-4"
    page.press("ArrowLeft", "ArrowLeft")
    assert page.text("#formula") == "dq = z = -4" and page.shown("g-7", "value") == ""
    page.press("End")
    assert page.text("#formula") == "return f, (dx, dy, dz) = (-12, (-4, -4, 3))" and page.page.is_disabled("#next")
    page.press("Home")
    assert page.text("#count") == "8 steps" and page.page.is_disabled("#back") and page.text("#formula") == ""


def test_what_is_added_and_then_the_sum(opened: Any) -> None:
    page = opened("staged")
    page.press("End", *["ArrowLeft"] * 3)
    assert page.text("#formula") == "dx += dnum = 0.5121, so dx = 2.06"


def test_the_slider_and_the_buttons_step(opened: Any) -> None:
    page = opened("gates")
    page.page.click("#next")
    page.page.click("#next")
    assert page.text("#formula") == "f = q * z = 3 * (-4) = -12"
    page.page.fill("#slider", "5")
    assert page.text("#formula") == "dz = q = 3"
    page.page.focus("#slider")
    page.press("ArrowRight")
    assert page.text("#formula") == "dx = dq = -4"
    page.page.click("#back")
    assert page.text("#count") == "step 5 of 8"


def test_the_graph_shows_what_is_known(opened: Any) -> None:
    page = opened("gates")
    if not page.page.locator("#graph .node[data-node=e0]").count():
        pytest.skip("without pygraphviz values stand in the nodes")

    def seen(colour: str) -> int:
        return int(page.page.eval_on_selector_all(f'#graph text[fill="{colour}"]', "found => found.filter(e => getComputedStyle(e).visibility === 'visible').length"))

    green, red = "#116329", "#cf222e"
    whole = seen(green), seen(red)
    page.press("ArrowRight")
    assert seen(red) == 0 and seen(green) == whole[0] - 1
    page.press("End")
    assert (seen(green), seen(red)) == whole


def test_lines_are_walked_with_keys_and_kept(opened: Any) -> None:
    page = opened("gates")
    page.page.focus(f"#u0-{FIRST}")
    page.press("ArrowDown")
    assert page.ids(".pointed") == [Q] and page.ids(".rows .lit") == ["g-3", "g-8", "g-9", "g-10"]
    page.press("Enter")
    page.page.focus("#slider")
    assert page.ids(".pointed") == [Q]
    page.press("Escape")
    assert page.ids(".pointed") == []


def test_everything_can_be_reached_with_tab_and_has_a_name(opened: Any) -> None:
    page = opened("rnn")
    reached = []
    for _ in range(8):
        page.press("Tab")
        reached.append(page.page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    first = f"u0-{rnn.__code__.co_firstlineno}"
    assert reached[:2] == ["theme", "slider"] and {"next", "SELECT", first, "g-1", "graph"} <= set(reached)
    unnamed = page.page.eval_on_selector_all("button, input, select", "found => found.filter(e => !(e.ariaLabel || e.labels.length || e.textContent.trim())).length")
    assert unnamed == 0 and page.page.get_attribute("#now", "aria-live") == "polite"


def test_the_pass_of_a_loop_is_chosen(opened: Any) -> None:
    page = opened("rnn")
    cell = f"u0-{rnn.__code__.co_firstlineno + 2}"
    states = [h.value for h in page_of(rnn, *SEQUENCE).story.held if h.name == "h"]
    assert page.shown(cell, "value") == states[5]
    page.page.select_option("#loops select", "2")
    assert page.shown(cell, "value") == states[1] and page.shown("g-23", "value") == states[0]
    page.press("Escape")
    page.page.focus("#next")
    page.press("End", *["ArrowLeft"] * 5)
    assert "pass 1 of 6" in page.text("#what") and page.page.input_value("#loops select") == "1"
    page.page.select_option("#loops select", "4")
    assert "pass 4 of 6" in page.text("#what") and page.text("#what").startswith("Backward")
    page.page.hover(f"#{cell}")
    assert {"g-10", "g-22", "g-34"} <= set(page.ids(".rows .lit"))


def test_functions_that_are_called_have_their_lines(opened: Any) -> None:
    page = opened("calls")
    spot = page.ids("#original h3 + ol .line:last-child")[0]
    assert page.shown(spot, "value") == "0.7311; 0.8808"
    page.page.hover(f"#{spot}")
    assert {"g-6", "g-7"} <= set(page.ids(".rows .lit"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("name", PAGES)
def test_every_page_in_both_colours_and_on_a_phone(opened: Any, name: str, scheme: str, size: dict[str, int]) -> None:
    page = opened(name, scheme, size)
    assert page.page.evaluate("document.documentElement.dataset.theme") == scheme
    for _ in range(2):
        assert page.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.page.evaluate(CONTRAST) >= 4.5
        page.press("ArrowRight", "ArrowRight", "ArrowRight")
    columns = page.page.evaluate("[...document.querySelectorAll('.pane')].map(e => e.getBoundingClientRect().left)")
    assert (columns[0] == columns[1]) is (size is PHONE)
    page.page.click("#theme")
    assert page.page.evaluate("document.documentElement.dataset.theme") != scheme and page.page.evaluate(CONTRAST) >= 4.5


CONTRAST = """() => {
  const light = (c) => { const [r, g, b] = c.match(/[\\d.]+/g).map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (!/, 0\\)$|transparent/.test(c)) return c; } return "rgb(255, 255, 255)"; };
  const ratio = (e) => { const [a, b] = [light(getComputedStyle(e).color), light(ground(e))]; return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05); };
  const written = [...document.querySelectorAll("h1, h2, p, td, th, button:enabled, .line *, #formula *")].filter((e) => e.textContent.trim() && e.getClientRects().length && !e.closest(".later"));
  return Math.min(...written.map(ratio));
}"""


def test_what_the_user_wrote_is_text(opened: Any) -> None:
    page = opened("awkward")
    assert page.text(f"#u0-{awkward.__code__.co_firstlineno + 1} code") == "y = x * x  # </script> & <i>é</i> <!--"
    assert page.page.locator("main b, main i").count() == 0


def test_the_page_of_a_network_opens_in_a_second(opened: Any, folder: pathlib.Path) -> None:
    assert (folder / "network.html").stat().st_size < 1_000_000
    opened("network")
    began = time.perf_counter()
    opened("network")
    assert time.perf_counter() - began < 1.0


def test_a_graph_of_two_thousand_nodes_is_drawn_in_seconds(browser: Any, tmp_path: pathlib.Path) -> None:
    began = time.perf_counter()
    large().save(tmp_path / "large.html")
    page = Opened(browser, tmp_path / "large.html")
    assert len(page.ids("#graph .node[data-node]")) > 2000 and page.said == []
    page.press("ArrowRight")
    assert page.text("#count").startswith("step 1 of ")
    assert time.perf_counter() - began < 10
    page.context.close()


def test_a_frame_in_a_notebook(browser: Any) -> None:
    page = browser.new_page()
    page.set_content(page_of(golden_programs.gates, -2, 5, -4)._repr_html_())
    frame = page.frame_locator("iframe")
    frame.locator("#next").click()
    assert frame.locator("#formula").inner_text() == "q = x + y = -2 + 5 = 3"
    page.close()


def test_an_array_is_shown_by_shape_and_range(opened: Any) -> None:
    page = opened("network")
    hidden = f"u0-{network.__code__.co_firstlineno + 1}"
    assert page.shown(hidden, "value").startswith("32 x 64, ") and page.shown(hidden, "gradient").startswith("32 x 64, ")
