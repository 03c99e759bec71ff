"""Sealing: a value opens only with its key and in its place, and unchanged."""

import base64
import json
from uuid import UUID, uuid4

import pytest

from screener.store.database import new_id
from screener.store.vault import (
    CROCKFORD,
    KeyRing,
    MasterKeys,
    Place,
    UnreadableError,
    Vault,
    audit_key,
    derive_token,
    key_number,
    new_code,
    new_key,
    new_token,
    open_document,
    open_sealed,
    seal,
    seal_document,
    token_hash,
    unwrap_draft_key,
    wrap_draft_key,
)

RING = KeyRing.of_one(new_key())
PLACE = Place(uuid4(), "screenings", "sealed", new_id())


def encoded(key: bytes) -> str:
    return base64.b64encode(key).decode()


def test_a_sealed_document_opens_in_its_place_and_shows_nothing() -> None:
    document = {"name": "Zoë 🎈", "days": 15, "none": None}
    envelope = seal_document(RING, PLACE, document)
    assert open_document(RING, PLACE, envelope) == document
    assert "Zoë".encode() not in envelope


@pytest.mark.parametrize(("length", "is_packed"), [(4096, False), (4097, True)])
def test_a_long_document_takes_a_fraction_of_its_bytes(length: int, is_packed: bool) -> None:
    document = {"said": "x" * (length - len('{"said":""}'))}
    envelope = seal_document(RING, PLACE, document)
    assert open_document(RING, PLACE, envelope) == document
    assert (len(envelope) < length / 5) is is_packed


def test_a_long_document_of_before_opens_as_it_was_sealed() -> None:
    document = {"said": ["None of these"] * 1000}
    assert open_document(RING, PLACE, seal(RING, PLACE, json.dumps(document).encode())) == document


def test_the_same_value_never_seals_to_the_same_bytes() -> None:
    assert seal(RING, PLACE, b"same") != seal(RING, PLACE, b"same")


@pytest.mark.parametrize(
    "moved",
    [
        PLACE._replace(clinic_id=uuid4()),
        PLACE._replace(table="drafts"),
        PLACE._replace(column="sealed_contact"),
        PLACE._replace(row_id=uuid4()),
    ],
)
def test_a_moved_value_is_unreadable(moved: Place) -> None:
    with pytest.raises(UnreadableError):
        open_sealed(RING, moved, seal(RING, PLACE, b"value"))


def test_any_flipped_bit_makes_a_value_unreadable() -> None:
    envelope = seal(RING, PLACE, b"value")
    for position in range(len(envelope)):
        flipped = bytearray(envelope)
        flipped[position] ^= 1
        with pytest.raises(UnreadableError):
            open_sealed(RING, PLACE, bytes(flipped))


def test_a_cut_value_is_unreadable() -> None:
    envelope = seal(RING, PLACE, b"value")
    for length in range(len(envelope)):
        with pytest.raises(UnreadableError):
            open_sealed(RING, PLACE, envelope[:length])


def test_old_values_open_after_the_clinic_key_changed() -> None:
    old, new = new_key(), new_key()
    envelope = seal(KeyRing({1: old}, 1), PLACE, b"value")
    both = KeyRing({1: old, 2: new}, 2)
    assert open_sealed(both, PLACE, envelope) == b"value"
    with pytest.raises(UnreadableError):
        open_sealed(KeyRing({2: new}, 2), PLACE, envelope)
    with pytest.raises(UnreadableError):
        open_sealed(KeyRing({1: old}, 1), PLACE, seal(both, PLACE, b"value"))


def test_a_wrapped_clinic_key_opens_for_its_clinic_and_version_alone() -> None:
    master, clinic_id, key = MasterKeys.parse(MasterKeys.new_text()), uuid4(), new_key()
    wrapped = master.wrap(clinic_id, 1, key)
    assert master.unwrap(clinic_id, 1, wrapped) == key
    for clinic, version in ((uuid4(), 1), (clinic_id, 2)):
        with pytest.raises(UnreadableError):
            master.unwrap(clinic, version, wrapped)
    with pytest.raises(UnreadableError):
        MasterKeys.parse(MasterKeys.new_text()).unwrap(clinic_id, 1, wrapped)


def test_the_last_master_key_wraps_and_each_of_them_unwraps() -> None:
    first, second, clinic_id, key = new_key(), new_key(), uuid4(), new_key()
    before = MasterKeys.parse(f"1:{encoded(first)}")
    both = MasterKeys.parse(f"1:{encoded(first)}, 7:{encoded(second)}")
    assert both.current == 7
    assert both.unwrap(clinic_id, 1, before.wrap(clinic_id, 1, key)) == key
    with pytest.raises(UnreadableError):
        before.unwrap(clinic_id, 1, both.wrap(clinic_id, 1, key))


