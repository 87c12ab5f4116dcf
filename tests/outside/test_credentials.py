"""Where credentials come from: every provider of docs/credentials.md, against fake services on loopback."""
import hashlib
import json
import stat
import sys
import time

import pytest

import harness
from metadata import Fake, Sts, keys, stamp, sts_fault

ROLE = "arn:aws:iam::123456789012:role/engine"
SECRETS = ("fake-secret", "fake-token", "sts-secret", "sts-token", "source-secret", "web-token", "sso-token", "refresh-me")


@pytest.fixture
def fake():
    fakes = []

    def begin(respond):
        fakes.append(Fake(respond))
        return fakes[-1]

    yield begin
    for each in fakes:
        each.close()


@pytest.fixture
def sts(fake):
    service = Sts()
    server = fake(service)
    server.service = service
    return server


@pytest.fixture
def whoami(sts, tmp_path):
    """Runs `thumbwheel whoami --json` with these variables and ~/.aws; the object, or the error text."""
    (tmp_path / ".aws").mkdir()

    def run(config="", credentials="", arguments=(), status=0, **variables):
        (tmp_path / ".aws/config").write_text(config)
        (tmp_path / ".aws/credentials").write_text(credentials)
        environment = harness.clean_environment(AWS_REGION="eu-west-1", AWS_EC2_METADATA_DISABLED="true", HOME=str(tmp_path),
                                                AWS_ENDPOINT_URL_STS=sts.url, http_proxy="http://127.0.0.1:1")
        done = harness.thumbwheel("whoami", "--json", *arguments, environment=environment | variables)
        for secret in SECRETS:
            assert secret not in done.stdout + done.stderr
        assert done.returncode == status, done.stderr
        return json.loads(done.stdout) if done.returncode == 0 else done.stderr

    return run


def signer(who):
    return who["arn"].rsplit("/", 1)[1]


def credential(request):
    return request.headers["Authorization"].split("Credential=")[1].split("/")[0]


# ---- the environment and files ----

KEYS = "aws_access_key_id = AKIDSOURCE\naws_secret_access_key = source-secret\n"


def test_whoami_prints_provider_account_arn_and_expiry(whoami, sts):
    who = whoami(AWS_ACCESS_KEY_ID="AKIDENV", AWS_SECRET_ACCESS_KEY="source-secret", AWS_SESSION_TOKEN="sts-token")
    assert who == {"provider": "environment", "account": "123456789012", "arn": f"arn:aws:sts::123456789012:assumed-role/r/AKIDENV",
                   "user_id": "AROA:s", "expires": None}
    assert sts.requests[0].headers["X-Amz-Security-Token"] == "sts-token"
    assert len(sts.requests) == 1
    assert whoami(credentials="[default]\n" + KEYS)["provider"] == "credentials file"
    assert whoami(config="[default]\n" + KEYS)["provider"] == "config file"


def test_whoami_prints_text(whoami, sts):
    done = harness.thumbwheel("whoami", environment=harness.clean_environment(
        AWS_REGION="eu-west-1", AWS_ENDPOINT_URL_STS=sts.url, AWS_ACCESS_KEY_ID="AKIDENV", AWS_SECRET_ACCESS_KEY="source-secret"))
    assert [line.split(None, 1) for line in done.stdout.splitlines()] == [
        ["Provider", "environment"], ["Account", "123456789012"], ["ARN", "arn:aws:sts::123456789012:assumed-role/r/AKIDENV"],
        ["Expires", "never"]]


def test_whoami_exits_2_without_credentials_and_with_refused_ones(whoami, sts):
    assert "no AWS credentials found" in whoami(status=2)
    sts.service.instead["GetCallerIdentity"] = [sts_fault("InvalidClientTokenId", 403)]
    assert "STS GetCallerIdentity: InvalidClientTokenId: no (HTTP 403)" in whoami(credentials="[default]\n" + KEYS, status=2)


# ---- web identity ----

@pytest.fixture
def web(tmp_path):
    token = tmp_path / "token"
    token.write_text("web-token\n")
    return {"AWS_WEB_IDENTITY_TOKEN_FILE": str(token), "AWS_ROLE_ARN": ROLE}


