"""The files of deploy/, each checked by a tool or a model that knows its format. test_deploy_run.py runs them.

test_package.py builds the package of deploy/debian/."""
import json
import re
import shutil
import subprocess
from pathlib import Path

import botocore.session
import botocore.validate
import pytest
import yaml

from cloud_formation import Template
from harness import ROOT, clean_environment, thumbwheel

DEPLOY = ROOT / "deploy"
FILES = sorted(path.relative_to(DEPLOY).as_posix() for path in DEPLOY.rglob("*")
               if path.is_file() and DEPLOY / "debian" not in path.parents)
# Of these, tests/js/deploy.mjs knows the format. The checks of all others are below.
MODELS = {name: "kubernetes" for name in FILES if name.startswith("kubernetes/")} | {
    "compose.yaml": "compose", "grafana/thumbwheel.json": "grafana", "iam-policy.json": "policy"}
OTHERS = {"thumbwheel.service", "cloudformation.yaml", "ecs/task-definition.json", "prometheus/prometheus.yml",
          "prometheus/kubernetes.yml", "prometheus/alerts.yml", "grafana/provisioning/datasources/prometheus.yaml",
          "grafana/provisioning/dashboards/thumbwheel.yaml",
          "image/root.sh",  # of which test_container.py builds the image
          "local-init.yaml"}  # with which test_init.py starts the embedded cloud
PIPELINES = ["thumbnail", "web", "mobile", "tags"]
PROMETHEUS_OWN = {"up": {"job", "instance"}}
TARGET_LABELS = {"job", "instance"}  # what Prometheus adds to each sample
SECURITY_THRESHOLD = 26  # of 100: networks, namespaces and mounts are needed (see the unit)


def documents(name):
    text = (DEPLOY / name).read_text()
    return [json.loads(text)] if name.endswith(".json") else list(yaml.safe_load_all(text))


def kubernetes(kind):
    """The manifests of a kind, by name."""
    found = [document for name in FILES if name.startswith("kubernetes/") for document in documents(name)]
    return {document["metadata"]["name"]: document for document in found if document["kind"] == kind}


def container():
    return kubernetes("Deployment")["thumbwheel"]["spec"]["template"]["spec"]["containers"][0]


def seconds(time):
    number, unit = re.fullmatch(r"(\d+)(s|m|)", str(time)).groups()
    return int(number) * (60 if unit == "m" else 1)