# Fixed, since test processes must agree on the names of their tests.
GOOD_KEY = encoded(bytes(range(32)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "looks like 1:<base64"),
        (GOOD_KEY, "looks like 1:<base64"),
        ("12", "looks like 1:<base64"),
        ("\N{SUPERSCRIPT TWO}:" + GOOD_KEY, "looks like 1:<base64"),
        (f"1:1:{GOOD_KEY}", "is not base64"),
        (f"1:!{GOOD_KEY}", "is not base64"),
        ("one:" + GOOD_KEY, "looks like 1:<base64"),
        ("0:" + GOOD_KEY, "from 1 to 65535"),
        ("65536:" + GOOD_KEY, "from 1 to 65535"),
        ("1:not base64!", "is not base64"),
        ("1:" + encoded(b"short"), "has 5 bytes; it needs 32"),
        ("1:" + encoded(bytes(32)), "is not random"),
        ("1:" + encoded(b"passwordpasswordpasswordpassword"), "is not random"),
        ("1:" + encoded(b"abcdefghijk" + b"a" * 21), "is not random"),
        (f"1:{GOOD_KEY},1:{GOOD_KEY}", "appears twice"),
    ],
)
def test_a_bad_master_key_is_refused_in_words_that_hold_no_key(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as refused:
        MasterKeys.parse(text)
    assert not text or text not in str(refused.value)


def test_master_keys_at_the_edge_of_what_will_do_are_taken() -> None:
    twelve_different = b"abcdefghijkl" + b"a" * 20
    keys = MasterKeys.parse(f"65535:{encoded(twelve_different)},1:{GOOD_KEY}")
    assert (keys.current, keys.newest.current, keys.numbers) == (1, 65535, [1, 65535])
    assert (keys.find(65535), keys.find(2)) == (twelve_different, None)


def test_a_short_server_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="needs 32"):
        Vault(MasterKeys.parse(MasterKeys.new_text()), b"short")


def test_nothing_secret_is_printed(vault: Vault) -> None:
    key = new_key()
    shown = repr([vault, KeyRing.of_one(key), vault.master])
    assert repr(key) not in shown
    assert repr(vault.secret) not in shown


def test_derived_tokens_depend_on_purpose_value_and_server(vault: Vault) -> None:
    elsewhere = Vault(vault.master, new_key())
    tokens = {
        derive_token(vault, "receipt", "a"),
        derive_token(vault, "receipt", "b"),
        derive_token(vault, "form", "a"),
        derive_token(elsewhere, "receipt", "a"),
    }
    assert len(tokens) == 4
    assert derive_token(vault, "receipt", "a") in tokens
    with pytest.raises(ValueError, match="purpose"):
        derive_token(vault, "receipt|a", "")


# ---------------------------------------------------------------- what was sealed once

# As released first: what lies in databases, backups and mailed links must open for good.
FIXED = Place(UUID(int=1), "screenings", "sealed", UUID(int=2))
FIXED_VAULT = Vault(MasterKeys.parse(f"7:{GOOD_KEY}"), bytes(range(32, 64)))


def test_what_an_earlier_release_sealed_still_opens() -> None:
    ring = KeyRing({258: bytes(range(32))}, 258)
    sealed = bytes.fromhex("010102f33b8065eaa7df952ff07af3742c119274ec086c2d6330419308da9ea028480959")
    assert open_sealed(ring, FIXED, sealed) == b"value"
    assert key_number(sealed) == key_number(seal(ring, FIXED, b"value")) == 258
    wrapped = bytes.fromhex(
        "0100076c755aa37d4210e4575105b24f0159a704e0524255efd0a0e9c296b425"
        "c780d0dff553df31ed082e1b13c88000f9b437f600d85513c0af30b58e6671"
    )
    assert FIXED_VAULT.master.unwrap(UUID(int=1), 3, wrapped) == b"k" * 32


def test_links_and_trails_of_an_earlier_release_still_hold() -> None:
    assert derive_token(FIXED_VAULT, "receipt", "a") == "gN0YKsh9lrDwdTuvd3MYb7tMNUL-EGygqqKxr09UzeY"
    assert token_hash("token").hex() == "3c469e9d6c5875d37a43f353d4f88e61fcf812c66eee3457465a40b0da4153e0"
    trail = audit_key(FIXED_VAULT, UUID(int=1))
    assert trail.hex() == "3e169c6a9b99d885c73e06c779ca9acf2fcd1cc4733366dbc0d4e21c2816b665"
    wrapped = bytes.fromhex(
        "010001a85cda45c652ed7d1784f3fe07ac4abb6432aeea00f5e4c442ae3b2234"
        "e90ec1368fd17578aa11162b4f67e91f855abf21268da8e114efb88163e5fd"
    )
    assert unwrap_draft_key(FIXED_VAULT, "door", FIXED, wrapped) == b"d" * 32


def test_a_draft_opens_with_its_token_its_server_and_its_place_together() -> None:
    wrapped = wrap_draft_key(FIXED_VAULT, "door", FIXED, b"d" * 32)
    assert unwrap_draft_key(FIXED_VAULT, "door", FIXED, wrapped) == b"d" * 32
    elsewhere = Vault(FIXED_VAULT.master, new_key())
    for vault, token, place in (
        (FIXED_VAULT, "other", FIXED),
        (elsewhere, "door", FIXED),
        (FIXED_VAULT, "door", PLACE),
    ):
        with pytest.raises(UnreadableError):
            unwrap_draft_key(vault, token, place, wrapped)


def test_tokens_hold_256_bits_and_codes_only_letters_nobody_mistakes() -> None:
    assert len(base64.urlsafe_b64decode(new_token() + "=")) == 32
    assert new_token() != new_token()
    codes = [new_code(10) for _ in range(40)]
    assert {len(code) for code in codes} == {10}
    assert len(set(codes)) == 40
    assert set("".join(codes)) <= set(CROCKFORD)
