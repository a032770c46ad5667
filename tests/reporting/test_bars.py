"""`tqdm` and `LogHandler`: scripts that report in their own ways."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator

import pytest

from runconsole import ActiveRun, InvalidArgument, LogHandler, start_run, tqdm
from runconsole.reporting import bars, current

NO_NUMBER = "invalid literal for int() with base 10: 'no luck'"


def test_a_bar_in_a_run_is_a_task() -> None:
    with start_run() as run:
        seen = []
        for number in tqdm(range(3), desc="count"):
            run.output(f"{number}\n")
            seen.append(number)
        assert seen == [0, 1, 2]
        assert list(tqdm((n for n in "ab"), "letters", total=2)) == ["a", "b"]
        assert list(tqdm([])) == []
    assert run.tasks["name"].tolist() == ["count", "letters", "loop"]
    assert set(run.tasks["status"]) == {"completed"}
    assert run.tasks["step"].fillna("").tolist() == ["3 of 3", "2 of 2", ""]
    assert set(run.console.output["task_id"]) == {run.tasks.index[0]}


def test_a_bar_is_moved_by_hand() -> None:
    with start_run() as run:
        with tqdm(total=10, desc="bytes", initial=2, unit="B", leave=False, postfix={"kind": "raw"}) as bar:
            bar.update(3)
            assert (bar.n, bar.total, len(bar), bool(bar)) == (5, 10, 10, True)
            assert run.tasks["progress"].tolist() == [20]
            bar.set_description("second half")
            bar.set_postfix({"loss": 0.123456}, step=3)
            bar.update(5)
        other = tqdm(total=1.5, desc="fraction")
        other.update(0.75)
        other.set_postfix_str("halfway")
        other.close()
        other.close()
        again = tqdm(total=4)
        again.update(4)
        again.reset(total=8)
        assert repr(again) == "tqdm('loop', '0 of 8')"
        again.close()
    assert run.tasks["step"].tolist() == ["second half, 10 of 10, loss=0.123, step=3", "0.75, halfway", "0 of 8"]


def test_bars_nest() -> None:
    with start_run() as run:
        for _ in tqdm(range(2), desc="outer"):
            for _ in tqdm(range(3), desc="inner"):
                pass
            run.output("outer again\n")
    assert run.tasks["name"].tolist() == ["outer", "inner", "inner"]
    assert set(run.console.output["task_id"]) == {run.tasks.index[0]}


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[ActiveRun]:
    """The runs that bars begin."""
    found: list[ActiveRun] = []

    def start(title: str) -> ActiveRun:
        found.append(start_run(title))
        return found[-1]

    monkeypatch.setattr(bars, "start_run", start)
    return found


def test_without_a_run_the_outermost_bar_has_one(begun: list[ActiveRun]) -> None:
    for _ in tqdm(range(2), desc="outer"):
        for _ in tqdm(range(2), desc="inner"):
            pass
    [run] = begun
    assert run.is_finished
    assert run.summary["title"] == "outer"
    assert run.summary["status"] == "completed"
    assert run.tasks["name"].tolist() == ["outer", "inner", "inner"]
    assert current.runs == []


def test_a_bars_own_run_tells_how_it_ended(begun: list[ActiveRun]) -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        list(tqdm(broken()))
    with pytest.raises(ValueError, match="no"), tqdm(total=2):
        raise ValueError("no")
    for number in tqdm(range(5)):
        if number == 2:
            break
    assert [run.summary["status"] for run in begun] == ["failed", "failed", "cancelled"]
    assert [len(run.errors) for run in begun] == [1, 1, 0]


def test_an_exception_in_a_loop_of_a_run_fails_its_task() -> None:
    def work() -> None:
        for _ in tqdm(range(5), "loop"):
            raise KeyError("k")

    with pytest.raises(KeyError), start_run() as run:
        work()
    assert run.tasks["status"].tolist() == ["failed"]


def test_a_disabled_bar_makes_no_task() -> None:
    with start_run() as run:
        assert list(tqdm(range(3), disable=True)) == [0, 1, 2]
        bar = tqdm(total=3, disable=True)
        bar.update(2)
        bar.close()
    assert run.tasks.empty


def test_a_bar_writes_to_the_screen_and_to_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    with start_run() as run:
        tqdm.write("hello")
        tqdm.write("odd", file=sys.stderr, end="")
    assert capsys.readouterr() == ("hello\n", "odd")
    assert run.console.output[["stream", "text"]].to_numpy().tolist() == [["stdout", "hello\n"], ["stderr", "odd"]]


def test_a_bar_without_an_iterable_cannot_be_iterated() -> None:
    with start_run() as run, pytest.raises(InvalidArgument, match="move this bar by update"):
        list(tqdm(total=3))
    assert run.tasks["status"].tolist() == ["cancelled"]


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    made = logging.getLogger("tests.of.the.handler")
    made.propagate = False
    made.setLevel(logging.DEBUG)
    yield made
    made.handlers.clear()


def test_records_are_output_and_errors_of_their_task(logger: logging.Logger) -> None:
    handler = LogHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    logger.addHandler(handler)
    logger.error("before any run")
    with start_run() as run:
        with run.task("t") as task:
            logger.info("read %d lines", 3)
            logger.warning("slow")
            try:
                int("no luck")
            except ValueError:
                logger.exception("step failed")
        logger.error("of the run")
    output = run.console.output
    assert output["stream"].tolist() == ["stdout", "stderr", "stderr"]
    assert output["text"].iloc[0] == "INFO read 3 lines\n"
    assert output["text"].iloc[1].startswith("WARNING slow\nERROR step failed\nTraceback")
    errors = run.errors
    assert errors["message"].tolist() == [f"step failed: {NO_NUMBER}", "of the run"]
    assert errors["task_id"].fillna("-").tolist() == [task.id, "-"]
    assert errors["error_type"].fillna("-").tolist() == ["ValueError", "-"]
    assert run.tasks["status"].tolist() == ["completed"]


def test_an_exception_that_is_logged_and_raised_is_one_error(logger: logging.Logger) -> None:
    logger.addHandler(LogHandler())

    def work() -> None:
        try:
            int("no luck")
        except ValueError:
            logger.exception("step failed")
            raise

    with pytest.raises(ValueError, match="no luck"), start_run() as run, run.task("t"):
        work()
    assert run.errors["message"].tolist() == [f"step failed: {NO_NUMBER}"]
    assert run.tasks["status"].tolist() == ["failed"]


def test_levels_are_numbers_or_names(logger: logging.Logger) -> None:
    logger.addHandler(LogHandler("WARNING", errors="CRITICAL"))
    with start_run() as run:
        logger.info("left out")
        logger.error("output alone")
        logger.critical("an error")
    assert run.errors["message"].tolist() == ["an error"]
    assert "".join(run.console.output["text"]) == "output alone\nan error\n"
    with pytest.raises(InvalidArgument, match="errors= to be a level"):
        LogHandler(errors="LOUD")


def test_a_record_that_cannot_be_written_stops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    handler = LogHandler()
    with start_run() as run:
        for message, arguments in (("%d", ("no number",)), ("after", ())):
            handler.handle(logging.LogRecord("script", logging.INFO, __file__, 1, message, arguments, None))
    assert "--- Logging error ---" in capsys.readouterr().err
    assert run.console.output["text"].tolist() == ["after\n"]
