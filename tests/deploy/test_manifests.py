"""The Kubernetes example: it parses, names settings that exist, and keeps the promises that its comments make."""

import re
import shutil
import subprocess

import pytest

from liveserver.cli.agreement import AGREED
from liveserver.cli.children import STOP_EXTRA_S
from liveserver.config import load
from liveserver.config.settings import SETTINGS, checked
from tests.support.deployment import (
    KUBERNETES,
    NAME,
    ROOT,
    Container,
    containers,
    documents,
    manifest,
    manifests,
)

ENVS = {about.env for about in SETTINGS.values()}
ALL = list(containers())


def settings_of_nodes(tmp_path):
    """What a node makes of the example's ConfigMap and Secret, once filled in."""
    given = dict(manifest("ConfigMap", "liveserver")["data"])
    given |= {
        "LIVESERVER_DATABASE_URL": "postgresql://live:x@db:5432/liveserver",
        "LIVESERVER_REDIS_URL": "redis://:x@valkey-0.valkey:6379,valkey-1.valkey:6379",
        "LIVESERVER_HOST": "0.0.0.0",
    }
    return load({}, given, tmp_path)


def test_every_file_is_listed_and_every_document_has_a_name():
    (listed,) = documents(KUBERNETES / "kustomization.yaml")
    present = {path.name for path in KUBERNETES.glob("*.yaml")} - {"kustomization.yaml"}
    assert set(listed["resources"]) == present
    named = [(m["apiVersion"], m["kind"], m["metadata"]["name"]) for m in manifests()]
    assert len(named) == len(set(named))


def test_every_setting_exists_and_all_together_are_accepted(tmp_path):
    text = "".join(path.read_text() for path in KUBERNETES.iterdir())
    assert set(NAME.findall(text)) - ENVS == set()
    loaded = settings_of_nodes(tmp_path)
    assert loaded.unknown == ()
    assert checked(loaded.settings) == []
    assert loaded.settings.secure


@pytest.mark.parametrize("container", ALL, ids=[c.of for c in ALL])
def test_containers_are_pinned_bounded_and_have_no_rights(container: Container):
    image = container.about["image"]
    if image != "liveserver":  # kustomization.yaml gives it its name and tag
        assert re.fullmatch(r"[\w./-]+:\d[\w.-]*", image), image
    assert container.about["resources"]["requests"].keys() == {"cpu", "memory"}
    assert container.about["resources"]["limits"].keys() == {"cpu", "memory"}
    rights = container.about["securityContext"]
    assert rights["allowPrivilegeEscalation"] is False
    assert rights["readOnlyRootFilesystem"] is True
    assert rights["capabilities"] == {"drop": ["ALL"]}
    assert container.pod["securityContext"]["runAsNonRoot"] is True
    assert container.pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container.pod["automountServiceAccountToken"] is False


def test_the_image_has_a_tag():
    (listed,) = documents(KUBERNETES / "kustomization.yaml")
    assert [(image["name"], bool(image["newTag"])) for image in listed["images"]] == [("liveserver", True)]


def test_no_secret_has_a_value_and_none_stands_elsewhere():
    for secret in (m for m in manifests() if m["kind"] == "Secret"):
        assert set(secret["stringData"].values()) == {""}
        assert "data" not in secret
    secrets = {about.env for about in SETTINGS.values() if about.secret} | {
        "LIVESERVER_DATABASE_URL",
        "LIVESERVER_REDIS_URL",
    }
    assert not secrets & manifest("ConfigMap", "liveserver")["data"].keys()
    for container in ALL:
        for variable in container.about.get("env", ()):
            assert "PASSWORD" not in variable["name"] or "valueFrom" in variable, container.of


@pytest.mark.parametrize("page", ["deployment", "sizing", "scale"])
def test_pages_name_settings_and_files_that_exist(page: str):
    text = (ROOT / "docs" / "operating" / f"{page}.md").read_text()
    assert set(NAME.findall(text)) - ENVS == set()
    for target in re.findall(r"\]\(([\w./-]+\.md)\)", text):
        assert (ROOT / "docs" / "operating" / target).exists(), target
    for path in re.findall(r"`(deploy/[\w./-]+)`", text):
        assert (ROOT / path).exists(), path


def test_what_all_nodes_must_have_the_same_is_documented():
    text = (ROOT / "docs" / "operating" / "deployment.md").read_text()
    grouped = {
        "unlimited",
        "unrecorded_max",
        "chat_characters_max",
        "bids_per_s",
        "bids_burst",
        "chats_per_s",
        "chats_burst",
    }
    for name in set(AGREED) - grouped:  # these stand there as "rates, lengths"
        assert f"`{SETTINGS[name].env}`" in text, name


