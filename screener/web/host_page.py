"""A clinic's own page, read as a browser would: is our snippet whole in it, and what would bar it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final, NamedTuple
from urllib.parse import urljoin, urlsplit

from screener.web.host_policy import (
    NEEDED_IN_SANDBOX,
    NEEDED_TO_CALL,
    Policy,
    lacks_of_sandbox,
    lets_frame,
    lets_script,
    read_policy,
)

LOADER: Final = "/e/v1.js"
_MARK: Final = "data-ms-clinic"
_LONGEST_REST: Final = 16 * 1024
_SCRIPT_TYPES: Final = frozenset({"", "text/javascript", "application/javascript"})
# Their text is shown or kept, not built into the page.
_INERT: Final = frozenset({"textarea", "template", "noscript"})


class Ours(NamedTuple):
    """What the page should hold: our address, the clinic's name in it, and the sites on its list."""

    home: str
    slug: str
    origins: Collection[str]

    @property
    def start(self) -> str:
        return f"{self.home}/c/{self.slug}"


@dataclass(frozen=True)
class HostPage:
    """A page as it was fetched, or as it was pasted: then nobody knows its address and headers."""

    html: str
    address: str = ""
    policies: Sequence[Policy] = ()
    # Cross-Origin-Embedder-Policy.
    embedder: str = ""

    @property
    def origin(self) -> str:
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


class Finding(NamedTuple):
    """What was seen, in words; what to do next; the site to put on the list, if that is what to do."""

    kind: str
    words: str
    step: str = ""
    site: str = ""


def good(words: str) -> Finding:
    return Finding("good", words)


def problem(words: str, step: str, site: str = "") -> Finding:
    return Finding("problem", words, step, site)


def note(words: str, step: str = "") -> Finding:
    return Finding("note", words, step)


# ---------------------------------------------------------------- reading


@dataclass
class Block:
    """The snippet's `<div>`: the clinic it names, how it is shown, and the links that stand in it."""

    clinic: str
    mode: str
    tag: str
    links: list[str] = field(default_factory=list)
    depth: int = 1


class Script(NamedTuple):
    src: str
    type: str
    nonce: str


class InnerFrame(NamedTuple):
    src: str
    srcdoc: str
    # None where there is no sandbox.
    sandbox: list[str] | None


