"""Sign-in at a real OpenID provider, as a browser does it: through every redirect and form."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

pytestmark = pytest.mark.integration

HERE = Path(__file__).parent.parent / "oidc"
ADMIN = "admin-" + "t" * 40
SECRET = "of/the client: +%"  # noqa: S105  # of tests, with all that form-encoding changes
INSTALL_S = 300


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def node() -> str:
    found = shutil.which("node")
    if found is None or shutil.which("npm") is None:
        pytest.skip("NO TEST OF OIDC SIGN-IN: node and npm are not installed")
    lock = HERE / "package-lock.json"
    installed = HERE / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        subprocess.run(["npm", "ci", "--ignore-scripts"], cwd=HERE, check=True, timeout=INSTALL_S)
        installed.touch()
    return found


@dataclass
class Site:
    hub: str
    issuer: str
    folder: Path

    def browser(self) -> "Browser":
        return Browser(self)


class Browser:
    """Follows redirects one by one, keeps cookies, fills in the provider's forms."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.http = httpx2.Client(timeout=20, trust_env=False)
        self.visited: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def start(self, next_path: str = "/rules", **more: str) -> httpx2.Response:
        return self.http.get(
            f"{self.site.hub}/api/v1/session/oidc/start", params={"next": next_path, **more}
        )

    def follow(self, answer: httpx2.Response) -> httpx2.Response:
        """Follow redirects up to one that leads to a page of the portal."""
        while answer.is_redirect:
            target = str(answer.url.join(answer.headers["location"]))
            self.visited.append(target)
            if target.startswith(self.site.hub) and "/api/" not in target:
                return answer
            answer = self.http.get(target)
        return answer

    def sign_in(self, login: str, next_path: str = "/rules", **more: str) -> str:
        """Return the address that the sign-in ends at."""
        answer = self.follow(self.start(next_path, **more))
        for _ in range(4):
            if answer.is_redirect:
                return str(answer.headers["location"])
            action = re.search(r'action="([^"]+)"', answer.text)
            prompt = re.search(r'name="prompt" value="([^"]+)"', answer.text)
            assert action, answer.text[:2000]
            assert prompt, answer.text[:2000]
            form = {"prompt": prompt[1], "login": login, "password": "any"}
            answer = self.follow(self.http.post(str(answer.url.join(action[1])), data=form))
        raise AssertionError(f"still not back after four forms: {answer.text[:500]}")

    def session(self) -> httpx2.Response:
        return self.http.get(f"{self.site.hub}/api/v1/session")


