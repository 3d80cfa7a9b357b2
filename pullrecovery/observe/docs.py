"""Observe the REG-007 page and the docs site that it belongs to."""

from pullrecovery.model.docs_site import DocsPage
from pullrecovery.model.not_observed import NotObserved
from pullrecovery.world.read_only import ReadOnlyWorld


def observe_docs(world: ReadOnlyWorld) -> DocsPage | NotObserved:
    """Build the target's docs site and read it in a browser.

    NotObserved if the target has no docs, or if there is nothing to build them with. Unchanged
    files are not built or read again.
    """
    docs = world.target.docs
    if docs is None:
        return NotObserved("target.yaml names no docs site")
    if world.docs_site is None:
        return NotObserved(
            "The docs site was not built: there is no lab on this machine with a browser to look at"
            " it; `make lab` raises one, and -m 'not reg007' leaves it out."
        )
    # Docusaurus also reads invalid UTF-8 with replacement characters.
    text = docs.page.read_text("utf-8", "replace") if docs.page.is_file() else None
    return DocsPage(text, world.docs_site.look(docs))
