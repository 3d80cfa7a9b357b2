"""The page that documents, and the site that it is in."""

from pullrecovery.model.docs_site import DocsPage
from pullrecovery.world.read_only import ReadOnlyWorld


def observe_docs(world: ReadOnlyWorld) -> DocsPage | None:
    """Build the target's docs site and look at it; None where the target has no docs.

    What has been built and seen of the same files is not done again.
    """
    docs = world.target.docs
    if docs is None or world.docs_site is None:
        return None
    # Docusaurus reads what is no UTF-8 in the same way.
    text = docs.page.read_text("utf-8", "replace") if docs.page.is_file() else None
    return DocsPage(text, world.docs_site.look(docs))
