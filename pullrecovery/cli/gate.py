"""The options of the `gate` command and its subcommands."""

import argparse
import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pullrecovery.cli.options import ALLOW_CLUSTER_OBJECTS, add_kubernetes
from pullrecovery.gate.defaults import (
    BRANCH,
    FOLDER,
    FORMATS,
    RECORD,
    REMOTE,
    SIGNED,
    VALID_FOR,
    VERDICT,
    WORLDS,
)

if TYPE_CHECKING:
    from pullrecovery.gate.verdict.verify import Claim

# Seconds for one tier. The first build of a docs site takes most of it.
_WITHIN = 180.0


def add_gate(commands: Any) -> None:
    """Add the `gate` command and its subcommands."""
    gate = commands.add_parser("gate", help="the verdict on one revision of the target")
    gate.add_argument("--target", default=".", type=Path, help="folder that holds the target.yaml")
    gate.add_argument("--revision", default="HEAD", help="a commit, as git knows it")
    add_kubernetes(gate)
    gate.add_argument(
        "--key", type=Path, help="file of a private key, for `gate sign` to sign the verdict with"
    )
    gate.add_argument("--out", type=Path, default=FOLDER, help="folder that takes the verdict")
    gate.add_argument("--valid", type=_hours, default=VALID_FOR, metavar="HOURS")
    gate.add_argument("--within", type=_seconds, default=_WITHIN, help="seconds for each tier")
    gate.add_argument(
        "--no-seed", action="store_true", help="push nothing that the lab's registry has not"
    )
    gate.add_argument(
        "--images",
        choices=WORLDS,
        default="lab",
        help="whose images: those of the registry (live, with GHCR_TOKEN) or of the lab",
    )
    gate.add_argument(
        ALLOW_CLUSTER_OBJECTS,
        action="store_true",
        help="apply charts' cluster-scoped objects, under names of the sandbox's own",
    )
    gate.set_defaults(run=_gate)
    parts = gate.add_subparsers(metavar="PART", parser_class=type(gate))
    add_sign(parts)
    add_verify(parts)
    add_promote(parts)
    add_status_options(parts)
    hook = parts.add_parser("hook", help="before a sync, in the cluster: verdict, and a pull")
    hook.set_defaults(run=_hook)


def add_sign(parts: Any) -> None:
    """Add the `gate sign` command."""
    sign = parts.add_parser("sign", help="check a judged record anew, and sign it")
    sign.add_argument("--in", dest="record", type=Path, default=FOLDER / RECORD)
    sign.add_argument("--key", type=Path, help="file of the private key")
    sign.add_argument("--revision", default="", help="the commit that the record must be about")
    sign.add_argument("--to", type=Path, help="verdict.jws beside the record by default")
    sign.set_defaults(run=_sign)


def add_verify(parts: Any) -> None:
    """Add the `gate verify` command."""
    verify = parts.add_parser("verify", help="whether a signed verdict lets a revision through")
    _add_claim(verify)
    verify.add_argument("--target", type=Path, help="the target's folder, to compare its charts")
    verify.add_argument("--target-name", default="", help="of the target; needed without --target")
    verify.add_argument("--namespace", default="", help="of its workloads; needed without --target")
    verify.set_defaults(run=_verify)


def add_promote(parts: Any) -> None:
    """Add the `gate promote` command."""
    promote = parts.add_parser("promote", help="move the branch that Applications follow")
    _add_claim(promote)
    promote.add_argument("--target", type=Path, required=True, help="the target's folder")
    promote.add_argument("--branch", default=BRANCH, help=f"of the remote; {BRANCH} by default")
    promote.add_argument("--remote", default=REMOTE, help="of the target's clone; may be a URL")
    promote.set_defaults(run=_promote)


def _add_claim(part: argparse.ArgumentParser) -> None:
    part.add_argument("--verdict", type=Path, default=VERDICT)
    part.add_argument("--key", type=Path, help="file of the public key")
    part.add_argument("--revision", required=True)
    part.add_argument("--image", action="append", default=[], metavar="WORKLOAD=DIGEST")
    _add_world(part)
    _add_max_age(part)


def _add_world(part: argparse.ArgumentParser) -> None:
    words = "whose images it may be on; live by default"
    part.add_argument("--world", action="append", choices=WORLDS, help=words)