def run(*command, **options):
    done = subprocess.run([*map(str, command)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=120, **options)
    assert done.returncode == 0, done.stdout
    return done.stdout


def need(program):
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed")


def problems_of_models(folder, values):
    """What tests/js/deploy.mjs finds, by name."""
    (folder / "values.json").write_text(json.dumps(
        [{"name": name, "format": kind, "value": value} for name, kind, value in values]))
    return json.loads(run("node", "deploy.mjs", folder / "values.json", cwd=ROOT / "tests/js", env=clean_environment()))


@pytest.fixture(scope="module")
def template():
    """The stack in the account and with the bucket of the examples."""
    return Template(documents("cloudformation.yaml")[0],
                    {"AWS::AccountId": "123456789012", "AWS::Region": "eu-west-1", "AWS::Partition": "aws",
                     "Bucket": "example-photos", "OidcProvider": "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"})


@pytest.fixture(scope="module")
def found_by_models(tmp_path_factory, template):
    """Problems by file. With each kind there is a wrong value: a model that accepts everything proves nothing."""
    values = [(f"{name} {i}", kind, document) for name, kind in MODELS.items()
              for i, document in enumerate(documents(name))]
    for name, resource in template.of_type("AWS::IAM::Role").items():
        values.append((f"{name} trust", "policy", resource["AssumeRolePolicyDocument"]))
    deployment, scaled = kubernetes("Deployment")["thumbwheel"], kubernetes("ScaledObject")["thumbwheel"]
    board, compose = documents("grafana/thumbwheel.json")[0], documents("compose.yaml")[0]
    policy = documents("iam-policy.json")[0]
    wrong = {
        "a misspelled key": ("kubernetes", json.loads(json.dumps(deployment).replace("livenessProbe", "livenesProbe"))),
        "a missing key": ("kubernetes", {**deployment, "spec": {"template": deployment["spec"]["template"]}}),
        "a trigger without a type": ("kubernetes", {**scaled, "spec": {**scaled["spec"], "triggers": [{"metadata": {}}]}}),
        "a panel without a type": ("grafana", {**board, "panels": [{"title": "x"}]}),
        "a service with an unknown key": ("compose", {"services": {"a": {**compose["services"]["cloud"], "imag": "x"}}}),
        "an action that AWS does not have": ("policy", {**policy, "Statement": [
            {"Effect": "Allow", "Action": "s3:HeadObject", "Resource": "*"}]}),
        "a statement without an effect": ("policy", {**policy, "Statement": [{"Action": "s3:GetObject", "Resource": "*"}]}),
    }
    problems = problems_of_models(tmp_path_factory.mktemp("models"),
                                  values + [(name, kind, value) for name, (kind, value) in wrong.items()])
    for name in wrong:
        assert problems.pop(name), f"accepted: {name}"
    return problems


def test_every_file_has_a_check():
    assert set(FILES) == set(MODELS) | OTHERS


@pytest.mark.parametrize("name", MODELS)
def test_the_models_accept_the_file(name, found_by_models):
    own = {key: problems for key, problems in found_by_models.items() if key.rpartition(" ")[0] == name}
    assert own and not any(own.values()), own


def test_the_roles_may_be_assumed(found_by_models):
    trusts = {key: problems for key, problems in found_by_models.items() if key.endswith(" trust")}
    assert set(trusts) == {"Role trust", "ExecutionRole trust"} and not any(trusts.values()), trusts


# ---- systemd ----

@pytest.fixture
def unit(tmp_path):
    """The unit with a program that exists here: systemd-analyze looks for it."""
    text = (DEPLOY / "thumbwheel.service").read_text()
    assert "ExecStart=/usr/bin/thumbwheel run\n" in text
    path = tmp_path / "thumbwheel.service"
    path.write_text(text.replace("/usr/bin/thumbwheel", "/bin/true"))
    return path


def test_systemd_accepts_the_unit(unit):
    need("systemd-analyze")
    assert run("systemd-analyze", "verify", "--man=no", unit) == ""


def test_the_unit_is_confined(unit):
    need("systemd-analyze")
    run("systemd-analyze", "security", "--offline=yes", "--no-pager", f"--threshold={SECURITY_THRESHOLD}", unit)


# ---- time limits and settings ----

def default(setting):
    table = thumbwheel("check", "--settings").stdout
    return re.search(rf"\| `{setting}` \| ([^|]+) \|", table)[1]


def test_all_wait_longer_than_the_grace_period():
    grace = seconds(default("THUMBWHEEL_GRACE"))
    unit = (DEPLOY / "thumbwheel.service").read_text()
    assert seconds(re.search(r"^TimeoutStopSec=(.*)", unit, re.M)[1]) > grace
    for service in ("cloud", "engine-1", "engine-2"):
        assert seconds(documents("compose.yaml")[0]["services"][service]["stop_grace_period"]) > grace
    pod = kubernetes("Deployment")["thumbwheel"]["spec"]["template"]["spec"]
    settings = kubernetes("ConfigMap")["thumbwheel-settings"]["data"]
    assert pod["terminationGracePeriodSeconds"] > seconds(settings["THUMBWHEEL_GRACE"])
    task = documents("ecs/task-definition.json")[0]["containerDefinitions"][0]
    variables = {item["name"]: item["value"] for item in task["environment"]}
    assert seconds(variables["THUMBWHEEL_GRACE"]) < task["stopTimeout"] <= 120  # Fargate's maximum


def test_every_variable_is_a_setting():
    known = set(re.findall(r"`(THUMBWHEEL_\w+)`", thumbwheel("check", "--settings").stdout))
    for name in FILES:
        assert set(re.findall(r"\bTHUMBWHEEL_[A-Z]\w+", (DEPLOY / name).read_text())) <= known, name


def test_the_pods_settings_and_ports_fit_together():
    settings = kubernetes("ConfigMap")["thumbwheel-settings"]["data"]
    port = int(settings["THUMBWHEEL_METRICS"].removeprefix(":"))
    assert [item["containerPort"] for item in container()["ports"]] == [port]
    assert kubernetes("Service")["thumbwheel"]["spec"]["ports"] == [{"name": "metrics", "port": port, "targetPort": "metrics"}]
    mounts = {mount["mountPath"] for mount in container()["volumeMounts"]}
    assert settings["THUMBWHEEL_PIPELINES"] in mounts
    for probe, path in (("startupProbe", "/livez"), ("livenessProbe", "/livez"), ("readinessProbe", "/readyz")):
        assert container()[probe]["httpGet"] == {"path": path, "port": "metrics"}


def test_the_pod_has_no_privileges():
    pod = kubernetes("Deployment")["thumbwheel"]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container()["securityContext"] == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                              "capabilities": {"drop": ["ALL"]}}
    assert {"cpu", "memory"} == set(container()["resources"]["limits"])