class _Reader(HTMLParser):
    """Notes what concerns us; builds no tree, so nothing grows with the depth of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks: list[Block] = []
        self.scripts: list[Script] = []
        self.links: list[str] = []
        self.frames: list[InnerFrame] = []
        self.policies: list[Policy] = []
        self.shown_as_text = self.is_comment = False
        self._inert = 0
        self._open: Block | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _INERT:
            self._inert += 1
        if self._inert:
            return
        # Of two attributes of one name browsers take the first.
        given = {name: value or "" for name, value in reversed(attrs)}
        if self._open and tag == self._open.tag:
            self._open.depth += 1
        if _MARK in given:
            self._open = Block(given[_MARK], given.get("data-ms-mode", "auto"), tag)
            self.blocks.append(self._open)
        self._note(tag, given)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # HTML closes no element by a slash.
        self.handle_starttag(tag, attrs)

    def _note(self, tag: str, given: dict[str, str]) -> None:
        match tag:
            case "a":
                self.links.append(given.get("href", ""))
                if self._open:
                    self._open.links.append(given.get("href", ""))
            case "script":
                src = _readable(given.get("src") or given.get("data-src") or "")
                kind = given.get("type", "").strip().lower() if "src" in given else "data-src"
                self.scripts.append(Script(src, kind, given.get("nonce", "")))
            case "iframe":
                sandbox = given["sandbox"].split() if "sandbox" in given else None
                src = _readable(given.get("src", ""))
                self.frames.append(InnerFrame(src, given.get("srcdoc", ""), sandbox))
            case "meta" if given.get("http-equiv", "").lower() == "content-security-policy":
                # A page itself can neither sandbox itself nor say who frames it.
                policy = read_policy(given.get("content", ""))
                self.policies.append({name: of for name, of in policy.items() if name != "sandbox"})

    def handle_endtag(self, tag: str) -> None:
        if tag in _INERT and self._inert:
            self._inert -= 1
        elif self._open and not self._inert and tag == self._open.tag:
            self._open.depth -= 1
            if not self._open.depth:
                self._open = None

    def handle_data(self, data: str) -> None:
        if _MARK in data and self.cdata_elem is None:
            self.shown_as_text = True

    def handle_comment(self, data: str) -> None:
        self.is_comment = self.is_comment or _MARK in data

    def parse_marked_section(self, i: int, report: int = 1) -> int:  # noqa: ARG002 - its name there
        # `<![CDATA[` and the like are comments in HTML; the standard library stumbles over some.
        return self.parse_bogus_comment(i)


def _readable(address: str) -> str:
    """Without outer blanks; empty where it is malformed, as browsers then load nothing."""
    try:
        urlsplit(address.strip())
    except ValueError:
        return ""
    return address.strip()


def _read(html: str) -> _Reader:
    reader = _Reader()
    reader.feed(html)
    # The parser would look at a long rest that never ends again and again.
    if len(reader.rawdata) <= _LONGEST_REST:
        reader.close()
    return reader


# ---------------------------------------------------------------- judging


def judge(page: HostPage, ours: Ours) -> list[Finding]:
    """All there is to say, what must be mended first."""
    reader = _read(page.html)
    found = next(
        (_judge_inner(page, frame, ours) for frame in reader.frames if _MARK in frame.srcdoc),
        None,
    ) or _judge_read(reader, page, ours)
    order = ("problem", "note", "good")
    return sorted(found, key=lambda one: order.index(one.kind))


def _judge_read(reader: _Reader, page: HostPage, ours: Ours) -> list[Finding]:
    found = [*_judge_snippet(reader, page, ours)]
    is_framed = any(block.clinic == ours.slug and block.mode != "link" for block in reader.blocks)
    if is_framed and any(_is_loader(script, page, ours) for script in reader.scripts):
        found += _judge_around(reader, page, ours)
    return [*found, *_judge_bare_frames(reader, page, ours)]


def _judge_snippet(reader: _Reader, page: HostPage, ours: Ours) -> Iterator[Finding]:
    mine = [block for block in reader.blocks if block.clinic == ours.slug]
    for other in dict.fromkeys(block.clinic for block in reader.blocks if block.clinic != ours.slug):
        yield problem(
            f"A snippet on this page is for another clinic: “{other[:40]}”.",
            f"Replace it by the snippet on this page, which says “{ours.slug}”.",
        )
    if mine:
        yield from _judge_blocks(mine, ours)
        yield from _judge_loader(reader, page, ours)
    elif not reader.blocks:
        yield _without_block(reader, page, ours)


def _judge_blocks(mine: list[Block], ours: Ours) -> Iterator[Finding]:
    how_often = "" if len(mine) == 1 else f", {len(mine)} times"
    yield good(f"The snippet for “{ours.slug}” is on the page{how_often}.")
    for block in mine:
        if not block.links:
            yield problem(
                "The link inside the snippet is gone, so nothing can start.",
                "Delete the snippet from your page and paste all of it again.",
            )
        elif not any(_leads_to(link, ours) for link in block.links):
            yield problem(
                f"The link inside the snippet leads elsewhere: {block.links[0][:80]}",
                f"Paste the snippet again: its link is {ours.start}",
            )


def _leads_to(link: str, ours: Ours) -> bool:
    return link.strip().split("?", 1)[0].split("#", 1)[0] == ours.start


def _without_block(reader: _Reader, page: HostPage, ours: Ours) -> Finding:
    if any(_leads_to(link, ours) for link in reader.links):
        return good(
            "Your page links to the questionnaire: that is the link version, and it works everywhere."
        )
    if reader.shown_as_text:
        return problem(
            "The snippet stands on the page as text for people to read.",
            "Delete it, add a block for HTML or code, and paste the snippet into that one.",
        )
    if reader.is_comment:
        return problem(
            "The snippet is inside a comment, so browsers skip it.",
            "Paste it again, outside of <!-- and -->.",
        )
    if any(_is_loader(script, page, ours) for script in reader.scripts):
        return problem(
            "Only the last line of the snippet is there; the block with the link is missing.",
            "Paste all of the snippet again, or use the link version.",
        )
    return problem(
        "There is no snippet on this page.",
        "Paste it, publish the page and check again. If your website builder shows it only to visitors with"
        " scripts, paste the page's HTML below.",
    )


def _is_loader(script: Script, page: HostPage, ours: Ours) -> bool:
    # Pasted HTML does not say where a path of its own would lead, only that it is none of ours.
    base = page.address or f"{urlsplit(ours.home).scheme}://pasted.invalid/"
    # Builders add a version to the address.
    return urljoin(base, script.src).split("?", 1)[0] == ours.home + LOADER


def _judge_loader(reader: _Reader, page: HostPage, ours: Ours) -> Iterator[Finding]:
    """The script that turns the link into the questionnaire."""
    loaders = [script for script in reader.scripts if _is_loader(script, page, ours)]
    if any(script.type in _SCRIPT_TYPES for script in loaders):
        yield good("The script that shows the questionnaire is there.")
    elif loaders:
        yield problem(
            "Something on your website holds the script back, as tools for cookie consent or speed do.",
            f"Tell that tool to leave {ours.home}{LOADER} alone. It sets no cookie and tracks nobody.",
        )
    elif others := [s.src for s in reader.scripts if urlsplit(s.src).path == LOADER]:
        yield problem(
            f"The script comes from another address: {others[0][:80]}",
            f"Paste the snippet again: its script is {ours.home}{LOADER}",
        )
    else:
        yield problem(
            "Your website took the script out of the snippet. Visitors see the link, and it works.",
            "Keep the link, or ask whoever runs the website to paste the snippet:"
            " most builders allow scripts to administrators or on larger plans.",
        )


def _judge_around(reader: _Reader, page: HostPage, ours: Ours) -> Iterator[Finding]:
    """What bars a whole snippet: the list of sites, and the page's own policies."""
    yield from _judge_origin(page, ours)
    nonces = [script.nonce for script in reader.scripts if _is_loader(script, page, ours)]
    policies = [*page.policies, *reader.policies]
    if not all(
        any(lets_script(policy, ours.home + LOADER, nonce) for nonce in nonces) for policy in policies
    ):
        yield problem(
            "A security setting of your website (Content-Security-Policy) blocks the script.",
            f"Ask whoever runs the website to add {ours.home} to script-src. Until then the link works.",
        )
    if not all(lets_frame(policy, ours.start) for policy in policies):
        yield problem(
            "A security setting of your website (Content-Security-Policy) blocks the frame.",
            f"Ask whoever runs the website to add {ours.home} to frame-src. Until then the link works.",
        )
    if page.embedder.split(";")[0].strip().lower() in {"require-corp", "credentialless"}:
        yield problem(
            "A security setting of your website (Cross-Origin-Embedder-Policy) blocks the frame.",
            "Use the link version on this page.",
        )
    sandboxes = [policy["sandbox"] for policy in page.policies if "sandbox" in policy]
    for granted in sandboxes:
        yield from _judge_sandbox(granted)


