"""Read a built site in a browser; this is a separate program, run with playwright on its path.

`python -m pullrecovery.lab.docs_site.chromium_script` reads one JSON object from stdin and prints
one.

Input: `browser` (the program to run), `site` (directory of the built files), `page` (path of the
page), `referring` (paths of pages that should link to it), `screenshot` (the file to write).

Output: `page`, as `_LOOK` returns it; `followed`, the path that each referring page's link leads to
when clicked, or '' without a link; `errors`, the errors in the browser.
"""

import json
import mimetypes
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from playwright.sync_api import Page, Route, sync_playwright

# Nothing listens at this address: every request is answered from the directory.
_ORIGIN = "http://site.invalid"
_DEADLINE = 90_000
_LOOK = """() => {
  const main = document.querySelector('article') || document.querySelector('main');
  // Headings end with the sign of their own link, which takes no room.
  const text = (node) => (node ? node.innerText.replaceAll('\\u200b', '').trim() : '');
  const all = (selector) => (main ? [...main.querySelectorAll(selector)] : []);
  const level = (node) => (/^H[1-6]$/.test(node.tagName) ? Number(node.tagName[1]) : 7);
  const below = (heading) => {
    const parts = [];
    let next = heading.nextElementSibling;
    for (; next && level(next) > level(heading); next = next.nextElementSibling) {
      parts.push(text(next));
    }
    return parts.join('\\n').trim();
  };
  // Each line is a block that ends with a line break: as displayed, every other one is blank.
  const lines = (node) => {
    const copy = node.cloneNode(true);
    copy.querySelectorAll('br').forEach((each) => each.replaceWith('\\n'));
    return copy.textContent;
  };
  return {
    title: document.title,
    text: text(main),
    sections: all('h2, h3').map((node) => [level(node), node.id, text(node), below(node)]),
    menu: [...document.querySelectorAll('nav.menu a[href]')].map((node) => node.pathname),
    rows: all('table tr').map((row) => [...row.cells].map(text)),
    code: all('pre code').map(lines),
  };
}"""


def main() -> None:
    """Read the pages that stdin names, and print the result."""
    asked = json.load(sys.stdin)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=asked["browser"], args=["--disable-dev-shm-usage"], timeout=_DEADLINE
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(_DEADLINE)
        json.dump(_visit(page, asked), sys.stdout)
        browser.close()


def _visit(page: Page, asked: dict[str, Any]) -> dict[str, Any]:
    """Return the content of the page, then follow the links of the referring pages to it."""
    site, errors = Path(asked["site"]), list[str]()
    page.route("**/*", lambda route: _answer(route, site, errors))
    page.on("pageerror", lambda error: errors.append(f"{_path(page)}: {error.message}"))
    page.on(
        "console",
        lambda said: errors.append(f"{_path(page)}: {said.text}") if said.type == "error" else None,
    )
    page.goto(_ORIGIN + asked["page"], wait_until="load")
    seen = page.evaluate(_LOOK)
    page.screenshot(path=asked["screenshot"], full_page=True)
    followed = []
    for path in asked["referring"]:
        page.goto(_ORIGIN + path, wait_until="load")
        followed.append(_follow(page, asked["page"]))
    return {"page": seen, "followed": followed, "errors": errors}


def _follow(page: Page, wanted: str) -> str:
    """Click the first link to `wanted` in the text.

    Return the path it leads to, or '' without a link.
    """
    link = page.locator(f'article a[href="{wanted}"], article a[href^="{wanted}#"]').first
    if link.count() == 0:
        return ""
    link.click()
    page.wait_for_url(lambda url: urlsplit(url).path == wanted)
    return _path(page)


def _answer(route: Route, site: Path, errors: list[str]) -> None:
    """Answer with the file that a static web server would send; record missing files as errors."""
    url = urlsplit(route.request.url)
    file = (site / unquote(url.path).lstrip("/")).resolve()
    file = file / "index.html" if file.is_dir() else file
    named = f"{url.scheme}://{url.netloc}" == _ORIGIN and file.is_relative_to(site.resolve())
    if named and file.is_file():
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        route.fulfill(status=200, content_type=kind, body=file.read_bytes())
        return
    errors.append(f"nothing answers {route.request.url}")
    route.fulfill(status=404, body="")


def _path(page: Page) -> str:
    return str(urlsplit(page.url).path)


if __name__ == "__main__":
    main()
