"""Observe the REG-007 page and the docs site that it belongs to."""

from pullrecovery.model.docs_site import DocsPage
from pullrecovery.world.read_only import ReadOnlyWorld


def observe_docs(world: ReadOnlyWorld) -> DocsPage | None:
    """Build the target's docs site and read it in a browser; None if the target has no docs.

    Unchanged files are not built or read again.
    """
    docs = world.target.docs
    if docs is None or world.docs_site is None:
        return None
    # Docusaurus also reads invalid UTF-8 with replacement characters.
    text = docs.page.read_text("utf-8", "replace") if docs.page.is_file() else None
    return DocsPage(text, world.docs_site.look(docs))
