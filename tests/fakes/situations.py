"""Every situation of docs/verdicts.md: a subject, its situations, and an observation of each.

Most are rows of other tests, so a row that is added there appears here too.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from pullrecovery.model.chart import NamedImage
from pullrecovery.model.docs_site import DocsPage, WebPage
from pullrecovery.model.grant import TokenGrant
from pullrecovery.model.not_observed import NotObserved
from pullrecovery.model.observation import (
    ImageIdentity,
    Observation,
    PullSecretEntry,
    PullSecretWiring,
)
from pullrecovery.model.probe import Credential, Probe
from tests.deploy.test_argocd import IN_STEP
from tests.diagnosis import test_diagnosis, test_effective_credentials, test_external, test_wiring
from tests.fakes import printed, recorded
from tests.fakes.outages import LOOKUP, PODS
from tests.fakes.recorded import GOOD, REFERENCE, REPOSITORY
from tests.tasks import test_criteria, test_reg_001, test_reg_002, test_reg_007, test_reg_008

OTHER_TAG = f"{REPOSITORY}:dev"
CLIENTS_DID_NOT_RUN = NotObserved("the operator's clients did not run")
FORBIDDEN = NotObserved("the API server forbids it")
NO_SECRETS = NotObserved("the API server forbids to get secrets")
NO_CHART = NotObserved("there is no helm")
NO_GITHUB = NotObserved("GitHub does not say who may read the package")
FINE_GRAINED = Credential("ByteQuester", "github_pat_11AAAA")


def _asked(identity: ImageIdentity) -> Observation:
    return replace(GOOD, identity=identity)


def _found(**changes: object) -> Observation:
    return _asked(printed.good(**changes))


def _entry(probe: Probe, credential: Credential) -> Observation:
    return recorded.secret(entries=(PullSecretEntry("ghcr.io", credential, probe),))


def _site(**changes: object) -> Observation:
    return replace(GOOD, docs=DocsPage("", replace(GOOD.docs.site, **changes)))


def _page(**changes: object) -> Observation:
    page: WebPage = replace(GOOD.docs.site.page, **changes)
    return _site(page=page)


def _application(observation: Observation = GOOD, **changes: object) -> Observation:
    workload = replace(observation.workload, by_application=IN_STEP.name)
    return replace(observation, workload=workload, application=replace(IN_STEP, **changes))


def _unreadable(observation: Observation) -> Observation:
    return replace(observation, secret=NO_SECRETS, pull_secrets=NO_SECRETS)


def _old_pod(observation: Observation = GOOD) -> Observation:
    return recorded.waiting(recorded.not_found(OTHER_TAG), observation, OTHER_TAG)


def _by_a_later_file(key: str, image: str) -> Observation:
    """Return the observation of a later values file that overrides the key."""
    late = {key: GOOD.workload.chart / "values-late.yaml"}
    return replace(GOOD, chart=replace(GOOD.chart, images=(image,), origins=late))


def _with_containers(*keys: str) -> Observation:
    """Return the observation of containers with an image of their own, beside another image."""
    file = GOOD.workload.values_file
    named = [NamedImage(key, OTHER_TAG, file) for key in keys]
    other = NamedImage("sidecar.image", "docker.io/library/busybox:1", file)
    seen = recorded.rendered(OTHER_TAG, REFERENCE)
    return replace(seen, chart=replace(seen.chart, containers=(other, *named)))


def _two_pods(observation: Observation) -> Observation:
    """Return the observation of two pods that reference no Secret."""
    pods = (replace(observation.pods[0], name=f"frontend-{at}", pull_secrets=()) for at in "ab")
    return replace(observation, pods=tuple(pods))


def _only_a_hook(text: str) -> Observation:
    """Return the observation of a hook's Job whose two pods wait before anything is deployed."""
    seen = recorded.deployment(_two_pods(recorded.waiting(text)), exists=False, images=())
    other = recorded.waiting(recorded.not_found(OTHER_TAG), seen, OTHER_TAG).pods[0]
    return recorded.deployment(
        replace(seen, pods=(replace(other, name="hook"), seen.pods[0])), exists=False, images=()
    )


