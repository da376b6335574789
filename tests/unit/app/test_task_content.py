"""What a row says of a task, and that telling it twice says nothing new."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.dataverse.activities import Priority
from shared.dataverse.tasks import COLUMNS, Status, Task, TaskRow
from shared.graph.tasks import TodoStatus, TodoTask, item_of, list_and_task
from shared.identifiers import ActivityId, SystemUserId
from shared.sync.tasks.content import content_of, shortened, text_of
from shared.sync.tasks.telling import Telling, telling_of

OWNER = SystemUserId("owner")
ROW = ActivityId("row")
MAX = 2000
anything = st.text(st.characters(codec=None))
long_text = st.builds(lambda text, times: text * times, anything, st.integers(1, 3000))


def units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


@given(anything | long_text)
def test_a_description_fits_and_says_where_it_was_cut(text: str) -> None:
    cut = shortened(text)
    assert units(cut) <= MAX
    cut.encode()
    if units(text) > 2 * MAX and text.isalpha():
        assert cut.endswith("… (shortened)")


@pytest.mark.parametrize(
    ("letters", "is_cut"), [("a" * MAX, False), ("a" * (MAX + 1), True), ("💡" * MAX, True)]
)
def test_only_what_is_too_long_is_cut(letters: str, *, is_cut: bool) -> None:
    assert shortened(letters).endswith("… (shortened)") == is_cut
    assert (shortened(letters) == letters) != is_cut
    assert MAX - 1 <= units(shortened(letters)) <= MAX


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"content": "1 < 2 & <b>3</b>", "contentType": "text"}, "1 < 2 & <b>3</b>"),
        ({"content": "<p>one</p><p>two <b>bold</b></p>", "contentType": "html"}, "one\n\ntwo bold"),
        ({"content": "<style>p{}</style><p>&lt;x&gt;</p>", "contentType": "HTML"}, "<x>"),
        ({"content": "", "contentType": "html"}, ""),
        ({"content": None, "contentType": "html"}, ""),
        ({}, ""),
        (None, ""),
    ],
)
def test_the_words_of_a_body(body: object, words: str) -> None:
    assert text_of(TodoTask.model_validate({"id": "1", "body": body})) == words


@given(anything)
def test_no_markup_is_too_broken(markup: str) -> None:
    body = {"content": markup, "contentType": "html"}
    assert isinstance(text_of(TodoTask.model_validate({"id": "1", "body": body})), str)


def test_a_task_graph_says_least_of_has_a_row_all_the_same() -> None:
    content = content_of(TodoTask.model_validate({"id": "1", "title": None}), OWNER)
    assert content.columns == {
        "subject": "",
        "description": "",
        "scheduledstart": None,
        "scheduledend": None,
        "prioritycode": Priority.NORMAL,
    }
    assert content.status is Status.NOT_STARTED


def test_a_status_nobody_knows_is_in_progress() -> None:
    task = TodoTask.model_validate({"id": "1", "status": "unknownFutureValue"})
    assert task.status is TodoStatus.IN_PROGRESS


def test_an_item_is_named_by_its_list_and_itself() -> None:
    assert list_and_task(item_of("AQMk=", "AAkA-_=")) == ("AQMk=", "AAkA-_=")


moments = st.none() | st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
todo_tasks = st.builds(
    TodoTask,
    id=st.just("1"),
    title=st.sampled_from(["Call", "Write", "x" * 300, ""]),
    body=st.sampled_from(["", "text", "y" * 3000, "\x00\x01"]),
    status=st.sampled_from(TodoStatus),
    importance=st.sampled_from(["low", "normal", "high"]),
    start=moments,
    due=moments,
    completed=moments,
)
rows = st.builds(
    TaskRow,
    id=st.just(ROW),
    etag=st.just("1"),
    status=st.sampled_from(Status),
    said=st.fixed_dictionaries(
        {
            "subject": st.sampled_from([None, "Call"]),
            "description": st.sampled_from([None, "text"]),
            "scheduledstart": st.just(None),
            "scheduledend": st.just(None),
            "prioritycode": st.sampled_from([None, 1]),
            "percentcomplete": st.none() | st.integers(0, 100),
            "actualend": st.sampled_from([None, "2026-11-02T00:00:00Z", "2026-11-02"]),
        }
    ),
)
told = st.sampled_from(["", *TodoStatus])


def amended(row: TaskRow, telling: Telling) -> TaskRow:
    """Return the row as Dynamics has it once the telling is written."""
    if telling.amendment is None:
        return row
    said = {**row.said, **telling.amendment.columns}
    assert said.keys() == set(COLUMNS)
    return TaskRow(row.id, "2", telling.amendment.status, said)


@given(todo_tasks, rows, told)
def test_what_was_told_once_is_not_told_again(task: TodoTask, row: TaskRow, before: str) -> None:
    content = content_of(task, OWNER)
    after = amended(row, telling_of(content, row, before, task.status))
    assert telling_of(content, after, task.status, task.status).amendment is None


@given(todo_tasks, rows)
def test_what_people_closed_stays_closed_while_outlook_does_not_move(
    task: TodoTask, row: TaskRow
) -> None:
    content = content_of(task, OWNER)
    after = amended(row, telling_of(content, row, task.status, task.status))
    assert after.status is row.status


@given(todo_tasks, rows, told)
def test_a_closed_row_is_opened_only_for_a_task_that_was_done_and_is_not(
    task: TodoTask, row: TaskRow, before: str
) -> None:
    after = amended(row, telling_of(content_of(task, OWNER), row, before, task.status))
    opened = row.is_closed and not after.is_closed
    assert opened == (row.is_closed and before == "completed" and not task.is_completed)


@given(todo_tasks, rows)
def test_what_is_done_in_outlook_is_done_in_dynamics(task: TodoTask, row: TaskRow) -> None:
    content: Task = content_of(task.model_copy(update={"status": TodoStatus.COMPLETED}), OWNER)
    after = amended(row, telling_of(content, row, "inProgress", TodoStatus.COMPLETED))
    assert after.status is Status.COMPLETED
    assert after.percent == 100


@given(todo_tasks, rows, told)
def test_no_open_row_says_that_all_of_it_is_done_because_of_outlook(
    task: TodoTask, row: TaskRow, before: str
) -> None:
    after = amended(row, telling_of(content_of(task, OWNER), row, before, task.status))
    if not after.is_closed and after.status is not row.status:
        assert after.percent < 100
