"""Images that are built without an engine: reproducible bytes and complete layouts."""

import hashlib
import json
import os
import tarfile

import pytest

from pullrecovery.lab.images.oci_layout import (
    LayoutWriter,
    binary_layer,
    digest_of,
    digest_of_file,
    encode,
    image_config,
    manifest,
    write_layout,
)

EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.fixture(name="program")
def _program(tmp_path):
    file = tmp_path / "program"
    file.write_bytes(b"\x7fELF and more")
    return file


@pytest.fixture(name="layer")
def _layer(tmp_path, program):
    return binary_layer(tmp_path / "layer.tar", {"/usr/local/bin/program": program})


@pytest.fixture(name="layout")
def _layout(tmp_path, layer):
    """Return the files of a layout with two images of one layer."""
    with tarfile.open(tmp_path / "layout.tar", "w") as tar:
        writer = LayoutWriter(tar, "arm64")
        writer.add("registry.k8s.io/pause:3.10", [layer], {"Entrypoint": ["/pause"]})
        writer.add("registry.k8s.io/etcd:3.7.0-0", [layer], {})
        writer.close()
    with tarfile.open(tmp_path / "layout.tar") as tar:
        return {entry.name: tar.extractfile(entry).read() for entry in tar if entry.isfile()}


def _index(layout):
    return json.loads(layout["index.json"])["manifests"]


def test_digest_is_named_with_its_algorithm(tmp_path):
    """A digest has the form of manifests."""
    (tmp_path / "empty").touch()

    assert digest_of(b"") == EMPTY
    assert digest_of_file(tmp_path / "empty") == EMPTY


def test_layer_has_root_executables(layer):
    """Owner and mode do not depend on the builder or on the source file."""
    with tarfile.open(layer.path) as tar:
        (entry,) = tar.getmembers()

    assert entry.name == "usr/local/bin/program"
    assert (entry.mode, entry.uid, entry.gid, entry.mtime) == (0o755, 0, 0, 0)


def test_same_files_make_same_layer(tmp_path, program, layer):
    """Neither the time nor the order of the files changes the layer."""
    other = tmp_path / "other"
    other.write_bytes(program.read_bytes())
    os.utime(other, (1, 1))

    one = binary_layer(tmp_path / "1.tar", {"/b": program, "/a": program})
    two = binary_layer(tmp_path / "2.tar", {"/a": other, "/b": other})

    assert one.digest == two.digest
    assert one.digest != layer.digest


def test_descriptor_describes_layer(layer):
    """The digest of an uncompressed layer is its diff id."""
    content = layer.path.read_bytes()

    assert layer.descriptor == {
        "mediaType": "application/vnd.oci.image.layer.v1.tar",
        "digest": f"sha256:{hashlib.sha256(content).hexdigest()}",
        "size": len(content),
    }


def test_json_has_one_form():
    """Equal documents give equal blobs."""
    assert encode({"b": 1, "a": [True, None]}) == b'{"a":[true,null],"b":1}'


def test_configuration_names_platform_and_layers():
    """The configuration has a time only where one is given."""
    config = image_config("amd64", [EMPTY], {"User": "65532"})

    assert config == {
        "architecture": "amd64",
        "os": "linux",
        "config": {"User": "65532"},
        "rootfs": {"type": "layers", "diff_ids": [EMPTY]},
    }
    assert image_config("amd64", [], {}, "2026-11-24T00:00:00Z")["created"] == (
        "2026-11-24T00:00:00Z"
    )


def test_manifest_describes_its_configuration():
    """The manifest has the digest and size of its configuration."""
    assert manifest(b"", []) == {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": EMPTY,
            "size": 0,
        },
        "layers": [],
    }


def test_layout_says_that_it_is_one(layout):
    """The version is that of the specification."""
    assert layout["oci-layout"] == b'{"imageLayoutVersion":"1.0.0"}'


def test_layer_of_two_images_is_stored_once(layout, tmp_path):
    """The images of the nodes share most of their layers."""
    with tarfile.open(tmp_path / "layout.tar") as tar:
        names = tar.getnames()

    assert sorted(names) == sorted(layout)


def test_blob_is_named_by_digest(layout):
    """The layout has one layer, stored once, two configurations, and two manifests."""
    blobs = {name: data for name, data in layout.items() if name.startswith("blobs/")}

    assert len(blobs) == 5
    assert [name for name, data in blobs.items() if not name.endswith(_sha(data))] == []


def _sha(data):
    return f"blobs/sha256/{hashlib.sha256(data).hexdigest()}"


def test_image_of_a_layout_has_its_full_name(layout):
    """Containerd imports the image under its full name."""
    assert [entry["annotations"] for entry in _index(layout)] == [
        {"io.containerd.image.name": "registry.k8s.io/pause:3.10"},
        {"io.containerd.image.name": "registry.k8s.io/etcd:3.7.0-0"},
    ]
    assert _index(layout)[0]["platform"] == {"architecture": "arm64", "os": "linux"}


def test_index_leads_to_the_layer(layout, layer):
    """The index leads to the manifest, and the manifest to the configuration and the layer."""
    entry = _index(layout)[0]
    document = json.loads(layout[f"blobs/{entry['digest'].replace(':', '/')}"])
    config = json.loads(layout[f"blobs/{document['config']['digest'].replace(':', '/')}"])

    assert document["layers"] == [layer.descriptor]
    assert config["rootfs"]["diff_ids"] == [layer.digest]
    assert config["config"] == {"Entrypoint": ["/pause"]}


def test_layout_has_every_blob(tmp_path):
    """The index names the manifest, which names configuration and layers; sizes are right."""
    layer = tmp_path / "layer.tar.gz"
    layer.write_bytes(b"packed")
    folder = tmp_path / "image"

    written = write_layout(folder, encode(image_config("arm64", [EMPTY], {})), [layer], "1.2.3")

    (entry,) = json.loads((folder / "index.json").read_bytes())["manifests"]
    assert entry["platform"] == {"architecture": "arm64", "os": "linux"}
    assert entry["annotations"] == {"org.opencontainers.image.ref.name": "1.2.3"}
    document = json.loads(written)
    assert document["layers"][0]["mediaType"] == "application/vnd.oci.image.layer.v1.tar+gzip"
    for described in (entry, document["config"], *document["layers"]):
        blob = (folder / "blobs" / described["digest"].replace(":", "/")).read_bytes()
        assert (digest_of(blob), len(blob)) == (described["digest"], described["size"])
    assert json.loads((folder / "oci-layout").read_bytes()) == {"imageLayoutVersion": "1.0.0"}
