"""The script that makes and rotates the keys, run against an `az` that keeps them in a file."""

import os
import stat
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.config import read_settings
from tests.unit.infra.test_templates import PROJECT

AZ = """#!/bin/sh
# Answers as az does; every change of the secret and every reading of it by the app is written down.
echo "$*" >>"$AZ_HOME/called"
case "$1 $2 $3" in
"keyvault secret show")
    [ -e "$AZ_HOME/forbidden" ] && { echo "(Forbidden) Caller is not authorized" >&2; exit 1; }
    [ -e "$AZ_HOME/secret" ] || { echo "(SecretNotFound) not found in this key vault" >&2; exit 1; }
    cat "$AZ_HOME/secret"; echo ;;
"keyvault secret set")
    while [ "$1" != --file ]; do shift; done
    cp "$2" "$AZ_HOME/secret"
    { echo "set"; cat "$2"; echo; } >>"$AZ_HOME/history" ;;
"functionapp show "*) echo "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Web/sites/app" ;;
"functionapp restart "*) echo "read" >>"$AZ_HOME/history" ;;
esac
"""


OPENSSL = f"""#!/bin/sh
# Draws the two digits aa first, bb from then on.
case "$2" in
-hex) [ -e "$AZ_HOME/drawn" ] && echo bb || echo aa; touch "$AZ_HOME/drawn" ;;
*) echo "{"MTIz" * 10}NDU=" ;;
esac
"""


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    az = tmp_path / "az"
    az.write_text(AZ)
    az.chmod(az.stat().st_mode | stat.S_IXUSR)
    return tmp_path


def run(vault: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": f"{vault}:{os.environ['PATH']}",
        "AZ_HOME": str(vault),
        "AZURE_KEY_VAULT": "kv",
        "AZURE_RESOURCE_GROUP": "rg",
        "AZURE_FUNCTION_APP": "app",
        "TETHER_SETTLE_SECONDS": "0",
    }
    script = str(PROJECT / "infra" / "rotate-client-state-key")
    return subprocess.run(
        [script, *arguments], env=environment, capture_output=True, text=True, check=False
    )


def keys(written: str) -> list[str]:
    """Return the key ids in order, as the app reads the setting."""
    settings = {
        "TENANT_ID": "11111111-1111-1111-1111-111111111111",
        "DATAVERSE_URL": "https://contoso.crm.dynamics.com",
        "WEBHOOK_BASE_URL": "https://tether.azurewebsites.net",
        "ServiceBusConnection__fullyQualifiedNamespace": "contoso.servicebus.windows.net",
        "CLIENT_STATE_KEYS": written,
    }
    return list(read_settings(settings).client_state_keys)


def secret(vault: Path) -> str:
    return (vault / "secret").read_text()


def history(vault: Path) -> list[str]:
    return (vault / "history").read_text().splitlines()


def test_the_first_key_is_made_once(vault: Path) -> None:
    assert run(vault, "--only-if-missing").returncode == 0
    made = secret(vault)
    assert len(keys(made)) == 1
    assert run(vault, "--only-if-missing").returncode == 0
    assert secret(vault) == made


def test_every_process_knows_a_new_key_before_any_seals_with_it(vault: Path) -> None:
    run(vault, "--only-if-missing")
    (old,) = keys(secret(vault))
    done = run(vault)
    assert done.returncode == 0, done.stderr
    _, _, *steps = history(vault)
    set_, behind, read, set_again, before, read_again = steps
    assert (set_, read, set_again, read_again) == ("set", "read", "set", "read")
    new = keys(before)[0]
    assert keys(behind) == [old, new]
    assert keys(before) == [new, old]


def test_a_rotation_keeps_one_old_key_and_retiring_keeps_none(vault: Path) -> None:
    (vault / "secret").write_text("k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
    run(vault)
    first = keys(secret(vault))[0]
    run(vault)
    newest, *rest = keys(secret(vault))
    assert rest == [first]
    assert run(vault, "--retire").returncode == 0
    assert keys(secret(vault)) == [newest]
    assert history(vault)[-1] == "read"


def test_two_keys_of_one_day_never_share_an_id(vault: Path) -> None:
    (vault / "secret").write_text(f"{datetime.now(UTC):%y%m%d}aa:{'MDEy' * 10}Zmc=")
    openssl = vault / "openssl"
    openssl.write_text(OPENSSL)
    openssl.chmod(openssl.stat().st_mode | stat.S_IXUSR)
    assert run(vault).returncode == 0
    assert [key_id[-2:] for key_id in keys(secret(vault))] == ["bb", "aa"]


def test_no_key_is_in_an_argument(vault: Path) -> None:
    run(vault, "--only-if-missing")
    run(vault)
    told = (vault / "called").read_text()
    for key in secret(vault).split(","):
        assert key.partition(":")[2] not in told


def test_what_may_not_be_read_is_not_taken_for_missing(vault: Path) -> None:
    run(vault, "--only-if-missing")
    made = secret(vault)
    (vault / "forbidden").touch()
    for mode in ((), ("--only-if-missing",), ("--retire",)):
        refused = run(vault, *mode)
        assert refused.returncode == 1
        assert "Forbidden" in refused.stderr
    assert secret(vault) == made


@pytest.mark.parametrize("mode", [(), ("--retire",)])
def test_without_a_key_there_is_nothing_to_rotate(vault: Path, mode: tuple[str, ...]) -> None:
    refused = run(vault, *mode)
    assert refused.returncode == 1
    assert "There is no key yet" in refused.stderr


def test_an_unknown_word_is_answered_with_the_usage(vault: Path) -> None:
    refused = run(vault, "--help")
    assert refused.returncode == 2
    assert "--only-if-missing" in refused.stderr
