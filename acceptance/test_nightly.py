"""Run the sample's nightly CronJob in a pod of the cluster that it judges."""


def test_nightly_tells_healthy_from_broken(make_nightly):
    """The Job succeeds, and fails with the cause once the values name a missing tag."""
    nightly = make_nightly("backend")
    (sandbox,) = nightly.cluster.sandboxes

    good = nightly.run()
    sandbox.set_value("image.tag", "dev")
    bad = nightly.run()

    assert good.condition == "Complete", good.said
    assert "REG-006-backend          pass" in good.said
    assert bad.condition == "Failed", bad.said
    assert "render.wrong-tag" in bad.said
    assert nightly.cluster.written() == []
    assert nightly.cluster.token not in good.said + bad.said
