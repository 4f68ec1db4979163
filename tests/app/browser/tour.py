"""The tour: which pages the browser looks at, as whom, for every address that answers GET.

A new address without an entry in TOUR or NOT_PAGES fails tests/app/test_tour.py. Arguments that an address needs stand in ARGUMENTS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Visit:
    """One page. picture: its name; part: who looks, None for nobody; at: which practice; query: what follows the address.

    also: further pictures of it (`phone`, `dark`, `phone-dark`); status: what it answers; arguments: other than ARGUMENTS.
    """

    picture: str
    part: str | None = "nurse"
    at: str = "main"
    query: str = ""
    also: tuple[str, ...] = ()
    status: int = 200
    arguments: Mapping[str, object] | None = None


# name of an argument of an address -> a value, or the name of a fact of the furnished site
ARGUMENTS: Mapping[str, object] = {
    "npi": "npi",
    "measure": "134",
    "patient": "patient",
    "number": 1,
    "year": 2027,
    "arrangement": "arrangement",
    "package": "package",
    "secret": "invitation",
    "uidb36": "1",
    "system": "system",
    "membership": "membership",
}

TOUR: Mapping[str, tuple[Visit, ...]] = {
    # the entrance
    "account_login": (Visit("sign-in", None, also=("phone",)),),
    "account_inactive": (Visit("switched-off", None),),
    "account_reset_password": (Visit("password-forgotten", None),),
    "account_reset_password_done": (Visit("password-mail-sent", None),),
    "account_reset_password_from_key": (Visit("password-link-old", None, arguments={"key": "no-key"}),),
    "account_reset_password_from_key_done": (Visit("password-set", None),),
    "invitation": (Visit("invitation", None),),
    # the own account
    "practices": (Visit("practices", "system manager"), Visit("no-practice", "outsider")),
    "account": (Visit("account", "manager"),),
    "tokens": (Visit("tokens", "manager"),),
    "account_change_password": (Visit("password", "manager"),),
    "account_reauthenticate": (Visit("confirm", "manager"),),
    "account_logout": (Visit("sign-out", "manager"),),
    "mfa_index": (Visit("second-factor", "manager"),),
    "mfa_reauthenticate": (Visit("confirm-with-code", "manager"),),
    "mfa_activate_totp": (Visit("authenticator-app", "newcomer"),),
    "mfa_deactivate_totp": (Visit("authenticator-app-off", "viewer"),),
    "mfa_view_recovery_codes": (Visit("recovery-codes", "viewer"),),
    "mfa_generate_recovery_codes": (Visit("recovery-codes-new", "viewer"),),
    "mfa_list_webauthn": (Visit("passkeys", "manager"),),
    "mfa_add_webauthn": (Visit("passkey-new", "manager"),),
    # where we stand
    "today": (
        Visit("today", "manager", also=("phone", "dark")),
        Visit("today-clinician", "clinician"),
        Visit("today-without-a-run", "system manager", at="empty"),
    ),
    "practice": (
        Visit("practice", "manager", also=("phone", "dark")),
        Visit("practice-without-a-run", "system manager", at="empty"),
        Visit("not-found", "outsider", status=404),
    ),
    "how_sure": (Visit("how-sure", "viewer"),),
    "clinician": (Visit("clinician", "viewer", also=("phone", "dark")),),
    "explanation": (Visit("explanation", "viewer"),),
    "measures": (Visit("measures", "manager"), Visit("measures-without-a-run", "system manager", at="empty")),
    "measure": (Visit("measure", "manager"),),
    "episodes": (
        Visit("episodes", "manager"),
        Visit("episodes-without-a-run", "system manager", at="empty"),
    ),
    "attributed_patients": (Visit("attributed-patients", "manager"),),
    "episode": (Visit("episode", "manager", also=("phone",), arguments={"number": "episode"}),),
    "what_if": (Visit("what-if", "viewer", also=("phone",)),),
    "compare": (Visit("compare", "viewer"), Visit("compare-one-run", "packer", at="packing")),
    "compare_clinician": (Visit("compare-clinician", "viewer"),),
    "mips": (Visit("mips", "manager"),),
    # what to do
    "worklist": (
        Visit("worklist", "nurse", also=("phone", "dark")),
        Visit("worklist-clinician", "clinician"),
        Visit("worklist-without-a-run", "system manager", at="empty"),
        Visit("not-allowed", "viewer", status=403),
    ),
    "worklist_worth": (Visit("worth", "nurse"),),
    "worklist_history": (Visit("worklist-closed", "nurse"),),
    "worklist_patient": (Visit("patient", "nurse"),),
    "readiness": (Visit("readiness", "nurse", also=("phone",)),),
    "readiness_task": (Visit("readiness-task", "nurse", arguments={"key": "registration"}),),
    "primary_care": (Visit("primary-care"), Visit("primary-care-clinician", "clinician")),
    "primary_care_patient": (Visit("primary-care-patient", arguments={"patient": "primary_care_patient"}),),
    "telehealth": (Visit("telehealth"),),
    "calendar": (Visit("calendar", "manager"),),
    # attesting and registers
    "attestations": (
        Visit("attestations", "attester", also=("phone", "dark")),
        Visit("attestations-signed", "other manager", at="other"),
    ),
    "attestation_sign": (Visit("attestation-sign", "attester"),),
    "attestation_version": (Visit("attestation-version", "other manager", at="other", arguments={"number": 3}),),
    "arrangements": (Visit("arrangements"), Visit("arrangements-none", "packer", at="packing")),
    "new_arrangement": (Visit("arrangement-new"),),
    "arrangement": (Visit("arrangement"),),
    "arrangement_shared": (Visit("arrangement-shared"),),
    "incentives": (Visit("incentives"), Visit("incentives-none", "packer", at="packing")),
    "requests": (Visit("requests"), Visit("requests-none", "packer", at="packing")),
    "levels": (Visit("levels", "manager"),),
    "submissions": (Visit("submissions", "packer", at="packing"), Visit("submissions-none", "nurse")),
    "submission": (Visit("submission", "packer", at="packing"),),
    "binder": (Visit("binder", "other manager", at="other"), Visit("binder-empty", "nurse")),
    # data, people, audit
    "data": (Visit("data", "manager"),),
    "data_run": (
        Visit("data-run-refused", "manager", arguments={"key": "feed_run"}),
        Visit("data-run-finished", "other manager", at="other", arguments={"key": "finished_run"}),
    ),
    "data_problems": (Visit("data-problems", "manager"),),
    "members": (Visit("members", "manager"),),
    "change_role": (Visit("role", "manager"),),
    "practice_audit": (Visit("audit", "manager"),),
    # the installation
    "installation": (Visit("installation", "operator"),),
    "accounts": (Visit("accounts", "operator"),),
    "systems": (Visit("systems", "operator"),),
    "system": (Visit("system", "operator"),),
    "roll_up": (Visit("system-results", "system manager"),),
    "hook_clients": (Visit("ehr-connections", "operator"),),
    "audit": (Visit("audit-of-everything", "operator"),),
    "look_up": (
        Visit("look-up", "viewer"),
        Visit("look-up-state", "viewer", query="?q=TX&by=state", also=("phone",)),
        Visit("look-up-place", "viewer", query="?q=77002"),
        Visit("look-up-name", "viewer", query="?q=vanhasel"),
    ),
    "look_up_setting": (Visit("look-up-setting", "operator"),),
}

_FILE = "a file"
_FOR_PROGRAMS = "an answer for programs"
NOT_PAGES: Mapping[str, str] = {
    "practice_audit_csv": _FILE,
    "clinicians_file": _FILE,
    "measures_file": _FILE,
    "worklist_file": _FILE,
    "episodes_file": _FILE,
    "patients_file": _FILE,
    "compare_file": _FILE,
    "document": _FILE,
    "primary_care_file": _FILE,
    "telehealth_file": _FILE,
    "arrangement_shared_file": _FILE,
    "attestations_file": _FILE,
    "binder_file": _FILE,
    "submission_file": _FILE,
    "scorecard": _FILE,
    "readiness_calendar": _FILE,
    "calendar_feed": _FILE,
    "mfa_download_recovery_codes": _FILE,
    "api_description": _FOR_PROGRAMS,
    "api_nothing": _FOR_PROGRAMS,
    "api_practices": _FOR_PROGRAMS,
    "api_practice": _FOR_PROGRAMS,
    "api_runs": _FOR_PROGRAMS,
    "api_participants": _FOR_PROGRAMS,
    "api_measures": _FOR_PROGRAMS,
    "api_gaps": _FOR_PROGRAMS,
    "api_episodes": _FOR_PROGRAMS,
    "api_deadlines": _FOR_PROGRAMS,
    "account_set_password": "every account has a password, so it always leads on",
    "mfa_authenticate": "seen on the way through every sign-in (test_journeys_entrance.py)",
    "mfa_login_webauthn": "data for the browser's passkey dialog",
    "mfa_reauthenticate_webauthn": "seen with a passkey (test_journeys_entrance.py)",
    "mfa_edit_webauthn": "seen with a passkey (test_journeys_entrance.py)",
    "mfa_remove_webauthn": "seen with a passkey (test_journeys_entrance.py)",
}

# pictures taken on journeys, of states that a visit alone does not meet
JOURNEYS = (
    *("second-factor-asked", "second-factor-on", "passkeys-one", "passkey-name", "passkey-remove"),
    *("confirm-with-passkey", "patient-with-a-note", "attestations-sent-back", "incentives-warned"),
    *("submissions-refused", "data-refused", "data-run-refused-live", "look-up-without-sign-in", "look-up-too-often"),
    *(
        "data-run-running",
        "data-run-stopped",
        "calendar-address",
        "token-new",
        "ehr-connection-new",
        "recovery-codes-made",
    ),
    *("what-if-cannot", "form-expired", "something-broke", "database-unavailable", "too-many-tries"),
)
