"""What can be wrong with the configuration of a run and with joining its score inputs."""

from __future__ import annotations

from openasm.base.problems import Severity, declare

_REFERENCE = "See docs/reference/run-config.md; `openasm run CONFIG.toml --dry-run` shows what a configuration means."

NOT_TOML = declare("N001", "the configuration is no TOML text", expected="TOML 1.0 in UTF-8", next_step=_REFERENCE)
UNKNOWN_SECTION = declare(
    "N002", "the configuration has a section that is not known", expected="a documented section", next_step=_REFERENCE
)
UNKNOWN_KEY = declare("N003", "a key is not known", expected="a documented key of its section", next_step=_REFERENCE)
WRONG_KIND = declare("N004", "a value is of another kind", expected="as documented", next_step=_REFERENCE)
NOT_ALLOWED = declare("N005", "a value is not one of those allowed", expected="as documented", next_step=_REFERENCE)
KEY_MISSING = declare("N006", "a key that is needed is missing", expected="the key named", next_step=_REFERENCE)
PATH_MISSING = declare(
    "N007",
    "a file or folder the configuration names is not there",
    expected="a path that exists, relative to the configuration's own folder",
    next_step="Put it there or correct the path.",
)
NOT_TOGETHER = declare(
    "N008", "keys of the configuration do not go together", expected="as documented", next_step=_REFERENCE
)
NOTHING_TO_DO = declare(
    "N009",
    "the configuration asks for nothing",
    expected="claims, records or score inputs",
    next_step="Name at least one of [claims] sources, [records] source, [score_inputs] peers or participants.",
)
UNREADABLE = declare(
    "N010",
    "a file the configuration names cannot be read",
    expected="files this account may read",
    next_step="Check the rights of the file and of its folder, and the disk; then start the same run again.",
)
NOT_A_RUN_BEFORE = declare(
    "N011",
    "an earlier run that the configuration names is no run folder",
    expected="folders that `openasm run` or `openasm score` wrote",
    next_step="Give the folder that was named with --out.",
)
CHANGED_MEANWHILE = declare(
    "N012",
    "an input changed while the run read it",
    expected="files that stay as they are until the run has ended",
    next_step="Start the same run again when the delivery is complete; stages finished before are kept. Copy deliveries under "
    "another name and rename them when they are whole.",
)

GIVEN_AND_COMPUTED = declare(
    "N020",
    "a row is given and computed as well",
    expected="one row a TIN, NPI and measure (of attestations: TIN and item)",
    next_step='Say with when_both = "computed" or "given" in [score_inputs] which of the two counts, or take the rows out of the peers.',
)
LEFT_OUT = declare(
    "N021",
    "rows were left out for others about the same",
    expected="one row a TIN, NPI and measure (of attestations: TIN and item)",
    next_step="Nothing needs doing when [score_inputs] when_both says what you mean.",
    severity=Severity.WARNING,
)
OF_NOBODY = declare(
    "N022",
    "computed rows are about nobody in participants and were left out",
    expected="a row of participants for everybody who is to be scored",
    next_step="Add the clinicians with their cohort and Part B payments to participants, if they take part.",
    severity=Severity.WARNING,
)
PARTICIPANT_TWICE = declare(
    "N023",
    "a participant is given twice",
    expected="a TIN, NPI and cohort either in the peers or in one's own participants",
    next_step="Take the row out of one of the two.",
)
NOTHING_COMPUTED = declare(
    "N024",
    "no computed row is about one's own practices",
    expected="cost or quality rows of the own TINs",
    next_step="Compare own_tins or the roster with the TINs in scores/cost.csv and scores/quality_by_clinician.csv.",
    severity=Severity.WARNING,
)

OUT_OF_MEMORY = declare(
    "N030",
    "the memory did not suffice",
    expected="more memory, or less work at once",
    next_step="Close other programs, give a smaller --jobs or another [run] memory; finished stages are kept.",
)
DISK_FULL = declare(
    "N031",
    "the disk is full",
    expected="room for the stages and the run",
    next_step="Make room, or move the store or the spill folder with [run] store and spill; finished stages are kept.",
)