_GONE = Probe("registry", 404, "BLOB_UNKNOWN", "blob unknown to registry")
_SHUT = Probe("registry", 401, "UNAUTHORIZED", "authentication required")
_LOOKUP_FAILED = replace(
    printed.good().digest, rc=1, stdout="", stderr=f'Error: Get "x": {LOOKUP}i/o timeout'
)
_INDEX = printed.containing(printed.index("amd64", "arm64"))
_FEW_SECTIONS = tuple(GOOD.docs.site.page.sections[:2])

OPERATOR = {
    **{name: _asked(seen) for name, (seen, _) in test_reg_001.CAUSES.items()},
    **{name: _asked(seen) for name, (seen, _) in test_external.CLIENTS.items()},
    "clients did not run": replace(GOOD, identity=CLIENTS_DID_NOT_RUN),
    "image of other bytes": _found(
        manifest=replace(printed.good().manifest, stdout=printed.manifest(printed.OCI))
    ),
    "image without two of its layers": _found(
        parts=((recorded.OTHER_DIGEST, _GONE), (recorded.DIGEST, _GONE))
    ),
    "index for other platforms": replace(
        _asked(_INDEX), platforms=("linux/riscv64", "linux/s390x")
    ),
    "image whose nodes may not be listed": replace(GOOD, platforms=FORBIDDEN),
    "docker does not find what crane found": _found(
        inspect=replace(
            printed.good().inspect, rc=1, stdout="", stderr=f"no such manifest: {REFERENCE}\n"
        )
    ),
    "many tags, none of them near": _asked(
        printed.missing(*(f"v{number}" for number in range(25)), reference=OTHER_TAG)
    ),
    "a tag that is near": _asked(printed.missing("latest", "v1.4.0", reference=f"{REPOSITORY}:v1")),
    "ten tags, none of them near": _asked(
        printed.missing(*(f"v{number}" for number in range(10)), reference=OTHER_TAG)
    ),
    "eleven tags, none of them near": _asked(
        printed.missing(*(f"v{number}" for number in range(11)), reference=OTHER_TAG)
    ),
    "two tags that are near": _asked(
        printed.missing("v1.4.0", "v1.4.1", reference=f"{REPOSITORY}:v1.4.2")
    ),
    "tags not listed": _asked(
        replace(printed.missing(), tags=replace(printed.good().tags, rc=1, stderr="Error: EOF"))
    ),
    "configuration that names no platform": _found(
        config=replace(printed.good().config, stdout="{}")
    ),
    "refused as nobody, though logged in": _asked(
        replace(printed.NOT_LOGGED_IN, login=printed.LOGGED_IN)
    ),
}

WORKFLOW = {
    **{name: seen for name, (seen, *_) in test_reg_002.STATIC.items()},
    **{name: seen for name, (seen, _) in test_reg_002.RUNS.items()},
    "wanted tag is not there": replace(GOOD, wanted=recorded.NO_TAG),
    "wanted tag is forbidden": replace(GOOD, wanted=recorded.READ_DENIED),
    "wanted tag is for two others of the two platforms": replace(
        GOOD,
        platforms=("linux/amd64", "linux/arm64"),
        wanted=replace(test_reg_002.THERE, platforms=("linux/s390x", "linux/ppc64le")),
    ),
    "run that failed, of a workflow that nothing starts by hand": replace(
        test_reg_002.STATIC["not by hand"][0], run=test_reg_002.RUNS["push denied"][0].run
    ),
    "run that failed, and a tag that is not there": replace(
        test_reg_002.RUNS["push denied"][0], wanted=recorded.NO_TAG
    ),
    "target that promises neither release nor dispatch": replace(
        test_reg_002.STATIC["no tags"][0],
        target=replace(
            GOOD.target, workflow=replace(GOOD.target.workflow, release="", dispatch=False)
        ),
        wanted=recorded.NO_TAG,
    ),
    "wanted tag is for another platform": replace(
        GOOD, wanted=replace(test_reg_002.THERE, platforms=("linux/s390x",))
    ),
}