def test_nodes_are_asked_where_they_answer(tmp_path):
    pod = manifest("Deployment", "liveserver")["spec"]["template"]["spec"]
    (node,) = pod["containers"]
    (port,) = node["ports"]
    assert port["containerPort"] == settings_of_nodes(tmp_path).settings.port
    for probe, path in (
        ("startupProbe", "/healthz"),
        ("livenessProbe", "/healthz"),
        ("readinessProbe", "/readyz"),
    ):
        assert node[probe]["httpGet"] == {"path": path, "port": port["name"]}
    assert manifest("Service", "liveserver")["spec"]["ports"][0]["targetPort"] == port["name"]
    (rule,) = manifest("Ingress", "liveserver")["spec"]["rules"]
    (way,) = rule["http"]["paths"]
    assert way["backend"]["service"] == {"name": "liveserver", "port": {"name": port["name"]}}
    settings = settings_of_nodes(tmp_path).settings
    assert settings.public_url == f"https://{rule['host']}"


def test_there_is_time_to_leave(tmp_path):
    settings = settings_of_nodes(tmp_path).settings
    pod = manifest("Deployment", "liveserver")["spec"]["template"]["spec"]
    (node,) = pod["containers"]
    pause_s = int(node["lifecycle"]["preStop"]["exec"]["command"][1])
    needed_s = pause_s + settings.stop_grace_ms / 1000 + STOP_EXTRA_S
    assert pod["terminationGracePeriodSeconds"] > needed_s
    assert settings.drain_notice_ms + settings.drain_spread_ms < settings.stop_grace_ms
    # It is out of the proxies' lists before it stops serving.
    ready = node["readinessProbe"]
    assert pause_s >= ready["periodSeconds"] * ready["failureThreshold"]


def test_silent_sockets_outlive_the_balancer(tmp_path):
    notes = manifest("Ingress", "liveserver")["metadata"]["annotations"]
    heartbeat_s = settings_of_nodes(tmp_path).settings.heartbeat_ms / 1000
    for name in ("proxy-read-timeout", "proxy-send-timeout"):
        assert int(notes[f"nginx.ingress.kubernetes.io/{name}"]) > 2.5 * heartbeat_s


def test_without_its_engines_addresses_no_pod_starts_its_own():
    shell = shutil.which("sh")
    assert shell is not None
    for container in ALL:
        if container.about["image"] == "liveserver":
            (line,) = container.about["args"]
            assert container.about["command"] == ["/bin/sh", "-c"]
            tried = subprocess.run([shell, "-c", line], env={"LIVESERVER_REDIS_URL": "redis://x"}, capture_output=True, text=True, timeout=10)  # fmt: skip
            assert tried.returncode != 0
            assert "LIVESERVER_DATABASE_URL: is not set" in tried.stderr


def test_budgets_and_scaling_are_about_what_is_there():
    workloads = {("Deployment", "liveserver"), ("StatefulSet", "valkey")}
    for kind, name in workloads:
        labels = manifest(kind, name)["spec"]["template"]["metadata"]["labels"]
        selector = manifest("PodDisruptionBudget", name)["spec"]["selector"]["matchLabels"]
        assert selector.items() <= labels.items()
        assert manifest("Service", name)["spec"]["selector"].items() <= labels.items()
        spread = manifest(kind, name)["spec"]["template"]["spec"]["topologySpreadConstraints"]
        assert all(rule["labelSelector"]["matchLabels"].items() <= labels.items() for rule in spread)
    scaler = manifest("HorizontalPodAutoscaler", "liveserver")["spec"]
    assert (scaler["scaleTargetRef"]["kind"], scaler["scaleTargetRef"]["name"]) in workloads
    assert scaler["minReplicas"] == manifest("Deployment", "liveserver")["spec"]["replicas"]


def test_bids_wait_for_the_replicas_that_there_are(tmp_path):
    (form,) = manifest("Job", "valkey-cluster")["spec"]["template"]["spec"]["containers"]
    env = {variable["name"]: variable.get("value") for variable in form["env"]}
    members, primaries = env["MEMBERS"].split(), int(env["PRIMARIES"])
    assert members == [
        f"valkey-{n}.valkey:6379" for n in range(manifest("StatefulSet", "valkey")["spec"]["replicas"])
    ]
    assert settings_of_nodes(tmp_path).settings.redis_replicas == len(members) // primaries - 1


def test_kustomize_puts_it_together():
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed")
    done = subprocess.run([kubectl, "kustomize", str(KUBERNETES)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "image: registry.example.com/liveserver:" in done.stdout
    assert "image: liveserver\n" not in done.stdout
