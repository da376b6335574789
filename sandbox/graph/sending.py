"""Sending, replying and forwarding, between the mailboxes of the tenant."""

import html

from sandbox.graph import views
from sandbox.graph.compose import mime_of
from sandbox.graph.drafts import checked_file, new_draft, stored_file
from sandbox.graph.errors import bad_request
from sandbox.graph.mailbox import Mailbox, graph_time
from sandbox.graph.mailboxes import Mailboxes
from sandbox.graph.messages import WRITE, Messages, check_version, entity
from sandbox.graph.protocol import Answer, Call, Handler, Route
from sandbox.graph.text import in_format
from sandbox.store import Document

SEND = frozenset({"Mail.Send"})
_RECIPIENTS = ("toRecipients", "ccRecipients", "bccRecipients")
_PREFIX = {"reply": "RE: ", "replyAll": "RE: ", "forward": "FW: "}


class Sending:
    """Answers what sends mail. Recipients outside the tenant are accepted and never heard of."""

    def __init__(self, mailboxes: Mailboxes) -> None:
        self._mailboxes = mailboxes
        self._messages = Messages(mailboxes)

    def routes(self) -> list[Route]:
        """Return the operations served here."""
        one = "/users/{user}/messages/{message}"
        answering = [
            route
            for kind in _PREFIX
            for route in (
                Route("POST", f"{one}/{kind}", self._sends(kind), SEND),
                Route(
                    "POST", f"{one}/create{kind[0].upper()}{kind[1:]}", self._drafts(kind), WRITE
                ),
            )
        ]
        return [
            Route("POST", "/users/{user}/sendMail", self._send_mail, SEND),
            Route("POST", f"{one}/send", self._send, SEND),
            Route("POST", f"{one}/attachments", self._attach, WRITE),
            *answering,
        ]

    async def _send_mail(self, call: Call) -> Answer:
        mailbox = self._mailboxes.mailbox(call.parameters["user"])
        body = {name.lower(): value for name, value in call.json().items()}
        if not isinstance(body.get("message"), dict):
            raise bad_request("message is required.", "ErrorInvalidRequest")
        message, contents = new_draft(mailbox, body["message"])
        keep = body.get("savetosentitems")
        self._deliver(mailbox, message, contents, keep=keep is None or bool(keep))
        return Answer(202)

    async def _send(self, call: Call) -> Answer:
        mailbox, message = self._messages.find(call)
        check_version(call, message)
        _must_be_draft(message)
        self._send_draft(mailbox, message)
        return Answer(202)

    async def _attach(self, call: Call) -> Answer:
        mailbox, message = self._messages.find(call)
        _must_be_draft(message)
        kept = mailbox.contents(message)
        attachments = [*kept["attachments"], stored_file(checked_file(call.json()))]
        contents = {**kept, "attachments": attachments}
        contents["mime"] = mime_of(message, contents)
        message = mailbox.update(message, {}, contents=contents)
        return Answer(201, views.attachment(message, len(attachments) - 1, attachments[-1]))

    def _sends(self, kind: str) -> Handler:
        async def handler(call: Call) -> Answer:
            mailbox, original = self._messages.find(call)
            message, contents = _answering(mailbox, original, kind, call)
            self._deliver(mailbox, message, contents, keep=True)
            return Answer(202)

        return handler

    def _drafts(self, kind: str) -> Handler:
        async def handler(call: Call) -> Answer:
            mailbox, original = self._messages.find(call)
            message, contents = _answering(mailbox, original, kind, call)
            drafts = mailbox.folder("drafts")["id"]
            return entity(call, mailbox, mailbox.add(message, contents, drafts), status=201)

        return handler

    def _send_draft(self, mailbox: Mailbox, message: Document) -> None:
        """Send what is in Drafts: there it is deleted, in Sent Items created (graph.md 2.3)."""
        _must_have_recipients(message)
        sent = {"isDraft": False, "sentDateTime": graph_time(mailbox.now())}
        sent["receivedDateTime"] = sent["sentDateTime"]
        contents = mailbox.contents(message)
        raw = mime_of({**message, **sent}, contents)
        mailbox.replace_contents(message, {**contents, "mime": raw, "headers": None})
        mailbox.move(message, mailbox.folder("sentitems")["id"], sent)
        self._hand_over(message, raw)

    def _deliver(
        self, mailbox: Mailbox, message: Document, contents: Document, *, keep: bool
    ) -> None:
        _must_have_recipients(message)
        raw = contents["mime"]
        if keep:
            sent = {**message, "isDraft": False}
            mailbox.add(sent, {**contents, "headers": None}, mailbox.folder("sentitems")["id"])
        self._hand_over(message, raw)

    def _hand_over(self, message: Document, raw: str) -> None:
        given = [
            one["emailAddress"].get("address") or ""
            for name in _RECIPIENTS
            for one in message[name]
        ]
        for address in dict.fromkeys(address.lower() for address in given):
            if recipient := self._mailboxes.find(address):
                recipient.deliver(raw.encode("latin-1"))


