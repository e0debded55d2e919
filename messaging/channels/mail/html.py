"""HTML of a mail: cleaned for display, and made text where the mail has no other."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Final

import nh3

from messaging.channels.text import clean

MAX_HTML_LENGTH: Final = 500_000  # characters of the cleaned HTML
MAX_SOURCE_LENGTH: Final = 2_000_000  # characters that are looked at
_MAX_ENTITIES: Final = 100_000  # the cleaner takes more than linear time for them
_DEEPEST: Final = 200  # elements inside each other; beyond it nothing is shown

_TAGS: Final = {
    "a", "abbr", "address", "article", "aside", "b", "bdi", "bdo", "big", "blockquote", "br", "caption", "center",
    "cite", "code", "col", "colgroup", "dd", "del", "details", "dfn", "div", "dl", "dt", "em", "figcaption", "figure",
    "font", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "i", "img", "ins", "kbd", "li", "main",
    "mark", "nav", "ol", "p", "pre", "q", "rp", "rt", "ruby", "s", "samp", "section", "small", "span", "strike",
    "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "time", "tr", "tt", "u", "ul",
    "var", "wbr",
}  # fmt: skip
_CELL: Final = {"align", "valign", "bgcolor", "width", "height", "colspan", "rowspan", "style"}
_ATTRIBUTES: Final = {
    "*": {"style", "dir", "lang", "title", "align"},
    "a": {"href", "name"},
    "img": {"src", "alt", "width", "height", "border", "hspace", "vspace"},
    "table": {"width", "height", "border", "cellpadding", "cellspacing", "bgcolor", "summary"},
    "td": _CELL, "th": _CELL, "tr": _CELL, "col": {"width", "span"}, "colgroup": {"width", "span"},
    "font": {"color", "face", "size"}, "ol": {"start", "type", "reversed"}, "ul": {"type"}, "li": {"value", "type"},
    "blockquote": {"type"}, "hr": {"width", "size", "color", "noshade"}, "time": {"datetime"},
}  # fmt: skip
# Neither position nor url() nor anything that leaves the mail's own box.
_STYLES: Final = {
    "background-color", "border", "border-bottom", "border-bottom-color", "border-bottom-style", "border-bottom-width",
    "border-collapse", "border-color", "border-left", "border-left-color", "border-left-style", "border-left-width",
    "border-radius", "border-right", "border-right-color", "border-right-style", "border-right-width", "border-spacing",
    "border-style", "border-top", "border-top-color", "border-top-style", "border-top-width", "border-width", "color",
    "direction", "font", "font-family", "font-size", "font-style", "font-variant", "font-weight", "height",
    "letter-spacing", "line-height", "list-style-type", "margin", "margin-bottom", "margin-left", "margin-right",
    "margin-top", "max-width", "min-width", "padding", "padding-bottom", "padding-left", "padding-right",
    "padding-top", "table-layout", "text-align", "text-decoration", "text-indent", "text-transform", "vertical-align",
    "white-space", "width", "word-break", "word-spacing", "word-wrap", "overflow-wrap",
}  # fmt: skip
_DATA_IMAGE: Final = re.compile(r"data:image/(?:png|jpe?g|gif);base64,[A-Za-z0-9+/=\s]{1,400000}", re.IGNORECASE)
_CSS_FUNCTION: Final = re.compile(r"url|image|expression|attr|var|env|src|@|\\|/\*", re.IGNORECASE)


def _attribute(tag: str, name: str, value: str) -> str | None:
    """The attribute's value, or None to leave it out."""
    if name in ("src", "href"):
        scheme = value.strip().casefold()[:12]
        allowed = ("http://", "https://", "cid:") if name == "src" else ("http://", "https://", "mailto:", "tel:")
        if scheme.startswith(allowed) or (name == "src" and tag == "img" and _DATA_IMAGE.fullmatch(value.strip())):
            return value
        return None
    return None if name == "style" and _CSS_FUNCTION.search(value) else value


