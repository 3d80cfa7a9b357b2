"""Helm's arguments for a target: a values file is one file, whatever its name."""

import csv
from dataclasses import replace

import pytest

from pullrecovery.deploy.helm import HelmReader
from tests.fakes.recorded import GOOD


@pytest.mark.parametrize("name", ["values.yaml", "a,b.yaml", 'a"b.yaml', 'a",/etc/x.yaml'])
def test_values_file_is_one_item(tmp_path, name):
    """Helm parses the argument as a line of CSV, and reads each item as a file."""
    program = tmp_path / "helm"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    program.chmod(0o755)
    (tmp_path / "chart").mkdir()
    file = tmp_path / name
    workload = replace(GOOD.workload, chart=tmp_path / "chart", values=(file,))

    arguments = HelmReader(program, {}).template(workload).splitlines()

    given = arguments[arguments.index("--values") + 1]
    assert next(csv.reader([given])) == [str(file)]
