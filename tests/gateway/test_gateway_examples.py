"""The examples of a gateway in use: nginx in front for real, and the files for systemd, Compose and Kubernetes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from repoprio.cli.grammar import parser
from repoprio.config.load import read_text
from repoprio.serve import limits
from support.faults import Fault
from support.gateways import JSON, GatewayProcess
from support.paths import ROOT
from support.policy_files import TOOLS
from support.scene import Scene
from support.servers import Process, free_port, has_nginx

EXAMPLES = ROOT / "example-config" / "serve"
SYSTEMD = shutil.which("systemd-analyze")
_MAIN = """
{user}daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  include {folder}/repoprio.conf;
}}
"""


def ask(url: str, accept: str = JSON) -> tuple[int, dict[str, str], str]:
    """Status, headers and text of an answer."""
    request = urllib.request.Request(url, headers={"Accept": accept})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return (
                answer.status,
                {name.lower(): value for name, value in answer.headers.items()},
                answer.read().decode(),
            )
    except urllib.error.HTTPError as error:
        with error:
            return error.code, {name.lower(): value for name, value in error.headers.items()}, error.read().decode()


@contextmanager
def in_front(gateway: str, folder: Path) -> Iterator[str]:
    """The example's nginx over a gateway, without TLS; its index."""
    folder.mkdir()
    port = free_port()
    text = (EXAMPLES / "nginx.conf").read_text().replace("127.0.0.1:8417", gateway.split("/")[2])
    text = re.sub(r"(?m)^ *ssl_.*\n", "", text).replace("443 ssl", f"127.0.0.1:{port}")
    text = text.replace("/var/cache/nginx/repoprio", str(folder / "cache"))
    (folder / "repoprio.conf").write_text(text)
    # Started by root, its workers would run as the user nobody, who cannot read the folders of a test.
    user = "user root; " if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(_MAIN.format(user=user, folder=folder))
    name = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or "nginx"
    command = [name, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    server = Process(command, folder, port)
    try:
        yield f"http://127.0.0.1:{port}/simple/"
    finally:
        server.close()


@pytest.mark.skipif(not has_nginx(), reason="nginx is not installed")
def test_nginx_caches_and_never_gives_a_page_from_below_the_owner(scene: Scene, tmp_path: Path) -> None:
    """A page comes from the cache while it counts, and not after that, even if a higher repository is down."""
    scene.policy(before="absence-ttl = 2\n", at={})
    with GatewayProcess(scene.file, tmp_path / "store") as process, in_front(process.url, tmp_path / "nginx") as index:
        first, again = ask(f"{index}requests/"), ask(f"{index}requests/")
        assert [(status, headers["x-cache-status"]) for status, headers, _ in (first, again)] == [
            (200, "MISS"),
            (200, "HIT"),
        ]
        assert first[2] == again[2]
        # A client keeps no page beyond the cache's own time, and each form has its own place.
        assert again[1]["cache-control"] == "no-cache"
        assert ask(f"{index}requests/", "text/html")[2].startswith("<!DOCTYPE")
        assert ask(f"{index}acme/")[1]["x-repoprio-owner"] == "corp"
        time.sleep(3.5)
        scene.corp.answer_all(Fault(status=503))
        status, headers, text = ask(f"{index}requests/")
        assert (status, headers["cache-control"], "files" in text) == (503, "no-store", False)
        # The owner's own last page, which the gateway marks.
        assert ask(f"{index}acme/")[1]["x-repoprio-state"] == "stale"
        assert ask(index.replace("/simple/", "/health/ready"))[0] == 404
        # Where a refusal in pip leads.
        status, _, text = ask(index.replace("/simple/", "/explain/acme"), "application/json")
        assert (status, '"project": "acme"' in text) == (200, True)
        assert ask(index.replace("/simple/", "/"), "text/html")[0] == 200
        # What pip with the hook reads.
        status, headers, text = ask(index.replace("/simple/", "/ownership.json"))
        assert (status, headers["cache-control"], '"acme"' in text) == (200, "no-store", True)


@pytest.mark.skipif(not has_nginx(), reason="nginx is not installed")
def test_a_new_owner_is_seen_through_nginx(scene: Scene, tmp_path: Path) -> None:
    """A project that a higher-priority repository begins to serve replaces the cached page in time."""
    scene.policy(before="absence-ttl = 2\n", at={})
    with GatewayProcess(scene.file, tmp_path / "store") as process, in_front(process.url, tmp_path / "nginx") as index:
        assert ask(f"{index}requests/")[1]["x-repoprio-owner"] == "public"
        scene.corp.add("requests", "1.0")
        time.sleep(2.5)
        assert ask(f"{index}requests/")[1]["x-repoprio-owner"] == "corp"


@pytest.mark.skipif(SYSTEMD is None, reason="systemd-analyze is not installed")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    """The unit has no unknown key and no invalid value."""
    unit = (EXAMPLES / "repoprio-serve.service").read_text()
    path = tmp_path / "repoprio-serve.service"
    path.write_text(unit.replace("/opt/repoprio/bin/repoprio", sys.executable))
    done = subprocess.run([str(SYSTEMD), "verify", "--man=no", str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, path.name in done.stderr) == (0, False), done.stderr


def test_the_examples_start_commands_that_exist() -> None:
    """The command line accepts the commands of systemd, Compose and Kubernetes."""
    started = re.findall(r"ExecStart=\S+/repoprio (.+)", (EXAMPLES / "repoprio-serve.service").read_text())
    commands = [started[0].split()]
    commands.append(compose()["services"]["gateway"]["command"][1:])
    commands.append(manifests()["Deployment"]["spec"]["template"]["spec"]["containers"][0]["command"][1:])
    assert [parser.parse(words).command is not None for words in commands] == [True] * 3


def compose() -> dict[str, Any]:
    """The Compose file."""
    document: dict[str, Any] = YAML(typ="safe").load(EXAMPLES / "compose.yaml")
    return document


def manifests() -> dict[str, Any]:
    """The manifests by kind."""
    return {document["kind"]: document for document in YAML(typ="safe").load_all(EXAMPLES / "kubernetes.yaml")}


def test_the_manifests_fit_together() -> None:
    """All refer to the same pods, ports and paths, and the gateway can serve the policy."""
    found = manifests()
    assert set(found) == {"ConfigMap", "Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy"}
    labels = found["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert found["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert found["Service"]["spec"]["selector"] == labels
    assert found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    assert found["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels
    pod = found["Deployment"]["spec"]["template"]["spec"]
    gateway = pod["containers"][0]
    port = gateway["ports"][0]["containerPort"]
    assert port == parser.parse(gateway["command"][1:]).port
    assert found["NetworkPolicy"]["spec"]["ingress"][0]["ports"][0]["port"] == port
    assert {probe: gateway[probe]["httpGet"]["path"] for probe in ("livenessProbe", "readinessProbe")} == {
        "livenessProbe": "/health/live",
        "readinessProbe": "/health/ready",
    }
    name, text = next(iter(found["ConfigMap"]["data"].items()))
    assert gateway["env"][0]["value"] == f"{gateway['volumeMounts'][0]['mountPath']}/{name}"
    limits.check(read_text(text, name, {}, TOOLS))
