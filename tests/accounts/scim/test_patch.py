"""PATCH as a table: what each operation makes of a resource, as the standard says and as directories send it."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.scim import patch
from accounts.scim.errors import InvalidPath, InvalidSyntax, InvalidValue, NoTarget, NotMutable, ScimError, TooLarge
from accounts.scim.schemas import GROUPS, USERS

ZOE: dict[str, Any] = {
    "userName": "zoe@harbour.example",
    "name": {"givenName": "Zoe", "familyName": "Hart"},
    "title": "Nurse",
    "active": True,
    "emails": [{"value": "zoe@harbour.example", "type": "work", "primary": True}],
    "phoneNumbers": [{"value": "1", "type": "work"}, {"value": "2", "type": "mobile"}],
}
TEAM: dict[str, Any] = {"displayName": "Nurses", "members": [{"value": "1"}, {"value": "2"}]}
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
HOME = {"value": "zoe@home.example", "type": "home"}


def op(name, path=None, *value):
    operation = {"op": name}
    if path is not None:
        operation["path"] = path
    return {**operation, "value": value[0]} if value else operation


def patched(resource, *operations):
    kind = GROUPS if "displayName" in resource else USERS
    before = copy.deepcopy(resource)
    result = patch.apply(kind, resource, {"Operations": list(operations)})
    assert resource == before, "what was given stays as it is"
    return {name: value for name, value in result.items() if value != resource.get(name)} | dict.fromkeys(
        resource.keys() - result.keys()
    )


@pytest.mark.parametrize(
    ("operation", "changes"),
    [
        (op("replace", "active", False), {"active": False}),
        (op("Replace", "active", "False"), {"active": False}),
        (op("replace", None, {"active": "false"}), {"active": False}),
        (op("replace", None, {"id": "x", "active": False, "meta": {}, "groups": []}), {"active": False}),
        (op("add", None, {USERS.schema: {"title": "Head"}}), {"title": "Head"}),
        (op("replace", f"{USERS.schema}:title", "Head"), {"title": "Head"}),
        (op("replace", "TITLE", "Head"), {"title": "Head"}),
        (op("remove", "title"), {"title": None}),
        (op("replace", "title", None), {"title": None}),
        (op("replace", "title", ""), {"title": None}),
        (op("add", "name.familyName", "Berg"), {"name": {"givenName": "Zoe", "familyName": "Berg"}}),
        (op("replace", None, {"name.familyName": "Berg"}), {"name": {"givenName": "Zoe", "familyName": "Berg"}}),
        (op("replace", "name", {"familyName": "Berg"}), {"name": {"givenName": "Zoe", "familyName": "Berg"}}),
        (op("remove", "name.familyName"), {"name": {"givenName": "Zoe"}}),
        (op("remove", "name"), {"name": None}),
        (op("add", "name.middleName", "X"), {}),
        (op("replace", f"{ENTERPRISE}:department", "Ward"), {}),
        (op("add", None, {ENTERPRISE: {"department": "Ward"}, "nickName": "Z", "unheardOf": 1}), {}),
        (op("add", "addresses", [{"country": "GB"}]), {}),
        (op("add", "emails", [HOME]), {"emails": [*ZOE["emails"], HOME]}),
        (op("add", "emails", ZOE["emails"]), {}),
        (
            op("add", "emails", [{**HOME, "primary": True}]),
            {"emails": [{**ZOE["emails"][0], "primary": False}, {**HOME, "primary": True}]},
        ),
        (op("replace", "emails", HOME), {"emails": [HOME]}),
        (op("replace", "emails", "x@y.example"), {"emails": [{"value": "x@y.example"}]}),
        (
            op("Replace", 'emails[type eq "work"].value', "z@y.example"),
            {"emails": [{"value": "z@y.example", "type": "work", "primary": True}]},
        ),
        (op("Add", 'emails[type eq "home"].value', HOME["value"]), {"emails": [*ZOE["emails"], HOME]}),
        (op("replace", 'phoneNumbers[type eq "work"]', {"value": "9"}),
         {"phoneNumbers": [{"value": "9", "type": "work"}, {"value": "2", "type": "mobile"}]}),
        (op("remove", 'phoneNumbers[type eq "work"]'), {"phoneNumbers": [{"value": "2", "type": "mobile"}]}),
        (op("remove", 'phoneNumbers[type eq "work"].value'), {"phoneNumbers": [{"value": "2", "type": "mobile"}]}),
        (op("remove", 'phoneNumbers[type eq "work"].type'),
         {"phoneNumbers": [{"value": "1"}, {"value": "2", "type": "mobile"}]}),
        (op("remove", 'phoneNumbers[type eq "fax"]'), {}),
        (op("remove", "phoneNumbers"), {"phoneNumbers": None}),
        (op("replace", "phoneNumbers", []), {"phoneNumbers": None}),
    ],
)  # fmt: skip
def test_a_user_is_patched(operation, changes):
    assert patched(ZOE, operation) == changes


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        (op("add", "members", [{"value": "3"}]), ["1", "2", "3"]),
        (op("Add", "members", [{"value": "2"}, {"value": "3", "$ref": None}]), ["1", "2", "3"]),
        (op("add", None, {"members": [{"value": "3", "display": "C"}]}), ["1", "2", "3"]),
        (op("remove", 'members[value eq "1"]'), ["2"]),
        (op("Remove", "members", [{"value": "1"}]), ["2"]),
        (op("remove", 'members[value eq "9"]'), ["1", "2"]),
        (op("remove", "members"), []),
        (op("replace", "members", [{"value": "7"}]), ["7"]),
        (op("replace", None, {"id": "t", "displayName": "Nurses"}), ["1", "2"]),
    ],
)
def test_members_of_a_group_are_patched(operation, members):
    result = patch.apply(GROUPS, TEAM, {"Operations": [operation]})
    assert [one["value"] for one in result.get("members", [])] == members


def test_operations_follow_one_another():
    first, second = op("add", "members", [{"value": "3"}]), op("remove", 'members[value eq "3"]')
    assert patched(TEAM, first, second) == {}


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        (op("move", "title", "x"), InvalidSyntax),
        ({"path": "title"}, InvalidSyntax),
        ("title", InvalidSyntax),
        (op("remove"), NoTarget),
        (op("replace", None, "x"), InvalidValue),
        (op("replace", 5, "x"), InvalidPath),
        (op("replace", "unheardOf", "x"), InvalidPath),
        (op("replace", "urn:x:y:active", True), InvalidPath),
        (op("replace", "title.part", "x"), InvalidPath),
        (op("replace", 'title[a eq "b"]', "x"), InvalidPath),
        (op("replace", 'name[a eq "b"]', {}), InvalidPath),
        (op("replace", "name.part", "x"), InvalidPath),
        (op("replace", "emails.part", "x"), InvalidPath),
        (op("replace", "id", "x"), NotMutable),
        (op("replace", "meta.version", "x"), NotMutable),
        (op("replace", "groups", []), NotMutable),
        (op("add", "groups", [{"value": "x"}]), NotMutable),
        (op("remove", "userName"), InvalidValue),
        (op("replace", "userName", ""), InvalidValue),
        (op("remove", "active"), InvalidValue),
        (op("remove", "emails"), InvalidValue),
        (op("replace", "active", "maybe"), InvalidValue),
        (op("replace", "active", 1), InvalidValue),
        (op("replace", "title", {"a": 1}), InvalidValue),
        (op("replace", "title", "x" * 200), InvalidValue),
        (op("replace", "name", "x"), InvalidValue),
        (op("add", "emails", [5]), InvalidValue),
        (op("add", "emails", [{"value": f"{n}@x.example"} for n in range(30)]), InvalidValue),
        (op("replace", 'emails[type ne "work"].value', "x"), NoTarget),
    ],
)
def test_what_can_not_be_patched_is_refused(operation, error):
    with pytest.raises(error):
        patch.apply(USERS, ZOE, {"Operations": [operation]})


@pytest.mark.parametrize(
    "body", [None, [], "x", {}, {"Operations": []}, {"Operations": {}}, {"operation": [op("add")]}]
)
def test_what_is_no_patch_is_refused(body):
    with pytest.raises(InvalidSyntax):
        patch.apply(USERS, ZOE, body)


def test_there_is_an_end_to_operations():
    with pytest.raises(TooLarge):
        patch.apply(USERS, ZOE, {"Operations": [op("remove", "title")] * 1001})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["value", "type", "primary", "name", "active", "emails", "x"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
PATHS = st.sampled_from(
    ["active", "emails", 'emails[type eq "work"].value', "emails.value", 'emails[primary gt "a"]', "name", "name.x",
     "name.givenName", "userName", "x", "", "groups", 'phoneNumbers[value pr and type eq "fax"]', "[", ENTERPRISE]
)  # fmt: skip


@given(st.lists(st.builds(op, st.sampled_from(["add", "replace", "remove", "x"]), st.none() | PATHS, JSON), max_size=4))
def test_any_patch_is_done_or_refused(operations):
    try:
        result = patch.apply(USERS, ZOE, {"Operations": operations})
    except ScimError:
        return
    assert result["userName"]
    assert isinstance(result["active"], bool)
    assert all(isinstance(one, dict) for one in result["emails"])
