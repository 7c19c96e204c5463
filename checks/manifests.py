"""Report manifests of Kubernetes that break the rules of this installation, which no schema knows.

Each container has limits, cannot write to its root and is nobody special; each role can be probed and scraped, and has
a budget and a network policy. Each setting exists, and each file that a setting names is mounted.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from checks.findings import Finding
from checks.kustomize import Manifest, identity, pod_of, render
from checks.tree import ROOT
from config.loading import FILE_SUFFIX
from config.settings import PREFIX, setting_fields

OVERLAYS: Final = "deploy/kubernetes/overlays"
_PROBES: Final = ("startupProbe", "livenessProbe", "readinessProbe")
# deploy/kubernetes/monitoring finds pods by the name of the port.
_SCRAPED_PORT, _MONITORING = "http", "monitoring"
_CONTAINER: Final = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
_KNOWN: Final = frozenset(leaf.variable for leaf in setting_fields())


def against_manifests(root: Path = ROOT) -> Iterator[Finding]:
    for overlay in sorted((root / OVERLAYS).iterdir()):
        path = str(overlay.relative_to(root))
        for rule, text in broken_rules(render(overlay)):
            yield Finding(f"manifest {rule}", path, 1, text)


def broken_rules(manifests: list[Manifest]) -> Iterator[tuple[str, str]]:
    """Yield the rule and a text for each fault of the manifests of one overlay."""
    for manifest in manifests:
        name = " ".join(identity(manifest))
        if manifest["kind"] == "Secret":
            yield "with a secret", name
        if pod := pod_of(manifest):
            yield from ((rule, f"{name}: {text}" if text else name) for rule, text in _of_pod(pod, manifests))
        if manifest["kind"] == "Deployment":
            yield from ((rule, name) for rule in _of_deployment(manifest, manifests))
    yield from _dangling(manifests)
    if not any(_is_default_deny(each) for each in manifests):
        yield "without a default", "no NetworkPolicy denies everything"


def _of_pod(pod: Manifest, manifests: list[Manifest]) -> Iterator[tuple[str, str]]:
    spec = pod["spec"]
    context = spec.get("securityContext", {})
    if not context.get("runAsNonRoot") or context.get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "whose pod can be root or has no seccomp profile", ""
    if spec.get("automountServiceAccountToken") is not False:
        yield "whose pod has a token", ""
    for container in spec["containers"]:
        resources = container.get("resources", {})
        if any(resources.get(kind, {}).keys() != {"cpu", "memory"} for kind in ("requests", "limits")):
            yield "without requests or limits", container["name"]
        if container.get("securityContext") != _CONTAINER:
            yield "whose container may do too much", container["name"]
        mounts = [mount["mountPath"] for mount in container.get("volumeMounts", [])]
        yield from faults_of_settings(_variables(container, manifests), mounts)
    if not any(_selects(policy, pod) for policy in manifests if policy["kind"] == "NetworkPolicy"):
        yield "without a network policy", ""


def _of_deployment(manifest: Manifest, manifests: list[Manifest]) -> Iterator[str]:
    pod = manifest["spec"]["template"]
    if any(probe not in container for container in pod["spec"]["containers"] for probe in _PROBES):
        yield "without a probe"
    if not any(_selects(each, pod) for each in manifests if each["kind"] == "PodDisruptionBudget"):
        yield "without a budget"
    if not _can_be_scraped(pod, manifests):
        yield "that cannot be scraped"
    scaled = {each["spec"]["scaleTargetRef"]["name"] for each in manifests if each["kind"] == "HorizontalPodAutoscaler"}
    if (manifest["metadata"]["name"] in scaled) is ("replicas" in manifest["spec"]):
        yield "whose number of pods nobody or two decide"


def _can_be_scraped(pod: Manifest, manifests: list[Manifest]) -> bool:
    """Tell whether the pod has the port that Prometheus looks for, and a policy lets its namespace in."""
    ports = [port["name"] for container in pod["spec"]["containers"] for port in container.get("ports", [])]
    sources = [
        source.get("namespaceSelector")
        for policy in manifests
        if policy["kind"] == "NetworkPolicy" and _selects(policy, pod)
        for rule in policy["spec"].get("ingress", [])
        for source in rule["from"]
    ]
    return _SCRAPED_PORT in ports and {"matchLabels": {"kubernetes.io/metadata.name": _MONITORING}} in sources


def _dangling(manifests: list[Manifest]) -> Iterator[tuple[str, str]]:
    """Yield services without pods, paths without services, and scalers without deployments."""
    present = {identity(each) for each in manifests}
    pods = [pod for each in manifests if (pod := pod_of(each))]
    for manifest in manifests:
        name, spec = " ".join(identity(manifest)), manifest.get("spec", {})
        match manifest["kind"]:
            case "Service":
                if not any(_matches({"matchLabels": spec["selector"]}, pod) for pod in pods):
                    yield "that leads nowhere", name
            case "Ingress":
                paths = [path for rule in spec["rules"] for path in rule["http"]["paths"]]
                if any(("Service", path["backend"]["service"]["name"]) not in present for path in paths):
                    yield "that leads nowhere", name
            case "HorizontalPodAutoscaler":
                if ("Deployment", spec["scaleTargetRef"]["name"]) not in present:
                    yield "that leads nowhere", name


def _is_default_deny(manifest: Manifest) -> bool:
    denied: Manifest = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    return identity(manifest)[0] == "NetworkPolicy" and bool(manifest["spec"] == denied)


def _selects(manifest: Manifest, pod: Manifest) -> bool:
    """Tell whether a budget or a policy names the pod; a policy for all pods does not count."""
    spec = manifest["spec"]
    selector: Manifest = spec.get("podSelector") or spec.get("selector") or {}
    return bool(selector) and _matches(selector, pod)


def _matches(selector: Mapping[str, Any], pod: Manifest) -> bool:
    labels = pod["metadata"]["labels"]
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        each["operator"] == "In" and labels.get(each["key"]) in each["values"]
        for each in selector.get("matchExpressions", [])
    )


def _variables(container: Manifest, manifests: list[Manifest]) -> dict[str, str]:
    maps = {each["metadata"]["name"]: each["data"] for each in manifests if each["kind"] == "ConfigMap"}
    sources = [maps.get(each["configMapRef"]["name"], {}) for each in container.get("envFrom", [])]
    own = {each["name"]: each.get("value", "") for each in container.get("env", [])}
    return {name: value for source in (*sources, own) for name, value in source.items()}


def faults_of_settings(variables: Mapping[str, str], mounts: list[str]) -> Iterator[tuple[str, str]]:
    """Yield settings that do not exist, secrets as plain text, and files outside of all mounts."""
    secret = {leaf.variable for leaf in setting_fields() if leaf.secret} | {"GROME_MONGO_URL", "GROME_REDIS_URL"}
    for name, value in variables.items():
        if name.startswith(PREFIX) and name not in _KNOWN and name.removesuffix(FILE_SUFFIX) not in _KNOWN:
            yield "with an unknown setting", name
        if name in secret and value:
            yield "with a secret as plain text", name
        if name.endswith(FILE_SUFFIX) and not any(value.startswith(f"{mount}/") or value == mount for mount in mounts):
            yield "with a file that is not mounted", f"{name}={value}"