def _must_be_draft(message: Document) -> None:
    if not message["isDraft"]:
        text = "The operation can be performed only on a draft."
        raise bad_request(text, "ErrorInvalidOperation")


def _must_have_recipients(message: Document) -> None:
    if not any(message[name] for name in _RECIPIENTS):
        text = "At least one recipient is not valid, Recipients are required to send a message."
        raise bad_request(text, "ErrorInvalidRecipients")


def _answering(
    mailbox: Mailbox, original: Document, kind: str, call: Call
) -> tuple[Document, Document]:
    """Return a reply to or forward of `original` with the comment and changes of the call."""
    given = call.json() if call.content else {}
    body = {name.lower(): value for name, value in given.items()}
    written = body.get("message") or {}
    if not isinstance(written, dict):
        raise bad_request("message must be an object.", "ErrorInvalidRequest")
    if "comment" in body and "body" in written:
        raise bad_request(
            "Specify comment or the body of message, not both.", "ErrorInvalidRequest"
        )
    if "torecipients" in body:
        written = {"toRecipients": body["torecipients"], **written}
    comment = html.escape(str(body.get("comment") or ""))
    earlier = in_format(original["body"], "html", unsafe=True)["content"]
    quoted = f'<hr><div id="divRplyFwdMsg"></div>{earlier}'
    stated = {
        "subject": _prefixed(_PREFIX[kind], original["subject"]),
        "body": {"contentType": "html", "content": f"<html><body>{comment}{quoted}</body></html>"},
        **_addressed(mailbox, original, kind),
        **written,
    }
    message, contents = new_draft(mailbox, stated)
    parent, chain = original["internetMessageId"], original["extended"].get("String 0x1039", "")
    references = f"{chain} {parent}".strip()
    message["extended"] |= {"String 0x1042": parent, "String 0x1039": references}
    message |= mailbox.conversation(
        message["internetMessageId"], in_reply_to=parent, references=references
    )
    if kind == "forward":
        contents["attachments"] += mailbox.contents(original)["attachments"]
    contents["mime"] = mime_of(message, contents)
    return message, contents


def _addressed(mailbox: Mailbox, original: Document, kind: str) -> Document:
    if kind == "forward":
        return {}
    sender = original["replyTo"] or [one for one in [original["from"]] if one]
    if kind == "reply":
        return {"toRecipients": sender}
    me = mailbox.person.upn.lower()
    others = {
        name: [
            one
            for one in original[name]
            if (one["emailAddress"].get("address") or "").lower() != me
        ]
        for name in ("toRecipients", "ccRecipients")
    }
    return {"toRecipients": sender + others["toRecipients"], "ccRecipients": others["ccRecipients"]}


def _prefixed(prefix: str, subject: str) -> str:
    return subject if subject.upper().startswith(prefix) else prefix + subject
