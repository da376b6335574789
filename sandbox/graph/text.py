"""Bodies: HTML to text and back, the preview, the part that is new, and text fit for JSON."""

import html
import re
from html.parser import HTMLParser

PREVIEW_CHARACTERS = 255
_BLOCKS = {"p", "div", "br", "tr", "li", "h1", "h2", "h3", "h4", "table", "blockquote", "hr"}
_HIDDEN = {"style", "script", "head", "title"}
_UNSAFE = re.compile(
    r"<(script|iframe|object|embed)\b.*?(</\1\s*>|$)|\son\w+\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s>]+)",
    re.IGNORECASE | re.DOTALL,
)
_QUOTED_HTML = re.compile(
    r"<div[^>]*\b(id=\"?(divRplyFwdMsg|appendonsend)|class=\"?(gmail_quote|moz-cite-prefix))"
    r"|<blockquote[^>]*type=\"?cite",
    re.IGNORECASE,
)
_QUOTED_TEXT = re.compile(
    r"^(-{2,}\s*Original Message\s*-{2,}|_{20,}|On .{5,200} wrote:|From: .+\r?\n(Sent|Date): )",
    re.MULTILINE,
)


def clean(text: str) -> str:
    """Return text that JSON and UTF-8 can carry: no NUL, no half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        joined = text.encode("utf-16-le", "surrogatepass")
        text = joined.decode("utf-16-le", "replace")
    return text.replace("\0", "")


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag in _HIDDEN:
            self._hidden += 1
        elif tag in _BLOCKS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _HIDDEN:
            self._hidden = max(0, self._hidden - 1)
        elif tag == "body":
            self._hidden = 0

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.pieces.append(re.sub(r"\s+", " ", data))


def text_of(markup: str) -> str:
    """Return the words of an HTML body, blocks on lines of their own."""
    parser = _Text()
    parser.feed(re.sub(r"<(head)\b.*?</\1\s*>", "", markup, flags=re.IGNORECASE | re.DOTALL))
    parser.close()
    lines = (line.strip() for line in "".join(parser.pieces).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def html_of(text: str) -> str:
    """Return plain text as the HTML body Exchange makes of it."""
    lines = html.escape(text, quote=False).replace("\r\n", "\n").replace("\n", "<br>\r\n")
    return (
        '<html><head>\r\n<meta http-equiv="Content-Type" content="text/html; charset=utf-8">'
        "<!-- converted from text --></head>\r\n"
        f'<body>\r\n<div class="PlainText">{lines}</div>\r\n</body>\r\n</html>\r\n'
    )


def sanitized(markup: str) -> str:
    """Return HTML without what runs (graph.md 8.1, `outlook.allow-unsafe-html`)."""
    return _UNSAFE.sub("", markup)


def preview(body: dict[str, str]) -> str:
    """Return the first 255 characters of the words of a body."""
    words = text_of(body["content"]) if body["contentType"] == "html" else body["content"]
    return re.sub(r"[ \t]+", " ", words).strip()[:PREVIEW_CHARACTERS]


def unique(body: dict[str, str]) -> dict[str, str]:
    """Return the body without what it quotes from the mail it answers."""
    content = body["content"]
    pattern = _QUOTED_HTML if body["contentType"] == "html" else _QUOTED_TEXT
    if found := pattern.search(content):
        content = content[: found.start()]
    return {"contentType": body["contentType"], "content": content}


def in_format(body: dict[str, str], wanted: str, *, unsafe: bool = False) -> dict[str, str]:
    """Return the body as `html` or `text`."""
    content = body["content"]
    if wanted == "text" and body["contentType"] == "html":
        content = text_of(content)
    if wanted == "html" and body["contentType"] == "text":
        content = html_of(content)
    elif wanted == "html" and not unsafe:
        content = sanitized(content)
    return {"contentType": wanted, "content": content}
