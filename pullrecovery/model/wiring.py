"""The ways in which a release gets its pull secret."""

from typing import Final

# By the chart's values.
VALUES: Final = "values"
# By the namespace's default ServiceAccount.
SERVICE_ACCOUNT: Final = "service-account"