def test_web_identity_is_exchanged_for_a_role_without_a_signature(whoami, sts, web):
    who = whoami(**web, AWS_ROLE_SESSION_NAME="pod")
    assert who["provider"] == "web identity" and signer(who) == "AKID1"
    assert stamp(3500) < who["expires"] < stamp(3700)
    first = sts.requests[0]
    assert first.form == {"Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "RoleArn": ROLE, "RoleSessionName": "pod",
                          "WebIdentityToken": "web-token"}
    assert "Authorization" not in first.headers
    # It comes before the files, and after keys in the environment.
    assert whoami(credentials="[default]\n" + KEYS, **web)["provider"] == "web identity"
    assert sts.requests[2].form["RoleSessionName"].startswith("thumbwheel-")
    assert whoami(AWS_ACCESS_KEY_ID="AKIDENV", AWS_SECRET_ACCESS_KEY="source-secret", **web)["provider"] == "environment"


def test_web_identity_of_a_profile(whoami, sts, web):
    who = whoami(config=f"[profile pod]\nrole_arn = {ROLE}\nweb_identity_token_file = {web['AWS_WEB_IDENTITY_TOKEN_FILE']}\n",
                 arguments=("--profile", "pod"))
    assert who["provider"] == "web identity" and sts.requests[0].form["RoleArn"] == ROLE


@pytest.mark.parametrize("responses, status, text", [
    ([sts_fault("InternalFailure", 500), sts_fault("Throttling", 429), None], 0, ""),
    ([sts_fault("IDPCommunicationError")], 0, ""),
    ([(200, "<html>welcome to the hotel</html>")], 0, ""),
    ([sts_fault("AccessDenied", 403, "Not authorized to perform sts:AssumeRoleWithWebIdentity")], 2,
     f"STS AssumeRoleWithWebIdentity {ROLE}: AccessDenied: Not authorized"),
    ([sts_fault("ExpiredTokenException")], 2, "ExpiredTokenException")])
def test_errors_of_sts(whoami, sts, web, responses, status, text):
    """A temporary error is retried; any other is reported at once."""
    sts.service.instead["AssumeRoleWithWebIdentity"] = [each for each in responses if each]
    assert text in str(whoami(status=status, **web))


def test_web_identity_without_a_role_or_a_token(whoami, web, tmp_path):
    assert "AWS_ROLE_ARN" in whoami(status=2, AWS_WEB_IDENTITY_TOKEN_FILE="/token")
    (tmp_path / "token").write_text("\n")
    assert "token is empty" in whoami(status=2, **web)


# ---- roles in profiles ----

def test_roles_are_chained(whoami, sts):
    config = f"""[profile top]
role_arn = {ROLE}-top
source_profile = middle
external_id = their/id
role_session_name = nightly
duration_seconds = 1800
[profile middle]
role_arn = {ROLE}-middle
source_profile = base
[profile base]
{KEYS}"""
    who = whoami(config=config, arguments=("--profile", "top"))
    middle, top, _ = sts.requests
    assert (credential(middle), middle.form["RoleArn"]) == ("AKIDSOURCE", ROLE + "-middle")
    assert (credential(top), top.headers["X-Amz-Security-Token"]) == ("AKID1", "sts-token")
    assert top.form == {"Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": ROLE + "-top", "RoleSessionName": "nightly",
                        "ExternalId": "their/id", "DurationSeconds": "1800"}
    assert who["provider"] == "assumed role" and signer(who) == "AKID2"


def test_a_profile_may_be_its_own_source(whoami, sts):
    assert signer(whoami(config=f"[default]\nrole_arn = {ROLE}\nsource_profile = default\n{KEYS}")) == "AKID1"
    assert credential(sts.requests[0]) == "AKIDSOURCE"


