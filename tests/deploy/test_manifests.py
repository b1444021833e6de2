"""The manifests and the chart: all of it is known to Kubernetes, both say the same, and it fits lastout."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

yaml = pytest.importorskip("yaml")

import chart
from place import LASTOUT, ROOT, call, need

KUBERNETES = ROOT / "deploy" / "kubernetes"
RUNTIMES = sorted(path.name for path in (KUBERNETES / "runtimes").iterdir())
OLDEST_KUBECTL = 30

Object = dict[str, Any]


def build(folder: Path) -> list[Object]:
    need("kubectl")
    version = json.loads(call("kubectl", "version", "--client", "-o", "json"))["clientVersion"]
    if int(re.sub(r"\D", "", version["minor"])) < OLDEST_KUBECTL:
        pytest.skip(f"kubectl is {version['gitVersion']}, which is too old")
    return list(yaml.safe_load_all(call("kubectl", "kustomize", folder)))


def build_for(runtime: str, directory: Path, *components: str) -> list[Object]:
    """As whoever writes a kustomization of their own."""
    names = [f"runtimes/{runtime}", *components]
    for name in ("base", *names):  # what is outside a folder kustomize does not read
        copy = directory / "copy" / name
        copy.mkdir(parents=True)
        for file in (KUBERNETES / name).iterdir():
            (copy / file.name).write_text(file.read_text())
    own = {"resources": ["base"], "components": names}
    (directory / "copy" / "kustomization.yaml").write_text(json.dumps(own))
    return build(directory / "copy")


def the(kind: str, objects: list[Object]) -> Object:
    [found] = [item for item in objects if item["kind"] == kind]
    return found


def typed(item: Object) -> Object:
    """Through kubectl's own types, which drop what they do not know."""
    command = ["kubectl", "set", "serviceaccount", "--local", "-f", "-", "lastout", "-o", "json"]
    return json.loads(call(*command, input=json.dumps(item), stdin=None))


def lost(before: Any, after: Any, path: str = "") -> list[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        return [e for key in before for e in lost(before[key], after.get(key), f"{path}.{key}")]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [e for i, (b, a) in enumerate(zip(before, after)) for e in lost(b, a, f"{path}[{i}]")]
    return [] if before == after else [f"{path}: {before!r} became {after!r}"]


def test_the_look_at_types_sees_mistakes() -> None:
    item = the("DaemonSet", build(KUBERNETES))
    item["spec"]["template"]["spec"]["hostPid"] = True
    assert lost(item, typed(item)) == [".spec.template.spec.hostPid: True became None"]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_kubernetes_knows_all_of_it(runtime: str, tmp_path: Path) -> None:
    item = the("DaemonSet", build_for(runtime, tmp_path))
    assert lost(item, typed(item)) == []
    rendered = the("DaemonSet", chart.render({"runtime": runtime}))
    assert lost(rendered, typed(rendered)) == []


def normal(item: Object) -> Object:
    """Without what only one of them can have: the hash of the configuration, and an order of lists."""
    template = item["spec"]["template"]
    template["metadata"].pop("annotations", None)
    spec = template["spec"]
    spec["containers"][0]["volumeMounts"].sort(key=lambda mount: mount["mountPath"])
    spec["volumes"].sort(key=lambda volume: volume["name"])
    for volume in spec["volumes"]:
        if "configMap" in volume:
            volume["configMap"]["name"] = "lastout"
    return item


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_chart_says_the_same(runtime: str, tmp_path: Path) -> None:
    manifests = build_for(runtime, tmp_path, "pod-monitor")
    rendered = chart.render({"runtime": runtime, "podMonitor": {"enabled": True}})
    assert normal(the("DaemonSet", rendered)) == normal(the("DaemonSet", manifests))
    for kind in ("ServiceAccount", "PodMonitor"):
        assert the(kind, rendered) == the(kind, manifests)
    texts = [the("ConfigMap", objects)["data"]["config.yaml"] for objects in (rendered, manifests)]
    assert yaml.safe_load(texts[0]) == yaml.safe_load(texts[1])


def test_values() -> None:
    """Each of them does something, and the chart has one for each runtime that the manifests know."""
    assert sorted(chart.values()["runtimes"]) == RUNTIMES
    set_values = {
        "image": {"repository": "registry.example/lastout", "tag": "x", "pullPolicy": "Always"},
        "imagePullSecrets": [{"name": "key"}],
        "extraArgs": ["--dry-run"],
        "extraCapabilities": ["SYS_RESOURCE"],
        "affinity": {"nodeAffinity": {}},
        "priorityClassName": "system-node-critical",
        "podAnnotations": {"a": "b"},
        "podLabels": {"c": "d"},
        "kubeletPods": "/var/lib/k0s/kubelet/pods",
        "maxUnavailable": 3,
        "port": 1234,
        "nodeSelector": {},
        "tolerations": [],
        "serviceAccount": {"create": False, "name": "other"},
        "podMonitor": {"enabled": True, "labels": {"release": "x"}},
        "resources": {"limits": {"memory": "1Gi"}},
        "runtime": "k3s",
        "config": {"version": 1},
    }
    assert set(set_values) | {"runtimes"} == set(chart.values())
    for name, value in set_values.items():
        assert chart.render({name: value}) != chart.render({}), name
    item = the("DaemonSet", chart.render(set_values))
    assert lost(item, typed(item)) == [".spec.template.spec.serviceAccountName: 'other' became 'lastout'"]


def test_unknown_runtime() -> None:
    with pytest.raises(AssertionError, match="one of the keys of runtimes"):
        chart.render({"runtime": "rkt"})


@pytest.mark.parametrize("where", ["manifests", "chart"])
def test_configuration(where: str, tmp_path: Path) -> None:
    """lastout takes it, and finishes only containers that chose a policy."""
    objects = build(KUBERNETES) if where == "manifests" else chart.render({})
    config = tmp_path / "config.yaml"
    config.write_text(the("ConfigMap", objects)["data"]["config.yaml"])
    said = call(LASTOUT, "check", "--config", config).splitlines()
    finishing = [line for line in said if "-> finish" in line]
    assert [line.split()[1] for line in finishing] == ["finish", "finish-shell"], said
    assert all("if chosen" in line for line in finishing), said


def test_pod_monitor_and_probes_meet_the_port(tmp_path: Path) -> None:
    objects = build_for("containerd", tmp_path, "pod-monitor")
    [container] = the("DaemonSet", objects)["spec"]["template"]["spec"]["containers"]
    [port] = container["ports"]
    config = yaml.safe_load(the("ConfigMap", objects)["data"]["config.yaml"])
    assert config["agent"]["metrics"].endswith(f":{port['containerPort']}")
    assert {container[probe]["httpGet"]["port"] for probe in ("readinessProbe", "livenessProbe")} == {port["name"]}
    assert the("PodMonitor", objects)["spec"]["podMetricsEndpoints"][0]["port"] == port["name"]


def test_versions_agree() -> None:
    """The program's, the manifests' and the chart's."""
    version = call(LASTOUT, "version").split()[1]
    info = yaml.safe_load((chart.CHART / "Chart.yaml").read_text())
    assert {info["version"], info["appVersion"]} == {version}
    image = the("DaemonSet", build(KUBERNETES))["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image == f"lastout:{version}"