def _add_max_age(part: argparse.ArgumentParser) -> None:
    words = "how long ago the verdict may have been issued; 24 by default"
    part.add_argument("--max-age", type=_hours, default=VALID_FOR, metavar="HOURS", help=words)


def add_status_options(parts: Any) -> None:
    """Add the commands that publish a signed verdict and report it as a commit status."""
    keep = parts.add_parser("keep", help="put a signed verdict beside the images it is about")
    keep.add_argument("--verdict", type=Path, default=VERDICT)
    keep.add_argument("--key", type=Path, help="file of the public key")
    keep.add_argument("--login", default=os.environ.get("GITHUB_ACTOR") or "pull-recovery")
    keep.set_defaults(run=_keep)
    tell = parts.add_parser("commit-status", help="tell a signed verdict to those who ask for it")
    tell.add_argument("--verdict", type=Path, default=VERDICT)
    tell.add_argument("--key", type=Path, help="file of the public key")
    tell.add_argument("--format", choices=FORMATS, default="github")
    tell.add_argument("--repository", required=True, help="owner/name; Promoter's GitRepository")
    tell.add_argument("--namespace", default="default", help="Promoter: of the GitRepository")
    tell.add_argument("--url", default="", help="where more is to be read")
    tell.add_argument("--token-stdin", action="store_true", help="not from GITHUB_TOKEN")
    _add_world(tell)
    _add_max_age(tell)
    tell.set_defaults(run=_tell)


def _gate(options: argparse.Namespace) -> int:
    from pullrecovery.gate.run.command import GateRequest, run_gate

    return run_gate(
        GateRequest(
            folder=options.target,
            revision=options.revision,
            kubernetes=options.kubernetes,
            key=options.key,
            out=options.out,
            valid=options.valid,
            within=options.within,
            seed=not options.no_seed,
            live=options.images == "live",
            allow_cluster_objects=options.allow_cluster_objects,
        )
    )


def _sign(options: argparse.Namespace) -> int:
    from pullrecovery.gate.verdict.sign_command import Signing, run_sign

    out = options.to or options.record.with_name(SIGNED)
    return run_sign(Signing(options.record, options.key, options.revision, out))


def _claim(options: argparse.Namespace, target: str = "", namespace: str = "") -> "Claim":
    from pullrecovery.gate.verdict.verify import Claim

    return Claim(
        target=target,
        namespace=namespace,
        verdict=options.verdict,
        key=options.key,
        revision=options.revision,
        folder=options.target,
        images=tuple(options.image),
        worlds=tuple(options.world or ["live"]),
        max_age=options.max_age,
    )


def _verify(options: argparse.Namespace) -> int:
    from pullrecovery.gate.verdict.verify import run_verify

    return run_verify(_claim(options, options.target_name, options.namespace))


def _promote(options: argparse.Namespace) -> int:
    from pullrecovery.gate.verdict.promote import Promotion, run_promote

    return run_promote(Promotion(_claim(options), options.branch, options.remote))


def _keep(options: argparse.Namespace) -> int:
    from pullrecovery.gate.verdict.status_command import PublishRequest, run_publish

    return run_publish(PublishRequest(options.verdict, options.key, options.login))


def _tell(options: argparse.Namespace) -> int:
    from pullrecovery.gate.verdict.status_command import StatusRequest, run_status

    return run_status(
        StatusRequest(
            verdict=options.verdict,
            key=options.key,
            to=options.format,
            repository=options.repository,
            namespace=options.namespace,
            url=options.url,
            token_from_stdin=options.token_stdin,
            worlds=tuple(options.world or ["live"]),
            max_age=options.max_age,
        )
    )


def _hook(_: argparse.Namespace) -> int:
    from pullrecovery.gate.hook.hook import run_hook

    return run_hook(os.environ)


def _seconds(text: str) -> float:
    """Parse a number of seconds above 0 and at most one day."""
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found <= timedelta(days=1).total_seconds():
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds above 0")
    return found


def _hours(text: str) -> timedelta:
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found <= 24 * 365:
        raise argparse.ArgumentTypeError(f"{text} is no number of hours above 0")
    return timedelta(hours=found)