SECRET = {
    "missing": recorded.no_secret(),
    "in other namespaces": recorded.no_secret(in_namespaces=("a", "b", "c", "d", "e")),
    "in three other namespaces": recorded.no_secret(in_namespaces=("a", "b", "c")),
    "in four other namespaces": recorded.no_secret(in_namespaces=("a", "b", "c", "d")),
    "missing, and the like not looked for": recorded.no_secret(
        unsought="list secrets in the namespace frontend-dev"
    ),
    "under other names": recorded.no_secret(other_names=("ghcr-credential", "ghcr")),
    "of type Opaque": recorded.secret(**test_criteria.OPAQUE),
    "of the legacy type": recorded.secret(type="kubernetes.io/dockercfg"),
    "of another type, and unreadable": recorded.secret(
        **{**test_criteria.OPAQUE, **test_criteria.UNREADABLE}
    ),
    "unreadable": recorded.secret(**test_criteria.UNREADABLE),
    "for another server": recorded.wrong_server(),
    "for two other servers": recorded.secret(servers=("ghcr.io:443", "docker.io"), entries=()),
    "without any entry": recorded.secret(servers=(), entries=()),
    "with an empty token": _entry(recorded.ANONYMOUS_PROBE, Credential("ByteQuester", "")),
    "token rejected": recorded.answered(recorded.BAD_TOKEN),
    "token without scope": recorded.answered(recorded.SCOPE_DENIED),
    "fine-grained token": _entry(recorded.SCOPE_DENIED, FINE_GRAINED),
    "token not authorised for SSO": recorded.answered(recorded.SSO_DENIED),
    "classic tokens forbidden": recorded.answered(recorded.CLASSIC_DENIED),
    "owner may not read": recorded.answered(recorded.READ_DENIED),
    "two tokens, both refused": recorded.answered(recorded.SCOPE_DENIED, recorded.BAD_TOKEN),
    **{
        f"not tried, {name}": recorded.answered(probe)
        for name, (probe, _) in test_effective_credentials.NOT_TRIED.items()
    },
}

WIRING = {
    **{name: seen for name, (seen, *_) in test_wiring.NOT_WIRED.items()},
    "another Secret in the template": recorded.pod(
        recorded.deployment(test_wiring.UNWIRED, template_pull_secrets=("other",)),
        pull_secrets=("other",),
    ),
    "two pods older than the wiring": _two_pods(recorded.waiting(recorded.ANONYMOUS)),
    "two other keys": replace(
        test_wiring.UNWIRED, wiring=PullSecretWiring(values_keys=("imagePullSecret", "pullSecrets"))
    ),
    "two names that are none": test_wiring.listed("a", "b", exists=False),
    "pods older than the wiring": recorded.pod(
        recorded.waiting(recorded.ANONYMOUS), pull_secrets=()
    ),
    "pods given another Secret before the wiring": recorded.pod(
        recorded.waiting(recorded.ANONYMOUS), pull_secrets=("other",)
    ),
    "values name it, Argo CD did not deploy them": _application(
        replace(
            test_wiring.UNWIRED,
            wiring=PullSecretWiring(values_keys=("serviceAccount.imagePullSecrets",)),
        )
    ),
}

