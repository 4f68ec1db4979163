"""The access table: for every address of the workbench who may open it, said by hand. An address that is not here fails the matrix.

A new page adds one line. `members` are the parts (tests/app/conftest.py) that may, in their own practice; everybody else who is a
member gets 403, strangers 404, nobody signed in the sign-in page. get, post: the status for those who may (405: no such method).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

ALL_MEMBERS = frozenset({"manager", "nurse", "attester", "viewer", "clinician", "system manager", "other manager"})
SEE_PATIENTS = ALL_MEMBERS - {"viewer"}  # a clinician sees the own patients
EDITORS = frozenset({"manager", "nurse", "attester", "system manager", "other manager"})
ADMINISTRATORS = frozenset({"manager", "system manager", "other manager", "operator"})
SIGNERS = EDITORS - {"nurse"}  # attesters and administrators
EXPORTERS = frozenset({"manager", "attester", "system manager", "other manager"})
OPERATORS = frozenset({"operator"})
EVERY_ACCOUNT = ALL_MEMBERS | {"outsider", "operator"}


@dataclass(frozen=True)
class Access:
    """One address. kind: practice, signed_in, operators, token or everybody; arguments: of the address, from the stage."""

    kind: str
    members: frozenset[str] = frozenset()
    get: int | tuple[int, ...] = 200
    post: int | tuple[int, ...] = 405
    arguments: Mapping[str, Callable[[Any], object]] = field(default_factory=dict)
    of_practice: bool = False  # an operation of the interface for programs that is about a practice


def practice(members: frozenset[str], **rest: Any) -> Access:
    """A page of a practice."""
    return Access("practice", members, **rest)


def own(**rest: Any) -> Access:
    """A page about the person."""
    return Access("signed_in", EVERY_ACCOUNT, **rest)


def entrance(**rest: Any) -> Access:
    """A page that needs no sign-in."""
    return Access("everybody", **rest)


_BOTH: Mapping[str, Callable[[Any], object]] = {"npi": lambda _: "2999000039"}
_FORM = {"post": 200}
_SOME_REDIRECT = (200, 302)
_GROVE: Mapping[str, Callable[[Any], object]] = {"system": lambda stage: stage.grove.key}
_YEAR: Mapping[str, Callable[[Any], object]] = {"year": lambda _: 2027}
_NO_ARRANGEMENT: Mapping[str, Callable[[Any], object]] = {"arrangement": lambda _: "nosuchkey"}
_NO_PACKAGE: Mapping[str, Callable[[Any], object]] = {"package": lambda _: "nosuchkey"}

ACCESS: Mapping[str, Access] = {
    # people
    "practices": own(get=_SOME_REDIRECT),
    "installation": Access("operators", OPERATORS, post=200),
    "accounts": Access("operators", OPERATORS),
    "switch_account": Access("operators", OPERATORS, get=405, post=404, arguments={"user": lambda _: 1 << 40}),
    "end_account_sessions": Access("operators", OPERATORS, get=405, post=404, arguments={"user": lambda _: 1 << 40}),
    "systems": Access("operators", OPERATORS, post=200),
    "system": Access("operators", OPERATORS, post=200, arguments=_GROVE),
    "system_practice": Access("operators", OPERATORS, get=405, post=302, arguments=_GROVE),
    "remove_system_member": Access(
        "operators", OPERATORS, get=405, post=404, arguments={**_GROVE, "membership": lambda _: 1 << 40}
    ),
    "roll_up": own(get=(200, 404), arguments=_GROVE),  # tests/app/test_people_pages.py says who gets which
    "members": practice(ADMINISTRATORS, post=200),
    "change_role": practice(
        ADMINISTRATORS,
        get=(200, 404),
        post=(200, 404),
        arguments={"membership": lambda stage: stage.removable_membership},
    ),
    "end_member_sessions": practice(
        ADMINISTRATORS, get=405, post=302, arguments={"membership": lambda stage: stage.removable_membership}
    ),
    "remove_member": practice(
        ADMINISTRATORS, get=405, post=302, arguments={"membership": lambda stage: stage.removable_membership}
    ),
    "invitation": entrance(get=404, post=404, arguments={"secret": lambda _: "no-such-secret"}),
    "account": own(),
    "end_sessions": own(get=405, post=302),
    "tokens": own(post=200),
    "revoke_token": own(get=405, post=404, arguments={"token": lambda _: 1}),
    # audit
    "practice_audit": practice(ADMINISTRATORS),
    "practice_audit_csv": practice(ADMINISTRATORS),
    "audit": Access("operators", OPERATORS),
    # practice
    "practice": practice(ALL_MEMBERS),
    "how_sure": practice(ALL_MEMBERS),
    "worklist_worth": practice(ALL_MEMBERS),
    "clinicians_file": practice(ALL_MEMBERS, arguments={"form": lambda _: "csv"}),
    # today, measures, worklists
    "today": practice(ALL_MEMBERS),
    "measures": practice(ALL_MEMBERS),
    "measures_file": practice(ALL_MEMBERS, arguments={"form": lambda _: "csv"}),
    "measure": practice(ALL_MEMBERS, get=(200, 404), arguments={"measure": lambda _: "005"}),
    "worklist": practice(SEE_PATIENTS),
    "worklist_file": practice(EXPORTERS, arguments={"form": lambda _: "csv"}),
    "worklist_change_many": practice(SEE_PATIENTS, get=405, post=302),
    "worklist_find": practice(SEE_PATIENTS, get=405, post=302),
    "worklist_filter": practice(SEE_PATIENTS, get=405, post=302),
    "worklist_filter_remove": practice(SEE_PATIENTS, get=405, post=404, arguments={"saved": lambda _: 1}),
    "worklist_history": practice(SEE_PATIENTS),
    "worklist_patient": practice(SEE_PATIENTS, get=404, arguments={"patient": lambda _: "nosuchkey"}),
    "worklist_change": practice(
        SEE_PATIENTS, get=405, post=404, arguments={"patient": lambda _: "nosuchkey", "case": lambda _: 1}
    ),
    # documents and attestations
    "document": practice(EDITORS, get=404, arguments={"document": lambda _: "nosuchkey"}),
    "attestations": practice(EDITORS),
    "attestation_save": practice(EDITORS, get=405, post=200, arguments=_YEAR),
    "attestation_review": practice(EDITORS, get=405, post=302, arguments=_YEAR),
    "attestation_return": practice(EDITORS, get=405, post=302, arguments=_YEAR),
    "attestation_sign": practice(SIGNERS, get=302, post=302, arguments=_YEAR),
    "attestation_amend": practice(SIGNERS, get=405, post=302, arguments=_YEAR),
    "attestation_document": practice(EDITORS, get=405, post=302, arguments=_YEAR),
    "attestation_version": practice(EDITORS, get=404, arguments={**_YEAR, "number": lambda _: 1}),
    "attestations_file": practice(EDITORS, get=404, arguments=_YEAR),
    "attestation_use": practice(EDITORS, get=405, post=302, arguments=_YEAR),
    "readiness": practice(ALL_MEMBERS),
    # primary care and telehealth
    "primary_care": practice(SEE_PATIENTS),
    "primary_care_enter": practice(EDITORS, get=405, post=302),
    "primary_care_process": practice(EDITORS, get=405, post=302),
    "primary_care_file": practice(EXPORTERS, arguments={"form": lambda _: "csv"}),
    "primary_care_patient": practice(SEE_PATIENTS, get=404, arguments={"patient": lambda _: "nosuchkey"}),
    "telehealth": practice(SEE_PATIENTS),
    "telehealth_file": practice(EXPORTERS, arguments={"form": lambda _: "csv"}),
    # arrangements, incentives, requests
    "arrangements": practice(EDITORS),
    "new_arrangement": practice(EDITORS, post=200),
    "arrangement": practice(EDITORS, get=404, post=404, arguments=_NO_ARRANGEMENT),
    "arrangement_shared": practice(EDITORS, get=404, arguments=_NO_ARRANGEMENT),
    "arrangement_shared_file": practice(EXPORTERS, get=404, arguments={**_NO_ARRANGEMENT, "form": lambda _: "csv"}),
    "arrangement_document": practice(EDITORS, get=405, post=404, arguments=_NO_ARRANGEMENT),
    "arrangement_payment": practice(EDITORS, get=405, post=404, arguments=_NO_ARRANGEMENT),
    "cancel_payment": practice(EDITORS, get=405, post=404, arguments={**_NO_ARRANGEMENT, "payment": lambda _: 1}),
    "incentives": practice(EDITORS, post=200),
    "take_incentive_back": practice(EDITORS, get=405, post=404, arguments={"item": lambda _: "nosuchkey"}),
    "return_attempt": practice(EDITORS, get=405, post=404, arguments={"item": lambda _: "nosuchkey"}),
    "requests": practice(EDITORS, post=200),
    # submission and binder
    "submissions": practice(EDITORS, post=200),
    "levels": practice(ALL_MEMBERS),
    "mips": practice(ALL_MEMBERS),
    "submission": practice(EDITORS, get=404, arguments=_NO_PACKAGE),
    "submission_receipt": practice(EDITORS, get=405, post=404, arguments=_NO_PACKAGE),
    "submission_file": practice(EDITORS, get=404, arguments=_NO_PACKAGE),
    "binder": practice(EDITORS, arguments=_YEAR),
    "binder_file": practice(EDITORS, get=404, arguments=_YEAR),
    "request_step": practice(EDITORS, get=405, post=404, arguments={"key": lambda _: "nosuchkey"}),
    "readiness_reminders": practice(EDITORS, get=405, post=302),
    "readiness_calendar": practice(ALL_MEMBERS, arguments=_YEAR),
    "readiness_task": practice(EDITORS, post=200, arguments={**_YEAR, "key": lambda _: "registration"}),
    # data
    "data": practice(EDITORS),
    "data_upload": practice(EDITORS, get=405, post=400),
    "data_remove": practice(EDITORS, get=405, post=404, arguments={"key": lambda _: "nothing"}),
    "data_configuration": practice(EDITORS, get=405, post=400),
    "data_start": practice(EDITORS, get=405, post=302),
    "data_run": practice(EDITORS, get=404, arguments={"key": lambda _: "nothing"}),
    "data_resume": practice(EDITORS, get=405, post=404, arguments={"key": lambda _: "nothing"}),
    "data_stop": practice(EDITORS, get=405, post=404, arguments={"key": lambda _: "nothing"}),
    "data_problems": practice(EDITORS),
    # look-up: without sign-in it sends there, unless an operator has opened it
    "look_up": entrance(get=(200, "sign-in")),
    "what_if": practice(ALL_MEMBERS),
    "look_up_setting": Access("operators", OPERATORS, post=302),
    # clinicians: the NPI is in both practices
    "clinician": practice(ALL_MEMBERS, arguments=_BOTH),
    "explanation": practice(ALL_MEMBERS, arguments=_BOTH),
    "scorecard": practice(ALL_MEMBERS, get=302, arguments=_BOTH),  # without a copy of the run: back to the clinician
    # episodes
    "episodes": practice(SEE_PATIENTS),
    "attributed_patients": practice(SEE_PATIENTS),
    "episode": practice(SEE_PATIENTS, get=(200, 404), arguments={"number": lambda _: 1}),  # of Elm; elsewhere not found
    "episodes_file": practice(EXPORTERS, arguments={"form": lambda _: "csv"}),
    "patients_file": practice(EXPORTERS, arguments={"form": lambda _: "csv"}),
    # compare: the stage has one run
    "compare": practice(ALL_MEMBERS),
    "compare_clinician": practice(ALL_MEMBERS, get=404, arguments=_BOTH),
    "compare_file": practice(ALL_MEMBERS, get=404, arguments={"form": lambda _: "csv"}),
    # connections
    "calendar": practice(ALL_MEMBERS, post=200),
    "calendar_feed": entrance(get=404, post=(404, 405), arguments={"secret": lambda _: "no-such-secret"}),
    "hook_clients": Access("operators", OPERATORS, post=200),
    "end_hook_client": Access("operators", OPERATORS, get=405, post=404, arguments={"client": lambda _: 1}),
    # the interface for programs: sessions count for nothing, tokens are tried by the same matrix
    "api_description": entrance(get=200, post=(200, 405)),
    "api_nothing": entrance(get=404, post=404),
    "api_practices": Access("token", EVERY_ACCOUNT),
    "api_practice": Access("token", ALL_MEMBERS, of_practice=True),
    "api_runs": Access("token", ALL_MEMBERS, of_practice=True),
    "api_participants": Access("token", ALL_MEMBERS, of_practice=True),
    "api_measures": Access("token", ALL_MEMBERS, of_practice=True),
    "api_gaps": Access("token", SEE_PATIENTS, of_practice=True),
    "api_episodes": Access("token", SEE_PATIENTS, of_practice=True),
    "api_deadlines": Access("token", ALL_MEMBERS, of_practice=True),
    # allauth: signed in people are sent on from the entrance
    "account_login": entrance(get=_SOME_REDIRECT, post=_SOME_REDIRECT),
    "account_logout": entrance(get=_SOME_REDIRECT, post=302),
    "account_inactive": entrance(get=200, post=405),
    "account_reset_password": entrance(get=_SOME_REDIRECT, post=_SOME_REDIRECT),
    "account_reset_password_done": entrance(get=200, post=405),
    "account_reset_password_from_key": entrance(
        get=_SOME_REDIRECT, post=_SOME_REDIRECT, arguments={"uidb36": lambda _: "1", "key": lambda _: "no-key"}
    ),
    "account_reset_password_from_key_done": entrance(get=200, post=405),
    "mfa_authenticate": entrance(get=302, post=302),
    "mfa_login_webauthn": entrance(get=_SOME_REDIRECT, post=302),
    "account_change_password": own(post=200),
    "account_set_password": own(get=302, post=302),
    "account_reauthenticate": own(get=_SOME_REDIRECT, post=_SOME_REDIRECT),
    "mfa_index": own(),
    "mfa_reauthenticate": own(get=_SOME_REDIRECT, post=_SOME_REDIRECT),
    "mfa_activate_totp": own(get=_SOME_REDIRECT, post=_SOME_REDIRECT),
    "mfa_deactivate_totp": own(post=_SOME_REDIRECT),
    "mfa_view_recovery_codes": own(get=(200, 404), post=405),
    "mfa_generate_recovery_codes": own(get=_SOME_REDIRECT, post=_SOME_REDIRECT),
    "mfa_download_recovery_codes": own(get=(200, 404), post=(404, 405)),
    "mfa_list_webauthn": own(get=200, post=405),
    "mfa_add_webauthn": own(post=200),
    "mfa_reauthenticate_webauthn": own(get=_SOME_REDIRECT, post=_SOME_REDIRECT),
    "mfa_remove_webauthn": own(get=404, post=404, arguments={"pk": lambda _: 1}),
    "mfa_edit_webauthn": own(get=404, post=404, arguments={"pk": lambda _: 1}),
}