@pytest.fixture(scope="module")
def site(node: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("oidc")
    hub_port, provider_port = free_port(), free_port()
    hub, issuer = f"http://127.0.0.1:{hub_port}", f"http://127.0.0.1:{provider_port}"
    (folder / "tokens.json").write_text(json.dumps({"admin": ADMIN, "clusters": {"c1": "c" * 40}}))
    (folder / "secret").write_text(SECRET)
    callback = f"{hub}/api/v1/session/oidc/callback"
    named = {
        "PORT": str(hub_port),
        "DATA_DIR": str(folder / "data"),
        "PUBLIC_URL": hub,
        "BOOTSTRAP_TOKENS_FILE": str(folder / "tokens.json"),
        "OIDC_ISSUER": issuer,
        "OIDC_CLIENT_ID": "tidegate",
        "OIDC_CLIENT_SECRET_FILE": str(folder / "secret"),
        "OIDC_ADMIN_VALUES": "tidegate-admins",
        "OIDC_READER_VALUES": "tidegate-readers",
        "OIDC_NAME": "Example",
        "OIDC_ALLOW_PRIVATE": "true",
    }
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TIDEGATE_")}
    environment = {
        **kept,
        **{f"TIDEGATE_HUB_{k}": v for k, v in named.items()},
        "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
    }
    with (
        (folder / "hub.log").open("wb") as hub_log,
        (folder / "provider.log").open("wb") as provider_log,
        subprocess.Popen(
            [node, "provider.mjs", str(provider_port), callback, SECRET],
            cwd=HERE,
            stdout=subprocess.PIPE,
            stderr=provider_log,
        ) as provider,
        subprocess.Popen(
            [sys.executable, "-m", "tidegate.hub"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=hub_log,
        ) as process,
    ):
        try:
            for child, log in ((provider, "provider.log"), (process, "hub.log")):
                assert child.stdout is not None
                assert child.stdout.readline(), (folder / log).read_text()
            yield Site(hub, issuer, folder)
        finally:
            provider.terminate()
            process.terminate()


@pytest.mark.parametrize(
    ("login", "role"),
    [pytest.param("ada", "admin", id="admin"), pytest.param("rob", "reader", id="reader")],
)
def test_a_value_of_the_claim_gives_the_role(site: Site, login: str, role: str) -> None:
    with site.browser() as browser:
        assert browser.sign_in(login, "/rules?search=a%20b#x") == "/rules?search=a%20b#x"
        user = browser.session().json()["user"]
        assert user == {
            "name": f"oidc:{login}",
            "displayName": f"{login} <b>Example</b>",
            "role": role,
            "mustChangePassword": False,
        }
        listed = browser.http.get(f"{site.hub}/api/v1/users")
        assert listed.status_code == (200 if role == "admin" else 403)


def test_the_request_to_the_provider_carries_state_nonce_and_challenge(site: Site) -> None:
    with site.browser() as browser:
        answer = browser.start()
        sent = parse_qs(urlsplit(answer.headers["location"]).query)
        assert sent["code_challenge_method"] == ["S256"]
        assert all(len(sent[name][0]) == 43 for name in ("state", "nonce", "code_challenge"))
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Path=/api/v1/session/oidc" in cookie
        assert sent["state"][0] not in cookie


def test_who_has_none_of_the_values_is_refused(site: Site) -> None:
    with site.browser() as browser:
        assert browser.sign_in("eve") == "/?signInError=role"
        assert browser.session().status_code == 401
    assert (
        "eve"
        not in httpx2.get(
            f"{site.hub}/api/v1/users",
            headers={"Authorization": f"Bearer {ADMIN}"},
            trust_env=False,
        ).text
    )


def callback_of(browser: Browser, login: str) -> str:
    browser.sign_in(login)
    return next(url for url in browser.visited if "/oidc/callback" in url)


def test_t25_a_code_works_once_and_in_the_browser_that_began_alone(site: Site) -> None:
    with site.browser() as browser, site.browser() as thief:
        used = callback_of(browser, "ada")
        thief.start()
        stolen = thief.http.get(used)
        assert stolen.headers["location"] == "/?signInError=expired"
        again = browser.http.get(used)
        assert again.headers["location"] == "/?signInError=expired"


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        pytest.param("error=access_denied", "denied", id="refused-there"),
        pytest.param("code=made-up", "unavailable", id="made-up-code"),
        pytest.param("code=x&iss=https://evil.example", "unavailable", id="other-issuer"),
    ],
)
def test_a_callback_that_brings_no_good_code_opens_nothing(
    site: Site, more: str, problem: str
) -> None:
    with site.browser() as browser:
        state = parse_qs(urlsplit(browser.start().headers["location"]).query)["state"][0]
        if "iss=" not in more:
            more += f"&iss={site.issuer}"
        answer = browser.http.get(f"{site.hub}/api/v1/session/oidc/callback?state={state}&{more}")
        assert answer.headers["location"] == f"/?signInError={problem}"
        assert browser.session().status_code == 401


@pytest.mark.parametrize(
    "target", ["https://evil.example", "//evil.example", "/\\evil.example", "/a\tb", "rules", ""]
)
def test_only_pages_of_the_hub_are_shown_afterwards(site: Site, target: str) -> None:
    with site.browser() as browser:
        assert browser.start(target).status_code == 400


def test_gating_goes_off_after_a_fresh_sign_in_alone(site: Site) -> None:
    with site.browser() as browser:
        browser.sign_in("ada")

        def switch_off() -> httpx2.Response:
            csrf = browser.session().json()["csrfToken"]
            return browser.http.put(
                f"{site.hub}/api/v1/clusters/c1/gating",
                json={"gating": "Off", "password": "any"},
                headers={"X-Tidegate-CSRF": csrf, "Origin": site.hub},
            )

        refused = switch_off()
        assert refused.status_code == 403
        assert refused.json()["type"] == "urn:tidegate:problem:reauthentication-needed"
        assert browser.sign_in("ada", "/clusters", fresh="true") == "/clusters"
        assert switch_off().json()["gating"] == "Off"


def test_a_disabled_person_is_refused_and_a_role_is_the_providers_word(site: Site) -> None:
    with site.browser() as browser:
        browser.sign_in("rob")
        admin = httpx2.Client(
            base_url=site.hub, headers={"Authorization": f"Bearer {ADMIN}"}, trust_env=False
        )
        with admin:
            body = {"role": "reader", "displayName": "rob <b>Example</b>", "enabled": False}
            promoted = admin.put("/api/v1/users/oidc:rob", json={**body, "role": "admin"})
            assert promoted.status_code == 409
            assert admin.put("/api/v1/users/oidc:rob", json=body).status_code == 200
            assert browser.session().status_code == 401
            assert browser.sign_in("rob") == "/?signInError=disabled"
            admin.put("/api/v1/users/oidc:rob", json={**body, "enabled": True})


def test_logs_hold_neither_codes_nor_secrets(site: Site) -> None:
    with site.browser() as browser:
        code = parse_qs(urlsplit(callback_of(browser, "ada")).query)["code"][0]
    log = (site.folder / "hub.log").read_text()
    assert code not in log
    assert SECRET not in log
    assert "Traceback" not in log
