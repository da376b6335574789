import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.clock import Clock
from sandbox.graph.drafts import new_draft
from sandbox.graph.errors import GraphError
from sandbox.graph.mailboxes import Mailboxes
from sandbox.graph.mime import parse
from sandbox.store import Document, Store
from sandbox.tenant import make_tenant

TENANT = make_tenant(1)
MAILBOX = Mailboxes(TENANT, Store(), Clock()).mailbox(TENANT.people[0].upn)


def written(body: Document) -> tuple[Document, Document]:
    """Return what a draft's MIME says when it is read, and the draft."""
    message, contents = new_draft(MAILBOX, body)
    return parse(contents["mime"].encode("latin-1")), message


def test_what_was_written_is_what_is_read() -> None:
    read, message = written(
        {
            "subject": "Größe, “quoted”",
            "body": {"contentType": "HTML", "content": "<p>Ünï</p>"},
            "importance": "high",
            "toRecipients": [{"emailAddress": {"name": "Doe, Jane", "address": "j@x.example"}}],
            "internetMessageHeaders": [{"name": "X-Mine", "value": "1"}],
        }
    )
    assert read["subject"] == "Größe, “quoted”"
    assert read["body"]["content"].strip() == "<p>Ünï</p>"
    assert read["importance"] == "high"
    assert read["toRecipients"] == message["toRecipients"]
    assert read["messageId"] == message["internetMessageId"]
    assert read["threadIndex"] == message["conversationIndex"]
    assert {"name": "X-Mine", "value": "1"} in read["headers"]


@pytest.mark.parametrize(
    "header", [{"name": "Subject", "value": "x"}, {"name": "x-a", "value": "1\r\nBcc: spy@x"}]
)
def test_headers_that_may_not_be_set(header: dict[str, str]) -> None:
    with pytest.raises(GraphError):
        new_draft(MAILBOX, {"internetMessageHeaders": [header]})


@pytest.mark.parametrize("message_id", ["", "[foo]", "<a b@c>", "<ä@b>", "a@b"])
def test_message_ids_that_may_not_be_set(message_id: str) -> None:
    with pytest.raises(GraphError):
        new_draft(MAILBOX, {"internetMessageId": message_id})


TEXT = st.text(max_size=30)
SOMEONE = st.fixed_dictionaries(
    {"emailAddress": st.fixed_dictionaries({"name": TEXT, "address": TEXT})}
)


@settings(max_examples=300, deadline=None)
@given(
    st.fixed_dictionaries(
        {
            "subject": TEXT,
            "internetMessageId": st.just("<a@b>"),
            "from": SOMEONE,
            "toRecipients": st.lists(SOMEONE, max_size=3),
            "replyTo": st.lists(SOMEONE, max_size=2),
            "body": st.fixed_dictionaries(
                {"contentType": st.sampled_from(["text", "html"]), "content": TEXT}
            ),
            "attachments": st.lists(
                st.fixed_dictionaries(
                    {
                        "@odata.type": st.just("#microsoft.graph.fileAttachment"),
                        "name": TEXT,
                        "contentBytes": st.just("aGk="),
                        "contentType": st.one_of(TEXT, st.just("message/rfc822"), st.none()),
                        "contentId": st.one_of(TEXT, st.none()),
                    }
                ),
                max_size=2,
            ),
        }
    )
)
def test_whatever_is_written_can_be_sent(body: Document) -> None:
    new_draft(MAILBOX, body)