def _judge_origin(page: HostPage, ours: Ours) -> Iterator[Finding]:
    if not page.origin:
        yield note(
            "Pasted HTML does not tell its address.", "See that the page's site is on the list of websites."
        )
    elif page.origin in ours.origins:
        yield good(f"{page.origin} is on your list of websites.")
    else:
        yield problem(
            f"{page.origin} is not on your list of websites, so visitors there see the link alone.",
            "Add it to the list.",
            page.origin,
        )


def _judge_sandbox(granted: list[str] | None) -> Iterator[Finding]:
    lacking = lacks_of_sandbox(granted, NEEDED_IN_SANDBOX)
    if lacking:
        yield problem(
            f"The questionnaire sits in a sandboxed frame without {', '.join(lacking)}.",
            "Use the link version there: in such a frame forms can't be sent.",
        )
    elif lacking := lacks_of_sandbox(granted, NEEDED_TO_CALL):
        yield problem(
            "In this sandboxed frame the button that calls 911 does nothing.",
            f"Add {' '.join(lacking)} to its sandbox, or use the link version.",
        )


def _judge_inner(page: HostPage, frame: InnerFrame, ours: Ours) -> list[Finding]:
    """The snippet inside a frame that the builder wrote into the page."""
    inner = _judge_read(_read(frame.srcdoc), page, ours)
    barred = list(_judge_sandbox(frame.sandbox))
    return barred + [one for one in inner if one.kind != "good" or not barred]


def _judge_bare_frames(reader: _Reader, page: HostPage, ours: Ours) -> Iterator[Finding]:
    """Our pages framed by hand, or a builder's frame that may hold the snippet out of our sight."""
    for frame in reader.frames:
        src = urljoin(page.address, frame.src)
        if src.startswith(f"{ours.home}/c/"):
            yield from _judge_sandbox(frame.sandbox)
            yield note(
                "The page frames the questionnaire by itself, without the snippet.",
                "Use the snippet instead: it fits the height and shows a link on phones.",
            )
        elif (host := urlsplit(src).hostname or "").endswith(".filesusr.com") and not reader.blocks:
            site = f"https://{host}"
            if site in ours.origins:
                yield note(
                    f"The page holds a Wix frame from {site}, which is on your list. We can't look into it.",
                    "Open your page and see whether the questionnaire shows.",
                )
            else:
                yield problem(
                    f"The page holds a Wix frame from {site}, which is not on your list of websites.",
                    "If the snippet is in it, add that site, or use the link version.",
                    site,
                )