def test_the_manifests_refer_to_each_other():
    pod = kubernetes("Deployment")["thumbwheel"]["spec"]["template"]
    selector = kubernetes("Deployment")["thumbwheel"]["spec"]["selector"]["matchLabels"]
    assert selector.items() <= pod["metadata"]["labels"].items()
    assert kubernetes("PodDisruptionBudget")["thumbwheel"]["spec"]["selector"]["matchLabels"] == selector
    assert kubernetes("Service")["thumbwheel"]["spec"]["selector"] == selector
    assert pod["spec"]["serviceAccountName"] in kubernetes("ServiceAccount")
    maps = {item["configMapRef"]["name"] for item in container()["envFrom"]} | {
        volume["configMap"]["name"] for volume in pod["spec"]["volumes"] if "configMap" in volume}
    assert maps == set(kubernetes("ConfigMap"))
    scaled = kubernetes("ScaledObject")["thumbwheel"]["spec"]
    assert scaled["scaleTargetRef"]["name"] in kubernetes("Deployment")
    assert {trigger["authenticationRef"]["name"] for trigger in scaled["triggers"]} <= set(kubernetes("TriggerAuthentication"))


def test_every_queue_scales_the_engines():
    """One trigger for each queue: the autoscaler takes the largest. A sum over the queues would count a photo four times."""
    scaled = kubernetes("ScaledObject")["thumbwheel"]["spec"]
    assert [trigger["type"] for trigger in scaled["triggers"]] == ["aws-sqs-queue"] * len(PIPELINES)
    assert "scalingModifiers" not in scaled["advanced"]
    assert [trigger["metadata"]["queueURL"].rpartition("/")[2] for trigger in scaled["triggers"]] == \
        [f"{name}-queue" for name in PIPELINES]


def test_the_pods_pipelines_are_the_default_ones_for_any_bucket(tmp_path):
    data = kubernetes("ConfigMap")["thumbwheel-pipelines"]["data"]
    assert list(data) == [f"{name}.yaml" for name in PIPELINES]
    for name, text in data.items():
        assert text == (ROOT / "pipelines" / name).read_text().replace("  bucket: photos\n", "")
        (tmp_path / name).write_text(text)
    assert thumbwheel("check", "--pipelines", tmp_path).returncode == 0


# ---- AWS ----

def validate(service, operation, parameters):
    """The request, checked by the model with which boto3 checks it."""
    shape = botocore.session.get_session().get_service_model(service).operation_model(operation).input_shape
    report = botocore.validate.ParamValidator().validate(parameters, shape)
    assert not report.has_errors(), report.generate_report()


def test_ecs_accepts_the_task_definition():
    task = documents("ecs/task-definition.json")[0]
    validate("ecs", "RegisterTaskDefinition", task)
    container, = task["containerDefinitions"]
    assert (int(task["cpu"]), int(task["memory"])) in {(256, 512), (512, 1024), (1024, 2048)}  # some of Fargate's sizes
    assert container["readonlyRootFilesystem"] and container["linuxParameters"]["capabilities"] == {"drop": ["ALL"]}
    assert container["healthCheck"]["command"] == ["CMD", "thumbwheel", "health"]
    assert "privileged" not in container and not container["user"].startswith("0")


def test_a_health_check_needs_the_address_of_the_metrics():
    """`thumbwheel health` finds the engine by THUMBWHEEL_METRICS, so it must be set where it runs."""
    task = documents("ecs/task-definition.json")[0]["containerDefinitions"][0]
    assert "THUMBWHEEL_METRICS" in {item["name"] for item in task["environment"]}
    for service in ("cloud", "engine-1", "engine-2"):
        compose = documents("compose.yaml")[0]["services"][service]
        assert compose["healthcheck"]["test"] == ["CMD", "thumbwheel", "health"]
        assert "THUMBWHEEL_METRICS" in compose["environment"]