@pytest.mark.parametrize("config, text", [
    (f"role_arn = {ROLE}\nsource_profile = b\n[profile b]\nrole_arn = {ROLE}\nsource_profile = default\n", "leads back to itself"),
    (f"role_arn = {ROLE}\nsource_profile = default\n", "leads back to itself"),
    (f"role_arn = {ROLE}\nsource_profile = nobody\n", 'source_profile "nobody" does not exist'),
    (f"role_arn = {ROLE}\nsource_profile = b\n[profile b]\nregion = x\n", 'source_profile "b" has no credentials'),
    (f"role_arn = {ROLE}\n", "either source_profile or credential_source"),
    (f"role_arn = {ROLE}\nsource_profile = b\ncredential_source = Environment\n", "only one of source_profile and"),
    (f"role_arn = {ROLE}\ncredential_source = Moon\n", "Environment, EcsContainer or Ec2InstanceMetadata"),
    (f"role_arn = {ROLE}\ncredential_source = Environment\n", "no such credentials here"),
    (f"role_arn = {ROLE}\nsource_profile = b\nmfa_serial = x\n", "mfa_serial, but nobody can enter a code"),
    (f"role_arn = {ROLE}\nsource_profile = b\nduration_seconds = 60\n", "it must be 900 to 43200"),
    ("web_identity_token_file = /t\n", "no role_arn"),
    ("sso_account_id = 1\n", "sso_start_url is not set"),
    ("aws_access_key_id = AKID\n", "secret is missing")])
def test_a_mistake_in_a_profile_is_reported(whoami, config, text):
    assert text in whoami(config="[default]\n" + config, status=2)


def test_credential_source(whoami, fake, sts):
    agent = fake(lambda request: (200, keys("AKIDAGENT")))
    config = f"[profile role]\nrole_arn = {ROLE}\ncredential_source = "
    chosen = ("--profile", "role")
    whoami(config=config + "EcsContainer\n", arguments=chosen, AWS_CONTAINER_CREDENTIALS_FULL_URI=agent.url + "/x")
    assert credential(sts.requests[0]) == "AKIDAGENT"
    whoami(config=config + "Environment\n", arguments=chosen, AWS_ACCESS_KEY_ID="AKIDENV", AWS_SECRET_ACCESS_KEY="source-secret")
    assert credential(sts.requests[2]) == "AKIDENV"
    imds = fake(instance("AKIDINSTANCE"))
    whoami(config=config + "Ec2InstanceMetadata\n", arguments=chosen, AWS_EC2_METADATA_DISABLED="false",
           AWS_EC2_METADATA_SERVICE_ENDPOINT=imds.url)
    assert credential(sts.requests[4]) == "AKIDINSTANCE"


# ---- containers ----

def test_the_container_endpoint_gets_the_token(whoami, fake, tmp_path):
    agent = fake(lambda request: (200, keys("AKIDAGENT")))
    who = whoami(AWS_CONTAINER_CREDENTIALS_FULL_URI=agent.url + "/v1/credentials?id=1", AWS_CONTAINER_AUTHORIZATION_TOKEN="Basic web-token")
    assert who["provider"] == "container" and signer(who) == "AKIDAGENT" and who["expires"].endswith("Z")
    assert agent.seen() == ["GET /v1/credentials?id=1"] and agent.requests[0].headers["Authorization"] == "Basic web-token"
    (tmp_path / "token").write_text("from-file\n")
    whoami(AWS_CONTAINER_CREDENTIALS_FULL_URI=agent.url, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=str(tmp_path / "token"))
    assert agent.requests[1].headers["Authorization"] == "from-file"


