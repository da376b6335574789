import pytest

from sandbox.graph.text import clean, html_of, in_format, preview, text_of, unique


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>One</p><p>Two &amp; three</p>", "One\nTwo & three"),
        ("<html><head><style>p{}</style></head><body>x<br>y</body></html>", "x\ny"),
        ("<script>alert(1)</script>seen", "seen"),
        ("not <b>closed", "not closed"),
        ("<style>p{}", ""),
    ],
)
def test_the_words_of_html(markup: str, text: str) -> None:
    assert text_of(markup) == text


def test_text_becomes_html_and_back() -> None:
    assert text_of(html_of("a < b\r\nc & d")) == "a < b\nc & d"


def test_bodies_come_in_the_format_asked_for() -> None:
    rich = {"contentType": "html", "content": '<b onclick="x()">a</b><script>b</script>'}
    assert in_format(rich, "html") == {"contentType": "html", "content": "<b>a</b>"}
    assert in_format(rich, "html", unsafe=True) == rich
    assert in_format(rich, "text") == {"contentType": "text", "content": "a"}


def test_a_preview_has_255_characters() -> None:
    assert len(preview({"contentType": "text", "content": "x" * 300})) == 255


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("html", 'new<div id="divRplyFwdMsg">old</div>'),
        ("html", 'new<div class="gmail_quote">old</div>'),
        ("text", "new\n-----Original Message-----\nold"),
        ("text", "new\nOn Monday, Ada wrote:\n> old"),
        ("html", "new"),
    ],
)
def test_what_is_new_in_a_reply(kind: str, content: str) -> None:
    assert unique({"contentType": kind, "content": content})["content"].strip() == "new"


def test_halves_of_surrogate_pairs_are_replaced_and_whole_ones_joined() -> None:
    assert clean("a\ud800b\0") == "a\ufffdb"
    assert clean("\ud83d\ude00") == "😀"