RENDER = {
    **{
        name: recorded.rendered(*images)
        for name, (images, _) in test_criteria.WRONGLY_RENDERED.items()
    },
    **{
        name: recorded.rendered(error=said)
        for name, (said, _) in test_criteria.NOT_RENDERED.items()
    },
    "tag a number, in a later file": replace(
        GOOD,
        chart=replace(
            GOOD.chart,
            images=(),
            error=recorded.TAG_A_NUMBER,
            origins={"image.tag": GOOD.workload.chart / "values-late.yaml"},
        ),
    ),
    "tag overridden by a later file": _by_a_later_file("image.tag", OTHER_TAG),
    "repository overridden by a later file": _by_a_later_file(
        "image.repository", "ghcr.io/bytequester/backend:dev"
    ),
    "digest pinned by a later file": _by_a_later_file(
        "image.digest", f"{REPOSITORY}@{recorded.OTHER_DIGEST}"
    ),
    "two containers with an image of their own": _with_containers(
        "initContainers[0].image", "preflight.image"
    ),
    "another key refused": recorded.rendered(
        error=recorded.REPOSITORY_EMPTY.replace("image/repository", "service/port")
    ),
    "no key named that is refused": recorded.rendered(
        error=recorded.REPOSITORY_EMPTY.partition("- at")[0]
    ),
    "tag overridden, deployed by Argo CD": _application(
        _by_a_later_file("image.tag", OTHER_TAG), sync="OutOfSync"
    ),
    "does not render, nothing deployed": replace(
        recorded.deployment(exists=False),
        pods=(),
        chart=replace(GOOD.chart, images=(), error=recorded.TAG_A_NUMBER),
    ),
}

PULL = {
    **{
        name: recorded.waiting(text, seen) for name, (text, seen, _) in test_diagnosis.KNOWN.items()
    },
    **{name: recorded.waiting(text) for name, text in test_diagnosis.NOT_KNOWN.items()},
    "never pulled": recorded.waiting(recorded.NEVER_PULLED, reason="ErrImageNeverPull"),
    "image unreadable on the node": recorded.waiting("no such layer", reason="ImageInspectError"),
    "Secret not decoded": recorded.undecoded(
        recorded.NOT_BASE64, recorded.secret(**test_criteria.UNREADABLE)
    ),
    "accepted by now": recorded.backing_off(recorded.REJECTED),
    "no platform, nodes not observed": recorded.waiting(
        recorded.NO_PLATFORM, replace(GOOD, platforms=FORBIDDEN)
    ),
    "no platform, nodes of two": recorded.waiting(
        recorded.NO_PLATFORM, replace(GOOD, platforms=("linux/amd64", "linux/arm64"))
    ),
    "back-off that does not say why": recorded.waiting(
        test_diagnosis.SILENT, reason="ImagePullBackOff"
    ),
    "words nobody has seen, and no Secret": recorded.waiting(
        test_diagnosis.NOT_KNOWN["words nobody has seen"], recorded.no_secret()
    ),
    "hook's pods, before anything is deployed": _only_a_hook(recorded.ANONYMOUS),
    "public package, refused": recorded.waiting(
        recorded.ANONYMOUS,
        recorded.grant(recorded.public(), visibility="private", anonymous=recorded.ANONYMOUS_PROBE),
    ),
}

ROLLOUT = {
    **{name: seen for name, (seen, _) in test_criteria.NOT_ROLLED_OUT.items()},
    "init container that ended": recorded.pod(
        recorded.in_init(""),
        containers=(
            replace(recorded.in_init("").pods[0].containers[0], ended="Error 3: no database"),
            *recorded.in_init("").pods[0].containers[1:],
        ),
    ),
    "init container that runs on": recorded.in_init(""),
    "crash loop with its words": recorded.running(
        recorded.pod(ready=False),
        ready=False,
        ended="Error 1: panic",
        waiting_reason="CrashLoopBackOff",
    ),
    "waits for something else": recorded.running(
        recorded.pod(ready=False), ready=False, waiting_reason="CreateContainerConfigError"
    ),
    "two containers in a crash loop": recorded.pod(
        ready=False,
        containers=tuple(
            replace(GOOD.pods[0].containers[0], name=name, ready=False, ended="Error 1: panic")
            for name in ("web", "side")
        ),
    ),
    "one container that came back, one that does not": recorded.pod(
        ready=False,
        containers=(
            replace(GOOD.pods[0].containers[0], ended="Error 1: panic"),
            replace(GOOD.pods[0].containers[0], name="side", ready=False),
            replace(GOOD.pods[0].containers[0], name="last", ready=False, ended="Error 2: no"),
        ),
    ),
    "for another processor, in back-off": recorded.running(
        recorded.pod(ready=False),
        ready=False,
        waiting_reason="CrashLoopBackOff",
        waiting_message="exec /web-base: exec format error",
    ),
    "pods refused by a quota": recorded.deployment(
        recorded.pod(ready=False), replica_failure="exceeded quota: pods"
    ),
    "an old pod beside the new one": recorded.beside_an_old_pod(GOOD),
    "an old pod of the wrong tag, paused": recorded.deployment(
        _old_pod(), images=(REFERENCE,), paused=True, current_replica_set="7c9d"
    ),
    "registry says nothing known of the wanted tag": replace(GOOD, wanted=_SHUT),
    "release not upgraded": _old_pod(),
}

