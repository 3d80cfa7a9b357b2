"""A scenario's own copy of the target's workflow."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex

from pullrecovery.common.errors import LabError
from pullrecovery.model.target import Image, Target
from pullrecovery.model.workflow_file import with_image_renamed


@dataclass
class WorkflowCopy:
    """The file, and the repository for each image that is pushed under another name."""

    file: Path
    apart: dict[str, str] = field(default_factory=dict)

    def edit(self, change: Callable[[str], str]) -> None:
        """Change its text; raises LabError if `change` changes nothing."""
        before = self.file.read_text(encoding="utf-8")
        after = change(before)
        if after == before:
            raise LabError("The fault found nothing to spoil in the target's workflow.")
        self.file.write_text(after, encoding="utf-8")

    def push_as(self, image: Image, name: str) -> None:
        """Push an image under another name of the same owner."""
        self.edit(lambda text: with_image_renamed(text, image.name, name))

    def keep_apart(self, target: Target, own: str = "") -> None:
        """Push only the image of the workload `own`, if any, under its usual name.

        A run pushes `latest` of every workload, and other scenarios use those images.
        """
        if self.apart:
            return
        kept = target.workload(own).image.repository if own else ""
        for image in dict.fromkeys(workload.image for workload in target.workloads):
            if image.repository != kept:
                name = f"{image.name}-{token_hex(4)}"
                self.push_as(image, name)
                self.apart[image.repository] = f"{image.registry}/{image.owner}/{name}"