def clean_html(html: str) -> str:
    """The HTML fit to be shown in a sandboxed frame; empty when nothing of it is, or it is beyond measure.

    No script, style sheet, form, frame, handler or address that runs something. Remote images stay: the frame's policy
    holds them back until somebody asks for them.
    """
    html = _plain_markup(clean(html)[:MAX_SOURCE_LENGTH])
    if html.count("&") > _MAX_ENTITIES or _depth(html) > _DEEPEST:
        return ""
    cleaned = nh3.clean(
        html,
        tags=_TAGS,
        clean_content_tags={"script", "style", "title", "head", "noscript", "template", "textarea", "select", "object",
                            "iframe", "svg", "math", "xmp"},
        attributes=_ATTRIBUTES,
        attribute_filter=_attribute,
        url_schemes={"http", "https", "mailto", "tel", "cid", "data"},
        filter_style_properties=_STYLES,
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
        strip_comments=True,
    )  # fmt: skip
    return clean(cleaned).strip() if len(cleaned) <= MAX_HTML_LENGTH else ""


_DECLARATION: Final = re.compile(r"<[!?][^>]{0,300}>")
_STRAY: Final = re.compile(r"<(?![a-zA-Z/])")
_BARE_AND: Final = re.compile(r"&(?!#?\w{1,32};)")


def _plain_markup(html: str) -> str:
    """The HTML without comments and declarations, and with no "<" that opens no tag.

    Parsers look for the end of each of them, and of each "&" that begins nothing, again and again: more than linear.
    """
    pieces, position = [], 0
    while (start := html.find("<!--", position)) >= 0:
        pieces.append(html[position:start])
        end = html.find("-->", start + 2)
        if end < 0:
            position = len(html)
            break
        position = end + 3
    html = _DECLARATION.sub("", "".join([*pieces, html[position:]]))
    html = _BARE_AND.sub("&amp;", html)
    last = html.rfind(">") + 1
    return _STRAY.sub("&lt;", html[:last]) + html[last:].replace("<", "&lt;")


_TAG: Final = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,20})")
_VOID: Final = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr",
     "p", "li", "td", "tr", "th", "dd", "dt", "option")
)  # fmt: skip


def _depth(html: str) -> int:
    """How deep elements lie inside each other, roughly: a tree of a hundred thousand levels costs too much to build."""
    depth = deepest = 0
    for closing, name in _TAG.findall(html):
        if name.casefold() in _VOID:
            continue
        depth = max(0, depth - 1) if closing else depth + 1
        deepest = max(deepest, depth)
    return deepest


