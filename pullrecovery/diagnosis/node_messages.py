"""What the kubelet and containerd print about a pull, as the diagnosis matches it.

Sources: containerd, core/remotes/docker (authorizer.go, fetcher.go, resolver.go) and
core/content; Kubernetes, pkg/kubelet/images and pkg/credentialprovider. The words are those of
containerd 1.7 to 2.3 and of Kubernetes 1.34 to 1.37.
"""

import re

# No credential of the pod is for the image's registry.
ANONYMOUS = re.compile(r"failed to fetch anonymous token")
# The registry's token service rejects the credential.
REJECTED = re.compile(r"failed to fetch oauth token.*403 Forbidden", re.DOTALL)
# The registry issues a token for the credential, which may not read the package.
FORBIDDEN = re.compile(r"/manifests/\S+: 403 Forbidden")
# The registry has no manifest under the tag or digest.
IMAGE_NOT_FOUND = re.compile(r": not found")
# The image's index has no image for the node's platform.
NO_PLATFORM = re.compile(r"no match for platform in manifest")
# The content differs from its digest or its size.
OTHER_BYTES = re.compile(r"unexpected commit digest|failed size validation")
# The registry lacks a part of the image, which the message names.
NO_PART = re.compile(r"could not fetch content descriptor (\S+)")
# The kernel's message for a program that is built for another processor.
OTHER_PROCESSOR = re.compile(r"exec format error")
# During back-off, the kubelet does not say why before Kubernetes 1.32.
BACK_OFF = re.compile(r'Back-off pulling image "[^"]*"')
PULL_FAILED = re.compile(r'Failed to pull image "[^"]*": ')
# If a pull secret cannot be decoded, the kubelet shows Go's error in place of a reason.
SECRET_UNREADABLE = re.compile(
    r"^(illegal base64 data|unable to parse auth field|json: cannot unmarshal|invalid character"
    r"|unexpected end of JSON input)"
)
