"""FailedToRetrieveImagePullSecret: the event that names a missing pull secret.

Up to Kubernetes 1.36 the kubelet sends it whenever it syncs the pod, whether or not an image is
pulled. From 1.37 it sends it only if a pull has failed, so that its absence proves nothing there.
"""

from fixtures.scenario.sandboxes import await_pods, deploy
from pullrecovery.tasks.reg_006_redeploy import rolled_out

ONLY_WITH_A_FAILED_PULL_SINCE = (1, 37)
EVENT = "FailedToRetrieveImagePullSecret: "


def _events(pods):
    said = [str(event) for pod in pods for event in pod.events]
    return [event for event in said if event.startswith(EVENT)]


def _said(_, pods):
    return bool(_events(pods))


def test_missing_secret_is_reported_in_every_version(make_sandbox, make_package):
    """A private image needs the Secret that the pod names; the event names the missing Secret."""
    sandbox = make_sandbox(image=make_package("private"))
    sandbox.delete_secret()

    deploy(sandbox)

    pods = await_pods(sandbox, "the event is there", _said)
    assert f"({sandbox.secret_name})" in _events(pods)[0]


def test_public_pull_hides_missing_secret(make_sandbox, make_package, lab):
    """A public image runs, and only older kubelets report that a Secret is missing."""
    sandbox = make_sandbox(image=make_package("public"))
    sandbox.delete_secret()

    deploy(sandbox)

    if lab.versions.minor_number < ONLY_WITH_A_FAILED_PULL_SINCE:
        pods = await_pods(sandbox, "it runs, and the event is there", _runs_and_says)
        assert f"({sandbox.secret_name})" in _events(pods)[0]
    else:
        pods = await_pods(sandbox, "it runs", rolled_out)
        assert _events(pods) == []


def _runs_and_says(deployment, pods):
    return rolled_out(deployment, pods) and _said(deployment, pods)