APPLICATION = {
    "does not exist": _application(exists=False, sync=""),
    "follows another revision, and nothing is deployed": _application(
        replace(recorded.deployment(exists=False), pods=()), revision="hotfix"
    ),
    "follows another revision": _application(revision="hotfix"),
    "takes another values file": _application(values=("values.yaml",)),
    "lacks two values files": _application(
        values=(), wanted_values=("values.yaml", "values-dev.yaml")
    ),
    "out of step": _application(sync="OutOfSync", automated=False),
    "out of step, pods of another tag": _application(_old_pod(), sync="OutOfSync"),
    "synced, pods of another tag": _application(_old_pod()),
    "of another revision, pods of another tag": _application(_old_pod(), revision="hotfix"),
    "with errors, before any operation": _application(
        sync="Unknown",
        health="",
        phase="",
        message="",
        conditions=("ComparisonError: no such path",),
    ),
}

DOCS = {
    **{name: _site(words=words, page=None) for name, (words, _) in test_reg_007.WORDS.items()},
    "no page": replace(GOOD, docs=replace(GOOD.docs, source=None)),
    "left out of the site": _site(page=None, path=""),
    "error in the browser": _site(errors=("TypeError: x is undefined", "404 /logo.png")),
    "next to empty": _page(text=REPOSITORY),
    "in no sidebar": _site(sidebar=""),
    "not in the menu": _page(menu=("/",)),
    "not linked": _site(referring={"/onboarding": "/"}),
    "two subjects missing": _page(sections=_FEW_SECTIONS),
    "owner in capitals": _page(text=GOOD.docs.site.page.text.replace("bytequester", "ByteQuester")),
    "repository of nobody": _page(text=f"{GOOD.docs.site.page.text}\n{REPOSITORY}-old"),
    "no table": _page(rows=()),
    "another Secret": _page(code=("kubectl get secret regcred", "kubectl delete secret other")),
    "no Secret": _page(code=("kubectl get pods",)),
    "site not built": replace(GOOD, docs=NotObserved("there is no browser")),
}

GRANT = {
    **{name: seen for name, (seen, *_) in test_reg_008.BROKEN.items()},
    "token without a classic one's scopes, refused": recorded.grant(
        tokens=(TokenGrant(200, message="OK"),)
    ),
    "public package with a Secret, a private one elsewhere": replace(
        test_reg_008.BROKEN["public package with a Secret"][0],
        target=replace(
            GOOD.target,
            workloads=(
                recorded.public().workload,
                replace(GOOD.workload, name="backend", namespace="backend-dev"),
            ),
        ),
    ),
    "public package, wired by its ServiceAccount": recorded.deployment(
        recorded.pod(
            test_reg_008.BROKEN["public package with a Secret"][0],
            pull_secrets=("ghcr-credentials",),
        ),
        service_account_pull_secrets=("ghcr-credentials",),
    ),
    "public package, wired by its template to no Secret": recorded.deployment(
        recorded.pod(recorded.public(), pull_secrets=("ghcr-credentials",)),
        template_pull_secrets=("ghcr-credentials",),
    ),
    "token shared by two": recorded.grant(shared_with=("backend-dev", "third")),
    "token may push, and ends": recorded.grant(
        tokens=(
            TokenGrant(200, frozenset({"read:packages", "write:packages", "repo"})),
            TokenGrant(200, frozenset({"read:packages"}), GOOD.grant.at + timedelta(days=1)),
        )
    ),
}

