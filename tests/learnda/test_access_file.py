"""The file of tokens, and who may listen where."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from learnda import access
from learnda.access import Access, InvalidAccess, Token
from learnda.local import tokens
from learnda.quotas import Quota

HASH = "ab" * 32


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "access.toml"


def test_a_token_is_random_and_only_its_hash_is_kept(file: Path) -> None:
    first, second = tokens.add(file, "ada"), tokens.add(file, "bob@example.org", max_queued=3)
    assert first != second
    for secret in (first, second):
        assert secret.startswith("learnda_")
        assert len(secret.removeprefix("learnda_")) == 43  # 256 bits
        assert secret not in file.read_text()
        assert secret.removeprefix("learnda_") not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    found = Access(file)
    assert found.needed
    assert found.find(first) == Token("ada", access.sha256_of(first), Quota())
    bob = found.find(second)
    assert bob is not None
    assert (bob.name, bob.quota) == ("bob@example.org", Quota(max_queued=3))
    for wrong in ("", first[:-1], first + "x", first.upper(), access.sha256_of(first), "\udcff"):
        assert found.find(wrong) is None


def test_what_changes_counts_at_once(file: Path) -> None:
    first = tokens.add(file, "ada")
    found = Access(file)
    second = tokens.add(file, "bob", compute_seconds=60)
    assert found.find(second) is not None
    tokens.revoke(file, "ada")
    assert found.find(first) is None
    text = file.read_text().replace("60", "70")
    file.write_text(text)
    os.utime(file, ns=(1, 1))  # of the same size, and older
    assert found.tokens()["bob"].quota.compute_seconds == 70
    tokens.revoke(file, "bob")
    assert found.find(second) is None
    assert found.needed  # a file without tokens lets nobody in


def test_without_a_readable_file_nobody_comes_in(file: Path) -> None:
    secret = tokens.add(file, "ada")
    found = Access(file)
    kept = file.read_text()
    for broken in ("[tokens", "\x00", kept.replace("sha256", "sha")):
        file.write_text(broken)
        for _ in range(2):
            with pytest.raises(InvalidAccess):
                found.find(secret)
    file.unlink()
    with pytest.raises(InvalidAccess, match="no such file"):
        found.find(secret)
    file.write_text(kept)
    assert found.find(secret) is not None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[tokens.ada]\n", "tokens.ada: sha256"),
        ('[tokens.ada]\nsha256 = "abc"\n', "tokens.ada: sha256"),
        ("[tokens.ada]\nsha256 = 1\n", "tokens.ada: sha256"),
        (f'[tokens.ada]\nsha256 = "{HASH}"\ntoken = "x"\n', "tokens.ada: token"),
        (f'[tokens.ada]\nsha256 = "{HASH}"\nmax_queued = -1\n', "tokens.ada: max_queued"),
        (f'[tokens.ada]\nsha256 = "{HASH}"\nmax_queued = true\n', "tokens.ada: max_queued"),
        (f'[tokens.ada]\nsha256 = "{HASH}"\nmax_queued = 1.5\n', "tokens.ada: max_queued"),
        (f'[tokens.ada]\nsha256 = "{HASH}"\ncompute_seconds = nan\n', "compute_seconds"),
        (f'[tokens.ada]\nsha256 = "{HASH}"\ncompute_seconds = "1"\n', "compute_seconds"),
        (f'[tokens."a b"]\nsha256 = "{HASH}"\n', "tokens.a b: a name"),
        (f'[tokens."{"a" * 65}"]\nsha256 = "{HASH}"\n', "a name"),
        ("[tokens]\nada = 1\n", "tokens.ada: must be a table"),
        ("tokens = 1\n", "tokens: must be tables"),
        ("[token.ada]\n", "token: only"),
        ("tokens = [", "is not TOML"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_entry(file: Path, text: str, said: str) -> None:
    file.parent.mkdir()
    file.write_text(text)
    with pytest.raises(InvalidAccess) as caught:
        Access(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert said in str(caught.value)


def test_commands_leave_what_people_wrote(file: Path) -> None:
    file.parent.mkdir()
    file.write_text(f'# our class\n[tokens.ada]\nsha256 = "{HASH}" # lent\n')
    file.chmod(0o640)
    tokens.add(file, "bob")
    tokens.revoke(file, "bob")
    assert file.read_text().startswith(f'# our class\n[tokens.ada]\nsha256 = "{HASH}" # lent\n')
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert [entry.name for entry in file.parent.iterdir()] == ["access.toml"]


def test_commands_refuse_what_makes_no_sense(file: Path) -> None:
    tokens.add(file, "ada")
    before = file.read_text()
    for refused in (
        lambda: tokens.add(file, "ada"),
        lambda: tokens.add(file, "a b"),
        lambda: tokens.add(file, ""),
        lambda: tokens.revoke(file, "bob"),
    ):
        with pytest.raises(tokens.TokenRefused):
            refused()
    assert file.read_text() == before


def test_tokens_that_are_made_at_once_are_all_kept(file: Path) -> None:
    names = [f"student-{k}" for k in range(24)]
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda name: tokens.add(file, name), names))
    found = Access(file)
    assert [found.find(secret) for secret in made] == [found.tokens()[name] for name in names]


@pytest.mark.parametrize(
    ("header", "secret"),
    [
        (None, None),
        ("", None),
        ("Bearer", None),
        ("Bearer ", None),
        ("Basic abc", None),
        ("abc", None),
        ("Bearer abc", "abc"),
        ("bearer  abc ", "abc"),
    ],
)
def test_the_header(header: str | None, secret: str | None) -> None:
    assert access.bearer(header) == secret


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "localhost", "::1"])
def test_the_loopback_needs_no_token(host: str) -> None:
    access.check_listening(host, Access(), {})


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.0.2.1", "example.org", "2001:db8::1"])
def test_beyond_it_a_token_is_needed_or_a_word(host: str, file: Path) -> None:
    for environment in ({}, {"LEARNDA_OPEN": "0"}, {"LEARNDA_OPEN": "yes"}):
        with pytest.raises(access.Unguarded, match="learn-da token new NAME"):
            access.check_listening(host, Access(), environment)
    access.check_listening(host, Access(), {"LEARNDA_OPEN": "1"})
    tokens.add(file, "ada")
    access.check_listening(host, Access(file), {})


def test_compute_is_told_the_hash_of_its_gateway(file: Path) -> None:
    secret = access.new_secret()
    sha256 = access.sha256_of(secret)
    found = access.from_environment({"LEARNDA_COMPUTE_TOKEN_SHA256": sha256})
    assert found.needed
    assert found.find(secret) is not None
    lent = tokens.add(file, "ada")
    both = access.from_environment(
        {"LEARNDA_COMPUTE_TOKEN_SHA256": sha256, "LEARNDA_ACCESS_FILE": str(file)}
    )
    assert both.find(secret) is not None
    assert both.find(lent) is not None
    assert not access.from_environment({"LEARNDA_ACCESS_FILE": ""}).needed
    with pytest.raises(InvalidAccess, match="LEARNDA_COMPUTE_TOKEN_SHA256"):
        access.from_environment({"LEARNDA_COMPUTE_TOKEN_SHA256": secret})