@pytest.mark.parametrize("variables, text", [
    ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://10.0.0.1/"}, "names 10.0.0.1: without https, only loopback"),
    ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.evil.example/"}, "names 127.evil.example"),
    ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23.example/"}, "without https"),
    ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "/v1"}, "is not a URL"),
    ({"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "@evil.example/"}, "is not a path"),
    ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1/", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "a\r\nb: c"}, "line break")])
def test_a_container_address_that_is_not_allowed(whoami, variables, text):
    assert text in whoami(status=2, **variables)


@pytest.mark.parametrize("responses, status, text", [
    ([(500, ""), (503, "busy")], 0, ""),
    ([None], 0, ""),
    ([(200, "fake-secret, but not JSON")], 0, ""),
    ([(200, {"AccessKeyId": "a"})], 0, ""),
    ([(200, keys(Expiration="soon"))], 0, ""),
    ([(400, "fake-secret"), (400, "")], 2, "the container's credentials: HTTP 400"),
    ([(403, "")], 2, "HTTP 403"),
    ([(200, keys("AKIDOLD", expires=-60))], 0, "AKIDAGENT")])
def test_errors_of_the_container_endpoint(whoami, fake, responses, status, text):
    left = list(responses)
    agent = fake(lambda request: left.pop(0) if left else (200, keys("AKIDAGENT")))
    assert text in str(whoami(status=status, AWS_CONTAINER_CREDENTIALS_FULL_URI=agent.url))


# ---- the instance ----

def instance(name="AKIDINSTANCE", **replaced):
    """Instance metadata version 2; responses may be replaced by step: token, role, credentials, region."""
    def respond(request):
        steps = {"/latest/api/token": "token", "/latest/meta-data/iam/security-credentials/": "role",
                 "/latest/meta-data/iam/security-credentials/web-role": "credentials", "/latest/meta-data/placement/region": "region"}
        step = steps[request.path]
        if replaced.get(step):
            return replaced[step].pop(0)
        if step == "token":
            return (200, "metadata-token") if request.headers["X-aws-ec2-metadata-token-ttl-seconds"] == "21600" else (400, "")
        if request.headers["X-aws-ec2-metadata-token"] != "metadata-token":
            return 401, ""
        return 200, {"role": "web-role", "region": "eu-south-2", "credentials": keys(name, Code="Success")}[step]
    return respond


@pytest.fixture
def on_instance(whoami, fake):
    def run(status=0, respond=None, **variables):
        """Without the service's short time limit, which a busy machine exceeds now and then, unless the test sets it."""
        run.imds = fake(respond or instance())
        return whoami(status=status, **{"AWS_EC2_METADATA_DISABLED": "false", "AWS_METADATA_SERVICE_TIMEOUT": "120",
                                        "AWS_EC2_METADATA_SERVICE_ENDPOINT": run.imds.url + "/", **variables})
    return run


def test_instance_metadata_comes_last_with_version_2_only(on_instance):
    who = on_instance(AWS_EC2_METADATA_V1_DISABLED="true")
    assert who["provider"] == "instance metadata" and signer(who) == "AKIDINSTANCE"
    assert on_instance.imds.seen() == ["PUT /latest/api/token", "GET /latest/meta-data/iam/security-credentials/",
                                       "GET /latest/meta-data/iam/security-credentials/web-role"]


def test_the_region_comes_from_instance_metadata(on_instance, sts):
    on_instance(AWS_REGION="")
    assert on_instance.imds.seen()[:2] == ["PUT /latest/api/token", "GET /latest/meta-data/placement/region"]
    assert "/eu-south-2/sts/" in sts.requests[0].headers["Authorization"]


def test_without_a_region_the_error_says_so(on_instance):
    assert "no AWS region is set" in on_instance(status=2, AWS_REGION="", respond=instance(token=[(403, "")]))


@pytest.mark.parametrize("replaced, status, text", [
    ({"token": [(500, "")]}, 0, ""),
    ({"role": [(500, ""), (503, "")]}, 0, ""),
    ({"role": [(401, "")]}, 0, ""),
    ({"role": [(200, "<html> no")]}, 0, ""),
    ({"credentials": [(200, "not JSON")]}, 0, ""),
    ({"credentials": [(200, {"Code": "Success"})]}, 0, ""),
    ({"token": [(403, "")]}, 2, "is disabled"),
    ({"token": [(404, "")]}, 2, "version 1 of it is not used"),
    ({"role": [(404, "")]}, 2, "the instance has no role"),
    ({"credentials": [(200, {"Code": "AssumeRoleUnauthorizedAccess", "Message": "EC2 cannot assume the role"})]}, 2,
     "AssumeRoleUnauthorizedAccess: EC2 cannot assume the role")])
def test_errors_of_instance_metadata(on_instance, replaced, status, text):
    assert text in str(on_instance(status=status, respond=instance(**replaced)))


@pytest.mark.parametrize("step", ["token", "role", "credentials"])
def test_a_slow_instance_is_asked_again(on_instance, step):
    who = on_instance(respond=instance(**{step: [None]}), AWS_METADATA_SERVICE_TIMEOUT="1", AWS_METADATA_SERVICE_NUM_ATTEMPTS="100")
    assert signer(who) == "AKIDINSTANCE"


def test_a_token_that_never_comes_points_to_the_hop_limit(on_instance):
    assert "hop limit is 1" in on_instance(status=2, respond=lambda request: None, AWS_METADATA_SERVICE_TIMEOUT="1")
    assert on_instance.imds.seen() == ["PUT /latest/api/token"] * 2


@pytest.mark.parametrize("variables, text", [
    ({"AWS_METADATA_SERVICE_TIMEOUT": "0"}, "must be 1 to 600"), ({"AWS_METADATA_SERVICE_NUM_ATTEMPTS": "+3"}, "must be 1 to 100"),
    ({"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv5"}, "must be IPv4 or IPv6")])
def test_a_wrong_setting_of_the_instance_is_reported(on_instance, variables, text):
    assert text in on_instance(status=2, **variables)


def test_expired_credentials_are_used_if_they_come_from_instance_metadata(on_instance):
    assert signer(on_instance(respond=instance(credentials=[(200, keys("AKIDOLD", expires=-7200))]))) == "AKIDOLD"


def test_link_local_addresses_are_never_asked_through_a_proxy(whoami, fake):
    proxy = fake(instance())
    whoami(status=2, http_proxy=proxy.url, all_proxy=proxy.url, AWS_EC2_METADATA_DISABLED="false",
           AWS_EC2_METADATA_SERVICE_ENDPOINT="http://169.254.255.1:9")
    assert proxy.seen() == []


# ---- a process ----

@pytest.fixture
def process(whoami, tmp_path):
    """credential_process that runs this Python; quotes and spaces in its path."""
    def run(code, status=0, **variables):
        program = tmp_path / "it's my program.py"
        program.write_text(code)
        return whoami(config=f'[default]\ncredential_process = {sys.executable} "{program}" --for \'two words\' ""\n', status=status,
                      **variables)
    return run


PRINT = "import json, sys, time, os\nprint(json.dumps({**%r, **%r}))\n"
PROCESS_KEYS = {"Version": 1, "AccessKeyId": "AKIDPROCESS", "SecretAccessKey": "fake-secret", "SessionToken": "fake-token"}


def test_credential_process(process):
    who = process("import sys\nassert sys.argv[1:] == ['--for', 'two words', '']\n" + PRINT % (PROCESS_KEYS, {"Expiration": stamp(900)}))
    assert who["provider"] == "credential process" and signer(who) == "AKIDPROCESS" and who["expires"]
    assert process(PRINT % (PROCESS_KEYS, {}))["expires"] is None


@pytest.mark.parametrize("code, status, text", [
    ("import sys; sys.exit('please log in')", 2, "credential_process: it exited with status 1: please log in"),
    ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", 2, "killed by signal 15")])
def test_errors_of_credential_process(process, code, status, text):
    assert text in process(code, status)


ONCE = "import os, sys\nif not os.path.exists(os.environ['HOME'] + '/once'):\n    open(os.environ['HOME'] + '/once', 'w')\n    %s\n    sys.exit()\n"


@pytest.mark.parametrize("bad", ["print('garbage')", "print('{}')", "print('[1]')", "print('x' * 70000)", "print('{\"Version\": 2}')",
                                 "print('{\"Version\": 1, \"AccessKeyId\": \"a\"}')",
                                 "print('%s')" % json.dumps(PROCESS_KEYS | {"AccessKeyId": "AKIDOLD", "Expiration": stamp(-1)})])
def test_a_credential_process_that_prints_garbage_is_run_again(process, bad):
    assert signer(process(ONCE % bad + PRINT % (PROCESS_KEYS, {}))) == "AKIDPROCESS"


def test_a_missing_credential_process(whoami):
    assert "cannot run \"/no/such\"" in whoami(config="[default]\ncredential_process = /no/such thing\n", status=2)
    assert "open quote" in whoami(config="[default]\ncredential_process = a 'b\n", status=2)


# ---- SSO ----

SSO = """[profile dev]
sso_session = corp
sso_account_id = 123456789012
sso_role_name = Engine Role
[sso-session corp]
sso_region = eu-west-1
sso_start_url = https://corp.example/start
"""
OLD_SSO = """[profile dev]
sso_start_url = https://corp.example/start
sso_region = eu-west-1
sso_account_id = 123456789012
sso_role_name = Engine Role
"""


@pytest.fixture
def sso(whoami, fake, tmp_path):
    def portal(request):
        if run.instead:
            return run.instead.pop(0)
        if request.path == "/token":
            form = json.loads(request.body)
            if form != {"grantType": "refresh_token", "clientId": "id", "clientSecret": "client-secret", "refreshToken": "refresh-me"}:
                return 400, {"error": "invalid_grant"}
            return 200, {"accessToken": "sso-token-2", "expiresIn": 28800, "refreshToken": "refresh-me-2"}
        assert request.path == "/federation/credentials?role_name=Engine%20Role&account_id=123456789012"
        if request.headers["x-amz-sso_bearer_token"] not in ("sso-token", "sso-token-2"):
            return 401, {}
        return 200, {"roleCredentials": {"accessKeyId": "AKIDSSO", "secretAccessKey": "fake-secret", "sessionToken": "fake-token",
                                         "expiration": int((time.time() + 3600) * 1000)}}

    def run(status=0, config=SSO, token=None, key="corp"):
        run.cache = tmp_path / ".aws/sso/cache" / (hashlib.sha1(key.encode()).hexdigest() + ".json")
        if token:
            run.cache.parent.mkdir(parents=True, exist_ok=True)
            run.cache.write_text(json.dumps(token))
        return whoami(config=config, arguments=("--profile", "dev"), status=status, AWS_ENDPOINT_URL_SSO=run.portal.url,
                      AWS_ENDPOINT_URL_SSO_OIDC=run.portal.url)

    run.instead = []
    run.portal = fake(portal)
    return run


def login(expires=3600, **more):
    return {"accessToken": "sso-token", "expiresAt": stamp(expires), "startUrl": "https://corp.example/start", "region": "eu-west-1"} | more


REFRESHABLE = {"clientId": "id", "clientSecret": "client-secret", "refreshToken": "refresh-me", "registrationExpiresAt": stamp(86400)}


def test_an_sso_login_yields_the_credentials_of_a_role(sso):
    who = sso(token=login())
    assert who["provider"] == "SSO" and signer(who) == "AKIDSSO" and who["expires"]
    assert sso.portal.seen() == ["GET /federation/credentials?role_name=Engine%20Role&account_id=123456789012"]
    assert sso(config=OLD_SSO, key="https://corp.example/start", token=login())["provider"] == "SSO"


def test_a_login_is_refreshed_and_saved(sso):
    assert signer(sso(token=login(60, **REFRESHABLE, custom="kept"))) == "AKIDSSO"
    saved = json.loads(sso.cache.read_text())
    assert saved["accessToken"] == "sso-token-2" and saved["refreshToken"] == "refresh-me-2" and saved["custom"] == "kept"
    assert saved["expiresAt"] > stamp(28000) and stat.S_IMODE(sso.cache.stat().st_mode) == 0o600
    assert sso.portal.requests[1].headers["x-amz-sso_bearer_token"] == "sso-token-2"
    sso()
    assert [each for each in sso.portal.seen() if "token" in each] == ["POST /token"]


def test_a_failed_refresh_does_no_harm_while_the_login_is_valid(sso):
    sso.instead = [(400, {"error": "invalid_grant"})]
    assert signer(sso(token=login(60, **REFRESHABLE))) == "AKIDSSO"


@pytest.mark.parametrize("config, key, token", [
    (SSO, "corp", None), (SSO, "corp", login(-1)), (SSO, "corp", {"no": "token"}),
    (SSO, "corp", login(-1, **REFRESHABLE | {"refreshToken": "revoked"})),
    (SSO, "corp", login(-1, **REFRESHABLE | {"registrationExpiresAt": stamp(-1)})),
    (SSO, "corp", login() | {"accessToken": "revoked"}),
    (OLD_SSO, "https://corp.example/start", login(-1, **REFRESHABLE))])
def test_the_error_says_how_to_log_in(sso, config, key, token):
    assert "run: aws sso login --profile dev" in sso(status=2, config=config, key=key, token=token)


@pytest.mark.parametrize("responses, status, text", [
    ([(500, ""), (429, "")], 0, ""), ([None], 0, ""), ([(200, "garbage")], 0, ""), ([(200, {"roleCredentials": {}})], 0, ""),
    ([(200, {"roleCredentials": {"accessKeyId": "AKIDOLD", "secretAccessKey": "fake-secret", "sessionToken": "fake-token",
                                 "expiration": 1_600_000_000_000}})], 0, "AKIDSSO"),
    ([(404, "")], 2, "SSO GetRoleCredentials: HTTP 404")])
def test_errors_of_the_sso_portal(sso, responses, status, text):
    sso.instead = list(responses)
    assert text in str(sso(status=status, token=login()))