def test_the_role_of_the_stack_has_the_policy_of_the_file(template):
    role = template.of_type("AWS::IAM::Role")["Role"]
    policy, = role["Policies"]
    assert policy["PolicyDocument"] == documents("iam-policy.json")[0]
    for properties in template.of_type("AWS::IAM::Role").values():
        validate("iam", "CreateRole", {"RoleName": properties["RoleName"], "AssumeRolePolicyDocument": json.dumps(
            properties["AssumeRolePolicyDocument"])})


def test_the_policy_is_the_one_that_provision_gives_the_pipelines(template, tmp_path):
    """For the pipelines of the manifests, which read any bucket."""
    files = []
    for name, text in kubernetes("ConfigMap")["thumbwheel-pipelines"]["data"].items():
        (tmp_path / name).write_text(text)
        files += ["--pipelines", tmp_path / name]
    done = thumbwheel("provision", "--emit", "cloudformation", "--bucket", "example-photos", *files)
    assert done.returncode == 0, done.stderr
    values = {name: value for name, value in template.values.items() if name.startswith("AWS::")}
    role = Template(yaml.safe_load(done.stdout), values).of_type("AWS::IAM::Role")["Role"]
    assert role["Policies"][0]["PolicyDocument"] == documents("iam-policy.json")[0]


def test_the_manifests_name_the_roles_of_the_stack(template):
    roles = {name: f"arn:aws:iam::123456789012:role/{properties['RoleName']}"
             for name, properties in template.of_type("AWS::IAM::Role").items()}
    task = documents("ecs/task-definition.json")[0]
    account = kubernetes("ServiceAccount")["thumbwheel"]
    assert account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"] == task["taskRoleArn"] == roles["Role"]
    assert task["executionRoleArn"] == roles["ExecutionRole"]
    log, = template.of_type("AWS::Logs::LogGroup").values()
    assert task["containerDefinitions"][0]["logConfiguration"]["options"]["awslogs-group"] == log["LogGroupName"]
    trusted = template.of_type("AWS::IAM::Role")["Role"]["AssumeRolePolicyDocument"]["Statement"][0]["Condition"]
    assert f"system:serviceaccount:thumbwheel:{account['metadata']['name']}" in trusted["StringEquals"].values()


def test_the_documentation_lists_the_actions_of_the_policy():
    allowed = {action for statement in documents("iam-policy.json")[0]["Statement"]
               for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])}
    table = re.search(r"^## Permissions$(.*?)^## ", (ROOT / "docs/deployment.md").read_text(), re.M | re.S)[1]
    only_for_keys_of_other_pipelines = {"s3:PutObjectAcl"}
    assert set(re.findall(r"`((?:sqs|s3):\w+)`", table)) == allowed | only_for_keys_of_other_pipelines


# ---- metrics ----

def documented():
    """Each series that the program serves, with its labels. test_metrics.py compares the table with the program."""
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| ([^|]*) \|", (ROOT / "docs/metrics.md").read_text(), re.M)
    series = {}
    for name, kind, labels in rows:
        labels = {label.strip() for label in labels.split(",") if label.strip()}
        if kind == "histogram":
            series |= {f"{name}_bucket": labels | {"le"}, f"{name}_sum": labels, f"{name}_count": labels}
        else:
            series[name] = labels
    return series | PROMETHEUS_OWN


def board_expressions():
    """The dashboard's PromQL, with its variables replaced as Grafana does."""
    panels = documents("grafana/thumbwheel.json")[0]["panels"]
    expressions = [target["expr"] for panel in panels for target in panel.get("targets", [])]
    assert len(expressions) > 20
    for variable, value in (("$__rate_interval", "1m"), ("$job", "thumbwheel"), ("$instance", ".*"), ("$pipeline", ".*")):
        expressions = [expression.replace(variable, value) for expression in expressions]
    return expressions


def rules():
    return [rule for group in documents("prometheus/alerts.yml")[0]["groups"] for rule in group["rules"]]


def check_rules(folder, expressions):
    path = folder / "expressions.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "expressions", "rules": [
        {"record": f"expression_{i}", "expr": expression} for i, expression in enumerate(expressions)]}]}))
    return run("promtool", "check", "rules", path)


def test_promtool_accepts_every_expression_of_the_dashboard(tmp_path):
    need("promtool")
    check_rules(tmp_path, board_expressions())