_BLOCKS: Final = frozenset(
    ("p", "div", "table", "ul", "ol", "dl", "blockquote", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "section",
     "article", "header", "footer", "address", "center", "figure", "form", "fieldset", "main", "nav", "aside")
)  # fmt: skip
_APART: Final = frozenset(("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "blockquote", "pre", "table"))
_SKIPPED: Final = frozenset(("script", "style", "head", "title", "template", "noscript", "object", "svg", "math"))
_QUOTE_CLASSES: Final = (
    "gmail_quote", "gmail_extra", "yahoo_quoted", "moz-cite-prefix", "protonmail_quote", "zmail_extra", "moz-forward",
    "tutanota_quote", "moz-email-headers-table", "gmail_attr", "outlookmessageheader", "wordsection1_quote",
    "airmail_original", "cm_quote", "freebirdquoted", "hmmessage_quote", "ms-outlook-mobile-reference-message",
)  # fmt: skip
_QUOTE_IDS: Final = (
    "divrplyfwdmsg", "appendonsend", "replyblockquote", "yahoo_quoted", "olk_src_body_section", "isforwardcontent",
    "mail-editor-reference-message-container", "ms-outlook-mobile-reference-message", "x_divrplyfwdmsg",
    "x_appendonsend", "reply-intro", "lastplaintext", "oriMsgHtmlSeperator".casefold(), "qt", "zwchr",
)  # fmt: skip
_OUTLOOK_BORDER: Final = re.compile(r"border:none;border-top:solid#[a-f0-9]{3,6}1\.0pt;padding:3\.0pt0", re.IGNORECASE)
QUOTED: Final = "\ue000"  # marks, in the text, where the quoted part begins: a character that no mail may keep


class _Reader(HTMLParser):
    """Collects the text; links, lists and tables stay readable."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.skipping = 0
        self.preformatted = 0
        self.lists: list[int] = []
        self.links: list[tuple[str, int]] = []
        self.has_quote = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SKIPPED:
            self.skipping += 1
            return
        attributes = {name: value or "" for name, value in attrs}
        if not self.has_quote and _is_quote(tag, attributes):
            self.has_quote = True
            self.parts.append(f"\n{QUOTED}\n")
        if tag in _BLOCKS:
            self.parts.append("\n\n" if tag in _APART else "\n")
        self._open(tag, attributes)

    def _open(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "br" or tag == "tr":
            self.parts.append("\n")
        elif tag == "hr":
            self.parts.append("\n----------\n")
        elif tag in ("td", "th"):
            self.parts.append("\t")
        elif tag in ("ul", "ol"):
            self.lists.append(0 if tag == "ol" else -1)
        elif tag == "li":
            self.parts.append(self._bullet())
        elif tag == "a":
            self.links.append((attributes.get("href", "").strip(), len(self.parts)))
        elif tag == "img" and attributes.get("alt", "").strip():
            self.parts.append(f"[{attributes['alt'].strip()[:200]}]")
        elif tag == "pre":
            self.preformatted += 1

    def _bullet(self) -> str:
        if self.lists and self.lists[-1] >= 0:
            self.lists[-1] += 1
            return f"\n{self.lists[-1]}. "
        return "\n- "

    def handle_endtag(self, tag: str) -> None:
        if tag in _SKIPPED:
            self.skipping = max(0, self.skipping - 1)
        elif tag == "a" and self.links:
            self._close_link()
        elif tag in ("ul", "ol") and self.lists:
            self.lists.pop()
        elif tag == "pre":
            self.preformatted = max(0, self.preformatted - 1)
        if tag in _BLOCKS:
            self.parts.append("\n\n" if tag in _APART else "\n")

    def _close_link(self) -> None:
        href, start = self.links.pop()
        label = "".join(self.parts[start:])[:2000] if len(self.parts) - start < 50 else ""
        if href.casefold().startswith(("http://", "https://", "mailto:", "tel:")) and not _same_link(label, href):
            self.parts.append(f" ({href[:2000]})" if label.strip() else "")

    def handle_data(self, data: str) -> None:
        if not self.skipping:
            data = data.replace(QUOTED, "")
            self.parts.append(data if self.preformatted else re.sub(r"[ \t\n\r\xa0]+", " ", data))


def _same_link(text: str, href: str) -> bool:
    text = text.strip().casefold().rstrip("/")
    bare = href.casefold().rstrip("/")
    for prefix in ("mailto:", "tel:", "https://", "http://"):
        bare = bare.removeprefix(prefix)
    return text.removeprefix("https://").removeprefix("http://") in (bare, bare.removeprefix("www.")) or not text


def _is_quote(tag: str, attributes: dict[str, str]) -> bool:
    """Whether an element is what a mail program puts around the mail that is answered."""
    if tag == "blockquote" and attributes.get("type", "").casefold() == "cite":
        return True
    if attributes.get("id", "").casefold() in _QUOTE_IDS:
        return True
    classes = attributes.get("class", "").casefold()
    if any(name in _QUOTE_CLASSES for name in classes.split()[:20]):
        return True
    style = attributes.get("style", "")
    return tag == "div" and "border-top" in style and bool(_OUTLOOK_BORDER.match(re.sub(r"\s+", "", style[:300])))


_GAP: Final = re.compile(r"[ \t]+")


def _between_cells(gap: re.Match[str]) -> str:
    return "  " if "\t" in gap[0] else gap[0]


def to_text(html: str) -> tuple[str, str]:
    """The text of the HTML, and apart from it the text of the mails that its program quotes in it."""
    reader = _Reader()
    try:
        reader.feed(_plain_markup(clean(html)[:MAX_SOURCE_LENGTH]))
        reader.close()
    except (AssertionError, ValueError, RecursionError):
        reader.parts.append(" ")  # what was read so far stands
    text = "".join(reader.parts)
    lines = (_GAP.sub(_between_cells, line).strip() for line in clean(text).split("\n"))
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    above, _, quoted = text.partition(QUOTED)
    if not above.strip():
        return quoted.strip(), ""
    return above.strip(), quoted.strip()
