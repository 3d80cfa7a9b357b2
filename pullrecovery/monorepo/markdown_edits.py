"""Small edits to Markdown pages and to a sidebars file that preserve the other text."""

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from pathlib import Path, PurePosixPath

_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]*)\]\((?P<to>[^)\s]+)\)")
_FENCE = re.compile(r"^\s*(```|~~~)")
_FRONT = re.compile(r"\A---\n(?P<lines>.*?\n)---\n", re.DOTALL)
_PLAIN = re.compile(r"[a-z_]+: [\w/][^:#\[\]{}]*")


def fix_front_matter(text: str, page_id: str) -> str:
    """Make the front matter valid: keep plain `key: value` lines, and remove the others.

    A missing id is set to `page_id`, and a missing title is made from it.
    """
    front = _FRONT.match(text)
    body = text[front.end() :] if front else text
    lines = front["lines"].splitlines() if front else []
    kept = [line for line in lines if _PLAIN.fullmatch(line) and not line.startswith("draft:")]
    keys = {line.partition(":")[0] for line in kept}
    missing = {"id": page_id, "title": page_id.replace("-", " ").capitalize()}
    made = [f"{key}: {value}" for key, value in missing.items() if key not in keys]
    return "\n".join(["---", *made, *kept, "---", ""]) + body


def escape_line(text: str, line: int) -> str:
    """Escape text that MDX reads as JSX in `line` (from 1), or in the last line before it."""
    lines = text.splitlines(keepends=True)
    for at in range(min(line, len(lines)) - 1, -1, -1):
        escaped = re.sub(r"(`[^`]*`)|(?<!\\)([<{}])", _escape, lines[at])
        if escaped != lines[at]:
            return "".join((*lines[:at], escaped, *lines[at + 1 :]))
    return text


def _escape(match: re.Match[str]) -> str:
    return match[1] or f"\\{match[2]}"


def fix_links(text: str, file: Path, pages: Iterable[Path], broken: str) -> str:
    """Point broken links of `file` to the nearest page or heading, or remove the links.

    `broken` is a link that the build reported, as written or as the path that it resolves to.
    """
    known = {page.resolve(): page for page in pages}

    def moved(link: re.Match[str]) -> str:
        to = _fixed(link["to"], file, list(known.values()), broken)
        return f"[{link['text']}]({to})" if to else link["text"]

    return _outside_code(text, lambda line: _LINK.sub(moved, line))


def _fixed(to: str, file: Path, pages: list[Path], broken: str) -> str:
    """The correct target of a link; '' if there is none."""
    path, _, anchor = to.partition("#")
    if ":" in path or path.startswith("/"):
        return "" if to == broken else to
    leads_to = (file.parent / path).resolve() if path else file
    if not leads_to.is_file():
        names = {page.name: page for page in pages}
        near = get_close_matches(PurePosixPath(path).name, names, 1)
        if not near:
            return ""
        leads_to = names[near[0]]
        path = _relative(leads_to, file)
    if not anchor:
        return path
    anchors = anchors_of(leads_to.read_text(encoding="utf-8"))
    if anchor in anchors:
        return f"{path}#{anchor}"
    near = get_close_matches(anchor, anchors, 1)
    return f"{path}#{near[0]}" if near else path


def anchors_of(text: str) -> list[str]:
    """The anchors of a page's headings, as GitHub and Docusaurus derive them."""
    titles = re.findall(r"(?m)^#{2,6} (.+)$", text)
    return [re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles]


def _relative(page: Path, file: Path) -> str:
    up = Path(*[".."] * len(file.parent.relative_to(_common(page, file)).parts))
    return f"./{(up / page.relative_to(_common(page, file))).as_posix()}"


def _common(page: Path, file: Path) -> Path:
    return next(parent for parent in page.parents if file.is_relative_to(parent))


def add_link(text: str, title: str, page: Path, file: Path) -> str:
    """Append a sentence that links to `page` to `text`, the content of `file`."""
    return f"{text.rstrip()}\n\nSee [{title}]({_relative(page, file)}).\n"


def show_in_sidebar(text: str) -> str:
    """Remove the front matter keys of a page that hide it from every sidebar."""
    matched = _FRONT.match(text)
    if not matched:
        return text
    front = re.sub(r"(?m)^(unlisted|displayed_sidebar):.*\n", "", matched[0])
    return front + text[matched.end() :]


def add_to_sidebars(text: str, page_id: str, beside: Iterable[str]) -> str:
    """Insert the page's id after the first id of `beside` that the sidebars file lists.

    A file that lists the page, or none of `beside`, is returned unchanged.
    """
    if re.search(rf"(['\"]){re.escape(page_id)}\1", text):
        return text
    for neighbour in beside:
        entry = re.search(rf"(['\"]){re.escape(neighbour)}\1", text)
        if entry:
            quoted = f"{entry[1]}{page_id}{entry[1]}"
            return f"{text[: entry.end()]}, {quoted}{text[entry.end() :]}"
    return text


def add_section(text: str, section: str) -> str:
    """Append a section to the page."""
    return f"{text.rstrip()}\n\n{section.rstrip()}\n"


def rename(text: str, old: str, new: str) -> str:
    """Replace every `old` that is a whole name with `new`."""
    return re.sub(rf"(?<![\w.-]){re.escape(old)}(?![\w-])", new, text)


def correct_rows(text: str, having: str, old: str, new: str) -> str:
    """Replace `old` with `new` in the table rows that have a cell equal to `having`."""

    def corrected(line: str) -> str:
        cells = [cell.strip(" `") for cell in line.split("|")]
        return rename(line, old, new) if line.startswith("|") and having in cells else line

    return _outside_code(text, corrected)


def replace_picture(text: str, source: str) -> str:
    """Replace a missing picture with its `alt` text."""

    def alternative(image: re.Match[str]) -> str:
        alt = re.search(r"alt=\"([^\"]*)\"", image[0])
        return f"({alt[1]})" if alt else ""

    return re.sub(rf"<img\b[^>]*src=\"{re.escape(source)}\"[^>]*>", alternative, text)


def _outside_code(text: str, change: Callable[[str], str]) -> str:
    """Apply `change` to every line outside fenced blocks."""
    fenced, lines = False, []
    for line in text.splitlines(keepends=True):
        fenced ^= bool(_FENCE.match(line))
        lines.append(line if fenced or _FENCE.match(line) else change(line))
    return "".join(lines)