def test_promtool_accepts_configuration_and_rules():
    need("promtool")
    for name in ("prometheus.yml", "kubernetes.yml"):
        assert "1 rule files found" in run("promtool", "check", "config", DEPLOY / "prometheus" / name)
    assert f"{len(rules())} rules found" in run("promtool", "check", "rules", DEPLOY / "prometheus/alerts.yml")


def test_every_alert_fires_when_it_should_and_only_then(tmp_path):
    need("promtool")
    for source in (DEPLOY / "prometheus/alerts.yml", Path(__file__).with_name("alerts_test.yml")):
        shutil.copy(source, tmp_path)
    run("promtool", "test", "rules", tmp_path / "alerts_test.yml")
    cases = [case for test in yaml.safe_load((tmp_path / "alerts_test.yml").read_text())["tests"]
             for case in test["alert_rule_test"]]
    both = {(case["alertname"], bool(case["exp_alerts"])) for case in cases}
    assert both == {(rule["alert"], fires) for rule in rules() for fires in (True, False)}


@pytest.mark.parametrize("where", ["the dashboard", "the rules", "the tests of the rules"])
def test_every_metric_exists_and_has_the_labels(where):
    if where == "the dashboard":
        expressions = board_expressions() + [item["query"]["query"] for item in documents(
            "grafana/thumbwheel.json")[0]["templating"]["list"] if item["type"] == "query"]
    elif where == "the rules":
        expressions = [rule["expr"] for rule in rules()]
    else:
        tests = yaml.safe_load(Path(__file__).with_name("alerts_test.yml").read_text())["tests"]
        expressions = [series["series"] for test in tests for series in test["input_series"]]
    known = documented()
    for expression in expressions:
        used = re.findall(r"\b(thumbwheel_\w+|process_\w+|up)\b(?:\{([^}]*)\})?", expression)
        assert used, expression
        labels = set().union(*(known[name] for name, _ in used)) | TARGET_LABELS
        for name, selector in used:
            assert set(re.findall(r"(\w+)\s*=", selector)) <= known[name] | TARGET_LABELS, expression
        for grouping in re.findall(r"\bby \(([^)]*)\)", expression):
            assert {label.strip() for label in grouping.split(",")} <= labels, expression


def test_the_dashboard_is_laid_out_without_overlaps():
    board = documents("grafana/thumbwheel.json")[0]
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    taken = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert place["x"] + place["w"] <= 24 and not cells & taken, panel["title"]
        taken |= cells


def test_grafana_finds_the_dashboard_and_its_data():
    """The folders and names with which compose.yaml, the provisioning files and the dashboard refer to each other."""
    services = documents("compose.yaml")[0]["services"]
    mounts = {target: DEPLOY / source for source, target, _ in
              (volume.split(":") for volume in services["grafana"]["volumes"])}
    assert mounts["/etc/grafana/provisioning"] == DEPLOY / "grafana/provisioning"
    provider, = documents("grafana/provisioning/dashboards/thumbwheel.yaml")[0]["providers"]
    boards = {source for target, source in mounts.items() if target.startswith(provider["options"]["path"] + "/")}
    assert boards == {DEPLOY / "grafana/thumbwheel.json"}
    source, = documents("grafana/provisioning/datasources/prometheus.yaml")[0]["datasources"]
    assert source["type"] == "prometheus" and source["url"] == "http://prometheus:9090" and "prometheus" in services
    variables = {item["name"] for item in documents("grafana/thumbwheel.json")[0]["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(documents("grafana/thumbwheel.json"))))
    assert used - {"__rate_interval"} == variables


def test_prometheus_scrapes_the_engines():
    services = documents("compose.yaml")[0]["services"]
    job, = documents("prometheus/prometheus.yml")[0]["scrape_configs"]
    assert job["job_name"] == "thumbwheel"
    targets = {target for config in job["static_configs"] for target in config["targets"]}
    assert targets == {name + services[name]["environment"]["THUMBWHEEL_METRICS"]
                       for name in services if name.startswith("engine-")}
    job, = documents("prometheus/kubernetes.yml")[0]["scrape_configs"]
    assert job["job_name"] == "thumbwheel"
    found, = job["dns_sd_configs"]
    assert found["names"] == [f"{name}.thumbwheel.svc" for name in kubernetes("Service")]
    assert f":{found['port']}" == kubernetes("ConfigMap")["thumbwheel-settings"]["data"]["THUMBWHEEL_METRICS"]