EXTERNAL = {
    **{
        name: recorded.waiting(
            text,
            replace(GOOD, wanted=Probe("network", 0, "ConnectError", "said so", cut=failure)),
        )
        for name, (text, failure) in PODS.items()
    },
    "pod alone": recorded.waiting(PODS["connection-refused"][0]),
    "pod and the Secret's own question": recorded.waiting(
        PODS["connection-refused"][0], recorded.answered(recorded.OUTAGE)
    ),
    "pod and the operator's client": recorded.waiting(
        PODS["dns-name-not-resolved"][0], _found(digest=_LOOKUP_FAILED)
    ),
    "pull of which nothing is heard": replace(
        test_external.pulling("Scheduled", "Pulling"), wanted=test_external.HANGS
    ),
    "registry down, clients did not run": recorded.waiting(
        PODS["connection-refused"][0], replace(GOOD, identity=CLIENTS_DID_NOT_RUN)
    ),
}

NOT_OBSERVED = {
    "pod refused, and its Secrets not readable": _unreadable(
        recorded.waiting(recorded.ANONYMOUS, recorded.no_secret())
    ),
    "pod not wired, and its Secrets not readable": _unreadable(
        recorded.waiting(recorded.ANONYMOUS, recorded.unwired())
    ),
    "pod not wired, and its own Secret not readable": replace(
        recorded.waiting(recorded.ANONYMOUS, recorded.unwired()), secret=NO_SECRETS
    ),
    "pod made before the wiring, and its Secrets not readable": _unreadable(
        recorded.waiting(recorded.ANONYMOUS, recorded.pod(pull_secrets=()))
    ),
    "other pull secrets not readable": replace(
        recorded.waiting(recorded.ANONYMOUS), pull_secrets=NO_SECRETS
    ),
    "wiring not searched": replace(recorded.unwired(), wiring=NO_SECRETS),
    "pod of another tag, and chart not rendered": replace(_old_pod(), chart=NO_CHART),
    "nothing deployed, and chart not rendered": replace(
        recorded.deployment(exists=False), pods=(), chart=NO_CHART
    ),
    "public package refused, and its visibility not known": replace(
        PULL["public package, refused"], grant=NO_GITHUB
    ),
    "visibility not known, token too wide": recorded.grant(
        visibility=NO_GITHUB,
        tokens=(TokenGrant(200, frozenset({"repo"})), NotObserved("GitHub does not answer")),
    ),
    "token not known": recorded.grant(tokens=(NotObserved("GitHub does not answer"),)),
    "public package, and pods not listed": replace(recorded.public(), pods=FORBIDDEN),
    "public package, and Deployment not listed": replace(recorded.public(), deployment=FORBIDDEN),
}

WELL = {
    "private": GOOD,
    "public": recorded.public(),
    "of which GitHub tells nothing": recorded.grant(visibility="", status=404),
    "two tokens": recorded.grant(
        tokens=(
            *GOOD.grant.tokens,
            replace(GOOD.grant.tokens[0], expires=GOOD.grant.at + timedelta(days=30)),
        )
    ),
    "without a token": recorded.grant(tokens=()),
    "after a run of its workflow": test_reg_002.pushed(),
    "deployed by Argo CD": _application(),
}

SUBJECTS: Mapping[str, Mapping[str, Observation]] = {
    "The image, as the operator's clients see it": OPERATOR,
    "The workflow that pushes it": WORKFLOW,
    "The pull secret": SECRET,
    "Its wiring": WIRING,
    "What the chart renders": RENDER,
    "A pod that cannot pull": PULL,
    "A rollout that does not come to its end": ROLLOUT,
    "An Application of Argo CD": APPLICATION,
    "The page that documents": DOCS,
    "What the token grants": GRANT,
    "What lies beyond the target": EXTERNAL,
    "What was not observed": NOT_OBSERVED,
    "What is said where all is well": WELL,
}
