"""REG-008 on a target that does not require it: it is judged and reported, but fails no run."""

import re
import shutil

import pytest

from fixtures.scenario.matrix import scenarios_of
from pullrecovery.common.errors import Exit
from pullrecovery.common.files_below import MADE_BY_NPM
from pullrecovery.deploy.helm import Helm

_KEEPS_TOKEN = """
    from pullrecovery.tasks import reg_008_least_privilege
    from pullrecovery.tasks.changes import Change

    reg_008_least_privilege.replace_token = lambda *_: Change("nothing to do, says the plugin")
"""
_MADE = shutil.ignore_patterns(*MADE_BY_NPM)


@pytest.fixture(name="row")
def _row(target):
    """Return a row of REG-008 in which the pull secret's token may also push."""
    rows = scenarios_of("REG-008", target)
    wide = [row for row in rows if row.fault.id == "token-may-push" and not row.literal]
    return next(row for row in wide if row.deploy == Helm.name)


@pytest.mark.parametrize(("privilege", "code"), [("optional", Exit.PASS), ("required", Exit.FAIL)])
def test_wide_token_fails_a_run_where_required(
    make_control, inner_run, target, row, tmp_path, privilege, code
):
    """The remediation is replaced by one that leaves the token, so only REG-008 fails."""
    control = make_control(f"privilege-{privilege}", "no-op")
    copy = shutil.copytree(target.root, tmp_path / "target", ignore=_MADE)
    text = re.sub(r"(?m)^privilege: .*\n", "", (copy / "target.yaml").read_text())
    (copy / "target.yaml").write_text(f"{text}privilege: {privilege}\n")

    test = "test_reg_008_least_privilege.py"
    inner = inner_run(test, "-k", row.id, f"--target={copy}", plugin=_KEEPS_TOKEN)

    result = inner.result
    (scenario,) = result.scenarios
    assert scenario.detected == ("REG-008",), inner.output
    assert scenario.status == "not-recovered"
    shown = {criterion.id: criterion for criterion in result.criteria}["REG-008"]
    assert (shown.outcome, shown.required) == ("fail", privilege == "required")
    assert result.run.exit == code
    control.outcome = "not-recovered"
