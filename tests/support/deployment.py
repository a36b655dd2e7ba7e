"""The files of real deployments as tests look at them: parsed, every container of them, every setting that they name."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"
COMPOSE = ROOT / "compose.yaml"
DOCKERFILE = ROOT / "Dockerfile"
NAME = re.compile(r"LIVESERVER_[A-Z0-9_]+")


@dataclass(frozen=True)
class Container:
    """One container of a manifest, and the pod that it belongs to."""

    of: str
    about: dict[str, Any]
    pod: dict[str, Any]


def documents(path: Path) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document is not None]


def manifests() -> list[dict[str, Any]]:
    """Everything that kustomization.yaml lists."""
    (listed,) = documents(KUBERNETES / "kustomization.yaml")
    return [document for name in listed["resources"] for document in documents(KUBERNETES / name)]


def manifest(kind: str, name: str) -> dict[str, Any]:
    (found,) = [m for m in manifests() if (m["kind"], m["metadata"]["name"]) == (kind, name)]
    return found


def containers() -> Iterator[Container]:
    for document in manifests():
        template = document.get("spec", {}).get("template")
        if template is not None:
            pod = template["spec"]
            for about in (*pod.get("initContainers", ()), *pod["containers"]):
                yield Container(f"{document['kind']}/{document['metadata']['name']}", about, pod)


def compose() -> dict[str, Any]:
    (document,) = documents(COMPOSE)
    return document


def words_of(command: list[str], replaced: dict[str, str]) -> list[str]:
    """A command of compose.yaml as it reaches the process."""
    found: list[str] = []
    for word in command:
        word = re.sub(r"\$\{(\w+):\?[^}]*\}", lambda m: replaced[m[1]], word)
        found.append(word)
    return found
