"""`docs`: builds the site of the documentation: docs-site/, with the pages of docs/."""

from pathlib import Path

from pullrecovery.common.process import child
from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.lab.docs_site.npm import installed_modules
from pullrecovery.lab.paths import default_paths
from pullrecovery.lab.tools.nodejs import linux_node

_SITE = SUITE_ROOT / "docs-site"
_WITHIN = 600.0
_DOCUSAURUS = Path("@docusaurus", "core", "bin", "docusaurus.mjs")


def build_docs(repository: str) -> int:
    """Build the site into docs-site/build; links to other files lead into `repository`, a URL.

    npm installs the packages of the lock into the cache and runs none of their scripts. Docusaurus
    prints what it finds, such as a broken link or anchor. Returns 1 where the build fails, else 0.
    """
    paths = default_paths()
    modules = installed_modules(paths, _SITE, print)
    link = _SITE / "node_modules"
    link.unlink(missing_ok=True)
    link.symlink_to(modules)
    node = str(linux_node(paths))
    # CI and NO_UPDATE_NOTIFIER: no progress bar, and no look for a newer Docusaurus.
    own = {"CI": "true", "NO_COLOR": "1", "NO_UPDATE_NOTIFIER": "1", "REPOSITORY": repository}
    command = [node, str(link / _DOCUSAURUS), "build"]
    with child(command, cwd=_SITE, env=own, popen={}) as build:
        failed = build.wait(_WITHIN) != 0
    return int(failed)
